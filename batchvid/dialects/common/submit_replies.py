"""Read submit replies in any of the documented envelopes, shared by all dialects.

A task id anywhere means that a task exists. Refused is only what refusals.py proves; everything else is uncertain.
It knows no path and no request.
"""

from __future__ import annotations

from collections.abc import Sequence

from batchvid.dialects.common.costs import actual_usd
from batchvid.dialects.common.envelopes import ID_PLACES, each, unwrap
from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.json_bodies import JsonBody, decode_body, read_json
from batchvid.dialects.common.json_values import Path, first_text, text
from batchvid.dialects.common.not_reached import SHOWN_BYTES, is_web_page
from batchvid.dialects.common.outcome_rules import Table
from batchvid.dialects.common.refusals import describe, read_refusal, request_id
from batchvid.dialects.common.task_ids import TaskIds, find_ids_in_words, find_task_ids
from batchvid.dialects.common.user_words import own_ids, own_names, own_texts
from batchvid.dialects.common.vendor_codes import RELAYED
from batchvid.domain.wire import Accepted, GenerationRequest, Rejected, Response, Uncertain


def read_submit(
    response: Response,
    *,
    sent: GenerationRequest | None = None,
    id_places: Sequence[Path] = ID_PLACES,
    table: Table = RELAYED,
) -> Accepted | Rejected | Uncertain:
    """Read a submit reply of any envelope: accepted with a task id, refused only by a clear no of the table.

    `sent` is the request: its own words and ids prove nothing when the vendor repeats them.
    """
    body = read_json(response.body)
    document = next((found for found in body.documents if not find_error(found).is_empty), None)
    document = document or next(iter(body.documents), None)
    vendor_error = find_error(document)
    trace = request_id(response, vendor_error)
    ids = find_task_ids(body.documents, id_places, own_ids=own_ids(sent), is_refused=response.status >= 400)
    if ids.certain:
        layers = unwrap(document if isinstance(document, dict) else None)
        return Accepted(
            task_id=ids.certain[0],
            model=first_text(each(layers, ("model",))),
            request_id=trace,
            actual_usd=actual_usd(layers),
        )
    if not ids.doubtful:
        page = is_web_page(response)
        words = "" if page else vendor_error.full_message or decode_body(response.body[:SHOWN_BYTES])
        own = (*own_ids(sent), *own_texts(sent), *own_names(sent))
        ids = TaskIds(doubtful=find_ids_in_words(words, response.headers.get("location", ""), own))
    if not ids.doubtful and (refusal := read_refusal(response, document, table, own=own_texts(sent))):
        return refusal
    return Uncertain(
        message=_why_uncertain(response, vendor_error.message, body, ids),
        http_status=response.status,
        request_id=trace,
        provider_wide=is_web_page(response),
    )


def _why_uncertain(response: Response, message: str, body: JsonBody, ids: TaskIds) -> str:
    """Say what the reply was, and what may be a task in it."""
    reason = f"HTTP {response.status}: {message}" if message and body.is_whole else describe(response)
    if not body.is_whole:
        reason = f"the reply is cut off: {reason}"
    elif not body.documents and response.body.strip() and not is_web_page(response):
        reason = f"the reply is unreadable: {reason}"
    if ids.doubtful:
        reason = f"{reason[:300]}; this id may be a task's: {ids.doubtful[0]}"
    elif location := response.headers.get("location", "").partition("?")[0]:
        reason = f"{reason[:300]}; the reply refers to {location}"
    return text(reason)
