"""A new-api style gateway below its own prefix (wire-notes 8): replies, without list and remix."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import read_form
from batchvid.emulator.replies import ErrorResponse, openai_error, task_error
from batchvid.emulator.routes import gateway_requests
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.video_models import task_id
from batchvid.emulator.routes.video_object import polled, submitted
from batchvid.emulator.service import EmulatorService, Family, SubmitRequest
from batchvid.emulator.settings import VideoShape
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskView

PATH = "/gateway/v1/videos"
ERROR_TYPE = "new_api_error"


def _envelope(status: int, code: str, message: str) -> web.Response:
    """The task error; new-api's own limiter answers 429 without a body, and its key check in OpenAI's style."""
    if code == "concurrency":
        return web.Response(status=status)
    return task_error(status, code, message) if code else openai_error(status, message, kind=ERROR_TYPE)


refuse = refusals("gateway", _envelope)


def require_model(submit: SubmitRequest) -> None:
    """Raise ErrorResponse (400) when there is no model."""
    if not submit.model:
        message = "Model name not specified, model name cannot be empty"
        raise ErrorResponse(openai_error(400, message, kind=ERROR_TYPE))


def _shown(service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    """Stock's `completed_at` is its last poll of the vendor, its `metadata.url` the link or the reason of a failure."""
    stock, failure = service.settings.gateway_shape == "stock", failure_of(task)
    if stock and task.model.startswith("sora"):
        return _sora(service, task, view)
    if task.model.startswith("grok") and view.ended and task.outcome is Outcome.MODERATION:
        return _blocked(task)
    shape: VideoShape = "metadata" if stock else "url"
    video = polled(task, view, shape, url=url, failure=failure, own=_own(service, task))
    if view.failed:
        video["status"] = "failed"  # its only word for a failure
        if stock:
            video |= {"progress": 100, "metadata": {"url": failure.message}}
    elif stock and not view.ended:
        polled_at = 0 if video["status"] == "unknown" else int(service.clock())
        video |= {"completed_at": polled_at, "metadata": {"url": ""}}
    return video


def _sora(service: EmulatorService, task: Task, view: TaskView) -> Reply:
    """Stock's Sora: the upstream's own object at the last poll, with its own model name and without a link."""
    expires_at = int(service.clock() + service.settings.link_ttl_s) if view.phase is Phase.SUCCEEDED else None
    empty = dict.fromkeys(("completed_at", "error", "remixed_from_video_id"))
    own = {**empty, "expires_at": expires_at, **task.echo, "model": f"{task.model}-2025-12-08"}
    return polled(task, view, "content", url="", failure=failure_of(task), own=own)


def _blocked(task: Task) -> Reply:
    """One gateway's Grok when the output filter refuses the clip: completed, with an error and without a link."""
    error = {"code": task.code or "moderation_blocked", "message": task.message or "blocked by the output filter"}
    common = {"id": task.id, "object": "video", "model": task.model}
    return {**common, "status": "completed", "progress": 100, "error": error}


def _own(service: EmulatorService, task: Task) -> dict[str, Any]:
    if service.settings.gateway_shape == "stock":
        return {"task_id": task.id}
    return {"task_id": task.id, "created_at": int(task.created_at * 1000), **task.echo}


ROUTE = Route(
    family=Family("gateway", task_id, refuse),
    path=PATH,
    error_type=ERROR_TYPE,
    read=read_form,
    describe=require_model,
    clip=gateway_requests.clip_of,
    accepted=lambda service, task: submitted(task, "url", _own(service, task)),
    shown=_shown,
)
