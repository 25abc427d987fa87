"""Stock new-api's native route `/v1/video/generations` (8.3 of the wire notes), beside the gateway's `/v1/videos`.

What it takes stands in newapi_orders.py. The content route is the gateway's.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import read_json
from batchvid.emulator.rendering.clips import Clips
from batchvid.emulator.replies import Refusal, reply, x1
from batchvid.emulator.routes import newapi_orders
from batchvid.emulator.routes.gateway import ERROR_TYPE, NATIVE
from batchvid.emulator.routes.video_models import failure
from batchvid.emulator.routes.video_object import WRAPPER_WORDS, polled_bare, submitted
from batchvid.emulator.service import Ask, Desk, answering
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, View

PATH = "/gateway/v1/video/generations"
QUOTA_PER_S = 50_000  # new-api counts 500,000 to a dollar

FAMILY = NATIVE
FAMILIES = (FAMILY,)

_SIMPLE_WORDS = {Phase.QUEUED: "queued", Phase.RUNNING: "processing", Phase.SUCCEEDED: "succeeded"}
"""Every other phase is `failed`, but for a word that nobody documents."""
_KLING_WORDS = {Phase.QUEUED: "submitted", Phase.RUNNING: "processing", Phase.SUCCEEDED: "succeed"}
_ARK_WORDS = {Phase.QUEUED: "queued", Phase.RUNNING: "running", Phase.SUCCEEDED: "succeeded"}
_VIDU_WORDS = {Phase.QUEUED: "queueing", Phase.RUNNING: "processing", Phase.SUCCEEDED: "success"}


def register(router: web.UrlDispatcher, desk: Desk, _clips: Clips) -> None:
    """Put the routes up."""

    async def create(request: web.Request) -> web.StreamResponse:
        return await _create(desk, request)

    async def poll(request: web.Request) -> web.StreamResponse:
        return await _poll(desk, request)

    router.add_post(PATH, answering(create, lambda _request: desk.turned_away(FAMILY, PATH)))
    router.add_get(PATH + "/{id}", answering(poll))


async def _create(desk: Desk, request: web.Request) -> web.StreamResponse:
    owner = desk.owner(request, error_type=ERROR_TYPE)
    body = await read_json(request)
    model = str(body.get("model") or "")
    if not model:
        raise Refusal(x1(400, "Model name not specified, model name cannot be empty", kind=ERROR_TYPE))
    ask = Ask(owner=owner, route=PATH, kind="", model=model, prompt=str(body.get("prompt") or ""))

    def accepted(task: Task) -> web.Response:
        if desk.settings.newapi_shape == "simple":
            return reply({"task_id": task.id, "status": "queued"})
        return reply(submitted(task, "metadata", {"task_id": task.id}))

    return await desk.submit(request, FAMILY, ask, lambda: newapi_orders.order(desk, model, body), accepted)


async def _poll(desk: Desk, request: web.Request) -> web.StreamResponse:
    owner = desk.owner(request, error_type=ERROR_TYPE)
    task = desk.store.get(request.match_info["id"], FAMILY.name, owner)
    if task is None:
        raise desk.unknown(FAMILY, PATH)

    def show(task: Task) -> web.Response:
        view = desk.store.look(task, desk.clock())
        url = desk.link(request, task) if view.phase is Phase.SUCCEEDED else ""
        shape = desk.settings.newapi_shape
        if shape.startswith("simple"):
            shown = _simple(task, view, url)
            return reply(shown if shape == "simple" else {"code": "success", "message": "", "data": shown})
        return reply(_wrapped(desk, task, view, url))

    return await desk.poll(request, FAMILY, task, show)


def _wrapped(desk: Desk, task: Task, view: View, url: str) -> dict[str, Any]:
    """The task as the server's table has it. Where there is no link, `result_url` says why: the failure's text.

    A task that expired is one that the server gave up before it heard of it: there is nothing of the vendor's.
    `old`: before there was a `result_url`, the link of a success stood in `fail_reason`.
    """
    unseen = view.phase is Phase.QUEUED and task.looks <= 1
    reason = failure(task).message if view.ended else ""
    old = desk.settings.newapi_shape == "old"
    data = {
        "id": 1,
        "created_at": int(task.created_at),
        "updated_at": int(task.ended_at or task.created_at),
        "task_id": task.id,
        "platform": "50",
        "user_id": 1,
        "group": "default",
        "channel_id": 0,
        "quota": round(QUOTA_PER_S * task.seconds),
        "action": task.echo["action"],
        "status": "NOT_START" if unseen else WRAPPER_WORDS[view.phase],
        "fail_reason": reason or (url if old else ""),
        **({} if old else {"result_url": url or reason}),
        "submit_time": int(task.created_at),
        "start_time": 0 if view.phase is Phase.QUEUED else int(task.started_at or 0),
        "finish_time": int(task.ended_at or 0) if view.ended else 0,
        "progress": f"{100 if view.ended else view.progress}%",
        "properties": {"input": "", "upstream_model_name": task.model, "origin_model_name": task.model},
        "data": None if unseen or task.outcome is Outcome.EXPIRED else _upstream(task, view, url, reason),
    }
    return {"code": "success", "message": "", "data": data}


def _upstream(task: Task, view: View, url: str, reason: str) -> dict[str, Any]:
    """The vendor's own answer at the last look: Kling's, Ark's, OpenAI's or Vidu's."""
    if task.model.startswith("kling"):
        videos = {"videos": [{"id": task.id[-8:], "url": url, "duration": f"{task.seconds:.1f}"}]} if url else {}
        said = {"task_status_msg": reason} if reason else {"task_result": videos}
        word = _KLING_WORDS.get(view.phase, "failed")
        times = {"created_at": int(task.created_at * 1000), "updated_at": int(task.created_at * 1000)}
        upstream_id = str(int(task.created_at * 10**9))
        data = {"task_id": upstream_id, "task_status": word, "task_info": {}, **times, **said}
        return {"code": 0, "message": "SUCCEED", "request_id": task.id, "data": data}
    if task.model.startswith("doubao"):
        error = {"error": {"code": failure(task).code, "message": reason}} if reason else {}
        content = {"content": {"video_url": url}} if url else {}
        return {"id": "cgt-upstream", "status": _ARK_WORDS.get(view.phase, "failed"), **content, **error}
    if task.model.startswith("sora"):
        return polled_bare(task, view, {"id": f"video_{task.id[5:]}"})
    creations = [{"id": task.id[-8:], "url": url, "cover_url": ""}] if url else []
    code = {"err_code": failure(task).code} if reason else {}
    return {"state": _VIDU_WORDS.get(view.phase, "failed"), "creations": creations, **code}


def _simple(task: Task, view: View, url: str) -> dict[str, Any]:
    """The reply of its prose documentation, and inside a wrapper of its Gemini and Vertex channels."""
    said = failure(task)
    failed = view.ended and view.phase is not Phase.SUCCEEDED
    status = "failed" if failed else _SIMPLE_WORDS.get(view.phase, "simmering")
    error = {"code": 500, "message": said.message} if failed and said.message else None
    return {"task_id": task.id, "status": status, "url": url, "format": "mp4", "metadata": {}, "error": error}
