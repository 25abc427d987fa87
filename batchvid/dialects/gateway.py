"""A new-api style gateway's `/v1/videos`: JSON with a `mode`, for the models of many vendors behind one key.

Sources: the gateway's own page (seed 004), and the server of QuantumNous/new-api for what stock ones do.
It knows no prefix, no key and no model's limits. A gateway's remix and list are not exposed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batchvid.dialects.common.request_building import (
    bare_base64,
    check_prompt,
    checked_options,
    clip_id,
    data_uri,
    exact_size,
    find_by_action,
    first_and_last,
    images_with_role,
    manifest_field,
    refuse_unspoken,
    source_video,
    whole_seconds,
)
from batchvid.dialects.openai_videos import PATH, check_pixels, clip_size, poll, read_poll, read_submit
from batchvid.domain.wire import GenerationRequest, ImageInput, Request
from batchvid.errors import Unsupported

__all__ = ["poll", "read_poll", "read_submit", "submit"]

MAX_PROMPT_CHARS = 32_000  # the gateway publishes none: this is the OpenAI wire's
SOUND = {True: "on", False: "off"}
KLING = "kling-video"
OMNI_SECONDS = (4, 6, 8, 10)  # the gateway rounds anything else by itself, and bills what it rounded to

_SHAPE = ("prompt", "duration_s", "aspect_ratio", "resolution")
SPOKEN = {
    "sora": (*_SHAPE, "image"),
    "kling": (*_SHAPE, "negative_prompt", "sound", "image", "reference_images", "parent", "action"),
    "gemini-omni": (*_SHAPE, "seed", "reference_images", "video", "parent", "action"),
    "other": (*_SHAPE, "seed", "image", "end_image", "reference_images", "video", "parent", "audio", "action"),
}
"""The fields that each family of models supports."""

ACTIONS = {
    "sora": {"": ""},
    "kling": {"": "", "extend": "extend"},
    "gemini-omni": {"": "", "edit": "edit"},
    "other": {"": "", "edit": "edit"},
}
"""The mode of each action; without one the inputs decide."""

_PICTURES = ("image", "image_url", "images", "image_urls", "reference_images", "input_reference", "content")
_VIDEOS = ("video", "video_url", "videos", "content")
NEEDS: dict[str, dict[str, tuple[tuple[str, ...], ...]]] = {
    "sora": {},
    "kling": {
        "t2v": (("model_name",),),
        "i2v": (("model_name",), ("image",)),
        "multi_i2v": (("model_name",), ("image_list",)),
        "extend": (("model_name",), ("video_id",)),
    },
    "gemini-omni": {"r2v": (_PICTURES,), "edit": (_VIDEOS,)},
    "other": {
        "i2v": (("image_url",),),
        "i2v_first_last": (("image_url",), ("end_image_url",)),
        "reference_images": (("reference_images",),),
        "r2v": (_PICTURES,),
        "reference_material": (("image_urls", "video_urls", "audio_urls", "content"),),
        "edit": (_VIDEOS,),
    },
}
"""The least that each mode of a family holds beside the prompt: of every group one field, options included."""

LOCAL: tuple[tuple[str, Callable[[ImageInput], str]], ...] = (
    ("kling", bare_base64),
    ("sora", data_uri),
    ("grok", data_uri),
    ("doubao-seedance", data_uri),
)
"""How a local file is written, by the model's beginning: the gateway hands the text on, and these vendors take it."""


def submit(order: GenerationRequest) -> Request:
    """Build the submit request. Images go as links; a local file only where the vendor takes it. Raises Unsupported."""
    family = _family(order.request.model)
    wire = f"the gateway's {family} wire" if family != "other" else "the gateway's wire"
    if order.request.mode:
        raise Unsupported("mode", "the gateway's own mode is another thing: ask for a quality by its options")
    mode = find_by_action(order, wire, ACTIONS[family])
    refuse_unspoken(order, wire, SPOKEN[family])
    check_prompt(order, max_chars=MAX_PROMPT_CHARS, required=mode != "extend")
    body = BODIES[family](order, mode)
    sent = {name: value for name, value in body.items() if value is not None}
    sent |= checked_options(order, sent)
    for group in NEEDS[family].get(str(sent.get("mode")), ()):
        if not sent.keys() & set(group):
            raise Unsupported("options", f"{wire} needs {' or '.join(group)} in mode {sent['mode']}")
    return Request(method="POST", path=PATH, json=sent)


def _family(model: str) -> str:
    if model.startswith("kling-v"):
        return "kling"
    return next((family for family in ("sora", "gemini-omni") if model.startswith(family)), "other")


def _sora(order: GenerationRequest, _mode: str) -> dict[str, Any]:
    """The body as OpenAI has it, and nothing else: a stock gateway forwards it unchanged."""
    first, _ = first_and_last(order)
    size, seconds = clip_size(order), whole_seconds(order)
    if first and not first.url:
        check_pixels(first, size)
    return {
        "model": order.request.model,
        "prompt": order.request.prompt,
        "seconds": None if seconds is None else str(seconds),
        "size": size or None,
        "input_reference": {"image_url": _picture(order.request.model, first)} if first else None,
    }


def _kling(order: GenerationRequest, mode: str) -> dict[str, Any]:
    """The body with Kling's names, except that the duration is a number."""
    first, _ = first_and_last(order)
    references = images_with_role(order, "reference")
    if first and references:
        raise Unsupported("reference_images", "Kling allows none together with `image`")
    if order.parent and not mode:
        raise Unsupported("parent", "Kling takes a source clip only for `action: extend`")
    made_of = "i2v" if first else "multi_i2v" if references else "t2v"
    return {
        **_shared(order),
        "video_id": clip_id(order, "video_id", "of a Kling clip", is_task=True) if order.parent else None,
        "model": KLING,
        "model_name": None if order.request.model == KLING else order.request.model.removeprefix(f"{KLING}/"),
        "mode": mode or made_of,
        "negative_prompt": order.request.negative_prompt or None,
        "sound": None if order.request.sound is None else SOUND[order.request.sound],
        "image": _picture(order.request.model, first) if first else None,
        "image_list": [{"image": _picture(order.request.model, image)} for image in references] or None,
    }


def _gemini_omni(order: GenerationRequest, mode: str) -> dict[str, Any]:
    references = [_picture(order.request.model, image) for image in images_with_role(order, "reference")]
    seconds = whole_seconds(order)
    if seconds is not None and seconds not in OMNI_SECONDS:
        raise Unsupported("duration_s", f"gemini-omni makes {', '.join(map(str, OMNI_SECONDS))} s, not {seconds}")
    if (order.request.video or order.parent) and not mode:
        field = "video" if order.request.video else "parent"
        raise Unsupported(field, "gemini-omni takes a source clip only for `action: edit`")
    return {
        **_shared(order),
        "mode": mode or ("r2v" if references else "t2v"),
        "reference_images": references or None,
        "video_url": source_video(order) if mode else None,
    }


def _other(order: GenerationRequest, mode: str) -> dict[str, Any]:
    """The body in the page's general modes: frames, references, or any material that includes clips or sounds."""
    first, last = first_and_last(order)
    references = [_picture(order.request.model, image) for image in images_with_role(order, "reference")]
    source = order.request.video or order.parent
    if first and (references or source or order.request.audio):
        raise Unsupported("image", "the gateway's wire allows none together with references, a video or a sound")
    if mode and order.request.audio:
        raise Unsupported("audio", "the gateway's wire takes none beside a clip that is edited")
    material = not mode and bool(source or order.request.audio)
    made_of = "i2v_first_last" if last else "i2v" if first else "reference_images" if references else "t2v"
    return {
        **_shared(order),
        "mode": mode or ("reference_material" if material else made_of),
        "image_url": _picture(order.request.model, first) if first else None,
        "end_image_url": _picture(order.request.model, last) if last else None,
        "image_urls" if material else "reference_images": references or None,
        "video_urls": [source_video(order)] if material and source else None,
        "video_url": source_video(order) if mode else None,
        "audio_urls": [order.request.audio] if order.request.audio else None,
    }


BODIES: Mapping[str, Callable[[GenerationRequest, str], dict[str, Any]]] = {
    "sora": _sora,
    "kling": _kling,
    "gemini-omni": _gemini_omni,
    "other": _other,
}


def _shared(order: GenerationRequest) -> dict[str, Any]:
    """The fields of every family except Sora's. `duration` may be a number; stock refuses `seconds` as one."""
    exact = exact_size(order)
    return {
        "model": order.request.model,
        "prompt": order.request.prompt or None,
        "duration": whole_seconds(order),
        "size": f"{exact[0]}x{exact[1]}" if exact else None,
        "aspect_ratio": None if exact else order.request.aspect_ratio or None,
        "resolution": None if exact else order.request.resolution or None,
        "seed": order.request.seed,
        "external_task_id": order.external_id or None,
    }


def _picture(model: str, image: ImageInput) -> str:
    """Return the image's link, or its bytes as the vendor behind the gateway takes them."""
    if image.url:
        return image.url
    for start, written in LOCAL:
        if model.startswith(start):
            return written(image)
    raise Unsupported(
        manifest_field(image), f"the gateway fetches pictures for {model} by link: give an https:// address"
    )
