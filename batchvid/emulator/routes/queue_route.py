"""A queue of the fal family: submit, status, result and cancellation stand below the request, each a call of its own.

fal and Comfy Router have it. The hooks of `QueueRoute` know the vendor's words; the input of a request is checked only
when it runs: a wrong one is accepted, and fails.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import Form
from batchvid.emulator.fault_injection import apply_fault
from batchvid.emulator.fault_rules import FaultAction
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.route import answering
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskView


class InputRejected(Exception):
    """The model does not take this input: the request is accepted and fails. `code` is the vendor's type of fault."""

    def __init__(self, field_name: str, message: str, code: str) -> None:
        super().__init__(message)
        self.field_name, self.message, self.code = field_name, message, code


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRoute:
    """Where one vendor's queue is, with the hooks that know its words.

    `submit` and `tasks` are paths with `{model}`: of a submit its whole id, of a request what `request_model` keeps.
    """

    family: Family
    submit: str
    tasks: str
    task_path: Callable[[Task], str]
    key: Callable[[web.Request], str]
    read: Callable[[web.Request], Awaitable[Form]]
    clip: Callable[[SubmitRequest], Awaitable[ClipSpec]]  # may raise InputRejected, and ErrorResponse
    accepted: Callable[[str, Task], web.Response]  # (address of the request, task)
    status: Callable[[str, Task, TaskView], web.Response]
    result: Callable[[Task, TaskView, str], web.Response]  # the link is empty unless it succeeded
    cancelled: Callable[[Phase | None], web.Response]  # the phase before; None: no such request
    missing: Callable[[], web.Response]
    admitted: Callable[[EmulatorService, SubmitRequest, str], web.Response | None] = field(
        default=lambda _service, _submit, _base: None
    )  # a reply in place of a new request, such as a replay
    echo: Callable[[SubmitRequest], dict[str, Any]] = field(default=lambda _submit: {})  # what a task keeps of its call

    def register(self, router: web.UrlDispatcher, service: EmulatorService) -> None:
        """Add the handlers to the router."""

        def count(request: web.Request) -> None:
            service.ledger.count("submits", self.family.name, request.path, service.clock())
            service.ledger.count("refused", self.family.name, request.path)

        router.add_get(f"{self.tasks}/status", answering(lambda request: self._status(service, request)))
        router.add_put(f"{self.tasks}/cancel", answering(lambda request: self._cancel(service, request)))
        router.add_get(self.tasks, answering(lambda request: self._result(service, request)))
        router.add_post(self.submit, answering(lambda request: self._create(service, request), count))

    def owner(self, service: EmulatorService, request: web.Request) -> str:
        """The caller. Raises ErrorResponse (401)."""
        if owner := service.owner_of(request, self.key(request)):
            return owner
        raise ErrorResponse(self.family.refuse("auth", ""))

    def _find(self, service: EmulatorService, request: web.Request) -> Task:
        """The request of the path, also a cancelled one. Raises ErrorResponse (401, 404)."""
        owner, name = self.owner(service, request), request.match_info["id"]
        task = service.store.any(name) or next((one for one in service.store if one.id == name), None)
        if task is None or (task.family, task.owner) != (self.family.name, owner):
            raise ErrorResponse(self.missing())
        if self.task_path(task) != request.path.partition(f"/{name}")[0] + f"/{name}":
            raise ErrorResponse(self.missing())
        return task

    def _view(self, service: EmulatorService, task: Task, *, counts: bool) -> TaskView:
        if task.removed:
            return TaskView(Phase.CANCELLED, 0)
        look = service.store.poll if counts else service.store.peek
        return look(task, service.clock())

    async def _create(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        owner, form = self.owner(service, request), await self.read(request)
        model = request.match_info["model"]
        submit = SubmitRequest(service, request, self.family, owner, request.path, "", form, model, form.text("prompt"))
        service.ledger.count("submits", self.family.name, submit.route, service.clock())
        action = service.match_fault("submit", self.family, submit)
        created: list[Task] = []
        replayed: list[web.Response] = []
        base = f"{request.scheme}://{request.host}"

        async def act() -> web.StreamResponse:
            try:
                if (replay := self.admitted(service, submit, base)) is not None:
                    replayed.append(replay)
                    return replay
                created.append(await self._make(service, submit, action))
            except ErrorResponse as exc:
                return exc.response
            return self.accepted(base + self.task_path(created[0]), created[0])

        response = await apply_fault(action, request, act, self.family.refuse)
        if not created and not any(replay.status < 400 for replay in replayed):
            service.ledger.count("refused", self.family.name, submit.route)
        return response

    async def _make(self, service: EmulatorService, submit: SubmitRequest, action: FaultAction | None) -> Task:
        try:
            clip = await self.clip(submit)
        except InputRejected as exc:
            clip = ClipSpec(5.0, 1280, 720, echo={"field": exc.field_name})
            action = FaultAction(outcome=Outcome.FAIL, message=exc.message, code=exc.code)
        return service.create(submit, replace(clip, echo={**clip.echo, **self.echo(submit)}), action)

    async def _status(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        task = self._find(service, request)
        service.ledger.count("polls", self.family.name, task.route, service.clock())
        task.polls += 1

        async def act() -> web.StreamResponse:
            view = self._view(service, task, counts=True)
            return self.status(f"{request.scheme}://{request.host}{self.task_path(task)}", task, view)

        return await apply_fault(service.match_fault("poll", self.family, task), request, act, self.family.refuse)

    async def _result(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        task = self._find(service, request)
        service.ledger.count("polls", self.family.name, task.route, service.clock())

        async def act() -> web.StreamResponse:
            view = self._view(service, task, counts=False)
            url = service.link(request, task) if view.phase is Phase.SUCCEEDED else ""
            return self.result(task, view, url)

        return await apply_fault(service.match_fault("poll", self.family, task), request, act, self.family.refuse)

    async def _cancel(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        try:
            task = self._find(service, request)
        except ErrorResponse as exc:
            if exc.response.status != 404:
                raise
            return self.cancelled(None)
        view = self._view(service, task, counts=False)
        if not view.ended:
            service.store.remove(task, service.clock())
        return self.cancelled(view.phase)


def queue_words(view: TaskView) -> str:
    """The three status words of the family, and one that nobody documents."""
    if view.phase in (Phase.QUEUED, Phase.THROTTLED):
        return "IN_QUEUE"
    if view.phase is Phase.UNDOCUMENTED:
        return "SIMMERING"
    return "COMPLETED" if view.ended else "IN_PROGRESS"


def video_file(url: str) -> Mapping[str, Any]:
    """A file of an output."""
    return {"url": url, "content_type": "video/mp4", "file_name": "output.mp4", "file_size": None}


def detail(status: int, message: Any, **more: Any) -> web.Response:
    """An error of the family."""
    return reply({"detail": message, **more}, status)
