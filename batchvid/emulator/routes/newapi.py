"""Stock new-api's native route (wire-notes 8.3). Its adaptors read a few fields and drop every other."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import decode_base64, decode_data_uri
from batchvid.emulator.rendering.geometry import fitted, frame, pair, tier
from batchvid.emulator.replies import ErrorResponse, require, task_error
from batchvid.emulator.routes import gateway
from batchvid.emulator.routes.errors import failure_of
from batchvid.emulator.routes.images import ANY_LINK, read_image, split
from batchvid.emulator.routes.route import Reply, Route
from batchvid.emulator.routes.video_models import task_id
from batchvid.emulator.routes.video_object import polled_bare, submitted, words, wrap
from batchvid.emulator.service import ClipSpec, EmulatorService, Family, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome, Phase, TaskView

TYPES: dict[str, tuple[type, ...]] = {  # the server's fields, with the JSON types that Go accepts for them
    **dict.fromkeys(("prompt", "model", "mode", "image", "size", "seconds", "input_reference"), (str,)),
    "images": (list,),
    "duration": (int, float, str),
    "metadata": (dict,),
}
DEFAULT_S, MAX_S = 5, 3600
KLING_S = (5, 10)
KLING_RATIOS = {  # by size; every other size, and none, is 1:1
    **dict.fromkeys(("1280x720", "1920x1080"), (16, 9)),
    **dict.fromkeys(("720x1280", "1080x1920"), (9, 16)),
}
SHORTER_SIDE = 720
REFERENCE = "reference_image"
QUOTA_PER_S = 50_000  # new-api counts 500,000 to a dollar

_SIMPLE_WORDS, _ARK_WORDS = words("queued", "processing", "succeeded"), words("queued", "running", "succeeded")
_KLING_WORDS, _VIDU_WORDS = words("submitted", "processing", "succeed"), words("queueing", "processing", "success")


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
    """The row of the server's table; `old` has no `result_url`. The server gave an expired task up before any poll."""
    unseen = view.phase is Phase.QUEUED and task.visible_polls <= 1
    reason = failure_of(task).message if view.ended else ""
    inner = None if unseen or task.outcome is Outcome.EXPIRED else _upstream(task, view, url, reason)
    row: dict[str, Any] = wrap(task, view, task.echo["action"], url, failure_of(task), inner)["data"]
    return {
        **row,
        "id": 1,
        "platform": "50",
        "user_id": 1,
        "group": "default",
        "channel_id": 0,
        "created_at": int(task.created_at),
        "updated_at": int(task.ended_at or task.created_at),
        "quota": round(QUOTA_PER_S * task.seconds),
        "status": "NOT_START" if unseen else row["status"],
        "fail_reason": reason or (url if old else ""),
        **({} if old else {"result_url": url or reason}),
        "properties": {"input": "", "upstream_model_name": task.model, "origin_model_name": task.model},
    }


def _upstream(task: Task, view: TaskView, url: str, reason: str) -> dict[str, Any]:
    """The vendor's own reply at the last poll: Kling's, Ark's, OpenAI's or Vidu's."""
    code = failure_of(task).code
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
    message = failure_of(task).message
    error = {"code": 500, "message": message} if view.failed and message else None
    shown = {"task_id": task.id, "status": _SIMPLE_WORDS[view.phase], "url": url}
    return {**shown, "format": "mp4", "metadata": {}, "error": error}


async def _clip(submit: SubmitRequest) -> ClipSpec:
    body, model = submit.form.fields, submit.model
    for name, kinds in TYPES.items():
        if body.get(name) is not None and (not isinstance(body[name], kinds) or isinstance(body[name], bool)):
            raise _invalid(f"json: cannot unmarshal {name} into Go struct field TaskSubmitReq.{name}")
    if not str(body.get("prompt") or "").strip():
        raise _invalid("prompt is required")
    metadata = body.get("metadata") or {}
    seconds = _seconds(body)
    pictures = _pictures(model, body, metadata)
    decode = decode_base64 if model.startswith("kling") else decode_data_uri
    options: Any = {"links": ANY_LINK, "decode": decode, "expected": "a picture cannot be read"}
    images = [one for field, text in pictures for one in await read_image(submit, text, field, _failed, **options)]
    pixels = _pixels(model, str(body.get("size") or ""), metadata)
    if model.startswith("kling") and seconds not in KLING_S:
        raise _failed(f"duration value {seconds} is invalid")
    references, frames = split(images, (REFERENCE,))
    return ClipSpec(float(seconds), *pixels, frames, references, echo={"action": _action(dict(pictures))})


def _seconds(body: dict[str, Any]) -> int:
    """The seconds; the server ignores a text that is not a number, and a fraction."""
    for value in (body.get("duration"), body.get("seconds")):
        if str(value).isdecimal():
            seconds = int(str(value)[:9])
            if not 0 < seconds <= MAX_S:
                raise ErrorResponse(task_error(400, "invalid_seconds", f"seconds must be between 1 and {MAX_S}"))
            return seconds
    return DEFAULT_S


def _pictures(model: str, body: dict[str, Any], metadata: dict[str, Any]) -> list[tuple[str, str]]:
    """The pictures, each with its role for the vendor: a frame, or a reference."""
    listed = [str(one) for one in body.get("images") or filter(None, [body.get("image")])]
    if model.startswith("kling"):
        tail = metadata.get("image_tail")
        return [("first_frame", one) for one in listed[:1]] + ([("last_frame", str(tail))] if tail else [])
    if model.startswith("doubao"):
        return _content(metadata.get("content")) or [("first_frame", one) for one in listed]
    if len(listed) > 2:
        return [(REFERENCE, one) for one in listed]
    return list(zip(("first_frame", "last_frame"), listed, strict=False))


def _content(content: Any) -> list[tuple[str, str]]:
    """The pictures among Ark's parts, each with its role. Raises ErrorResponse for any other value."""
    found = []
    for part in content if isinstance(content, list) else [content] if content else []:
        require(isinstance(part, dict), _invalid, "unmarshal metadata failed")
        if part.get("type") in ("text", "video_url", "audio_url"):
            continue
        image = part.get("image_url")
        if not isinstance(image, dict) or not isinstance(image.get("url"), str):
            raise _invalid("unmarshal metadata failed")
        found.append((str(part.get("role") or "first_frame"), image["url"]))
    return found


def _action(roles: dict[str, str]) -> str:
    if REFERENCE in roles:
        return "referenceGenerate"
    return "firstTailGenerate" if "last_frame" in roles else "generate" if roles else "textGenerate"


def _pixels(model: str, size: str, metadata: dict[str, Any]) -> tuple[int, int]:
    """Kling derives a ratio from a few sizes, Seedance reads its metadata, Vidu a tier; the others take pixels."""
    sides, shorter = pair(size), SHORTER_SIDE
    if model.startswith("kling"):
        sides = KLING_RATIOS.get(size, (1, 1))
    elif model.startswith("doubao"):
        sides = pair(str(metadata.get("ratio") or ""))
        shorter = tier(str(metadata.get("resolution") or "")) or SHORTER_SIDE
    elif tier(size):
        shorter = tier(size) or SHORTER_SIDE
    elif sides is not None and frame(*sides, shorter=min(sides)) == sides:
        return sides
    pixels = fitted(*(sides or (16, 9)), shorter=shorter)
    if pixels is None:
        raise _failed(f"cannot make size '{size}'")
    return pixels


def _invalid(message: str) -> ErrorResponse:
    return ErrorResponse(task_error(400, "invalid_request", message))


def _failed(message: str) -> ErrorResponse:
    return ErrorResponse(task_error(400, "task_failed", message))


ROUTE = Route(
    family=Family("newapi", task_id, gateway.refuse),
    path="/gateway/v1/video/generations",
    error_type=gateway.ERROR_TYPE,
    describe=gateway.require_model,
    clip=_clip,
    accepted=_accepted,
    shown=_shown,
)
