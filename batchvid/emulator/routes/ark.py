"""Ark's content generation tasks, at BytePlus and Volcengine (wire-notes 15). Unknown fields are refused."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from batchvid.emulator.rendering.geometry import fitted, ratio_pixels
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply, require
from batchvid.emulator.routes.ark_models import (
    ADAPTIVE,
    COMMON,
    FRAMES,
    RATIOS,
    REFERENCES,
    SHORTER_SIDE,
    Version,
    version_of,
)
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import read_image, split
from batchvid.emulator.routes.route import Reply
from batchvid.emulator.routes.task_records import RecordRoute, Shown, find_record, page_number
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

FPS = 24
MAX_LISTED = 500
DEFAULT_S = 5
ASSETS = ("https://", "http://", "asset://")
TYPES = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict"}
TYPES |= {429: "TooManyRequests", 500: "InternalServerError"}
STATED = {"service_tier": "default", "execution_expires_after": 172_800}
NEWER = {"priority": 0, "output_format": "mp4"}
"""What a task repeats of its request, with the vendor's defaults."""

_WORDS = words("queued", "running", "succeeded", cancelled="cancelled", expired="expired")


def _error(status: int, code: str, message: str, param: str = "") -> web.Response:
    text = f"{message} Request id: {secrets.token_hex(16)}"
    return reply({"error": {"code": code, "message": text, "param": param, "type": TYPES.get(status, "")}}, status)


_refuse = refusals("ark", _error)


def _invalid(message: str, param: str = "") -> ErrorResponse:
    return ErrorResponse(_error(400, "InvalidParameter", message, param))


def _not_valid(name: str) -> ErrorResponse:
    return _invalid(f"The parameter `{name}` specified in the request is not valid.", name)


def _parts(submit: SubmitRequest) -> list[dict[str, Any]]:
    content = submit.form.fields.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _describe(submit: SubmitRequest) -> None:
    """Nulls are fields that are not given: the vendor's SDK sends them."""
    fields = submit.form.fields
    submit.form.fields = {name: value for name, value in fields.items() if value is not None}
    submit.prompt = " ".join(str(part["text"]) for part in _parts(submit) if part.get("text"))


async def _clip(submit: SubmitRequest) -> ClipSpec:
    body, parts = submit.form.fields, _parts(submit)
    if not submit.model or not parts or len(parts) != len(body["content"]):
        raise ErrorResponse(_error(400, "MissingParameter", "The request failed because it is missing `content`."))
    version = _checked_version(submit)
    for name in body:
        require(name in COMMON | version.fields, _not_valid, name)
    require(version.flex or body.get("service_tier") != "flex", _not_valid, "service_tier")
    _check_roles(parts, version)
    images = [one for part in parts if part.get("type") == "image_url" for one in await _image(submit, part)]
    frames, references = split(images, FRAMES)
    seconds, pixels = _seconds(body, version), _pixels(body, parts, frames, version)
    return ClipSpec(float(seconds), *pixels, frames, references, echo=_echo(body, version))


def _checked_version(submit: SubmitRequest) -> Version:
    version = version_of(submit.model)
    if version is not None:
        return version
    if submit.model.startswith("ep-"):  # an endpoint of the account: it may lead to any model
        every = frozenset({"generate_audio", "camera_fixed", "draft", "frames", "priority", "output_format"})
        return Version(seconds=range(2, 31), tiers=(*SHORTER_SIDE,), fields=every, references=True, flex=True)
    message = f"The model or endpoint {submit.model} does not exist or you do not have access to it."
    raise ErrorResponse(_error(404, "InvalidEndpointOrModel.NotFound", message))


def _check_roles(parts: Sequence[dict[str, Any]], version: Version) -> None:
    media = [part for part in parts if part.get("type") != "text"]
    roles = [str(part.get("role") or FRAMES[0]) for part in media]
    require(all(role in (*FRAMES, *REFERENCES) for role in roles), _invalid, "invalid role specified for content")
    require(version.references or not set(roles) & set(REFERENCES), _invalid, "task_type r2v is not supported")
    mixed = "first/last frame content cannot be mixed with reference media content."
    require(not (set(roles) & set(FRAMES) and set(roles) & set(REFERENCES)), _invalid, mixed)
    for role in FRAMES:
        count = roles.count(role)
        require(count < 2, _invalid, f"expected at most one {role} image content but got {count} instead.")
    require(set(roles) != {REFERENCES[2]}, _invalid, "audio content requires image or video content.")
    for part in media:
        kind = part.get("type")
        require(kind in ("image_url", "video_url", "audio_url"), _not_valid, "content.type")
        source = part.get(str(kind))
        require(isinstance(source, dict) and isinstance(source.get("url"), str), _not_valid, f"content.{kind}")
        if kind == "video_url":
            require(part["video_url"]["url"].startswith(ASSETS), _not_valid, "content.video_url")


async def _image(submit: SubmitRequest, part: dict[str, Any]) -> list[InputImage]:
    role, url = str(part.get("role") or FRAMES[0]), part["image_url"]["url"]
    expected = "The parameter `content.image_url` specified in the request is not valid."
    return await read_image(submit, url, role, _invalid, links=ASSETS, expected=expected)


def _seconds(body: dict[str, Any], version: Version) -> int:
    duration = body.get("duration", DEFAULT_S)
    if not isinstance(duration, int) or isinstance(duration, bool):
        raise _not_valid("duration")
    if duration == -1 and version.has_sound:
        return DEFAULT_S
    require(duration in version.seconds, _not_valid, "duration")
    return duration


def _pixels(
    body: dict[str, Any], parts: Sequence[dict[str, Any]], frames: Sequence[InputImage], version: Version
) -> tuple[int, int]:
    """The frame; a clip from a picture has its shape, unless a ratio is given."""
    resolution = str(body.get("resolution") or "720p").lower()
    require(resolution in version.tiers, _not_valid, "resolution")
    is_framed = any(str(part.get("role") or FRAMES[0]) in FRAMES for part in parts if part.get("type") == "image_url")
    ratio = str(body.get("ratio") or (ADAPTIVE if is_framed else "16:9"))
    if is_framed and version.follows_image and ratio != ADAPTIVE:
        message = "For first-frame or first-last-frame generation, the output ratio follows the first-frame image."
        raise ErrorResponse(_error(400, "InvalidParameter.TaskTypeConstraint", message, "ratio"))
    shorter = SHORTER_SIDE[resolution]
    if ratio != ADAPTIVE:
        pixels = ratio_pixels(ratio, RATIOS, shorter)
    elif frames:
        pixels = fitted(frames[0].width, frames[0].height, shorter=shorter)
    else:
        pixels = fitted(16, 9, shorter=shorter)
    if pixels is None:
        raise _not_valid("ratio")
    return pixels


def _echo(body: dict[str, Any], version: Version) -> dict[str, Any]:
    """What a task repeats of its request: `open` from the start, `done` only when it has succeeded."""
    start = {name: body.get(name, default) for name, default in STATED.items()}
    if version.has_sound:
        start["generate_audio"] = body.get("generate_audio", True)
    if "draft" in version.fields:
        start["draft"] = body.get("draft", False)
    if "safety_identifier" in body:
        start["safety_identifier"] = body["safety_identifier"]
    ratio = body.get("ratio") or "16:9"
    done = {"seed": body.get("seed", 11), "resolution": body.get("resolution") or "720p", "ratio": ratio}
    done |= {name: body.get(name, default) for name, default in NEWER.items() if name in version.fields}
    return {"open": start, "done": done}


def _accepted(_service: EmulatorService, task: Task) -> Reply:
    return {"id": task.id}


def _new_id() -> str:
    return f"cgt-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}-{secrets.token_hex(3)[:5]}"


def _shown(_service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    return _task(task, view, url)


def _task(task: Task, view: TaskView, url: str) -> dict[str, Any]:
    word, failure = _WORDS[view.phase], failure_of(task)
    shown: dict[str, Any] = {
        "id": task.id,
        "model": task.model,
        "status": word,
        "error": asdict(failure) if word == "failed" and failure.message else None,
        "created_at": int(task.created_at),
        "updated_at": int(task.ended_at or task.created_at),
        **task.echo["open"],
    }
    if view.phase is not Phase.SUCCEEDED:
        return shown
    tokens = task.width * task.height * (FPS * round(task.seconds) + 1) // 1024
    return {
        **shown,
        "content": {"video_url": url},
        "usage": {"completion_tokens": tokens, "total_tokens": tokens},
        "duration": round(task.seconds),
        "framespersecond": FPS,
        **task.echo["done"],
    }


def _missing(_service: EmulatorService) -> web.Response:
    return _error(404, "ResourceNotFound", "The specified resource is not found.")


def _undeletable(task: Task, phase: Phase) -> web.Response:
    if phase is Phase.CANCELLED:
        return _error(409, "InvalidAction", f"Cannot delete task `{task.id}` because it is cancelled.")
    message = f"Cannot delete task `{task.id}` because it is currently running."
    return _error(409, "InvalidAction.RunningTaskDeletion", message)


def _listed(service: EmulatorService, request: web.Request, records: Sequence[Shown]) -> Reply:
    """A page of the tasks; those of the flex tier only where the filter names it."""
    query = request.query
    wanted, ids = query.get("filter.service_tier", "default"), query.getall("filter.task_ids", [])
    found = [
        (task, view)
        for task, view in records
        if task.echo["open"]["service_tier"] == wanted
        and query.get("filter.status", _WORDS[view.phase]) == _WORDS[view.phase]
        and query.get("filter.model", task.model) == task.model
        and (not ids or task.id in ids)
    ]
    page, size = (page_number(query.get(name, usual)) for name, usual in (("page_num", "1"), ("page_size", "20")))
    require(0 < page <= MAX_LISTED and 0 < size <= MAX_LISTED, _not_valid, "page_num")
    shown = found[(page - 1) * size : page * size]
    items = [
        _task(task, view, service.link(request, task) if view.phase is Phase.SUCCEEDED else "") for task, view in shown
    ]
    return {"items": items, "total": len(found)}


PATH = "/contents/generations/tasks"
ROUTE = RecordRoute(
    family=Family("ark", _new_id, _refuse),
    path=f"/ark/api/v3{PATH}",
    records=f"/ark/api/v3{PATH}",
    own_auth=True,
    describe=_describe,
    clip=_clip,
    accepted=_accepted,
    shown=_shown,
    find=find_record("ark"),
    missing=_missing,
    listed=_listed,
    undeletable=_undeletable,
)
VOLC = replace(
    ROUTE,
    path=f"/volc/v3{PATH}",
    records=f"/volc/v3{PATH}",
    own_auth=False,
    missing=EmulatorService.unknown_task,
)
"""CometAPI's old forwarding of the same wire."""
