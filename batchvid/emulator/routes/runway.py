"""Runway's routes, also as CometAPI forwards them (wire-notes 4.3, 7.6). Over its limit a task waits."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from batchvid.emulator.replies import reply, task_error
from batchvid.emulator.routes.errors import failure_of
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.runway_requests import DEFAULT_CREDITS_PER_S, KINDS, clip_of, refuse
from batchvid.emulator.routes.video_object import words, wrap
from batchvid.emulator.service import EmulatorService, Family
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskView

_WORDS = words(
    *("PENDING", "RUNNING", "SUCCEEDED", "FAILED"),
    throttled="THROTTLED",
    cancelled="CANCELLED",
    undocumented="SIMMERING",
)


def _missing(service: EmulatorService) -> web.Response:
    if service.settings.runway_hidden_as == "http_404":
        return reply({"error": "Task not found"}, 404)
    return task_error(400, "task_not_exist", "task_not_exist")


def _hidden(service: EmulatorService, task: Task) -> Reply | None:
    """The first polls do not find a new task; one that is older than the emulator is visible."""
    if task.polls > service.settings.runway_hidden_polls or task.restored:
        return None
    shape, _, status = service.settings.runway_hidden_as.partition("_")
    return reply({"id": task.id, "status": "task_not_exist"}, int(status)) if shape == "status" else _missing(service)


def _shown(service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    bare = _bare(task, view, url)
    if service.settings.runway_shape == "wrapped":
        return wrap(task, view, task.kind.upper(), url, failure_of(task), bare)
    if service.settings.runway_shape == "lower":
        bare["status"] = bare["status"].lower()
    return bare


def _bare(task: Task, view: TaskView, url: str) -> dict[str, Any]:
    created = datetime.fromtimestamp(task.created_at, UTC).isoformat(timespec="milliseconds")
    bare: dict[str, Any] = {"id": task.id, "status": _WORDS[view.phase], "createdAt": created.replace("+00:00", "Z")}
    if view.phase is Phase.RUNNING:
        bare["progress"] = view.progress / 100
    if view.phase is Phase.SUCCEEDED:
        bare["output"] = [url]
    if not view.ended:
        return bare | {"estimatedCost": _credits(task)}
    charged = view.phase is Phase.SUCCEEDED or task.outcome is Outcome.MODERATION  # moderation is not refunded
    bare["cost"] = _credits(task) if charged else {"credits": 0}
    failure = failure_of(task)
    return bare | ({"failure": failure.message, "failureCode": failure.code} if failure.message else {})


def _credits(task: Task) -> dict[str, int]:
    return {"credits": task.echo.get("credits", round(DEFAULT_CREDITS_PER_S * task.seconds))}


def _deleted(task: Task | None, cancelled: bool) -> web.Response:
    """Runway's own: cancels an unfinished task and deletes a finished one with its output; 204 for both."""
    if task is None:
        return reply({"error": "Task not found"}, 404)
    return web.Response(status=204) if cancelled else reply({"error": "The task can no longer be cancelled"}, 409)


ROUTE = Route(
    family=Family("runway", lambda: str(uuid.uuid4()), refuse, waits=True),
    path="/runwayml/v1/{kind}",
    kinds=KINDS,
    tasks="/runwayml/v1/tasks",
    prompt_field="promptText",
    clip=clip_of,
    accepted=lambda _service, task: {"id": task.id, "estimatedCost": _credits(task)},
    shown=_shown,
    missing=_missing,
    hidden=_hidden,
    deleted=_deleted,
)
