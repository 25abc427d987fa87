"""Seedance on `/v1/videos`, as each version accepts it (wire-notes 4.4, 7.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from batchvid.emulator.rendering.geometry import pair, ratio_pixels, tier
from batchvid.emulator.replies import ErrorResponse, task_error
from batchvid.emulator.routes.video_models import VideoModel, own_task_id, references, require_prompt
from batchvid.emulator.service import ClipSpec, SubmitRequest
from batchvid.emulator.task import Task

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
