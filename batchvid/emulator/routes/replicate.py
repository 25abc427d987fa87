"""Replicate's predictions (replicate.com/docs: HTTP API, lifecycle): models, versions and deployments.

An input is checked before a prediction is made. Errors are problem details (RFC 9457).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from batchvid.emulator.body_parsing import Form
from batchvid.emulator.callbacks import callback_url
from batchvid.emulator.fault_injection import apply_fault
from batchvid.emulator.rendering.geometry import fitted, pair, tier
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import ANY_LINK, read_image
from batchvid.emulator.routes.route import answering
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

PREFIX = "/replicate"
PREDICTIONS = f"{PREFIX}/v1/predictions"
FRAMES = ("image", "start_image", "first_frame_image")
LAST_FRAMES = ("last_frame", "last_frame_image", "end_image")
PAGE_SIZE = 100
NOT_STARTED = (Phase.QUEUED, Phase.EXPIRED)  # an aborted prediction never started
TITLES = {401: "Unauthenticated", 402: "Insufficient credit", 422: "Input validation failed"}

_WORDS = words("starting", "processing", "succeeded", cancelled="canceled", expired="aborted")


def _envelope(status: int, _code: str, message: str) -> web.Response:
    title = {"title": TITLES[status]} if status in TITLES else {}
    return reply({**title, "detail": message, "status": status}, status)


refuse = refusals("replicate", _envelope)
FAMILY = Family("replicate", lambda: secrets.token_hex(13), refuse, waits=True)


def _invalid(message: str) -> ErrorResponse:
    return ErrorResponse(refuse("invalid", message))


def _owner(service: EmulatorService, request: web.Request) -> str:
    try:
        return service.owner(request)
    except ErrorResponse:
        raise ErrorResponse(refuse("auth", "")) from None


async def _read(request: web.Request) -> Form:
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise _invalid("- body: invalid JSON\n") from None
    if not isinstance(body, dict) or not isinstance(body.get("input"), dict):
        raise _invalid("- input is required\n")
    return Form(fields={**body["input"], "version": body.get("version")})


async def _clip(submit: SubmitRequest) -> ClipSpec:
    fields = submit.form.fields
    if not submit.prompt:
        raise _invalid("- input.prompt: prompt is required\n")
    seconds = fields.get("duration", 5)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 1 <= seconds <= 60:
        raise _invalid(f"- input.duration: {seconds} is not a valid duration\n")
    ratio, resolution = str(fields.get("aspect_ratio") or "16:9"), str(fields.get("resolution") or "720p")
    shorter, sides = tier(resolution), pair(ratio)
    pixels = fitted(*sides, shorter=shorter) if sides and shorter else None
    if pixels is None:
        raise _invalid(f"- input.aspect_ratio: {ratio} is not one of the allowed values\n")
    frames = [image for name in (*FRAMES, *LAST_FRAMES) if fields.get(name) for image in await _image(submit, name)]
    return ClipSpec(float(seconds), *pixels, frames, echo={"input": _shown_input(fields)})


def _shown_input(fields: dict[str, Any]) -> dict[str, Any]:
    """The input as a prediction repeats it; a data URI becomes a link to its file."""
    return {
        name: "https://replicate.delivery/pbxt/input" if str(value).startswith("data:") else value
        for name, value in fields.items()
        if name != "version"
    }


async def _image(submit: SubmitRequest, name: str) -> list[InputImage]:
    return await read_image(
        submit,
        submit.form.fields[name],
        name,
        lambda message: _invalid(f"- input.{name}: {message}\n"),
        links=ANY_LINK,
        expected="Does not match format 'uri'",
    )


def _prediction(service: EmulatorService, request: web.Request, task: Task, *, polled: bool = False) -> dict[str, Any]:
    view = _view(service, task, polled=polled)
    own = f"{request.scheme}://{request.host}{PREDICTIONS}/{task.id}"
    failure = failure_of(task)
    return {
        "id": task.id,
        "model": task.model,
        "version": task.echo.get("version") or "hidden",
        "input": task.echo["input"],
        "logs": "",
        "output": service.link(request, task) if view.phase is Phase.SUCCEEDED else None,
        "data_removed": False,
        "error": (failure.message or None) if view.phase in (Phase.FAILED, Phase.ERROR) else None,
        "source": "api",
        "status": _WORDS[view.phase],
        "created_at": _iso(task.created_at),
        "started_at": _iso(task.started_at) if view.phase not in NOT_STARTED and task.started_at else None,
        "completed_at": _iso(task.ended_at or task.created_at) if view.ended else None,
        "urls": {"get": own, "cancel": f"{own}/cancel", "web": f"https://replicate.com/p/{task.id}"},
        "metrics": {"predict_time": round((task.ended_at or 0) - (task.started_at or 0), 3)} if view.ended else {},
    }


def _view(service: EmulatorService, task: Task, *, polled: bool) -> TaskView:
    if task.removed:
        return TaskView(Phase.CANCELLED, 0)
    return (service.store.poll if polled else service.store.peek)(task, service.clock())


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _tasks(service: EmulatorService, owner: str) -> Iterator[Task]:
    """The predictions of this key, the newest first; cancelled ones stay."""
    yield from (t for t in reversed(list(service.store)) if (t.family, t.owner) == (FAMILY.name, owner))


def _find(service: EmulatorService, request: web.Request) -> Task:
    owner, name = _owner(service, request), request.match_info["id"]
    task = service.store.get(name, FAMILY.name, owner) or next(
        (t for t in _tasks(service, owner) if t.id == name), None
    )
    if task is None:
        raise ErrorResponse(_envelope(404, "", "The requested resource could not be found."))
    return task


def register(router: web.UrlDispatcher, service: EmulatorService) -> None:
    """Add the routes."""
    routes = _Predictions(service)
    for start in (
        f"{PREFIX}/v1/models/{{owner}}/{{name}}",
        f"{PREFIX}/v1/deployments/{{owner}}/{{name}}",
        f"{PREFIX}/v1",
    ):
        router.add_post(f"{start}/predictions", answering(routes.create, routes.count_refused))
    router.add_get(PREDICTIONS, answering(routes.listed))
    router.add_get(f"{PREDICTIONS}/{{id}}", answering(routes.get))
    router.add_post(f"{PREDICTIONS}/{{id}}/cancel", answering(routes.cancel))


class _Predictions:
    """The handlers."""

    def __init__(self, service: EmulatorService) -> None:
        self._service = service

    def count_refused(self, request: web.Request) -> None:
        """Count a submit that is refused before a model is known."""
        ledger = self._service.ledger
        ledger.count("submits", FAMILY.name, request.path, self._service.clock())
        ledger.count("refused", FAMILY.name, request.path)

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Make a prediction."""
        service = self._service
        owner, form = _owner(service, request), await _read(request)
        steps = request.match_info
        model = f"{steps['owner']}/{steps['name']}" if "name" in steps else ""
        if not model and not form.text("version"):
            raise _invalid("- version is required\n")
        submit = SubmitRequest(
            service, request, FAMILY, owner, request.path, "", form, model or "acme/versioned", form.text("prompt")
        )
        service.ledger.count("submits", FAMILY.name, submit.route, service.clock())
        action = service.match_fault("submit", FAMILY, submit)
        created: list[Task] = []

        async def act() -> web.StreamResponse:
            try:
                created.append(service.create(submit, await _clip(submit), action))
            except ErrorResponse as exc:
                return exc.response
            created[0].echo["version"] = form.text("version")
            if url := callback_url({}, orjson.loads(await request.read())):  # beside the input
                service.callbacks.watch(created[0], url)
            return reply(_prediction(service, request, created[0]), 201)

        response = await apply_fault(action, request, act, refuse)
        if not created:
            service.ledger.count("refused", FAMILY.name, submit.route)
        return response

    async def get(self, request: web.Request) -> web.StreamResponse:
        """One prediction."""
        service, task = self._service, _find(self._service, request)
        service.ledger.count("polls", FAMILY.name, task.route, service.clock())
        task.polls += 1

        async def act() -> web.StreamResponse:
            return reply(_prediction(service, request, task, polled=True))

        return await apply_fault(service.match_fault("poll", FAMILY, task), request, act, refuse)

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Cancel an unfinished prediction; the reply is the prediction."""
        task = _find(self._service, request)
        if not _view(self._service, task, polled=False).ended:
            self._service.store.remove(task, self._service.clock())
        return reply(_prediction(self._service, request, task))

    async def listed(self, request: web.Request) -> web.StreamResponse:
        """The newest predictions."""
        owner = _owner(self._service, request)
        rows = [_prediction(self._service, request, task) for task in _tasks(self._service, owner)][:PAGE_SIZE]
        return reply({"previous": None, "next": None, "results": rows})
