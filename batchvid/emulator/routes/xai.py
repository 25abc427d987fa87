"""xAI's Grok Imagine as CometAPI forwards it (4.5 and 7.7 of the wire notes): JSON only, generate and edit."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import decode_data_uri, read_json
from batchvid.emulator.rendering.clips import Clips
from batchvid.emulator.rendering.geometry import fitted, pair
from batchvid.emulator.rendering.input_images import BadImage, Still
from batchvid.emulator.replies import Refusal, reply
from batchvid.emulator.routes.derived import behind, recoloured
from batchvid.emulator.routes.video_object import Failure, wrap
from batchvid.emulator.service import Ask, Desk, Family, Order, answering
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, View

PATH = "/grok/v1/videos"
KINDS = "generations|edits"
DEFAULT_MODEL = "grok-imagine-video"
RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")
SHORTER_SIDES = {"480p": 480, "720p": 720}
TICKS_PER_S = {"480p": 500_000_000, "720p": 700_000_000}
"""10^10 ticks are a dollar. The page shows the first; the second is `billed higher`, and by how much is made up."""
DURATIONS_S = range(1, 16)
DEFAULT_S = 8
LONGEST_EDIT_S = 8.7
LONGEST_PROMPT = 4096
MOST_REFERENCES = 7
INVALID = "Client specified an invalid argument"
NOT_FOR_EDITS = ("duration", "aspect_ratio", "resolution")

_WORDS = {
    Phase.QUEUED: "queued",
    Phase.RUNNING: "processing",
    Phase.SUCCEEDED: "done",
    Phase.EXPIRED: "expired",
    Phase.UNDOCUMENTED: "simmering",
}
"""Every other phase is `failed`."""
_REFUSALS = {
    "rate": (429, "resource-exhausted", "Too many requests"),
    "concurrency": (429, "resource-exhausted", "Too many videos are being generated"),
    "balance": (403, "permission-denied", "Your team has used all available credits"),
    "auth": (401, "unauthenticated", "Incorrect API key provided"),
    "unavailable": (503, "unavailable", "Service temporarily unavailable"),
    "invalid": (400, INVALID, "Invalid request"),
    "moderation": (400, INVALID, "Generated video rejected by content moderation."),
}
_FAILURES = {
    Outcome.FAIL: Failure("internal_error", "The video could not be generated"),
    Outcome.ERROR: Failure("internal_error", "An internal error occurred"),
    Outcome.CANCELLED: Failure("cancelled", "The task was cancelled"),
}


def refuse(kind: str, message: str) -> web.Response:
    """The named refusals, as a code and a text."""
    status, code, usual = _REFUSALS[kind]
    return reply({"code": code, "error": message or usual}, status)


FAMILY = Family(name="xai", new_id=lambda: str(uuid.uuid4()), refuse=refuse)
FAMILIES = (FAMILY,)


def register(router: web.UrlDispatcher, desk: Desk, _clips: Clips) -> None:
    """Put the routes up."""

    async def create(request: web.Request) -> web.StreamResponse:
        return await _create(desk, request)

    async def poll(request: web.Request) -> web.StreamResponse:
        return await _poll(desk, request)

    def turned_away(request: web.Request) -> None:
        desk.turned_away(FAMILY, request.path)

    router.add_post(PATH + "/{kind:" + KINDS + "}", answering(create, turned_away))
    router.add_get(PATH + "/{id}", answering(poll))


async def _create(desk: Desk, request: web.Request) -> web.StreamResponse:
    owner = desk.owner(request)
    if request.content_type != "application/json":
        raise _invalid("Expected a request with the content type application/json")
    body = await read_json(request)
    kind = request.match_info["kind"]
    ask = Ask(
        owner=owner,
        route=f"{PATH}/{kind}",
        kind=kind,
        model=str(body.get("model") or DEFAULT_MODEL),
        prompt=str(body.get("prompt") or ""),
    )

    async def order() -> Order:
        if not 0 < len(ask.prompt.strip()) <= LONGEST_PROMPT:
            raise _invalid(f"prompt must have 1 to {LONGEST_PROMPT} characters")
        return _edit(desk, owner, body) if kind == "edits" else await _generation(desk, body)

    return await desk.submit(request, FAMILY, ask, order, lambda task: reply({"request_id": task.id}))


async def _poll(desk: Desk, request: web.Request) -> web.StreamResponse:
    task = desk.store.get(request.match_info["id"], FAMILY.name, desk.owner(request))
    if task is None:
        raise desk.unknown(FAMILY, PATH)

    def show(task: Task) -> web.Response:
        view = desk.store.look(task, desk.clock())
        moderated = view.ended and task.outcome is Outcome.MODERATION
        if moderated:  # done, but for the video
            view = View(Phase.SUCCEEDED, 100)
        url = desk.link(request, task) if view.phase is Phase.SUCCEEDED and not moderated else ""
        if desk.settings.xai_shape == "wrapped":
            return reply(wrap(task, view, "VIDEO_GENERATION", url, _failure(task), _bare(task, view, url)))
        if view.phase is Phase.QUEUED and desk.settings.xai_pending == "enum":
            return reply({"status": _WORDS[view.phase]})
        if view.ended or desk.settings.xai_pending in ("words", "enum"):
            return reply(_bare(task, view, url))
        if desk.settings.xai_pending == "empty":
            return web.Response(status=202)
        if desk.settings.xai_pending == "upstream":
            return reply({"model": task.model, "status": "pending", "progress": view.progress}, 202)
        return reply({"request_id": task.id}, 202)

    return await desk.poll(request, FAMILY, task, show)


async def _generation(desk: Desk, body: dict[str, Any]) -> Order:
    duration = body.get("duration", DEFAULT_S)
    if not isinstance(duration, int) or isinstance(duration, bool) or duration not in DURATIONS_S:
        raise _invalid(f"duration must be an integer from {DURATIONS_S[0]} to {DURATIONS_S[-1]}")
    resolution = str(body.get("resolution") or "480p")
    if resolution not in SHORTER_SIDES:
        raise _invalid(f"resolution must be one of {', '.join(SHORTER_SIDES)}")
    ratio = str(body.get("aspect_ratio") or "16:9")
    sides = pair(ratio) if ratio in RATIOS else None
    pixels = fitted(*sides, shorter=SHORTER_SIDES[resolution]) if sides else None
    if pixels is None:
        raise _invalid(f"aspect_ratio must be one of {', '.join(RATIOS)}")
    image, pictures = body.get("image"), body.get("reference_images") or []
    if image and pictures:
        raise _invalid("image and reference_images exclude each other")
    if not isinstance(pictures, list) or len(pictures) > MOST_REFERENCES:
        raise _invalid(f"reference_images must be a list of at most {MOST_REFERENCES}")
    return Order(
        seconds=float(duration),
        width=pixels[0],
        height=pixels[1],
        images=await _stills(desk, "image", [image] if image else []),
        references=await _stills(desk, "reference_images", pictures),
        echo={"resolution": resolution},
    )


def _edit(desk: Desk, owner: str, body: dict[str, Any]) -> Order:
    """The source in another hue; its length and shape are the source's."""
    for name in NOT_FOR_EDITS:
        if name in body:
            raise _invalid(f"{name} is not supported for edits")
    url = _url("video", body.get("video"))
    if not url.startswith("https://") and desk.behind(url, owner) is None:
        raise _invalid("video.url must be an HTTPS URL of an .mp4 file")
    order = recoloured(behind(desk, url, owner))
    if order.seconds > LONGEST_EDIT_S:
        raise _invalid(f"The input video is longer than {LONGEST_EDIT_S} seconds")
    return replace(order, echo={"resolution": "480p" if min(order.width, order.height) <= 480 else "720p"})


async def _stills(desk: Desk, name: str, entries: list[Any]) -> list[Still]:
    """The pictures that came as data URIs; links are taken on trust."""
    stills = []
    for url in (_url(name, entry) for entry in entries):
        if url.startswith("https://"):
            continue
        data = decode_data_uri(url)
        if data is None:
            raise _invalid(f"{name}.url must be an HTTPS URL or a base64 data URI")
        try:
            stills.append(await desk.stills.take(data, field=name))
        except BadImage as error:
            raise _invalid(f"{name} cannot be read: {error}") from None
    return stills


def _url(name: str, entry: Any) -> str:
    url = entry.get("url") if isinstance(entry, dict) else None
    if not isinstance(url, str):
        raise _invalid(f'{name} must be an object {{"url": ...}}')
    return url


def _invalid(message: str) -> Refusal:
    return Refusal(refuse("invalid", message))


def _bare(task: Task, view: View, url: str) -> dict[str, Any]:
    """The task in xAI's words; while it is queued there is nothing but its id."""
    word = _WORDS.get(view.phase, "failed")
    if view.phase is Phase.QUEUED:
        return {"request_id": task.id}
    if view.phase is Phase.SUCCEEDED:
        return {
            "model": task.model,
            "status": word,
            "progress": 100,
            "usage": {"cost_in_usd_ticks": round(task.seconds * TICKS_PER_S[task.echo["resolution"]])},
            "video": {"url": url, "duration": round(task.seconds), "respect_moderation": bool(url)},
        }
    bare: dict[str, Any] = {"model": task.model, "status": word, "progress": view.progress}
    said = _failure(task)
    if word == "failed" and said.message:
        bare["error"] = {"code": said.code, "message": said.message}
    return bare


def _failure(task: Task) -> Failure:
    usual = _FAILURES.get(task.outcome, Failure("", ""))
    return Failure(task.code or usual.code, task.message or usual.message)
