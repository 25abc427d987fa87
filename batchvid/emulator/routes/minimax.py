"""MiniMax's second version (H3, wire-notes 16): a task object, real HTTP errors, records of seven days."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aiohttp import web

from batchvid.emulator.rendering.geometry import fitted, ratio_pixels
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply, require
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import read_image, split
from batchvid.emulator.routes.route import Reply
from batchvid.emulator.routes.task_records import RecordRoute, Shown, find_record, page_number
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

SHORTER_SIDE = {"480P": 480, "768P": 768, "2K": 1440}
TIERS = {"MiniMax-H3": ("768P", "2K"), "MiniMax-H3-Max": ("480P", "768P")}
SECONDS = {"MiniMax-H3": range(4, 16), "MiniMax-H3-Max": range(5, 16)}
RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
ADAPTIVE = "adaptive"
FRAMES = ("first_frame", "last_frame")
REFERENCES = ("reference_image", "reference_video", "reference_audio")
LINKS = ("https://", "http://", "mm_file://")
MAX_TEXT_CHARS = 7000
MAX_LISTED = 100

_WORDS = words("queued", "running", "succeeded", cancelled="cancelled")


def _error(status: int, kind: str, message: str) -> web.Response:
    error = {"type": kind, "message": message, "http_code": str(status)}
    return reply({"type": "error", "error": error, "request_id": f"0{secrets.token_hex(15)}"}, status)


_refuse = refusals("minimax", _error)


def _invalid(message: str) -> ErrorResponse:
    return ErrorResponse(_error(400, "bad_request_error", f"invalid params, {message} (2013)"))


def _parts(submit: SubmitRequest) -> list[dict[str, Any]]:
    content = submit.form.fields.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _describe(submit: SubmitRequest) -> None:
    submit.prompt = " ".join(str(part["text"]) for part in _parts(submit) if part.get("text"))


async def _clip(submit: SubmitRequest) -> ClipSpec:
    body, parts = submit.form.fields, _parts(submit)
    require(submit.model in TIERS, _invalid, f"model {submit.model} is not supported")
    empty = "content must include a non-empty text item (prompt is required)"
    require(submit.prompt.strip(), _invalid, empty)
    require(len(submit.prompt) <= MAX_TEXT_CHARS, _invalid, f"text is longer than {MAX_TEXT_CHARS} characters")
    roles = {str(part.get("role") or FRAMES[0]) for part in parts if part.get("type") != "text"}
    require(roles <= {*FRAMES, *REFERENCES}, _invalid, "unknown role")
    require(not (roles & set(FRAMES) and roles & set(REFERENCES)), _invalid, "frames and references are exclusive")
    images = [one for part in parts if part.get("type") == "image_url" for one in await _image(submit, part)]
    frames, references = split(images, FRAMES)
    duration = body.get("duration")
    is_second = isinstance(duration, int) and not isinstance(duration, bool)
    require(is_second and duration in SECONDS[submit.model], _invalid, "duration")
    resolution = str(body.get("resolution"))
    require(resolution in TIERS[submit.model], _invalid, f"resolution {resolution}")
    ratio = str(body.get("ratio") or ADAPTIVE)
    require(ratio in (*RATIOS, ADAPTIVE), _invalid, "ratio")
    require(roles or ratio != ADAPTIVE, _invalid, "ratio is required for text to video")
    pixels = _pixels(ADAPTIVE if roles & set(FRAMES) else ratio, frames, SHORTER_SIDE[resolution])
    echo = {"resolution": resolution, "ratio": ratio, "image_count": len(references)}
    return ClipSpec(float(str(duration)), *pixels, frames, references, echo=echo)


async def _image(submit: SubmitRequest, part: dict[str, Any]) -> list[InputImage]:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else None
    role = str(part.get("role") or FRAMES[0])
    return await read_image(submit, url, role, _invalid, links=LINKS, expected="image_url.url")


def _pixels(ratio: str, frames: Sequence[InputImage], shorter: int) -> tuple[int, int]:
    if ratio != ADAPTIVE:
        pixels = ratio_pixels(ratio, RATIOS, shorter)
    elif frames:
        pixels = fitted(frames[0].width, frames[0].height, shorter=shorter)
    else:
        pixels = fitted(16, 9, shorter=shorter)
    if pixels is None:
        raise _invalid("ratio")
    return pixels


def _task(task: Task, view: TaskView, url: str) -> dict[str, Any]:
    failure, seconds = failure_of(task), round(task.seconds)
    shown: dict[str, Any] = {
        "id": task.id,
        "model": task.model,
        "status": _WORDS[view.phase],
        "created_at": int(task.created_at),
        "updated_at": int(task.ended_at or task.created_at),
        "resolution": task.echo["resolution"],
        "duration": seconds,
        "ratio": task.echo["ratio"],
        "task_type": "generation",
        "modality": "video",
    }
    if view.phase is Phase.SUCCEEDED:
        shown["content"] = {"url": url}
    if view.failed and view.phase is not Phase.CANCELLED and failure.message:
        shown["error"] = asdict(failure)
    if view.ended and view.phase is not Phase.CANCELLED:
        billed = seconds if view.phase is Phase.SUCCEEDED else 0
        shown["usage"] = {
            "total_seconds": billed,
            "input_seconds": 0,
            "output_seconds": billed,
            "input_image_count": task.echo["image_count"],
        }
    return shown


def _missing(_service: EmulatorService) -> web.Response:
    return _error(400, "bad_request_error", "invalid params, invalid task_id (2013)")


def _undeletable(_task: Task, phase: Phase) -> web.Response:
    state = "cancelled" if phase is Phase.CANCELLED else "running"
    return _error(400, "bad_request_error", f"invalid params, a {state} task cannot be deleted (2013)")


def _listed(service: EmulatorService, request: web.Request, records: Sequence[Shown]) -> Reply:
    query = request.query
    found = [
        (task, view)
        for task, view in records
        if query.get("filter.status", _WORDS[view.phase]) == _WORDS[view.phase]
        and query.get("filter.model", task.model) == task.model
    ]
    page, size = (page_number(query.get(name, usual)) for name, usual in (("page_num", "1"), ("page_size", "10")))
    require(page and 0 < size <= MAX_LISTED, _invalid, "page_num or page_size")
    shown = found[(page - 1) * size : page * size]
    items = [
        _task(task, view, service.link(request, task) if view.phase is Phase.SUCCEEDED else "") for task, view in shown
    ]
    return {"items": items, "total": len(found)}


ROUTE = RecordRoute(
    family=Family("minimax", lambda: str(4 * 10**14 + secrets.randbelow(10**14)), _refuse),
    path="/minimax/v2/video_generation",
    tasks="/minimax/v2/query/video_generation",
    records="/minimax/v2/query/video_generation",
    deletes="/minimax/v2/video_generation",
    own_auth=True,
    describe=_describe,
    clip=_clip,
    accepted=lambda _service, task: {"task_id": task.id},
    shown=lambda _service, task, view, url: {"task": _task(task, view, url)},
    find=find_record("minimax"),
    missing=_missing,
    listed=_listed,
    undeletable=_undeletable,
)
