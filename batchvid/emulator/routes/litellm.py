"""A LiteLLM proxy's `/v1/videos` (wire-notes 20.3): long ids, all of OpenAI's fields with nulls, no DELETE."""

from __future__ import annotations

import base64
import secrets
from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import read_form
from batchvid.emulator.rendering.geometry import frame, pair, tier
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply
from batchvid.emulator.routes.errors import failure_of, refusals
from batchvid.emulator.routes.images import ANY_LINK, copy_of, read_image, recoloured, store_image
from batchvid.emulator.routes.openai_servers import Extras, clip_pixels, clip_seconds, still_open
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

PATH = "/litellm/v1/videos"
DEFAULT_SIZE, DEFAULT_S = (1280, 720), 4

_WORDS = words("queued", "in_progress", "completed", cancelled="cancelled")


def _envelope(status: int, code: str, message: str) -> web.Response:
    """Its ProxyException: the code is the HTTP status, as text."""
    return reply({"error": {"message": message, "type": code or None, "param": None, "code": str(status)}}, status)


refuse = refusals("litellm", _envelope)


def _new_id() -> str:
    """Provider, model and the vendor's id in base64; the padding stays."""
    route = f"litellm:custom_llm_provider:hosted_vllm;model_id:wan;video_id:video_{secrets.token_hex(16)}x"
    return f"video_{base64.b64encode(route.encode()).decode()}"


def _bad(message: str) -> ErrorResponse:
    return ErrorResponse(_envelope(400, "invalid_request_error", f"litellm.BadRequestError: {message}"))


def _bad_field(_field: str, message: str) -> ErrorResponse:
    return _bad(message)


async def _clip(submit: SubmitRequest) -> ClipSpec:
    form = submit.form
    if not submit.model:
        raise _bad("model is required")
    if not submit.prompt.strip():
        raise _bad("prompt is required")
    seconds = clip_seconds(form, DEFAULT_S, _bad_field)
    width, height = _pixels(submit)
    frames, references = await _pictures(submit)
    echo = {"seconds": form.text("seconds") or None, "size": form.text("size") or None}
    return ClipSpec(seconds, width, height, frames, references, echo=echo)


def _pixels(submit: SubmitRequest) -> tuple[int, int]:
    form = submit.form
    ratio = pair(form.text("aspect_ratio"))
    if form.text("size") or not ratio:
        return clip_pixels(form, DEFAULT_SIZE, _bad_field)
    found = frame(*ratio, shorter=tier(form.text("resolution")) or DEFAULT_SIZE[1])
    if found is None:
        raise _bad("unsupported aspect_ratio")
    return found


async def _pictures(submit: SubmitRequest) -> tuple[list[InputImage], list[InputImage]]:
    """Frames and references: a file, a link, or OpenRouter's lists, which exclude each other."""
    fields = submit.form.fields
    files = [file for file in submit.form.files if file.field == "input_reference"]
    listed = {name: fields.get(name) or [] for name in ("frame_images", "input_references")}
    if sum(map(bool, (files or fields.get("input_reference"), *listed.values()))) > 1:
        raise _bad("frame_images cannot be combined with input_references or input_reference")
    if files:
        return [await store_image(submit, files[0], "input_reference", _bad)], []
    found: dict[str, list[InputImage]] = {}
    for name, rows in (*listed.items(), ("input_reference", [fields.get("input_reference")])):
        urls = [row["image_url"]["url"] if isinstance(row, dict) else row for row in rows if row]
        found[name] = [
            image
            for url in urls
            for image in await read_image(submit, url, name, _bad, links=ANY_LINK, expected=f"{name}: not a picture")
        ]
    return found["frame_images"] + found["input_reference"], found["input_references"]


def _object(task: Task, view: TaskView, word: str = "", **own: Any) -> dict[str, Any]:
    """Its VideoObject."""
    return {
        "id": task.id,
        "object": "video",
        "status": word or _WORDS[view.phase],
        "created_at": int(task.created_at),
        "completed_at": None,
        "expires_at": None,
        "error": None,
        "progress": view.progress,
        "remixed_from_video_id": None,
        **task.echo,
        "model": task.model,
        "usage": {"duration_seconds": task.seconds},
        **own,
    }


def _shown(service: EmulatorService, task: Task, view: TaskView, _url: str) -> Reply:
    if view.failed:
        return _object(task, view, error=asdict(failure_of(task)))
    running = service.settings.litellm_running if view.phase is Phase.RUNNING else ""
    done = {"completed_at": int(task.ended_at or 0)} if view.phase is Phase.SUCCEEDED else {}
    return _object(task, view, running, **done)


def _missing() -> web.Response:
    return _envelope(404, "invalid_request_error", "litellm.NotFoundError: OpenAIException - Video not found")


def _not_ready(_service: EmulatorService, _request: web.Request, _task: Task, view: TaskView) -> web.Response | None:
    if view.failed or still_open(view):
        return _envelope(400, "invalid_request_error", "litellm.BadRequestError: Video is not ready")
    return None


def _describe_copy(submit: SubmitRequest) -> None:
    source = _source(submit)
    submit.model = source.model if source else ""


def _source(submit: SubmitRequest) -> Task | None:
    video = submit.form.fields.get("video")
    task_id = video.get("id", "") if isinstance(video, dict) else ""
    return submit.service.store.get(str(task_id), "litellm", submit.owner)


async def _copy(submit: SubmitRequest) -> ClipSpec:
    """An edit or an extension of a finished clip."""
    source, service = _source(submit), submit.service
    if source is None:
        raise ErrorResponse(_missing())
    if service.store.peek(source, service.clock()).phase is not Phase.SUCCEEDED:
        raise _bad("the video is not completed")
    return replace(recoloured(copy_of(source)), echo=dict(source.echo))


def _accepted(_service: EmulatorService, task: Task) -> Reply:
    return _object(task, TaskView(Phase.QUEUED, 0))


_FAMILY = Family("litellm", _new_id, refuse)
ROUTE = Route(
    family=_FAMILY,
    path=PATH,
    read=read_form,
    clip=_clip,
    accepted=_accepted,
    shown=_shown,
    missing=lambda _service: _missing(),
    own_auth=True,
)
COPIES = tuple(
    Route(
        family=_FAMILY,
        path=f"{PATH}/{kind}",
        describe=_describe_copy,
        clip=_copy,
        accepted=_accepted,
        own_auth=True,
    )
    for kind in ("edits", "extensions")
)
EXTRAS = Extras(not_ready=_not_ready, missing=_missing)
