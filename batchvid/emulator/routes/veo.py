"""Veo on `/v1/videos` (7.2 of the wire notes): up to two ordered images, `16x9` sizes, a resolved model name."""

from __future__ import annotations

from typing import Any

from batchvid.emulator.body_parsing import Form
from batchvid.emulator.rendering.geometry import frame, pair
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

RESOLVED = {"veo3-fast": "veo_3_1-4K"}
"""Aliases whose resolved name a page shows; of others the form is made up alike."""
SECONDS = ("", "4", "6", "8")
DEFAULT_SECONDS = 8
SHORTER_SIDE = 720


async def _order(desk: Desk, ask: Ask, form: Form) -> Order:
    required_prompt(form)
    seconds = form.text("seconds")
    if seconds not in SECONDS:
        raise bad_parameter("seconds", f"Invalid value: '{seconds}'. Supported values are: '4', '6', and '8'.")
    size = form.text("size")
    sides = pair(size or "16x9")
    pixels = frame(*sides, shorter=SHORTER_SIDE) if sides else None
    if pixels is None:
        raise bad_parameter("size", f"Invalid size '{size}': 16x9, 9x16 or WIDTHxHEIGHT")
    return Order(
        seconds=float(seconds or DEFAULT_SECONDS),
        width=pixels[0],
        height=pixels[1],
        images=await references(desk, form, at_most=2),
        echo={"model": RESOLVED.get(ask.model, ask.model.replace(".", "_")), "size": size},
    )


def _submitted(task: Task) -> dict[str, Any]:
    return {"model": task.echo["model"], "seconds": "", "size": task.echo["size"]}


def _polled(task: Task) -> dict[str, Any]:
    return {"task_id": task.id, "model": task.echo["model"], "size": task.echo["size"]}


MODEL = VideoModel(
    family=Family(name="veo", new_id=task_id, refuse=refuse),
    takes=lambda model: "veo" in model,
    shape="veo_shape",
    order=_order,
    submitted=_submitted,
    polled=_polled,
)
