"""Kling's native routes as CometAPI forwards them (wire-notes 4.2, 5, 7.5): replies and errors."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from aiohttp import web

from batchvid.emulator.routes import kling_requests
from batchvid.emulator.routes.errors import failure_of
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.video_object import submitted, words, wrap
from batchvid.emulator.service import EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

DEFAULT_MODEL = "kling-v1"
DEFAULT_MODELS = {"multi-image2video": kling_requests.MULTI_MODEL, "omni-video": "kling-video-o1"}

_WORDS = words("submitted", "processing", "succeed")


def _find(service: EmulatorService, request: web.Request, owner: str) -> Task | None:
    """By the task's id or by the buyer's own, below the sub-resource that created it."""
    name, family = request.match_info["id"], ROUTE.family.name
    task = service.store.get(name, family, owner) or service.store.by_external(name, family, owner)
    return task if task is not None and task.kind == request.match_info["kind"] else None


def _describe(submit: SubmitRequest) -> None:
    submit.model = submit.form.first_text("model_name", "model") or DEFAULT_MODELS.get(submit.kind, DEFAULT_MODEL)
    submit.prompt = kling_requests.prompt_of(submit.form.fields)


def _accepted(service: EmulatorService, task: Task) -> Reply:
    if service.settings.kling_shape == "gateway":
        return submitted(task, "video_url", {"task_id": task.id})
    return _success(_data(service, task, TaskView(Phase.QUEUED, 0)))


def _shown(service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    data = _data(service, task, view)
    if view.phase is Phase.SUCCEEDED:
        clip = {"id": kling_requests.video_id(task), "url": url, "watermark_url": "", "duration": f"{task.seconds:.1f}"}
        data |= {
            "final_unit_deduction": f"{task.echo.get('units', task.seconds / 5):g}",
            "task_result": {"videos": [clip]},
        }
    if service.settings.kling_shape == "gateway":
        return wrap(task, view, "generate", url, failure_of(task), _success(data))
    return _success(data)


def _success(data: dict[str, Any]) -> dict[str, Any]:
    return {"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": data}


def _data(service: EmulatorService, task: Task, view: TaskView) -> dict[str, Any]:
    succeeded = view.phase is Phase.SUCCEEDED
    return {
        "task_id": int(task.id) if service.settings.kling_ids == "number" else task.id,
        "task_status": service.settings.kling_success if succeeded else _WORDS[view.phase],
        "task_info": {"external_task_id": task.external_task_id} if task.external_task_id else {},
        "created_at": int(task.created_at * 1000),
        "updated_at": int((task.ended_at or task.created_at) * 1000),
        **({"task_result": {}} if task.visible_polls else {}),
        **({"task_status_msg": failure_of(task).message} if view.ended else {}),
    }


ROUTE = Route(  # its task ids are decimal numbers too large for a double
    family=Family("kling", lambda: str(secrets.randbelow(10**18) + 10**18), kling_requests.refuse),
    path="/kling/v1/videos/{kind}",
    kinds=tuple(kling_requests.KINDS),
    describe=_describe,
    clip=kling_requests.clip_of,
    accepted=_accepted,
    shown=_shown,
    find=_find,
    missing=lambda _service: kling_requests.error(404, 1203, "task not found"),
)
