"""Luma's Dream Machine: Ray 2 from text, from the links of a first and a last frame, or as an extension of a clip.

Sources: lumaai 1.21.0 (types), docs.lumalabs.ai (changelog: callbacks). It takes pictures by links only, names lengths
as `5s`, and has no cancellation: DELETE removes the record of a generation.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from batchvid.dialects.common import poll_replies, submit_replies
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import dig, identifier
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    clip_id,
    find_by_action,
    first_and_last,
    manifest_field,
    one_of,
    path_segment,
    refuse_unsupported,
)
from batchvid.dialects.common.slim_replies import with_document
from batchvid.dialects.common.task_lists import read_task_list
from batchvid.dialects.dialect import Dialect, LookupMethod
from batchvid.domain.wire import (
    Accepted,
    Candidate,
    GenerationRequest,
    ImageInput,
    Rejected,
    Request,
    Response,
    Status,
    Uncertain,
)
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_submit", "submit"]

WIRE = "Luma's Dream Machine"
PATH = "/generations"
MAX_PROMPT_CHARS = 5000  # the SDK's schema names 3 to 5000
FIELDS = ("prompt", "duration_s", "aspect_ratio", "resolution")
SUPPORTED = {"": (*FIELDS, "image", "end_image"), "extend": (*FIELDS, "action", "parent")}
RATIOS = {ratio: ratio for ratio in ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21")}
TIERS = {tier: tier for tier in ("540p", "720p", "1080p", "4k")}
DURATIONS = {5: "5s", 9: "9s"}
MAX_LISTED = 100


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. Raises Unsupported."""
    refuse_unsupported(generation, WIRE, find_by_action(generation, WIRE, SUPPORTED))
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    request = generation.request
    body: dict[str, Any] = {
        "model": request.model,
        "prompt": request.prompt,
        "duration": _duration(request.duration_s),
        "aspect_ratio": one_of("aspect_ratio", request.aspect_ratio, RATIOS) if request.aspect_ratio else None,
        "resolution": one_of("resolution", request.resolution, TIERS) if request.resolution else None,
        "keyframes": _keyframes(generation),
        "callback_url": generation.callback_url or None,
    }
    sent = {name: value for name, value in body.items() if value}
    options = {name: value for name, value in checked_options(generation, sent).items() if name != "generation_id"}
    return Request(method="POST", path=f"{PATH}/video", json={**sent, **options})


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply: the generation."""
    return submit_replies.read_submit(response, sent=sent, id_places=(("id",),))


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature
    """Build the poll request."""
    return Request(method="GET", path=f"{PATH}/{path_segment(task_id)}")


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply. The generation's other assets, a still and a preview, are not the clip."""
    document = parse(response.body) or {}
    if isinstance(assets := document.get("assets"), dict):
        response = with_document(response, {**document, "assets": {"video": assets.get("video")}})
    return poll_replies.read_poll(response, task_id=task_id, prompt=prompt, vendor={})


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds not in DURATIONS:
        raise Unsupported("duration_s", f"allowed are 5 and 9, not {seconds:g}")
    return DURATIONS[int(seconds)]


def _keyframes(generation: GenerationRequest) -> dict[str, Any]:
    if generation.request.action:
        parent = clip_id(generation, "generation_id", "the generation that is extended", is_task=True)
        return {"frame0": {"type": "generation", "id": parent}}
    first, last = first_and_last(generation)
    frames = {"frame0": first, "frame1": last}
    return {name: {"type": "image", "url": _link(image)} for name, image in frames.items() if image}


def _link(image: ImageInput) -> str:
    if not image.url:
        raise Unsupported(manifest_field(image), "Luma fetches pictures: give an https:// address, not a file")
    return image.url


def _listed(_generation: GenerationRequest) -> Request:
    return Request(method="GET", path=f"{PATH}?limit={MAX_LISTED}&offset=0")


def _read_list(response: Response) -> tuple[Candidate, ...] | Rejected:
    found = read_task_list(response, rows=("generations",), prompt=("request", "prompt"))
    if isinstance(found, Rejected):
        return found
    rows = dig(parse(response.body) or {}, ("generations",))
    dates = {identifier(dig(row, ("id",))): dig(row, ("created_at",)) for row in rows} if isinstance(rows, list) else {}
    return tuple(replace(one, created_at=_moment(dates.get(one.task_id))) for one in found)


def _moment(value: object) -> datetime | None:
    """Read a time in ISO 8601; without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    api_paths=(PATH,),
    lookups={
        "list": LookupMethod(
            ask=_listed, read=_read_list, where=f"among its newest {MAX_LISTED} generations", exact=False
        )
    },
)
