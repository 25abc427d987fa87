"""Seedance's native route, by now deprecated (4.4 and 7.4 of the wire notes): Ark's own body and words."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import decode_data_uri, read_json
from batchvid.emulator.rendering.clips import Clips
from batchvid.emulator.rendering.geometry import fitted, pair, tier
from batchvid.emulator.rendering.input_images import BadImage, Still
from batchvid.emulator.replies import Refusal, reply
from batchvid.emulator.routes.seedance import RATIOS
from batchvid.emulator.routes.video_models import failure
from batchvid.emulator.service import Ask, Desk, Family, Order, answering
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, View

PATH = "/volc/v3/contents/generations/tasks"
FRAMES = ("first_frame", "last_frame")
ROLES = (*FRAMES, "reference_image")
RESOLUTIONS = ("480p", "720p", "1080p")
DURATIONS_S = range(2, 31)
TOKENS_PER_PIXEL_S = 24 / 1024
"""Ark bills width x height x frames / 1024 tokens; a second has 24 frames."""

_WORDS = {
    Phase.QUEUED: "queued",
    Phase.RUNNING: "running",
    Phase.SUCCEEDED: "succeeded",
    Phase.CANCELLED: "cancelled",
    Phase.UNDOCUMENTED: "simmering",
}
"""Every other phase is `failed`."""
_REFUSALS = {
    "rate": (429, "ModelAccountRpmRateLimitExceeded", "requests per minute are exceeded"),
    "concurrency": (429, "ServerOverloaded", "too many tasks are running"),
    "balance": (403, "AccountOverdueError", "the account has an overdue balance"),
    "auth": (401, "AuthenticationError", "the API key is missing or invalid"),
    "unavailable": (500, "InternalServiceError", "the service is temporarily unavailable"),
    "invalid": (400, "InvalidParameter", "a parameter is not valid"),
    "moderation": (400, "InputTextSensitiveContentDetected", "the input may contain sensitive information"),
}


def refuse(kind: str, message: str) -> web.Response:
    """The named refusals, with Ark's code words."""
    status, code, usual = _REFUSALS[kind]
    return reply({"error": {"code": code, "message": message or usual, "param": "", "type": ""}}, status)


FAMILY = Family(
    name="ark", new_id=lambda: f"cgt-{secrets.randbelow(10**14):014d}-{secrets.token_hex(3)}", refuse=refuse
)
FAMILIES = (FAMILY,)


def register(router: web.UrlDispatcher, desk: Desk, _clips: Clips) -> None:
    """Put the routes up."""

    async def create(request: web.Request) -> web.StreamResponse:
        return await _create(desk, request)

    async def poll(request: web.Request) -> web.StreamResponse:
        return await _poll(desk, request)

    router.add_post(PATH, answering(create, lambda _request: desk.turned_away(FAMILY, PATH)))
    router.add_get(PATH + "/{id}", answering(poll))


async def _create(desk: Desk, request: web.Request) -> web.StreamResponse:
    owner = desk.owner(request)
    body = await read_json(request)
    content = body.get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    prompt = " ".join(str(part["text"]) for part in parts if part.get("text"))
    ask = Ask(owner=owner, route=PATH, kind="", model=str(body.get("model") or ""), prompt=prompt)
    return await desk.submit(
        request, FAMILY, ask, lambda: _order(desk, ask, body, parts), lambda task: reply({"id": task.id})
    )


async def _poll(desk: Desk, request: web.Request) -> web.StreamResponse:
    task = desk.store.get(request.match_info["id"], FAMILY.name, desk.owner(request))
    if task is None:
        raise desk.unknown(FAMILY, PATH)

    def show(task: Task) -> web.Response:
        view = desk.store.look(task, desk.clock())
        return reply(_task(task, view, desk.link(request, task)))

    return await desk.poll(request, FAMILY, task, show)


async def _order(desk: Desk, ask: Ask, body: dict[str, Any], parts: list[dict[str, Any]]) -> Order:
    if not ask.model or not parts:
        raise _invalid("model and content are required")
    duration = body.get("duration", 5)
    if not isinstance(duration, int) or duration not in DURATIONS_S:
        raise _invalid(f"duration must be an integer from {DURATIONS_S[0]} to {DURATIONS_S[-1]}")
    ratio, resolution = str(body.get("ratio") or "16:9"), str(body.get("resolution") or "720p")
    sides = pair(ratio) if ratio in RATIOS else None
    shorter = tier(resolution) if resolution in RESOLUTIONS else None
    pixels = fitted(*sides, shorter=shorter) if sides and shorter else None
    if pixels is None:
        raise _invalid(f"ratio must be one of {', '.join(RATIOS)}, resolution one of {', '.join(RESOLUTIONS)}")
    stills = [await _still(desk, part) for part in parts if part.get("type") == "image_url"]
    taken = [still for still in stills if still is not None]
    return Order(
        seconds=float(duration),
        width=pixels[0],
        height=pixels[1],
        images=[still for still in taken if still.field in FRAMES],
        references=[still for still in taken if still.field not in FRAMES],
        echo={"resolution": resolution, "ratio": ratio},
    )


async def _still(desk: Desk, part: dict[str, Any]) -> Still | None:
    """The picture of one part of the content; None for a link, which is taken on trust."""
    role, image = str(part.get("role") or "first_frame"), part.get("image_url")
    url = str(image.get("url")) if isinstance(image, dict) else ""
    if role not in ROLES:
        raise _invalid(f"role must be one of {', '.join(ROLES)}")
    if url.startswith("https://"):
        return None
    data = decode_data_uri(url)
    if data is None:
        raise _invalid("image_url.url must be an HTTPS URL or a data URI")
    try:
        return await desk.stills.take(data, field=role)
    except BadImage as error:
        raise _invalid(f"the image cannot be read: {error}") from None


def _invalid(message: str) -> Refusal:
    return Refusal(refuse("invalid", message))


def _task(task: Task, view: View, url: str) -> dict[str, Any]:
    word = _WORDS.get(view.phase, "failed")
    said = failure(task)
    shown: dict[str, Any] = {
        "id": task.id,
        "model": task.model,
        "status": word,
        "error": {"code": said.code, "message": said.message} if word == "failed" and said.message else None,
        "created_at": int(task.created_at),
        "updated_at": int(task.ended_at or task.created_at),
    }
    if view.phase is Phase.SUCCEEDED:
        tokens = round(task.width * task.height * task.seconds * TOKENS_PER_PIXEL_S)
        shown |= {
            "content": {"video_url": url},
            "usage": {"completion_tokens": tokens, "total_tokens": tokens},
            "duration": round(task.seconds),
            "framespersecond": 24,
            **task.echo,
        }
    return shown
