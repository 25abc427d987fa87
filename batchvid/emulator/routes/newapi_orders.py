"""What stock new-api's native route takes (3.8, 8.2, 8.3 of the wire notes): the types of its few fields, and what its
adaptors make of them. Every other field is dropped, as the server does. It must not know how tasks are shown."""

from __future__ import annotations

from typing import Any

from batchvid.emulator.body_parsing import decode_base64, decode_data_uri
from batchvid.emulator.rendering.geometry import fitted, frame, pair, tier
from batchvid.emulator.rendering.input_images import BadImage, Still
from batchvid.emulator.replies import Refusal, x2
from batchvid.emulator.service import Desk, Order

TYPES: dict[str, tuple[type, ...]] = {
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
"""The fields that the server has, with the JSON types that Go takes for them."""
LONGEST_S = 3600
DEFAULT_S = 5
KLING_S = (5, 10)
KLING_RATIOS = {
    **dict.fromkeys(("1280x720", "1920x1080"), (16, 9)),
    **dict.fromkeys(("720x1280", "1080x1920"), (9, 16)),
}
"""By size; every other size, and none, is 1:1."""
SHORTER_SIDE = 720


async def order(desk: Desk, model: str, body: dict[str, Any]) -> Order:
    """The clip that a body orders. Raises Refusal."""
    for name, kinds in TYPES.items():
        if body.get(name) is not None and (not isinstance(body[name], kinds) or isinstance(body[name], bool)):
            raise _invalid(f"json: cannot unmarshal {name} into Go struct field TaskSubmitReq.{name}")
    if not str(body.get("prompt") or "").strip():
        raise _invalid("prompt is required")
    metadata = body.get("metadata") or {}
    seconds = _seconds(body)
    pictures = _pictures(model, body, metadata)
    stills = [still for field, text in pictures if (still := await _still(desk, model, field, text))]
    references = [still for still in stills if still.field == "reference_image"]
    width, height = _pixels(model, str(body.get("size") or ""), metadata)
    if model.startswith("kling") and seconds not in KLING_S:
        raise Refusal(x2(400, "task_failed", f"duration value {seconds} is invalid"))
    return Order(
        seconds=float(seconds),
        width=width,
        height=height,
        images=[still for still in stills if still not in references],
        references=references,
        echo={"action": _action([field for field, _ in pictures])},
    )


def _seconds(body: dict[str, Any]) -> int:
    """The seconds; a text that is no number, and a fraction, are dropped without a word."""
    for said in (body.get("duration"), body.get("seconds")):
        if str(said).isdecimal():
            seconds = int(str(said)[:9])
            if not 0 < seconds <= LONGEST_S:
                raise Refusal(x2(400, "invalid_seconds", f"seconds must be between 1 and {LONGEST_S}"))
            return seconds
    return DEFAULT_S


def _pictures(model: str, body: dict[str, Any], metadata: dict[str, Any]) -> list[tuple[str, str]]:
    """The pictures with what the vendor takes each for: a frame, or a reference."""
    listed = [str(one) for one in body.get("images") or filter(None, [body.get("image")])]
    if model.startswith("kling"):
        tail = metadata.get("image_tail")
        return [("first_frame", one) for one in listed[:1]] + ([("last_frame", str(tail))] if tail else [])
    if model.startswith("doubao"):
        return _content(metadata.get("content")) or [("first_frame", one) for one in listed]
    if len(listed) > 2:
        return [("reference_image", one) for one in listed]
    return list(zip(("first_frame", "last_frame"), listed, strict=False))


def _content(content: Any) -> list[tuple[str, str]]:
    """The pictures among Ark's parts, each with its role. Raises Refusal for what is no list of such parts."""
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
    if "reference_image" in fields:
        return "referenceGenerate"
    return "firstTailGenerate" if "last_frame" in fields else "generate"


async def _still(desk: Desk, model: str, field: str, text: str) -> Still | None:
    """The picture of a data URI, for Kling of bare base64; None for a link, which is taken on trust."""
    if text.startswith(("https://", "http://")):
        return None
    data = decode_base64(text) if model.startswith("kling") else decode_data_uri(text)
    try:
        return await desk.stills.take(data or b"", field=field)
    except BadImage as error:
        raise Refusal(x2(400, "task_failed", f"{field} cannot be read: {error}")) from None


def _pixels(model: str, size: str, metadata: dict[str, Any]) -> tuple[int, int]:
    """Kling reads a ratio out of a few sizes, Seedance its metadata, Vidu a tier; the others take pixels."""
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
        raise Refusal(x2(400, "task_failed", f"cannot make size '{size}'"))
    return pixels


def _invalid(message: str) -> Refusal:
    return Refusal(x2(400, "invalid_request", message))
