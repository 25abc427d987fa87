"""xAI's Grok Imagine, also as CometAPI forwards it (wire-notes 4.5, 7.7): JSON only; generate, edit and extend."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import Form, read_json
from batchvid.emulator.rendering.geometry import ratio_pixels
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply, require
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import linked_clip, read_image, recoloured
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.video_object import words, wrap
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskView

DEFAULT_MODEL = "grok-imagine-video"
RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")
SHORTER_SIDES = {"480p": 480, "720p": 720, "1080p": 1080}
# 10^10 ticks are a dollar. The page shows the first; the second is `billed higher`, its amount is invented.
TICKS_PER_S = {"480p": 500_000_000, "720p": 700_000_000, "1080p": 2_500_000_000}
DURATIONS_S = range(1, 16)
DEFAULT_S = 8
MAX_EDIT_S = 8.7
MAX_PROMPT_LENGTH = 4096
MAX_REFERENCES = 7
INVALID = "Client specified an invalid argument"
EXTENSION_S = range(2, 11)
DEFAULT_EXTENSION_S = 6
SOURCE_S = (2.0, 15.0)  # of a clip that is extended
NOT_FOR_EDITS = ("duration", "aspect_ratio", "resolution")

_WORDS = words("queued", "processing", "done", expired="expired")
refuse = refusals("xai", lambda status, code, message: reply({"code": code, "error": message}, status))


async def _read(request: web.Request) -> Form:
    if request.content_type != "application/json":
        raise _invalid("Expected a request with the content type application/json")
    return await read_json(request)


def _describe(submit: SubmitRequest) -> None:
    submit.model = submit.model or DEFAULT_MODEL


async def _clip(submit: SubmitRequest) -> ClipSpec:
    if not 0 < len(submit.prompt.strip()) <= MAX_PROMPT_LENGTH:
        raise _invalid(f"prompt must have 1 to {MAX_PROMPT_LENGTH} characters")
    if submit.kind == "edits":
        return _edit(submit)
    if submit.kind == "extensions":
        return _extend(submit)
    body = submit.form.fields
    duration = body.get("duration", DEFAULT_S)
    if not isinstance(duration, int) or isinstance(duration, bool) or duration not in DURATIONS_S:
        raise _invalid(f"duration must be an integer from {DURATIONS_S[0]} to {DURATIONS_S[-1]}")
    resolution = str(body.get("resolution") or "480p")
    allowed = resolution in SHORTER_SIDES and (resolution != "1080p" or "1.5" in submit.model)
    require(allowed, _invalid, f"resolution must be one of {', '.join(SHORTER_SIDES)}")
    pixels = ratio_pixels(str(body.get("aspect_ratio") or "16:9"), RATIOS, SHORTER_SIDES[resolution])
    if pixels is None:
        raise _invalid(f"aspect_ratio must be one of {', '.join(RATIOS)}")
    image, references = body.get("image"), body.get("reference_images") or []
    if image and references:
        raise _invalid("image and reference_images exclude each other")
    if not isinstance(references, list) or len(references) > MAX_REFERENCES:
        raise _invalid(f"reference_images must be a list of at most {MAX_REFERENCES}")
    frames = await _images(submit, "image", [image] if image else [])
    others = await _images(submit, "reference_images", references)
    return ClipSpec(float(duration), *pixels, frames, others, echo={"resolution": resolution})


def _edit(submit: SubmitRequest) -> ClipSpec:
    """The source in another hue, with the source's length and shape."""
    clip = recoloured(_source(submit, NOT_FOR_EDITS))
    require(clip.seconds <= MAX_EDIT_S, _invalid, f"The input video is longer than {MAX_EDIT_S} seconds")
    return clip


def _extend(submit: SubmitRequest) -> ClipSpec:
    """The source, and what is added to it, in one clip of the source's shape."""
    clip = _source(submit, NOT_FOR_EDITS[1:])
    require(SOURCE_S[0] <= clip.seconds <= SOURCE_S[1], _invalid, "The input video must be 2 to 15 seconds long")
    added = submit.form.fields.get("duration", DEFAULT_EXTENSION_S)
    is_number = isinstance(added, int) and not isinstance(added, bool)
    require(is_number and added in EXTENSION_S, _invalid, "duration must be an integer from 2 to 10")
    return replace(clip, seconds=clip.seconds + added)


def _source(submit: SubmitRequest, unsupported: Collection[str]) -> ClipSpec:
    """The clip that is worked on."""
    body = submit.form.fields
    for name in unsupported:
        require(name not in body, _invalid, f"{name} is not supported for {submit.kind}")
    url = _url("video", body.get("video"))
    if not url.startswith("https://") and submit.service.linked_task(url, submit.owner) is None:
        raise _invalid("video.url must be an HTTPS URL of an .mp4 file")
    clip = linked_clip(submit, url)
    return replace(clip, echo={"resolution": "480p" if min(clip.width, clip.height) <= 480 else "720p"})


async def _images(submit: SubmitRequest, name: str, entries: list[Any]) -> list[InputImage]:
    expected = f"{name}.url must be an HTTPS URL or a base64 data URI"
    urls = [_url(name, entry) for entry in entries]
    return [one for url in urls for one in await read_image(submit, url, name, _invalid, expected=expected)]


def _url(name: str, entry: Any) -> str:
    url = entry.get("url") if isinstance(entry, dict) else None
    if not isinstance(url, str):
        raise _invalid(f'{name} must be an object {{"url": ...}}')
    return url


def _invalid(message: str) -> ErrorResponse:
    return ErrorResponse(refuse("invalid", message))


def _shown(service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    pending = service.settings.xai_pending
    if view.ended and task.outcome is Outcome.MODERATION:  # done, but without the video
        view = TaskView(Phase.SUCCEEDED, 100)
    bare = _bare(task, view, url)
    if service.settings.xai_shape == "wrapped":
        return wrap(task, view, "VIDEO_GENERATION", url, failure_of(task), bare)
    if view.ended or pending == "words":
        return bare
    if pending == "empty":
        return web.Response(status=202)
    if pending == "upstream":
        return reply({"model": task.model, "status": "pending", "progress": view.progress}, 202)
    return reply({"request_id": task.id}, 202)


def _bare(task: Task, view: TaskView, url: str) -> dict[str, Any]:
    """The task in xAI's words; a queued one has only its id."""
    if view.phase is Phase.QUEUED:
        return {"request_id": task.id}
    bare = {"model": task.model, "status": _WORDS[view.phase], "progress": view.progress}
    if view.phase is Phase.SUCCEEDED:
        ticks = round(task.seconds * TICKS_PER_S[task.echo["resolution"]])
        video = {"url": url, "duration": round(task.seconds), "respect_moderation": bool(url)}
        return bare | {"usage": {"cost_in_usd_ticks": ticks}, "video": video}
    failure = failure_of(task)
    if bare["status"] == "failed" and failure.message:
        bare["error"] = asdict(failure)
    return bare


ROUTE = Route(
    family=Family("xai", lambda: str(uuid.uuid4()), refuse),
    path="/grok/v1/videos/{kind}",
    kinds=("generations", "edits", "extensions"),
    tasks="/grok/v1/videos",
    read=_read,
    describe=_describe,
    clip=_clip,
    accepted=lambda _service, task: {"request_id": task.id},
    shown=_shown,
)
