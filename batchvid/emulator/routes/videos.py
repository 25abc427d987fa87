"""The shared `/v1/videos` route: submit, poll, content, remix. Which model is which is a table; each has a file."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from aiohttp import web

from batchvid.emulator.body_parsing import read_form, read_json
from batchvid.emulator.rendering.clips import Clips
from batchvid.emulator.replies import Refusal, reply, x1, x2
from batchvid.emulator.routes import other, seedance, sora, veo
from batchvid.emulator.routes.content import deliver
from batchvid.emulator.routes.video_list import listed
from batchvid.emulator.routes.video_models import VideoModel, failure
from batchvid.emulator.routes.video_object import polled, submitted
from batchvid.emulator.service import Ask, Desk, Order, answering
from batchvid.emulator.settings import VideoShape
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase

PATH = "/v1/videos"
REMIX = PATH + "/{id}/remix"
MODELS = (veo.MODEL, sora.MODEL, seedance.MODEL, other.MODEL)
"""The first that takes a model's name speaks for it."""
FAMILIES = tuple(model.family for model in MODELS)
_BY_FAMILY = {model.family.name: model for model in MODELS}


def register(router: web.UrlDispatcher, desk: Desk, clips: Clips) -> None:
    """Put the routes up."""

    async def create(request: web.Request) -> web.StreamResponse:
        return await _create(desk, request)

    async def poll(request: web.Request) -> web.StreamResponse:
        return await _poll(desk, clips, request)

    async def content(request: web.Request) -> web.StreamResponse:
        task = _find(desk, request)
        family = _BY_FAMILY[task.family].family if task is not None else other.MODEL.family
        return await deliver(desk, clips, request, family, task)

    async def remix(request: web.Request) -> web.StreamResponse:
        return await _remix(desk, request)

    async def all_of_them(request: web.Request) -> web.StreamResponse:
        desk.missed(other.MODEL.family, PATH)
        return listed(desk, request, frozenset(_BY_FAMILY))

    if desk.settings.video_list:
        router.add_get(PATH, answering(all_of_them))
    router.add_post(PATH, answering(create, lambda _request: desk.turned_away(other.MODEL.family, PATH)))

    async def delete(request: web.Request) -> web.StreamResponse:
        return _delete(desk, request)

    router.add_get(PATH + "/{id}", answering(poll))
    router.add_delete(PATH + "/{id}", answering(delete))
    router.add_get(PATH + "/{id}/content", answering(content))
    router.add_post(REMIX, answering(remix, lambda _request: desk.turned_away(sora.MODEL.family, REMIX)))


async def _create(desk: Desk, request: web.Request) -> web.StreamResponse:
    owner = desk.owner(request)
    form = await read_form(request, strict_multipart=desk.settings.strict_multipart)
    name = form.text("model")
    if not name:
        raise Refusal(x1(400, "model name is required"))
    model = next(model for model in MODELS if model.takes(name.lower()))
    ask = Ask(owner=owner, route=PATH, kind="", model=name, prompt=form.text("prompt"))
    return await desk.submit(
        request,
        model.family,
        ask,
        lambda: model.order(desk, ask, form),
        lambda task: reply(submitted(task, _shape(desk, model), model.submitted(task))),
    )


async def _poll(desk: Desk, clips: Clips, request: web.Request) -> web.StreamResponse:
    task = _find(desk, request)
    if task is None:
        raise desk.unknown(other.MODEL.family, PATH)
    model = _BY_FAMILY[task.family]
    inline = await clips.inline(task) if _shape(desk, model) == "inline" else ""

    def show(task: Task) -> web.Response:
        view = desk.store.look(task, desk.clock())
        own = model.polled(task)
        if view.phase is Phase.SUCCEEDED and "expires_at" in own:
            own |= {"expires_at": int(desk.clock() + desk.settings.link_ttl_s)}
        code = "moderation_blocked" if model is sora.MODEL else "prompt_blocked"
        words = replace(failure(task, moderation_code=code), place=desk.settings.failure_as)
        url = inline or desk.link(request, task)
        return reply(polled(task, view, _shape(desk, model), url=url, failure=words, own=own))

    return await desk.poll(request, model.family, task, show)


def _delete(desk: Desk, request: web.Request) -> web.Response:
    """As servers that abort do it (vLLM-Omni); with `queued` a running task is refused, as by OpenAI itself."""
    task = _find(desk, request)
    if task is None:
        raise Refusal(x1(404, "Video not found", kind="invalid_request_error"))
    if not desk.cancel(task):
        return x1(409, "The video cannot be deleted while it is in progress", kind="invalid_request_error")
    return reply({"id": task.id, "object": "video.deleted", "deleted": True})


async def _remix(desk: Desk, request: web.Request) -> web.StreamResponse:
    """A new Sora task out of a finished one (7.3 of the wire notes). Other models' tasks cannot be remixed."""
    owner = desk.owner(request)
    body = await read_json(request)
    source = _find(desk, request)
    ask = Ask(
        owner=owner,
        route=REMIX,
        kind="",
        model=source.model if source is not None else "",
        prompt=str(body.get("prompt") or ""),
    )

    async def order() -> Order:
        if source is None:
            raise Refusal(x2(400, "task_not_exist", "task_not_exist"))
        finished = desk.store.peek(source, desk.clock()).phase is Phase.SUCCEEDED
        return sora.remix(source, ask.prompt, finished=finished)

    def accepted(task: Task) -> web.Response:
        return reply(submitted(task, _shape(desk, sora.MODEL), sora.MODEL.submitted(task)))

    return await desk.submit(request, sora.MODEL.family, ask, order, accepted)


def _find(desk: Desk, request: web.Request) -> Task | None:
    """The task of the path's id, if the asker's key made it."""
    owner = desk.owner(request)
    task = desk.store.any(request.match_info["id"])
    return task if task is not None and task.owner == owner and task.family in _BY_FAMILY else None


def _shape(desk: Desk, model: VideoModel) -> VideoShape:
    return cast("VideoShape", getattr(desk.settings, model.shape))
