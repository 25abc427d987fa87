"""Comfy Router's queue: fal's addresses with a provider's own input and output behind them, and an idempotency key.

Sources: Comfy Router's OpenAPI and its client comfy-sdk 0.5.0. A repeated call with the same key and the same body gets
the first one's request for 24 hours, so a lost submit is sent once more to find its task. The queue is a preview:
accounts without it get a 403 `not_enabled`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson

from batchvid.dialects.common import poll_replies, submit_replies
from batchvid.dialects.common.assets import find_assets
from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.failure_rules import failure_kind
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import text
from batchvid.dialects.common.model_fields import Table, build_fields
from batchvid.dialects.common.moderation import find_filter_verdict, kind_of_code
from batchvid.dialects.common.request_building import path_segment
from batchvid.dialects.common.task_layers import task_layers
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.common.vendor_text import own_words
from batchvid.dialects.common.waits import requested_wait_s
from batchvid.dialects.dialect import Dialect, LookupMethod
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.wire import (
    Accepted,
    Candidate,
    GenerationRequest,
    Phase,
    Rejected,
    Request,
    Response,
    Status,
    Uncertain,
)
from batchvid.errors import Unsupported

__all__ = ["DIALECT", "poll", "read_poll", "read_result", "read_submit", "submit"]

WIRE = "Comfy Router"
PATH = "/v2/models"
KEY_HEADER = "Idempotency-Key"
KEY_KEPT_S = 23 * 3600.0  # documented are 24 hours; the rest is for clocks that differ, and for the call itself
MAX_KEY_CHARS = 255
TABLE: Table = ()
"""A model's input is its provider's own, and no list of them is public: prompt and options."""
KINDS = {
    "content_policy_violation": FailureKind.MODERATION_INPUT,
    "invalid_input": FailureKind.INVALID,
    "insufficient_credits": FailureKind.BALANCE,
    "client_disconnected": FailureKind.CANCELLED,
    "cancelled": FailureKind.CANCELLED,
    "provider_error": FailureKind.UNAVAILABLE,
    "provider_timeout": FailureKind.UNAVAILABLE,
    "deadline_exceeded": FailureKind.UNAVAILABLE,
    "internal_error": FailureKind.UNAVAILABLE,
    "service_unavailable": FailureKind.UNAVAILABLE,
}
UNBILLED = frozenset({"invalid_input", "content_policy_violation"})


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request: the fields of the provider's own input. Raises Unsupported."""
    model, key = generation.request.model, generation.external_id
    steps = model.split("/")
    if len(steps) != 2 or any(step in ("", ".", "..") for step in steps):
        raise Unsupported("model", f"an id of Comfy Router is PROVIDER/MODEL, not {model}")
    is_fit = key.isascii() and key.isprintable() and len(key) <= MAX_KEY_CHARS
    return Request(
        method="POST",
        path=_model_path(generation),
        headers={KEY_HEADER: key} if key and is_fit else {},
        json=build_fields(generation, TABLE, WIRE),
    )


def _model_path(generation: GenerationRequest) -> str:
    return f"{PATH}/{quote(generation.request.model, safe='/')}/requests"


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply: the task's id is `request_id`. The type of an error is in a header."""
    return submit_replies.read_submit(
        _typed(response), sent=sent, id_places=(("request_id",),), table=TABLES["comfy-router"]
    )


def _typed(response: Response) -> Response:
    """The reply with the type of its error in the body, where the readers of codes look for it."""
    document, code = parse(response.body), text(response.headers.get("x-comfy-error-type"))
    if response.status < 400 or not code or document is None or "error" in document:
        return response
    message = find_error(document).message or code
    return replace(response, body=orjson.dumps({**document, "error": {"code": code, "message": message}}))


def poll(generation: GenerationRequest, task_id: str) -> Request:
    """Build the poll request."""
    return Request(method="GET", path=f"{_model_path(generation)}/{path_segment(task_id)}/status")


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a status. `COMPLETED` has a result, or an `error_type` if it failed. Raises UnreadableReply."""
    status = poll_replies.read_poll(_typed(response), task_id=task_id, prompt=prompt)
    if not isinstance(status, Status) or status.phase not in (Phase.SUCCEEDED, Phase.FAILED):
        return status
    for layer in task_layers(parse(response.body)):
        if code := text(layer.get("error_type")):
            return _failed(code, layer, "COMPLETED", prompt)
    if status.vendor_status.upper() != "COMPLETED":
        return status
    if status.phase is Phase.SUCCEEDED and not status.assets:
        return replace(status, follow_up=Request(method="GET", path=f"../{path_segment(task_id)}"))
    return status


def read_result(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a result: the provider's own payload. Raises UnreadableReply.

    A cancelled request answers with a 409, one that is deleted with a 410.
    """
    document, code = parse(response.body), text(response.headers.get("x-comfy-error-type"))
    if document is not None and 200 <= response.status < 300:
        assets = find_assets([document])
        verdict = None if assets else find_filter_verdict(document)
        return Status(
            phase=Phase.FAILED if verdict else Phase.SUCCEEDED,
            vendor_status="COMPLETED",
            assets=assets,
            kind=verdict.kind if verdict else None,
            message=verdict.reason if verdict else "",
        )
    if document is None or (response.status not in (409, 410, 422) and code not in KINDS):
        return poll_replies.read_poll(_typed(response), task_id=task_id, prompt=prompt)
    status = _failed(code or "cancelled", document, f"COMPLETED, HTTP {response.status}", prompt)
    return replace(status, kind=FailureKind.EXPIRED) if response.status == 410 else status


def _failed(code: str, document: Mapping[str, Any], words: str, prompt: str) -> Status:
    error = find_error({"detail": document.get("detail") or document.get("error")})
    sentence = own_words(error.message, prompt)
    kind = KINDS.get(code) or kind_of_code(code, sentence) or failure_kind(("failed",), code, error.message)
    return Status(
        phase=Phase.FAILED,
        vendor_status=words,
        kind=kind,
        message=error.message or code,
        code=code,
        charged=Charged.NO if code in UNBILLED else Charged.UNKNOWN,
    )


def _cancel(generation: GenerationRequest, task_id: str) -> Request:
    return Request(method="PUT", path=f"{_model_path(generation)}/{path_segment(task_id)}/cancel")


def _is_cancelled(response: Response) -> bool:
    """Whether the request is out of the queue. A 202 only asks a running one to stop: the status shows the end."""
    return response.status in (200, 204)


def _read_repeated(response: Response) -> tuple[Candidate, ...] | Rejected:
    """Read the reply to the call sent once more: its request is that of the first call."""
    read = read_submit(response)
    if isinstance(read, Accepted):
        return (Candidate(task_id=read.task_id, model=read.model),)
    if isinstance(read, Rejected):
        return read
    wait_s = requested_wait_s(response, parse(response.body), read.message, is_limited=response.status == 409)
    return Rejected(
        kind=FailureKind.UNAVAILABLE, message=read.message, http_status=read.http_status, retry_after_s=wait_s
    )


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    read_result=read_result,
    api_paths=(PATH,),
    cancel=_cancel,
    is_cancelled=_is_cancelled,
    lookups={
        "idempotency": LookupMethod(
            ask=submit,
            read=_read_repeated,
            where="of the key of the call",
            exact=True,
            replays=True,
            kept_s=KEY_KEPT_S,
        )
    },
)
