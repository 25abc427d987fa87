"""OpenRouter's `/v1/videos` (wire-notes 20.5): JSON, 202, an error as a text, signed links beside keyed ones."""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import replace
from typing import Any

from aiohttp import web

from batchvid.emulator.rendering.geometry import frame, pair, ratio_pixels
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import copy_of, read_image, recoloured
from batchvid.emulator.routes.openai_servers import Extras
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

PATH = "/openrouter/v1/videos"
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21")
SHORTER_SIDES = {"360p": 360, "480p": 480, "720p": 720, "768p": 768, "1080p": 1080, "1K": 1024, "2K": 1440, "4K": 2160}
FRAME_TYPES = ("first_frame", "last_frame")
DEFAULT_S, MAX_S = 5, 60
USD_PER_S = 0.1
_ALPHANUMERIC = string.ascii_letters + string.digits

_WORDS = words("pending", "in_progress", "completed", cancelled="cancelled", expired="expired")


def _envelope(status: int, _code: str, message: str) -> web.Response:
    return reply({"error": {"code": status, "message": message}}, status)


refuse = refusals("openrouter", _envelope)


def _bad(message: str) -> ErrorResponse:
    return ErrorResponse(_envelope(400, "", message))


def _new_id() -> str:
    tail = "".join(secrets.choice(_ALPHANUMERIC) for _ in range(20))
    return f"gen-vid-{int(time.time())}-{tail}"


async def _clip(submit: SubmitRequest) -> ClipSpec:
    body = submit.form.fields
    if not submit.model:
        raise _bad("model is required")
    frames, references = await _pictures(submit, "frame_images"), await _pictures(submit, "input_references")
    if not submit.prompt and not (body.get("frame_images") or body.get("input_references")):
        raise _bad("prompt is required")
    duration = body.get("duration", DEFAULT_S)
    if not isinstance(duration, int) or isinstance(duration, bool) or not 1 <= duration <= MAX_S:
        raise _bad(f"duration must be an integer from 1 to {MAX_S}")
    if not isinstance(body.get("generate_audio", False), bool):
        raise _bad("generate_audio must be a boolean")
    if not str(body.get("callback_url", "https://")).startswith("https://"):
        raise _bad("callback_url must be HTTPS")
    if "previous_job_id" in body:
        return _continued(submit, str(body["previous_job_id"]), frames, references)
    return ClipSpec(float(duration), *_pixels(submit), frames, references)


def _continued(submit: SubmitRequest, job_id: str, frames: list[InputImage], references: list[InputImage]) -> ClipSpec:
    source, service = submit.service.store.get(job_id, "openrouter", submit.owner), submit.service
    if source is None or service.store.peek(source, service.clock()).phase is not Phase.SUCCEEDED:
        raise _bad("previous_job_id must be a completed video job")
    if source.model != submit.model:
        raise _bad("previous_job_id was made by another model")
    return replace(recoloured(copy_of(source)), images=frames, references=references)


def _pixels(submit: SubmitRequest) -> tuple[int, int]:
    form = submit.form
    if size := form.text("size"):
        sides = pair(size) if "x" in size else None
        found = frame(*sides, shorter=720) if sides else None
    else:
        ratio, resolution = form.text("aspect_ratio") or "16:9", form.text("resolution") or "720p"
        found = ratio_pixels(ratio, RATIOS, SHORTER_SIDES.get(resolution))
    if found is None:
        raise _bad("unsupported size, resolution or aspect_ratio")
    return found


async def _pictures(submit: SubmitRequest, name: str) -> list[InputImage]:
    rows, found = submit.form.fields.get(name, []), []
    if not isinstance(rows, list):
        raise _bad(f"{name} must be a list")
    for row in rows:
        kind = row.get("type") if isinstance(row, dict) else None
        value = row.get(kind) if kind in ("image_url", "video_url", "audio_url") else None
        if not isinstance(value, dict) or (name == "frame_images" and row.get("frame_type") not in FRAME_TYPES):
            raise _bad(f"invalid item in {name}")
        if kind == "image_url":
            found += await read_image(submit, value.get("url"), name, _bad, expected=f"invalid picture in {name}")
    return found


def _object(task: Task, view: TaskView, **own: Any) -> dict[str, Any]:
    """Fields that are not known are left out, not null."""
    return {"id": task.id, "polling_url": f"{PATH}/{task.id}", "status": _WORDS[view.phase], **own}


def _shown(service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    if view.failed:
        failure = failure_of(task)
        return _object(task, view, **({"error": failure.message} if failure.message else {}))
    if view.phase is not Phase.SUCCEEDED:
        return _object(task, view)
    origin = "/".join(url.split("/")[:3])
    done: dict[str, Any] = {
        "generation_id": task.id,
        "unsigned_urls": [f"{origin}{PATH}/{task.id}/content?index=0"],
        "usage": {"cost": round(task.seconds * USD_PER_S, 4), "is_byok": False},
    }
    if service.settings.openrouter_signed:
        done |= {"urls": [url], "expires_at": int(service.clock() + service.settings.link_ttl_s)}
    return _object(task, view, **done)


def _missing() -> web.Response:
    return _envelope(404, "", "Video job not found")


def _not_ready(_service: EmulatorService, request: web.Request, _task: Task, view: TaskView) -> web.Response | None:
    if view.phase is not Phase.SUCCEEDED:
        return _envelope(409, "", "The video is not ready")
    return None if request.query.get("index", "0") == "0" else _envelope(404, "", "No such output")


ROUTE = Route(
    family=Family("openrouter", _new_id, refuse),
    path=PATH,
    accepted_status=202,
    clip=_clip,
    accepted=lambda _service, task: _object(task, TaskView(Phase.QUEUED, 0)),
    shown=_shown,
    missing=lambda _service: _missing(),
    own_auth=True,
)
EXTRAS = Extras(not_ready=_not_ready, missing=_missing)
