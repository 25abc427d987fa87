"""What Kling takes, kind by kind (3.9 and 7.5 of the wire notes): the checks of a submit, and the clip it orders."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from batchvid.emulator.body_parsing import decode_base64
from batchvid.emulator.rendering.geometry import fitted, pair
from batchvid.emulator.rendering.input_images import BadImage, Still
from batchvid.emulator.routes.derived import again, behind, recoloured
from batchvid.emulator.service import Ask, Desk, Order
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Phase

DURATIONS = ("5", "10")
OMNI_DURATIONS = tuple(str(seconds) for seconds in range(3, 11))
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3")
MULTI_RATIOS = ("16:9", "9:16", "1:1")
SHORTER_SIDES = {"std": 720, "pro": 1080}
OFFICIAL_RATIOS = MULTI_RATIOS
LONGEST_PROMPTS = {"cometapi": 500, "official": 2500, "either": 2500}
LONGEST_SPEECH = 120
LARGEST_IMAGE_BYTES = 10 * 1024 * 1024
SMALLEST_IMAGE_SIDE = 300
MOST_EXTREME_RATIO = 2.5
MULTI_MODEL = "kling-v1-6"
MULTI_IMAGES = range(1, 5)
OMNI_IMAGES = 7
OMNI_IMAGES_WITH_VIDEO = 4
EXTENSION_S = 5.0  # each step adds 4 to 5 s
SHORTEST_SPEECH_MS = 2000
CAMERA_MOVES = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")
CAMERA_AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")


class Invalid(ValueError):
    """The order is refused with code 1201 and this message."""


async def order(desk: Desk, family: str, ask: Ask, body: dict[str, Any]) -> Order:
    """The clip that a body orders below its sub-resource. Raises Invalid."""
    longest = LONGEST_PROMPTS[desk.settings.kling_pages]
    if len(ask.prompt) > longest:
        raise Invalid(f"prompt is longer than {longest} characters")
    if desk.settings.kling_pages == "official" and body.get("aspect_ratio", "16:9") not in OFFICIAL_RATIOS:
        raise Invalid(f"aspect_ratio must be one of {', '.join(OFFICIAL_RATIOS)}, not {body['aspect_ratio']!r}")
    external = str(body.get("external_task_id") or "")
    if external and desk.store.by_external(external, family, ask.owner):
        raise Invalid("external_task_id already exists")
    return replace(await KINDS[ask.kind](desk, ask, body), external_task_id=external)


def words(body: dict[str, Any]) -> str:
    """What a body asks for in words: its prompt, or what lips are to say."""
    said = body.get("input")
    return str(body.get("prompt") or (said.get("text") if isinstance(said, dict) else "") or "")


def video_id(task: Task) -> str:
    """The id of the clip that a task made, as extending and lip-sync want it."""
    return uuid.uuid5(uuid.NAMESPACE_OID, task.id).hex


async def _text(_desk: Desk, ask: Ask, body: dict[str, Any]) -> Order:
    _need_prompt(ask)
    return _generation(body, [])


async def _image(desk: Desk, _ask: Ask, body: dict[str, Any]) -> Order:
    named = [(name, body[name]) for name in ("image", "image_tail") if body.get(name)]
    if not named:
        raise Invalid("image or image_tail is required")
    if len(named) > 1 and body.get("camera_control"):
        raise Invalid("image_tail and camera_control exclude each other")
    return _generation(body, await _stills(desk, named))


async def _multi_image(desk: Desk, ask: Ask, body: dict[str, Any]) -> Order:
    _need_prompt(ask)
    if ask.model != MULTI_MODEL:
        raise Invalid(f"model_name must be {MULTI_MODEL}, not {ask.model}")
    entries = _entries(body, "image_list")
    if len(entries) not in MULTI_IMAGES:
        raise Invalid(f"image_list must have {MULTI_IMAGES[0]} to {MULTI_IMAGES[-1]} items")
    stills = await _stills(desk, [("image_list", entry.get("image")) for entry in entries])
    return replace(_generation(body, [], ratios=MULTI_RATIOS), references=stills)


async def _extend(desk: Desk, ask: Ask, body: dict[str, Any]) -> Order:
    """The parent's picture, longer. By its video id, its task id, or both if they belong together."""
    parent = _parent(desk, ask, body)
    longer = again(parent)
    return replace(longer, seconds=longer.seconds + EXTENSION_S)


async def _lip_sync(desk: Desk, ask: Ask, body: dict[str, Any]) -> Order:
    said = body.get("input")
    if not isinstance(said, dict):
        raise Invalid("input is required")
    if said.get("mode") == "text2video":
        if not 0 < len(str(said.get("text") or "")) <= LONGEST_SPEECH:
            raise Invalid(f"input.text must have 1 to {LONGEST_SPEECH} characters")
        if not said.get("voice_id") or said.get("voice_language") not in ("zh", "en"):
            raise Invalid("input.voice_id, and input.voice_language zh or en, are required")
    elif said.get("mode") == "audio2video":
        if not said.get("audio_file") and not said.get("audio_url"):
            raise Invalid("input.audio_file or input.audio_url is required")
    else:
        raise Invalid("input.mode must be text2video or audio2video")
    if said.get("video_id"):
        return again(_parent(desk, ask, said))
    if not str(said.get("video_url") or "").startswith(("https://", "http://")):
        raise Invalid("input.video_id or input.video_url is required")
    return behind(desk, str(said["video_url"]), ask.owner)


async def _advanced_lip_sync(desk: Desk, ask: Ask, body: dict[str, Any]) -> Order:
    """The session is taken on trust: the call that makes one has no known path on CometAPI."""
    if not body.get("session_id"):
        raise Invalid("session_id is required")
    faces = _entries(body, "face_choose")
    for face in faces:
        if not face.get("face_id") or not (face.get("sound_file") or face.get("audio_id")):
            raise Invalid("face_choose needs face_id, and sound_file or audio_id")
        times = [face.get(f"sound_{name}_time") for name in ("start", "end", "insert")]
        if not all(isinstance(time, str) and re.fullmatch(r"\d{1,9}", time) for time in times):
            raise Invalid("sound_start_time, sound_end_time and sound_insert_time must be strings of milliseconds")
        if int(str(times[1])) - int(str(times[0])) < SHORTEST_SPEECH_MS:
            raise Invalid(f"the sound must be at least {SHORTEST_SPEECH_MS} ms long")
    return behind(desk, f"session {body['session_id']}", ask.owner)


async def _omni(desk: Desk, ask: Ask, body: dict[str, Any]) -> Order:
    _need_prompt(ask)
    pictures = _entries(body, "image_list") if body.get("image_list") else []
    videos = _entries(body, "video_list") if body.get("video_list") else []
    most = OMNI_IMAGES_WITH_VIDEO if videos else OMNI_IMAGES
    if len(pictures) > most:
        raise Invalid(f"image_list must have at most {most} items")
    frames = [one for one in pictures if one.get("type") in ("first_frame", "end_frame")]
    others = [one for one in pictures if not one.get("type")]
    if len(frames) + len(others) != len(pictures):
        raise Invalid("image_list.type must be first_frame, end_frame or left out")
    made = _generation(
        body,
        await _stills(desk, [(str(one["type"]), one.get("image_url")) for one in frames]),
        durations=OMNI_DURATIONS,
    )
    made = replace(made, references=await _stills(desk, [("image_list", one.get("image_url")) for one in others]))
    for video in videos:
        if video.get("refer_type") not in ("feature", "base") or not video.get("video_url"):
            raise Invalid("video_list needs video_url, and refer_type feature or base")
        if video["refer_type"] == "base":
            return replace(recoloured(behind(desk, str(video["video_url"]), ask.owner)), references=made.references)
    return made


KINDS: dict[str, Callable[[Desk, Ask, dict[str, Any]], Awaitable[Order]]] = {
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
    images: list[Still],
    *,
    ratios: Sequence[str] = RATIOS,
    durations: Sequence[str] = DURATIONS,
) -> Order:
    """What all kinds that make a new picture have in common. From an image, the frame is the image's."""
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
    return Order(seconds=float(duration), width=pixels[0], height=pixels[1], images=images)


def _check_camera(control: Any) -> None:
    """A move by its name; `simple` with exactly one axis from -10 to 10, and only it with axes."""
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


def _parent(desk: Desk, ask: Ask, said: dict[str, Any]) -> Task:
    """The finished Kling task of this key that the ids name. Raises Invalid, also when the two contradict."""
    task_id, clip_id = str(said.get("task_id") or ""), str(said.get("video_id") or "")
    own = (task for task in desk.store if task.family == "kling" and task.owner == ask.owner)
    parent = next((task for task in own if task_id == task.id or (not task_id and clip_id == video_id(task))), None)
    if parent is None or (clip_id and clip_id != video_id(parent)):
        raise Invalid("the parent video does not exist")
    if desk.store.peek(parent, desk.clock()).phase is not Phase.SUCCEEDED:
        raise Invalid("the parent video is not finished")
    return parent


def _need_prompt(ask: Ask) -> None:
    if not ask.prompt.strip():
        raise Invalid("prompt is required")


def _entries(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    entries = body.get(name)
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise Invalid(f"{name} must be a list of objects")
    return entries


async def _stills(desk: Desk, named: Sequence[tuple[str, Any]]) -> list[Still]:
    """The images that came as bytes; those that came as links are taken on trust."""
    stills = []
    for name, text in named:
        if not isinstance(text, str) or not text or text.startswith("data:"):
            raise Invalid(f"{name} must be a URL or base64 without a data: prefix")
        if not text.startswith(("https://", "http://")):
            stills.append(await _still(desk, name, text))
    return stills


async def _still(desk: Desk, name: str, text: str) -> Still:
    data = decode_base64(text)
    if data is None or len(data) > LARGEST_IMAGE_BYTES:
        raise Invalid(f"{name} is not base64, or larger than 10 MB")
    try:
        still = await desk.stills.take(data, field=name)
    except BadImage as error:
        raise Invalid(f"{name} cannot be decoded: {error}") from None
    if min(still.width, still.height) < SMALLEST_IMAGE_SIDE:
        raise Invalid(f"{name} must be at least {SMALLEST_IMAGE_SIDE} pixels wide and high")
    if max(still.width, still.height) / min(still.width, still.height) > MOST_EXTREME_RATIO:
        raise Invalid(f"{name} must have a ratio between 1:{MOST_EXTREME_RATIO} and {MOST_EXTREME_RATIO}:1")
    return still
