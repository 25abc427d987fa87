"""vLLM-Omni's `/v1/videos` (wire-notes 20.2): multipart only; a failed task is polled as an HTTP error."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import Form, read_form
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import ANY_LINK, read_image, store_image
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

PATH = "/vllm-omni/v1/videos"
DEFAULT_SIZE, DEFAULT_S = (832, 480), 4
PATTERNS = {"seconds": r"^[1-9]\d*$", "size": r"^\d+x\d+$"}
ONE_KIND = (
    "Provide only one of input_reference, image_reference, or video_reference when using input_reference; "
    "image_reference and video_reference may be combined."
)

_WORDS = words("queued", "in_progress", "completed")


def _envelope(status: int, code: str, message: str) -> web.Response:
    if status == 401:
        return reply(UNAUTHORIZED, status)
    return reply({"error": {"message": message, "type": code, "param": None, "code": status}}, status)


refuse = refusals("vllm-omni", _envelope)


async def _read(request: web.Request) -> Form:
    if request.content_type != "multipart/form-data":
        raise validation("prompt", "Field required", "missing")
    return await read_form(request)


async def _clip(submit: SubmitRequest) -> ClipSpec:
    form = submit.form
    if "prompt" not in form.fields:
        raise validation("prompt", "Field required", "missing")
    for field, pattern in PATTERNS.items():
        if (text := form.text(field)) and not re.fullmatch(pattern, text):
            raise validation(field, f"String should match pattern '{pattern}'", "string_pattern_mismatch")
    whole_number(form, "seed", validation)
    seconds = clip_seconds(form, DEFAULT_S, validation)
    width, height = clip_pixels(form, DEFAULT_SIZE, validation)
    echo = {"size": form.text("size") or None, "seconds": form.text("seconds") or "4"}
    return ClipSpec(seconds, width, height, await _pictures(submit), echo=echo)


async def _pictures(submit: SubmitRequest) -> list[InputImage]:
    form = submit.form
    parts = [file for file in form.files if file.field == "input_reference"][:1]
    named = _named(form, "image_reference", "image_url")
    videos = _named(form, "video_reference", "video_url")
    _named(form, "audio_reference", "audio_url")
    if parts and (named or videos):
        raise _bad(ONE_KIND)
    found = [await store_image(submit, file, file.field, _bad) for file in parts]
    for url in named:
        found += await read_image(submit, url, "image_reference", _bad, links=ANY_LINK, expected=f"cannot read {url}")
    return found


def _named(form: Form, field: str, key: str) -> list[str]:
    """The links of a reference in JSON: one object or a list of them. Raises ErrorResponse (400)."""
    text = form.text(field)
    if not text:
        return []
    try:
        found = json.loads(text)
    except ValueError:
        raise _bad("Invalid JSON in form field.") from None
    rows = found if isinstance(found, list) else [found]
    if not all(isinstance(row, dict) and list(row) == [key] and isinstance(row[key], str) for row in rows):
        raise validation(field, "Extra inputs are not permitted", "extra_forbidden")
    return [row[key] for row in rows]


def _bad(message: str) -> ErrorResponse:
    return ErrorResponse(detail(400, message))


def _object(task: Task, view: TaskView, **own: Any) -> dict[str, Any]:
    """Its VideoResponse."""
    return {
        "model": task.model or "unknown",
        "prompt": task.prompt,
        "id": task.id,
        "object": "video",
        "status": _WORDS[view.phase],
        **task.echo,
        "progress": 100 if view.phase is Phase.SUCCEEDED else 0,
        "quality": "default",
        "completed_at": None,
        "created_at": int(task.created_at),
        "remixed_from_video_id": None,
        "error": None,
        "media_type": "video/mp4",
        "expires_at": None,
        "file_name": None,
        "inference_time_s": None,
        "fps": 24.0,
        "num_frames": round(task.seconds * 24),
        "duration_s": task.seconds,
        "metrics": None,
        "stage_durations": {},
        "peak_memory_mb": 0.0,
        "action": None,
        **own,
    }


def _shown(_service: EmulatorService, task: Task, view: TaskView, _url: str) -> Reply:
    ended = {"completed_at": int(task.ended_at or 0), "inference_time_s": 12.5}
    if view.failed:
        failure = failure_of(task)
        status = int(failure.code) if failure.code.isdecimal() and 400 <= int(failure.code) < 600 else 500
        error = {"code": status, "message": failure.message}
        return reply(_object(task, view, **ended, error=error), status)
    if view.phase is Phase.SUCCEEDED:
        return _object(task, view, **ended, file_name=f"{task.id}.mp4")
    return _object(task, view)


def _not_ready(_service: EmulatorService, _request: web.Request, _task: Task, view: TaskView) -> web.Response | None:
    if view.failed:
        return detail(422, "Video generation failed. Check job status for error details.")
    return detail(404, "Generation is still in-progress") if still_open(view) else None


ROUTE = Route(
    family=Family("vllm-omni", lambda: f"video_gen_{uuid.uuid4().hex}", refuse, waits=True),
    path=PATH,
    read=_read,
    clip=_clip,
    accepted=lambda _service, task: _object(task, TaskView(Phase.QUEUED, 0)),
    shown=_shown,
    missing=lambda _service: detail(404, "Video not found"),
    own_auth=True,
)
EXTRAS = Extras(
    not_ready=_not_ready,
    missing=lambda: detail(404, "Video not found"),
    deleted=lambda _service, task: reply({"id": task.id, "deleted": True, "object": "video.deleted"}),
    row=lambda _service, task, view: _object(task, view),
)
