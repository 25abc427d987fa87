"""Gemini's Interactions API (google-genai 3.6.1, ai.google.dev/gemini-api/docs/omni), for Omni's clips.

As the page states, a poll has the clip as base64 even where a URI was requested; `gemini_delivery` changes that.
"""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import Form
from batchvid.emulator.rendering.geometry import ratio_pixels
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes import google
from batchvid.emulator.routes.errors import failure_of
from batchvid.emulator.routes.images import copy_of, recoloured
from batchvid.emulator.routes.route import Reply, answering
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskView

PATH = google.PREFIX + "/interactions"
MODELS = re.compile(r"(models/)?gemini-omni-[\w.-]+")
RATIOS = ("16:9", "9:16")
TASKS = ("text_to_video", "image_to_video", "reference_to_video", "edit", "extend", "upscale")
DURATION = re.compile(r"(\d+(?:\.\d+)?)s")
SHORTEST_S, LONGEST_S, LONGEST_12_S, DEFAULT_S = 3.0, 10.0, 15.0, 10.0
TOKENS_PER_S = 5792
FORMAT_FIELDS = frozenset({"type", "aspect_ratio", "delivery", "duration", "gcs_uri", "resolution"})
FIELDS = frozenset(
    (
        *("model", "agent", "input", "background", "store", "stream", "response_format", "response_modalities"),
        *("generation_config", "previous_interaction_id", "labels", "webhook_config", "service_tier"),
        *("safety_settings", "system_instruction", "tools", "response_mime_type"),
    )
)
SYNC_STEP_S = 0.02

_WORDS = words(
    *("queued", "in_progress", "completed", "failed"),
    throttled="queued",
    cancelled="cancelled",
    expired="incomplete",
    undocumented="simmering",
)


async def _read(request: web.Request) -> Form:
    form = await google.read(request)
    form.fields["prompt"] = " ".join(
        str(part.get("text", "")) for part in _parts(form.fields.get("input")) if part.get("type") == "text"
    )
    return form


def _parts(given: Any) -> list[dict[str, Any]]:
    """The content parts of an input: a text, a list of parts, or a list of steps with content."""
    if isinstance(given, str):
        return [{"type": "text", "text": given}]
    items = [item for item in (given if isinstance(given, list) else [given]) if isinstance(item, dict)]
    return [part for item in items for part in (_parts(item.get("content")) if "content" in item else [item])]


async def _clip(submit: SubmitRequest) -> ClipSpec:
    body = submit.form.fields
    unknown = set(body) - FIELDS - {"prompt"}
    if unknown:
        raise _wrong(f'Unknown name "{sorted(unknown)[0]}": Cannot find field.')
    if not MODELS.fullmatch(submit.model):
        raise ErrorResponse(google.error(404, "not_found", f"Model '{submit.model}' is not found."))
    if not submit.prompt.strip():
        raise _wrong("input: a text is required")
    if body.get("stream"):
        raise _wrong("stream is not supported by the emulator")
    shape = body.get("response_format") or {}
    shape = shape[0] if isinstance(shape, list) and shape else shape
    if not isinstance(shape, dict) or shape.get("type", "video") != "video" or set(shape) - FORMAT_FIELDS:
        raise _wrong("response_format must be a video format")
    seconds, pixels = _seconds(submit.model, shape), _pixels(shape)
    task = ((body.get("generation_config") or {}).get("video_config") or {}).get("task", TASKS[0])
    if task not in TASKS:
        raise _wrong(f"generation_config.video_config.task must be one of {', '.join(TASKS)}")
    if previous := body.get("previous_interaction_id"):
        source = submit.service.store.get(str(previous), submit.family.name, submit.owner)
        if source is None:
            raise ErrorResponse(google.error(404, "not_found", f"Interaction {previous} is not found."))
        return recoloured(copy_of(source))
    frames, others = await _pictures(submit, task)
    return ClipSpec(seconds, *pixels, frames, others, echo={"delivery": shape.get("delivery", "inline")})


def _seconds(model: str, shape: dict[str, Any]) -> float:
    found = DURATION.fullmatch(str(shape.get("duration", f"{DEFAULT_S:g}s")))
    longest = LONGEST_12_S if "-1.2-" in model else LONGEST_S
    if not found or not SHORTEST_S <= float(found[1]) <= longest:
        raise _wrong(f"response_format.duration must be from {SHORTEST_S:g}s to {longest:g}s")
    return float(found[1])


def _pixels(shape: dict[str, Any]) -> tuple[int, int]:
    side = google.SHORTER_SIDES.get(str(shape.get("resolution", "720p")))
    pixels = ratio_pixels(str(shape.get("aspect_ratio", "16:9")), RATIOS, side)
    if pixels is None:
        raise _wrong("response_format: aspect_ratio must be 16:9 or 9:16, resolution 360p, 720p, 1080p or 4k")
    return pixels


async def _pictures(submit: SubmitRequest, task: str) -> tuple[list[InputImage], list[InputImage]]:
    parts = [part for part in _parts(submit.form.fields.get("input")) if part.get("type") == "image"]
    for part in parts:
        if not part.get("data") and not str(part.get("uri", "")).startswith(("https://", "gs://")):
            raise _wrong("input: an image needs data or uri")
    stored = [await google.picture(submit, part["data"], "image") for part in parts if part.get("data")]
    return (stored, []) if task == "image_to_video" else ([], stored)


def _wrong(message: str) -> ErrorResponse:
    return ErrorResponse(google.error(400, "invalid_request", message))


def _head(task: Task) -> dict[str, Any]:
    at = [datetime.fromtimestamp(seconds, UTC) for seconds in (task.created_at, task.ended_at or task.created_at)]
    created, updated = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in at)
    return {"id": task.id, "object": "interaction", "model": task.model, "created": created, "updated": updated}


def _shown(_service: EmulatorService, task: Task, view: TaskView, url: str) -> Reply:
    """The interaction. A withheld clip is completed without a video; the reason is in no field."""
    head = _head(task)
    if view.ended and task.outcome is Outcome.MODERATION:
        usage = {"total_input_tokens": 12, "total_output_tokens": 0, "total_tokens": 12}
        return {**head, "status": "completed", "usage": usage, "steps": _steps(task, [])}
    shown: dict[str, Any] = {**head, "status": _WORDS[view.phase]}
    if view.phase is Phase.SUCCEEDED:
        tokens = round(task.seconds * TOKENS_PER_S)
        modality = [{"modality": "video", "tokens": tokens}]
        usage = {"total_input_tokens": 12, "total_output_tokens": tokens, "total_tokens": tokens + 12}
        shown["usage"] = {**usage, "output_tokens_by_modality": modality}
        inline = url.startswith("data:")
        video = {"data": url.partition(",")[2]} if inline else {"uri": url}
        content = [{"type": "video", "mime_type": "video/mp4", **video}]
        shown["steps"] = _steps(task, content)
    failure = failure_of(task)
    if view.failed and failure.message:
        shown["errors"] = [{"code": failure.code, "message": failure.message}]
    return shown


def _steps(task: Task, output: list[dict[str, str]]) -> list[dict[str, Any]]:
    asked = {"type": "user_input", "content": [{"type": "text", "text": task.prompt}]}
    thought = {"type": "thought", "content": [{"type": "thought", "text": "The prompt asks for a video."}]}
    return [asked, thought, {"type": "model_output", "content": output}]


async def _link(service: EmulatorService, request: web.Request, task: Task) -> str:
    if service.settings.gemini_delivery == "uri":
        return google.file_uri(request, task)
    return await service.clips.inline(task)


def _missing(_service: EmulatorService) -> web.Response:
    return google.error(404, "not_found", "The interaction is not found.")


class InteractionsRoute(google.GoogleRoute):
    """Interactions: created in the background or synchronously, polled, cancelled, deleted."""

    def register(self, router: web.UrlDispatcher, service: EmulatorService) -> None:
        """Add the handlers to the router."""
        super().register(router, service)
        router.add_post(PATH + "/{id}/cancel", answering(lambda request: self._cancel(service, request)))

    async def _create(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        """Without `background` the reply comes when the interaction has ended."""
        response = await super()._create(service, request)
        body = (await google.read(request)).fields
        document = response.text if isinstance(response, web.Response) and response.status == 200 else None
        found = re.search(r'"id":"([^"]+)"', document or "")
        task = service.store.get(found[1], self.family.name, self.owner(service, request)) if found else None
        if body.get("background") or task is None:
            return response
        while not (view := service.store.poll(task, service.clock())).ended:  # noqa: ASYNC110 - a task has no event
            await asyncio.sleep(SYNC_STEP_S)
        by_uri = task.echo.get("delivery") == "uri"
        link = google.file_uri(request, task) if by_uri else await service.clips.inline(task)
        return reply(_shown(service, task, view, link if view.phase is Phase.SUCCEEDED else ""))

    async def _cancel(self, service: EmulatorService, request: web.Request) -> web.StreamResponse:
        task = self._task(service, request)
        if task is None:
            raise ErrorResponse(_missing(service))
        now = service.clock()
        if service.store.peek(task, now).ended:
            raise _wrong("The interaction is not in progress.")
        service.store.cancel(task, now)
        return reply(_shown(service, task, service.store.peek(task, now), ""))


def _deleted(task: Task | None, cancelled: bool) -> web.Response:
    return reply({}) if task is not None and cancelled else google.error(404, "not_found", "Not found.")


def _new_id() -> str:
    return "v1_" + base64.urlsafe_b64encode(secrets.token_bytes(51)).decode()


ROUTE = InteractionsRoute(
    family=Family("gemini", _new_id, google.refuse),
    path=PATH,
    read=_read,
    clip=_clip,
    accepted=lambda _service, task: {**_head(task), "status": "in_progress"},
    shown=_shown,
    link=_link,
    missing=_missing,
    deleted=_deleted,
)
