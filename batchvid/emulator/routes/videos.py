"""The shared `/v1/videos` route: submit, poll, content. Which model is which is a table; each has a file."""

from __future__ import annotations

from typing import cast

from aiohttp import web

from batchvid.emulator import cdn
from batchvid.emulator.clips import Clips
from batchvid.emulator.desk import Ask, Desk, answering
from batchvid.emulator.form import read_form
from batchvid.emulator.life import Phase
from batchvid.emulator.replies import Refusal, reply, x1, x2
from batchvid.emulator.routes import other, sora, veo
from batchvid.emulator.routes.video_models import VideoModel, failure
from batchvid.emulator.routes.video_object import WRAPPER_WORDS, polled, submitted
from batchvid.emulator.settings import VideoShape
from batchvid.emulator.task import Task

PATH = "/v1/videos"
MODELS = (veo.MODEL, sora.MODEL, other.MODEL)
"""The first that takes a model's name speaks for it."""
FAMILIES = tuple(model.family for model in MODELS)
_BY_FAMILY = {model.family.name: model for model in MODELS}


def register(router: web.UrlDispatcher, desk: Desk, clips: Clips) -> None:
    """Put the routes up."""

    async def create(request: web.Request) -> web.StreamResponse:
        return await _create(desk, request)

    async def poll(request: web.Request) -> web.StreamResponse:
        return await _poll(desk, request)

    async def content(request: web.Request) -> web.StreamResponse:
        return await _content(desk, clips, request)

    router.add_post(PATH, answering(create, lambda _request: desk.turned_away(other.MODEL.family, PATH)))
    router.add_get(PATH + "/{id}", answering(poll))
    router.add_get(PATH + "/{id}/content", answering(content))


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
        lambda: model.order(desk, name, form),
        lambda task: reply(submitted(task, _shape(desk, model), model.submitted(task))),
    )


async def _poll(desk: Desk, request: web.Request) -> web.StreamResponse:
    task = _find(desk, request)
    if task is None:
        desk.missed(other.MODEL.family, PATH)
        raise Refusal(x2(400, "task_not_exist", "task_not_exist"))
    model = _BY_FAMILY[task.family]

    def show(task: Task) -> web.Response:
        view = desk.store.look(task, desk.clock())
        own = model.polled(task)
        if view.phase is Phase.SUCCEEDED and "expires_at" in own:
            own |= {"expires_at": int(desk.clock() + desk.settings.link_ttl_s)}
        code = "moderation_blocked" if model is sora.MODEL else "prompt_blocked"
        words = failure(task, moderation_code=code)
        url = desk.link(request, task)
        return reply(polled(task, view, _shape(desk, model), url=url, failure=words, own=own))

    return await desk.poll(request, model.family, task, show)


async def _content(desk: Desk, clips: Clips, request: web.Request) -> web.StreamResponse:
    """The clip itself, with the key. Ranges are not honoured, since real gateways build a fresh request (6.5)."""
    task = _find(desk, request)
    if task is None:
        raise Refusal(x1(404, "Task not found", kind="invalid_request_error"))
    view = desk.store.peek(task, desk.clock())
    if view.phase is not Phase.SUCCEEDED:
        word = WRAPPER_WORDS[view.phase]
        message = f"Task is not completed yet, current status: {word}"
        raise Refusal(x1(400, message, kind="invalid_request_error"))
    variant = request.query.get("variant", "video")
    if variant not in cdn.VARIANTS:
        raise Refusal(x1(400, f"Unknown variant '{variant}'", kind="invalid_request_error", param="variant"))
    family = _BY_FAMILY[task.family].family
    return await desk.fetch(
        request, family, task, lambda deed: lambda: cdn.deliver_content(clips, request, task, variant, deed)
    )


def _find(desk: Desk, request: web.Request) -> Task | None:
    """The task of the path's id, if the asker's key made it."""
    owner = desk.owner(request)
    task = desk.store.any(request.match_info["id"])
    return task if task is not None and task.owner == owner and task.family in _BY_FAMILY else None


def _shape(desk: Desk, model: VideoModel) -> VideoShape:
    return cast("VideoShape", getattr(desk.settings, model.shape))
