"""Runway's official wire, as CometAPI serves it: image to video, with an optional last frame.

Sources: apidoc.cometapi.com/api/video/runway, Runway's OpenAPI 2024-11-06.
The route adds `/runwayml` and the key. Replies come bare or wrapped.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from batchvid.dialects.common import poll_replies, submit_replies
from batchvid.dialects.common.image_rules import RUNWAY, check_image
from batchvid.dialects.common.json_values import Path
from batchvid.dialects.common.option_values import RUNWAY as RUNWAY_OPTIONS
from batchvid.dialects.common.option_values import check_values
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    data_uri,
    exact_size,
    first_and_last,
    manifest_field,
    one_of,
    path_segment,
    refuse_unsupported,
    whole_seconds,
)
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.dialect import Dialect
from batchvid.domain.failures import Charged
from batchvid.domain.wire import Accepted, GenerationRequest, ImageInput, Rejected, Request, Response, Status, Uncertain
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

HEADERS = {"X-Runway-Version": "2024-11-06"}
MAX_PROMPT_CHARS = 1000  # official gen4; CometAPI's page says 512
SUPPORTED = ("prompt", "image", "end_image", "duration_s", "aspect_ratio", "resolution", "seed")
MAX_SEED = 4_294_967_295
URL_CHARS = 2048
RATIOS = {
    "16:9": "1280:720",
    "9:16": "720:1280",
    "4:3": "1104:832",
    "3:4": "832:1104",
    "1:1": "960:960",
    "21:9": "1584:672",
    "5:3": "1280:768",  # gen3a_turbo
    "3:5": "768:1280",
}

_HOST = re.compile(r"https://(\[[^\]]*\]|[^/?#:@\s]+)", re.I)

VENDOR: dict[str, Path] = {"credits": ("cost", "credits")}


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. An image is a must on this route. Raises Unsupported."""
    refuse_unsupported(generation, "the Runway wire", SUPPORTED)
    first, last = first_and_last(generation)
    if first is None:
        raise Unsupported("image", "an image is required: Runway makes video from an image only on this route")
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS, required=False)
    if generation.request.seed is not None and not 0 <= generation.request.seed <= MAX_SEED:
        raise Unsupported("seed", f"0 to {MAX_SEED} are allowed, not {generation.request.seed}")
    check_values(generation.request.options, RUNWAY_OPTIONS)
    start = _uri(first)
    frames = [{"uri": start, "position": "first"}, {"uri": _uri(last), "position": "last"}] if last else start
    body: dict[str, Any] = {
        "model": generation.request.model,
        "promptImage": frames,
        "promptText": generation.request.prompt or None,
        "duration": whole_seconds(generation),
        "ratio": _ratio(generation),
        "seed": generation.request.seed,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    return Request(
        method="POST", path="/v1/image_to_video", headers=HEADERS, json={**sent, **checked_options(generation, sent)}
    )


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply, native or a gateway's."""
    return submit_replies.read_submit(response, sent=sent, table=TABLES["runway"])


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature; this path depends on the id only
    """Build the poll request."""
    return Request(method="GET", path=f"/v1/tasks/{path_segment(task_id)}", headers=HEADERS)


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply, bare or wrapped. Raises UnreadableReply."""
    status = poll_replies.read_poll(
        response, task_id=task_id, prompt=prompt, progress_top=1.0, vendor=VENDOR, billed="credits"
    )
    if isinstance(status, Status) and status.charged is Charged.UNKNOWN and status.code.startswith("SAFETY.INPUT"):
        return replace(status, charged=Charged.YES)  # Runway does not refund what its input filter refused
    return status


def _ratio(generation: GenerationRequest) -> str | None:
    """Translate resolution and aspect ratio into pixels with a colon; None if neither is given."""
    if exact := exact_size(generation):
        return f"{exact[0]}:{exact[1]}"
    if generation.request.resolution not in ("", "720p"):
        raise Unsupported(
            "resolution", f"720p or exact pixels like 1280x720 are allowed, not {generation.request.resolution}"
        )
    if not generation.request.aspect_ratio:
        if generation.request.resolution:
            raise Unsupported("aspect_ratio", f"must be given with the resolution {generation.request.resolution}")
        return None
    return one_of("aspect_ratio", generation.request.aspect_ratio, RATIOS)


def _uri(image: ImageInput) -> str:
    """Return the image's link, or a data URI with its prefix."""
    if image.url:
        _check_link(manifest_field(image), image.url)
        return image.url
    check_image(image, RUNWAY)
    return data_uri(image)


def _check_link(field: str, url: str) -> None:
    """Raise Unsupported for a link that Runway will not fetch: HTTPS, a domain name, at most 2048 characters."""
    host = _HOST.match(url)
    if not host:
        raise Unsupported(field, "only https:// links are allowed")
    if host[1].startswith("[") or host[1].replace(".", "").isdecimal():
        raise Unsupported(field, "a link must name a domain, not an IP address")
    if len(url) > URL_CHARS:
        raise Unsupported(field, f"a link may have {URL_CHARS} characters, not {len(url)}")


def _cancel(_generation: GenerationRequest, task_id: str) -> Request:
    """Build the cancellation (204; 404 afterwards). A running task is not refunded (Runway's OpenAPI 2024-11-06)."""
    return Request(method="DELETE", path=f"/v1/tasks/{path_segment(task_id)}", headers=HEADERS)


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=("/v1/image_to_video", "/v1/tasks"),
    cancel=_cancel,
    image_rules=(("", RUNWAY),),
)
