"""Kling's new wire: the model in the path, `contents`, `settings` and `options`, and one poll for many tasks."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import decode_base64
from batchvid.emulator.fault_injection import apply_fault
from batchvid.emulator.rendering.geometry import fitted, pair
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply, require
from batchvid.emulator.routes.errors import failure_of
from batchvid.emulator.routes.images import ANY_LINK, linked_clip, read_image, recoloured
from batchvid.emulator.routes.kling_requests import MAX_IMAGE_RATIO, MIN_IMAGE_SIDE, error, refuse, video_id
from batchvid.emulator.routes.route import Reply, Route, answering
from batchvid.emulator.routes.video_object import words
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase, TaskView

KINDS = ("text-to-video", "image-to-video", "omni-video")
RATIOS = ("16:9", "9:16", "1:1")
SHORTER_SIDES = {"720p": 720, "1080p": 1080, "4k": 2160}
UNITS_PER_S = {"720p": 0.6, "1080p": 0.8, "4k": 3.0}
AUDIO = ("native", "original", "off")
DURATIONS_S = range(3, 16)
DEFAULT_S = 5
MAX_PROMPT_LENGTH = 3072
MAX_IMAGE_BYTES = 50 * 1024 * 1024
PICTURES = ("first_frame", "last_frame", "refer_image")
VIDEOS = ("feature_video", "base_video")
SETTINGS = {"resolution", "aspect_ratio", "duration", "audio", "multi_shot"}
OPTIONS = {"callback_url", "external_task_id", "watermark_info"}
PATH = "/kling-new"

_WORDS = words("submitted", "processing", "succeeded")


def _invalid(message: str) -> ErrorResponse:
    return ErrorResponse(refuse("invalid", message))


def _check(valid: object, message: str) -> None:
    require(valid, _invalid, message)


def _describe(submit: SubmitRequest) -> None:
    submit.model = submit.request.match_info["model"]
    contents = submit.form.fields.get("contents")
    texts = [
        str(one.get("text", ""))
        for one in (contents if isinstance(contents, list) else [])
        if isinstance(one, dict) and one.get("type") == "prompt"
    ]
    submit.prompt = "\n".join([*filter(None, [submit.form.text("prompt")]), *texts])


async def _clip(submit: SubmitRequest) -> ClipSpec:
    body = submit.form.fields
    unknown = set(body) - {"prompt", "contents", "settings", "options"}
    _check(not unknown, f"unknown parameter {', '.join(sorted(unknown))}")
    _check(len(submit.prompt) <= MAX_PROMPT_LENGTH, f"prompt is longer than {MAX_PROMPT_LENGTH} characters")
    settings, options = _object(body, "settings", SETTINGS), _object(body, "options", OPTIONS)
    external = str(options.get("external_task_id") or "")
    used = external and submit.service.store.by_external(external, submit.family.name, submit.owner)
    _check(not used, "external_task_id already exists")
    if submit.kind == "text-to-video":
        _check(isinstance(body.get("prompt"), str) and submit.prompt.strip(), "prompt is required")
    contents = body.get("contents", [])
    _check(isinstance(contents, list), "contents must be an array")
    _check(contents or submit.kind == "text-to-video", "contents must be a non-empty array")
    pictures = [image for entry in contents for image in await _picture(submit, entry)]
    if submit.kind == "image-to-video":
        first = any(isinstance(entry, dict) and entry.get("type") == "first_frame" for entry in contents)
        _check(first, "first_frame is required")
    frames = [image for image in pictures if image.field != "refer_image"]
    references = [image for image in pictures if image.field == "refer_image"]
    resolution = str(settings.get("resolution", "720p"))
    clip = _source(submit, contents) or _new_clip(settings, frames, resolution)
    units = round(UNITS_PER_S[resolution] * clip.seconds * (1.5 if settings.get("audio") == "native" else 1), 2)
    echo = {"units": units, "resolution": resolution}
    return ClipSpec(
        clip.seconds, clip.width, clip.height, clip.images, references, clip.scene, clip.hue, echo, external
    )


def _object(body: dict[str, Any], name: str, known: set[str]) -> dict[str, Any]:
    value = body.get(name) or {}
    _check(isinstance(value, dict), f"{name} must be an object")
    unknown = set(value) - known
    _check(not unknown, f"unknown parameter {name}.{', '.join(sorted(unknown))}")
    return dict(value)


def _new_clip(settings: dict[str, Any], frames: list[InputImage], resolution: str) -> ClipSpec:
    """A clip of its own: a frame sets the shape."""
    seconds, ratio = settings.get("duration", DEFAULT_S), str(settings.get("aspect_ratio", "16:9"))
    is_number = isinstance(seconds, int) and not isinstance(seconds, bool)
    _check(is_number and seconds in DURATIONS_S, "settings.duration must be an integer between 3 and 15")
    _check(resolution in SHORTER_SIDES, f"settings.resolution must be one of {', '.join(SHORTER_SIDES)}")
    _check(ratio in RATIOS, f"settings.aspect_ratio must be one of {', '.join(RATIOS)}")
    _check(settings.get("audio", "off") in AUDIO, f"settings.audio must be one of {', '.join(AUDIO)}")
    _check(isinstance(settings.get("multi_shot", True), bool), "settings.multi_shot must be a boolean")
    sides = (frames[0].width, frames[0].height) if frames else pair(ratio) or (16, 9)
    width, height = fitted(*sides, shorter=SHORTER_SIDES[resolution]) or (1280, 720)
    return ClipSpec(float(seconds), width, height, frames)


def _source(submit: SubmitRequest, contents: list[Any]) -> ClipSpec | None:
    """The clip that is edited; None where a clip is only referred to, or there is none."""
    for entry in contents:
        if isinstance(entry, dict) and entry.get("type") == "base_video":
            return recoloured(linked_clip(submit, str(entry["url"])))
    return None


async def _picture(submit: SubmitRequest, entry: Any) -> list[InputImage]:
    """The picture of one of the contents, none for any other kind."""
    kind = entry.get("type") if isinstance(entry, dict) else None
    if kind == "prompt":
        _check(isinstance(entry.get("text"), str), "contents.text must be a string")
        return []
    if kind == "element":
        _check(entry.get("element_id"), "contents.element_id is required")
        return []
    _check(kind in (*PICTURES, *VIDEOS), "contents.type is unknown")
    _check(kind not in ("refer_image", *VIDEOS) or submit.kind == "omni-video", f"{kind} needs omni-video")
    url = entry.get("url")
    _check(isinstance(url, str) and url.strip(), "contents.url must be a non-empty string")
    if kind in VIDEOS:
        _check(str(url).startswith(ANY_LINK), "contents.url must be a URL")
        return []
    expected = "contents.url must be a URL, or base64 without a data: prefix, of at most 50 MB"
    images = await read_image(submit, url, str(kind), _invalid, links=ANY_LINK, decode=_decode, expected=expected)
    for image in images:
        shorter, longer = sorted((image.width, image.height))
        _check(shorter >= MIN_IMAGE_SIDE and longer / shorter <= MAX_IMAGE_RATIO, "the picture's size is not allowed")
    return images


def _decode(text: str) -> bytes | None:
    data = decode_base64(text)
    return data if data is not None and len(data) <= MAX_IMAGE_BYTES else None


def _success(data: Any) -> dict[str, Any]:
    return {"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": data}


def _shown(task: Task, view: TaskView, url: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": task.id,
        "status": _WORDS[view.phase],
        "message": failure_of(task).message if view.failed else "",
        "create_time": int(task.created_at * 1000),
        "update_time": int((task.ended_at or task.created_at) * 1000),
        **({"external_id": task.external_task_id} if task.external_task_id else {}),
    }
    if view.phase is Phase.SUCCEEDED:
        clip = {
            "type": "video",
            "id": video_id(task),
            "url": url,
            "watermark_url": "",
            "duration": f"{task.seconds:.1f}",
        }
        bill = {"charge_type": "unit", "amount": f"{task.echo['units']:g}", "package_type": "video"}
        shown |= {"outputs": [clip], "billing": [bill]}
    return shown


def register_polls(router: web.UrlDispatcher, service: EmulatorService) -> None:
    """Add the query of many tasks. An unknown id is left out of the reply."""

    async def poll(request: web.Request) -> web.StreamResponse:
        owner, name = ROUTE.owner(service, request), ROUTE.family.name
        service.ledger.count("polls", name, f"{PATH}/tasks", service.clock())
        by_id, by_external = request.query.get("task_ids", ""), request.query.get("external_task_ids", "")
        _check(bool(by_id) != bool(by_external), "exactly one of task_ids and external_task_ids is required")
        find = service.store.get if by_id else service.store.by_external
        tasks = [task for one in (by_id or by_external).split(",") if (task := find(one, name, owner))]
        actions = [service.match_fault("poll", ROUTE.family, task) for task in tasks]

        async def act() -> web.StreamResponse:
            shown = []
            for task in tasks:
                task.polls += 1
                view = service.store.poll(task, service.clock())
                url = service.link(request, task) if view.phase is Phase.SUCCEEDED else ""
                shown.append(_shown(task, view, url))
            return reply(_success(shown))

        action = next(filter(None, actions), None)
        return await apply_fault(action, request, act, ROUTE.family.refuse)

    router.add_get(f"{PATH}/tasks", answering(poll))


def _accepted(_service: EmulatorService, task: Task) -> Reply:
    return _success(_shown(task, TaskView(Phase.QUEUED, 0), ""))


ROUTE = Route(
    family=Family("kling-new", lambda: str(secrets.randbelow(10**17) + 9 * 10**17), refuse),
    path=f"{PATH}/{{kind}}/{{model}}",
    kinds=KINDS,
    describe=_describe,
    clip=_clip,
    accepted=_accepted,
    missing=lambda _service: error(404, 1203, "task not found"),
    own_auth=True,
)
