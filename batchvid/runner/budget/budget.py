"""The budget guard: what is committed under each cap, and whether one more attempt still fits. Pure; no clock.

It counts like an invoice: an attempt from the moment that it is reserved, until the vendor says that it was not paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from batchvid.domain.attempts import Attempt
from batchvid.domain.job_spec import JobSpec, Price
from batchvid.domain.jobs import Job
from batchvid.runner.budget.caps import MEASURES, WAY_ON, Cap, Period

Amount = Decimal | int | float
WARN_AT = Decimal("0.8")  # of a cap: early enough to think about raising it


@dataclass(frozen=True, slots=True)
class Charge:
    """What one attempt takes out of the budget: a clip, its price at most (None: nobody knows) and its seconds."""

    provider: str
    tags: tuple[str, ...]
    at: datetime
    usd: Decimal | None
    seconds: float | None

    @classmethod
    def for_spec(cls, spec: JobSpec, price: Price, duration_s: float | None, at: datetime) -> Charge:
        """Of an attempt that is to be made."""
        return cls(spec.provider, spec.tags, at, price.usd, duration_s)

    @classmethod
    def of_open(cls, job: Job) -> Charge:
        """Of a job's last attempt."""
        assert job.submitted_at is not None  # noqa: S101 - an attempt has begun
        return cls(job.spec.provider, job.spec.tags, job.submitted_at, job.price.usd, job.billed_s)

    @classmethod
    def of_row(cls, row: Attempt) -> Charge:
        """Of an attempt in the ledger."""
        return cls(row.provider, row.tags, row.at, row.price.usd, row.seconds)


@dataclass(frozen=True, slots=True)
class CapExceeded:
    """Why one more attempt may not be made. Without a `cap` it is this job's own trouble: no cap can count it."""

    reason: str
    cap: Cap | None = None

    def __str__(self) -> str:
        """The reason and what to do about it, where waiting or raising a cap is enough."""
        return f"{self.reason}. {WAY_ON[self.cap.period]}" if self.cap else self.reason


@dataclass(slots=True)
class _Sum:
    """So much in all. `seconds` are of video."""

    usd: Decimal = Decimal(0)
    clips: int = 0
    seconds: float = 0.0

    def add(self, charge: Charge, times: int) -> None:
        self.usd += (charge.usd or 0) * times
        self.clips += times
        self.seconds += (charge.seconds or 0.0) * times


@dataclass(slots=True)
class _Account:
    """One cap and what is committed under it, by day where the cap is a day's.

    Open reservations stand apart and count on every day: one made before midnight may go out after it.
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
        """What is committed now."""
        done = self.days.get(self._day(at), _Sum())
        open_ = self.reserved
        return _Sum(done.usd + open_.usd, done.clips + open_.clips, done.seconds + open_.seconds)

    def limits(self) -> Iterator[tuple[str, Amount]]:
        """The measures that are capped, and where."""
        for measure in MEASURES:
            limit = getattr(self.cap.limits, measure)
            if limit is not None:
                yield measure, limit

    def uncountable(self, charge: Charge) -> str:
        """Why this cap cannot count the attempt, empty when it can. What nobody knows fits under no cap."""
        cap = self.cap
        if cap.limits.usd is not None and charge.usd is None and not cap.allow_unpriced:
            return f"nobody knows its price: {cap.prefix}usd needs {cap.budget}.allow_unpriced for it"
        if cap.limits.seconds is not None and charge.seconds is None:
            return f"nobody knows its length: {cap.prefix}seconds needs duration_s for it"
        return ""

    def refusal(self, charge: Charge) -> str:
        """Which limit one more attempt would cross and by how much, empty when it fits."""
        used, after = self.used(charge.at), self.used(charge.at)
        after.add(charge, 1)
        for measure, limit in self.limits():
            if getattr(after, measure) > limit:
                return f"{self.standing(measure, limit, used)}{_MORE[measure].format(charge=charge)}"
        return ""

    def standing(self, measure: str, limit: Amount, used: _Sum) -> str:
        """`budget.per_day.usd is 10: 9.90 are committed today (UTC)`."""
        committed = f"{_said(getattr(used, measure))} are committed{_WHEN[self.cap.period]}"
        return f"{self.cap.prefix}{measure} is {_said(limit)}: {committed}"

    def _day(self, at: datetime) -> date | None:
        return at.date() if self.cap.period is Period.DAY else None


_WHEN = {Period.ALWAYS: "", Period.DAY: " today (UTC)", Period.RUN: " in this run"}
_MORE = {"usd": ", one more may cost {charge.usd}", "clips": "", "seconds": ", one more takes {charge.seconds:g}"}


class Budget:
    """All caps of a run, and what is committed under them.

    `earlier` are the charges of attempts that earlier runs made and that may have been paid for. An attempt is
    reserved before its intent is written down; from then on the job itself tells what it counts as (`settle`).
    """

    def __init__(self, caps: Iterable[Cap] = (), earlier: Iterable[Charge] = ()) -> None:
        self._accounts = [_Account(cap) for cap in caps]
        self._reserved: dict[str, Charge] = {}
        self._begun: set[str] = set()  # jobs whose last attempt is of this run
        lasting = [account for account in self._accounts if account.cap.period is not Period.RUN]
        for charge in earlier if lasting else ():
            for account in lasting:
                if account.covers(charge):
                    account.add(charge, 1)

    def refusal(self, charge: Charge) -> CapExceeded | None:
        """Why one more attempt may not be made, None when it may."""
        for account in self._covering(charge):
            if why := account.uncountable(charge):
                return CapExceeded(why)
        for account in self._covering(charge):
            if why := account.refusal(charge):
                return CapExceeded(why, account.cap)
        return None

    def reserve(self, job_id: str, charge: Charge) -> list[str]:
        """Count the attempt that is about to be made; return what is to be said of caps that are nearly reached."""
        self._reserved[job_id] = charge
        said: list[str] = []
        for account in self._covering(charge):
            account.reserved.add(charge, 1)
            said += _warnings(account, charge.at)
        return said

    def cancel(self, job_id: str) -> Charge:
        """The reserved attempt is not made, or is counted otherwise from now on; return what was reserved."""
        charge = self._reserved.pop(job_id)
        for account in self._covering(charge):
            account.reserved.add(charge, -1)
        return charge

    def settle(self, before: Job, after: Job) -> Charge | None:
        """Count what an event did to a job; return the charge that came back, if one did."""
        if after.attempts > before.attempts:
            self.cancel(after.id)
            self._begun.add(after.id)
            self._count(after, 1)
        elif after.committed_attempts < before.committed_attempts:
            self._count(after, -1)
            self._begun.discard(after.id)
            return Charge.of_open(after)
        return None

    def _count(self, job: Job, times: int) -> None:
        charge = Charge.of_open(job)
        for account in self._covering(charge):
            if account.cap.period is not Period.RUN or job.id in self._begun:
                account.add(charge, times)

    def _covering(self, charge: Charge) -> list[_Account]:
        return [account for account in self._accounts if account.covers(charge)]

    def forecast(self, charges: Sequence[Charge]) -> list[str]:
        """What is to be said, before anything is bought, of caps that these attempts would reach or miss."""
        said = []
        for account in self._accounts if charges else ():
            mine = [charge for charge in charges if account.covers(charge)]
            if account.cap.tag and not mine and not account.days:
                said.append(f"{account.cap.prefix[:-1]} counts nothing: no clip to buy has the tag {account.cap.tag}")
            unknown = [why for charge in mine if (why := account.uncountable(charge))]
            countable = [charge for charge in mine if not account.uncountable(charge)]
            said += [f"{len(unknown)} of the clips are not bought: {why}" for why in dict.fromkeys(unknown)]
            total = _Sum()
            for charge in countable:
                total.add(charge, 1)
            for measure, limit in account.limits() if countable else ():
                used = account.used(countable[0].at)
                if getattr(used, measure) + getattr(total, measure) > limit:
                    plan = f"and the plan takes {_said(getattr(total, measure))} more"
                    said.append(f"{account.standing(measure, limit, used)}, {plan}: not all of it will be bought")
        return said


def _warnings(account: _Account, at: datetime) -> Iterator[str]:
    used = account.used(at)
    for measure, limit in account.limits():
        share = Decimal(str(getattr(used, measure))) / Decimal(str(limit))
        if measure not in account.warned and share >= WARN_AT:
            account.warned.add(measure)
            yield f"{account.standing(measure, limit, used)}, {share:.0%} of it"


def _said(amount: Amount) -> str:
    return f"{amount:g}" if isinstance(amount, float) else str(amount)
