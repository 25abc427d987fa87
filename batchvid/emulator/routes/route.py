"""One vendor route: how a submit, a poll and a cancellation pass through the service. The hooks know the vendor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

from batchvid.emulator import cdn
from batchvid.emulator.body_parsing import Form, read_json
from batchvid.emulator.callbacks import callback_url
from batchvid.emulator.fault_injection import apply_fault
from batchvid.emulator.replies import ErrorResponse, openai_error, reply
from batchvid.emulator.routes.video_object import WRAPPER_WORDS
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

Reply = web.Response | dict[str, Any]  # a response, or the JSON of one with HTTP 200
Find = Callable[[EmulatorService, web.Request, str], Task | None]  # (service, request, owner) -> the path's task
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _default_link(service: EmulatorService, request: web.Request, task: Task) -> str:
    return service.link(request, task)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where one vendor's tasks are submitted and polled, with the hooks that know its words."""

    family: Family  # counts what is refused before a model is known
    families: Mapping[str, Family] = field(default_factory=dict)  # the others of this path, by name
    path: str  # may contain `{kind}`, one of `kinds`
    kinds: tuple[str, ...] = ()
    tasks: str = ""  # where tasks are polled, when not below `path`; with `{id...}` the whole path of one
    prompt_field: str = "prompt"
    error_type: str = "comet_api_error"
    accepted_status: int = 0  # HTTP status of an accepted submit; 0: that of the settings
    # hooks: the first three may raise ErrorResponse
    read: Callable[[web.Request], Awaitable[Form]] = read_json
    describe: Callable[[SubmitRequest], None] = lambda _submit: None  # completes the submit
    clip: Callable[[SubmitRequest], Awaitable[ClipSpec]]  # checks the submit
    accepted: Callable[[EmulatorService, Task], Reply]
    shown: Callable[[EmulatorService, Task, TaskView, str], Reply] | None = None  # the link is empty before success
    link: Callable[[EmulatorService, web.Request, Task], Awaitable[str]] = _default_link
    find: Find | None = None
    missing: Callable[[EmulatorService], web.Response] = EmulatorService.unknown_task
    hidden: Callable[[EmulatorService, Task], Reply | None] = lambda _service, _task: None  # not visible yet
    deleted: Callable[[Task | None, bool], web.Response] | None = None  # (task or none, whether it was cancelled)
    own_auth: bool = False  # a wrong key gets the family's own refusal, not that of CometAPI and new-api

    def register(self, router: web.UrlDispatcher, service: EmulatorService) -> None:
        """Add the handlers to the router."""
        path = self.path.replace("{kind}", "{kind:" + "|".join(self.kinds) + "}")
        tasks = self.tasks if "{id" in self.tasks else (self.tasks or path) + "/{id}"

        def count(request: web.Request) -> None:
            service.ledger.count("submits", self.family.name, self._name(request), service.clock())
            service.ledger.count("refused", self.family.name, self._name(request))

        router.add_post(path, answering(lambda request: self._create(service, request), count))
        if self.shown is not None:
            router.add_get(tasks, answering(lambda request: self._poll(service, request)))
        if self.deleted is not None:
            router.add_delete(tasks, answering(lambda request: self._delete(service, request)))

    def _name(self, request: web.Request) -> str:
        """The route's name in the ledger."""
        return self.path.replace("{kind}", request.match_info.get("kind", "")).rstrip("/")

    def owner(self, service: EmulatorService, request: web.Request) -> str:
        """The caller. Raises ErrorResponse (401) for a wrong key."""
        try:
            return service.owner(request, self.error_type)
        except ErrorResponse:
            if not self.own_auth:
                raise
            raise ErrorResponse(self.family.refuse("auth", "")) from None

    def _task(self, service: EmulatorService, request: web.Request) -> Task | None:
        """The task of the path's id, if the caller's key created it. Raises ErrorResponse (401)."""
        owner = self.owner(service, request)
        if self.find is not None:
            return self.find(service, request, owner)
        return service.store.get(request.match_info["id"], self.family.name, owner)

    async def _create(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        owner, form = self.owner(service, request), await self.read(request)
        kind, model, prompt = request.match_info.get("kind", ""), form.text("model"), form.text(self.prompt_field)
        submit = SubmitRequest(service, request, self.family, owner, self._name(request), kind, form, model, prompt)
        self.describe(submit)
        service.ledger.count("submits", submit.family.name, submit.route, service.clock())
        action = service.match_fault("submit", submit.family, submit)
        created: list[Task] = []

        async def act() -> web.StreamResponse:
            url = callback_url(request.query, submit.form.fields)
            try:
                clip = await self.clip(submit)
                if url and not await service.callbacks.is_reachable(url):
                    raise ErrorResponse(openai_error(400, "callback_url does not echo the challenge"))
                created.append(service.create(submit, clip, action))
            except ErrorResponse as exc:
                return exc.response
            response = _as_response(self.accepted(service, created[0]))
            response.set_status(self.accepted_status or service.settings.accepted_status)
            return response

        response = await apply_fault(action, request, act, submit.family.refuse)
        if not created:
            service.ledger.count("refused", submit.family.name, submit.route)
        return response

    async def _poll(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        task = self._task(service, request)
        family = self.families.get(task.family, self.family) if task else self.family
        service.ledger.count("polls", family.name, task.route if task else self._name(request), service.clock())
        if task is None:
            raise ErrorResponse(self.missing(service))
        task.polls += 1

        async def act() -> web.StreamResponse:
            hidden = self.hidden(service, task)
            if hidden is not None or self.shown is None:
                return _as_response(hidden or {})
            view = service.store.poll(task, service.clock())
            url = await self.link(service, request, task) if view.phase is Phase.SUCCEEDED else ""
            return _as_response(self.shown(service, task, view, url))

        return await apply_fault(service.match_fault("poll", family, task), request, act, family.refuse)

    async def _delete(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        task = self._task(service, request)
        cancelled = task is not None and service.cancel(task)
        return self.deleted(task, cancelled) if self.deleted else web.Response(status=404)


def register_content(
    router: web.UrlDispatcher,
    service: EmulatorService,
    path: str,
    find: Find,
    families: Mapping[str, Family],
    error_type: str = "comet_api_error",
) -> None:
    """Add the route. It ignores ranges, since real gateways build a new request (wire-notes 6.5)."""

    async def content(request: web.Request) -> web.StreamResponse:
        task = find(service, request, service.owner(request, error_type))
        if task is None:
            raise ErrorResponse(openai_error(404, "Task not found", kind="invalid_request_error"))
        view = service.store.peek(task, service.clock())
        if view.phase is not Phase.SUCCEEDED:
            message = f"Task is not completed yet, current status: {WRAPPER_WORDS[view.phase]}"
            raise ErrorResponse(openai_error(400, message, kind="invalid_request_error"))
        variant = request.query.get("variant", "video")
        if variant not in cdn.VARIANTS:
            raise ErrorResponse(
                openai_error(400, f"Unknown variant '{variant}'", kind="invalid_request_error", param="variant")
            )
        if request.method == "GET":
            service.ledger.count("downloads", task.family, task.route)
        action = service.match_fault("content", families[task.family], task)
        act = partial(cdn.deliver_content, service.clips, request, task, variant, action)
        return await apply_fault(action, request, act, families[task.family].refuse)

    router.add_get(path + "/{id}/content", answering(content))


def _as_response(answer: Reply) -> web.Response:
    return answer if isinstance(answer, web.Response) else reply(answer)


def answering(handler: Handler, refused: Callable[[web.Request], None] | None = None) -> Handler:
    """A handler that sends its ErrorResponses; `refused` is called for each."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ErrorResponse as exc:
            if refused is not None:
                refused(request)
            return exc.response

    return answer
