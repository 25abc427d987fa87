"""fal's queue (fal.ai/docs: Inference API, Model Errors, Request Errors): any model, its own input as the body.

The input is checked when the request runs, as fal does: a wrong one is accepted, completes, and its result is a 422.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from batchvid.emulator import authorization
from batchvid.emulator.body_parsing import Form, decode_data_uri, read_json
from batchvid.emulator.rendering.geometry import fitted, pair, tier
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import ANY_LINK, read_image
from batchvid.emulator.routes.queue_route import InputRejected, QueueRoute, detail, queue_words, video_file
from batchvid.emulator.routes.route import answering
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskView

PREFIX = "/fal"
LIST_PATH = f"{PREFIX}/v1/models/requests/by-endpoint"
DOCS = "https://docs.fal.ai/errors#"
NAMESPACES = ("workflows", "comfy")
FRAMES = ("image_url", "start_image_url", "first_frame_url", "first_image_url")
LAST_FRAMES = ("end_image_url", "tail_image_url", "last_frame_url")
REFERENCES = ("image_urls", "reference_image_urls")
TIERS = {"2k": 1440, "4k": 2160}
UNFIT = ("content_policy_violation", "image_load_error", "missing", "literal_error", "file_download_error")
LISTED = {Phase.SUCCEEDED: 200, Phase.ERROR: 500, Phase.CANCELLED: 499, Phase.EXPIRED: 504}


def _envelope(status: int, code: str, message: str) -> web.Response:
    if status == 422:
        return detail(422, [_fault(code, message, ("body", "prompt"))])
    return detail(status, message, **({"error_type": code} if code else {}))


refuse = refusals("fal", _envelope)


def _fault(code: str, message: str, place: tuple[str, ...]) -> dict[str, Any]:
    return {"loc": list(place), "msg": message, "type": code, "url": DOCS + code}


async def _read(request: web.Request) -> Form:
    try:
        return await read_json(request)
    except ErrorResponse:
        raise ErrorResponse(detail(422, [_fault("json_invalid", "JSON decode error", ("body",))])) from None


async def _clip(submit: SubmitRequest) -> ClipSpec:
    if len(submit.model.split("/")) < 2:
        raise ErrorResponse(detail(404, f"Application '{submit.model}' not found"))
    fields = submit.form.fields
    images, references = await _images(submit), await _references(submit)
    if not isinstance(fields.get("prompt", "" if images else None), str):
        raise InputRejected("prompt", "Field required", "missing")
    return ClipSpec(_seconds(submit.model, fields.get("duration")), *_pixels(fields), images, references)


def _seconds(model: str, value: Any) -> float:
    """The length, which each family of models writes in its own way."""
    form = "s" if "/veo" in model or "/luma" in model else "text" if "kling" in model or "seedance" in model else ""
    if value in (None, "auto"):
        return 8.0 if form == "s" else 5.0
    text = str(value)
    digits = text.removesuffix("s")
    is_written_so = {"s": text.endswith("s"), "text": isinstance(value, str) and text.isdecimal()}.get(form, True)
    if not is_written_so or not digits.isdecimal() or not 1 <= int(digits) <= 60 or isinstance(value, bool):
        wanted = "4s, 6s or 8s" if form == "s" else "a number of seconds"
        raise InputRejected("duration", f"Input should be {wanted}", "literal_error")
    return float(digits)


def _pixels(fields: dict[str, Any]) -> tuple[int, int]:
    resolution = str(fields.get("resolution") or "720p").lower()
    ratio = str(fields.get("aspect_ratio") or "16:9")
    shorter, sides = TIERS.get(resolution) or tier(resolution), pair("16:9" if ratio in ("auto", "adaptive") else ratio)
    pixels = fitted(*sides, shorter=shorter) if sides and shorter else None
    if pixels is None:
        raise InputRejected("resolution", "Input should be a resolution of this model", "literal_error")
    return pixels


async def _images(submit: SubmitRequest) -> list[InputImage]:
    fields = submit.form.fields
    named = [(name, fields[name]) for name in (*FRAMES, *LAST_FRAMES) if fields.get(name)]
    return [image for name, value in named for image in await _image(submit, name, value)]


async def _references(submit: SubmitRequest) -> list[InputImage]:
    fields = submit.form.fields
    listed = [(name, value) for name in REFERENCES for value in fields.get(name) or ()]
    return [image for name, value in listed for image in await _image(submit, name, value)]


async def _image(submit: SubmitRequest, name: str, value: object) -> list[InputImage]:
    return await read_image(
        submit,
        value,
        name,
        lambda message: InputRejected(name, f"Failed to load the image: {message}", "image_load_error"),
        links=ANY_LINK,
        decode=decode_data_uri,
        expected="expected a URL or a base64 data URI",
    )


def _task_path(task: Task) -> str:
    steps = task.model.split("/")
    return "/".join([PREFIX, *steps[: 3 if steps[0] in NAMESPACES else 2], "requests", task.id])


def _addresses(base: str, task: Task) -> dict[str, Any]:
    return {
        "request_id": task.id,
        "response_url": base,
        "status_url": f"{base}/status",
        "cancel_url": f"{base}/cancel",
    }


def _accepted(base: str, task: Task) -> web.Response:
    return reply({"status": "IN_QUEUE", **_addresses(base, task), "logs": None, "metrics": {}, "queue_position": 0})


def _status(base: str, task: Task, view: TaskView) -> web.Response:
    word = queue_words(view)
    body: dict[str, Any] = {"status": word, **_addresses(base, task), "logs": None, "metrics": {}}
    if word == "IN_QUEUE":
        body["queue_position"] = 0
    if view.ended:
        body["metrics"] = {"inference_time": round((task.ended_at or 0) - (task.started_at or 0), 3)}
    if (named := _infrastructure(view)) is not None:
        body |= {"error": task.message or named[1], "error_type": task.code or named[0]}
    return reply(body, 200 if view.ended else 202)


def _infrastructure(view: TaskView) -> tuple[str, str] | None:
    """The type and the words of what was no fault of the model."""
    return {
        Phase.ERROR: ("runner_server_error", "Internal server error"),
        Phase.CANCELLED: ("client_cancelled", "Request was cancelled"),
        Phase.EXPIRED: ("request_timeout", "Request timed out"),
    }.get(view.phase)


def _result(task: Task, view: TaskView, url: str) -> web.Response:
    if not view.ended:
        return detail(400, "Request is still in progress")
    if view.phase is Phase.SUCCEEDED:
        response = reply({"video": video_file(url), "seed": 42})
        response.headers["x-fal-billable-units"] = f"{task.seconds:g}"
        return response
    if (named := _infrastructure(view)) is not None:
        code = task.code or named[0]
        response = detail(LISTED[view.phase], task.message or named[1], error_type=code)
        response.headers["X-Fal-Error-Type"] = code
        return response
    failure = failure_of(task)
    is_silent = task.outcome is Outcome.FAIL_SILENT
    code, message = failure.code or "internal_server_error", failure.message or "Internal server error"
    place = ("body", task.echo.get("field") or "prompt") if code in UNFIT else ("body",)
    response = detail(500 if is_silent or code not in UNFIT else 422, [_fault(code, message, place)])
    response.headers["X-Fal-Retryable"] = "false"
    return response


def _cancelled(phase: Phase | None) -> web.Response:
    if phase is None:
        return reply({"status": "NOT_FOUND"}, 404)
    if phase in (Phase.QUEUED, Phase.THROTTLED):
        return reply({"status": "OK"})
    if phase in (Phase.RUNNING, Phase.UNDOCUMENTED):
        return reply({"status": "CANCELLATION_REQUESTED"}, 202)
    return reply({"status": "ALREADY_COMPLETED"}, 400)


QUEUE = QueueRoute(
    family=Family("fal", lambda: str(uuid.uuid4()), refuse, waits=True),
    submit=f"{PREFIX}/{{model:.+}}",
    tasks=f"{PREFIX}/{{model:.+}}/requests/{{id}}",
    task_path=_task_path,
    key=lambda request: authorization.scheme(request, "Key"),
    read=_read,
    clip=_clip,
    accepted=_accepted,
    status=_status,
    result=_result,
    cancelled=_cancelled,
    missing=lambda: detail(404, "Request not found"),
)


def register(router: web.UrlDispatcher, service: EmulatorService) -> None:
    """Add the queue, and the list of finished requests (Platform APIs)."""

    async def listed(request: web.Request) -> web.StreamResponse:
        owner = QUEUE.owner(service, request)
        models = {name for value in request.query.getall("endpoint_id", []) for name in value.split(",")}
        if not models:
            error = {"type": "validation_error", "message": "endpoint_id is required"}
            raise ErrorResponse(reply({"error": error}, 400))
        limit = min(int(request.query.get("limit", "50")), 100)
        rows = [row for task in service.store if (row := _row(service, request, task, owner, models))]
        rows.sort(key=lambda row: str(row["ended_at"]), reverse=True)
        return reply({"items": rows[:limit], "next_cursor": None, "has_more": len(rows) > limit})

    router.add_get(LIST_PATH, answering(listed))
    QUEUE.register(router, service)


def _row(
    service: EmulatorService, request: web.Request, task: Task, owner: str, models: set[str]
) -> dict[str, Any] | None:
    """A finished request of this caller and one of these models, since `start`."""
    if (task.family, task.owner) != (QUEUE.family.name, owner) or task.model not in models:
        return None
    view = TaskView(Phase.CANCELLED, 0) if task.removed else service.store.peek(task, service.clock())
    start = request.query.get("start", "")
    if not view.ended or (start and task.created_at < datetime.fromisoformat(start).timestamp()):
        return None
    row = {
        "request_id": task.id,
        "endpoint_id": task.model,
        "sent_at": _iso(task.created_at),
        "started_at": _iso(task.started_at or task.created_at),
        "ended_at": _iso(task.ended_at or task.created_at),
        "status_code": LISTED.get(view.phase, 422),
        "duration": round((task.ended_at or 0) - (task.started_at or 0), 3),
    }
    return row | ({"json_input": {"prompt": task.prompt}} if request.query.get("expand") == "payloads" else {})


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
