"""Veo's long-running operations on the Gemini API (google-genai 2.34.0). `done` is left out while one runs."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import Form
from batchvid.emulator.rendering.geometry import ratio_pixels
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse
from batchvid.emulator.routes import google
from batchvid.emulator.routes.errors import failure_of
from batchvid.emulator.routes.route import Reply
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, TaskView

NAME = "gemini-veo"
PATH = google.PREFIX + "/models/{model:[^/:]+}:predictLongRunning"
RATIOS = ("16:9", "9:16")
DURATIONS_S = (4, 6, 8)
PARAMETERS = frozenset(
    (
        *("aspectRatio", "durationSeconds", "resolution", "personGeneration", "negativePrompt", "sampleCount"),
        *("enhancePrompt", "numberOfVideos"),
    )
)
INSTANCE = frozenset({"prompt", "image", "lastFrame", "referenceImages", "video"})
FILTERED = "Sorry, we can't create videos with content that goes against our usage guidelines."
CODES = {"cancelled": 1, "internal": 13, "": 13}  # any other: 3, an invalid argument


def _prompt_of(body: dict[str, Any]) -> str:
    instances = body.get("instances")
    first = instances[0] if isinstance(instances, list) and instances else None
    return str(first.get("prompt") or "") if isinstance(first, dict) else ""


async def read(request: web.Request) -> Form:
    """Read a body, with the model of the path and the prompt where the emulator looks for them."""
    form = await google.read(request)
    form.fields["prompt"] = _prompt_of(form.fields)
    form.fields["model"] = request.match_info["model"]
    return form


def describe(submit: SubmitRequest) -> None:
    """The operation's name contains the model."""
    submit.family = Family(NAME, lambda: f"models/{submit.model}/operations/{secrets.token_hex(6)}", google.refuse)


async def clip(submit: SubmitRequest, known: frozenset[str] = PARAMETERS) -> ClipSpec:
    """Check a submit, with the parameters that this API knows. Raises ErrorResponse."""
    instance = _instance(submit.form.fields)
    parameters = submit.form.fields.get("parameters") or {}
    if not isinstance(parameters, dict) or set(parameters) - known:
        unknown = sorted(set(parameters) - known)[0] if isinstance(parameters, dict) else "parameters"
        raise google.invalid(f"Invalid JSON payload received. Unknown name \"{unknown}\" at 'parameters'")
    return await _checked(submit, instance, parameters)


async def _checked(submit: SubmitRequest, instance: dict[str, Any], parameters: dict[str, Any]) -> ClipSpec:
    if not submit.model.startswith("veo-"):
        message = f"models/{submit.model} is not found for API version v1beta, or is not supported"
        raise ErrorResponse(google.error(404, "NOT_FOUND", message))
    if not submit.prompt.strip():
        raise google.invalid("The prompt must not be empty.")
    seconds = parameters.get("durationSeconds", 8)
    if isinstance(seconds, bool) or seconds not in DURATIONS_S:
        raise google.invalid("durationSeconds is out of bound. Please provide a value of 4, 6 or 8.")
    side = google.SHORTER_SIDES.get(str(parameters.get("resolution", "720p")))
    pixels = ratio_pixels(str(parameters.get("aspectRatio", "16:9")), RATIOS, side)
    if pixels is None:
        raise google.invalid("aspectRatio or resolution is not supported.")
    frames = [await _picture(submit, instance, key) for key in ("image", "lastFrame") if key in instance]
    references = [await _picture(submit, item, "image") for item in instance.get("referenceImages") or []]
    return ClipSpec(float(seconds), *pixels, frames, references)


def _instance(body: dict[str, Any]) -> dict[str, Any]:
    instances = body.get("instances")
    if not isinstance(instances, list) or len(instances) != 1 or not isinstance(instances[0], dict):
        raise google.invalid("Exactly one instance is required.")
    instance: dict[str, Any] = instances[0]
    if unknown := sorted(set(instance) - INSTANCE):
        raise google.invalid(f"Invalid JSON payload received. Unknown name \"{unknown[0]}\" at 'instances[0]'")
    return instance


async def _picture(submit: SubmitRequest, holder: Any, key: str) -> InputImage:
    picture = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(picture, dict) or not str(picture.get("mimeType", "")).startswith("image/"):
        raise google.invalid(f"`{key}` needs bytesBase64Encoded and mimeType.")
    return await google.picture(submit, picture.get("bytesBase64Encoded"), key)


def operation(task: Task, view: TaskView, response: dict[str, Any], kind: str) -> dict[str, Any]:
    """The operation; `response` is that of a success, `kind` its type."""
    name = {"name": task.id}
    if not view.ended:
        return name
    failure = failure_of(task)
    if view.failed and task.outcome is not Outcome.MODERATION:
        error = {"code": CODES.get(failure.code, 3), "message": failure.message}
        return {**name, "done": True, "error": error}
    return {**name, "done": True, "response": {"@type": f"type.googleapis.com/{kind}", **response}}


def _shown(_service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    if view.ended and task.outcome is Outcome.MODERATION:
        filtered = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [task.message or FILTERED]}
        result: dict[str, Any] = filtered
    else:
        result = {"generatedSamples": [{"video": {"uri": url}}]}
    kind = "google.ai.generativelanguage.v1beta.PredictLongRunningResponse"
    return operation(task, view, {"generateVideoResponse": result}, kind)


async def _link(_service: EmulatorService, request: web.Request, task: Task) -> str:
    return google.file_uri(request, task)


def _missing(_service: EmulatorService) -> web.Response:
    return google.error(404, "NOT_FOUND", "Requested entity was not found.")


ROUTE = google.GoogleRoute(
    family=Family(NAME, lambda: "", google.refuse),
    path=PATH,
    tasks=google.PREFIX + "/{id:models/[^/]+/operations/[^/]+}",
    read=read,
    describe=describe,
    clip=clip,
    accepted=lambda _service, task: {"name": task.id},
    shown=_shown,
    link=_link,
    missing=_missing,
)
