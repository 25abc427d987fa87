"""Seedance on CometAPI's `/v1/videos`: a ratio and a tier up to 2.0, exact pixels since 2.5, references as files.

Sources: apidoc.cometapi.com/api/video/seedance, www.cometapi.com/how-to-use-seedance-2-5-api (2.5, its sizes).
It is polled and answers like every other model of that route. It knows no prefix, no key and no range of seconds.
"""

from __future__ import annotations

from batchvid.dialects.common.request_building import (
    check_prompt,
    exact_size,
    form,
    frames_or_references,
    manifest_field,
    one_of,
    refuse_unsupported,
    uploaded,
    whole_seconds,
)
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.openai_videos import PATH, poll, read_poll, read_submit
from batchvid.domain.wire import GenerationRequest, ImageInput, Request
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

MAX_PROMPT_CHARS = 32_000  # Seedance publishes none: this is the route's
SUPPORTED = ("prompt", "image", "reference_images", "duration_s", "aspect_ratio", "resolution")
TEXT_ONLY = "seedance-1-"  # 1.x answers a picture with HTTP 400: task_type r2v is not supported
IN_PIXELS = "seedance-2-5"
RATIOS = {ratio: ratio for ratio in ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")}
TIERS = {tier: tier for tier in ("480p", "720p", "1080p")}
SIZES = {
    "480p": {
        "21:9": "992x432",
        "16:9": "854x480",
        "4:3": "752x560",
        "1:1": "640x640",
        "3:4": "560x752",
        "9:16": "480x854",
    },
    "720p": {
        "21:9": "1470x630",
        "16:9": "1280x720",
        "4:3": "1112x834",
        "1:1": "960x960",
        "3:4": "834x1112",
        "9:16": "720x1280",
    },
}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request, from text or images; the prompt may name them `[Image 1]`. Raises Unsupported."""
    refuse_unsupported(generation, "the Seedance wire", SUPPORTED)
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    fields = {
        "model": generation.request.model,
        "prompt": generation.request.prompt,
        "seconds": str(whole_seconds(generation) or ""),
        **_geometry(generation),
    }
    return Request(method="POST", path=PATH, parts=form(fields, _pictures(generation), generation))


def _pictures(generation: GenerationRequest) -> tuple[ImageInput, ...]:
    pictures = tuple(uploaded(image) for image in frames_or_references(generation))
    if pictures and TEXT_ONLY in generation.request.model:
        raise Unsupported(manifest_field(pictures[0]), "Seedance 1.x makes clips from text only on this route")
    return pictures


def _geometry(generation: GenerationRequest) -> dict[str, str]:
    """Translate aspect ratio and resolution into `size` and `resolution`, as this generation of Seedance has them."""
    if exact := exact_size(generation):
        return {"size": f"{exact[0]}x{exact[1]}"}  # one guide sends it to 2.0, too
    ratio, tier = generation.request.aspect_ratio, generation.request.resolution
    if IN_PIXELS not in generation.request.model:
        return {
            "size": one_of("aspect_ratio", ratio, RATIOS) if ratio else "",
            "resolution": one_of("resolution", tier, TIERS) if tier else "",
        }
    if not ratio:
        if tier:
            raise Unsupported("aspect_ratio", f"must be given with the resolution {tier}")
        return {}
    return {"size": one_of("aspect_ratio", ratio, one_of("resolution", tier or "720p", SIZES))}


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(PATH,),
)
