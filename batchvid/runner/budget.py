"""The caps of a batch: what may be committed in USD, clips and seconds. Pure; counts like an invoice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from batchvid.jobs import Job
from batchvid.specs import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Upper bounds for all attempts of the batch that may have been paid; None means no bound."""

    usd: Decimal | None = None
    clips: int | None = None
    seconds: float | None = None
    allow_unpriced: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one more attempt may not be made. `of_cap` is false where it is this job's own trouble, not the cap's."""

    reason: str
    of_cap: bool = True


class Budget:
    """What is committed, and whether one more attempt still fits under the caps.

    An attempt counts from the moment it is reserved, so that submits under way together cannot cross a cap together.
    A refused one, or a failed one that the vendor did not charge, is given back.
    """

    def __init__(self, caps: Caps, jobs: Iterable[Job] = ()) -> None:
        self._caps = caps
        self._committed: dict[str, tuple[Decimal, int, float]] = {}
        self.usd, self.clips, self.seconds = Decimal(0), 0, 0.0
        for job in jobs:
            self.settle(job)

    def refusal(self, price: Price, duration_s: float | None) -> Refusal | None:
        """Why one more attempt may not be made, None when it may. What nobody knows fits under no cap."""
        caps = self._caps
        if caps.usd is not None:
            if price.usd is None and not caps.allow_unpriced:
                return Refusal("nobody knows its price: budget.usd needs budget.allow_unpriced for it", of_cap=False)
            if self.usd + (price.usd or 0) > caps.usd:
                return Refusal(f"budget.usd is {caps.usd}: {self.usd} are committed, one more may cost {price.usd}")
        if caps.clips is not None and self.clips + 1 > caps.clips:
            return Refusal(f"budget.clips is {caps.clips}, and all are committed")
        if caps.seconds is not None:
            if duration_s is None:
                return Refusal("nobody knows its length: budget.seconds needs duration_s for it", of_cap=False)
            if self.seconds + duration_s > caps.seconds:
                said = f"{self.seconds:g} are committed, one more takes {duration_s:g}"
                return Refusal(f"budget.seconds is {caps.seconds:g}: {said}")
        return None

    def reserve(self, job: Job, price: Price, duration_s: float | None) -> None:
        """Count the attempt that is about to be made, on top of the job's earlier ones."""
        usd, seconds = job.committed_usd + (price.usd or 0), job.committed_s + (duration_s or 0.0)
        self._count(job.id, (usd, job.committed_attempts + 1, seconds))

    def settle(self, job: Job) -> None:
        """Count what the job itself says is committed."""
        self._count(job.id, (job.committed_usd, job.committed_attempts, job.committed_s))

    def _count(self, job_id: str, now: tuple[Decimal, int, float]) -> None:
        usd, clips, seconds = self._committed.get(job_id, (Decimal(0), 0, 0.0))
        self.usd += now[0] - usd
        self.clips += now[1] - clips
        self.seconds += now[2] - seconds
        self._committed[job_id] = now
