"""SGLang-diffusion's `/v1/videos`: OpenAI's form with the knobs of a diffusion model.

Source: sglang 0.5.23, `multimodal_gen.runtime.entrypoints.openai.video_api` and `.protocol`. The server ignores form
fields that neither it nor its model declares, so that a ratio or a tier, which it does not know, is refused here. Its
DELETE forgets the record and does not stop the GPU: it is no cancellation. Its list names no prompts.
"""

from __future__ import annotations

from batchvid.dialects.common.frame_sizes import frame_pixels
from batchvid.dialects.common.request_building import (
    check_prompt,
    find_by_action,
    first_and_last,
    form,
    refuse_unsupported,
    source_video,
    whole_seconds,
)
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.openai_videos import NEWEST, PATH, poll, read_poll, read_submit
from batchvid.domain.wire import GenerationRequest, Request

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

WIRE = "SGLang"
MAX_PROMPT_CHARS = 32_000
NEW = ("prompt", "negative_prompt", "image", "duration_s", "aspect_ratio", "resolution", "seed")
SUPPORTED = {"": NEW, "edit": (*NEW, "action", "video", "parent")}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. A first frame goes as a file or as a link, in any size. Raises Unsupported."""
    request = generation.request
    refuse_unsupported(generation, WIRE, find_by_action(generation, WIRE, SUPPORTED))
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    first, _ = first_and_last(generation)
    fields = {
        "model": request.model,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seconds": str(whole_seconds(generation) or ""),
        "size": frame_pixels(generation, WIRE),
        "seed": "" if request.seed is None else str(request.seed),
        "reference_url": first.url if first else "",
        "video_url": source_video(generation) if request.action else "",
    }
    files = [first] if first and not first.url else []
    return Request(method="POST", path=PATH, parts=form(fields, files, generation))


DIALECT = Dialect(
    submit=submit, read_submit=read_submit, poll=poll, read_poll=read_poll, api_paths=(PATH,), lookups={"list": NEWEST}
)
