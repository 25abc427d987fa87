"""Veo on CometAPI's `/v1/videos`: an orientation hint for a size, and up to two ordered frames.

Source: apidoc.cometapi.com/api/video/veo3. It is polled and answers like every other model of that route.
It knows no prefix, no key and no model's limits.
"""

from __future__ import annotations

from batchvid.dialects.common.request_building import (
    check_prompt,
    exact_size,
    first_and_last,
    form,
    one_of,
    refuse_unsupported,
    uploaded,
    whole_seconds,
)
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.openai_videos import PATH, poll, read_poll, read_submit
from batchvid.domain.wire import GenerationRequest, Request
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

MAX_PROMPT_CHARS = 32_000  # Veo publishes none: this is the route's
SUPPORTED = ("prompt", "image", "end_image", "duration_s", "aspect_ratio", "resolution")
HINTS = {"16:9": "16x9", "9:16": "9x16"}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request, from text, from a first frame, or from a first and a last one. Raises Unsupported."""
    refuse_unsupported(generation, "the Veo wire", SUPPORTED)
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    seconds = whole_seconds(generation)
    frames = [uploaded(image) for image in first_and_last(generation) if image]
    fields = {
        "model": generation.request.model,
        "prompt": generation.request.prompt,
        "size": _size(generation),
        "seconds": str(seconds or ""),
    }
    return Request(method="POST", path=PATH, parts=form(fields, frames, generation))


def _size(generation: GenerationRequest) -> str:
    if exact := exact_size(generation):
        return f"{exact[0]}x{exact[1]}"  # not in the schema, but a public client uses it with veo3.1
    if generation.request.resolution:
        raise Unsupported(
            "resolution", f"exact pixels like 1280x720 are allowed, or none, not {generation.request.resolution}"
        )
    return one_of("aspect_ratio", generation.request.aspect_ratio, HINTS) if generation.request.aspect_ratio else ""


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(PATH,),
)
