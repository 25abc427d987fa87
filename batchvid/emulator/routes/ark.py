"""Seedance's native route, now deprecated (4.4 and 7.4 of the wire notes): Ark's own body and words."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from batchvid.emulator.rendering.geometry import ratio_pixels, tier
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, refusals, reply
from batchvid.emulator.routes.images import read_image
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.seedance import RATIOS, TIERS
from batchvid.emulator.routes.video_models import FAILURES
from batchvid.emulator.routes.video_object import failure_of, words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

FRAMES = ("first_frame", "last_frame")
ROLES = (*FRAMES, "reference_image")
DURATIONS_S = range(2, 31)
TOKENS_PER_PIXEL_S = 24 / 1024  # Ark bills width x height x frames / 1024 tokens; a second has 24 frames
_WORDS = words("queued", "running", "succeeded", cancelled="cancelled")


def _envelope(status: int, code: str, message: str) -> web.Response:
    return reply({"error": {"code": code, "message": message, "param": "", "type": ""}}, status)


refuse = refusals(
    _envelope,
    rate=(429, "ModelAccountRpmRateLimitExceeded", "requests per minute are exceeded"),
    concurrency=(429, "ServerOverloaded", "too many tasks are running"),
    balance=(403, "AccountOverdueError", "the account has an overdue balance"),
    auth=(401, "AuthenticationError", "the API key is missing or invalid"),
    unavailable=(500, "InternalServiceError", "the service is temporarily unavailable"),
    invalid=(400, "InvalidParameter", "a parameter is not valid"),
    moderation=(400, "InputTextSensitiveContentDetected", "the input may contain sensitive information"),
)


def _invalid(message: str) -> ErrorResponse:
    return ErrorResponse(refuse("invalid", message))


def _parts(submit: SubmitRequest) -> list[dict[str, Any]]:
    content = submit.form.fields.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _describe(submit: SubmitRequest) -> None:
    submit.prompt = " ".join(str(part["text"]) for part in _parts(submit) if part.get("text"))


async def _clip(submit: SubmitRequest) -> ClipSpec:
    parts, duration = _parts(submit), submit.form.fields.get("duration", 5)
    if not submit.model or not parts:
        raise _invalid("model and content are required")
    if not isinstance(duration, int) or duration not in DURATIONS_S:
        raise _invalid(f"duration must be an integer from {DURATIONS_S[0]} to {DURATIONS_S[-1]}")
    ratio, resolution = submit.form.text("ratio") or "16:9", submit.form.text("resolution") or "720p"
    pixels = ratio_pixels(ratio, RATIOS, tier(resolution) if resolution in TIERS else None)
    if pixels is None:
        raise _invalid(f"ratio must be one of {', '.join(RATIOS)}, resolution one of {', '.join(TIERS)}")
    images = [one for part in parts if part.get("type") == "image_url" for one in await _image(submit, part)]
    return ClipSpec(
        seconds=float(duration),
        width=pixels[0],
        height=pixels[1],
        images=[image for image in images if image.field in FRAMES],
        references=[image for image in images if image.field not in FRAMES],
        echo={"resolution": resolution, "ratio": ratio},
    )


async def _image(submit: SubmitRequest, part: dict[str, Any]) -> list[InputImage]:
    role, image = str(part.get("role") or "first_frame"), part.get("image_url")
    if role not in ROLES:
        raise _invalid(f"role must be one of {', '.join(ROLES)}")
    url = image.get("url") if isinstance(image, dict) else None
    return await read_image(submit, url, role, _invalid, expected="image_url.url must be an HTTPS URL or a data URI")


def _shown(_service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    word, failure = _WORDS[view.phase], failure_of(task, FAILURES)
    shown: dict[str, Any] = {
        "id": task.id,
        "model": task.model,
        "status": word,
        "error": failure.as_dict() if word == "failed" and failure.message else None,
        "created_at": int(task.created_at),
        "updated_at": int(task.ended_at or task.created_at),
    }
    if view.phase is not Phase.SUCCEEDED:
        return shown
    tokens = round(task.width * task.height * task.seconds * TOKENS_PER_PIXEL_S)
    usage = {"completion_tokens": tokens, "total_tokens": tokens}
    clip = {"duration": round(task.seconds), "framespersecond": 24, **task.echo}
    return {**shown, "content": {"video_url": url}, "usage": usage, **clip}


def _new_id() -> str:
    return f"cgt-{secrets.randbelow(10**14):014d}-{secrets.token_hex(3)}"


ROUTE = Route(
    family=Family(name="ark", new_id=_new_id, refuse=refuse),
    path="/volc/v3/contents/generations/tasks",
    describe=_describe,
    clip=_clip,
    accepted=lambda _service, task: {"id": task.id},
    shown=_shown,
)
