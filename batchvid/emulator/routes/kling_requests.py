"""What Kling accepts, kind by kind (3.9 and 7.5 of the wire notes): the checks of a submit, and its clip."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from batchvid.emulator.body_parsing import decode_base64
from batchvid.emulator.rendering.geometry import fitted, pair
from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.routes.images import ANY_LINK, copy_of, linked_clip, read_image, recoloured
from batchvid.emulator.service import ClipSpec, SubmitRequest
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase

DURATIONS = ("5", "10")
OMNI_DURATIONS = tuple(str(seconds) for seconds in range(3, 11))
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3")
MULTI_RATIOS = ("16:9", "9:16", "1:1")
SHORTER_SIDES = {"std": 720, "pro": 1080}
MAX_PROMPT_LENGTH = 2500  # Kling's own; CometAPI's page says 500
MAX_SPEECH_LENGTH = 120
MAX_IMAGE_BYTES = 10 * 1024 * 1024
MIN_IMAGE_SIDE = 300
MAX_IMAGE_RATIO = 2.5
MULTI_MODEL = "kling-v1-6"
MULTI_IMAGES = range(1, 5)
MAX_OMNI_IMAGES = 7
MAX_OMNI_IMAGES_WITH_VIDEO = 4
EXTENSION_S = 5.0  # each step adds 4 to 5 s
MIN_SPEECH_MS = 2000
CAMERA_MOVES = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")
CAMERA_AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")


class Invalid(ValueError):
    """The submit is refused with code 1201 and this message."""


async def clip_of(submit: SubmitRequest) -> ClipSpec:
    """The clip that a submit orders. Raises Invalid."""
    body = submit.form.fields
    if len(submit.prompt) > MAX_PROMPT_LENGTH:
        raise Invalid(f"prompt is longer than {MAX_PROMPT_LENGTH} characters")
    external = str(body.get("external_task_id") or "")
    if external and submit.service.store.by_external(external, submit.family.name, submit.owner):
        raise Invalid("external_task_id already exists")
    return replace(await KINDS[submit.kind](submit, body), external_task_id=external)


def prompt_of(body: dict[str, Any]) -> str:
    """The prompt of a body, or the text of a lip-sync."""
    speech = body.get("input")
    return str(body.get("prompt") or (speech.get("text") if isinstance(speech, dict) else "") or "")


def video_id(task: Task) -> str:
    """The id of a task's clip, which extend and lip-sync refer to."""
    return uuid.uuid5(uuid.NAMESPACE_OID, task.id).hex


async def _text(submit: SubmitRequest, body: dict[str, Any]) -> ClipSpec:
    _need_prompt(submit)
    return _generation(body, [])


async def _image(submit: SubmitRequest, body: dict[str, Any]) -> ClipSpec:
    named = [(name, body[name]) for name in ("image", "image_tail") if body.get(name)]
    if not named:
        raise Invalid("image or image_tail is required")
    if len(named) > 1 and body.get("camera_control"):
        raise Invalid("image_tail and camera_control exclude each other")
    return _generation(body, await _images(submit, named))


async def _multi_image(submit: SubmitRequest, body: dict[str, Any]) -> ClipSpec:
    _need_prompt(submit)
    if submit.model != MULTI_MODEL:
        raise Invalid(f"model_name must be {MULTI_MODEL}, not {submit.model}")
    entries = _entries(body, "image_list")
    if len(entries) not in MULTI_IMAGES:
        raise Invalid(f"image_list must have {MULTI_IMAGES[0]} to {MULTI_IMAGES[-1]} items")
    images = await _images(submit, [("image_list", entry.get("image")) for entry in entries])
    return replace(_generation(body, [], ratios=MULTI_RATIOS), references=images)


async def _extend(submit: SubmitRequest, body: dict[str, Any]) -> ClipSpec:
    """The parent's clip, longer. By its video id, its task id, or both if they match."""
    parent = copy_of(_parent(submit, body))
    return replace(parent, seconds=parent.seconds + EXTENSION_S)


async def _lip_sync(submit: SubmitRequest, body: dict[str, Any]) -> ClipSpec:
    speech = body.get("input")
    if not isinstance(speech, dict):
        raise Invalid("input is required")
    if speech.get("mode") == "text2video":
        if not 0 < len(str(speech.get("text") or "")) <= MAX_SPEECH_LENGTH:
            raise Invalid(f"input.text must have 1 to {MAX_SPEECH_LENGTH} characters")
        if not speech.get("voice_id") or speech.get("voice_language") not in ("zh", "en"):
            raise Invalid("input.voice_id, and input.voice_language zh or en, are required")
    elif speech.get("mode") == "audio2video":
        if not speech.get("audio_file") and not speech.get("audio_url"):
            raise Invalid("input.audio_file or input.audio_url is required")
    else:
        raise Invalid("input.mode must be text2video or audio2video")
    if speech.get("video_id"):
        return copy_of(_parent(submit, speech))
    if not str(speech.get("video_url") or "").startswith(("https://", "http://")):
        raise Invalid("input.video_id or input.video_url is required")
    return linked_clip(submit, str(speech["video_url"]))


async def _advanced_lip_sync(submit: SubmitRequest, body: dict[str, Any]) -> ClipSpec:
    """Any session id is accepted: the call that creates one has no known path on CometAPI."""
    if not body.get("session_id"):
        raise Invalid("session_id is required")
    faces = _entries(body, "face_choose")
    for face in faces:
        if not face.get("face_id") or not (face.get("sound_file") or face.get("audio_id")):
            raise Invalid("face_choose needs face_id, and sound_file or audio_id")
        times = [face.get(f"sound_{name}_time") for name in ("start", "end", "insert")]
        if not all(isinstance(time, str) and re.fullmatch(r"\d{1,9}", time) for time in times):
            raise Invalid("sound_start_time, sound_end_time and sound_insert_time must be strings of milliseconds")
        if int(str(times[1])) - int(str(times[0])) < MIN_SPEECH_MS:
            raise Invalid(f"the sound must be at least {MIN_SPEECH_MS} ms long")
    return linked_clip(submit, f"session {body['session_id']}")


async def _omni(submit: SubmitRequest, body: dict[str, Any]) -> ClipSpec:
    _need_prompt(submit)
    pictures = _entries(body, "image_list") if body.get("image_list") else []
    videos = _entries(body, "video_list") if body.get("video_list") else []
    max_images = MAX_OMNI_IMAGES_WITH_VIDEO if videos else MAX_OMNI_IMAGES
    if len(pictures) > max_images:
        raise Invalid(f"image_list must have at most {max_images} items")
    frames = [one for one in pictures if one.get("type") in ("first_frame", "end_frame")]
    others = [one for one in pictures if not one.get("type")]
    if len(frames) + len(others) != len(pictures):
        raise Invalid("image_list.type must be first_frame, end_frame or left out")
    clip = _generation(
        body,
        await _images(submit, [(str(one["type"]), one.get("image_url")) for one in frames]),
        durations=OMNI_DURATIONS,
    )
    clip = replace(clip, references=await _images(submit, [("image_list", one.get("image_url")) for one in others]))
    for video in videos:
        if video.get("refer_type") not in ("feature", "base") or not video.get("video_url"):
            raise Invalid("video_list needs video_url, and refer_type feature or base")
        if video["refer_type"] == "base":
            return replace(recoloured(linked_clip(submit, str(video["video_url"]))), references=clip.references)
    return clip


KINDS: dict[str, Callable[[SubmitRequest, dict[str, Any]], Awaitable[ClipSpec]]] = {
    "text2video": _text,
    "image2video": _image,
    "multi-image2video": _multi_image,
    "video-extend": _extend,
    "lip-sync": _lip_sync,
    "advanced-lip-sync": _advanced_lip_sync,
    "omni-video": _omni,
}
"""Every sub-resource of `/kling/v1/videos/`."""


def _generation(
    body: dict[str, Any],
    images: list[InputImage],
    *,
    ratios: Sequence[str] = RATIOS,
    durations: Sequence[str] = DURATIONS,
) -> ClipSpec:
    """What all kinds with a new picture have in common. The frame of an image has the image's ratio."""
    duration = body.get("duration", "5")
    if not isinstance(duration, str) or duration not in durations:
        raise Invalid(f"duration must be one of the strings {', '.join(durations)}, not {duration!r}")
    shorter = SHORTER_SIDES.get(str(body.get("mode", "std")))
    if shorter is None:
        raise Invalid(f"mode must be std or pro, not {body['mode']!r}")
    guidance = body.get("cfg_scale", 0.5)
    if not isinstance(guidance, int | float) or not 0 <= guidance <= 1:
        raise Invalid(f"cfg_scale must be a number from 0 to 1, not {guidance!r}")
    _check_camera(body.get("camera_control"))
    ratio = str(body.get("aspect_ratio") or "16:9")
    sides = (images[0].width, images[0].height) if images else pair(ratio) if ratio in ratios else None
    if sides is None:
        raise Invalid(f"aspect_ratio must be one of {', '.join(ratios)}, not {ratio!r}")
    pixels = fitted(*sides, shorter=shorter)
    assert pixels is not None  # noqa: S101 - no ratio that passed the checks is too extreme
    return ClipSpec(seconds=float(duration), width=pixels[0], height=pixels[1], images=images)


def _check_camera(control: Any) -> None:
    """A named move; `simple`, and only it, has exactly one axis from -10 to 10."""
    if control is None:
        return
    move = control.get("type") if isinstance(control, dict) else None
    if move not in CAMERA_MOVES:
        raise Invalid(f"camera_control.type must be one of {', '.join(CAMERA_MOVES)}")
    axes = control.get("config") or {}
    moved = [axes[axis] for axis in CAMERA_AXES if axes.get(axis)] if isinstance(axes, dict) else [axes]
    if move == "simple" and not (len(moved) == 1 and isinstance(moved[0], int | float) and -10 <= moved[0] <= 10):
        raise Invalid("camera_control.config must have exactly one value other than 0, from -10 to 10")
    if move != "simple" and moved:
        raise Invalid("camera_control.config belongs to the type simple only")


def _parent(submit: SubmitRequest, ids: dict[str, Any]) -> Task:
    """The finished Kling task of this key with these ids. Raises Invalid, also when the two do not match."""
    task_id, clip_id = str(ids.get("task_id") or ""), str(ids.get("video_id") or "")
    own = (task for task in submit.service.store if task.family == "kling" and task.owner == submit.owner)
    parent = next((task for task in own if task_id == task.id or (not task_id and clip_id == video_id(task))), None)
    if parent is None or (clip_id and clip_id != video_id(parent)):
        raise Invalid("the parent video does not exist")
    if submit.service.store.peek(parent, submit.service.clock()).phase is not Phase.SUCCEEDED:
        raise Invalid("the parent video is not finished")
    return parent


def _need_prompt(submit: SubmitRequest) -> None:
    if not submit.prompt.strip():
        raise Invalid("prompt is required")


def _entries(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    entries = body.get(name)
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise Invalid(f"{name} must be a list of objects")
    return entries


async def _images(submit: SubmitRequest, named: Sequence[tuple[str, Any]]) -> list[InputImage]:
    """The images that are sent as bytes, in their order."""
    return [image for name, text in named for image in await _read_image(submit, name, text)]


async def _read_image(submit: SubmitRequest, name: str, text: Any) -> list[InputImage]:
    expected = f"{name} must be a URL, or base64 without a data: prefix, of at most 10 MB"
    images = await read_image(submit, text, name, Invalid, links=ANY_LINK, decode=_decode, expected=expected)
    for image in images:
        shorter, longer = sorted((image.width, image.height))
        if shorter < MIN_IMAGE_SIDE:
            raise Invalid(f"{name} must be at least {MIN_IMAGE_SIDE} pixels wide and high")
        if longer / shorter > MAX_IMAGE_RATIO:
            raise Invalid(f"{name} must have a ratio between 1:{MAX_IMAGE_RATIO} and {MAX_IMAGE_RATIO}:1")
    return images


def _decode(text: str) -> bytes | None:
    data = decode_base64(text)
    return data if data is not None and len(data) <= MAX_IMAGE_BYTES else None
