"""The job's life: states, the one table of transitions, and `advance`, the only way a job changes.

This file knows no clock, no file and no provider; it does not know who says an event or why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from batchvid.domain import events as ev
from batchvid.domain.attempts import releases
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.job_spec import UNPRICED, Clip, JobSpec, Price
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


_NOTHING: Mapping[str, str] = {}  # one for all jobs: nearly every one has none


def _nothing() -> Mapping[str, str]:
    return _NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A JobSpec and its state.

    Money: `price` is what the attempt now open may cost, `actual_usd` the cost in the vendor's reply, `cost_usd` what
    the attempt counts as because of it; `committed_usd` is what all attempts that may have been paid add up to,
    `committed_attempts` counts them and `unpriced_attempts` those of unknown price and cost. Counters:
    `attempts` are paid calls, `tasks` those that made one, `refusals` clear refusals since then, `dead_links` assets
    that could not be fetched. `origin`, `dialect`, `prefix`, `model_sent` and `billed_duration_s` (seconds bought) are
    fixed with the attempt and suffice to collect it. `request_id`, `looked_up` and `candidates` belong to a lost
    submit: the vendor's trace id, the result of the lookup, and the tasks that it read. `submitted_at`, `accepted_at`
    and `finished_at` are those of the last attempt.
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
    request_id: str = ""
    looked_up: str = ""
    candidates: tuple[Candidate, ...] = ()
    task_id: str = ""
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
    vendor_metadata: Mapping[str, str] = field(default_factory=_nothing)
    kind: FailureKind | None = None
    message: str = ""
    charged: Charged = Charged.UNKNOWN
    clip: Clip | None = None
    more_clips: tuple[Clip, ...] = ()

    @property
    def id(self) -> str:
        """The job's id, as the user knows it."""
        return self.spec.id

    @property
    def counted_usd(self) -> Decimal | None:
        """What the last attempt counts as while it counts: its cost, else its price; None when both are unknown."""
        return self.price.usd if self.cost_usd is None else self.cost_usd


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
    ev.PollResumed: {_F: (_R,)},
    ev.Relocated: {state: (state,) for state in (_U, _R, _Y, _OK, _F)},
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
    retries = getattr(event, "retry_at", None) is not None
    state = after[0] if len(after) == 1 or retries else after[1]
    changes = _CHANGES[type(event)](job, event)
    if releases(event):
        changes |= _released(job)  # a reply that says "not charged" comes with no cost (see costs.charged_with)
    return replace(job, state=state, **changes)


def may_still_finish(job: Job) -> bool:
    """Whether we gave up on the task and the vendor did not: it is paid for, and polling it again costs nothing."""
    return bool(job.task_id) and not job.task_failed and job.kind is not FailureKind.LOST_TASK


def _planned(_job: Job, event: ev.Planned) -> dict[str, Any]:
    return {"spec": event.spec, "planned_at": event.at}


def _submit_started(job: Job, event: ev.SubmitStarted) -> dict[str, Any]:
    return {
        "attempts": job.attempts + 1,
        "origin": event.origin,
        "dialect": event.dialect,
        "prefix": event.prefix,
        "model_sent": event.model,
        "billed_duration_s": event.duration_s,
        "external_id": event.external_id,
        "request_id": "",
        "looked_up": "",
        "candidates": (),
        "price": event.price,
        "committed_usd": job.committed_usd + (event.price.usd or 0),
        "committed_attempts": job.committed_attempts + 1,
        "unpriced_attempts": job.unpriced_attempts + (event.price.usd is None),
        "submitted_at": event.at,
        "accepted_at": None,
        "watched_from": None,
        "finished_at": None,
        "stored_at": None,
        "retry_at": None,
        "task_id": "",
        "task_failed": False,
        "model_returned": "",
        "actual_usd": "",
        "cost_usd": None,
        "vendor_status": "",
        "progress": None,
        "assets": (),
        "expires_at": None,
        "vendor_metadata": _NOTHING,
        "dead_links": 0,
        "kind": None,
        "message": "",
        "charged": Charged.UNKNOWN,
    }


def _submit_accepted(job: Job, event: ev.SubmitAccepted) -> dict[str, Any]:
    return {
        "tasks": job.tasks + 1,
        "task_id": event.task_id,
        "model_returned": event.model,
        "accepted_at": event.at,
        "watched_from": event.at,
        "refusals": 0,
        "kind": None,
        "message": "",
        "looked_up": "",
        "candidates": (),
        **_settled(job, event),
    }


def _submit_refused(job: Job, event: ev.SubmitRefused) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "message": event.message,
        "retry_at": event.retry_at,
        "charged": Charged.NO,
        "refusals": job.refusals + 1,
    }


def _submit_lost(_job: Job, event: ev.SubmitLost) -> dict[str, Any]:
    return {
        "message": event.message,
        "request_id": event.request_id,
        "looked_up": event.looked_up,
        "candidates": event.candidates,
    }


def _progressed(_job: Job, event: ev.Progressed) -> dict[str, Any]:
    return {"vendor_status": event.vendor_status, "progress": event.progress}


def _task_succeeded(job: Job, event: ev.TaskSucceeded) -> dict[str, Any]:
    return {
        "assets": event.assets,
        "expires_at": event.expires_at,
        "vendor_metadata": event.vendor_metadata or job.vendor_metadata,
        "finished_at": job.finished_at or event.at,
        "model_returned": event.model or job.model_returned,
        "progress": 1.0,
        **_settled(job, event),
    }


def _task_failed(job: Job, event: ev.TaskFailed) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "message": event.message,
        "charged": event.charged,
        "retry_at": event.retry_at,
        "finished_at": event.at,
        "task_failed": True,
        **_settled(job, event),
    }


def _settled(job: Job, event: ev.SubmitAccepted | ev.TaskSucceeded | ev.TaskFailed) -> dict[str, Any]:
    """The totals with the cost in the reply in the place of what the open attempt counted as."""
    if event.cost_usd is None:
        return {"actual_usd": event.actual_usd or job.actual_usd}
    return {
        "actual_usd": event.actual_usd,
        "cost_usd": event.cost_usd,
        "committed_usd": job.committed_usd + event.cost_usd - (job.counted_usd or 0),
        "unpriced_attempts": job.unpriced_attempts - (job.counted_usd is None),
    }


def _link_expired(job: Job, event: ev.LinkExpired) -> dict[str, Any]:
    # the timeout starts again: or a finished task would time out, and be bought again, at the first failed poll
    return {
        "assets": (),
        "expires_at": None,
        "finished_at": None,
        "watched_from": event.at,
        "dead_links": job.dead_links + event.dead,
        "message": event.message,
    }


def _clip_stored(_job: Job, event: ev.ClipStored) -> dict[str, Any]:
    return {
        "clip": event.clip,
        "more_clips": event.more,
        "stored_at": event.at,
        "assets": (),
        "expires_at": None,
        "kind": None,
        "message": "",
    }


def _gave_up(_job: Job, event: ev.GaveUp) -> dict[str, Any]:
    return {"kind": event.kind, "message": event.message, "assets": (), "expires_at": None}


def _reopened(_job: Job, _event: ev.Reopened) -> dict[str, Any]:
    # an older clip stays recorded until a newer one replaces it
    return {"refusals": 0, "retry_at": None, "kind": None, "message": "", "task_id": "", "assets": ()}


def _poll_resumed(_job: Job, event: ev.PollResumed) -> dict[str, Any]:
    return {"watched_from": event.at, "dead_links": 0, "kind": None, "message": ""}


def _relocated(_job: Job, event: ev.Relocated) -> dict[str, Any]:
    return {"origin": event.origin}


def _released(job: Job) -> dict[str, Any]:
    """The totals without the open attempt, which was not paid."""
    return {
        "committed_attempts": job.committed_attempts - 1,
        "committed_usd": job.committed_usd - (job.counted_usd or 0),
        "unpriced_attempts": job.unpriced_attempts - (job.counted_usd is None),
    }


_CHANGES: dict[type[ev.Event], Callable[[Job, Any], dict[str, Any]]] = {
    ev.Planned: _planned,
    ev.SubmitStarted: _submit_started,
    ev.SubmitAccepted: _submit_accepted,
    ev.SubmitRefused: _submit_refused,
    ev.SubmitLost: _submit_lost,
    ev.Progressed: _progressed,
    ev.TaskSucceeded: _task_succeeded,
    ev.TaskFailed: _task_failed,
    ev.LinkExpired: _link_expired,
    ev.ClipStored: _clip_stored,
    ev.GaveUp: _gave_up,
    ev.Reopened: _reopened,
    ev.PollResumed: _poll_resumed,
    ev.Relocated: _relocated,
}
