"""What became of the money of each attempt, built from the events of its job. Pure.

`releases` is the one rule for when an attempt stops counting. `jobs.py` applies it to the totals of a job, which a
start reads without the event log; this module applies it to the single attempts, for `ledger.csv`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from batchvid.domain import events as ev
from batchvid.domain.failures import Charged
from batchvid.domain.job_spec import JobSpec, Price
from batchvid.domain.origins import EMBEDDED_ORIGIN


class AttemptStatus(StrEnum):
    """What became of an attempt's money. All but released ones and rehearsals count under the caps."""

    RESERVED = "reserved"
    """The call is out, or its task runs: the price is set aside."""
    HELD = "held"
    """The call got no verdict: set aside until it is resolved."""
    SPENT = "spent"
    """Paid: the task finished, or failed and the vendor says that it charged."""
    MAYBE = "maybe"
    """Ended without a clip, and it is unknown whether it was charged: ask the vendor's support."""
    RELEASED = "released"
    """Not paid: refused, or failed and not charged."""
    REHEARSAL = "rehearsal"
    """Made by the emulator, which charges nothing."""


CHARGED = {
    AttemptStatus.RESERVED: "",
    AttemptStatus.HELD: Charged.UNKNOWN.value,
    AttemptStatus.SPENT: Charged.YES.value,
    AttemptStatus.MAYBE: Charged.UNKNOWN.value,
    AttemptStatus.RELEASED: Charged.NO.value,
    AttemptStatus.REHEARSAL: Charged.NO.value,
}
"""Whether an attempt was paid for, by its status; empty while that is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One row: the `number`th paid call of a job, begun `at` (UTC), for at most `price` and so many seconds of video.

    `origin` is where it was sent, `model` its id on the wire, `actual_usd` the cost in the vendor's reply, empty where
    it has none, `cost_usd` what it counts as because of that cost (None: its price).
    """

    job: str
    number: int
    provider: str
    model: str
    tags: tuple[str, ...]
    at: datetime
    price: Price
    seconds: float | None
    origin: str = ""
    task_id: str = ""
    status: AttemptStatus = AttemptStatus.RESERVED
    actual_usd: str = ""
    cost_usd: Decimal | None = None

    @property
    def counts(self) -> bool:
        """Whether it may have been paid for."""
        return self.status not in (AttemptStatus.RELEASED, AttemptStatus.REHEARSAL)

    @property
    def settled_usd(self) -> Decimal | None:
        """What it counts as: its cost, else its price; nothing if it is not paid, None when unknown."""
        if not self.counts:
            return Decimal(0)
        return self.price.usd if self.cost_usd is None else self.cost_usd


NEXT_STATUS: dict[type[ev.Event], dict[AttemptStatus, AttemptStatus]] = {
    ev.SubmitStarted: {},
    ev.SubmitAccepted: {AttemptStatus.HELD: AttemptStatus.RESERVED},
    ev.SubmitRefused: {},
    ev.SubmitLost: {AttemptStatus.RESERVED: AttemptStatus.HELD},
    ev.TaskSucceeded: {AttemptStatus.RESERVED: AttemptStatus.SPENT},
    ev.TaskFailed: {},
    ev.GaveUp: {AttemptStatus.RESERVED: AttemptStatus.MAYBE},
    ev.Reopened: {AttemptStatus.HELD: AttemptStatus.MAYBE},
    ev.PollResumed: {AttemptStatus.MAYBE: AttemptStatus.RESERVED},
    ev.CostBilled: {AttemptStatus.RELEASED: AttemptStatus.SPENT},
}
"""The events that concern money, and the status that each gives the last attempt; any other status stays. What
`releases` covers is not repeated here."""

_FAILED = {Charged.YES: AttemptStatus.SPENT, Charged.UNKNOWN: AttemptStatus.MAYBE}


def releases(event: ev.Event) -> bool:
    """Whether the event says that the last attempt was not paid: refused, or failed and not charged."""
    return isinstance(event, ev.SubmitRefused) or (isinstance(event, ev.TaskFailed) and event.charged is Charged.NO)


def build_attempts(spec: JobSpec, events: Iterable[ev.Event]) -> list[Attempt]:
    """The attempts of one job, from its events in their order. Events that do not concern money may be left out."""
    rows: list[Attempt] = []
    for event in events:
        if isinstance(event, ev.SubmitStarted):
            rows.append(_started(spec, len(rows) + 1, event))
        elif isinstance(event, ev.CostBilled):
            if event.attempt <= len(rows):
                rows[event.attempt - 1] = _billed(rows[event.attempt - 1], event)
        elif rows:
            rows[-1] = _moved(rows[-1], event)
    return rows


def _started(spec: JobSpec, number: int, event: ev.SubmitStarted) -> Attempt:
    return Attempt(
        job=spec.id,
        number=number,
        provider=event.provider or spec.provider,
        model=event.model,
        tags=spec.tags,
        at=event.at,
        price=event.price,
        seconds=event.duration_s,
        origin=event.origin,
        status=AttemptStatus.REHEARSAL if event.is_rehearsal else AttemptStatus.RESERVED,
    )


def _moved(row: Attempt, event: ev.Event) -> Attempt:
    row = _rehearsed(row, event)
    if row.status is AttemptStatus.REHEARSAL:
        return replace(row, task_id=event.task_id) if isinstance(event, ev.SubmitAccepted) else row
    if releases(event):
        return replace(row, status=AttemptStatus.RELEASED)
    status = NEXT_STATUS.get(type(event), {}).get(row.status, row.status)
    match event:
        case ev.SubmitAccepted():
            return _settled(replace(row, status=status, task_id=event.task_id), event)
        case ev.TaskSucceeded():
            return _settled(replace(row, status=status), event)
        case ev.TaskFailed():
            return _settled(replace(row, status=_FAILED[event.charged]), event)
        case _:
            return row if status is row.status else replace(row, status=status)


def _billed(row: Attempt, event: ev.CostBilled) -> Attempt:
    status = NEXT_STATUS[ev.CostBilled].get(row.status, row.status)
    return replace(row, status=status, actual_usd=event.actual_usd, cost_usd=event.cost_usd)


def _rehearsed(row: Attempt, event: ev.Event) -> Attempt:
    """The row once a reply shows whether it is a rehearsal. A reply of a provider proves that it is none."""
    if isinstance(event, ev.SubmitAccepted | ev.SubmitRefused | ev.SubmitLost) and event.rehearsal:
        return replace(row, status=AttemptStatus.REHEARSAL)
    is_real = isinstance(event, ev.SubmitAccepted) and row.origin != EMBEDDED_ORIGIN
    if is_real and row.status is AttemptStatus.REHEARSAL:
        return replace(row, status=AttemptStatus.RESERVED)
    return row


def _settled(row: Attempt, event: ev.SubmitAccepted | ev.TaskSucceeded | ev.TaskFailed) -> Attempt:
    """The row with the cost in the reply. `jobs.py` applies the same to the totals of a job."""
    if event.cost_usd is None:
        return replace(row, actual_usd=event.actual_usd or row.actual_usd)
    return replace(row, actual_usd=event.actual_usd, cost_usd=event.cost_usd)


@dataclass(frozen=True, slots=True)
class Sum:
    """So many attempts, for so much in all at most; `unpriced` of them have no known price."""

    attempts: int = 0
    usd: Decimal = Decimal(0)
    unpriced: int = 0


def sums(attempts: Iterable[Attempt]) -> dict[AttemptStatus, Sum]:
    """The total of each status."""
    totals = dict.fromkeys(AttemptStatus, Sum())
    for row in attempts:
        old, usd = totals[row.status], row.settled_usd
        totals[row.status] = Sum(old.attempts + 1, old.usd + (usd or 0), old.unpriced + (usd is None))
    return totals
