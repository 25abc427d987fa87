"""Sora on `/v1/videos` (wire-notes 7.3): string seconds, exact sizes, one image of exactly that size."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from batchvid.emulator.body_parsing import Form
from batchvid.emulator.replies import ErrorResponse, task_error
from batchvid.emulator.routes.errors import refusals
from batchvid.emulator.routes.images import copy_of, recoloured
from batchvid.emulator.routes.video_models import VideoModel, bad_parameter, envelope, references, require_prompt
from batchvid.emulator.service import ClipSpec, SubmitRequest
from batchvid.emulator.task import Task

SECONDS, DEFAULT_SECONDS = ("4", "8", "12", "16", "20"), "4"
SIZES = ("720x1280", "1280x720")
PRO_SIZES = (*SIZES, "1024x1792", "1792x1024", "1080x1920", "1920x1080")
DEFAULT_SIZE = "720x1280"  # OpenAI's; CometAPI's pages only suggest another


async def _clip(submit: SubmitRequest) -> ClipSpec:
    require_prompt(submit)
    seconds, size = _seconds(submit.form), submit.form.text("size") or DEFAULT_SIZE
    sizes = PRO_SIZES if "pro" in submit.model else SIZES
    if size not in sizes:
        raise bad_parameter("size", f"Invalid value: '{size}'. Supported values are: {', '.join(sizes)}.")
    width, height = (int(side) for side in size.split("x"))
    images = await references(submit, max_count=1)
    if any((image.width, image.height) != (width, height) for image in images):
        raise bad_parameter("input_reference", "Inpaint image must match the requested width and height", code="")
    echo = {"seconds": seconds, "size": size}
    return ClipSpec(float(seconds), width, height, images, echo=echo)


def remix(source: Task, submit: SubmitRequest, *, finished: bool) -> ClipSpec:
    """The source's clip, changed. Raises ErrorResponse (400): no prompt, not a Sora task, or not finished."""
    require_prompt(submit)
    if source.family != MODEL.name:
        raise ErrorResponse(task_error(400, "task_not_exist", "task_not_exist"))
    if not finished:
        raise bad_parameter("video_id", "The video to remix is not completed")
    echo = {"seconds": source.echo["seconds"], "size": source.echo["size"], "remixed_from_video_id": source.id}
    return replace(recoloured(copy_of(source)), echo=echo)


def _seconds(form: Form) -> str:
    value = form.fields.get("seconds")
    if value is None:
        return DEFAULT_SECONDS
    if not isinstance(value, str):
        kind = "integer" if isinstance(value, int) else type(value).__name__
        message = f"Invalid type for 'seconds': expected one of '4', '8', or '12', but got an {kind} instead."
        raise bad_parameter("seconds", message, code="invalid_type")
    if value not in SECONDS:
        allowed = ", ".join(f"'{one}'" for one in SECONDS)
        raise bad_parameter("seconds", f"Invalid value: '{value}'. Supported values are: {allowed}.")
    return value


def _polled(task: Task) -> dict[str, Any]:
    empty = dict.fromkeys(("error", "completed_at", "expires_at", "remixed_from_video_id"))
    return {**empty, "prompt": task.prompt, **task.echo}


MODEL = VideoModel(
    name="sora",
    takes=lambda model: model.startswith("sora"),
    clip=_clip,
    new_id=lambda: f"video_{secrets.token_hex(19)}",
    refuse=refusals("sora", envelope),
    submitted=lambda task: dict(task.echo),
    polled=_polled,
)
