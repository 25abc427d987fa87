"""The OpenAI Videos wire, as Sora and its many relays speak it: multipart, string seconds, an exact size.

A remix is JSON on a path of its own. Sources: apidoc.cometapi.com/api/video/sora-2, openai/openai-openapi. Any other
model on the same route takes an exact resolution, and a picture of any size. Servers with fields of their own have
modules of their own (sglang.py, vllm_omni.py, litellm.py, llmgateway.py, openrouter.py). It knows no prefix and no key.
"""

from __future__ import annotations

from batchvid.dialects.common import poll_replies
from batchvid.dialects.common.frame_sizes import TIERS
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    clip_id,
    exact_size,
    find_by_action,
    first_and_last,
    form,
    one_of,
    path_segment,
    refuse_unsupported,
    uploaded,
    whole_seconds,
)
from batchvid.dialects.common.submit_replies import read_submit
from batchvid.dialects.common.task_lists import read_task_list
from batchvid.dialects.dialect import Dialect, LookupMethod
from batchvid.domain.wire import GenerationRequest, ImageInput, Rejected, Request, Response, Status
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

PATH = "/v1/videos"
WIRE = "the OpenAI videos wire"
MAX_PROMPT_CHARS = 32_000
MAX_LISTED = 100  # the most that OpenAI gives on a page (O-oas); newest first
SUPPORTED = {
    "": ("prompt", "image", "end_image", "duration_s", "aspect_ratio", "resolution"),
    "remix": ("action", "parent", "prompt"),  # the rest is the source clip's
}
WIDE_SIZES = {"7:4": "1792x1024", "4:7": "1024x1792"}  # sora-2-pro


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. One image is allowed, for Sora of exactly the size of the clip. Raises Unsupported.

    A remix names its source, a finished Sora task: its parent, or the option `video_id`.
    """
    refuse_unsupported(generation, WIRE, find_by_action(generation, WIRE, SUPPORTED))
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    if generation.request.action:
        return _remix(generation)
    seconds, size = whole_seconds(generation), clip_size(generation)
    first, last = first_and_last(generation)
    if last:
        raise Unsupported("end_image", f"{WIRE} takes one image, as the first frame")
    if first and is_sora(generation.request.model):
        check_pixels(uploaded(first), size)
    fields = {
        "model": generation.request.model,
        "prompt": generation.request.prompt,
        "seconds": str(seconds or ""),
        "size": size,
    }
    return Request(method="POST", path=PATH, parts=form(fields, [uploaded(first)] if first else [], generation))


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature; this path depends on the id only
    """Build the poll request."""
    return Request(method="GET", path=f"{PATH}/{path_segment(task_id)}")


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply; after any link a finished clip is always offered at `/content`. Raises UnreadableReply."""
    content = f"{PATH}/{path_segment(task_id)}/content"
    return poll_replies.read_poll(response, task_id=task_id, prompt=prompt, content_path=content)


def _cancel(_generation: GenerationRequest, task_id: str) -> Request:
    """Build the cancellation: vLLM-Omni aborts a running task; OpenAI's own route refuses it."""
    return Request(method="DELETE", path=f"{PATH}/{path_segment(task_id)}")


def _newest(_generation: GenerationRequest) -> Request:
    return Request(method="GET", path=f"{PATH}?limit={MAX_LISTED}&order=desc")


def _remix(generation: GenerationRequest) -> Request:
    source = clip_id(generation, "video_id", "the task id of a finished Sora clip", is_task=True)
    options = {name: value for name, value in checked_options(generation).items() if name != "video_id"}
    body = {"prompt": generation.request.prompt, **options}
    return Request(method="POST", path=f"{PATH}/{path_segment(source)}/remix", json=body)


def is_sora(model: str) -> bool:
    """Whether a model's id names one of OpenAI's, also behind a relay's prefix.

    >>> is_sora("sora-2-pro"), is_sora("openai/sora-2"), is_sora("Wan-AI/Wan2.2-T2V-A14B")
    (True, True, False)
    """
    return "sora" in model.casefold()


def check_pixels(image: ImageInput, size: str) -> None:
    """Raise Unsupported for an image that is not of exactly this size: Sora refuses it only after the submit."""
    if size != (pixels := f"{image.width}x{image.height}"):
        clip = size or "say the resolution"
        remedy = "write fit: cover (or contain, stretch), and it is sent in that size"
        raise Unsupported("image", f"only the exact pixels of the clip ({clip}) are allowed, not {pixels}: {remedy}")


def clip_size(generation: GenerationRequest) -> str:
    """Translate resolution and aspect ratio into `WxH`; empty if neither is given. Raises Unsupported."""
    if exact := exact_size(generation):
        return f"{exact[0]}x{exact[1]}"
    if not generation.request.aspect_ratio:
        if generation.request.resolution:
            raise Unsupported(
                "aspect_ratio", f"must be given with the resolution {generation.request.resolution}: 16:9 or 9:16"
            )
        return ""
    tiers = TIERS | {"": TIERS["720p"] | WIDE_SIZES}
    if generation.request.resolution not in tiers:
        raise Unsupported(
            "resolution", f"allowed are 720p, 1080p or exact pixels like 1280x720, not {generation.request.resolution}"
        )
    return one_of("aspect_ratio", generation.request.aspect_ratio, tiers[generation.request.resolution])


NEWEST = LookupMethod(ask=_newest, read=read_task_list, where=f"among its newest {MAX_LISTED}", exact=False)
DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(PATH,),
    cancel=_cancel,
    lookups={"list": NEWEST},
)
