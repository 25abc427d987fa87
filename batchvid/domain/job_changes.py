"""What each event changes in a job, beside its state. jobs.py decides whether the event may happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchvid.domain import events as ev
from batchvid.domain.attempts import releases
from batchvid.domain.failures import Charged
from batchvid.domain.origins import EMBEDDED_ORIGIN

if TYPE_CHECKING:
    from batchvid.domain.jobs import Job

NO_METADATA: Mapping[str, str] = {}  # one for all jobs: nearly every one has none


def changed_fields(job: Job, event: ev.Event) -> dict[str, Any]:
    """The fields of the job that the event changes, with their new values."""
    changes = _CHANGES[type(event)](job, event)
    if releases(event) and not job.rehearsal:
        changes |= _released(job)  # a reply that says "not charged" comes with no cost (see costs.charged_with)
    return changes


def _planned(_job: Job, event: ev.Planned) -> dict[str, Any]:
    return {"spec": event.spec, "planned_at": event.at}


def _submit_started(job: Job, event: ev.SubmitStarted) -> dict[str, Any]:
    counts = not event.is_rehearsal
    return {
        "attempts": job.attempts + 1,
        "origin": event.origin,
        "dialect": event.dialect,
        "prefix": event.prefix,
        "model_sent": event.model,
        "billed_duration_s": event.duration_s,
        "external_id": event.external_id,
        "call_fingerprint": event.call_fingerprint,
        "request_id": "",
        "looked_up": "",
        "candidates": (),
        "price": event.price,
        "rehearsal": not counts,
        "committed_usd": job.committed_usd + (event.price.usd or 0) * counts,
        "committed_attempts": job.committed_attempts + counts,
        "unpriced_attempts": job.unpriced_attempts + (event.price.usd is None and counts),
        "submitted_at": event.at,
        "accepted_at": None,
        "watched_from": None,
        "finished_at": None,
        "stored_at": None,
        "retry_at": None,
        "task_id": "",
        "poll_path": "",
        "task_failed": False,
        "model_returned": "",
        "actual_usd": "",
        "cost_usd": None,
        "vendor_status": "",
        "progress": None,
        "assets": (),
        "expires_at": None,
        "vendor_metadata": NO_METADATA,
        "dead_links": 0,
        "kind": None,
        "message": "",
        "charged": Charged.UNKNOWN,
    }


def _submit_accepted(job: Job, event: ev.SubmitAccepted) -> dict[str, Any]:
    rehearsal = _rehearsed(job, event.rehearsal or job.origin == EMBEDDED_ORIGIN)
    return {
        "tasks": job.tasks + 1,
        "task_id": event.task_id,
        "poll_path": event.poll_path,
        "model_returned": event.model,
        "accepted_at": event.at,
        "watched_from": event.at,
        "refusals": 0,
        "kind": None,
        "message": "",
        "looked_up": "",
        "candidates": (),
        **rehearsal,
        **_settled(replace(job, **rehearsal) if rehearsal else job, event),
    }


def _submit_refused(job: Job, event: ev.SubmitRefused) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "message": event.message,
        "retry_at": event.retry_at,
        "charged": Charged.NO,
        "refusals": job.refusals + 1,
        "rehearsal": job.rehearsal or event.rehearsal,
    }


def _submit_lost(job: Job, event: ev.SubmitLost) -> dict[str, Any]:
    return {
        **_rehearsed(job, job.rehearsal or event.rehearsal),
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
    if job.rehearsal:
        return {}
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


def _clip_stored(job: Job, event: ev.ClipStored) -> dict[str, Any]:
    return {
        "rehearsed_clip": job.is_rehearsal,
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


def _rehearsal_ended(job: Job, _event: ev.RehearsalEnded) -> dict[str, Any]:
    kept = {"clip": job.clip, "more_clips": job.more_clips} if job.has_real_clip else {"clip": None, "more_clips": ()}
    ended = {"rehearsal": False, "rehearsed_clip": False, "origin": "", "stored_at": None, "expires_at": None}
    return {**kept, **ended, "refusals": 0, "retry_at": None, "kind": None, "message": "", "task_id": "", "assets": ()}


def _adopted(job: Job, event: ev.Adopted) -> dict[str, Any]:
    former = (*job.adopted_from, event.adopted_from)
    return {"spec": event.spec, "clip": event.clip, "more_clips": event.more, "adopted_from": former}


def _poll_resumed(_job: Job, event: ev.PollResumed) -> dict[str, Any]:
    return {"watched_from": event.at, "dead_links": 0, "kind": None, "message": ""}


def _relocated(_job: Job, event: ev.Relocated) -> dict[str, Any]:
    return {"origin": event.origin}


def _cost_billed(job: Job, event: ev.CostBilled) -> dict[str, Any]:
    totals = {
        "committed_usd": job.committed_usd + event.extra_usd,
        "committed_attempts": job.committed_attempts + event.was_released,
        "unpriced_attempts": job.unpriced_attempts - event.was_unpriced,
    }
    is_last = event.attempt == job.attempts
    return totals | ({"actual_usd": event.actual_usd, "cost_usd": event.cost_usd} if is_last else {})


def _rehearsed(job: Job, rehearsal: bool) -> dict[str, Any]:
    """The totals once it is known whether the open attempt is a rehearsal: one counts nothing. Empty for no change."""
    if rehearsal == job.rehearsal:
        return {}
    return {"rehearsal": True, **_released(job)} if rehearsal else {"rehearsal": False, **_committed(job)}


def _committed(job: Job) -> dict[str, Any]:
    """The totals with the open attempt, which counted nothing so far."""
    return {
        "committed_attempts": job.committed_attempts + 1,
        "committed_usd": job.committed_usd + (job.counted_usd or 0),
        "unpriced_attempts": job.unpriced_attempts + (job.counted_usd is None),
    }


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
    ev.RehearsalEnded: _rehearsal_ended,
    ev.Adopted: _adopted,
    ev.PollResumed: _poll_resumed,
    ev.Relocated: _relocated,
    ev.CostBilled: _cost_billed,
}
