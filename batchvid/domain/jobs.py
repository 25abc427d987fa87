"""The job's life: states, the one table of transitions, and `advance`, the only way a job changes.

This file knows no clock, no file and no provider; it does not know who says an event or why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from batchvid.domain import events as ev
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.job_changes import NO_METADATA, changed_fields
from batchvid.domain.job_spec import UNPRICED, Clip, JobSpec, Price
from batchvid.domain.origins import EMBEDDED_ORIGIN
from batchvid.domain.wire import Asset, Candidate
from batchvid.errors import IllegalEvent


class JobState(StrEnum):
    """Where a job stands on our side (the vendor's side is its status)."""

    PENDING = "pending"
    """Not bought yet, or to be bought again."""
    SUBMITTING = "submitting"
    """The paid call is sent; there is no verdict yet."""
    RUNNING = "running"
    """Bought; the task id is on disk and is being polled."""
    READY = "ready"
    """The task is finished and its clip is to be downloaded."""
    SUCCEEDED = "succeeded"
    """The clip is stored and checked."""
    FAILED = "failed"
    """Ended without a clip; `kind` and `message` give the reason."""
    UNCERTAIN = "uncertain"
    """The paid call got no verdict: it may have bought a task. Needs a decision."""


IN_FLIGHT = frozenset({JobState.SUBMITTING, JobState.RUNNING})
"""States that hold one of the provider's slots (uncertain holds one too, until its deadline)."""

PAID_AND_OPEN = frozenset({JobState.SUBMITTING, JobState.RUNNING, JobState.READY})
"""States in which the clip is paid for and not stored yet."""


def _no_metadata() -> Mapping[str, str]:
    return NO_METADATA


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A JobSpec and its state.

    Money: `price` is what the attempt now open may cost, `actual_usd` the cost in the vendor's reply, `cost_usd` what
    the attempt counts as because of it; `committed_usd` is what all attempts that may have been paid add up to,
    `committed_attempts` counts them and `unpriced_attempts` those of unknown price and cost. Counters:
    `attempts` are paid calls, `tasks` those that made one, `refusals` clear refusals since then, `dead_links` assets
    that could not be fetched. `origin`, `dialect`, `prefix`, `model_sent` and `billed_duration_s` (seconds bought) are
    fixed with the attempt and suffice to collect it; `call_fingerprint` tells whether a call would be the same once
    more. `request_id`, `looked_up` and `candidates` belong to a lost submit: the vendor's trace id, the result of the
    lookup, and the tasks that it read. `submitted_at`, `accepted_at` and `finished_at` are those of the last attempt.
    `rehearsal`: that attempt is the emulator's, and does not count; `rehearsed_clip`: the stored clip is.
    `adopted_from` are the former ids of the job, the first one first.
    """

    spec: JobSpec
    state: JobState
    attempts: int = 0
    tasks: int = 0
    refusals: int = 0
    dead_links: int = 0
    origin: str = ""
    dialect: str = ""
    prefix: str = ""
    model_sent: str = ""
    billed_duration_s: float | None = None
    external_id: str = ""
    call_fingerprint: str = ""
    request_id: str = ""
    looked_up: str = ""
    candidates: tuple[Candidate, ...] = ()
    task_id: str = ""
    poll_path: str = ""
    task_failed: bool = False
    model_returned: str = ""
    price: Price = UNPRICED
    committed_usd: Decimal = Decimal(0)
    committed_attempts: int = 0
    unpriced_attempts: int = 0
    actual_usd: str = ""
    cost_usd: Decimal | None = None
    planned_at: datetime | None = None
    submitted_at: datetime | None = None
    accepted_at: datetime | None = None
    watched_from: datetime | None = None
    finished_at: datetime | None = None
    stored_at: datetime | None = None
    retry_at: datetime | None = None
    vendor_status: str = ""
    progress: float | None = None
    assets: tuple[Asset, ...] = ()
    expires_at: datetime | None = None
    vendor_metadata: Mapping[str, str] = field(default_factory=_no_metadata)
    kind: FailureKind | None = None
    message: str = ""
    charged: Charged = Charged.UNKNOWN
    clip: Clip | None = None
    more_clips: tuple[Clip, ...] = ()
    rehearsal: bool = False
    rehearsed_clip: bool = False
    adopted_from: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The job's id, as the user knows it."""
        return self.spec.id

    @property
    def counted_usd(self) -> Decimal | None:
        """What the last attempt counts as while it counts: its cost, else its price; None when both are unknown."""
        return self.price.usd if self.cost_usd is None else self.cost_usd

    @property
    def is_rehearsal(self) -> bool:
        """Whether the emulator has the last attempt. Older files show that only by the origin of the built-in one."""
        return self.rehearsal or self.origin == EMBEDDED_ORIGIN

    @property
    def has_real_clip(self) -> bool:
        """Whether a clip of a provider is stored. An older file does not tell what made a clip that was to be replaced:
        it counts as real."""
        by_emulator = self.rehearsed_clip or (self.is_rehearsal and self.state is JobState.SUCCEEDED)
        return self.clip is not None and not by_emulator


_P, _S, _R, _Y = JobState.PENDING, JobState.SUBMITTING, JobState.RUNNING, JobState.READY
_OK, _F, _U = JobState.SUCCEEDED, JobState.FAILED, JobState.UNCERTAIN

TRANSITIONS: dict[type[ev.Event], dict[JobState | None, tuple[JobState, ...]]] = {
    ev.Planned: {None: (_P,), _P: (_P,)},
    ev.SubmitStarted: {_P: (_S,)},
    ev.SubmitAccepted: {_S: (_R,), _U: (_R,)},
    ev.SubmitRefused: {_S: (_P, _F)},
    ev.SubmitLost: {_S: (_U,), _U: (_U,)},
    ev.Progressed: {_R: (_R,)},
    ev.TaskSucceeded: {_R: (_Y,)},
    ev.TaskFailed: {_R: (_P, _F)},
    ev.LinkExpired: {_Y: (_R,)},
    ev.ClipStored: {_Y: (_OK,)},
    ev.GaveUp: {_P: (_F,), _S: (_F,), _R: (_F,), _Y: (_F,)},
    ev.Reopened: {_F: (_P,), _U: (_P,), _OK: (_P,)},
    ev.RehearsalEnded: dict.fromkeys((_P, _R, _Y, _OK, _F, _U), (_P,)),
    ev.Adopted: {state: (state,) for state in (_P, _OK, _F)},
    ev.PollResumed: {_F: (_R,)},
    ev.Relocated: {state: (state,) for state in (_U, _R, _Y, _OK, _F)},
    ev.CostBilled: {state: (state,) for state in (_P, _U, _R, _Y, _OK, _F)},
}
"""Event -> state before -> states after. Of two, `retry_at` decides: set, the job waits; else it failed."""


def advance(job: Job | None, event: ev.Event) -> Job:
    """The job after the event. `job` is None only before it was planned.

    Raises IllegalEvent, and changes nothing, when the state does not allow the event.
    """
    before = None if job is None else job.state
    after = TRANSITIONS.get(type(event), {}).get(before)
    if after is None:
        who = "a job that was never planned" if job is None else f"job {job.id}, which is {job.state}"
        raise IllegalEvent(f"{type(event).__name__} cannot happen to {who}")
    if job is None:
        assert isinstance(event, ev.Planned)  # noqa: S101 - the table lets nothing else through
        return Job(spec=event.spec, state=JobState.PENDING, planned_at=event.at)
    if isinstance(event, ev.PollResumed) and (not job.task_id or job.task_failed):
        raise IllegalEvent(f"PollResumed cannot happen to job {job.id}: it has no task that may still give a clip")
    if isinstance(event, ev.RehearsalEnded) and not (job.is_rehearsal or job.rehearsed_clip):
        raise IllegalEvent(f"RehearsalEnded cannot happen to job {job.id}: a provider has it, not the emulator")
    retries = getattr(event, "retry_at", None) is not None
    state = after[0] if len(after) == 1 or retries else after[1]
    return replace(job, state=state, **changed_fields(job, event))


def may_still_finish(job: Job) -> bool:
    """Whether we gave up on the task and the vendor did not: it is paid for, and polling it again costs nothing."""
    return bool(job.task_id) and not job.task_failed and job.kind is not FailureKind.LOST_TASK
