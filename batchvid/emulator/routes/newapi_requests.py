"""What stock new-api's native route accepts (3.8, 8.2, 8.3 of the wire notes): the types of its few fields, and how its
adaptors read them. The server drops every other field."""

from __future__ import annotations

from typing import Any

from batchvid.emulator.body_parsing import decode_base64, decode_data_uri
from batchvid.emulator.rendering.geometry import fitted, frame, pair, tier
from batchvid.emulator.replies import ErrorResponse, task_error
from batchvid.emulator.routes.images import ANY_LINK, read_image
from batchvid.emulator.service import ClipSpec, SubmitRequest

TYPES: dict[str, tuple[type, ...]] = {  # the server's fields, with the JSON types that Go accepts for them
    "prompt": (str,),
    "model": (str,),
    "mode": (str,),
    "image": (str,),
    "images": (list,),
    "size": (str,),
    "duration": (int, float, str),
    "seconds": (str,),
    "input_reference": (str,),
    "metadata": (dict,),
}
MAX_S = 3600
DEFAULT_S = 5
KLING_S = (5, 10)
KLING_RATIOS = {  # by size; every other size, and none, is 1:1
    **dict.fromkeys(("1280x720", "1920x1080"), (16, 9)),
    **dict.fromkeys(("720x1280", "1080x1920"), (9, 16)),
}
SHORTER_SIDE = 720
REFERENCE = "reference_image"


async def clip_of(submit: SubmitRequest) -> ClipSpec:
    """The clip that a submit orders. Raises ErrorResponse."""
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
    width, height = _pixels(model, str(body.get("size") or ""), metadata)
    if model.startswith("kling") and seconds not in KLING_S:
        raise _failed(f"duration value {seconds} is invalid")
    return ClipSpec(
        seconds=float(seconds),
        width=width,
        height=height,
        images=[image for image in images if image.field != REFERENCE],
        references=[image for image in images if image.field == REFERENCE],
        echo={"action": _action([field for field, _ in pictures])},
    )


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
        if not isinstance(part, dict):
            raise _invalid("unmarshal metadata failed")
        if part.get("type") in ("text", "video_url", "audio_url"):
            continue
        image = part.get("image_url")
        if not isinstance(image, dict) or not isinstance(image.get("url"), str):
            raise _invalid("unmarshal metadata failed")
        found.append((str(part.get("role") or "first_frame"), image["url"]))
    return found


def _action(fields: list[str]) -> str:
    if not fields:
        return "textGenerate"
    if REFERENCE in fields:
        return "referenceGenerate"
    return "firstTailGenerate" if "last_frame" in fields else "generate"


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
