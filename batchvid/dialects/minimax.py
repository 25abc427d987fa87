"""MiniMax's second version of video generation (H3): a `content` of parts, a task object, real HTTP errors.

Sources: MiniMax's OpenAPI of V2 (platform.minimax.io, video-generation-v2-create, -query, -list, -delete). It knows no
prefix, no key and no price; minimax_v1.py has the Hailuo models.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from batchvid.dialects.common import poll_replies, submit_replies
from batchvid.dialects.common.content_parts import content_of
from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.image_rules import MINIMAX, check_image
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import Path
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    data_uri,
    first_and_last,
    one_of,
    path_segment,
    refuse_unsupported,
    same_shape,
    whole_seconds,
)
from batchvid.dialects.common.task_lists import read_task_list
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.dialect import Dialect, LookupMethod
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.wire import (
    Accepted,
    Candidate,
    GenerationRequest,
    ImageInput,
    Phase,
    Rejected,
    Request,
    Response,
    Status,
    Uncertain,
)
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

SUBMIT = "/v2/video_generation"
QUERY = "/v2/query/video_generation"
WIRE = "MiniMax's V2 wire"
MAX_PROMPT_CHARS = 7000
MAX_LISTED = 100
SUPPORTED = (
    *("prompt", "image", "end_image", "reference_images", "duration_s", "aspect_ratio", "resolution"),
    *("video", "audio", "mm_file://"),
)
RATIOS = {ratio: ratio for ratio in ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")}
TIERS = {"480p": "480P", "768p": "768P", "2k": "2K"}

VENDOR: dict[str, Path] = {
    "total_seconds": ("usage", "total_seconds"),
    "input_image_count": ("usage", "input_image_count"),
}
_UNKNOWN_TASK = re.compile(r"\binvalid task_?id\b", re.I)


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. Prompt, length and resolution are musts. Raises Unsupported."""
    refuse_unsupported(generation, WIRE, SUPPORTED)
    request = generation.request
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    if request.duration_s is None or not request.resolution:
        field = "resolution" if not request.resolution else "duration_s"
        raise Unsupported(field, "must be given: MiniMax H3 has no default")
    body: dict[str, Any] = {
        "model": request.model,
        "content": content_of(generation, _link, "MiniMax"),
        "resolution": one_of("resolution", request.resolution.casefold(), TIERS),
        "duration": whole_seconds(generation),
        "ratio": _ratio(generation),
        "callback_url": generation.callback_url or None,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    options = checked_options(generation, sent)
    if "content" in options:
        raise Unsupported("options", "content is made of the manifest's own keys: write prompt, image, video or audio")
    return Request(method="POST", path=SUBMIT, json={**sent, **options})


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply."""
    return submit_replies.read_submit(response, sent=sent, table=TABLES["minimax"])


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature; this path depends on the id only
    """Build the poll request."""
    return Request(method="GET", path=f"{QUERY}/{path_segment(task_id)}")


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply. Raises UnreadableReply. A task that MiniMax does not know is an invalid parameter there."""
    if response.status == 400 and (unseen := read_unknown_task(response)):
        return unseen
    status = poll_replies.read_poll(response, task_id=task_id, prompt=prompt, vendor=VENDOR, billed="total_seconds")
    if isinstance(status, Status) and status.kind is FailureKind.CANCELLED and status.charged is Charged.UNKNOWN:
        return replace(status, charged=Charged.NO)  # a cancelled task was in the queue, and is free
    return status


def read_unknown_task(response: Response) -> Status | None:
    """The status of a task that MiniMax does not know; None where the reply tells something else."""
    error = find_error(parse(response.body))
    if not _UNKNOWN_TASK.search(error.message):
        return None
    return Status(phase=Phase.UNSEEN, vendor_status="invalid task_id", message=error.message)


def _ratio(generation: GenerationRequest) -> str | None:
    """MiniMax ignores a ratio beside a frame, and requires one without any media."""
    ratio = generation.request.aspect_ratio
    first, _ = first_and_last(generation)
    if first is None:
        has_media = generation.images or generation.request.video
        if not ratio and not has_media:
            raise Unsupported("aspect_ratio", f"is required for a clip from text: {', '.join(RATIOS)}")
        return one_of("aspect_ratio", ratio, RATIOS) if ratio else None
    if not ratio or same_shape(ratio, first.width, first.height):
        return None
    shape = f"{first.width}x{first.height}" if first.width else "behind a link"
    remedy = "write fit: cover or fit: contain, or leave the ratio out"
    raise Unsupported("aspect_ratio", f"MiniMax follows the image, which is {shape}: {remedy}")


def _link(image: ImageInput) -> str:
    """Return the image's link, also one into MiniMax's own store (`mm_file://`), or a data URI."""
    check_image(image, MINIMAX)
    return image.url or data_uri(image)


def _cancel(_generation: GenerationRequest, task_id: str) -> Request:
    """Build the cancellation of a queued task. A running one is refused, of a finished one the record is lost."""
    return Request(method="DELETE", path=f"{SUBMIT}/{path_segment(task_id)}")


def _listed(_generation: GenerationRequest) -> Request:
    return Request(method="GET", path=f"{QUERY}?page_num=1&page_size={MAX_LISTED}")


def _read_list(response: Response) -> tuple[Candidate, ...] | Rejected:
    return read_task_list(response, rows=("items",))


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(SUBMIT, QUERY),
    cancel=_cancel,
    lookups={
        "list": LookupMethod(
            ask=_listed,
            read=_read_list,
            where=f"among its newest {MAX_LISTED} tasks of seven days",
            exact=False,
            kept_s=7 * 86400.0,
        )
    },
    image_rules=(("", MINIMAX),),
)
