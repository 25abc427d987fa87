"""Every other model on `/v1/videos` (wire-notes 7.1, 7.4): accepts any values that can be rendered."""

from __future__ import annotations

from dataclasses import replace

from batchvid.emulator.body_parsing import Form
from batchvid.emulator.rendering.geometry import frame, pair, tier
from batchvid.emulator.routes.images import linked_clip, recoloured
from batchvid.emulator.routes.video_models import VideoModel, bad_parameter, references, require_prompt
from batchvid.emulator.service import ClipSpec, SubmitRequest

DEFAULT_SECONDS, MAX_S = "5", 60
SHORTER_SIDE = 480
MAX_IMAGES = 9


async def _clip(submit: SubmitRequest) -> ClipSpec:
    require_prompt(submit)
    form = submit.form
    images = await references(submit, max_count=MAX_IMAGES)
    if source := form.text("video"):
        return replace(recoloured(linked_clip(submit, source)), references=images)
    return ClipSpec(_seconds(form), *_pixels(form), images)


def _seconds(form: Form) -> float:
    text = form.first_text("seconds", "duration") or DEFAULT_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        raise bad_parameter("seconds", f"duration must be a number of seconds, not '{text}'") from None
    if not 1 <= seconds <= MAX_S:
        raise bad_parameter("seconds", f"duration must be from 1 to {MAX_S} seconds")
    return seconds


def _pixels(form: Form) -> tuple[int, int]:
    size, resolution = form.first_text("size", "aspect_ratio", "ratio") or "16:9", form.text("resolution")
    shorter = tier(resolution) if resolution else SHORTER_SIDE
    sides = pair(size)
    pixels = frame(*sides, shorter=shorter) if sides and shorter else None
    if pixels is None:
        raise bad_parameter("size", f"cannot make a frame of size '{size}' and resolution '{resolution}'")
    return pixels


MODEL = VideoModel(name="videos", takes=lambda _model: True, clip=_clip)
