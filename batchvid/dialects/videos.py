"""Any other model on CometAPI's `/v1/videos`: the fields that all of them share, as multipart, and no more.

Source: apidoc.cometapi.com/api/video; `video` as its public clients send it. What a model calls otherwise is stated
by options. It knows no prefix, no key and no model: values go out as the manifest has them.
"""

from __future__ import annotations

from batchvid.dialects.common.request_building import (
    check_prompt,
    exact_size,
    find_by_action,
    form,
    frames_or_references,
    refuse_unsupported,
    source_video,
    uploaded,
    whole_seconds,
)
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.openai_videos import PATH, poll, read_poll, read_submit
from batchvid.domain.wire import GenerationRequest, Request

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

WIRE = "the generic /v1/videos wire"
MAX_PROMPT_CHARS = 32_000  # the route's, as far as anybody publishes one
NEW = ("prompt", "image", "end_image", "reference_images", "duration_s", "aspect_ratio", "resolution")
SUPPORTED = {"": NEW, "edit": (*NEW, "action", "video", "parent")}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. An edit needs the link of its source clip; files stay in order. Raises Unsupported."""
    refuse_unsupported(generation, WIRE, find_by_action(generation, WIRE, SUPPORTED))
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    exact = exact_size(generation)
    fields = {
        "model": generation.request.model,
        "prompt": generation.request.prompt,
        "seconds": str(whole_seconds(generation) or ""),
        "size": f"{exact[0]}x{exact[1]}" if exact else generation.request.aspect_ratio,
        "resolution": "" if exact else generation.request.resolution,
        "video": source_video(generation) if generation.request.action else "",
    }
    files = [uploaded(image) for image in frames_or_references(generation)]
    return Request(method="POST", path=PATH, parts=form(fields, files, generation))


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(PATH,),
)
