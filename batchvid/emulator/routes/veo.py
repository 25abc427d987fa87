"""Veo on `/v1/videos` (wire-notes 7.2): up to two ordered images, `16x9` sizes, a resolved model name."""

from __future__ import annotations

from batchvid.emulator.rendering.geometry import frame, pair
from batchvid.emulator.routes.video_models import VideoModel, bad_parameter, own_task_id, references, require_prompt
from batchvid.emulator.service import ClipSpec, SubmitRequest

RESOLVED = {"veo3-fast": "veo_3_1-4K"}  # from a page; the names of other aliases are invented in the same form
SECONDS, DEFAULT_SECONDS = ("", "4", "6", "8"), 8
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
    images = await references(submit, max_count=2)
    echo = {"model": RESOLVED.get(submit.model, submit.model.replace(".", "_")), "size": size}
    return ClipSpec(float(seconds or DEFAULT_SECONDS), *pixels, images, echo=echo)


MODEL = VideoModel(
    name="veo",
    takes=lambda model: "veo" in model,
    clip=_clip,
    submitted=lambda task: {"seconds": "", **task.echo},
    polled=lambda task: own_task_id(task) | task.echo,
)
