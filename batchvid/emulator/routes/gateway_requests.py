"""What the gateway accepts (wire-notes 8.1, 8.2): its models, its modes and their required fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import orjson

from batchvid.emulator.body_parsing import File, Form, decode_base64, decode_data_uri
from batchvid.emulator.rendering.geometry import fitted, frame, pair, tier
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, openai_error, require, task_error
from batchvid.emulator.routes.images import ANY_LINK, copy_of, linked_clip, read_image, recoloured, store_image
from batchvid.emulator.service import ClipSpec, SubmitRequest

_PAGE = orjson.loads((Path(__file__).parents[1] / "data" / "gateway.json").read_bytes())
MODELS: list[str] = _PAGE["models"]
KLING_NAMES: list[str] = _PAGE["kling_names"]  # the values of `model_name` beside `model: kling-video`
SORA_SIZES: dict[str, list[str]] = _PAGE["sora_sizes"]
MAX_S = 3600  # new-api's own limit
MAX_UPSTREAM_S = 60  # the assumed limit of the vendors behind it
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
    """One mode. The last two of `shows` are another clip, changed or longer."""

    needs: tuple[tuple[str, ...], ...] = ()  # one field of each group is required
    shows: Literal["frames", "references", "video", "parent"] = "frames"
    prompt: bool = True  # whether a prompt is required


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
MATERIAL = {"r2v": Mode(needs=(IMAGES,), shows="references"), "edit": Mode(needs=(VIDEOS,), shows="video")}
KLING = {
    "t2v": Mode(),
    "i2v": Mode(needs=(FIRST,)),
    "multi_i2v": Mode(needs=(("image_list",),), shows="references"),
    "extend": Mode(needs=(("video_id",),), shows="parent", prompt=False),
}
MODES: dict[str, Mapping[str, Mode]] = {  # by the prefix of a model's name; the first match counts
    "kling-video": KLING,
    "gemini-omni": {"t2v": Mode(), **MATERIAL},
    "happyhorse": {**GENERAL, **MATERIAL},  # its ids end in -r2v and -video-edit; the page names no modes
    "": GENERAL,
}


async def clip_of(submit: SubmitRequest) -> ClipSpec:
    """The clip that a submit orders; stock's types are as strict as in Go. Raises ErrorResponse."""
    model, form, stock = submit.model, submit.form, submit.service.settings.gateway_shape == "stock"
    submit.kind = form.text("mode")
    if model not in MODELS:
        message = f"No available channel for model {model} under group default (distributor)"
        raise ErrorResponse(openai_error(503, message, kind="new_api_error", code="model_not_found"))
    if stock:
        _check_types(form)
    _overlay_metadata(form)
    modes = next(modes for prefix, modes in MODES.items() if model.startswith(prefix))
    name = form.text("mode") or "t2v"
    mode = modes.get(name)
    if mode is None:
        raise _invalid(f"mode '{name}' is not supported by {model}; supported: {', '.join(modes)}")
    require(not mode.prompt or submit.prompt.strip(), _invalid, "prompt is required")
    seconds = _seconds(form, model, stock=stock)
    if model.startswith("sora-2") and form.text("size") not in ("", *SORA_SIZES[model]):
        raise ErrorResponse(task_error(400, "invalid_size", "sora-2 size is invalid"))
    known = model != "kling-video" or form.text("model_name") in KLING_NAMES
    require(known, _invalid, f"model_name must be one of {', '.join(KLING_NAMES)}")
    for group in mode.needs:
        found = any(values(form, field) for field in group)
        require(found, _invalid, f"mode {name} needs {' or '.join(group)}")
    clip = await _clip(submit, mode, seconds)
    size = form.text("size")
    return replace(clip, echo={"seconds": f"{clip.seconds:g}", **({"size": size} if size else {})})


def values(form: Form, field: str) -> list[str | File]:
    """The values of a field: file parts, texts, and the URLs in lists and objects. `content.x`: its parts."""
    head, _, part = field.partition(".")
    files: list[str | File] = [file for file in form.files if file.field.removesuffix("[]") == field]
    value = form.fields.get(head)
    entries = value if isinstance(value, list) else [value]
    if part:
        entries = [entry.get(part) for entry in entries if isinstance(entry, dict)]
    texts = (_url(entry) for entry in entries)
    return [*files, *(text for text in texts if text and not (files and text.startswith("data:")))]


def _url(entry: Any) -> str:
    """A text, or the one in an object such as `{"url": ...}`."""
    if isinstance(entry, dict):
        return next((_url(entry[key]) for key in ("url", "image_url", "image", "video_url") if key in entry), "")
    return entry if isinstance(entry, str) else ""


async def _clip(submit: SubmitRequest, mode: Mode, seconds: float) -> ClipSpec:
    if mode.shows == "parent":  # a longer clip of the caller's own task; a foreign id is accepted
        parent_id = submit.form.text("video_id")
        parent = submit.service.store.get(parent_id, submit.family.name, submit.owner)
        clip = copy_of(parent) if parent is not None else linked_clip(submit, parent_id)
        return replace(clip, seconds=clip.seconds + EXTENSION_S)
    if mode.shows == "video":  # the first one, in another hue; an upload is not decoded
        source = next(value for field in VIDEOS for value in values(submit.form, field))
        clip = linked_clip(submit, source.filename if isinstance(source, File) else source)
        return replace(recoloured(clip), references=await _images(submit, IMAGES))
    clip = ClipSpec(seconds, *_pixels(submit.form))
    if mode.shows == "frames":
        return replace(clip, images=await _images(submit, (*FIRST, *LAST)))
    return replace(clip, references=await _images(submit, IMAGES))


def _check_types(form: Form) -> None:
    """Stock new-api reads `seconds` as a string only, one `input_reference` text, and `images` as a list (8.2)."""
    reference, wrong = form.fields.get("input_reference"), ""
    if not isinstance(form.fields.get("seconds", ""), str):
        wrong = "number into Go struct field TaskSubmitReq.seconds of type string"
    elif isinstance(reference, list | dict):
        kind = "array" if isinstance(reference, list) else "object"
        wrong = f"{kind} into Go struct field TaskSubmitReq.input_reference of type string"
    if wrong:
        raise ErrorResponse(task_error(400, "invalid_json", f"json: cannot unmarshal {wrong}"))
    message = "json: cannot unmarshal string into Go struct field TaskSubmitReq.images of type []string"
    require(not isinstance(form.fields.get("images"), str), _invalid, message)


def _overlay_metadata(form: Form) -> None:
    """Merge the vendor's own fields, which override all but the model; in a form they are JSON in a text.

    Kling's own `mode`, std or pro, is another field than the gateway's.
    """
    metadata = form.fields.pop("metadata", None) or {}
    if isinstance(metadata, str):
        try:
            metadata = orjson.loads(metadata)
        except orjson.JSONDecodeError:
            raise _invalid("metadata is not JSON") from None
    require(isinstance(metadata, dict), _invalid, "metadata is not an object")
    quality = metadata.get("mode", "std")
    require(quality in ("std", "pro"), _invalid, f"mode value '{quality}' is invalid")
    form.fields |= {name: value for name, value in metadata.items() if name not in ("model", "mode")}


def _seconds(form: Form, model: str, *, stock: bool) -> float:
    text = form.first_text("seconds", "duration")
    try:
        seconds = float(text or DEFAULT_S)
    except ValueError:
        raise ErrorResponse(task_error(400, "invalid_seconds", f"seconds is not a number: {text}")) from None
    if stock and not seconds.is_integer():
        seconds = DEFAULT_S  # a fraction is ignored
    if not 0 < seconds <= MAX_S:
        raise ErrorResponse(task_error(400, "invalid_seconds", f"seconds must be from 1 to {MAX_S}"))
    if model == "gemini-omni":
        return float(min(OMNI_STEPS_S, key=lambda step: abs(step - seconds)))
    if (model == "kling-video" and seconds not in KLING_S) or seconds > MAX_UPSTREAM_S:
        upstream = {"code": 1201, "message": f"duration {seconds:g} is not supported", "request_id": "upstream"}
        raise ErrorResponse(task_error(400, "fail_to_fetch_task", orjson.dumps(upstream).decode()))
    return seconds


def _pixels(form: Form) -> tuple[int, int]:
    size = form.first_text("size", "aspect_ratio", "ratio") or "16:9"
    resolution = form.first_text("resolution", "quality") or DEFAULT_RESOLUTION
    sides, shorter = pair(size), tier(resolution)
    exact = sides is not None and "x" in size and frame(*sides, shorter=min(sides)) == sides
    pixels = sides if exact else fitted(*sides, shorter=shorter) if sides and shorter else None
    if pixels is None:
        message = f"cannot make size '{size}' with resolution '{resolution}'"
        raise ErrorResponse(task_error(400, "invalid_size", message))
    return pixels


async def _images(submit: SubmitRequest, fields: tuple[str, ...]) -> list[InputImage]:
    named = [(field, value) for field in fields for value in values(submit.form, field)]
    return [image for field, value in named for image in await _image(submit, field, value)]


async def _image(submit: SubmitRequest, field: str, value: str | File) -> list[InputImage]:
    if isinstance(value, File):
        return [await store_image(submit, replace(value, filename=""), field, _invalid)]
    options: Any = {"links": ANY_LINK, "decode": lambda text: decode_data_uri(text) or decode_base64(text)}
    expected = f"{field} must be a link, a data URI or base64"
    return await read_image(submit, value, field, _invalid, expected=expected, **options)


def _invalid(message: str) -> ErrorResponse:
    return ErrorResponse(task_error(400, "invalid_request", message))
