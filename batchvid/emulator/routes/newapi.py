"""Stock new-api's native route `/v1/video/generations` (8.3 of the wire notes), beside the gateway's `/v1/videos`.

newapi_requests.py has what it accepts. The content route is the gateway's.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from batchvid.emulator.routes import gateway, newapi_requests
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.video_models import FAILURES, task_id
from batchvid.emulator.routes.video_object import WRAPPER_WORDS, failure_of, polled_bare, submitted, words
from batchvid.emulator.service import EmulatorService, Family
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskView

QUOTA_PER_S = 50_000  # new-api counts 500,000 to a dollar

_SIMPLE_WORDS = words("queued", "processing", "succeeded")
_KLING_WORDS = words("submitted", "processing", "succeed")
_ARK_WORDS = words("queued", "running", "succeeded")
_VIDU_WORDS = words("queueing", "processing", "success")


def find_either(service: EmulatorService, request: web.Request, owner: str) -> Task | None:
    """A task of this route or of the gateway's own; both have the same content route."""
    task = service.store.get(request.match_info["id"], ROUTE.family.name, owner)
    return task or service.store.get(request.match_info["id"], gateway.ROUTE.family.name, owner)


def _accepted(service: EmulatorService, task: Task) -> Reply:
    if service.settings.newapi_shape == "simple":
        return {"task_id": task.id, "status": "queued"}
    return submitted(task, "metadata", {"task_id": task.id})


def _shown(service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    shape = service.settings.newapi_shape
    if shape == "simple":
        return _simple(task, view, url)
    data = _simple(task, view, url) if shape == "simple_wrapped" else _row(task, view, url, old=shape == "old")
    return {"code": "success", "message": "", "data": data}


def _row(task: Task, view: TaskView, url: str, *, old: bool) -> dict[str, Any]:
    """The row of the server's table. Without a link, `result_url` is the reason of the failure.

    An expired task is one that the server gave up before it polled the vendor: nothing of the vendor's is in it.
    `old`: before `result_url` existed, `fail_reason` was the link of a success.
    """
    unseen = view.phase is Phase.QUEUED and task.visible_polls <= 1
    reason = failure_of(task, FAILURES).message if view.ended else ""
    return {
        "id": 1,
        "created_at": int(task.created_at),
        "updated_at": int(task.ended_at or task.created_at),
        "task_id": task.id,
        "platform": "50",
        "user_id": 1,
        "group": "default",
        "channel_id": 0,
        "quota": round(QUOTA_PER_S * task.seconds),
        "action": task.echo["action"],
        "status": "NOT_START" if unseen else WRAPPER_WORDS[view.phase],
        "fail_reason": reason or (url if old else ""),
        **({} if old else {"result_url": url or reason}),
        "submit_time": int(task.created_at),
        "start_time": 0 if view.phase is Phase.QUEUED else int(task.started_at or 0),
        "finish_time": int(task.ended_at or 0) if view.ended else 0,
        "progress": f"{100 if view.ended else view.progress}%",
        "properties": {"input": "", "upstream_model_name": task.model, "origin_model_name": task.model},
        "data": None if unseen or task.outcome is Outcome.EXPIRED else _upstream(task, view, url, reason),
    }


def _upstream(task: Task, view: TaskView, url: str, reason: str) -> dict[str, Any]:
    """The vendor's own reply at the last poll: Kling's, Ark's, OpenAI's or Vidu's."""
    code = failure_of(task, FAILURES).code
    if task.model.startswith("kling"):
        videos = {"videos": [{"id": task.id[-8:], "url": url, "duration": f"{task.seconds:.1f}"}]} if url else {}
        data = {
            "task_id": str(int(task.created_at * 10**9)),
            "task_status": _KLING_WORDS[view.phase],
            "task_info": {},
            **dict.fromkeys(("created_at", "updated_at"), int(task.created_at * 1000)),
            **({"task_status_msg": reason} if reason else {"task_result": videos}),
        }
        return {"code": 0, "message": "SUCCEED", "request_id": task.id, "data": data}
    if task.model.startswith("doubao"):
        error = {"error": {"code": code, "message": reason}} if reason else {}
        content = {"content": {"video_url": url}} if url else {}
        return {"id": "cgt-upstream", "status": _ARK_WORDS[view.phase], **content, **error}
    if task.model.startswith("sora"):
        return polled_bare(task, view, {"id": f"video_{task.id[5:]}"})
    creations = [{"id": task.id[-8:], "url": url, "cover_url": ""}] if url else []
    failure = {"err_code": code} if reason else {}
    return {"state": _VIDU_WORDS[view.phase], "creations": creations, **failure}


def _simple(task: Task, view: TaskView, url: str) -> dict[str, Any]:
    """The reply of its prose documentation, and inside a wrapper of its Gemini and Vertex channels."""
    message = failure_of(task, FAILURES).message
    error = {"code": 500, "message": message} if view.failed and message else None
    return {
        "task_id": task.id,
        "status": _SIMPLE_WORDS[view.phase],
        "url": url,
        "format": "mp4",
        "metadata": {},
        "error": error,
    }


ROUTE = Route(
    family=Family(name="newapi", new_id=task_id, refuse=gateway.refuse),
    path="/gateway/v1/video/generations",
    error_type=gateway.ERROR_TYPE,
    describe=gateway.require_model,
    clip=newapi_requests.clip_of,
    accepted=_accepted,
    shown=_shown,
)
