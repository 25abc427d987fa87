"""Every other model on `/v1/videos` (7.1 and 7.4 of the wire notes): taken as it comes, if it can be drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from batchvid.emulator.body_parsing import Form
from batchvid.emulator.rendering.geometry import frame, pair, tier
from batchvid.emulator.routes.derived import behind, recoloured
from batchvid.emulator.routes.video_models import (
    VideoModel,
    bad_parameter,
    references,
    refuse,
    required_prompt,
    task_id,
)
from batchvid.emulator.service import Ask, Desk, Family, Order
from batchvid.emulator.task import Task

DEFAULT_SECONDS = "5"
LONGEST_S = 60
SHORTER_SIDE = 480
MOST_IMAGES = 9


async def _order(desk: Desk, ask: Ask, form: Form) -> Order:
    required_prompt(form)
    if source := form.text("video"):
        images = await references(desk, form, at_most=MOST_IMAGES)
        return replace(recoloured(behind(desk, source, ask.owner)), references=images)
    width, height = _pixels(form)
    return Order(
        seconds=_seconds(form),
        width=width,
        height=height,
        images=await references(desk, form, at_most=MOST_IMAGES),
    )


def _seconds(form: Form) -> float:
    said = form.text("seconds") or form.text("duration") or DEFAULT_SECONDS
    try:
        seconds = float(said)
    except ValueError:
        raise bad_parameter("seconds", f"duration must be a number of seconds, not '{said}'") from None
    if not 1 <= seconds <= LONGEST_S:
        raise bad_parameter("seconds", f"duration must be from 1 to {LONGEST_S} seconds")
    return seconds


def _pixels(form: Form) -> tuple[int, int]:
    size = next((form.text(name) for name in ("size", "aspect_ratio", "ratio") if form.text(name)), "16:9")
    resolution = form.text("resolution")
    shorter = tier(resolution) if resolution else SHORTER_SIDE
    sides = pair(size)
    pixels = frame(*sides, shorter=shorter) if sides and shorter else None
    if pixels is None:
        raise bad_parameter("size", f"cannot make a frame of size '{size}' and resolution '{resolution}'")
    return pixels


def _own(task: Task) -> dict[str, Any]:
    return {"task_id": task.id}


MODEL = VideoModel(
    family=Family(name="videos", new_id=task_id, refuse=refuse),
    takes=lambda _model: True,
    shape="videos_shape",
    order=_order,
    submitted=_own,
    polled=_own,
)
