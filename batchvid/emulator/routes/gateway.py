"""A new-api style gateway below a prefix of its own (wire-notes 8): submit, poll, content.

List and remix are not exposed, as its page says. What it takes stands in gateway_orders.py.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import read_form
from batchvid.emulator.rendering.clips import Clips
from batchvid.emulator.replies import Refusal, reply, x1, x2
from batchvid.emulator.routes import gateway_orders
from batchvid.emulator.routes.content import deliver
from batchvid.emulator.routes.video_models import MODERATED, failure, task_id
from batchvid.emulator.routes.video_object import Failure, polled, submitted
from batchvid.emulator.service import Ask, Desk, Family, answering
from batchvid.emulator.settings import VideoShape
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, View

PATH = "/gateway/v1/videos"
ERROR_TYPE = "new_api_error"
SATURATED = "当前分组上游负载已饱和，请稍后再试"

_X2 = {
    "rate": (429, "fail_to_fetch_task", SATURATED),
    "balance": (403, "insufficient_user_quota", "user quota is not enough"),
    "unavailable": (500, "do_request_failed", "do request failed"),
    "invalid": (400, "invalid_request", "invalid request"),
    "moderation": (400, "sensitive_words_detected", MODERATED),
}


def refuse(kind: str, message: str) -> web.Response:
    """The named refusals as new-api writes them; its own limiter answers 429 with no body at all."""
    if kind == "concurrency":
        return web.Response(status=429)
    if kind == "auth":
        return x1(401, message or "Invalid token", kind=ERROR_TYPE)
    status, code, usual = _X2[kind]
    return x2(status, code, message or usual)


FAMILY = Family(name="gateway", new_id=task_id, refuse=refuse)
NATIVE = Family(name="newapi", new_id=task_id, refuse=refuse)
"""The tasks of newapi.py, whose clips come from the same content route."""
FAMILIES = (FAMILY,)


def register(router: web.UrlDispatcher, desk: Desk, clips: Clips) -> None:
    """Put the routes up."""

    async def create(request: web.Request) -> web.StreamResponse:
        return await _create(desk, request)

    async def poll(request: web.Request) -> web.StreamResponse:
        return await _poll(desk, request)

    async def content(request: web.Request) -> web.StreamResponse:
        owner = desk.owner(request, error_type=ERROR_TYPE)
        native = desk.store.get(request.match_info["id"], NATIVE.name, owner)
        family = NATIVE if native else FAMILY
        return await deliver(desk, clips, request, family, native or _find(desk, request))

    router.add_post(PATH, answering(create, lambda _request: desk.turned_away(FAMILY, PATH)))
    router.add_get(PATH + "/{id}", answering(poll))
    router.add_get(PATH + "/{id}/content", answering(content))


async def _create(desk: Desk, request: web.Request) -> web.StreamResponse:
    owner = desk.owner(request, error_type=ERROR_TYPE)
    form = await read_form(request, strict_multipart=False)
    model = form.text("model")
    if not model:
        raise Refusal(x1(400, "Model name not specified, model name cannot be empty", kind=ERROR_TYPE))
    ask = Ask(owner=owner, route=PATH, kind=form.text("mode"), model=model, prompt=form.text("prompt"))
    return await desk.submit(
        request,
        FAMILY,
        ask,
        lambda: gateway_orders.order(desk, owner, model, form, stock=_is_stock(desk)),
        lambda task: reply(submitted(task, "url", _own(desk, task))),
    )


async def _poll(desk: Desk, request: web.Request) -> web.StreamResponse:
    task = _find(desk, request)
    if task is None:
        raise desk.unknown(FAMILY, PATH)

    def show(task: Task) -> web.Response:
        view = desk.store.look(task, desk.clock())
        return reply(_video(desk, task, view, desk.link(request, task)))

    return await desk.poll(request, FAMILY, task, show)


def _find(desk: Desk, request: web.Request) -> Task | None:
    owner = desk.owner(request, error_type=ERROR_TYPE)
    return desk.store.get(request.match_info["id"], FAMILY.name, owner)


def _video(desk: Desk, task: Task, view: View, url: str) -> dict[str, Any]:
    """The object in one of two shapes: with `video_url` and milliseconds, or as stock new-api makes it.

    Stock says `unknown` before its first look at the vendor, and then when that look was as `completed_at`, whether
    the task is finished or not. It has the link in `metadata.url` only; on a failed task the reason stands there,
    beside a progress of 100.
    """
    said = failure(task)
    if _is_stock(desk) and task.model.startswith("sora"):
        return _sora(task, view, desk, said)
    if task.model.startswith("grok") and view.ended and task.outcome is Outcome.MODERATION:
        return _blocked(task)
    shape: VideoShape = "metadata" if _is_stock(desk) else "url"
    video = polled(task, view, shape, url=url, failure=said, own=_own(desk, task))
    if view.ended and view.phase is not Phase.SUCCEEDED:
        video["status"] = "failed"  # the only word for it here
        if _is_stock(desk):
            video |= {"progress": 100, "metadata": {"url": said.message}}
    elif _is_stock(desk) and not view.ended:
        looked_at = 0 if video["status"] == "unknown" else int(desk.clock())
        video |= {"completed_at": looked_at, "metadata": {"url": ""}}
    return video


def _sora(task: Task, view: View, desk: Desk, said: Failure) -> dict[str, Any]:
    """Stock's Sora: the upstream's own object at the last look, with a model name of its own and no link at all."""
    upstream = {"model": f"{task.model}-2025-12-08", "error": None, "remixed_from_video_id": None}
    times: dict[str, int | None] = {"expires_at": None, "completed_at": None}
    if view.phase is Phase.SUCCEEDED:
        times["expires_at"] = int(desk.clock() + desk.settings.link_ttl_s)
    return polled(task, view, "content", url="", failure=said, own={**times, **task.echo, **upstream})


def _blocked(task: Task) -> dict[str, Any]:
    """One gateway's Grok when the output filter has struck: completed, with an error and nothing to fetch."""
    error = {"code": task.code or "moderation_blocked", "message": task.message or "blocked by the output filter"}
    return {
        "id": task.id, "object": "video", "model": task.model, "status": "completed", "progress": 100, "error": error
    }  # fmt: skip


def _own(desk: Desk, task: Task) -> dict[str, Any]:
    if _is_stock(desk):
        return {"task_id": task.id}
    return {"task_id": task.id, "created_at": int(task.created_at * 1000), **task.echo}


def _is_stock(desk: Desk) -> bool:
    return desk.settings.gateway_shape == "stock"
