"""A new-api style gateway's `/v1/videos`: JSON with a `mode`, for the models of many vendors behind one key.

Sources: the gateway's own page (seed 004), and the server of QuantumNous/new-api for what stock ones do.
It knows no prefix, no key and no model's limits. A gateway's remix and list are not exposed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batchvid.dialects.common.image_rules import ANY, ARK, ImageRules, check_image
from batchvid.dialects.common.image_rules import KLING as KLING_IMAGES
from batchvid.dialects.common.option_values import ARK as ARK_OPTIONS
from batchvid.dialects.common.option_values import KLING as KLING_OPTIONS
from batchvid.dialects.common.option_values import MAX_ARK_SEED, OneOf, Rules, check_camera, check_seed, check_values
from batchvid.dialects.common.request_building import (
    bare_base64,
    check_length,
    check_prompt,
    checked_options,
    clip_id,
    data_uri,
    exact_size,
    find_by_action,
    first_and_last,
    images_with_role,
    manifest_field,
    multipart,
    one_of,
    refuse_unsupported,
    source_video,
    whole_seconds,
)
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.openai_videos import PATH, check_pixels, clip_size, poll, read_poll, read_submit
from batchvid.domain.wire import GenerationRequest, ImageInput, Request
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

MAX_PROMPT_CHARS = 32_000  # the gateway publishes none: this is the OpenAI wire's
SOUND = {True: "on", False: "off"}
KLING = "kling-video"
VEO = "veo"
FILE_PART = "input_reference"
GROUPS = ("stable", "official")  # the page: groups of an account or key, never a suffix of a model's name
QUALITIES = {"std": "std", "pro": "pro"}  # Kling's own `mode`: it travels in `metadata`, which overlays Kling's body
OMNI_SECONDS = (4, 6, 8, 10)  # the gateway rounds anything else by itself, and bills what it rounded to

_SHAPE = ("prompt", "duration_s", "aspect_ratio", "resolution")
SUPPORTED = {
    "sora": (*_SHAPE, "image"),
    "kling": (*_SHAPE, "mode", "negative_prompt", "sound", "image", "reference_images", "parent", "action"),
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
        "i2v": (("image_url", "input_reference"),),
        "i2v_first_last": (("image_url",), ("end_image_url",)),
        "reference_images": (("reference_images",),),
        "r2v": (_PICTURES,),
        "reference_material": (("image_urls", "video_urls", "audio_urls", "content"),),
        "edit": (_VIDEOS,),
    },
}
"""The least that each mode of a family holds beside the prompt: of every group one field, options included."""

MODES = {family: tuple(dict.fromkeys(("t2v", *needs))) for family, needs in NEEDS.items() if needs}
"""The modes that the gateway's page names, for each family but Sora's."""

SEEDANCE = "doubao-seedance"
PROMPT_CHARS = (("kling", 2500), ("grok", 4096), ("hailuo", 2000))  # the vendors' own (wire-notes 7.5, 7.7)
OPTIONS: tuple[tuple[str, Rules], ...] = (("kling", KLING_OPTIONS), (SEEDANCE, ARK_OPTIONS))

LOCAL: tuple[tuple[str, Callable[[ImageInput], str], ImageRules], ...] = (
    ("kling", bare_base64, KLING_IMAGES),
    ("sora", data_uri, ANY),
    ("grok", data_uri, ANY),
    (SEEDANCE, data_uri, ARK),
)
"""How a local file is written and what it must be, by the model's beginning: the gateway forwards the text."""


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. Images go as links; a local file only where the vendor takes it. Raises Unsupported."""
    _check_model(generation.request.model)
    family = _family(generation.request.model)
    wire = f"the gateway's {family} wire" if family != "other" else "the gateway's wire"
    mode = find_by_action(generation, wire, ACTIONS[family])
    refuse_unsupported(generation, wire, SUPPORTED[family])
    _check_texts(generation, required=mode != "extend")
    _check_values(generation, family)
    body = BODIES[family](generation, mode) | {"callback_url": generation.callback_url or None}
    file = _file_part(generation)
    sent = {name: value for name, value in body.items() if value is not None}
    # its mode names the inputs; a bare `kling-video` leaves the model of Kling's to the options
    sent |= checked_options(
        generation, sent, of_wire={"mode", *({"model_name"} - sent.keys() if family == "kling" else ())}
    )
    given = sent.keys() | ({FILE_PART} if file else set())
    for group in NEEDS[family].get(str(sent.get("mode")), ()):
        if not given & set(group):
            raise Unsupported("options", f"{wire} needs {' or '.join(group)} in mode {sent['mode']}")
    if file is None:
        return Request(method="POST", path=PATH, json=sent)
    return Request(method="POST", path=PATH, parts=multipart(sent, [file]))


def _check_model(model: str) -> None:
    """Raise Unsupported for a model with the name of a group: the gateway's page tells to name the base model."""
    base, dash, group = model.rpartition("-")
    if dash and group in GROUPS:
        raise Unsupported(
            "model",
            f"{group} is a group of the gateway and no part of a model's name: write model: {base}; the account or "
            f"the group of its key decides which group serves it",
        )


def _file_part(generation: GenerationRequest) -> ImageInput | None:
    """The local first frame that goes as the file `input_reference`, None if every image stands in the body."""
    first, last = first_and_last(generation)
    if first is None or first.url or not generation.request.model.startswith(VEO):
        return None
    if last is not None:
        raise Unsupported(
            "end_image", "the gateway takes a first and a last frame by link: give two https:// addresses"
        )
    return first


def _check_texts(generation: GenerationRequest, *, required: bool) -> None:
    """Raise Unsupported for a prompt that is empty, or longer than the vendor behind the gateway takes."""
    model = generation.request.model
    most = next((chars for start, chars in PROMPT_CHARS if model.startswith(start)), MAX_PROMPT_CHARS)
    check_prompt(generation, max_chars=most, required=required)
    check_length("negative_prompt", generation.request.negative_prompt, most)


def _check_values(generation: GenerationRequest, family: str) -> None:
    """Raise Unsupported for a mode that the family has not, and for values that the vendor excludes."""
    model, options = generation.request.model, generation.request.options
    rules = next((rules for start, rules in OPTIONS if model.startswith(start)), {})
    modes: Rules = {"mode": OneOf(MODES[family])} if family in MODES else {}
    check_values(options, {**rules, **modes})
    if family == "kling":
        check_camera(options)
    if model.startswith(SEEDANCE):
        check_seed(generation.request.seed, MAX_ARK_SEED)


def _family(model: str) -> str:
    if model.startswith("kling-v"):
        return "kling"
    return next((family for family in ("sora", "gemini-omni") if model.startswith(family)), "other")


def _sora(generation: GenerationRequest, _mode: str) -> dict[str, Any]:
    """The body as OpenAI has it, and nothing else: a stock gateway forwards it unchanged."""
    first, _ = first_and_last(generation)
    size, seconds = clip_size(generation), whole_seconds(generation)
    if first and not first.url:
        check_pixels(first, size)
    return {
        "model": generation.request.model,
        "prompt": generation.request.prompt,
        "seconds": None if seconds is None else str(seconds),
        "size": size or None,
        "input_reference": {"image_url": _picture(generation.request.model, first)} if first else None,
    }


def _kling(generation: GenerationRequest, mode: str) -> dict[str, Any]:
    """The body with Kling's names, except that the duration is a number."""
    first, _ = first_and_last(generation)
    references = images_with_role(generation, "reference")
    if first and references:
        raise Unsupported("reference_images", "Kling allows none together with `image`")
    if generation.parent and not mode:
        raise Unsupported("parent", "Kling takes a source clip only for `action: extend`")
    made_of = "i2v" if first else "multi_i2v" if references else "t2v"
    if generation.request.mode and "metadata" in generation.request.options:
        raise Unsupported("mode", "it travels in metadata, which the options set too: write metadata.mode there alone")
    return {
        **_shared(generation),
        "video_id": clip_id(generation, "video_id", "of a Kling clip", is_task=True) if generation.parent else None,
        "model": KLING,
        "model_name": None if generation.request.model == KLING else generation.request.model.removeprefix(f"{KLING}/"),
        "mode": mode or made_of,
        "metadata": {"mode": one_of("mode", generation.request.mode, QUALITIES)} if generation.request.mode else None,
        "negative_prompt": generation.request.negative_prompt or None,
        "sound": None if generation.request.sound is None else SOUND[generation.request.sound],
        "image": _picture(generation.request.model, first) if first else None,
        "image_list": [{"image": _picture(generation.request.model, image)} for image in references] or None,
    }


def _gemini_omni(generation: GenerationRequest, mode: str) -> dict[str, Any]:
    references = [_picture(generation.request.model, image) for image in images_with_role(generation, "reference")]
    seconds = whole_seconds(generation)
    if seconds is not None and seconds not in OMNI_SECONDS:
        raise Unsupported("duration_s", f"gemini-omni makes {', '.join(map(str, OMNI_SECONDS))} s, not {seconds}")
    if (generation.request.video or generation.parent) and not mode:
        field = "video" if generation.request.video else "parent"
        raise Unsupported(field, "gemini-omni takes a source clip only for `action: edit`")
    return {
        **_shared(generation),
        "mode": mode or ("r2v" if references else "t2v"),
        "reference_images": references or None,
        "video_url": source_video(generation) if mode else None,
    }


def _other(generation: GenerationRequest, mode: str) -> dict[str, Any]:
    """The body in the page's general modes: frames, references, or any material that includes clips or sounds."""
    first, last = first_and_last(generation)
    references = [_picture(generation.request.model, image) for image in images_with_role(generation, "reference")]
    source = generation.request.video or generation.parent
    if first and (references or source or generation.request.audio):
        raise Unsupported("image", "the gateway's wire allows none together with references, a video or a sound")
    if mode and generation.request.audio:
        raise Unsupported("audio", "the gateway's wire takes none beside a clip that is edited")
    material = not mode and bool(
        source or generation.request.audio or generation.request.options.get("mode") == "reference_material"
    )
    made_of = "i2v_first_last" if last else "i2v" if first else "reference_images" if references else "t2v"
    return {
        **_shared(generation),
        "mode": mode or ("reference_material" if material else made_of),
        "image_url": _picture(generation.request.model, first) if first and not _file_part(generation) else None,
        "end_image_url": _picture(generation.request.model, last) if last else None,
        "image_urls" if material else "reference_images": references or None,
        "video_urls": [source_video(generation)] if material and source else None,
        "video_url": source_video(generation) if mode else None,
        "audio_urls": [generation.request.audio] if generation.request.audio else None,
    }


BODIES: Mapping[str, Callable[[GenerationRequest, str], dict[str, Any]]] = {
    "sora": _sora,
    "kling": _kling,
    "gemini-omni": _gemini_omni,
    "other": _other,
}


def _shared(generation: GenerationRequest) -> dict[str, Any]:
    """The fields of every family except Sora's. `duration` may be a number; stock refuses `seconds` as one."""
    exact = exact_size(generation)
    return {
        "model": generation.request.model,
        "prompt": generation.request.prompt or None,
        "duration": whole_seconds(generation),
        "size": f"{exact[0]}x{exact[1]}" if exact else None,
        "aspect_ratio": None if exact else generation.request.aspect_ratio or None,
        "resolution": None if exact else generation.request.resolution or None,
        "seed": generation.request.seed,
        "external_task_id": generation.external_id or None,
    }


def _picture(model: str, image: ImageInput) -> str:
    """Return the image's link, or its bytes as the vendor behind the gateway takes them."""
    if image.url:
        return image.url
    for start, written, rules in LOCAL:
        if model.startswith(start):
            check_image(image, rules)
            return written(image)
    raise Unsupported(
        manifest_field(image), f"the gateway fetches pictures for {model} by link: give an https:// address"
    )


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(PATH,),
    image_rules=(("kling", KLING_IMAGES), ("doubao-seedance", ARK)),
)
