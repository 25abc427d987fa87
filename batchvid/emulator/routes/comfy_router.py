"""Comfy Router's queue (its OpenAPI, comfy-sdk 0.5.0): a provider's own input, and calls that a key makes repeatable.

The same call with the same key gets the first one's request for 24 hours; another body with it is refused.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from aiohttp import web

from batchvid.emulator import authorization
from batchvid.emulator.body_parsing import Form, read_json
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.queue_route import InputRejected, QueueRoute, queue_words, video_file
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskView

PREFIX = "/comfy-router"
KEY_HEADER = "Idempotency-Key"
KEY_KEPT_S = 24 * 3600.0


def _error(status: int, code: str, detail: Any, **headers: str) -> web.Response:
    response = reply({"detail": detail}, status)
    response.headers.update({"X-Comfy-Error-Type": code, "X-Comfy-Request-Id": f"req-{uuid.uuid4()}", **headers})
    return response


def _envelope(status: int, code: str, message: str) -> web.Response:
    if code == "invalid_input":
        return _error(422, code, [{"loc": ["body", "prompt"], "msg": message, "type": code}])
    return _error(status, code, message)


refuse = refusals("comfy-router", _envelope)


def _key(request: web.Request) -> str:
    return authorization.header(request, "X-API-Key") or authorization.bearer(request)


async def _read(request: web.Request) -> Form:
    try:
        return await read_json(request)
    except ErrorResponse:
        raise ErrorResponse(_error(422, "invalid_input", "the body is no JSON object")) from None


async def _clip(submit: SubmitRequest) -> ClipSpec:
    """Returns a clip of the requested length. Comfy Router passes the other fields to the provider unread."""
    if submit.model.count("/") != 1:
        raise ErrorResponse(_error(404, "model_not_found", "No such model"))
    seconds = submit.form.fields.get("duration", 5)
    if not str(seconds).isdecimal() or not 1 <= int(seconds) <= 60:
        raise InputRejected("duration", "Input should be a number of seconds", "invalid_input")
    return ClipSpec(float(seconds), 1280, 720)


def _idempotency(submit: SubmitRequest) -> dict[str, Any]:
    """What a task keeps of its call: the key, and the digest of what came with it."""
    key = submit.request.headers.get(KEY_HEADER, "")
    body = submit.form.fields
    digest = hashlib.sha256(repr((submit.route, sorted(body.items(), key=str))).encode()).hexdigest()
    return {"idempotency_key": key, "digest": digest} if key else {}


def _admitted(service: EmulatorService, submit: SubmitRequest, base: str) -> web.Response | None:
    """The reply to a call whose key is known: the first one's request, or a 409 for another body."""
    asked = _idempotency(submit)
    for task in service.store if asked else ():
        is_known = (task.family, task.owner) == (QUEUE.family.name, submit.owner)
        if not is_known or task.echo.get("idempotency_key") != asked["idempotency_key"]:
            continue
        if service.clock() - task.created_at > KEY_KEPT_S:
            continue
        if task.echo["digest"] != asked["digest"]:
            return _error(409, "invalid_input", "the key was used with another request")
        response = _accepted(base + _task_path(task), task)
        response.headers["Idempotent-Replayed"] = "true"
        return response
    return None


def _task_path(task: Task) -> str:
    return f"{PREFIX}/v2/models/{task.model}/requests/{task.id}"


def _addresses(base: str, task: Task) -> dict[str, Any]:
    return {
        "request_id": task.id,
        "response_url": base,
        "status_url": f"{base}/status",
        "cancel_url": f"{base}/cancel",
    }


def _accepted(base: str, task: Task) -> web.Response:
    return reply({"status": "IN_QUEUE", **_addresses(base, task)}, 201)


def _status(base: str, task: Task, view: TaskView) -> web.Response:
    body: dict[str, Any] = {"status": queue_words(view), **_addresses(base, task)}
    if body["status"] == "IN_QUEUE":
        body["queue_position"] = 0
    if failed := _failure(task, view):
        body |= {"error_type": failed[0], "error": failed[1]}
    return reply(body)


def _failure(task: Task, view: TaskView) -> tuple[str, str] | None:
    """The type and the words of a request that ended without a result."""
    if not view.ended or view.phase is Phase.SUCCEEDED:
        return None
    if view.phase is Phase.CANCELLED:
        return "cancelled", "The request was cancelled"
    if view.phase is Phase.EXPIRED:
        return "deadline_exceeded", "The request took too long"
    failure = failure_of(task)
    is_silent = task.outcome is Outcome.FAIL_SILENT
    return failure.code or "internal_error", "" if is_silent else failure.message


def _result(task: Task, view: TaskView, url: str) -> web.Response:
    if not view.ended:
        return _error(409, "concurrency_limit_exceeded", "The request is not finished", **{"Retry-After": "1"})
    if view.phase is Phase.SUCCEEDED:
        return reply({"video": video_file(url)})
    code, message = _failure(task, view) or ("internal_error", "")
    return _error(409 if view.phase is Phase.CANCELLED else 422, code, message)


def _cancelled(phase: Phase | None) -> web.Response:
    if phase is None:
        return _missing()
    if phase in (Phase.QUEUED, Phase.THROTTLED):
        return reply({"status": "CANCELLED"})
    if phase in (Phase.RUNNING, Phase.UNDOCUMENTED):
        return reply({"status": "CANCELLATION_REQUESTED"}, 202)
    return reply({"status": "ALREADY_COMPLETED"}, 409)


def _missing() -> web.Response:
    return _error(404, "model_not_found", "No such request")


QUEUE = QueueRoute(
    family=Family("comfy-router", lambda: str(uuid.uuid4()), refuse),
    submit=f"{PREFIX}/v2/models/{{model:.+}}/requests",
    tasks=f"{PREFIX}/v2/models/{{model:.+}}/requests/{{id}}",
    task_path=_task_path,
    key=_key,
    read=_read,
    clip=_clip,
    accepted=_accepted,
    status=_status,
    result=_result,
    cancelled=_cancelled,
    missing=_missing,
    admitted=_admitted,
    echo=_idempotency,
)


def register(router: web.UrlDispatcher, service: EmulatorService) -> None:
    """Add the queue."""
    QUEUE.register(router, service)
