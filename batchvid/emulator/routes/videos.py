"""The shared `/v1/videos` route: submit, poll, content, remix. A table maps model names to the files of the models."""

from __future__ import annotations

from functools import partial
from typing import cast

from aiohttp import web

from batchvid.emulator.body_parsing import read_form
from batchvid.emulator.replies import ErrorResponse, openai_error, reply, task_error
from batchvid.emulator.routes import other, seedance, sora, veo
from batchvid.emulator.routes.errors import failure_of
from batchvid.emulator.routes.route import Reply, Route, answering, register_content
from batchvid.emulator.routes.video_models import VideoModel
from batchvid.emulator.routes.video_object import polled, polled_bare, submitted
from batchvid.emulator.service import ClipSpec, EmulatorService, SubmitRequest
from batchvid.emulator.settings import VideoShape
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

PATH = "/v1/videos"
MAX_LIST = 100
MODELS = (veo.MODEL, sora.MODEL, seedance.MODEL, other.MODEL)  # the first that takes a model's name is used
FAMILIES = tuple(model.family for model in MODELS)
_BY_NAME = {model.name: model for model in MODELS}
_FAMILY_BY_NAME = {family.name: family for family in FAMILIES}


def register(router: web.UrlDispatcher, service: EmulatorService) -> None:
    """Add the routes."""
    if service.settings.video_list:
        router.add_get(PATH, answering(partial(_list, service)))
    ROUTE.register(router, service)
    REMIX.register(router, service)
    register_content(router, service, PATH, _find, _FAMILY_BY_NAME)


def _find(service: EmulatorService, request: web.Request, owner: str) -> Task | None:
    task = service.store.any(request.match_info["id"])
    return task if task is not None and task.owner == owner and task.family in _BY_NAME else None


def _describe(submit: SubmitRequest) -> None:
    if submit.service.settings.strict_multipart and submit.request.content_type != "multipart/form-data":
        message = "the body must be multipart/form-data"
        raise ErrorResponse(openai_error(400, message, code="invalid_multipart_form"))
    if not submit.model:
        raise ErrorResponse(openai_error(400, "model name is required"))
    submit.family = next(model.family for model in MODELS if model.takes(submit.model.lower()))


async def _clip(submit: SubmitRequest) -> ClipSpec:
    return await _BY_NAME[submit.family.name].clip(submit)


def _accepted(service: EmulatorService, task: Task) -> Reply:
    model = _BY_NAME[task.family]
    return submitted(task, _shape(service, model), model.submitted(task))


async def _link(service: EmulatorService, request: web.Request, task: Task) -> str:
    if _shape(service, _BY_NAME[task.family]) == "inline":
        return await service.clips.inline(task)
    return service.link(request, task)


def _shown(service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    model = _BY_NAME[task.family]
    own = model.polled(task)
    if view.phase is Phase.SUCCEEDED and "expires_at" in own:
        own |= {"expires_at": int(service.clock() + service.settings.link_ttl_s)}
    return polled(task, view, _shape(service, model), url=url, failure=failure_of(task), own=own)


def _deleted(task: Task | None, cancelled: bool) -> web.Response:
    """As servers that abort do it (vLLM-Omni); OpenAI itself refuses to delete a running task."""
    if task is None:
        return openai_error(404, "Video not found", kind="invalid_request_error")
    if not cancelled:
        return openai_error(409, "The video cannot be deleted while it is in progress", kind="invalid_request_error")
    return reply({"id": task.id, "object": "video.deleted", "deleted": True})


def _shape(service: EmulatorService, model: VideoModel) -> VideoShape:
    return cast("VideoShape", getattr(service.settings, f"{model.name}_shape"))


async def _list(service: EmulatorService, request: web.Request) -> web.StreamResponse:
    """OpenAI's own list of the key's tasks (wire-notes 5), newest first by default."""
    service.ledger.count("polls", other.MODEL.family.name, PATH, service.clock())
    owner, query = service.owner(request), request.query
    limit, order = query.get("limit", "20"), query.get("order", "desc")
    if not limit.isdecimal() or not 1 <= int(limit) <= MAX_LIST or order not in ("asc", "desc"):
        raise ErrorResponse(openai_error(400, "Invalid value for limit or order", kind="invalid_request_error"))
    tasks = [task for task in service.store if task.owner == owner and task.family in _BY_NAME]
    if order == "desc":
        tasks.reverse()
    ids = [task.id for task in tasks]
    if (after := query.get("after")) is not None:
        tasks = tasks[ids.index(after) + 1 :] if after in ids else []
    page = tasks[: int(limit)]
    rows = [polled_bare(task, service.store.peek(task, service.clock()), {"prompt": task.prompt}) for task in page]
    ends = {"first_id": page[0].id, "last_id": page[-1].id} if page else {"first_id": None, "last_id": None}
    return reply({"object": "list", "data": rows, **ends, "has_more": len(tasks) > len(page)})


def _describe_remix(submit: SubmitRequest) -> None:
    source = _find(submit.service, submit.request, submit.owner)
    submit.model = source.model if source else ""


async def _remix(submit: SubmitRequest) -> ClipSpec:
    """A new Sora clip from a finished one (wire-notes 7.3). Other models' tasks cannot be remixed."""
    source, service = _find(submit.service, submit.request, submit.owner), submit.service
    if source is None:
        raise ErrorResponse(task_error(400, "task_not_exist", "task_not_exist"))
    finished = service.store.peek(source, service.clock()).phase is Phase.SUCCEEDED
    return sora.remix(source, submit, finished=finished)


ROUTE = Route(
    family=other.MODEL.family,
    families=_FAMILY_BY_NAME,
    path=PATH,
    read=read_form,
    describe=_describe,
    clip=_clip,
    accepted=_accepted,
    shown=_shown,
    link=_link,
    find=_find,
    deleted=_deleted,
)
REMIX = Route(
    family=sora.MODEL.family, path=PATH + "/{id}/remix", describe=_describe_remix, clip=_remix, accepted=_accepted
)
