"""What can happen to a job, one frozen dataclass each. Written to the state file; sent to the display and the log.

Every event carries `at`, an aware UTC time. Only jobs.py defines what an event does to a job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.job_spec import Clip, JobSpec, Price
from batchvid.domain.origins import EMBEDDED_ORIGIN
from batchvid.domain.wire import Asset, Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact about one job. `at` is when it was known here (UTC, aware)."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Event):
    """The manifest asks for this job, or asks for it differently before anything was paid."""

    spec: JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitStarted(Event):
    """The paid call is about to go out, at most `price` is reserved for it.

    All that is needed to collect what it buys is frozen here, so that neither a changed manifest nor an upgrade can
    lose it: `origin` is the base URL (the task lives there and is polled there only), `dialect` and `prefix` how it
    is spoken to, `model` the id on the wire, `duration_s` what is bought. `external_id` is the id of ours that the
    call carries; `call_fingerprint` is that of the whole call, if it may be repeated. `provider` is whose bill it
    goes on: the job may turn to another later (empty in older files). `rehearsal`: so far, the server of this run is
    the emulator, which charges nothing.
    """

    origin: str
    dialect: str
    prefix: str
    model: str
    duration_s: float | None
    price: Price
    external_id: str
    call_fingerprint: str = ""
    provider: str = ""
    rehearsal: bool = False

    @property
    def is_rehearsal(self) -> bool:
        """Whether it goes to the emulator, which charges nothing; by definition if the run starts that emulator."""
        return self.rehearsal or self.origin == EMBEDDED_ORIGIN


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitAccepted(Event):
    """The provider made a task. `model` is the one the vendor says it resolved to, empty when unknown.

    `request_id` is the vendor's own id of the call, for its support. `actual_usd` and `cost_usd` are as in
    TaskSucceeded; only a cost above the estimate counts before the task has ended. `rehearsal`: the reply is the
    emulator's (wire.EMULATOR_HEADER), so nothing is charged; without it the task is real. `poll_path` is the path below
    the route that the reply names for polls; empty where it names none.
    """

    task_id: str
    model: str = ""
    request_id: str = ""
    actual_usd: str = ""
    cost_usd: Decimal | None = None
    rehearsal: bool = False
    poll_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitRefused(Event):
    """A clear refusal; nothing was bought. With `retry_at` the job waits for that time, without it the job failed.

    `rehearsal`: the emulator refuses.
    """

    kind: FailureKind
    message: str
    retry_at: datetime | None = None
    request_id: str = ""
    rehearsal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitLost(Event):
    """No verdict came back: the task may exist and be billed. `message` is what was observed.

    Recorded again after a lookup at the provider without a result: `looked_up` is its outcome, `candidates` are the
    tasks that it read and that no job owns. `request_id` is the vendor's trace of the call, for its support.
    `rehearsal`: the call went to the emulator, by its reply, or as every other reply of this run is the emulator's.
    """

    message: str
    request_id: str = ""
    looked_up: str = ""
    candidates: tuple[Candidate, ...] = ()
    rehearsal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed(Event):
    """The task moved on. For the display: not stored in the state file."""

    vendor_status: str
    progress: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSucceeded(Event):
    """The task is finished and offers `assets`; links expire at `expires_at` where the vendor states it.

    `vendor_metadata` is what later steps may need, as the vendor names it: a Kling video id, units deducted.
    `actual_usd` is the cost in the reply, `cost_usd` what the attempt counts as because of it (see costs.py); None:
    its price, also in files from before the vendor's costs counted.
    """

    assets: tuple[Asset, ...]
    expires_at: datetime | None = None
    model: str = ""
    actual_usd: str = ""
    cost_usd: Decimal | None = None
    vendor_metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailed(Event):
    """The task failed at the vendor. With `retry_at` the job is bought again then, without it the job failed.

    `actual_usd` and `cost_usd` are as in TaskSucceeded.
    """

    kind: FailureKind
    message: str
    charged: Charged = Charged.UNKNOWN
    retry_at: datetime | None = None
    actual_usd: str = ""
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkExpired(Event):
    """There is nothing to fetch (any more): the task is polled again for new links.

    `dead` is whether they were tried: a link that was not stored between runs is no failed download.
    """

    message: str
    dead: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipStored(Event):
    """The clip is on disk and checked. `more` are the further clips of a task that made several."""

    clip: Clip
    more: tuple[Clip, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp(Event):
    """Our own decision to stop: a deadline, a check, the user."""

    kind: FailureKind
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened(Event):
    """The user asked to buy it again: `retry`, `resolve --abandon`, `run --regenerate`."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalEnded(Event):
    """The job is to be bought at a real provider: what the emulator made of it does not count any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted(Event):
    """The job has a new id, with the same request: `adopted_from` is its former id, `spec` has the new one.

    Its attempts and events move with it. `clip` and `more` are its clips, by their new keys.
    """

    adopted_from: str
    spec: JobSpec
    clip: Clip | None = None
    more: tuple[Clip, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResumed(Event):
    """The user resumes polling of a task that was given up although it may have finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocated(Event):
    """The user states that the server of the last attempt has a new address: `origin`, a base URL."""

    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostBilled(Event):
    """The vendor's own bill charges the `attempt`th paid call more than it counted as: `cost_usd` counts from now on.

    So does a reply that names it before the task has ended. `extra_usd` is how much more that is. `was_unpriced`: it
    counted as an unknown amount; `was_released`: as not paid.
    """

    attempt: int
    actual_usd: str
    cost_usd: Decimal
    extra_usd: Decimal
    was_unpriced: bool = False
    was_released: bool = False


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        Planned,
        SubmitStarted,
        SubmitAccepted,
        SubmitRefused,
        SubmitLost,
        Progressed,
        TaskSucceeded,
        TaskFailed,
        LinkExpired,
        ClipStored,
        GaveUp,
        Reopened,
        RehearsalEnded,
        Adopted,
        PollResumed,
        Relocated,
        CostBilled,
    )
}
"""Every event by its name in the state file. A name is never reused for another meaning."""
