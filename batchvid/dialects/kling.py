"""Kling's legacy wire, as CometAPI serves it: clips from text, frames or references, extensions, lip-sync, omni.

Sources: apidoc.cometapi.com/api/video/kling, Kling's own API pages.
The route adds `/kling` and the key; Kling's own JWT is no business of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batchvid.dialects.common import poll_replies, refusals, submit_replies
from batchvid.dialects.common.envelopes import unwrap
from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.image_rules import KLING, check_image
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import Path, dig, first_text
from batchvid.dialects.common.option_values import KLING as KLING_OPTIONS
from batchvid.dialects.common.option_values import KLING_MODE, OneOf, Rules, check_camera, check_values
from batchvid.dialects.common.request_building import (
    bare_base64,
    check_length,
    check_prompt,
    checked_options,
    clip_id,
    find_by_action,
    first_and_last,
    one_of,
    option_id,
    path_segment,
    refuse_unsupported,
    same_shape,
    source_video,
    whole_seconds,
)
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.dialect import Dialect, LookupMethod
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import (
    Accepted,
    Candidate,
    GenerationRequest,
    ImageInput,
    Rejected,
    Request,
    Response,
    Status,
    Uncertain,
)
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

WIRE = "the Kling wire"
MAX_PROMPT_CHARS = 2500  # official; CometAPI's older pages say 500, and 200 for the negative prompt
MAX_SPEECH_CHARS = 120
RATIOS = {ratio: ratio for ratio in ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3")}
RATIOS_OF_MANY = {ratio: ratio for ratio in ("16:9", "9:16", "1:1")}
MODES = {"std": "std", "pro": "pro"}
SOUND = {True: "on", False: "off"}
LANGUAGES = {"zh": "zh", "en": "en"}
MAX_IMAGES = 4
MAX_OMNI_IMAGES = 7
NOT_WITH_A_LAST_FRAME = ("camera_control", "static_mask", "dynamic_masks")
FRAME_TYPES = {"first": {"type": "first_frame"}, "last": {"type": "end_frame"}, "reference": {}}
OMNI = "kling-video-o"
BESIDE_INPUT = ("callback_url", "input")  # the only options of a lip-sync that do not belong into its `input`

_SCENE = ("prompt", "negative_prompt", "duration_s", "aspect_ratio", "resolution", "mode")
SUPPORTED = {
    "text2video": (*_SCENE, "sound"),
    "image2video": (*_SCENE, "sound", "image", "end_image"),
    "multi-image2video": (*_SCENE, "reference_images"),
    "omni-video": (
        *("prompt", "image", "end_image", "reference_images", "video", "parent", "action"),
        *("duration_s", "aspect_ratio", "resolution", "mode"),
    ),
    "video-extend": ("action", "parent", "prompt", "negative_prompt"),
    "lip-sync": ("action", "prompt", "video", "parent", "audio"),
    "advanced-lip-sync": ("action",),
}
"""The fields that each kind supports. A kind is the last step of the path, for the submit and for the poll."""

KIND_OPTIONS: Mapping[str, Rules] = {"lip-sync": {"mode": OneOf(("text2video", "audio2video"))}}

VENDOR: dict[str, Path] = {
    "task_id": ("task_id",),  # the vendor's own, also when the task is polled by our external id
    "video_id": ("task_result", "videos", 0, "id"),  # what extending the clip will ask for
    "final_unit_deduction": ("final_unit_deduction",),
}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request; what is given decides the kind, and with it the path. Raises Unsupported.

    `external_task_id` carries the generation's own id, by which a task whose reply was lost can be found again.
    """
    kind = _kind(generation)
    has_sound = kind == "omni-video" and not _is_silent_omni(generation.request.model)
    refuse_unsupported(generation, f"Kling's {kind}", (*SUPPORTED[kind], *(("sound",) if has_sound else ())))
    check_length("prompt", generation.request.prompt, MAX_PROMPT_CHARS)
    check_length("negative_prompt", generation.request.negative_prompt, MAX_PROMPT_CHARS)
    options = checked_options(generation)
    check_values(options, {**KLING_OPTIONS, **KLING_MODE, **KIND_OPTIONS.get(kind, {})})
    check_camera(options)
    if kind == "lip-sync":
        inner = {name: value for name, value in options.items() if name not in BESIDE_INPUT}
        body: dict[str, Any] = {"input": {**_lip_sync(generation), **inner}}
        options = {name: value for name, value in options.items() if name in BESIDE_INPUT}
    else:
        body = BODIES[kind](generation)
    body |= {"external_task_id": generation.external_id, "callback_url": generation.callback_url}
    sent = {name: value for name, value in body.items() if value not in (None, "")}
    checked_options(generation, sent)
    return Request(method="POST", path=f"/v1/videos/{kind}", json={**sent, **options})


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply, native or a gateway's."""
    return submit_replies.read_submit(response, sent=sent, table=TABLES["kling"])


def poll(generation: GenerationRequest, task_id: str) -> Request:
    """Build the poll request, on the path that made it. `task_id` may also be our own external id."""
    return Request(method="GET", path=f"/v1/videos/{_kind(generation)}/{path_segment(task_id)}")


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply, native or through a gateway's wrapper. Raises UnreadableReply."""
    return poll_replies.read_poll(
        response, task_id=task_id, prompt=prompt, vendor=VENDOR, billed="final_unit_deduction"
    )


def _kind(generation: GenerationRequest) -> str:
    """Return the kind of a generation. Raises Unsupported for an action that the model has not."""
    model = generation.request.model
    if _is_silent_omni(model) or model.endswith("-omni"):  # for a poll the model is as in the manifest
        return find_by_action(generation, f"{WIRE} of an omni model", {"": "omni-video", "edit": "omni-video"})
    lip_sync = "advanced-lip-sync" if "session_id" in generation.request.options else "lip-sync"
    made_of = "text2video"
    if generation.images:
        made_of = (
            "image2video" if any(image.role != "reference" for image in generation.images) else "multi-image2video"
        )
    return find_by_action(generation, WIRE, {"": made_of, "extend": "video-extend", "lip-sync": lip_sync})


def _is_silent_omni(model: str) -> bool:
    """Whether it is the first omni model, which keeps the sound of its source at most."""
    return model.rpartition("/")[2].startswith(OMNI)


def _scene(generation: GenerationRequest) -> dict[str, Any]:
    """The fields of every kind that makes a new clip."""
    if generation.request.resolution:
        raise Unsupported("resolution", "Kling takes a mode instead: std is 720p, pro is 1080p")
    seconds = whole_seconds(generation)
    return {
        "model_name": generation.request.model,
        "prompt": generation.request.prompt,
        "negative_prompt": generation.request.negative_prompt,
        "mode": one_of("mode", generation.request.mode, MODES) if generation.request.mode else None,
        "duration": None if seconds is None else str(seconds),
        "sound": None if generation.request.sound is None else SOUND[generation.request.sound],
    }


def _from_text(generation: GenerationRequest) -> dict[str, Any]:
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    return {**_scene(generation), "aspect_ratio": _ratio(generation, None, RATIOS)}


def _from_frames(generation: GenerationRequest) -> dict[str, Any]:
    first, last = first_and_last(generation)
    clash = [name for name in NOT_WITH_A_LAST_FRAME if name in generation.request.options]
    if last and clash:
        raise Unsupported("end_image", f"Kling allows no {clash[0]} together with a last frame")
    return {
        **_scene(generation),
        "image": _image(first) if first else None,
        "image_tail": _image(last) if last else None,
        "aspect_ratio": _ratio(generation, first, RATIOS),
    }


def _from_references(generation: GenerationRequest) -> dict[str, Any]:
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    _check_count(generation, MAX_IMAGES)
    images = [{"image": _image(image)} for image in generation.images]
    return {**_scene(generation), "image_list": images, "aspect_ratio": _ratio(generation, None, RATIOS_OF_MANY)}


def _omni(generation: GenerationRequest) -> dict[str, Any]:
    """The body of an omni generation: an edit changes a source clip, any other only refers to it."""
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    first, _ = first_and_last(generation)
    _check_count(generation, MAX_IMAGES if generation.request.video or generation.parent else MAX_OMNI_IMAGES)
    images = [{"image_url": _image(image), **FRAME_TYPES[image.role]} for image in generation.images]
    videos = None
    if generation.request.video or generation.parent or generation.request.action:
        videos = [
            {"video_url": source_video(generation), "refer_type": "base" if generation.request.action else "feature"}
        ]
    ratio = _ratio(generation, first, RATIOS_OF_MANY)
    return {**_scene(generation), "image_list": images or None, "video_list": videos, "aspect_ratio": ratio}


def _extend(generation: GenerationRequest) -> dict[str, Any]:
    """The body of an extension. Pages differ on whether `video_id` needs `task_id` too: both are required."""
    what = "the parent clip's; its sidecar file has both"
    ids = {name: clip_id(generation, name, what) for name in ("task_id", "video_id")}
    return {**ids, "prompt": generation.request.prompt, "negative_prompt": generation.request.negative_prompt}


def _lip_sync(generation: GenerationRequest) -> dict[str, Any]:
    """The `input` of a lip-sync: a Kling clip, and either a sound or a text with a voice to speak it."""
    has_id = generation.parent and "video_id" in generation.parent.vendor_metadata
    if has_id or "video_id" in generation.request.options:
        source = {"video_id": clip_id(generation, "video_id", "of a Kling clip")}
        if generation.request.video:
            raise Unsupported("video", "not allowed together with the option video_id: both name the clip")
    else:
        source = {"video_url": source_video(generation)}
    if generation.request.audio:
        if generation.request.prompt:
            raise Unsupported("prompt", "not allowed together with `audio`: the clip speaks the one or the other")
        return {**source, "mode": "audio2video", **_sound(generation.request.audio)}
    check_prompt(generation, max_chars=MAX_SPEECH_CHARS)
    option_id(generation, "voice_id", "the voice that speaks the prompt")
    one_of("options", option_id(generation, "voice_language", "zh or en"), LANGUAGES)
    return {**source, "mode": "text2video", "text": generation.request.prompt}


def _sound(audio: str) -> dict[str, str]:
    """Return a link, or the bare base64 out of a data URI."""
    if audio.casefold().startswith("https://"):
        return {"audio_type": "url", "audio_url": audio}
    head, _, data = audio.partition(";base64,")
    if not head.casefold().startswith("data:") or not data:
        raise Unsupported("audio", "an https:// link or a base64 data: URI is required")
    return {"audio_type": "file", "audio_file": data}


def _advanced_lip_sync(generation: GenerationRequest) -> dict[str, Any]:
    """The body of a lip-sync by faces: the options hold it, from an earlier call that identifies them."""
    option_id(generation, "session_id", "of the call that identified the faces")
    faces = generation.request.options.get("face_choose")
    if not isinstance(faces, list) or not faces or not all(map(_is_voiced, faces)):
        raise Unsupported("options", "face_choose is required: faces, each with face_id and sound_file or audio_id")
    return {}


def _is_voiced(face: object) -> bool:
    return isinstance(face, dict) and "face_id" in face and bool(face.keys() & {"sound_file", "audio_id"})


BODIES: Mapping[str, Callable[[GenerationRequest], dict[str, Any]]] = {
    "text2video": _from_text,
    "image2video": _from_frames,
    "multi-image2video": _from_references,
    "omni-video": _omni,
    "video-extend": _extend,
    "advanced-lip-sync": _advanced_lip_sync,
}


def _check_count(generation: GenerationRequest, max_images: int) -> None:
    if len(generation.images) > max_images:
        raise Unsupported(
            "reference_images", f"at most {max_images} images are allowed here, not {len(generation.images)}"
        )


def _ratio(generation: GenerationRequest, first: ImageInput | None, allowed: Mapping[str, str]) -> str | None:
    """Translate the aspect ratio. An image sets the shape by itself: there the manifest may only agree with it."""
    if not generation.request.aspect_ratio:
        return None
    if first is None:
        return one_of("aspect_ratio", generation.request.aspect_ratio, allowed)
    if same_shape(generation.request.aspect_ratio, first.width, first.height):
        return None
    shape = f"{first.width}x{first.height}" if first.width else "behind a link"
    remedy = "write fit: cover or fit: contain, or leave the ratio out"
    raise Unsupported("aspect_ratio", f"Kling follows the image, which is {shape}: {remedy}")


def _image(image: ImageInput) -> str:
    """Return the image's link, or bare base64: Kling refuses the `data:` prefix."""
    if image.url:
        return image.url
    check_image(image, KLING)
    return bare_base64(image)


def _by_external_id(generation: GenerationRequest) -> Request:
    return poll(generation, generation.external_id)


def _read_task(response: Response) -> tuple[Candidate, ...] | Rejected:
    """Read what Kling's poll tells of a task: it names one as the reply to a submit does (C-kling, K-doc)."""
    document = parse(response.body)
    vendor_error = find_error(document)
    if refusals.is_unseen(response, vendor_error):
        return ()
    read = read_submit(response)
    if isinstance(read, Rejected):
        return read
    if not isinstance(read, Accepted):
        return refusals.build_rejection(response, vendor_error, FailureKind.UNAVAILABLE)
    named = first_text(dig(layer, ("task_info", "external_task_id")) for layer in unwrap(document))
    return (Candidate(task_id=read.task_id, model=read.model, external_id=named),)


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=tuple(f"/v1/videos/{kind}" for kind in SUPPORTED),
    lookups={
        "external_id": LookupMethod(ask=_by_external_id, read=_read_task, where="by our id of the call", exact=True)
    },
    image_rules=(("", KLING),),
)
