"""The `/v1/videos` object in each of the shapes that were seen in the wild (wire-notes 3.3, 3.6, 7.1 and
8.2). It knows words and places of fields, not tasks' lives nor HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from batchvid.emulator.settings import FailurePlace, VideoShape
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, View

OPENAI_WORDS = {
    Phase.QUEUED: "queued",
    Phase.RUNNING: "in_progress",
    Phase.SUCCEEDED: "completed",
    Phase.FAILED: "failed",
    Phase.ERROR: "error",
    Phase.CANCELLED: "cancelled",
    Phase.EXPIRED: "expired",
    Phase.UNDOCUMENTED: "simmering",
}
SHOUTED_WORDS = OPENAI_WORDS | {
    Phase.QUEUED: "SUBMITTED",
    Phase.RUNNING: "IN_PROGRESS",
    Phase.SUCCEEDED: "SUCCESS",
    Phase.FAILED: "FAILED",
    Phase.ERROR: "ERROR",
}
"""The Seedance page's."""
TUTORIAL_WORDS = OPENAI_WORDS | {Phase.SUCCEEDED: "succeeded"}
WRAPPER_WORDS = {
    Phase.QUEUED: "QUEUED",
    Phase.RUNNING: "IN_PROGRESS",
    Phase.SUCCEEDED: "SUCCESS",
    Phase.FAILED: "FAILURE",
    Phase.ERROR: "FAILURE",
    Phase.CANCELLED: "FAILURE",
    Phase.EXPIRED: "FAILURE",
    Phase.UNDOCUMENTED: "SIMMERING",
    Phase.THROTTLED: "QUEUED",
}
"""The task wrapper's, which knows only one kind of failure."""

_WORDS: dict[VideoShape, dict[Phase, str]] = {"success": SHOUTED_WORDS, "output": TUTORIAL_WORDS}


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failed task says, and where; both empty when it says nothing."""

    code: str
    message: str
    place: FailurePlace = "object"

    def said(self) -> dict[str, Any]:
        """The fields of a `/v1/videos` object that say it."""
        if self.place == "reason":
            return {"fail_reason": self.message}
        return {"error": self.message if self.place == "text" else {"code": self.code, "message": self.message}}


def submitted(task: Task, shape: VideoShape, own: dict[str, Any]) -> dict[str, Any]:
    """The reply to a submit. `own` are the model's own fields, laid over the common ones."""
    status = _words(shape)[Phase.QUEUED]
    return {**_common(task), "status": status, "progress": 0, **own}


def polled(
    task: Task, view: View, shape: VideoShape, *, url: str, failure: Failure, own: dict[str, Any]
) -> dict[str, Any]:
    """The reply to a poll. `url` leads to the clip, or holds it; used if there is one and the shape has a place."""
    failed = view.ended and view.phase is not Phase.SUCCEEDED and failure.message
    video = polled_bare(task, view, own) | (failure.said() if failed else {})
    if shape == "wrapped":
        return wrap(task, view, "VIDEO_GENERATION", url, failure, video)
    video["status"] = _words(shape)[view.phase]
    if shape == "metadata" and view.phase is Phase.QUEUED and task.looks <= 1:
        video["status"] = "unknown"  # a stock gateway before its first look at the vendor
    if view.phase is Phase.SUCCEEDED:
        video.update(_places(shape, url))
    return video


def polled_bare(task: Task, view: View, own: dict[str, Any]) -> dict[str, Any]:
    """The object with OpenAI's words, without a result and without an error."""
    video = {**_common(task), "status": OPENAI_WORDS[view.phase], "progress": view.progress, **own}
    if view.phase is Phase.SUCCEEDED or (view.ended and "completed_at" not in own):
        video["completed_at"] = int(task.ended_at or task.created_at)  # Sora's stays null on a failed task
    return video


def wrap(task: Task, view: View, action: str, url: str, failure: Failure, inner: dict[str, Any]) -> dict[str, Any]:
    """The task wrapper; on success the link really stands in `fail_reason` (7.7 of the wire notes)."""
    succeeded = view.phase is Phase.SUCCEEDED
    started_at = 0 if view.phase in (Phase.QUEUED, Phase.THROTTLED) else task.started_at or 0
    data = {
        "task_id": task.id,
        "action": action,
        "status": WRAPPER_WORDS[view.phase],
        "fail_reason": url if succeeded else failure.message if view.ended else "",
        "submit_time": int(task.created_at),
        "start_time": int(started_at),
        "finish_time": int(task.ended_at or 0) if view.ended else 0,
        "progress": f"{100 if view.ended else view.progress}%",
        "data": inner,
    }
    return {"code": "success", "message": "", "data": data}


def _common(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "object": "video",
        "model": task.model,
        "created_at": int(task.created_at),
    }


def _words(shape: VideoShape) -> dict[Phase, str]:
    return _WORDS.get(shape, OPENAI_WORDS)


def _places(shape: VideoShape, url: str) -> dict[str, Any]:
    """Where the link stands."""
    places: dict[str, dict[str, Any]] = {
        "output": {"output": [url]},
        "url": {"video_url": url, "url": url},
        "metadata": {"metadata": {"url": url}},
        "content": {},
        "inline": {"url": url},
    }
    return places.get(shape, {"video_url": url})
