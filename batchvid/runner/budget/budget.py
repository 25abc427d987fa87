"""The budget: what is committed under each cap, and whether one more attempt fits. Pure.

An attempt counts from its reservation on, until the vendor reports that it was not charged. It counts at its price,
from the reply on that names a cost at that cost (domain/costs.py). A rehearsal counts only under the caps of its own
run: it shows what they do, and leaves nothing behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from batchvid.domain.attempts import Attempt
from batchvid.domain.cap_use import CapUse
from batchvid.domain.failures import Charged
from batchvid.domain.job_spec import JobSpec, Price
from batchvid.domain.jobs import Job
from batchvid.runner.budget.caps import MEASURES, NEXT_STEP, Cap, Period
from batchvid.runner.budget.price_lines import price_lines

Amount = Decimal | int | float
WARN_AT = Decimal("0.8")  # of a cap: early enough to raise it


@dataclass(frozen=True, slots=True)
class Charge:
    """What one attempt costs: one clip, at most `usd` (None: unknown) and `seconds` of video (None: unknown).

    `model` is named where the attempt cannot be counted.
    """

    provider: str
    tags: tuple[str, ...]
    at: datetime
    usd: Decimal | None
    seconds: float | None
    model: str = ""

    @classmethod
    def for_spec(cls, spec: JobSpec, price: Price, duration_s: float | None, at: datetime) -> Charge:
        """The charge of a new attempt."""
        return cls(spec.provider, spec.tags, at, price.usd, duration_s, spec.request.model)

    @classmethod
    def from_job(cls, job: Job) -> Charge:
        """The charge of a job's last attempt."""
        assert job.submitted_at is not None  # noqa: S101 - an attempt has begun
        return cls(job.spec.provider, job.spec.tags, job.submitted_at, job.counted_usd, job.billed_duration_s)

    @classmethod
    def from_attempt(cls, attempt: Attempt) -> Charge:
        """The charge of an attempt in the ledger."""
        return cls(attempt.provider, attempt.tags, attempt.at, attempt.settled_usd, attempt.seconds)


@dataclass(frozen=True, slots=True)
class CapExceeded:
    """Why an attempt may not be made. `cap` is None if the reason lies in the job: no cap can count it.

    `to_write` are the lines of batchvid.toml that change that, if there are any.
    """

    reason: str
    cap: Cap | None = None
    to_write: str = ""

    def __str__(self) -> str:
        """The reason, and what the user can do if a cap is reached."""
        return f"{self.reason}. {NEXT_STEP[self.cap.period]}" if self.cap else self.reason


@dataclass(slots=True)
class _Sum:
    """A total. `seconds` are of video."""

    usd: Decimal = Decimal(0)
    clips: int = 0
    seconds: float = 0.0

    def add(self, charge: Charge, times: int) -> None:
        self.usd += (charge.usd or 0) * times
        self.clips += times
        self.seconds += (charge.seconds or 0.0) * times


@dataclass(slots=True)
class _Account:
    """One cap and what is committed under it, by day if it is a daily cap.

    Open reservations are kept separately and count on every day: a call may go out after midnight.
    """

    cap: Cap
    days: dict[date | None, _Sum] = field(default_factory=dict)
    reserved: _Sum = field(default_factory=_Sum)
    warned: set[str] = field(default_factory=set)

    def covers(self, charge: Charge) -> bool:
        return self.cap.covers(charge.provider, charge.tags)

    def add(self, charge: Charge, times: int) -> None:
        self.days.setdefault(self._day(charge.at), _Sum()).add(charge, times)

    def used(self, at: datetime) -> _Sum:
        """What is committed at this time."""
        done = self.days.get(self._day(at), _Sum())
        open_ = self.reserved
        return _Sum(done.usd + open_.usd, done.clips + open_.clips, done.seconds + open_.seconds)

    def limits(self) -> Iterator[tuple[str, Amount]]:
        """The capped measures and their limits."""
        for measure in MEASURES:
            limit = getattr(self.cap.limits, measure)
            if limit is not None:
                yield measure, limit

    def uncountable(self, charge: Charge) -> CapExceeded | None:
        """Why this cap cannot count the attempt, None if it can. An unknown amount fits under no cap."""
        cap = self.cap
        if cap.limits.usd is not None and charge.usd is None and not cap.allow_unpriced:
            return CapExceeded(
                f"unknown price of {charge.model} at {charge.provider}: {cap.prefix}usd needs it in batchvid.toml, or "
                f"{cap.budget}.allow_unpriced",
                to_write=price_lines(charge.provider, charge.model, charge.seconds),
            )
        if cap.limits.seconds is not None and charge.seconds is None:
            return CapExceeded(f"unknown length: {cap.prefix}seconds needs duration_s for it")
        return None

    def exceeded(self, charge: Charge) -> str:
        """Which limit one more attempt would exceed and by how much, empty if it fits."""
        used, after = self.used(charge.at), self.used(charge.at)
        after.add(charge, 1)
        for measure, limit in self.limits():
            if getattr(after, measure) > limit:
                return f"{self.describe(measure, limit, used)}{_MORE[measure].format(charge=charge)}"
        return ""

    def describe(self, measure: str, limit: Amount, used: _Sum) -> str:
        """`budget.per_day.usd is 10: 9.90 are committed today (UTC)`."""
        committed = f"{_format(getattr(used, measure))} are committed{_WHEN[self.cap.period]}"
        return f"{self.cap.prefix}{measure} is {_format(limit)}: {committed}"

    def _day(self, at: datetime) -> date | None:
        return at.date() if self.cap.period is Period.DAY else None


_WHEN = {Period.ALWAYS: "", Period.DAY: " today (UTC)", Period.RUN: " in this run"}
_MORE = {"usd": ", one more may cost {charge.usd}", "clips": "", "seconds": ", one more takes {charge.seconds:g}"}


class Budget:
    """All caps of a run, and what is committed under them.

    `earlier` are the charges of earlier runs' attempts that may have been paid. An attempt is reserved before it is
    recorded; from then on the events of its job decide what it counts as (`settle`).
    """

    def __init__(self, caps: Iterable[Cap] = (), earlier: Iterable[Charge] = ()) -> None:
        self._accounts = [_Account(cap) for cap in caps]
        self._reserved: dict[str, Charge] = {}
        self._begun: set[str] = set()  # jobs whose last attempt was made by this run
        lasting = [account for account in self._accounts if account.cap.period is not Period.RUN]
        for charge in earlier if lasting else ():
            for account in lasting:
                if account.covers(charge):
                    account.add(charge, 1)

    def check(self, charge: Charge) -> CapExceeded | None:
        """Why one more attempt may not be made, None if it may."""
        for account in self._covering(charge):
            if exceeded := account.uncountable(charge):
                return exceeded
        for account in self._covering(charge):
            if why := account.exceeded(charge):
                return CapExceeded(why, account.cap)
        return None

    def reserve(self, job_id: str, charge: Charge) -> list[str]:
        """Reserve an attempt that is about to be made. Returns warnings about caps that are nearly reached."""
        self._reserved[job_id] = charge
        warnings: list[str] = []
        for account in self._covering(charge):
            account.reserved.add(charge, 1)
            warnings += _warnings(account, charge.at)
        return warnings

    def cancel(self, job_id: str) -> Charge:
        """Cancel a reservation: the attempt is not made, or the job counts it now. Returns the reserved charge."""
        charge = self._reserved.pop(job_id)
        for account in self._covering(charge):
            account.reserved.add(charge, -1)
        return charge

    def settle(self, before: Job, after: Job) -> Charge | None:
        """Count what an event changed. Returns the charge that was given back, if any."""
        if after.attempts > before.attempts:
            self.cancel(after.id)
            self._begun.add(after.id)
            self._count(after, 1)
        elif after.rehearsal and not before.rehearsal and after.charged is not Charged.NO:
            self._count_lasting(before, -1)  # the reply is the emulator's
            return Charge.from_job(before)
        elif before.committed_attempts < after.committed_attempts:
            self._count_lasting(before, 1)  # the reply is a provider's after all
        elif after.rehearsal:
            return self._release_rehearsal(before, after)
        elif after.committed_attempts < before.committed_attempts:
            self._count(before, -1)
            self._begun.discard(after.id)
            return Charge.from_job(after)
        elif before.attempts and before.committed_usd != after.committed_usd:  # the reply names a cost
            self._count(before, -1)
            self._count(after, 1)
            return Charge.from_job(after) if after.committed_usd < before.committed_usd else None
        return None

    def _release_rehearsal(self, before: Job, after: Job) -> Charge | None:
        """Give back a rehearsed attempt that a provider would not charge."""
        if after.charged is not Charged.NO or before.charged is Charged.NO:
            return None
        self._count(before, -1)
        self._begun.discard(after.id)
        return Charge.from_job(before)

    def _count(self, job: Job, times: int) -> None:
        charge = Charge.from_job(job)
        for account in self._covering(charge):
            if job.id in self._begun if account.cap.period is Period.RUN else not job.rehearsal:
                account.add(charge, times)

    def _count_lasting(self, job: Job, times: int) -> None:
        charge = Charge.from_job(job)
        for account in self._covering(charge):
            if account.cap.period is not Period.RUN:
                account.add(charge, times)

    def _covering(self, charge: Charge) -> list[_Account]:
        return [account for account in self._accounts if account.covers(charge)]

    def uses(self, charges: Sequence[Charge]) -> list[CapUse]:
        """How many of these attempts each limit allows, if it were the only one."""
        uses: list[CapUse] = []
        for account in self._accounts if charges else ():
            mine = [charge for charge in charges if account.covers(charge)]
            for measure, limit in account.limits():
                total = used = getattr(account.used(charges[0].at), measure)
                allowed = 0
                for charge in mine:
                    if account.uncountable(charge):
                        continue
                    total += 1 if measure == "clips" else getattr(charge, measure) or 0
                    if total > limit:
                        break
                    allowed += 1
                key = f"{account.cap.prefix}{measure}"
                amounts = {"limit": _format(limit), "used": _format(used)}
                uses.append(CapUse(key=key, **amounts, planned=len(mine), allowed=allowed))
        return uses

    def forecast(self, charges: Sequence[Charge]) -> list[str]:
        """Warnings about caps that these attempts would exceed, before anything is bought."""
        warnings = []
        for account in self._accounts if charges else ():
            mine = [charge for charge in charges if account.covers(charge)]
            if account.cap.tag and not mine and not account.days:
                warnings.append(
                    f"{account.cap.prefix[:-1]} counts nothing: no clip to buy has the tag {account.cap.tag}"
                )
            unknown = [why for charge in mine if (why := account.uncountable(charge))]
            countable = [charge for charge in mine if not account.uncountable(charge)]
            for why, count in Counter(unknown).items():
                lines = f"; write into batchvid.toml:\n{why.to_write}" if why.to_write else ""
                which = "1 clip is" if count == 1 else f"{count} clips are"
                warnings.append(f"{which} not bought: {why.reason}{lines}")
            total = _Sum()
            for charge in countable:
                total.add(charge, 1)
            for measure, limit in account.limits() if countable else ():
                used = account.used(countable[0].at)
                if getattr(used, measure) + getattr(total, measure) > limit:
                    plan = f"and the plan takes {_format(getattr(total, measure))} more"
                    warnings.append(f"{account.describe(measure, limit, used)}, {plan}: not all of it will be bought")
        return warnings


def _warnings(account: _Account, at: datetime) -> Iterator[str]:
    used = account.used(at)
    for measure, limit in account.limits():
        share = Decimal(str(getattr(used, measure))) / Decimal(str(limit))
        if measure not in account.warned and share >= WARN_AT:
            account.warned.add(measure)
            yield f"{account.describe(measure, limit, used)}, {share:.0%} of it"


def _format(amount: Amount) -> str:
    return f"{amount:g}" if isinstance(amount, float) else str(amount)
