"""SGLang-diffusion's `/v1/videos` (wire-notes 20.1): any size, FastAPI's errors, a DELETE that only forgets."""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import read_form
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import store_image
from batchvid.emulator.routes.openai_servers import (
    UNAUTHORIZED,
    Extras,
    clip_pixels,
    clip_seconds,
    detail,
    still_open,
    validation,
    whole_number,
)
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

PATH = "/sglang/v1/videos"
DEFAULT_SIZE, DEFAULT_S = (832, 480), 4
CLOUD = "Video has been uploaded to cloud storage. Please use the cloud URL: "

_WORDS = words("queued", "in_progress", "completed")


def _envelope(status: int, _code: str, message: str) -> web.Response:
    return reply(UNAUTHORIZED, status) if status == 401 else detail(status, message)


refuse = refusals("sglang", _envelope)


async def _clip(submit: SubmitRequest) -> ClipSpec:
    form = submit.form
    if not submit.prompt:
        raise _bad("prompt is required")
    whole_number(form, "seed", validation)
    seconds = clip_seconds(form, DEFAULT_S, validation)
    width, height = clip_pixels(form, DEFAULT_SIZE, lambda _field, message: _bad(message))
    echo = {"size": f"{width}x{height}", "seconds": str(round(seconds))}
    return ClipSpec(seconds, width, height, await _picture(submit), echo=echo)


async def _picture(submit: SubmitRequest) -> list[InputImage]:
    """The first of the file parts; a link is fetched by the server itself, here never."""
    for file in submit.form.files:
        if file.field == "input_reference":
            return [await store_image(submit, file, file.field, lambda message: _bad(_failed(message)))]
    link = submit.form.text("reference_url")
    if link and not link.startswith(("http://", "https://", "data:image/")):
        raise _bad(_failed(f"no such file: {link}"))
    return []


def _failed(message: str) -> str:
    return f"Failed to process image source: {message}"


def _bad(message: str) -> ErrorResponse:
    return ErrorResponse(detail(400, message))


def _object(task: Task, view: TaskView, **own: Any) -> dict[str, Any]:
    """Its VideoResponse: every field, null where it is not known. It does not repeat the prompt."""
    empty = dict.fromkeys(("url", "urls", "remixed_from_video_id", "completed_at", "expires_at", "error", "file_path"))
    more = dict.fromkeys(("file_paths", "num_outputs", "peak_memory_mb", "inference_time_s", "revised_prompt"))
    return {
        "id": task.id,
        "object": "video",
        "model": task.model or "sora-2",
        "status": _WORDS[view.phase],
        "progress": view.progress,
        "created_at": int(task.created_at),
        **task.echo,
        "quality": "standard",
        **empty,
        "file_path": f"/outputs/{task.id}.mp4" if still_open(view) else None,
        **more,
        "action": None,
        "lidar": None,
        **own,
    }


def _shown(service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    if view.failed:
        return _object(task, view, error={"message": failure_of(task).message})
    if view.phase is not Phase.SUCCEEDED:
        return _object(task, view)
    link = url if service.settings.sglang_cloud else None
    path = None if link else f"/outputs/{task.id}.mp4"
    done = {"url": link, "urls": [link], "file_path": path, "file_paths": [path], "num_outputs": 1}
    measured = {"completed_at": int(task.ended_at or 0), "peak_memory_mb": 20480.5, "inference_time_s": 12.5}
    return _object(task, view, **done, **measured)


def _not_ready(service: EmulatorService, request: web.Request, task: Task, view: TaskView) -> web.Response | None:
    """The content route knows variants by their number only."""
    if view.phase is Phase.SUCCEEDED and service.settings.sglang_cloud:
        return detail(400, CLOUD + service.link(request, task))
    if still_open(view):
        return detail(404, "Generation is still in-progress")
    variant = request.query.get("variant")
    if view.failed or variant not in (None, "0"):
        return detail(404, f"Video variant {variant} not found")
    return None


def _deleted(service: EmulatorService, task: Task) -> web.Response:
    return reply({**_object(task, service.store.peek(task, service.clock())), "status": "deleted"})


ROUTE = Route(
    family=Family("sglang", lambda: str(uuid.uuid4()), refuse, waits=True),
    path=PATH,
    read=read_form,
    clip=_clip,
    accepted=lambda _service, task: _object(task, TaskView(Phase.QUEUED, 0)),
    shown=_shown,
    missing=lambda _service: detail(404, "Video not found"),
    own_auth=True,
)
EXTRAS = Extras(
    not_ready=_not_ready,
    missing=lambda: detail(404, "Video not found"),
    deleted=_deleted,
    row=lambda _service, task, view: _object(task, view),
    min_limit=1,
)
