"""Runway's image to video as CometAPI forwards it (wire-notes 4.3, 7.6). Over its limit a task waits."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import decode_data_uri
from batchvid.emulator.rendering.geometry import frame, pair
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, openai_error, reply, task_error
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import HTTPS, read_image
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.video_object import words, wrap
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskView

DOCS = "https://docs.dev.runwayml.com/api"
DEFAULT_RATIO = "1280:768"
RATIOS = (  # the pixel ratios of the pages, and the two of older versions
    *("1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672", "1280:768", "768:1280"),
    *("16:9", "9:16"),
)
SHORTER_SIDE = 720
DURATIONS_S = range(2, 11)
CREDITS_PER_S = 5  # gen4_turbo's; only Runway's own schema has costs, CometAPI's page has not
MAX_URL_LENGTH = 2048
MAX_DATA_URI_BYTES = 5 * 1024 * 1024

_WORDS = words(
    *("PENDING", "RUNNING", "SUCCEEDED", "FAILED"),
    throttled="THROTTLED",
    cancelled="CANCELLED",
    undocumented="SIMMERING",
)


def _issue(path: str, message: str, *, code: str = "custom") -> ErrorResponse:
    issue = {"code": code, "path": [path], "message": message}
    return ErrorResponse(reply({"error": "Validation of body failed", "issues": [issue], "docUrl": DOCS}, 400))


# it has no codes: a validation error names the path of a field, all others only have a text
refuse = refusals(
    "runway",
    lambda status, path, message: _issue(path, message).response if path else reply({"error": message}, status),
)


async def _clip(submit: SubmitRequest) -> ClipSpec:
    body = submit.form.fields
    if not submit.request.headers.get("X-Runway-Version"):
        raise ErrorResponse(reply({"error": "The X-Runway-Version header is required", "docUrl": DOCS}, 400))
    if not submit.model:
        raise ErrorResponse(openai_error(400, "model name is required"))
    images = await _images(submit, body.get("promptImage"))
    duration = body.get("duration", 5)
    if not isinstance(duration, int) or isinstance(duration, bool) or duration not in DURATIONS_S:
        raise _issue("duration", "Expected an integer from 2 to 10")
    ratio = str(body.get("ratio", DEFAULT_RATIO))
    sides = pair(ratio) if ratio in RATIOS else None
    pixels = frame(*sides, shorter=SHORTER_SIDE) if sides else None
    if pixels is None:
        raise _issue("ratio", f"Expected one of {', '.join(RATIOS)}")
    return ClipSpec(float(duration), *pixels, images)


async def _images(submit: SubmitRequest, prompt_image: Any) -> list[InputImage]:
    """One URI, or an array of `{uri, position}`."""
    if not prompt_image:
        raise _issue("promptImage", "Required", code="invalid_type")
    entries = prompt_image if isinstance(prompt_image, list) else [{"uri": prompt_image, "position": "first"}]
    if any(not isinstance(entry, dict) or entry.get("position") not in ("first", "last") for entry in entries):
        raise _issue("promptImage", "Expected {uri, position: first or last}")
    return [image for entry in entries for image in await _image(submit, str(entry.get("uri")), entry["position"])]


async def _image(submit: SubmitRequest, uri: str, position: str) -> list[InputImage]:
    if uri.startswith("http://"):
        raise _issue("promptImage", "Only HTTPS URLs are allowed.")
    return await read_image(
        submit,
        uri,
        position,
        lambda message: _issue("promptImage", message),
        links=HTTPS if len(uri) <= MAX_URL_LENGTH else (),
        decode=lambda text: decode_data_uri(text) if len(text) <= MAX_DATA_URI_BYTES else None,
        expected="Expected an HTTPS URL or a data URI of at most 5 MB",
        label="The image",
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
        return wrap(task, view, "IMAGE_TO_VIDEO", url, failure_of(task), bare)
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
    return {"credits": round(CREDITS_PER_S * task.seconds)}


def _deleted(task: Task | None, cancelled: bool) -> web.Response:
    """Runway's own: cancels an unfinished task and deletes a finished one with its output; 204 for both."""
    if task is None:
        return reply({"error": "Task not found"}, 404)
    return web.Response(status=204) if cancelled else reply({"error": "The task can no longer be cancelled"}, 409)


ROUTE = Route(
    family=Family("runway", lambda: str(uuid.uuid4()), refuse, waits=True),
    path="/runwayml/v1/image_to_video",
    tasks="/runwayml/v1/tasks",
    prompt_field="promptText",
    clip=_clip,
    accepted=lambda _service, task: {"id": task.id, "estimatedCost": _credits(task)},
    shown=_shown,
    missing=_missing,
    hidden=_hidden,
    deleted=_deleted,
)
