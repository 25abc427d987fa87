"""Kling's native routes as CometAPI forwards them (4.2, 5 and 7.5 of the wire notes): text and image to video."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from aiohttp import web

from batchvid.emulator.clips import Clips
from batchvid.emulator.desk import Ask, Desk, Family, Order, answering
from batchvid.emulator.form import decode_base64, read_json
from batchvid.emulator.geometry import fitted, pair
from batchvid.emulator.life import Outcome, Phase, View
from batchvid.emulator.replies import Refusal, reply
from batchvid.emulator.routes.video_object import Failure, submitted, wrap
from batchvid.emulator.stills import BadImage, Still
from batchvid.emulator.task import Task

PATH = "/kling/v1/videos/"
KINDS = "text2video|image2video"
DEFAULT_MODEL = "kling-v1"
DURATIONS = ("5", "10")
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3")
SHORTER_SIDES = {"std": 720, "pro": 1080}
LONGEST_PROMPT = 2500
LARGEST_IMAGE_BYTES = 10 * 1024 * 1024
SMALLEST_IMAGE_SIDE = 300
MOST_EXTREME_RATIO = 2.5

_REFUSALS = {
    "rate": (429, 1302, "too many requests"),
    "concurrency": (429, 1303, "parallel task over resource pack limit"),
    "balance": (429, 1102, "resource pack exhausted"),
    "auth": (401, 1002, "Authorization is invalid"),
    "unavailable": (503, 5001, "service is under maintenance"),
    "invalid": (400, 1201, "invalid parameter"),
    "moderation": (400, 1301, "the request triggered the content security policy"),
    "missing": (404, 1203, "task not found"),
}
_WORDS = {
    Phase.QUEUED: "submitted",
    Phase.RUNNING: "processing",
    Phase.SUCCEEDED: "succeed",
    Phase.UNDOCUMENTED: "simmering",
}
"""Kling knows one way of failing only: every other phase is `failed`."""
_FAILURES = {
    Outcome.FAIL: "generation failed",
    Outcome.MODERATION: "failure to pass the risk control system",
    Outcome.ERROR: "internal error",
    Outcome.CANCELLED: "the task was cancelled",
    Outcome.EXPIRED: "the task has expired",
}


def refuse(kind: str, message: str) -> web.Response:
    """The named refusals, with Kling's own codes."""
    status, code, usual = _REFUSALS[kind]
    return reply({"code": code, "message": message or usual, "request_id": str(uuid.uuid4())}, status)


FAMILY = Family(name="kling", new_id=lambda: str(secrets.randbelow(10**18) + 10**18), refuse=refuse)
"""Its ids are decimal numbers that no double can hold."""
FAMILIES = (FAMILY,)


def register(router: web.UrlDispatcher, desk: Desk, _clips: Clips) -> None:
    """Put the routes up."""

    async def create(request: web.Request) -> web.StreamResponse:
        return await _create(desk, request)

    async def poll(request: web.Request) -> web.StreamResponse:
        return await _poll(desk, request)

    def turned_away(request: web.Request) -> None:
        desk.turned_away(FAMILY, request.path)

    router.add_post(PATH + "{kind:" + KINDS + "}", answering(create, turned_away))
    router.add_get(PATH + "{kind:" + KINDS + "}/{id}", answering(poll))


async def _create(desk: Desk, request: web.Request) -> web.StreamResponse:
    owner = desk.owner(request)
    body = await read_json(request)
    kind = request.match_info["kind"]
    ask = Ask(
        owner=owner,
        route=PATH + kind,
        kind=kind,
        model=str(body.get("model_name") or body.get("model") or DEFAULT_MODEL),
        prompt=str(body.get("prompt") or ""),
    )

    def accepted(task: Task) -> web.Response:
        if desk.settings.kling_shape == "gateway":
            return reply(submitted(task, "video_url", {"task_id": task.id}))
        return reply(_envelope(_data(task, View(Phase.QUEUED, 0))))

    return await desk.submit(request, FAMILY, ask, lambda: _order(desk, ask, body), accepted)


async def _poll(desk: Desk, request: web.Request) -> web.StreamResponse:
    """By the task's id or by the buyer's own, below the sub-resource that made it."""
    owner, kind, name = desk.owner(request), request.match_info["kind"], request.match_info["id"]
    task = desk.store.get(name, FAMILY.name, owner) or desk.store.by_external(name, FAMILY.name, owner)
    if task is None or task.kind != kind:
        desk.missed(FAMILY, PATH + kind)
        raise Refusal(refuse("missing", ""))

    def show(task: Task) -> web.Response:
        view = desk.store.look(task, desk.clock())
        url = desk.link(request, task) if view.phase is Phase.SUCCEEDED else ""
        data = _data(task, view)
        if view.phase is Phase.SUCCEEDED:
            data |= _result(task, url)
        if desk.settings.kling_shape == "gateway":
            return reply(wrap(task, view, "generate", url, Failure("", _failure(task)), _envelope(data)))
        return reply(_envelope(data))

    return await desk.poll(request, FAMILY, task, show)


async def _order(desk: Desk, ask: Ask, body: dict[str, Any]) -> Order:
    duration = body.get("duration", "5")
    if not isinstance(duration, str) or duration not in DURATIONS:
        raise _invalid(f"duration must be one of the strings {', '.join(DURATIONS)}, not {duration!r}")
    if len(ask.prompt) > LONGEST_PROMPT:
        raise _invalid(f"prompt is longer than {LONGEST_PROMPT} characters")
    if ask.kind == "text2video" and not ask.prompt.strip():
        raise _invalid("prompt is required")
    shorter = SHORTER_SIDES.get(str(body.get("mode", "std")))
    if shorter is None:
        raise _invalid(f"mode must be std or pro, not {body['mode']!r}")
    images, urls = await _images(desk, body) if ask.kind == "image2video" else ([], 0)
    if ask.kind == "image2video" and not images and not urls:
        raise _invalid("image or image_tail is required")
    width, height = _pixels(body, images, shorter)
    external = str(body.get("external_task_id") or "")
    if external and desk.store.by_external(external, FAMILY.name, ask.owner):
        raise _invalid("external_task_id already exists")
    return Order(seconds=float(duration), width=width, height=height, images=images, external_task_id=external)


def _pixels(body: dict[str, Any], images: list[Still], shorter: int) -> tuple[int, int]:
    """The asked ratio; from an image, the image's."""
    ratio = str(body.get("aspect_ratio") or "16:9")
    sides = (images[0].width, images[0].height) if images else pair(ratio) if ratio in RATIOS else None
    if sides is None:
        raise _invalid(f"aspect_ratio must be one of {', '.join(RATIOS)}, not {ratio!r}")
    pixels = fitted(*sides, shorter=shorter)
    assert pixels is not None  # noqa: S101 - no ratio that passed the checks is too extreme
    return pixels


async def _images(desk: Desk, body: dict[str, Any]) -> tuple[list[Still], int]:
    """The images that came as bytes, and how many came as links (which are taken on trust)."""
    stills, urls = [], 0
    for name in ("image", "image_tail"):
        text = body.get(name)
        if not text:
            continue
        if not isinstance(text, str) or text.startswith("data:"):
            raise _invalid(f"{name} must be a URL or base64 without a data: prefix")
        if text.startswith(("https://", "http://")):
            urls += 1
            continue
        stills.append(await _still(desk, name, text))
    return stills, urls


async def _still(desk: Desk, name: str, text: str) -> Still:
    data = decode_base64(text)
    if data is None or len(data) > LARGEST_IMAGE_BYTES:
        raise _invalid(f"{name} is not base64, or larger than 10 MB")
    try:
        still = await desk.stills.take(data, field=name)
    except BadImage as error:
        raise _invalid(f"{name} cannot be decoded: {error}") from None
    if min(still.width, still.height) < SMALLEST_IMAGE_SIDE:
        raise _invalid(f"{name} must be at least {SMALLEST_IMAGE_SIDE} pixels wide and high")
    if max(still.width, still.height) / min(still.width, still.height) > MOST_EXTREME_RATIO:
        raise _invalid(f"{name} must have a ratio between 1:{MOST_EXTREME_RATIO} and {MOST_EXTREME_RATIO}:1")
    return still


def _invalid(message: str) -> Refusal:
    return Refusal(refuse("invalid", message))


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    return {"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": data}


def _data(task: Task, view: View) -> dict[str, Any]:
    word = _WORDS.get(view.phase, "failed")
    data: dict[str, Any] = {
        "task_id": task.id,
        "task_status": word,
        "task_info": {"external_task_id": task.external_task_id} if task.external_task_id else {},
        "created_at": int(task.created_at * 1000),
        "updated_at": int((task.ended_at or task.created_at) * 1000),
    }
    if task.looks:
        data["task_result"] = {}
    if view.ended:
        data["task_status_msg"] = _failure(task)
    return data


def _result(task: Task, url: str) -> dict[str, Any]:
    video = {
        "id": uuid.uuid5(uuid.NAMESPACE_OID, task.id).hex,
        "url": url,
        "watermark_url": "",
        "duration": f"{task.seconds:.1f}",
    }
    return {"final_unit_deduction": f"{task.seconds / 5:g}", "task_result": {"videos": [video]}}


def _failure(task: Task) -> str:
    return task.message or _FAILURES.get(task.outcome, "")
