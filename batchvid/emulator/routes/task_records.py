"""Vendors that keep a record of each task for some days: a list, and DELETE, which cancels, refuses or destroys.

Ark and MiniMax's second version agree: a queued task is cancelled and stays in the list, a running one is refused, and
of a finished one the record is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from aiohttp import web

from batchvid.emulator.routes.route import Reply, Route, answering
from batchvid.emulator.service import EmulatorService
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

MAX_DIGITS = 9
KEPT_S = 7 * 86_400
OPEN = (Phase.QUEUED, Phase.THROTTLED)

Shown = tuple[Task, TaskView]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRoute(Route):
    """A route with records: where they are listed, where DELETE is if not below `tasks`, and its refusal."""

    records: str
    deletes: str = ""
    listed: Callable[[EmulatorService, web.Request, Sequence[Shown]], Reply]
    undeletable: Callable[[Task, Phase], web.Response]

    def register(self, router: web.UrlDispatcher, service: EmulatorService) -> None:
        """Add the handlers to the router."""

        async def list_records(request: web.Request) -> web.StreamResponse:
            owner = self.owner(service, request)
            answer = self.listed(service, request, tuple(self._records(service, owner)))
            return answer if isinstance(answer, web.Response) else web.json_response(answer)

        async def delete(request: web.Request) -> web.StreamResponse:
            return self._delete_record(service, request)

        Route.register(self, router, service)
        router.add_get(self.records, answering(list_records))
        router.add_delete((self.deletes or self.tasks or self.path) + "/{id}", answering(delete))

    def _records(self, service: EmulatorService, owner: str) -> Iterator[Shown]:
        """The tasks of this key that are still recorded, the newest first."""
        now = service.clock()
        for task in reversed(list(service.store)):
            if (task.family, task.owner) == (self.family.name, owner) and is_kept(task, now):
                yield task, service.store.peek(task, now)

    def _delete_record(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        task, now = self._task(service, request), service.clock()
        if task is None:
            return self.missing(service)
        phase = service.store.peek(task, now).phase
        if phase in (Phase.RUNNING, Phase.UNDOCUMENTED, Phase.CANCELLED):
            return self.undeletable(task, phase)
        task.keeps_record = phase in OPEN
        service.store.remove(task, now)
        return web.json_response({})


def is_kept(task: Task, now: float) -> bool:
    """Whether the vendor still has the record of a task."""
    return now - task.created_at < KEPT_S and (not task.removed or task.keeps_record)


def find_record(route_family: str) -> Callable[[EmulatorService, web.Request, str], Task | None]:
    """Finds the task of a path's id among the records of this family."""

    def find(service: EmulatorService, request: web.Request, owner: str) -> Task | None:
        task_id = request.match_info["id"]
        task = service.store.get(task_id, route_family, owner) or service.store.cancelled(task_id, route_family, owner)
        return task if task is not None and is_kept(task, service.clock()) else None

    return find


def page_number(text: str) -> int:
    """The number of a list's page, or how many rows it has; 0 where the text is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < MAX_DIGITS else 0
