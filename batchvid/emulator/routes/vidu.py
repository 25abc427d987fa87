"""Vidu's own API (platform.vidu.com/docs): a path for each kind of input, a list, a cancellation."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from batchvid.emulator import authorization
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.markets import check_seconds, pictures_of, pixels_of
from batchvid.emulator.routes.route import Reply, Route, answering
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

PATH = "/vidu/ent/v2"
PICTURES = {
    "text2video": range(1),
    "img2video": range(1, 2),
    "start-end2video": range(2, 3),
    "reference2video": range(1, 8),
}
"""The kinds, with how many pictures each takes."""
TIERS = ("540p", "720p", "1080p")
CREDITS_PER_S = 7
REASONS = {400: "BadRequest", 401: "Unauthorized", 402: "PaymentRequired", 404: "NotFound", 429: "TooManyRequests"}


def _error(status: int, reason: str, message: str) -> web.Response:
    trace = {"trace_id": secrets.token_hex(16)}
    return reply({"code": status, "reason": reason, "message": message, "metadata": trace}, status)


_refuse = refusals("vidu", _error)
_WORDS = words("queueing", "processing", "success")


@dataclass(frozen=True, slots=True, kw_only=True)
class ViduRoute(Route):
    """Adds the list and the cancellation."""

    def register(self, router: web.UrlDispatcher, service: EmulatorService) -> None:
        """Add the handlers to the router."""

        async def cancel(request: web.Request) -> web.StreamResponse:
            task = self._task(service, request)
            if task is None:
                return _missing(service)
            phase = service.store.peek(task, service.clock()).phase
            if phase not in (Phase.QUEUED, Phase.THROTTLED) or not service.cancel(task):
                return _error(400, "BadRequest", f"task state is {_WORDS[phase]}, can not cancel")
            return reply({})

        async def list_tasks(request: web.Request) -> web.StreamResponse:
            owner, now = self.owner(service, request), service.clock()
            tasks = [
                t for t in reversed(list(service.store)) if (t.family, t.owner) == ("vidu", owner) and not t.removed
            ]
            rows = [
                {"id": task.id, "model": task.model, "prompt": task.prompt, "created_at": _time(task),
                 "state": _WORDS[service.store.peek(task, now).phase], "payload": task.external_task_id}
                for task in tasks[:100]
            ]  # fmt: skip
            return reply({"tasks": rows, "next_page_token": ""})

        def count(request: web.Request) -> None:
            service.ledger.count("submits", "vidu", self._name(request), service.clock())
            service.ledger.count("refused", "vidu", self._name(request))

        path = self.path.replace("{kind}", "{kind:" + "|".join(self.kinds) + "}")
        router.add_post(path, answering(lambda request: self._create(service, request), count))
        router.add_get(f"{PATH}/tasks/{{id}}/creations", answering(lambda request: self._poll(service, request)))
        router.add_post(f"{PATH}/tasks/{{id}}/cancel", answering(cancel))
        router.add_get(f"{PATH}/tasks", answering(list_tasks))

    def owner(self, service: EmulatorService, request: web.Request) -> str:
        """The caller, by `Authorization: Token KEY`. Raises ErrorResponse (401)."""
        if owner := service.owner_of(request, authorization.scheme(request, "Token")):
            return owner
        raise ErrorResponse(_refuse("auth", ""))


def _time(task: Task) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(task.created_at))


async def _clip(submit: SubmitRequest) -> ClipSpec:
    body, allowed = submit.form.fields, PICTURES[submit.kind]
    if not submit.model:
        raise ErrorResponse(_error(400, "FieldLacking", "model is required"))
    if not submit.prompt.strip() and submit.kind in ("text2video", "reference2video"):
        raise ErrorResponse(_error(400, "FieldLacking", "prompt is required"))
    if not isinstance(body.get("duration", 5), int):
        raise ErrorResponse(_error(400, "FieldInvalid", "duration must be an integer"))
    if body.get("resolution", "720p") not in TIERS:
        raise ErrorResponse(_error(400, "FieldInvalid", f"resolution must be one of {', '.join(TIERS)}"))
    given = body.get("images") or []
    if not isinstance(given, list) or len(given) not in allowed:
        raise ErrorResponse(_error(400, "FieldInvalid", f"images: {len(given)} are not allowed here"))
    images = await pictures_of(submit, ("images",), _refuse)
    is_reference = submit.kind == "reference2video"
    pixels = pixels_of(body, _refuse, [] if is_reference else images)
    return ClipSpec(
        float(check_seconds(body.get("duration"), _refuse)),
        *pixels,
        [] if is_reference else images,
        images if is_reference else [],
        external_task_id=str(body.get("payload") or ""),
    )


def _accepted(_service: EmulatorService, task: Task) -> Reply:
    return {
        "task_id": task.id,
        "state": "created",
        "model": task.model,
        "prompt": task.prompt,
        "payload": task.external_task_id,
        "credits": _credits(task),
        "created_at": _time(task),
    }


def _credits(task: Task) -> int:
    return round(CREDITS_PER_S * task.seconds)


def _shown(_service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    shown: dict[str, Any] = {
        "id": task.id,
        "state": _WORDS[view.phase],
        "err_code": failure_of(task).code if view.failed else "",
        "credits": 0 if view.failed else _credits(task),
        "payload": task.external_task_id,
        "creations": [],
    }
    if view.phase is Phase.SUCCEEDED:
        shown["creations"] = [{"id": f"{task.id}1", "url": url, "cover_url": "https://cdn.example/cover.jpeg"}]
    return shown


def _missing(_service: EmulatorService) -> web.Response:
    return _error(404, "NotFound", "task not found")


ROUTE = ViduRoute(
    family=Family("vidu", lambda: str(800_000_000_000_000_000 + secrets.randbelow(10**17)), _refuse),
    path=f"{PATH}/{{kind}}",
    kinds=tuple(PICTURES),
    clip=_clip,
    accepted=_accepted,
    shown=_shown,
    missing=_missing,
    own_auth=True,
)
