"""MiniMax's first version of video generation (Hailuo): flat fields, errors as codes in a 200, and a file to look up.

Sources: platform.minimax.io, video-generation-t2v, -i2v, -query, -download. A finished task names a file; a second
call gives its link, which lives an hour. No list, no cancellation. It knows no prefix, no key and no price.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from batchvid.dialects.common import poll_replies, refusals, submit_replies
from batchvid.dialects.common.assets import find_assets
from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.image_rules import HAILUO, check_image
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import Path, beginning, dig, identifier
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    data_uri,
    first_and_last,
    images_with_role,
    one_of,
    refuse_unsupported,
    whole_seconds,
)
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.dialect import Dialect
from batchvid.dialects.minimax import read_unknown_task
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import (
    Accepted,
    GenerationRequest,
    ImageInput,
    Phase,
    Rejected,
    Request,
    Response,
    Status,
    Uncertain,
)
from batchvid.errors import UnreadableReply, Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_result", "read_submit", "submit"]

SUBMIT = "/v1/video_generation"
QUERY = "/v1/query/video_generation"
FILES = "/v1/files/retrieve"
WIRE = "MiniMax's V1 wire"
MAX_PROMPT_CHARS = 2000
SUPPORTED = ("prompt", "image", "end_image", "reference_images", "duration_s", "resolution")
TIERS = {"512p": "512P", "720p": "720P", "768p": "768P", "1080p": "1080P"}
SUBJECT = "S2V"

VENDOR: dict[str, Path] = {"file_id": ("file_id",)}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. MiniMax's own rewriting of prompts is on by default, and stated. Raises Unsupported."""
    refuse_unsupported(generation, WIRE, SUPPORTED)
    request = generation.request
    first, last = first_and_last(generation)
    subjects = images_with_role(generation, "reference")
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS, required=not (first or subjects))
    _check_inputs(generation, first)
    body: dict[str, Any] = {
        "model": request.model,
        "prompt": request.prompt or None,
        "duration": whole_seconds(generation),
        "resolution": one_of("resolution", request.resolution.casefold(), TIERS) if request.resolution else None,
        "first_frame_image": _link(first) if first else None,
        "last_frame_image": _link(last) if last else None,
        "subject_reference": [{"type": "character", "image": [_link(subjects[0])]}] if subjects else None,
        "prompt_optimizer": True,
        "callback_url": generation.callback_url or None,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    return Request(method="POST", path=SUBMIT, json={**sent, **checked_options(generation, sent)})


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply; a refusal is a `base_resp` in a 200."""
    return submit_replies.read_submit(response, sent=sent, table=TABLES["minimax-v1"])


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature; this path depends on the id only
    """Build the poll request."""
    return Request(method="GET", path=f"{QUERY}?task_id={quote(task_id, safe='')}")


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply. A finished task needs its file looked up. Raises UnreadableReply."""
    if unseen := read_unknown_task(response):
        return unseen
    status = poll_replies.read_poll(response, task_id=task_id, prompt=prompt, vendor=VENDOR)
    if not isinstance(status, Status) or status.phase is not Phase.SUCCEEDED or status.assets:
        return status
    file_id = identifier(dig(parse(response.body), ("file_id",)))
    if not file_id:
        return status
    return replace(status, follow_up=Request(method="GET", path=f"{FILES}?file_id={quote(file_id, safe='')}"))


def read_result(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:  # noqa: ARG001 - the port's signature
    """Read the reply about the file of a finished task. Raises UnreadableReply."""
    document = parse(response.body)
    file = dig(document, ("file",))
    assets = find_assets([{"file": file}]) if isinstance(file, dict) else ()
    if assets and response.status == 200:
        metadata = {"file_id": identifier(file.get("file_id"))} if isinstance(file, dict) else {}
        return Status(phase=Phase.SUCCEEDED, vendor_status="Success", assets=assets, vendor_metadata=metadata)
    if 200 <= response.status < 300 and document is None:
        raise UnreadableReply(f"{refusals.describe(response)}: not a JSON object", beginning(response.body))
    refusal = refusals.read_refusal(response, document, TABLES["minimax-v1"])
    return refusal or refusals.build_rejection(response, find_error(document), FailureKind.UNAVAILABLE)


def _check_inputs(generation: GenerationRequest, first: ImageInput | None) -> None:
    """Raise Unsupported for inputs that the model's kind does not take."""
    subjects = images_with_role(generation, "reference")
    is_subject = generation.request.model.startswith(SUBJECT)
    if subjects and (first or not is_subject or len(subjects) > 1):
        raise Unsupported("reference_images", f"one is allowed, for {SUBJECT} models, without `image`")
    if is_subject and not subjects:
        raise Unsupported("reference_images", f"one is required by {SUBJECT} models: the character")
    if is_subject and (generation.request.duration_s is not None or generation.request.resolution):
        field = "resolution" if generation.request.resolution else "duration_s"
        raise Unsupported(field, f"{SUBJECT} models take none: leave it out")


def _link(image: ImageInput) -> str:
    check_image(image, HAILUO)
    return image.url or data_uri(image)


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(SUBMIT, QUERY, FILES),
    read_result=read_result,
    image_rules=(("", HAILUO),),
)
