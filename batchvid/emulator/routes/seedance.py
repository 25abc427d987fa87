"""Seedance on `/v1/videos` (4.4 and 7.4 of the wire notes): seconds, sizes and images as each version takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from batchvid.emulator.body_parsing import Form
from batchvid.emulator.rendering.geometry import fitted, pair, tier
from batchvid.emulator.replies import Refusal, x1, x2
from batchvid.emulator.routes.video_models import VideoModel, references, refuse, required_prompt, task_id
from batchvid.emulator.service import Ask, Desk, Family, Order
from batchvid.emulator.task import Task

RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
EXACT_SIZES = (
    *("854x480", "752x560", "640x640", "560x752", "480x854", "992x432"),
    *("1280x720", "1112x834", "960x960", "834x1112", "720x1280", "1470x630"),
)
DEFAULT_SECONDS = "5"
DEFAULT_RESOLUTION = "720p"
MOST_IMAGES = 9  # Ark's own limit; CometAPI's page names none


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What one version takes. `sizes` are ratios or exact pixels; without `resolutions` the size says it all."""

    seconds: range
    sizes: tuple[str, ...] = RATIOS
    default_size: str = "16:9"
    resolutions: tuple[str, ...] = ()
    most_images: int = 0


VERSIONS = {
    "seedance-2-5": Version(seconds=range(4, 31), sizes=EXACT_SIZES, default_size="1280x720", most_images=MOST_IMAGES),
    "seedance-2-0": Version(
        seconds=range(4, 16),
        sizes=(*RATIOS, "1280x720", "720x1280"),  # the last two by one revision of the polling guide only
        resolutions=("480p", "720p"),
        most_images=MOST_IMAGES,
    ),
    "seedance-1-5-pro": Version(seconds=range(4, 13), resolutions=("480p", "720p", "1080p")),
    "seedance-1-0-pro": Version(seconds=range(2, 11), resolutions=("480p", "720p", "1080p")),
}
"""By the part of the model's name that tells the version; prefixes and dates differ from catalogue to catalogue."""


async def _order(desk: Desk, ask: Ask, form: Form) -> Order:
    required_prompt(form)
    name, version = next((name, version) for name, version in VERSIONS.items() if name in ask.model.lower())
    seconds = form.text("seconds") or DEFAULT_SECONDS
    if seconds not in map(str, version.seconds):
        low, high = version.seconds[0], version.seconds[-1]
        raise _invalid(desk, f"the parameter `duration` of {name} must be an integer between {low} and {high}")
    width, height = _pixels(desk, form, name, version)
    if version.most_images == 0 and any(file.field.startswith("input_reference") for file in form.files):
        raise _invalid(desk, f"the specified task_type r2v does not support model {name}", openai_code="")
    images = await references(desk, form, at_most=version.most_images)
    alone = len(images) == 1
    return Order(
        seconds=float(seconds),
        width=width,
        height=height,
        images=images if alone else [],
        references=[] if alone else images,
    )


def _pixels(desk: Desk, form: Form, name: str, version: Version) -> tuple[int, int]:
    size = form.text("size") or version.default_size
    resolution = form.text("resolution")
    if size not in version.sizes:
        raise _invalid(desk, f"the parameter `size` of {name} must be one of {', '.join(version.sizes)}, not {size}")
    if resolution and resolution not in version.resolutions:
        allowed = ", ".join(version.resolutions) or "left out"
        raise _invalid(desk, f"the parameter `resolution` of {name} must be {allowed}, not {resolution}")
    sides = pair(size)
    shorter = tier(resolution or DEFAULT_RESOLUTION)
    assert sides is not None  # noqa: S101 - the tables hold nothing else
    assert shorter is not None  # noqa: S101
    if ":" not in size:
        return sides
    pixels = fitted(*sides, shorter=shorter)
    assert pixels is not None  # noqa: S101 - no ratio of the tables is too extreme
    return pixels


def _invalid(desk: Desk, message: str, *, openai_code: str = "InvalidParameter") -> Refusal:
    if desk.settings.seedance_errors == "openai":
        return Refusal(x1(400, message, code=openai_code))
    return Refusal(x2(400, "InvalidParameter", message))


def _submitted(task: Task) -> dict[str, Any]:
    return {"task_id": task.id}


def _polled(task: Task) -> dict[str, Any]:
    return {"task_id": task.id, **({"completed_at": None} if task.ended_at is None else {})}


MODEL = VideoModel(
    family=Family(name="seedance", new_id=task_id, refuse=refuse),
    takes=lambda model: any(name in model for name in VERSIONS),
    shape="seedance_shape",
    order=_order,
    submitted=_submitted,
    polled=_polled,
)
