"""Kling's native routes as CometAPI forwards them (4.2, 5 and 7.5 of the wire notes). What each kind takes stands in
kling_orders.py."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import read_json
from batchvid.emulator.rendering.clips import Clips
from batchvid.emulator.replies import Refusal, reply
from batchvid.emulator.routes import kling_orders
from batchvid.emulator.routes.video_object import Failure, submitted, wrap
from batchvid.emulator.service import Ask, Desk, Family, Order, answering
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, View

PATH = "/kling/v1/videos/"
DEFAULT_MODEL = "kling-v1"
DEFAULT_MODELS = {"multi-image2video": kling_orders.MULTI_MODEL, "omni-video": "kling-video-o1"}
"""Where a kind has another."""

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

    kinds = PATH + "{kind:" + "|".join(kling_orders.KINDS) + "}"
    router.add_post(kinds, answering(create, turned_away))
    router.add_get(kinds + "/{id}", answering(poll))


async def _create(desk: Desk, request: web.Request) -> web.StreamResponse:
    owner = desk.owner(request)
    body = await read_json(request)
    kind = request.match_info["kind"]
    ask = Ask(
        owner=owner,
        route=PATH + kind,
        kind=kind,
        model=str(body.get("model_name") or body.get("model") or DEFAULT_MODELS.get(kind, DEFAULT_MODEL)),
        prompt=kling_orders.words(body),
    )

    async def order() -> Order:
        try:
            return await kling_orders.order(desk, FAMILY.name, ask, body)
        except kling_orders.Invalid as error:
            raise Refusal(refuse("invalid", str(error))) from None

    def accepted(task: Task) -> web.Response:
        if desk.settings.kling_shape == "gateway":
            return reply(submitted(task, "video_url", {"task_id": task.id}))
        return reply(_envelope(_data(desk, task, View(Phase.QUEUED, 0))))

    return await desk.submit(request, FAMILY, ask, order, accepted)


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
        data = _data(desk, task, view)
        if view.phase is Phase.SUCCEEDED:
            data |= _result(task, url)
        if desk.settings.kling_shape == "gateway":
            return reply(wrap(task, view, "generate", url, Failure("", _failure(task)), _envelope(data)))
        return reply(_envelope(data))

    return await desk.poll(request, FAMILY, task, show)


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    return {"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": data}


def _data(desk: Desk, task: Task, view: View) -> dict[str, Any]:
    done = view.phase is Phase.SUCCEEDED
    word = desk.settings.kling_success if done else _WORDS.get(view.phase, "failed")
    data: dict[str, Any] = {
        "task_id": int(task.id) if desk.settings.kling_ids == "number" else task.id,
        "task_status": word,
        "task_info": {"external_task_id": task.external_task_id} if task.external_task_id else {},
        "created_at": int(task.created_at * 1000),
        "updated_at": int((task.ended_at or task.created_at) * 1000),
    }
    if task.looks:
        data["task_result"] = {}
    if view.ended:
        data["task_status_msg"] = _failure(task)
    if view.ended and not done and desk.settings.kling_failure_units:
        data["final_unit_deduction"] = desk.settings.kling_failure_units
    return data


def _result(task: Task, url: str) -> dict[str, Any]:
    video = {
        "id": kling_orders.video_id(task),
        "url": url,
        "watermark_url": "",
        "duration": f"{task.seconds:.1f}",
    }
    return {"final_unit_deduction": f"{task.seconds / 5:g}", "task_result": {"videos": [video]}}


def _failure(task: Task) -> str:
    return task.message or _FAILURES.get(task.outcome, "")
