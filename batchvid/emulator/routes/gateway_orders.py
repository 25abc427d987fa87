"""What the new-api style gateway takes (seed 004; 8.1 and 8.2 of the wire notes): its models, its modes and the least
that each needs. It must not know how tasks are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from batchvid.emulator.body_parsing import File, Form, decode_base64, decode_data_uri
from batchvid.emulator.rendering.geometry import fitted, frame, pair, tier
from batchvid.emulator.rendering.input_images import BadImage, Still
from batchvid.emulator.replies import Refusal, x1, x2
from batchvid.emulator.routes.derived import again, behind, recoloured
from batchvid.emulator.routes.gateway_models import KLING_NAMES, MODELS, SORA_SIZES
from batchvid.emulator.service import Desk, Order

LONGEST_S = 3600  # new-api's own bound
LONGEST_UPSTREAM_S = 60  # what the vendors behind it are taken to make
OMNI_STEPS_S = (4, 6, 8, 10)
KLING_S = (5, 10)
EXTENSION_S = 5.0
DEFAULT_S = 5.0
DEFAULT_RESOLUTION = "720p"

FIRST = ("image_url", "image", "images", "image_urls", "input_reference")
LAST = ("end_image_url", "last_image_url", "image_tail")
IMAGES = (*FIRST, "reference_images", "image_list", "content.image_url")
VIDEOS = ("video", "video_url", "videos", "video_urls", "content.video_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One mode: of each group in `needs` one field must be there, and a prompt unless `prompt` is False.

    `shows`: its pictures are frames, or references; or the clip is another one, changed (`video`) or longer (`parent`).
    """

    needs: tuple[tuple[str, ...], ...] = ()
    shows: Literal["frames", "references", "video", "parent"] = "frames"
    prompt: bool = True


GENERAL = {
    "t2v": Mode(),
    "i2v": Mode(needs=(FIRST,)),
    "i2v_first_last": Mode(needs=(FIRST, LAST)),
    "reference_images": Mode(needs=(("reference_images",),), shows="references"),
    "reference_material": Mode(
        needs=(
            ("image_urls", "video_urls", "audio_urls", "content.image_url", "content.video_url", "content.audio_url"),
        ),
        shows="references",
    ),
}
MATERIAL = {
    "r2v": Mode(needs=(IMAGES,), shows="references"),
    "edit": Mode(needs=(VIDEOS,), shows="video"),
}
KLING = {
    "t2v": Mode(),
    "i2v": Mode(needs=(FIRST,)),
    "multi_i2v": Mode(needs=(("image_list",),), shows="references"),
    "extend": Mode(needs=(("video_id",),), shows="parent", prompt=False),
}
MODES: dict[str, Mapping[str, Mode]] = {
    "kling-video": KLING,
    "gemini-omni": {"t2v": Mode(), **MATERIAL},
    "happyhorse": {**GENERAL, **MATERIAL},  # its ids end in -r2v and -video-edit; the page names no modes
    "": GENERAL,
}
"""By the beginning of a model's name; the first that fits."""


async def order(desk: Desk, owner: str, model: str, form: Form, *, stock: bool) -> Order:
    """The clip that a body orders; `stock`: types are as strict as Go makes them. Raises Refusal."""
    if model not in MODELS:
        message = f"No available channel for model {model} under group default (distributor)"
        raise Refusal(x1(503, message, kind="new_api_error", code="model_not_found"))
    if stock:
        _check_types(form)
    _overlay_metadata(form)
    modes = next(modes for prefix, modes in MODES.items() if model.startswith(prefix))
    name = form.text("mode") or "t2v"
    mode = modes.get(name)
    if mode is None:
        raise _invalid(f"mode '{name}' is not supported by {model}; supported: {', '.join(modes)}")
    if mode.prompt and not form.text("prompt").strip():
        raise _invalid("prompt is required")
    seconds = _seconds(form, model, stock=stock)
    if model.startswith("sora-2") and form.text("size") not in ("", *SORA_SIZES[model]):
        raise Refusal(x2(400, "invalid_size", "sora-2 size is invalid"))
    if model == "kling-video" and form.text("model_name") not in KLING_NAMES:
        raise _invalid(f"model_name must be one of {', '.join(KLING_NAMES)}")
    for group in mode.needs:
        if not any(given(form, field) for field in group):
            raise _invalid(f"mode {name} needs {' or '.join(group)}")
    if mode.shows == "parent":
        made = _extended(desk, owner, form.text("video_id"))
    elif mode.shows == "video":
        made = await _edited(desk, owner, form)
    else:
        made = await _generated(desk, form, mode, seconds)
    return replace(made, echo=_echo(form, made.seconds))


def given(form: Form, field: str) -> list[str | File]:
    """What stands in a field: file parts, texts, and the addresses in lists and objects. `content.x`: its parts."""
    head, _, part = field.partition(".")
    files: list[str | File] = [file for file in form.files if file.field.removesuffix("[]") == field]
    value = form.fields.get(head)
    entries = value if isinstance(value, list) else [value]
    if part:
        entries = [entry.get(part) for entry in entries if isinstance(entry, dict)]
    texts = (_address(entry) for entry in entries)
    return [*files, *(text for text in texts if text and not (files and text.startswith("data:")))]


def _address(entry: Any) -> str:
    """A text, or the one in an object such as `{"url": ...}`."""
    if isinstance(entry, dict):
        return next((_address(entry[key]) for key in ("url", "image_url", "image", "video_url") if key in entry), "")
    return entry if isinstance(entry, str) else ""


async def _generated(desk: Desk, form: Form, mode: Mode, seconds: float) -> Order:
    width, height = _pixels(form)
    made = Order(seconds=seconds, width=width, height=height)
    if mode.shows == "frames":
        return replace(made, images=await _stills(desk, form, (*FIRST, *LAST)))
    return replace(made, references=await _stills(desk, form, IMAGES))


async def _edited(desk: Desk, owner: str, form: Form) -> Order:
    """The first video that is given, in another hue; an uploaded one is not looked into."""
    source = next(one for field in VIDEOS for one in given(form, field))
    url = source.filename if isinstance(source, File) else source
    return replace(recoloured(behind(desk, url, owner)), references=await _stills(desk, form, IMAGES))


def _extended(desk: Desk, owner: str, parent_id: str) -> Order:
    """A longer clip of the asker's own task; an id of another place is taken on trust."""
    parent = desk.store.get(parent_id, "gateway", owner)
    order = again(parent) if parent is not None else behind(desk, parent_id, owner)
    return replace(order, seconds=order.seconds + EXTENSION_S)


def _echo(form: Form, seconds: float) -> dict[str, Any]:
    return {"seconds": f"{seconds:g}", **({"size": form.text("size")} if form.text("size") else {})}


def _check_types(form: Form) -> None:
    """Stock new-api reads `seconds` as a string only, one `input_reference` text, and `images` as a list (8.2)."""
    if not isinstance(form.fields.get("seconds", ""), str):
        message = "json: cannot unmarshal number into Go struct field TaskSubmitReq.seconds of type string"
        raise Refusal(x2(400, "invalid_json", message))
    if isinstance(reference := form.fields.get("input_reference"), list | dict):
        kind = "array" if isinstance(reference, list) else "object"
        message = f"json: cannot unmarshal {kind} into Go struct field TaskSubmitReq.input_reference of type string"
        raise Refusal(x2(400, "invalid_json", message))
    if isinstance(form.fields.get("images"), str):
        raise _invalid("json: cannot unmarshal string into Go struct field TaskSubmitReq.images of type []string")


def _overlay_metadata(form: Form) -> None:
    """The vendor's own fields, laid over all but the model; in a form they are JSON in a text."""
    metadata = form.fields.pop("metadata", None) or {}
    if isinstance(metadata, str):
        try:
            metadata = orjson.loads(metadata)
        except orjson.JSONDecodeError:
            raise _invalid("metadata is not JSON") from None
    if not isinstance(metadata, dict):
        raise _invalid("metadata is not an object")
    form.fields |= {name: value for name, value in metadata.items() if name != "model"}


def _seconds(form: Form, model: str, *, stock: bool) -> float:
    said = form.text("seconds") or form.text("duration")
    try:
        seconds = float(said or DEFAULT_S)
    except ValueError:
        raise Refusal(x2(400, "invalid_seconds", f"seconds is not a number: {said}")) from None
    if stock and not seconds.is_integer():
        seconds = DEFAULT_S  # a fraction is dropped without a word
    if not 0 < seconds <= LONGEST_S:
        raise Refusal(x2(400, "invalid_seconds", f"seconds must be from 1 to {LONGEST_S}"))
    if model == "gemini-omni":
        return float(min(OMNI_STEPS_S, key=lambda step: abs(step - seconds)))
    if (model == "kling-video" and seconds not in KLING_S) or seconds > LONGEST_UPSTREAM_S:
        upstream = {"code": 1201, "message": f"duration {seconds:g} is not supported", "request_id": "upstream"}
        raise Refusal(x2(400, "fail_to_fetch_task", orjson.dumps(upstream).decode()))
    return seconds


def _pixels(form: Form) -> tuple[int, int]:
    size = next((form.text(name) for name in ("size", "aspect_ratio", "ratio") if form.text(name)), "16:9")
    resolution = form.text("resolution") or form.text("quality") or DEFAULT_RESOLUTION
    sides, shorter = pair(size), tier(resolution)
    exact = sides is not None and "x" in size and frame(*sides, shorter=min(sides)) == sides
    pixels = sides if exact else fitted(*sides, shorter=shorter) if sides and shorter else None
    if pixels is None:
        raise Refusal(x2(400, "invalid_size", f"cannot make size '{size}' with resolution '{resolution}'"))
    return pixels


async def _stills(desk: Desk, form: Form, fields: tuple[str, ...]) -> list[Still]:
    stills = [await _still(desk, field, one) for field in fields for one in given(form, field)]
    return [still for still in stills if still is not None]


async def _still(desk: Desk, field: str, one: str | File) -> Still | None:
    """The picture in a file part, a data URI or bare base64; None for a link, which is taken on trust."""
    if isinstance(one, str) and one.startswith(("https://", "http://")):
        return None
    data = one.data if isinstance(one, File) else decode_data_uri(one) or decode_base64(one)
    if not data:
        raise _invalid(f"{field} must be a link, a data URI or base64")
    try:
        return await desk.stills.take(data, field=field)
    except BadImage as error:
        raise _invalid(f"{field} cannot be read: {error}") from None


def _invalid(message: str) -> Refusal:
    return Refusal(x2(400, "invalid_request", message))
