"""Veo on `/v1/videos` (7.2 of the wire notes): up to two ordered images, `16x9` sizes, a resolved model name."""

from __future__ import annotations

from typing import Any

from batchvid.emulator.rendering.geometry import frame, pair
from batchvid.emulator.routes.video_models import (
    VideoModel,
    bad_parameter,
    own_task_id,
    references,
    refuse,
    require_prompt,
    task_id,
)
from batchvid.emulator.service import ClipSpec, Family, SubmitRequest
from batchvid.emulator.task import Task

RESOLVED = {"veo3-fast": "veo_3_1-4K"}
"""Resolved names that a page shows; those of other aliases are invented in the same form."""
SECONDS = ("", "4", "6", "8")
DEFAULT_SECONDS = 8
SHORTER_SIDE = 720


async def _clip(submit: SubmitRequest) -> ClipSpec:
    require_prompt(submit)
    seconds, size = submit.form.text("seconds"), submit.form.text("size")
    if seconds not in SECONDS:
        raise bad_parameter("seconds", f"Invalid value: '{seconds}'. Supported values are: '4', '6', and '8'.")
    sides = pair(size or "16x9")
    pixels = frame(*sides, shorter=SHORTER_SIDE) if sides else None
    if pixels is None:
        raise bad_parameter("size", f"Invalid size '{size}': 16x9, 9x16 or WIDTHxHEIGHT")
    return ClipSpec(
        seconds=float(seconds or DEFAULT_SECONDS),
        width=pixels[0],
        height=pixels[1],
        images=await references(submit, max_count=2),
        echo={"model": RESOLVED.get(submit.model, submit.model.replace(".", "_")), "size": size},
    )


def _submitted(task: Task) -> dict[str, Any]:
    return {"seconds": "", **task.echo}


def _polled(task: Task) -> dict[str, Any]:
    return own_task_id(task) | task.echo


MODEL = VideoModel(
    family=Family(name="veo", new_id=task_id, refuse=refuse),
    takes=lambda model: "veo" in model,
    shape="veo_shape",
    clip=_clip,
    submitted=_submitted,
    polled=_polled,
)
