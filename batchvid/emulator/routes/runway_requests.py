"""What Runway accepts: the fields of each model on each route, strictly, and the clip that a submit orders.

data/runway.json has the fields, from the request types of Runway's SDK. CometAPI's page is more lenient for the two
models that it shows (wire-notes 7.6).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from batchvid.emulator.body_parsing import decode_data_uri
from batchvid.emulator.rendering.geometry import fitted, frame, pair
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, openai_error, reply
from batchvid.emulator.routes.errors import refusals
from batchvid.emulator.routes.images import HTTPS, linked_clip, read_image, recoloured
from batchvid.emulator.service import ClipSpec, SubmitRequest

DOCS = "https://docs.dev.runwayml.com/api"
KINDS = ("image_to_video", "text_to_video", "video_to_video")
COMETAPI_MODELS = ("gen3a_turbo", "gen4_turbo")
DEFAULT_RATIO = "1280:768"
RATIOS = (  # the pixel ratios of the pages, and the two of older versions
    *("1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672", "1280:768", "768:1280"),
    *("16:9", "9:16"),
)
SHORTER_SIDES = {"360p": 360, "480p": 480, "720p": 720, "768p": 768, "1080p": 1080, "2k": 1440, "4k": 2160}
DURATIONS_S = range(2, 11)
MAX_DURATION_S = 30
DEFAULT_S, DEFAULT_CREDITS_PER_S = 5, 5
MAX_URL_LENGTH = 2048
MAX_DATA_URI_BYTES = 5 * 1024 * 1024
SOURCES = ("videoUri", "promptVideo")

_DATA: dict[str, Any] = orjson.loads((Path(__file__).parents[1] / "data" / "runway.json").read_bytes())
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "object": (dict,),
    "array": (list,), "string or array": (str, list), "integer or auto": (int, str),
}  # fmt: skip


def issue(path: str, message: str, *, code: str = "custom", **more: Any) -> ErrorResponse:
    """A validation error of one field, as Runway writes it."""
    found = {"code": code, "path": [path] if path else [], "message": message, **more}
    return ErrorResponse(reply({"error": "Validation of body failed", "issues": [found], "docUrl": DOCS}, 400))


# it has no codes: a validation error names the path of a field, all others only have a text
refuse = refusals(
    "runway",
    lambda status, path, message: issue(path, message).response if path else reply({"error": message}, status),
)


async def clip_of(submit: SubmitRequest) -> ClipSpec:
    """The clip that a submit orders. Raises ErrorResponse."""
    if not submit.request.headers.get("X-Runway-Version"):
        raise ErrorResponse(reply({"error": "The X-Runway-Version header is required", "docUrl": DOCS}, 400))
    if not submit.model:
        raise ErrorResponse(openai_error(400, "model name is required"))
    body = submit.form.fields
    if submit.model in COMETAPI_MODELS:
        return await _old_clip(submit, body)
    check_fields(submit.kind, submit.model, body)
    frames = await _images(submit, body["promptImage"]) if "promptImage" in body else []
    references = [
        image
        for entry in body.get("references", [])
        for image in await _image(submit, str(_uri_of("references", entry)), "reference")
    ]
    source = next((body[name] for name in SOURCES if name in body), None)
    if source is not None:
        if not str(source).startswith("https://") and submit.service.linked_task(str(source), submit.owner) is None:
            raise issue("videoUri", "Expected an HTTPS URL")
        return _priced(submit, recoloured(linked_clip(submit, str(source))), references)
    seconds = body.get("duration", DEFAULT_S)
    if isinstance(seconds, int) and not 1 <= seconds <= MAX_DURATION_S:
        raise issue("duration", "Expected a supported number of seconds")
    pixels = _pixels(body, frames)
    clip = ClipSpec(float(DEFAULT_S if seconds == "auto" else seconds), *pixels, frames)
    return _priced(submit, clip, references)


def check_fields(kind: str, model: str, body: dict[str, Any]) -> None:
    """Refuse what the model does not have on this route: unknown fields, missing ones, other types and values."""
    spec = _DATA["routes"][kind].get(model)
    if spec is None:
        raise issue("model", f"Invalid discriminator value for {kind}", code="invalid_union_discriminator")
    if unknown := [name for name in body if name not in spec["fields"] and name != "model"]:
        keys = ", ".join(f"'{name}'" for name in unknown)
        raise issue("", f"Unrecognized key(s) in object: {keys}", code="unrecognized_keys", keys=unknown)
    for name in spec["required"]:
        if name not in body:
            raise issue(name, "Required", code="invalid_type")
    for name, value in body.items():
        if name != "model":
            _check_value(name, value, spec["fields"][name])


def _check_value(name: str, value: Any, allowed: str | list[Any]) -> None:
    if isinstance(allowed, list):
        if value not in allowed or isinstance(value, bool):
            raise issue(name, f"Expected one of {', '.join(map(str, allowed))}", code="invalid_enum_value")
        return
    is_bool = isinstance(value, bool)
    fits = isinstance(value, _TYPES[allowed]) and is_bool == (allowed == "boolean")
    if not fits or (allowed == "integer or auto" and isinstance(value, str) and value != "auto"):
        raise issue(name, f"Expected {allowed}", code="invalid_type")
    if name == "promptText" and not value.strip():
        raise issue(name, "String must contain at least 1 character(s)", code="too_small")


def _pixels(body: dict[str, Any], frames: list[InputImage]) -> tuple[int, int]:
    """The clip's size: pixel pairs, names, or the frame's shape at a resolution."""
    ratio, resolution = str(body.get("ratio", "")), str(body.get("resolution", "")).casefold()
    sides = pair(ratio)
    if sides and min(sides) > SHORTER_SIDES["360p"] - 1:
        return frame(*sides, shorter=min(sides)) or sides
    tier = ratio.removeprefix("auto_") if ratio.startswith("auto_") else resolution
    shorter = SHORTER_SIDES.get(tier, SHORTER_SIDES["720p"])
    shape = sides or ((frames[0].width, frames[0].height) if frames else (16, 9))
    return fitted(*shape, shorter=shorter) or (1280, 720)


def _priced(submit: SubmitRequest, clip: ClipSpec, references: list[InputImage]) -> ClipSpec:
    per_s = _DATA["credits_per_s"].get(submit.model, DEFAULT_CREDITS_PER_S)
    clip.references.extend(references)
    clip.echo["credits"] = round(per_s * clip.seconds)
    return clip


async def _old_clip(submit: SubmitRequest, body: dict[str, Any]) -> ClipSpec:
    """Image to video by the two models of CometAPI's page."""
    if submit.kind != "image_to_video":
        raise issue("model", f"Invalid discriminator value for {submit.kind}", code="invalid_union_discriminator")
    images = await _images(submit, body.get("promptImage"))
    duration = body.get("duration", DEFAULT_S)
    if not isinstance(duration, int) or isinstance(duration, bool) or duration not in DURATIONS_S:
        raise issue("duration", "Expected an integer from 2 to 10")
    ratio = str(body.get("ratio", DEFAULT_RATIO))
    sides = pair(ratio) if ratio in RATIOS else None
    pixels = frame(*sides, shorter=SHORTER_SIDES["720p"]) if sides else None
    if pixels is None:
        raise issue("ratio", f"Expected one of {', '.join(RATIOS)}")
    return _priced(submit, ClipSpec(float(duration), *pixels, images), [])


async def _images(submit: SubmitRequest, prompt_image: Any) -> list[InputImage]:
    """One URI, or an array of `{uri, position}`."""
    if not prompt_image:
        raise issue("promptImage", "Required", code="invalid_type")
    entries = prompt_image if isinstance(prompt_image, list) else [{"uri": prompt_image, "position": "first"}]
    if any(not isinstance(entry, dict) or entry.get("position") not in ("first", "last") for entry in entries):
        raise issue("promptImage", "Expected {uri, position: first or last}")
    return [image for entry in entries for image in await _image(submit, str(entry.get("uri")), entry["position"])]


def _uri_of(name: str, entry: Any) -> str:
    if not isinstance(entry, dict) or not isinstance(entry.get("uri"), str):
        raise issue(name, "Expected {uri}")
    return str(entry["uri"])


async def _image(submit: SubmitRequest, uri: str, position: str) -> list[InputImage]:
    if uri.startswith("http://"):
        raise issue("promptImage", "Only HTTPS URLs are allowed.")
    return await read_image(
        submit,
        uri,
        position,
        lambda message: issue("promptImage", message),
        links=HTTPS if len(uri) <= MAX_URL_LENGTH else (),
        decode=lambda text: decode_data_uri(text) if len(text) <= MAX_DATA_URI_BYTES else None,
        expected="Expected an HTTPS URL or a data URI of at most 5 MB",
        label="The image",
    )
