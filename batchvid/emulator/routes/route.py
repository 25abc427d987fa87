"""One vendor route: how a submit, a poll and a cancellation pass through the service. The hooks know the vendor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import Form, read_json
from batchvid.emulator.replies import ErrorResponse, reply
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
    """Where one vendor's tasks are submitted and polled, with the hooks that know its words.

    `path` may contain `{kind}`, one of `kinds`; `tasks` is where tasks are polled, when not below `path`.
    `family` counts what is refused before a model is known; `families`, by name, are the others of this path.

    `read` reads the body, `describe` completes the submit, `clip` checks it; all three raise ErrorResponse.
    `accepted` and `shown` build the replies; `shown` gets the link to the clip, empty until the task succeeds.
    `hidden` may answer a poll before it counts as one that shows the task. `deleted` answers DELETE: for no task, or
    for one that was cancelled or not.
    """

    family: Family
    families: Mapping[str, Family] = field(default_factory=dict)
    path: str
    kinds: tuple[str, ...] = ()
    tasks: str = ""
    prompt_field: str = "prompt"
    error_type: str = "comet_api_error"
    read: Callable[[web.Request], Awaitable[Form]] = read_json
    describe: Callable[[SubmitRequest], None] = lambda _submit: None
    clip: Callable[[SubmitRequest], Awaitable[ClipSpec]]
    accepted: Callable[[EmulatorService, Task], Reply]
    shown: Callable[[EmulatorService, Task, TaskView, str], Reply] | None = None
    link: Callable[[EmulatorService, web.Request, Task], Awaitable[str]] = _default_link
    find: Find | None = None
    missing: Callable[[EmulatorService], web.Response] = EmulatorService.unknown_task
    hidden: Callable[[EmulatorService, Task], Reply | None] = lambda _service, _task: None
    deleted: Callable[[Task | None, bool], web.Response] | None = None

    def register(self, router: web.UrlDispatcher, service: EmulatorService) -> None:
        """Add the handlers to the router."""
        path = self.path.replace("{kind}", "{kind:" + "|".join(self.kinds) + "}")
        tasks = (self.tasks or path) + "/{id}"

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

    def _task(self, service: EmulatorService, request: web.Request) -> Task | None:
        """The task of the path's id, if the caller's key created it. Raises ErrorResponse (401)."""
        owner = service.owner(request, self.error_type)
        if self.find is not None:
            return self.find(service, request, owner)
        return service.store.get(request.match_info["id"], self.family.name, owner)

    async def _create(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        owner, form = service.owner(request, self.error_type), await self.read(request)
        submit = SubmitRequest(
            service=service,
            request=request,
            family=self.family,
            owner=owner,
            route=self._name(request),
            kind=request.match_info.get("kind", ""),
            form=form,
            model=form.text("model"),
            prompt=form.text(self.prompt_field),
        )
        self.describe(submit)
        return await service.submit(submit, self.clip, lambda task: _as_response(self.accepted(service, task)))

    async def _poll(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        task = self._task(service, request)
        if task is None:
            service.ledger.count("polls", self.family.name, self._name(request), service.clock())
            raise ErrorResponse(self.missing(service))

        async def act() -> web.StreamResponse:
            hidden = self.hidden(service, task)
            if hidden is not None or self.shown is None:
                return _as_response(hidden or {})
            view = service.store.poll(task, service.clock())
            url = await self.link(service, request, task) if view.phase is Phase.SUCCEEDED else ""
            return _as_response(self.shown(service, task, view, url))

        return await service.poll(request, self.families.get(task.family, self.family), task, act)

    async def _delete(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        task = self._task(service, request)
        cancelled = task is not None and service.cancel(task)
        return self.deleted(task, cancelled) if self.deleted else web.Response(status=404)


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
