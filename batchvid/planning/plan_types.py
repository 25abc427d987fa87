"""The values that planning returns: for each job an action with its reason, and the price."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from batchvid.catalog import Provider
from batchvid.domain.cap_use import CapUse
from batchvid.domain.job_spec import JobSpec, Price
from batchvid.domain.jobs import JobState
from batchvid.manifest import EntryCounts, Place, RowPlace


class PlanAction(StrEnum):
    """What a run does about a job."""

    NEW = "new"
    """Bought: not planned before."""
    WAITING = "waiting"
    """Bought: planned earlier, never paid for (or reopened)."""
    IN_FLIGHT = "in flight"
    """Collected: it is paid for already."""
    STORED = "stored"
    """Kept: the clip is stored and unchanged."""
    ADOPTED = "adopted"
    """Kept: the clip of the same request gets the new id; its old one is gone, or has another request now."""
    CHANGED = "changed"
    """Kept: the clip is stored, but the manifest has changed; `--regenerate changed` buys it again."""
    FAILED = "failed"
    """Kept: `retry` buys it again."""
    UNCERTAIN = "uncertain"
    """Not bought: may be paid for; `resolve` decides."""
    HELD = "held"
    """Not bought by this run: this run does not produce the clip of its parent."""
    NOT_BOUGHT = "not bought"
    """Not bought by this command: `retry` buys only failed jobs, `run --collect-only` buys nothing."""
    REMOVED = "removed"
    """Unchanged: no longer in the manifest."""


BUYS = frozenset({PlanAction.NEW, PlanAction.WAITING})
PRICED = BUYS | {PlanAction.HELD}
FINISHED = frozenset({PlanAction.STORED, PlanAction.CHANGED, PlanAction.FAILED})


@dataclass(frozen=True, slots=True)
class JobPlan:
    """One job of the plan. `warning` lists the differences between the request and what is bought.

    `spec` is what is bought first; `fallback_prices` are the prices of the models that it may switch to. `duration_s`,
    `aspect_ratio` and `resolution` are what is sent, empty where the vendor decides. `place` is its clip entry.
    `state` (None: new) and `paid_attempts` are what the plan was made for. `price_as_of` and `price_source` are the
    date and the source of a known price, if they are stated.
    """

    spec: JobSpec
    action: PlanAction
    reason: str
    price: Price
    duration_s: float | None = None
    warning: str = ""
    fallback_prices: tuple[Price, ...] = ()
    aspect_ratio: str = ""
    resolution: str = ""
    place: Place | None = None
    state: JobState | None = None
    paid_attempts: int = 0
    price_as_of: str = ""
    price_source: str = ""

    @property
    def row(self) -> RowPlace | None:
        """The row of a table that it is made from, if any."""
        return self.spec.row


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs of a batch with their actions; `cautions` warn about what will stop purchases.

    `providers` are those that may be paid; `warnings` and `notes` are those of the manifest. `resumed` are the failed
    jobs whose tasks `retry` polls again. `notices` say what else the command does, or does not do. `entries` count the
    rows of each clip entry. `caps` are the limits one by one; together they allow `allowed` clips, None without caps.
    """

    jobs: tuple[JobPlan, ...]
    cautions: tuple[str, ...] = ()
    providers: tuple[Provider, ...] = ()
    warnings: tuple[str, ...] = ()
    resumed: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    entries: tuple[EntryCounts, ...] = ()
    caps: tuple[CapUse, ...] = ()
    allowed: int | None = None

    @property
    def to_buy(self) -> tuple[JobPlan, ...]:
        """The jobs that a run would pay for."""
        return tuple(job for job in self.jobs if job.action in BUYS)

    @property
    def to_plan(self) -> tuple[JobPlan, ...]:
        """The jobs that are recorded as pending: bought by this run or, if held, by a later one."""
        return tuple(job for job in self.jobs if job.action in PRICED)

    @property
    def counts(self) -> Counter[PlanAction]:
        """How many jobs have each action."""
        return Counter(job.action for job in self.jobs)
