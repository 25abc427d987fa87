"""The `/v1/videos` object in each observed shape (wire-notes 3.3, 3.6, 7.1, 8.2). Knows no HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from batchvid.emulator.routes.errors import Failure
from batchvid.emulator.settings import VideoShape
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView


def words(queued: str, running: str, succeeded: str, failed: str = "failed", **others: str) -> dict[Phase, str]:
    """A vendor's status words; `others`, by phase, are those that it does not call `queued` or `failed`."""
    open_words = {Phase.QUEUED: queued, Phase.THROTTLED: queued, Phase.RUNNING: running, Phase.SUCCEEDED: succeeded}
    named = {Phase(phase): word for phase, word in others.items()}
    return {**dict.fromkeys(Phase, failed), **open_words, Phase.UNDOCUMENTED: "simmering", **named}


_ENDS = {"cancelled": "cancelled", "expired": "expired"}
OPENAI_WORDS = words("queued", "in_progress", "completed", error="error", **_ENDS)
TUTORIAL_WORDS = OPENAI_WORDS | {Phase.SUCCEEDED: "succeeded"}
UPPER_CASE_WORDS = words("SUBMITTED", "IN_PROGRESS", "SUCCESS", "FAILED", error="ERROR", **_ENDS)  # Seedance's page
WRAPPER_WORDS = words("QUEUED", "IN_PROGRESS", "SUCCESS", "FAILURE", undocumented="SIMMERING")
_WORDS: dict[VideoShape, dict[Phase, str]] = {"success": UPPER_CASE_WORDS, "output": TUTORIAL_WORDS}


def submitted(task: Task, shape: VideoShape, own: dict[str, Any]) -> dict[str, Any]:
    """The reply to a submit. `own`: the model's own fields, which override the common ones."""
    return {**_common(task), "status": _WORDS.get(shape, OPENAI_WORDS)[Phase.QUEUED], "progress": 0, **own}


def polled(
    task: Task, view: TaskView, shape: VideoShape, *, url: str, failure: Failure, own: dict[str, Any]
) -> dict[str, Any]:
    """The reply to a poll. `url` leads to the clip, or contains it."""
    video = polled_bare(task, view, own)
    if view.failed and failure.message:
        video["error"] = asdict(failure)
    if shape == "wrapped":
        return wrap(task, view, "VIDEO_GENERATION", url, failure, video)
    video["status"] = _WORDS.get(shape, OPENAI_WORDS)[view.phase]
    if shape == "metadata" and view.phase is Phase.QUEUED and task.visible_polls <= 1:
        video["status"] = "unknown"  # a stock gateway before it first polls the vendor
    if view.phase is Phase.SUCCEEDED:
        video.update(_result(shape, url))
    return video


def polled_bare(task: Task, view: TaskView, own: dict[str, Any]) -> dict[str, Any]:
    """The object with OpenAI's words, without a result and without an error."""
    video = {**_common(task), "status": OPENAI_WORDS[view.phase], "progress": view.progress, **own}
    if view.phase is Phase.SUCCEEDED or (view.ended and "completed_at" not in own):
        video["completed_at"] = int(task.ended_at or task.created_at)  # Sora's stays null on a failed task
    return video


def wrap(task: Task, view: TaskView, action: str, url: str, failure: Failure, inner: Any) -> dict[str, Any]:
    """The task wrapper; on success its `fail_reason` really contains the link (wire-notes 7.7)."""
    data = {
        "task_id": task.id,
        "action": action,
        "status": WRAPPER_WORDS[view.phase],
        "fail_reason": failure.message if view.failed else url,
        "submit_time": int(task.created_at),
        "start_time": 0 if view.phase in (Phase.QUEUED, Phase.THROTTLED) else int(task.started_at or 0),
        "finish_time": int(task.ended_at or 0) if view.ended else 0,
        "progress": f"{100 if view.ended else view.progress}%",
        "data": inner,
    }
    return {"code": "success", "message": "", "data": data}


def _common(task: Task) -> dict[str, Any]:
    return {"id": task.id, "object": "video", "model": task.model, "created_at": int(task.created_at)}


def _result(shape: VideoShape, url: str) -> dict[str, Any]:
    fields: dict[str, dict[str, Any]] = {
        "output": {"output": [url]},
        "url": {"video_url": url, "url": url},
        "metadata": {"metadata": {"url": url}},
        "content": {},
        "inline": {"url": url},
    }
    return fields.get(shape, {"video_url": url})
