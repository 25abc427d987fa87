"""LLMGateway's `/v1/videos`: OpenAI's task object, and a request in JSON with a number of seconds.

Sources: docs.llmgateway.io/features/video-generation; theopenco/llmgateway, `apps/gateway/src/videos`. A
callback needs a secret that only the server and its user know, so none is requested.
"""

from __future__ import annotations

from typing import Any

from batchvid.dialects.common.frame_sizes import frame_pixels
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    data_uri,
    find_by_action,
    first_and_last,
    images_with_role,
    refuse_unsupported,
    whole_seconds,
)
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.openai_videos import PATH, poll, read_poll, read_submit
from batchvid.domain.wire import GenerationRequest, ImageInput, Request
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

WIRE = "LLMGateway"
MAX_PROMPT_CHARS = 32_000
MAX_REFERENCES = 9  # of Seedance 2.x; other models take 3
NEW = (
    *("prompt", "image", "end_image", "reference_images", "duration_s", "aspect_ratio", "resolution", "sound"),
    *("video", "audio"),
)
SUPPORTED = {"": NEW}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. Frames and references exclude each other; clips and sounds are links.

    Raises Unsupported.
    """
    request = generation.request
    refuse_unsupported(generation, WIRE, find_by_action(generation, WIRE, SUPPORTED))
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    seconds = whole_seconds(generation)
    if seconds is None:
        raise Unsupported("duration_s", f"{WIRE} requires it: write it in whole seconds")
    first, last = first_and_last(generation)
    references = images_with_role(generation, "reference")
    if len(references) > MAX_REFERENCES:
        raise Unsupported("reference_images", f"at most {MAX_REFERENCES} are allowed, not {len(references)}")
    for field, value in (("reference_images", references), ("video", request.video), ("audio", request.audio)):
        if first and value:
            raise Unsupported(field, f"{WIRE} allows none together with `image`")
    body: dict[str, Any] = {
        "model": request.model,
        "prompt": request.prompt,
        "seconds": seconds,
        "size": frame_pixels(generation, WIRE) or None,
        "audio": request.sound,
        "image": _picture(first) if first else None,
        "last_frame": _picture(last) if last else None,
        "reference_images": [_picture(image) for image in references] or None,
        "reference_videos": [{"video_url": _link("video", request.video)}] if request.video else None,
        "reference_audios": [{"audio_url": _link("audio", request.audio)}] if request.audio else None,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    return Request(method="POST", path=PATH, json={**sent, **checked_options(generation, sent)})


def _picture(image: ImageInput) -> dict[str, str]:
    return {"image_url": image.url or data_uri(image)}


def _link(field: str, value: str) -> str:
    if not value.casefold().startswith("https://"):
        raise Unsupported(field, f"{WIRE} takes an https:// link")
    return value


DIALECT = Dialect(submit=submit, read_submit=read_submit, poll=poll, read_poll=read_poll, api_paths=(PATH,))
