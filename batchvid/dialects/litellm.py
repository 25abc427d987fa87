"""A LiteLLM proxy's `/v1/videos`: OpenAI's fields and OpenRouter's, which it translates for the vendor behind it.

Source: litellm 1.110.2, `proxy.video_endpoints.endpoints`, `types.videos.main` and `llms.*.videos`. A local picture is
a file part, as OpenAI's SDK sends it; anything else is JSON, which keeps the types of the fields. A backend that cannot
take a field refuses it (`UnsupportedParamsError`), unless the proxy has `drop_params`. There is no DELETE, and the list
is only that of one backend: no cancellation, no look-up. The transport forbids the proxy to repeat paid calls.
"""

from __future__ import annotations

from typing import Any

from batchvid.dialects.common.frame_sizes import tier_pixels
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    clip_id,
    data_uri,
    find_by_action,
    first_and_last,
    form,
    images_with_role,
    refuse_unsupported,
    whole_seconds,
)
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.openai_videos import PATH, poll, read_poll, read_submit
from batchvid.domain.wire import GenerationRequest, ImageInput, Request
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

WIRE = "LiteLLM"
MAX_PROMPT_CHARS = 32_000
NEW = (
    *("prompt", "image", "end_image", "reference_images", "duration_s", "aspect_ratio", "resolution", "seed", "sound"),
)
SUPPORTED = {"": NEW, "edit": ("action", "parent", "prompt"), "extend": ("action", "parent", "prompt", "duration_s")}
ACTIONS = {"edit": "edits", "extend": "extensions"}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. Raises Unsupported."""
    refuse_unsupported(generation, WIRE, find_by_action(generation, WIRE, SUPPORTED))
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    if generation.request.action:
        return _continuation(generation)
    first, last = first_and_last(generation)
    references = images_with_role(generation, "reference")
    if first and references:
        raise Unsupported("reference_images", f"{WIRE} allows none together with `image`")
    fields = _fields(generation)
    if first and not first.url and not last:
        texts = {name: value if isinstance(value, str) else str(value).lower() for name, value in fields.items()}
        return Request(method="POST", path=PATH, parts=form(texts, [first], generation))
    frames = (("first_frame", first), ("last_frame", last)) if last else ()
    pictures = {
        "input_reference": first.url if first and not last else None,
        "frame_images": [{**picture_part(image), "frame_type": role} for role, image in frames if image] or None,
        "input_references": [picture_part(image) for image in references] or None,
    }
    sent = {**fields, **{name: value for name, value in pictures.items() if value}}
    return Request(method="POST", path=PATH, json={**sent, **checked_options(generation, sent)})


def picture_part(image: ImageInput) -> dict[str, Any]:
    """Return a picture as OpenRouter's API has it, as a link or a data URI."""
    return {"type": "image_url", "image_url": {"url": image.url or data_uri(image)}}


def _fields(generation: GenerationRequest) -> dict[str, Any]:
    """The fields besides the pictures; `size` is the one that every backend translates."""
    request, size = generation.request, tier_pixels(generation)
    seconds = whole_seconds(generation)
    fields = {
        "model": request.model,
        "prompt": request.prompt,
        "seconds": str(seconds) if seconds else None,
        "size": size or None,
        "aspect_ratio": None if size else request.aspect_ratio or None,
        "resolution": None if size else request.resolution or None,
        "seed": request.seed,
        "generate_audio": request.sound,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _continuation(generation: GenerationRequest) -> Request:
    """An edit or an extension of a finished clip of the same proxy."""
    source = clip_id(generation, "video_id", "the id of a finished clip of this proxy", is_task=True)
    options = {name: value for name, value in checked_options(generation).items() if name != "video_id"}
    seconds = whole_seconds(generation)
    length = {"seconds": str(seconds)} if seconds else {}
    body = {"prompt": generation.request.prompt, "video": {"id": source}, **length, **options}
    return Request(method="POST", path=f"{PATH}/{ACTIONS[generation.request.action]}", json=body)


DIALECT = Dialect(submit=submit, read_submit=read_submit, poll=poll, read_poll=read_poll, api_paths=(PATH,))
