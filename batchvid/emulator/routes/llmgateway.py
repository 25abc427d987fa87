"""LLMGateway's `/v1/videos` (wire-notes 20.4): JSON with whole seconds, a list of links when it is done."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import read_image
from batchvid.emulator.routes.openai_servers import Extras, clip_pixels
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

PATH = "/llmgateway/v1/videos"
DEFAULT_MODEL, DEFAULT_SIZE = "veo-3.1-generate-preview", (1280, 720)
MAX_REFERENCES = 9
MATERIAL = ("reference_videos", "reference_audios")

_WORDS = words("queued", "in_progress", "completed", cancelled="canceled", expired="expired")


def _envelope(status: int, code: str, message: str) -> web.Response:
    return reply({"error": {"message": message, "type": code or "gateway_error", "param": None, "code": code}}, status)


refuse = refusals("llmgateway", _envelope)


def _bad(message: str) -> ErrorResponse:
    return ErrorResponse(_envelope(400, "invalid_request_error", message))


def _describe(submit: SubmitRequest) -> None:
    submit.model = submit.model or DEFAULT_MODEL


async def _clip(submit: SubmitRequest) -> ClipSpec:
    body = submit.form.fields
    seconds, audio = body.get("seconds"), body.get("audio", True)
    if not isinstance(submit.prompt, str) or not submit.prompt:
        raise _bad("prompt: String must contain at least 1 character(s)")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 1 <= seconds <= 60:
        raise _bad("seconds: Expected number of at least 1")
    if not isinstance(audio, bool):
        raise _bad("audio: Expected boolean")
    if ("callback_url" in body) != ("callback_secret" in body):
        raise _bad("callback_url and callback_secret must either both be provided or both be omitted")
    frames = await _images(submit, *(name for name in ("image", "last_frame") if name in body))
    references = await _images(submit, *(("reference_images",) if "reference_images" in body else ()))
    if "last_frame" in body and "image" not in body:
        raise _bad("last_frame requires image to also be provided")
    if "image" in body and any(name in body for name in ("reference_images", *MATERIAL)):
        raise _bad("Frame inputs (image/last_frame) cannot be combined with reference image inputs")
    width, height = clip_pixels(submit.form, DEFAULT_SIZE, lambda field, message: _bad(f"{field}: {message}"))
    return ClipSpec(float(seconds), width, height, frames, references)


async def _images(submit: SubmitRequest, *names: str) -> list[InputImage]:
    found: list[InputImage] = []
    for name in names:
        value = submit.form.fields[name]
        rows = value if isinstance(value, list) else [value]
        if not 1 <= len(rows) <= MAX_REFERENCES:
            raise _bad(f"{name}: Array must contain 1 to {MAX_REFERENCES} element(s)")
        for row in rows:
            url = row.get("image_url") if isinstance(row, dict) else row
            found += await read_image(submit, url, name, _bad, expected=f"Invalid image input in {name}")
    return found


def _object(task: Task, view: TaskView, **own: Any) -> dict[str, Any]:
    return {
        "id": task.id,
        "object": "video",
        "model": task.model,
        "status": _WORDS[view.phase],
        "progress": view.progress,
        "created_at": int(task.created_at),
        "completed_at": None,
        "expires_at": None,
        "error": None,
        **own,
    }


def _shown(_service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    ended = {"completed_at": int(task.ended_at or 0)} if view.ended else {}
    if view.failed:
        failure = failure_of(task)
        code = {"code": failure.code} if failure.code else {}
        return _object(task, view, **ended, error={**code, "message": failure.message})
    if view.phase is Phase.SUCCEEDED:
        return _object(task, view, **ended, content=[{"type": "video", "url": url, "mime_type": "video/mp4"}])
    return _object(task, view)


def _missing() -> web.Response:
    return _envelope(404, "invalid_request_error", "Video not found")


def _not_ready(_service: EmulatorService, _request: web.Request, _task: Task, view: TaskView) -> web.Response | None:
    return None if view.phase is Phase.SUCCEEDED else _envelope(409, "invalid_request_error", "Video is not completed")


ROUTE = Route(
    family=Family("llmgateway", lambda: secrets.token_urlsafe(15), refuse),
    path=PATH,
    describe=_describe,
    clip=_clip,
    accepted=lambda _service, task: _object(task, TaskView(Phase.QUEUED, 0)),
    shown=_shown,
    missing=lambda _service: _missing(),
    own_auth=True,
)
EXTRAS = Extras(not_ready=_not_ready, missing=_missing)
