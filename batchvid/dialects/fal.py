"""fal's queue: the model's id is the path, its input is the body, and a finished request needs a second GET.

Sources: fal's Inference API pages and OpenAPI (fal.ai/docs/api-reference/inference-api), its error pages, fal-client
1.0.3. Addresses of a request have only the first two steps of the model's id; those that the reply names are used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from batchvid.dialects.common import poll_replies, submit_replies
from batchvid.dialects.common.assets import find_assets
from batchvid.dialects.common.costs import actual_usd, was_charged
from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.failure_rules import failure_kind
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import first_text, identifier, text
from batchvid.dialects.common.links import link
from batchvid.dialects.common.media_names import names_a_video
from batchvid.dialects.common.model_fields import build_fields
from batchvid.dialects.common.moderation import find_filter_verdict, kind_of_code
from batchvid.dialects.common.request_building import path_segment
from batchvid.dialects.common.task_layers import task_layers
from batchvid.dialects.common.task_lists import read_task_list
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.dialects.common.vendor_text import own_words
from batchvid.dialects.dialect import Dialect, LookupMethod
from batchvid.dialects.fal_models import TABLE
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

WIRE = "fal"
NAMESPACES = ("workflows", "comfy")  # they stand before the owner (fal-client, AppId)
CANCELLED = frozenset({"client_cancelled", "client_disconnected"})
BROKEN = frozenset(
    (
        *("request_timeout", "startup_timeout", "runner_scheduling_failure", "runner_connection_timeout"),
        *("runner_disconnected", "runner_connection_refused", "runner_connection_error", "runner_incomplete_response"),
        *("runner_server_error", "internal_error"),
    )
)
"""Types of fal's own trouble: they come with a 5xx, and are not billed (fal.ai/docs, Request Errors)."""
LIST_PATH = "/v1/models/requests/by-endpoint"
MAX_LISTED = 100
CLOCK_SKEW = timedelta(minutes=5)
_DEPTH = 6


def submit(generation: GenerationRequest) -> Request:
    """Build the submit request: the fields of the model's own input. Raises Unsupported."""
    model = generation.request.model
    if len(_steps(model)) < 2 or any(step in ("", ".", "..") for step in model.split("/")):
        raise Unsupported("model", f"an id of fal is OWNER/APP or OWNER/APP/PATH, not {model}")
    query = f"?{urlencode({'fal_webhook': generation.callback_url})}" if generation.callback_url else ""
    return Request(
        method="POST",
        path=f"/{quote(model, safe='/')}{query}",
        json=build_fields(generation, TABLE, WIRE),
    )


def read_submit(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
    """Read a submit reply: the task's id is `request_id`, and `status_url` is where it is polled."""
    read = submit_replies.read_submit(response, sent=sent, id_places=(("request_id",),), table=TABLES["fal"])
    document = parse(response.body) or {}
    if isinstance(read, Accepted) and identifier(document.get("request_id")) == read.task_id:
        return replace(read, poll_url=link(document.get("status_url")))
    return read


def poll(generation: GenerationRequest, task_id: str) -> Request:
    """Build the poll request: the address that the submit named, else the one that fal's client builds."""
    return Request(method="GET", path=generation.poll_path or f"{_request_path(generation, task_id)}/status")


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a status. What a finished request made, or why it failed, is in its result. Raises UnreadableReply."""
    status = poll_replies.read_poll(response, task_id=task_id, prompt=prompt)
    if not isinstance(status, Status) or status.phase not in (Phase.SUCCEEDED, Phase.FAILED):
        return status
    document = parse(response.body) or {}
    document = next((layer for layer in task_layers(document) if text(layer.get("error_type"))), document)
    if not text(document.get("error_type")) and (status.assets or status.vendor_status.upper() != "COMPLETED"):
        return status
    if code := text(document.get("error_type")):
        status = _failed(response, {**document, "detail": document.get("detail") or document.get("error")}, prompt)
        status = replace(status, code=code, vendor_status="COMPLETED")
    return replace(status, follow_up=Request(method="GET", path=f"../{path_segment(task_id)}"))


def read_result(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read the result of a finished request: the model's output, or its error under a 4xx or 5xx.

    An error without the shapes that fal documents is one of this call only. Raises UnreadableReply.
    """
    document = parse(response.body)
    if document is None or not (200 <= response.status < 300 or _is_models_error(response, document)):
        return poll_replies.read_poll(response, task_id=task_id, prompt=prompt)
    if 200 <= response.status < 300:
        assets = find_assets([document]) or find_assets([{"videos": list(_video_files(document, _DEPTH))}])
        verdict = None if assets else find_filter_verdict(document)
        phase = Phase.FAILED if verdict else Phase.SUCCEEDED
        return Status(
            phase=phase,
            vendor_status="COMPLETED",
            assets=assets,
            kind=verdict.kind if verdict else None,
            message=verdict.reason if verdict else "",
            actual_usd=actual_usd([document]),
            vendor_metadata=_units(response),
        )
    return _failed(response, document, prompt)


def _units(response: Response) -> dict[str, str]:
    """What fal bills for the request, in the model's own units."""
    units = text(response.headers.get("x-fal-billable-units"))
    return {"billable_units": units} if units else {}


def _failed(response: Response, document: Mapping[str, Any], prompt: str) -> Status:
    """The failure that a status or a result describes. fal bills no request that ends with a 5xx."""
    error = find_error({"detail": _described(document.get("detail"))})
    code = first_text((*_types(document), document.get("error_type"), response.headers.get("x-fal-error-type")))
    sentence, units = own_words(error.message, prompt), _units(response)
    kind = kind_of_code(code, sentence) or failure_kind(("failed",), code, error.message, prompt=prompt)
    if code in CANCELLED:
        kind = FailureKind.CANCELLED
    elif code in BROKEN:
        kind = FailureKind.UNAVAILABLE
    elif kind is FailureKind.UNAVAILABLE and response.status in (400, 422):
        kind = FailureKind.INVALID
    usd = actual_usd([document])
    charged = was_charged([document], units.get("billable_units", ""), usd, sentence)
    if charged is Charged.UNKNOWN and (response.status >= 500 or code in BROKEN):
        charged = Charged.NO
    return Status(
        phase=Phase.FAILED,
        vendor_status=f"COMPLETED, HTTP {response.status}",
        kind=kind,
        message=error.message or code or f"HTTP {response.status}",
        code=code,
        charged=charged,
        actual_usd=usd,
        vendor_metadata=units,
    )


def _is_models_error(response: Response, document: Mapping[str, Any]) -> bool:
    """Whether an error is the request's own: a list of faults, or a type, as fal's two error pages show them."""
    if response.status in (401, 403, 404, 405, 429):
        return bool(list(_types(document)))
    return bool(list(_types(document)) or document.get("error_type") or response.headers.get("x-fal-error-type"))


def _types(document: Mapping[str, Any]) -> Iterator[object]:
    detail = document.get("detail")
    yield from (
        (item["type"] for item in detail if isinstance(item, dict) and item.get("type"))
        if isinstance(detail, list)
        else ()
    )


def _described(detail: object) -> object:
    """The faults without the inputs that they quote: these may be whole pictures."""
    if not isinstance(detail, list):
        return detail
    return [{key: item.get(key) for key in ("loc", "msg", "type")} for item in detail if isinstance(item, dict)]


def _video_files(value: object, depth: int) -> Iterator[dict[str, Any]]:
    """Find the files in an output that say that they are videos, under whatever name."""
    if depth and isinstance(value, list):
        for item in value:
            yield from _video_files(item, depth - 1)
    elif depth and isinstance(value, dict):
        media_type = text(value.get("content_type")).casefold()
        if isinstance(value.get("url"), str) and media_type.startswith("video/"):
            yield value
        for key, item in value.items():
            if isinstance(item, str) and names_a_video(key) and link(item):
                yield {"url": item}
            yield from _video_files(item, depth - 1)


def _steps(model: str) -> list[str]:
    """The owner and the app of a model's id, behind their namespace where there is one."""
    steps = model.strip("/").split("/")
    return steps[: 3 if steps[0] in NAMESPACES else 2]


def _request_path(generation: GenerationRequest, task_id: str) -> str:
    owner_and_app = "/".join(quote(step, safe="") for step in _steps(generation.request.model))
    return f"/{owner_and_app}/requests/{path_segment(task_id)}"


def _cancel(generation: GenerationRequest, task_id: str) -> Request:
    """Build the cancellation: beside the status."""
    path = poll(generation, task_id).path.partition("?")[0].removesuffix("/status")
    return Request(method="PUT", path=f"{path}/cancel")


def _is_cancelled(response: Response) -> bool:
    """Whether the request is out of the queue. A 202 only asks a running model to stop: the status shows the end."""
    return response.status == 200 and text((parse(response.body) or {}).get("status")).upper() in ("OK", "CANCELLED")


def _ask_list(generation: GenerationRequest) -> Request:
    query = {"endpoint_id": generation.request.model, "limit": MAX_LISTED, "expand": "payloads"}
    if generation.submitted_at is not None:
        start = (generation.submitted_at - CLOCK_SKEW).astimezone(UTC)
        query["start"] = f"{start:%Y-%m-%dT%H:%M:%SZ}"
    return Request(method="GET", path=f"{LIST_PATH}?{urlencode(query)}")


def _read_list(response: Response) -> tuple[Candidate, ...] | Rejected:
    return read_task_list(
        response,
        rows=("items",),
        task_id=("request_id",),
        model=("endpoint_id",),
        prompt=("json_input", "prompt"),
        created_at=("sent_at",),
    )


DIALECT = Dialect(
    submit=submit,
    read_submit=read_submit,
    poll=poll,
    read_poll=read_poll,
    read_result=read_result,
    api_paths=("/",),  # the first step of a path is the model's owner
    cancel=_cancel,
    is_cancelled=_is_cancelled,
    lookups={
        "list": LookupMethod(
            ask=_ask_list,
            read=_read_list,
            where="in the account's list of requests of this model",
            exact=False,
            at_account=True,
        )
    },
)
