"""Seedance (wire-notes 4.4, 7.4): on `/v1/videos`, as each version accepts it, and Ark's native route."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import Any

from batchvid.emulator.rendering.geometry import pair, ratio_pixels, tier
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply, require, task_error
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import read_image, split
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.video_models import VideoModel, own_task_id, references, require_prompt
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
EXACT_SIZES = (
    *("854x480", "752x560", "640x640", "560x752", "480x854", "992x432"),
    *("1280x720", "1112x834", "960x960", "834x1112", "720x1280", "1470x630"),
)
DEFAULT_SECONDS, DEFAULT_RESOLUTION = "5", "720p"
MAX_IMAGES = 9  # Ark's own limit; CometAPI's page names none
TIERS = ("480p", "720p", "1080p")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What one version accepts. `sizes` are ratios or exact pixels; without `resolutions` the size is complete."""

    seconds: range
    sizes: tuple[str, ...] = RATIOS
    default_size: str = "16:9"
    resolutions: tuple[str, ...] = ()
    max_images: int = 0


VERSIONS = {  # by the part of the model's name with the version; prefixes and dates differ between catalogues
    "seedance-2-5": Version(seconds=range(4, 31), sizes=EXACT_SIZES, default_size="1280x720", max_images=MAX_IMAGES),
    "seedance-2-0": Version(
        seconds=range(4, 16),
        sizes=(*RATIOS, "1280x720", "720x1280"),  # the last two by one revision of the polling guide only
        resolutions=("480p", "720p"),
        max_images=MAX_IMAGES,
    ),
    "seedance-1-5-pro": Version(seconds=range(4, 13), resolutions=TIERS),
    "seedance-1-0-pro": Version(seconds=range(2, 11), resolutions=TIERS),
}


async def _clip(submit: SubmitRequest) -> ClipSpec:
    require_prompt(submit)
    form = submit.form
    name, version = next((name, version) for name, version in VERSIONS.items() if name in submit.model.lower())
    seconds = form.text("seconds") or DEFAULT_SECONDS
    if seconds not in map(str, version.seconds):
        low, high = version.seconds[0], version.seconds[-1]
        raise _invalid(f"the parameter `duration` of {name} must be an integer between {low} and {high}")
    pixels = _pixels(submit, name, version)
    if version.max_images == 0 and any(file.field.startswith("input_reference") for file in form.files):
        raise _invalid(f"the specified task_type r2v does not support model {name}")
    images = await references(submit, max_count=version.max_images)
    frames, others = (images, []) if len(images) == 1 else ([], images)
    return ClipSpec(float(seconds), *pixels, frames, others)


def _pixels(submit: SubmitRequest, name: str, version: Version) -> tuple[int, int]:
    size, resolution = submit.form.text("size") or version.default_size, submit.form.text("resolution")
    if size not in version.sizes:
        raise _invalid(f"the parameter `size` of {name} must be one of {', '.join(version.sizes)}, not {size}")
    if resolution and resolution not in version.resolutions:
        allowed = ", ".join(version.resolutions) or "left out"
        raise _invalid(f"the parameter `resolution` of {name} must be {allowed}, not {resolution}")
    pixels = ratio_pixels(size, RATIOS, tier(resolution or DEFAULT_RESOLUTION)) if ":" in size else pair(size)
    assert pixels is not None  # noqa: S101 - the tables contain nothing else
    return pixels


def _invalid(message: str) -> ErrorResponse:
    return ErrorResponse(task_error(400, "InvalidParameter", message))


def _polled(task: Task) -> dict[str, Any]:
    return own_task_id(task) | ({"completed_at": None} if task.ended_at is None else {})


MODEL = VideoModel(
    name="seedance", takes=lambda model: any(name in model for name in VERSIONS), clip=_clip, polled=_polled
)


# Ark: the native route, now deprecated

FRAMES = ("first_frame", "last_frame")
ROLES = (*FRAMES, "reference_image")
ARK_DURATIONS_S = range(2, 31)
TOKENS_PER_PIXEL_S = 24 / 1024  # Ark bills width x height x frames / 1024 tokens; a second has 24 frames
_ARK_WORDS = words("queued", "running", "succeeded", cancelled="cancelled")


_ark_refuse = refusals(
    "ark", lambda status, code, text: reply({"error": {"code": code, "message": text, "param": "", "type": ""}}, status)
)


def _ark_invalid(message: str) -> ErrorResponse:
    return ErrorResponse(_ark_refuse("invalid", message))


def _parts(submit: SubmitRequest) -> list[dict[str, Any]]:
    content = submit.form.fields.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _describe(submit: SubmitRequest) -> None:
    submit.prompt = " ".join(str(part["text"]) for part in _parts(submit) if part.get("text"))


async def _ark_clip(submit: SubmitRequest) -> ClipSpec:
    parts, duration = _parts(submit), submit.form.fields.get("duration", 5)
    if not submit.model or not parts:
        raise _ark_invalid("model and content are required")
    if not isinstance(duration, int) or duration not in ARK_DURATIONS_S:
        raise _ark_invalid(f"duration must be an integer from {ARK_DURATIONS_S[0]} to {ARK_DURATIONS_S[-1]}")
    ratio, resolution = submit.form.text("ratio") or "16:9", submit.form.text("resolution") or "720p"
    pixels = ratio_pixels(ratio, RATIOS, tier(resolution) if resolution in TIERS else None)
    if pixels is None:
        raise _ark_invalid(f"ratio must be one of {', '.join(RATIOS)}, resolution one of {', '.join(TIERS)}")
    images = [one for part in parts if part.get("type") == "image_url" for one in await _image(submit, part)]
    frames, others = split(images, FRAMES)
    return ClipSpec(float(duration), *pixels, frames, others, echo={"resolution": resolution, "ratio": ratio})


async def _image(submit: SubmitRequest, part: dict[str, Any]) -> list[InputImage]:
    role, image = str(part.get("role") or "first_frame"), part.get("image_url")
    require(role in ROLES, _ark_invalid, f"role must be one of {', '.join(ROLES)}")
    url = image.get("url") if isinstance(image, dict) else None
    return await read_image(
        submit, url, role, _ark_invalid, expected="image_url.url must be an HTTPS URL or a data URI"
    )


def _shown(_service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    word, failure = _ARK_WORDS[view.phase], failure_of(task)
    shown: dict[str, Any] = {
        "id": task.id,
        "model": task.model,
        "status": word,
        "error": asdict(failure) if word == "failed" and failure.message else None,
        "created_at": int(task.created_at),
        "updated_at": int(task.ended_at or task.created_at),
    }
    if view.phase is not Phase.SUCCEEDED:
        return shown
    tokens = round(task.width * task.height * task.seconds * TOKENS_PER_PIXEL_S)
    usage = {"completion_tokens": tokens, "total_tokens": tokens}
    clip = {"duration": round(task.seconds), "framespersecond": 24, **task.echo}
    return {**shown, "content": {"video_url": url}, "usage": usage, **clip}


ARK = Route(
    family=Family("ark", lambda: f"cgt-{secrets.randbelow(10**14):014d}-{secrets.token_hex(3)}", _ark_refuse),
    path="/volc/v3/contents/generations/tasks",
    describe=_describe,
    clip=_ark_clip,
    accepted=lambda _service, task: {"id": task.id},
    shown=_shown,
)
