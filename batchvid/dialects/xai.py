"""xAI's Grok Imagine wire, at xAI and behind CometAPI's prefix `/grok`: from text or pictures, edit and extend a clip.

Sources: docs.x.ai (model capabilities, video), xai-org/xai-proto, the REST client in vercel/ai,
apidoc.cometapi.com/api/video/xai. Replies come bare or wrapped, and a pending one may hold nothing at all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from batchvid.dialects.common import envelopes, poll_replies, submit_replies
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import Path, dig
from batchvid.dialects.common.links import asset_of
from batchvid.dialects.common.not_reached import is_web_page
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    data_uri,
    find_by_action,
    first_and_last,
    images_with_role,
    one_of,
    path_segment,
    refuse_unsupported,
    source_video,
    whole_seconds,
)
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.dialect import Dialect
from batchvid.domain.failures import Charged
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
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

WIRE = "the xAI wire"
MAX_PROMPT_CHARS = 4096
PATHS = {"": "/v1/videos/generations", "edit": "/v1/videos/edits", "extend": "/v1/videos/extensions"}
SUPPORTED = {
    "": ("prompt", "image", "reference_images", "duration_s", "aspect_ratio", "resolution"),
    "edit": ("action", "prompt", "video", "parent"),  # length and shape are the source clip's
    "extend": ("action", "prompt", "video", "parent", "duration_s"),  # the length is that of what is added
}
RATIOS = {ratio: ratio for ratio in ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")}
TIERS = {tier: tier for tier in ("480p", "720p", "1080p")}  # 1080p only on the 1.5 models

ID_PLACES: tuple[Path, ...] = (*envelopes.ID_PLACES, ("request_id",))  # here it is the task's id and no trace
LINK: Path = ("video", "url")
VENDOR: dict[str, Path] = {"cost_in_usd_ticks": ("usage", "cost_in_usd_ticks")}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. References and a first frame exclude each other. Raises Unsupported."""
    refuse_unsupported(generation, WIRE, find_by_action(generation, WIRE, SUPPORTED))
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    if generation.request.action == "extend" and generation.request.duration_s is None:
        raise Unsupported("duration_s", "is required: how many seconds are added, from 2 to 10")
    first, _ = first_and_last(generation)
    references = images_with_role(generation, "reference")
    if first and references:
        raise Unsupported("reference_images", "xAI allows none together with `image`")
    body: dict[str, Any] = {
        "model": generation.request.model,
        "prompt": generation.request.prompt,
        "video": {"url": source_video(generation)} if generation.request.action else None,
        "image": _picture(first) if first else None,
        "reference_images": [_picture(image) for image in references] or None,
        "duration": whole_seconds(generation),
        "aspect_ratio": one_of("aspect_ratio", generation.request.aspect_ratio, RATIOS)
        if generation.request.aspect_ratio
        else None,
        "resolution": one_of("resolution", generation.request.resolution, TIERS)
        if generation.request.resolution
        else None,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    return Request(
        method="POST", path=PATHS[generation.request.action], json={**sent, **checked_options(generation, sent)}
    )


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply; the task's id is called `request_id` here."""
    return submit_replies.read_submit(response, sent=sent, id_places=ID_PLACES, table=TABLES["xai"])


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature; this path depends on the id only
    """Build the poll request."""
    return Request(method="GET", path=f"/v1/videos/{path_segment(task_id)}")


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply, bare or wrapped. Raises UnreadableReply.

    A 202 without a body and an echo of the id alone mean that it is pending; a link without any word, that it is done.
    """
    document = parse(response.body) or {}
    echoed = bool(document) and response.status == 200
    if document.keys() <= {"request_id"} and (echoed or response.status == 202) and not is_web_page(response):
        return Status(phase=Phase.QUEUED, vendor_status="pending")
    if response.status == 200 and not document.keys() & {"status", "error", "data"} and asset_of(dig(document, LINK)):
        response = replace(response, body=orjson.dumps({**document, "status": "done"}))
    status = poll_replies.read_poll(response, task_id=task_id, prompt=prompt, vendor=VENDOR, billed="cost_in_usd_ticks")
    withheld = dig(document, ("video", "respect_moderation")) is False  # in xAI's own reply: a relay has its own terms
    if isinstance(status, Status) and status.phase is Phase.FAILED and status.charged is Charged.UNKNOWN and withheld:
        return replace(status, charged=Charged.YES)  # xAI bills the clip that its filter withheld (X-proto)
    return status


def _picture(image: ImageInput) -> dict[str, str]:
    """Return a link, or a data URI with its prefix, in the object that xAI wants around it."""
    return {"url": image.url or data_uri(image)}


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(*PATHS.values(), "/v1/videos"),
)
