"""What Kling accepts, kind by kind (wire-notes 3.9, 7.5): the checks of a submit, and its clip."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import decode_base64
from batchvid.emulator.rendering.geometry import fitted, pair
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, reply, require
from batchvid.emulator.routes.errors import refusals
from batchvid.emulator.routes.images import ANY_LINK, copy_of, linked_clip, read_image, recoloured
from batchvid.emulator.service import ClipSpec, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase

DURATIONS = ("5", "10")
OMNI_DURATIONS = tuple(str(seconds) for seconds in range(3, 11))
V3_UNITS_PER_S, V3_SOUND = {"std": 0.6, "pro": 0.8}, 1.5
V3_DURATIONS = tuple(str(seconds) for seconds in range(3, 16))
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3")
MULTI_RATIOS = RATIOS[:3]
SHORTER_SIDES = {"std": 720, "pro": 1080}
MAX_PROMPT_LENGTH = 2500  # Kling's own; CometAPI's page says 500
MAX_SPEECH_LENGTH = 120
MAX_IMAGE_BYTES = 10 * 1024 * 1024
MIN_IMAGE_SIDE, MAX_IMAGE_RATIO = 300, 2.5
MULTI_MODEL = "kling-v1-6"
MAX_MULTI_IMAGES, MAX_OMNI_IMAGES, MAX_OMNI_IMAGES_WITH_VIDEO = 4, 7, 4
EXTENSION_S = 5.0  # each step adds 4 to 5 s
MIN_SPEECH_MS = 2000
CAMERA_MOVES = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")
CAMERA_AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")

Body = dict[str, Any]


def error(status: int, code: int, message: str) -> web.Response:
    """Kling's error."""
    return reply({"code": code, "message": message, "request_id": str(uuid.uuid4())}, status)


refuse = refusals("kling", error)


def _invalid(message: str) -> ErrorResponse:
    return ErrorResponse(refuse("invalid", message))


def _check(valid: object, message: str) -> None:
    require(valid, _invalid, message)


async def clip_of(submit: SubmitRequest) -> ClipSpec:
    """The clip that a submit orders. Raises ErrorResponse."""
    _check(len(submit.prompt) <= MAX_PROMPT_LENGTH, f"prompt is longer than {MAX_PROMPT_LENGTH} characters")
    external = submit.form.text("external_task_id")
    used = external and submit.service.store.by_external(external, submit.family.name, submit.owner)
    _check(not used, "external_task_id already exists")
    clip = await KINDS[submit.kind](submit, submit.form.fields)
    return replace(clip, external_task_id=external, echo=_bill(submit.model, submit.form.fields, clip))


def _bill(model: str, body: Body, clip: ClipSpec) -> dict[str, float]:
    """The units of a clip of version 3, whose prices are published; the others' are not."""
    if not model.startswith("kling-v3"):
        return {}
    per_s = V3_UNITS_PER_S[str(body.get("mode", "std"))] * (V3_SOUND if body.get("sound") == "on" else 1)
    return {"units": round(per_s * clip.seconds, 2)}


def prompt_of(body: Body) -> str:
    """The prompt of a body, or the text of a lip-sync."""
    speech = body.get("input")
    return str(body.get("prompt") or (speech.get("text") if isinstance(speech, dict) else "") or "")


def video_id(task: Task) -> str:
    """The id of a task's clip, which extend and lip-sync refer to."""
    return uuid.uuid5(uuid.NAMESPACE_OID, task.id).hex


async def _text(submit: SubmitRequest, body: Body) -> ClipSpec:
    _check(submit.prompt.strip(), "prompt is required")
    return _generation(body, [])


async def _image(submit: SubmitRequest, body: Body) -> ClipSpec:
    named = [(name, body[name]) for name in ("image", "image_tail") if body.get(name)]
    _check(named, "image or image_tail is required")
    _check(len(named) < 2 or not body.get("camera_control"), "image_tail and camera_control exclude each other")
    return _generation(body, await _images(submit, named))


async def _multi_image(submit: SubmitRequest, body: Body) -> ClipSpec:
    _check(submit.prompt.strip(), "prompt is required")
    _check(submit.model == MULTI_MODEL, f"model_name must be {MULTI_MODEL}, not {submit.model}")
    entries = _entries(body, "image_list")
    _check(len(entries) <= MAX_MULTI_IMAGES, f"image_list must have 1 to {MAX_MULTI_IMAGES} items")
    images = await _images(submit, [("image_list", entry.get("image")) for entry in entries])
    return replace(_generation(body, [], ratios=MULTI_RATIOS), references=images)


async def _extend(submit: SubmitRequest, body: Body) -> ClipSpec:
    """The parent's clip, longer. By its video id, its task id, or both if they match."""
    parent = copy_of(_parent(submit, body))
    return replace(parent, seconds=parent.seconds + EXTENSION_S)


async def _lip_sync(submit: SubmitRequest, body: Body) -> ClipSpec:
    speech = body["input"] if isinstance(body.get("input"), dict) else {}
    _check(speech.get("mode") in ("text2video", "audio2video"), "input.mode must be text2video or audio2video")
    if speech["mode"] == "text2video":
        text = str(speech.get("text") or "")
        _check(0 < len(text) <= MAX_SPEECH_LENGTH, f"input.text must have 1 to {MAX_SPEECH_LENGTH} characters")
        voice = speech.get("voice_id") and speech.get("voice_language") in ("zh", "en")
        _check(voice, "input.voice_id, and input.voice_language zh or en, are required")
    else:
        audio = speech.get("audio_file") or speech.get("audio_url")
        _check(audio, "input.audio_file or input.audio_url is required")
    if speech.get("video_id"):
        return copy_of(_parent(submit, speech))
    url = str(speech.get("video_url") or "")
    _check(url.startswith(ANY_LINK), "input.video_id or input.video_url is required")
    return linked_clip(submit, url)


async def _advanced_lip_sync(submit: SubmitRequest, body: Body) -> ClipSpec:
    """Any session id is accepted: the call that creates one has no known path on CometAPI."""
    _check(body.get("session_id"), "session_id is required")
    for face in _entries(body, "face_choose"):
        complete = face.get("face_id") and (face.get("sound_file") or face.get("audio_id"))
        _check(complete, "face_choose needs face_id, and sound_file or audio_id")
        times = [face.get(f"sound_{name}_time") for name in ("start", "end", "insert")]
        numbers = [int(time) for time in times if isinstance(time, str) and re.fullmatch(r"\d{1,9}", time)]
        _check(len(numbers) == 3, "sound_start_time, sound_end_time and sound_insert_time must be milliseconds as text")
        _check(numbers[1] - numbers[0] >= MIN_SPEECH_MS, f"the sound must be at least {MIN_SPEECH_MS} ms long")
    return linked_clip(submit, f"session {body['session_id']}")


async def _omni(submit: SubmitRequest, body: Body) -> ClipSpec:
    _check(submit.prompt.strip(), "prompt is required")
    pictures, videos = (_entries(body, name) if body.get(name) else [] for name in ("image_list", "video_list"))
    max_images = MAX_OMNI_IMAGES_WITH_VIDEO if videos else MAX_OMNI_IMAGES
    _check(len(pictures) <= max_images, f"image_list must have at most {max_images} items")
    kinds = [entry.get("type") or "image_list" for entry in pictures]
    known = all(kind in ("first_frame", "end_frame", "image_list") for kind in kinds)
    _check(known, "image_list.type must be first_frame, end_frame or left out")
    urls = [entry.get("image_url") for entry in pictures]
    images = await _images(submit, list(zip(kinds, urls, strict=True)))
    references = [image for image in images if image.field == "image_list"]
    clip = _generation(body, [image for image in images if image not in references], durations=OMNI_DURATIONS)
    for video in videos:
        complete = video.get("refer_type") in ("feature", "base") and video.get("video_url")
        _check(complete, "video_list needs video_url, and refer_type feature or base")
        if video["refer_type"] == "base":
            clip = recoloured(linked_clip(submit, str(video["video_url"])))
            break
    return replace(clip, references=references)


KINDS: dict[str, Callable[[SubmitRequest, Body], Awaitable[ClipSpec]]] = {
    "text2video": _text,
    "image2video": _image,
    "multi-image2video": _multi_image,
    "video-extend": _extend,
    "lip-sync": _lip_sync,
    "advanced-lip-sync": _advanced_lip_sync,
    "omni-video": _omni,
}  # every sub-resource of `/kling/v1/videos/`


def _generation(
    body: Body, images: list[InputImage], *, ratios: Sequence[str] = RATIOS, durations: Sequence[str] = DURATIONS
) -> ClipSpec:
    """What all kinds with a new picture have in common. The frame of an image has the image's ratio."""
    if str(body.get("model_name", "")).startswith("kling-v3"):
        durations = V3_DURATIONS
    duration, mode, guidance = body.get("duration", "5"), str(body.get("mode", "std")), body.get("cfg_scale", 0.5)
    valid = isinstance(duration, str) and duration in durations
    _check(valid, f"duration must be one of the strings {', '.join(durations)}, not {duration!r}")
    _check(mode in SHORTER_SIDES, f"mode must be std or pro, not {mode!r}")
    valid = isinstance(guidance, int | float) and 0 <= guidance <= 1
    _check(valid, f"cfg_scale must be a number from 0 to 1, not {guidance!r}")
    if body.get("camera_control") is not None:
        _check_camera(body["camera_control"])
    ratio = str(body.get("aspect_ratio") or "16:9")
    sides = (images[0].width, images[0].height) if images else pair(ratio) if ratio in ratios else None
    pixels = fitted(*sides, shorter=SHORTER_SIDES[mode]) if sides else None
    if pixels is None:
        raise _invalid(f"aspect_ratio must be one of {', '.join(ratios)}, not {ratio!r}")
    return ClipSpec(float(duration), *pixels, images)


def _check_camera(control: Any) -> None:
    """A named move; `simple`, and only it, has exactly one axis from -10 to 10."""
    move = control.get("type") if isinstance(control, dict) else None
    _check(move in CAMERA_MOVES, f"camera_control.type must be one of {', '.join(CAMERA_MOVES)}")
    axes = control.get("config") or {}
    moved = [axes[axis] for axis in CAMERA_AXES if axes.get(axis)] if isinstance(axes, dict) else [axes]
    if move == "simple":
        one = len(moved) == 1 and isinstance(moved[0], int | float) and -10 <= moved[0] <= 10
        _check(one, "camera_control.config must have exactly one value other than 0, from -10 to 10")
    else:
        _check(not moved, "camera_control.config belongs to the type simple only")


def _parent(submit: SubmitRequest, ids: Body) -> Task:
    """The finished Kling task of this key with these ids. Raises ErrorResponse, also when the two do not match."""
    service, task_id, clip_id = submit.service, str(ids.get("task_id") or ""), str(ids.get("video_id") or "")
    own = (task for task in service.store if (task.family, task.owner) == ("kling", submit.owner))
    parent = next((task for task in own if task_id == task.id or (not task_id and clip_id == video_id(task))), None)
    if parent is None or (clip_id and clip_id != video_id(parent)):
        raise _invalid("the parent video does not exist")
    finished = service.store.peek(parent, service.clock()).phase is Phase.SUCCEEDED
    _check(finished, "the parent video is not finished")
    return parent


def _entries(body: Body, name: str) -> list[Body]:
    entries = body.get(name)
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise _invalid(f"{name} must be a list of objects")
    return entries


async def _images(submit: SubmitRequest, named: Sequence[tuple[str, Any]]) -> list[InputImage]:
    options: Any = {"links": ANY_LINK, "decode": _decode}
    images = []
    for name, text in named:
        expected = f"{name} must be a URL, or base64 without a data: prefix, of at most 10 MB"
        for image in await read_image(submit, text, name, _invalid, expected=expected, **options):
            shorter, longer = sorted((image.width, image.height))
            _check(shorter >= MIN_IMAGE_SIDE, f"{name} must be at least {MIN_IMAGE_SIDE} pixels wide and high")
            limit = f"{name} must have a ratio between 1:{MAX_IMAGE_RATIO} and {MAX_IMAGE_RATIO}:1"
            _check(longer / shorter <= MAX_IMAGE_RATIO, limit)
            images.append(image)
    return images


def _decode(text: str) -> bytes | None:
    data = decode_base64(text)
    return data if data is not None and len(data) <= MAX_IMAGE_BYTES else None
