"""Runway's image to video as CometAPI forwards it (4.3 and 7.6 of the wire notes). Over its limit a task waits."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import decode_data_uri, read_json
from batchvid.emulator.rendering.clips import Clips
from batchvid.emulator.rendering.geometry import frame, pair
from batchvid.emulator.rendering.input_images import BadImage, Still
from batchvid.emulator.replies import Refusal, reply, x1, x2
from batchvid.emulator.routes.video_object import Failure, wrap
from batchvid.emulator.service import Ask, Desk, Family, Order, answering
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, View

PATH = "/runwayml/v1/image_to_video"
TASKS = "/runwayml/v1/tasks"
DOCS = "https://docs.dev.runwayml.com/api"
DEFAULT_RATIO = "1280:768"
RATIOS = (
    *("1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672", "1280:768", "768:1280"),
    *("16:9", "9:16"),
)
"""The pixel ratios of the pages, and the two that older versions take."""
SHORTER_SIDE = 720
DURATIONS_S = range(2, 11)
CREDITS_PER_S = 5  # gen4_turbo's; costs stand in Runway's own schema, not on CometAPI's page
LONGEST_URL = 2048
LARGEST_DATA_URI = 5 * 1024 * 1024

_WORDS = {
    Phase.QUEUED: "PENDING",
    Phase.THROTTLED: "THROTTLED",
    Phase.RUNNING: "RUNNING",
    Phase.SUCCEEDED: "SUCCEEDED",
    Phase.CANCELLED: "CANCELLED",
    Phase.UNDOCUMENTED: "SIMMERING",
}
"""Every other phase is FAILED."""
_REFUSALS = {
    "rate": (429, "Rate limit exceeded: you have reached your daily task limit"),
    "concurrency": (429, "Too many concurrent tasks"),
    "balance": (400, "You do not have enough credits to run this task."),
    "auth": (401, "The API key is invalid"),
    "unavailable": (503, "Service unavailable"),
    "invalid": (400, "Validation of body failed"),
    "moderation": (400, "The input was refused by content moderation: SAFETY.INPUT.TEXT"),
}
_FAILURES = {
    Outcome.FAIL: Failure("INTERNAL.BAD_OUTPUT.CODE01", "An unexpected error occurred while generating."),
    Outcome.MODERATION: Failure("SAFETY.INPUT.TEXT", "Text input was flagged by content moderation."),
    Outcome.ERROR: Failure("INTERNAL", "An internal error occurred."),
    Outcome.EXPIRED: Failure("INTERNAL", "The task has expired."),
}


def refuse(kind: str, message: str) -> web.Response:
    """The named refusals in Runway's own envelope."""
    status, usual = _REFUSALS[kind]
    if kind == "invalid":
        return _issue("body", message or usual)
    return reply({"error": message or usual}, status)


FAMILY = Family(name="runway", new_id=lambda: str(uuid.uuid4()), refuse=refuse, waits=True)
FAMILIES = (FAMILY,)


def register(router: web.UrlDispatcher, desk: Desk, _clips: Clips) -> None:
    """Put the routes up."""

    async def create(request: web.Request) -> web.StreamResponse:
        return await _create(desk, request)

    async def poll(request: web.Request) -> web.StreamResponse:
        return await _poll(desk, request)

    router.add_post(PATH, answering(create, lambda _request: desk.turned_away(FAMILY, PATH)))

    async def delete(request: web.Request) -> web.StreamResponse:
        return _delete(desk, request)

    router.add_get(TASKS + "/{id}", answering(poll))
    router.add_delete(TASKS + "/{id}", answering(delete))


async def _create(desk: Desk, request: web.Request) -> web.StreamResponse:
    owner = desk.owner(request)
    body = await read_json(request)
    ask = Ask(
        owner=owner,
        route=PATH,
        kind="",
        model=str(body.get("model") or ""),
        prompt=str(body.get("promptText") or ""),
    )

    async def order() -> Order:
        if not request.headers.get("X-Runway-Version"):
            raise Refusal(reply({"error": "The X-Runway-Version header is required", "docUrl": DOCS}, 400))
        return await _order(desk, ask, body)

    return await desk.submit(request, FAMILY, ask, order, lambda task: reply({"id": task.id, **_estimate(task)}))


async def _poll(desk: Desk, request: web.Request) -> web.StreamResponse:
    task = desk.store.get(request.match_info["id"], FAMILY.name, desk.owner(request))
    if task is None:
        desk.missed(FAMILY, PATH)
        raise Refusal(_missing(desk))

    def show(task: Task) -> web.Response:
        if task.polls <= desk.settings.runway_hidden_polls and not task.restored:
            if desk.settings.runway_hidden_as.startswith("status"):
                status = int(desk.settings.runway_hidden_as.removeprefix("status_"))
                return reply({"id": task.id, "status": "task_not_exist"}, status)
            return _missing(desk)
        view = desk.store.look(task, desk.clock())
        url = desk.link(request, task) if view.phase is Phase.SUCCEEDED else ""
        bare = _bare(task, view, url)
        if desk.settings.runway_shape == "wrapped":
            return reply(wrap(task, view, "IMAGE_TO_VIDEO", url, _failure(task), bare))
        if desk.settings.runway_shape == "lower":
            bare["status"] = bare["status"].lower()
        return reply(bare)

    return await desk.poll(request, FAMILY, task, show)


def _delete(desk: Desk, request: web.Request) -> web.Response:
    """Runway's own: cancels a task that goes on and deletes one that ended, output and all; 204 either way."""
    task = desk.store.get(request.match_info["id"], FAMILY.name, desk.owner(request))
    if task is None:
        raise Refusal(reply({"error": "Task not found"}, 404))
    if not desk.cancel(task):
        return reply({"error": "The task can no longer be cancelled"}, 409)
    return web.Response(status=204)


async def _order(desk: Desk, ask: Ask, body: dict[str, Any]) -> Order:
    if not ask.model:
        raise Refusal(x1(400, "model name is required"))
    images = await _images(desk, body.get("promptImage"))
    duration = body.get("duration", 5)
    if not isinstance(duration, int) or isinstance(duration, bool) or duration not in DURATIONS_S:
        raise Refusal(_issue("duration", "Expected an integer from 2 to 10"))
    ratio = str(body.get("ratio", DEFAULT_RATIO))
    sides = pair(ratio) if ratio in RATIOS else None
    pixels = frame(*sides, shorter=SHORTER_SIDE) if sides else None
    if pixels is None:
        raise Refusal(_issue("ratio", f"Expected one of {', '.join(RATIOS)}"))
    return Order(seconds=float(duration), width=pixels[0], height=pixels[1], images=images)


async def _images(desk: Desk, prompt_image: Any) -> list[Still]:
    """One URI, or an array of `{uri, position}`. Links are taken on trust, data URIs are read."""
    if not prompt_image:
        raise Refusal(_issue("promptImage", "Required", code="invalid_type"))
    entries = prompt_image if isinstance(prompt_image, list) else [{"uri": prompt_image, "position": "first"}]
    stills = []
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("position") not in ("first", "last"):
            raise Refusal(_issue("promptImage", "Expected {uri, position: first or last}"))
        still = await _still(desk, str(entry.get("uri") or ""), str(entry["position"]))
        if still is not None:
            stills.append(still)
    return stills


async def _still(desk: Desk, uri: str, position: str) -> Still | None:
    if uri.startswith("https://") and len(uri) <= LONGEST_URL:
        return None
    if uri.startswith("http://"):
        raise Refusal(_issue("promptImage", "Only HTTPS URLs are allowed."))
    data = decode_data_uri(uri) if len(uri) <= LARGEST_DATA_URI else None
    if data is None:
        raise Refusal(_issue("promptImage", "Expected an HTTPS URL or a data URI of at most 5 MB"))
    try:
        return await desk.stills.take(data, field=position)
    except BadImage as error:
        raise Refusal(_issue("promptImage", f"The image cannot be read: {error}")) from None


def _issue(path: str, message: str, *, code: str = "custom") -> web.Response:
    issue = {"code": code, "path": [path], "message": message}
    return reply({"error": "Validation of body failed", "issues": [issue], "docUrl": DOCS}, 400)


def _missing(desk: Desk) -> web.Response:
    if desk.settings.runway_hidden_as == "http_404":
        return reply({"error": "Task not found"}, 404)
    return x2(400, "task_not_exist", "task_not_exist")


def _bare(task: Task, view: View, url: str) -> dict[str, Any]:
    created = datetime.fromtimestamp(task.created_at, UTC)
    bare: dict[str, Any] = {
        "id": task.id,
        "status": _WORDS.get(view.phase, "FAILED"),
        "createdAt": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if view.phase is Phase.RUNNING:
        bare["progress"] = view.progress / 100
    if view.phase is Phase.SUCCEEDED:
        bare["output"] = [url]
    if not view.ended:
        return bare | _estimate(task)
    charged = view.phase is Phase.SUCCEEDED or task.outcome is Outcome.MODERATION  # safety is not refunded
    bare["cost"] = {"credits": _credits(task) if charged else 0}
    words = _failure(task)
    if words.message:
        bare |= {"failure": words.message, "failureCode": words.code}
    return bare


def _estimate(task: Task) -> dict[str, Any]:
    return {"estimatedCost": {"credits": _credits(task)}}


def _credits(task: Task) -> int:
    return round(CREDITS_PER_S * task.seconds)


def _failure(task: Task) -> Failure:
    usual = _FAILURES.get(task.outcome, Failure("", ""))
    return Failure(task.code or usual.code, task.message or usual.message)
