"""A stock new-api server's native `/v1/video/generations`: its own few fields, and the vendor's own in `metadata`.

Source: QuantumNous/new-api, relay/common/relay_info.go and relay/channel/task/{kling,doubao,vidu}/adaptor.go. The
server drops every other field without a word, so that what its adaptors do not read is refused here.
It knows no prefix, no key and no model's limits; the task wrapper of its polls is everybody's (poll_replies.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batchvid.dialects.common import poll_replies
from batchvid.dialects.common.image_rules import ARK, KLING, check_image
from batchvid.dialects.common.option_values import ARK as ARK_OPTIONS
from batchvid.dialects.common.option_values import KLING as KLING_OPTIONS
from batchvid.dialects.common.option_values import (
    KLING_MODE,
    MAX_ARK_SEED,
    Rules,
    check_camera,
    check_seed,
    check_values,
)
from batchvid.dialects.common.request_building import (
    bare_base64,
    check_length,
    check_prompt,
    checked_options,
    data_uri,
    exact_size,
    first_and_last,
    frames_or_references,
    images_with_role,
    manifest_field,
    one_of,
    path_segment,
    refuse_unsupported,
    whole_seconds,
)
from batchvid.dialects.common.submit_replies import read_submit
from batchvid.dialects.dialect import Dialect
from batchvid.domain.wire import GenerationRequest, ImageInput, Rejected, Request, Response, Status
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

PATH = "/v1/video/generations"
CONTENT = "/v1/videos"  # the server has one content route, for the tasks of both
OWN = frozenset({"model", "prompt", "mode", "image", "images", "size", "duration", "seconds", "input_reference"})
MAX_PROMPT_CHARS = 32_000  # the server sets none: this is the OpenAI wire's
PROMPT_CHARS = {"kling": 2500}  # Kling's own API (wire-notes 7.5)
OPTIONS: Mapping[str, Rules] = {"kling": {**KLING_OPTIONS, **KLING_MODE}, "doubao": ARK_OPTIONS}
MODES = {"std": "std", "pro": "pro"}
SOUND = {True: "on", False: "off"}
KLING_SIZES = {"16:9": "1280x720", "9:16": "720x1280", "1:1": "1024x1024"}  # any other is made square, unasked
SIZES = {**KLING_SIZES, "4:3": "960x720", "3:4": "720x960"}
RATIOS = {ratio: ratio for ratio in ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")}
ROLES = {"first": "first_frame", "last": "last_frame", "reference": "reference_image"}
MIN_VIDU_REFERENCES = 3  # the server takes one picture for a first frame, two for the first and the last

_SCENE = ("prompt", "image", "duration_s", "resolution")
SUPPORTED = {
    "kling": (*_SCENE, "end_image", "aspect_ratio", "negative_prompt", "sound", "mode"),
    "doubao": (*_SCENE, "end_image", "reference_images", "aspect_ratio", "seed", "sound"),
    "vidu": (*_SCENE, "end_image", "reference_images", "seed"),
    "": (*_SCENE, "aspect_ratio"),
}
"""What the adaptor of each vendor reads, by the beginning of the model's name; the first that fits."""


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. Options are the vendor's: they go into the metadata, but for the server's own fields.

    Raises Unsupported.
    """
    vendor = next(start for start in SUPPORTED if generation.request.model.startswith(start))
    refuse_unsupported(generation, f"the new-api wire to {vendor or generation.request.model}", SUPPORTED[vendor])
    check_prompt(generation, max_chars=PROMPT_CHARS.get(vendor, MAX_PROMPT_CHARS))
    if vendor == "kling":
        check_length("negative_prompt", generation.request.negative_prompt, PROMPT_CHARS[vendor])
    if vendor == "doubao":
        check_seed(generation.request.seed, MAX_ARK_SEED)
    sent = {
        "model": generation.request.model,
        "prompt": generation.request.prompt,
        "duration": whole_seconds(generation),
    } | BODIES[vendor](generation)
    metadata = {name: value for name, value in sent.pop("metadata", {}).items() if value is not None}
    sent = {name: value for name, value in sent.items() if value is not None}
    options = dict(checked_options(generation, {*sent, *metadata}))
    vendors = options.pop("metadata", {})
    if not isinstance(vendors, dict):
        raise Unsupported("options", "metadata must hold the vendor's fields, each with its name")
    check_values(options | vendors, OPTIONS.get(vendor, {}))
    if vendor == "kling":
        check_camera(options | vendors)
    own = {name: value for name, value in options.items() if name in OWN}
    metadata |= {name: value for name, value in options.items() if name not in OWN} | vendors
    if metadata:
        sent["metadata"] = metadata
    return Request(method="POST", path=PATH, json=sent | own)


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature; this path depends on the id only
    """Build the poll request."""
    return Request(method="GET", path=f"{PATH}/{path_segment(task_id)}")


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply, wrapped or not; a finished clip is also offered at `/content`. Raises UnreadableReply."""
    content = f"{CONTENT}/{path_segment(task_id)}/content"
    return poll_replies.read_poll(response, task_id=task_id, prompt=prompt, content_path=content)


def _kling(generation: GenerationRequest) -> dict[str, Any]:
    """Kling's own fields in the metadata, which the server merges over its body."""
    first, last = first_and_last(generation)
    if generation.request.resolution and generation.request.resolution not in KLING_SIZES.values():
        raise Unsupported("resolution", f"{', '.join(KLING_SIZES.values())} are allowed; mode sets the quality")
    exact = exact_size(generation)
    ratio = (
        one_of("aspect_ratio", generation.request.aspect_ratio, KLING_SIZES)
        if generation.request.aspect_ratio
        else None
    )
    return {
        "mode": one_of("mode", generation.request.mode, MODES) if generation.request.mode else None,
        "size": generation.request.resolution if exact else ratio,
        "image": _encoded(first) if first else None,
        "metadata": {
            "image_tail": _encoded(last) if last else None,
            "negative_prompt": generation.request.negative_prompt or None,
            "sound": None if generation.request.sound is None else SOUND[generation.request.sound],
            "external_task_id": generation.external_id or None,
        },
    }


def _doubao(generation: GenerationRequest) -> dict[str, Any]:
    """The body as Ark has it; images go into its `content`, each with a role."""
    if exact_size(generation):
        raise Unsupported("resolution", "Seedance takes a tier like 720p here, beside the aspect_ratio")
    pictures = [
        {"type": "image_url", "image_url": {"url": image.url or data_uri(image)}, "role": ROLES[image.role]}
        for image in frames_or_references(generation)
    ]
    for image in generation.images:
        check_image(image, ARK)
    return {
        "metadata": {
            "content": pictures or None,
            "ratio": one_of("aspect_ratio", generation.request.aspect_ratio, RATIOS)
            if generation.request.aspect_ratio
            else None,
            "resolution": generation.request.resolution or None,
            "seed": generation.request.seed,
            "generate_audio": generation.request.sound,
        }
    }


def _vidu(generation: GenerationRequest) -> dict[str, Any]:
    """The body as Vidu has it: `size` is a tier, and the number of images decides their role."""
    if exact_size(generation):
        raise Unsupported("resolution", "Vidu takes a tier like 720p here: the clip has the shape of its picture")
    pictures = frames_or_references(generation)
    if images_with_role(generation, "reference") and len(pictures) < MIN_VIDU_REFERENCES:
        raise Unsupported("reference_images", f"at least {MIN_VIDU_REFERENCES} are needed: fewer are taken for frames")
    return {
        "size": generation.request.resolution or None,
        "images": [_linked(image) for image in pictures] or None,
        "metadata": {"seed": generation.request.seed},
    }


def _other(generation: GenerationRequest) -> dict[str, Any]:
    first, _ = first_and_last(generation)
    exact = exact_size(generation)
    if generation.request.resolution and not exact:
        raise Unsupported("resolution", f"exact pixels like 1280x720 are allowed, not {generation.request.resolution}")
    ratio = one_of("aspect_ratio", generation.request.aspect_ratio, SIZES) if generation.request.aspect_ratio else None
    return {"size": generation.request.resolution if exact else ratio, "image": _linked(first) if first else None}


BODIES: dict[str, Callable[[GenerationRequest], dict[str, Any]]] = {
    "kling": _kling,
    "doubao": _doubao,
    "vidu": _vidu,
    "": _other,
}


def _encoded(image: ImageInput) -> str:
    check_image(image, KLING)
    return image.url or bare_base64(image)


def _linked(image: ImageInput) -> str:
    if not image.url:
        raise Unsupported(manifest_field(image), "this vendor fetches pictures by link: give an https:// address")
    return image.url


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(PATH,),
    image_rules=(("kling", KLING), ("doubao", ARK)),
)
