"""Gemini's Interactions API, the wire of Gemini Omni: one background interaction makes, edits or extends a clip.

Sources: google-genai 3.6.1 (`_gaos`), ai.google.dev/gemini-api/docs/omni, TanStack/ai (live requests of July 2026).
A poll returns the clip as base64, even where a URI was requested, so a reply may have tens of megabytes. A URI leads
to the Files API, which needs the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from batchvid.dialects.common import moderation, poll_replies, submit_replies
from batchvid.dialects.common.failure_rules import NO_REASON
from batchvid.dialects.common.google_files import (
    MAX_INLINE_REPLY_BYTES,
    clip_assets,
    is_files_uri,
    picture_part,
)
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import Path, dig, first_text, text
from batchvid.dialects.common.request_building import (
    check_prompt,
    checked_options,
    clip_id,
    find_by_action,
    images_with_role,
    one_of,
    path_segment,
    refuse_unsupported,
)
from batchvid.dialects.common.slim_replies import with_document
from batchvid.dialects.common.status_words import read_phase
from batchvid.dialects.common.task_reasons import GRPC_CODES
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.common.vendor_text import own_words
from batchvid.dialects.dialect import Dialect
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import (
    Accepted,
    GenerationRequest,
    Phase,
    Rejected,
    Request,
    Response,
    Status,
    Uncertain,
)
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "cancel", "poll", "read_poll", "read_submit", "submit"]

WIRE = "the Interactions wire"
PATH = "/v1beta/interactions"
MAX_PROMPT_CHARS = 100_000  # Omni publishes none: this only catches a file in the prompt's place
MAX_REFERENCES = 10
SUPPORTED = {
    "": ("prompt", "image", "reference_images", "duration_s", "aspect_ratio", "resolution"),
    "edit": ("action", "prompt", "video", "parent", "reference_images", "duration_s", "aspect_ratio", "resolution"),
    "extend": ("action", "prompt", "video", "parent", "duration_s", "aspect_ratio", "resolution"),
}
RATIOS = {ratio: ratio for ratio in ("16:9", "9:16")}
TIERS = {tier: tier for tier in ("360p", "720p", "1080p", "4k")}
PREVIOUS = "previous_interaction_id"

VENDOR: dict[str, Path] = {"output_tokens": ("usage", "total_output_tokens")}
WITHHELD = "the interaction is completed without a clip, which usually means a content filter"
NO_FILTER = frozenset({"budget_exceeded", "requires_action"})
"""Words that end an interaction for reasons other than its contents (google-genai 3.6.1, Interaction.status)."""
_HEAVY = frozenset({"steps", "outputs", "output_video", "input"})
"""Fields of an interaction that hold clips and pictures, or the user's own words."""


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request. A first frame and references exclude each other. Raises Unsupported."""
    refuse_unsupported(generation, WIRE, find_by_action(generation, WIRE, SUPPORTED))
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS)
    request = generation.request
    body: dict[str, Any] = {
        "model": request.model,
        "input": [{"type": "user_input", "content": _content(generation)}],
        "background": True,
        "store": True,
        "response_modalities": ["video"],
        "response_format": _format(generation),
        "generation_config": {"video_config": {"task": _task(generation)}},
    }
    if request.action and not request.video:
        body[PREVIOUS] = clip_id(generation, PREVIOUS, "the interaction that made the clip", is_task=True)
    if generation.callback_url:
        metadata = {"external_id": generation.external_id}
        body["webhook_config"] = {"uris": [generation.callback_url], "user_metadata": metadata}
    return Request(method="POST", path=PATH, json=_with_options(body, generation))


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply; the interaction's `id` is the task's."""
    return submit_replies.read_submit(response, sent=sent, id_places=(("id",),), table=TABLES["google"])


def poll(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature
    """Build the poll request; its reply may hold the clip."""
    return Request(method="GET", path=f"{PATH}/{path_segment(task_id)}", max_reply_bytes=MAX_INLINE_REPLY_BYTES)


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply. An interaction that is completed without a clip is failed. Raises UnreadableReply."""
    document = parse(response.body) or {}
    parts = list(_video_parts(document))
    assets = tuple(asset for number, part in enumerate(parts, 1) for asset in clip_assets(part, number))
    rest = {key: value for key, value in document.items() if key not in _HEAVY}
    reason = {} if parts else _reason(document)
    if reason and "error" not in rest:
        rest["error"] = reason
    slim = with_document(response, rest) if rest != document else response
    status = poll_replies.read_poll(slim, task_id=task_id, prompt=prompt, vendor=VENDOR)
    if not isinstance(status, Status) or status.phase is not Phase.SUCCEEDED:
        return _named(status)
    if assets or status.assets or parts:  # a part without a clip: it is not there yet
        return replace(status, assets=assets or status.assets)
    words = _spoken(document)
    kind = moderation.kind_of_words(own_words(words, prompt)) or FailureKind.MODERATION_SUSPECTED
    message = text(f"{WITHHELD}: {words}" if words else WITHHELD)
    return replace(status, phase=Phase.FAILED, kind=kind, message=message)


def _named(status: Status | Rejected) -> Status | Rejected:
    """A failure without a reason, with the word that ends it. Those of no filter are named so."""
    if not isinstance(status, Status) or status.phase is not Phase.FAILED or status.message != NO_REASON:
        return status
    kind = FailureKind.UNAVAILABLE if status.vendor_status in NO_FILTER else status.kind
    return replace(status, kind=kind, message=f"the interaction is {status.vendor_status} ({NO_REASON})")


def cancel(generation: GenerationRequest, task_id: str) -> Request:  # noqa: ARG001 - the port's signature
    """Build the cancellation; Google cancels background interactions only."""
    return Request(method="POST", path=f"{PATH}/{path_segment(task_id)}/cancel", is_free=True)


def _is_cancelled(response: Response) -> bool:
    word = (parse(response.body) or {}).get("status")
    return 200 <= response.status < 300 and word == "cancelled"


def _content(generation: GenerationRequest) -> list[dict[str, str]]:
    """Return the parts of the input: the pictures, the source clip, and the prompt last."""
    request = generation.request
    first, references = images_with_role(generation, "first"), images_with_role(generation, "reference")
    if first and references:
        raise Unsupported("reference_images", "not allowed together with `image`: this wire cannot tell them apart")
    if len(first) > 1:
        raise Unsupported("image", "one image is allowed, as the first frame")
    if len(references) > MAX_REFERENCES:
        raise Unsupported("reference_images", f"at most {MAX_REFERENCES} are allowed")
    parts = [picture_part(image) for image in (*first, *references)]
    if request.video:
        if not is_files_uri(request.video):
            raise Unsupported("video", "the URI of a file of Google's Files API is required: it fetches no other link")
        parts.append({"type": "video", "uri": request.video, "mime_type": "video/mp4"})
    return [*parts, {"type": "text", "text": request.prompt}]


def _task(generation: GenerationRequest) -> str:
    if generation.request.action:
        return generation.request.action
    if images_with_role(generation, "first"):
        return "image_to_video"
    return "reference_to_video" if generation.images else "text_to_video"


def _format(generation: GenerationRequest) -> dict[str, str]:
    """Return the clip's format. A URI is requested because inline delivery is documented for clips up to 4 MB only."""
    request = generation.request
    found = {"type": "video", "delivery": "uri"}
    if request.aspect_ratio:
        found["aspect_ratio"] = one_of("aspect_ratio", request.aspect_ratio, RATIOS)
    if request.resolution:
        found["resolution"] = one_of("resolution", request.resolution, TIERS)
    if request.duration_s is not None:
        found["duration"] = f"{request.duration_s:g}s"
    return found


def _with_options(body: Mapping[str, Any], generation: GenerationRequest) -> dict[str, Any]:
    """Return the body with the user's options. An object among them completes the wire's own object of that name."""
    options = checked_options(generation, (*body, *body["response_format"]))
    merged = {
        name: {**body[name], **value} if isinstance(value, dict) and isinstance(body.get(name), dict) else value
        for name, value in options.items()
    }
    return {**body, **merged}


def _video_parts(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the video parts of the last output that has one; `output_video` is what the SDK makes of them."""
    for step in reversed(_objects(document.get("steps"))):
        parts = [part for part in _objects(step.get("content")) if _is_clip(part)]
        if step.get("type") == "model_output" and parts:
            yield from parts
            return
    direct = document.get("output_video")
    older = [part for part in _objects(document.get("outputs")) if _is_clip(part)]  # the API of May 2026
    yield from [direct] if isinstance(direct, dict) and direct else older


def _is_clip(part: Mapping[str, Any]) -> bool:
    return part.get("type") == "video"


def _reason(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the error of an interaction that has ended without a clip, else nothing."""
    if read_phase(text(document.get("status"))) not in (Phase.FAILED, Phase.SUCCEEDED):
        return {}
    errors = _objects(document.get("errors"))
    errors += [error for step in _objects(document.get("steps")) if isinstance(error := step.get("error"), dict)]
    found = next((error for error in errors if error.get("message") or error.get("code")), {})
    named: dict[str, Any] = {key: found[key] for key in ("code", "message") if key in found}
    if isinstance(code := named.get("code"), int):
        named["code"] = GRPC_CODES.get(str(code), code)
    return named


def _spoken(document: Mapping[str, Any]) -> str:
    """Return what the model says in the clip's place."""
    outputs = [step for step in _objects(document.get("steps")) if step.get("type") == "model_output"]
    parts = [part for step in outputs for part in _objects(step.get("content"))]
    return first_text(dig(part, ("text",)) for part in parts)


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    cancel=cancel,
    is_cancelled=_is_cancelled,
    api_paths=(PATH,),
)
