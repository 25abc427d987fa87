"""What servers with OpenAI's video routes have in common: the fields of a clip, the content route, the list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from batchvid.emulator import cdn
from batchvid.emulator.body_parsing import Form
from batchvid.emulator.fault_injection import apply_fault
from batchvid.emulator.rendering.geometry import frame, pair
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.route import Route, answering
from batchvid.emulator.service import EmulatorService
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

Invalid = Callable[[str, str], Exception]  # (field, message) -> the server's error

MAX_S = 60


def detail(status: int, message: object) -> web.Response:
    """FastAPI's error."""
    return reply({"detail": message}, status)


UNAUTHORIZED = {"error": "Unauthorized"}
"""The middleware's reply to a wrong key, in both servers of the user's own."""


def validation(field: str, message: str, kind: str = "value_error") -> ErrorResponse:
    """FastAPI's 422 for one field of a form."""
    return ErrorResponse(detail(422, [{"type": kind, "loc": ["body", field], "msg": message, "input": None}]))


def whole_number(form: Form, field: str, invalid: Invalid) -> int | None:
    """A whole number, also as text. Raises `invalid`."""
    text = form.text(field)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise invalid(field, "Input should be a valid integer, unable to parse string as an integer") from None


def clip_pixels(form: Form, default: tuple[int, int], invalid: Invalid) -> tuple[int, int]:
    """The pixels of `size`, else of `width` and `height`. Raises `invalid` for what cannot be rendered."""
    size = form.text("size")
    sides = pair(size) if size else None
    if size and sides is None:
        raise invalid("size", f"cannot read the size {size!r}")
    width, height = whole_number(form, "width", invalid), whole_number(form, "height", invalid)
    found = frame(*(sides or (width or default[0], height or default[1])), shorter=default[1])
    if found is None:
        raise invalid("size", "the size is too large")
    return found


def clip_seconds(form: Form, default: int, invalid: Invalid) -> float:
    """The length: of `seconds`, else of `num_frames` and `fps`."""
    seconds, frames = whole_number(form, "seconds", invalid), whole_number(form, "num_frames", invalid)
    fps = float(form.text("fps") or 24)
    length = float(seconds) if seconds else frames / fps if frames else float(default)
    if not 0 < length <= MAX_S:
        raise invalid("seconds", f"the length must be from 1 to {MAX_S} seconds")
    return length


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """The routes of a server beside submit and poll.

    `not_ready` is the reply of the content route for a task without a clip, None where the request is fine. `missing`
    replies for an unknown task, `deleted` to a DELETE. `row` is one row of the list; `min_limit` its smallest page.
    """

    not_ready: Callable[[EmulatorService, web.Request, Task, TaskView], web.Response | None]
    missing: Callable[[], web.Response]
    deleted: Callable[[EmulatorService, Task], web.Response] | None = None
    row: Callable[[EmulatorService, Task, TaskView], dict[str, Any]] | None = None
    min_limit: int = 0

    def register(self, router: web.UrlDispatcher, service: EmulatorService, route: Route) -> None:
        """Add them for this route."""
        router.add_get(route.path + "/{id}/content", answering(partial(self._content, service, route)))
        if self.deleted is not None:
            router.add_delete(route.path + "/{id}", answering(partial(self._delete, service, route)))
        if self.row is not None:
            router.add_get(route.path, answering(partial(self._list, service, route)))

    def _task(self, service: EmulatorService, route: Route, request: web.Request) -> Task:
        task = service.store.get(request.match_info["id"], route.family.name, route.owner(service, request))
        if task is None:
            raise ErrorResponse(self.missing())
        return task

    async def _content(self, service: EmulatorService, route: Route, request: web.Request) -> web.StreamResponse:
        task = self._task(service, route, request)
        refused = self.not_ready(service, request, task, service.store.peek(task, service.clock()))
        if refused is not None:
            return refused
        if request.method == "GET":
            service.ledger.count("downloads", task.family, task.route)
        action = service.match_fault("content", route.family, task)
        act = partial(cdn.deliver_content, service.clips, request, task, "video", action)
        return await apply_fault(action, request, act, route.family.refuse)

    async def _delete(self, service: EmulatorService, route: Route, request: web.Request) -> web.StreamResponse:
        task = self._task(service, route, request)
        assert self.deleted is not None  # noqa: S101 - only then it is registered
        response = self.deleted(service, task)
        if response.status < 300:
            service.store.remove(task, service.clock())
        return response

    async def _list(self, service: EmulatorService, route: Route, request: web.Request) -> web.StreamResponse:
        service.ledger.count("polls", route.family.name, route.path, service.clock())
        owner, query = route.owner(service, request), request.query
        limit, order = query.get("limit", "20"), query.get("order", "desc")
        if not limit.isdecimal() or not self.min_limit <= int(limit) <= 100 or order not in ("asc", "desc"):
            raise validation("limit", f"Input should be from {self.min_limit} to 100")
        tasks = [
            task
            for task in service.store
            if (task.family, task.owner) == (route.family.name, owner) and not task.removed
        ]
        tasks = tasks if order == "asc" else tasks[::-1]
        page, row = tasks[: int(limit)], self.row
        assert row is not None  # noqa: S101
        ends = {"first_id": page[0].id, "last_id": page[-1].id} if page else {"first_id": None, "last_id": None}
        rows = [row(service, task, service.store.peek(task, service.clock())) for task in page]
        return reply({"data": rows, "object": "list", **ends, "has_more": len(tasks) > len(page)})


def still_open(view: TaskView) -> bool:
    """Whether a task has no clip yet and has not failed."""
    return view.phase is not Phase.SUCCEEDED and not view.failed
