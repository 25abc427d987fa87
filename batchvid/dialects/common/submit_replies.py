"""Read submit replies in any of the documented envelopes, shared by all dialects.

error_parsing.py finds the error in a reply, outcome_rules.py knows what it means. It knows no path and no request.
"""

from __future__ import annotations

from collections.abc import Sequence

from batchvid.dialects.common.envelopes import ID_PLACES, each, find_task_id, status_words, unwrap
from batchvid.dialects.common.error_parsing import describe, find_error, is_error, read_refusal, request_id
from batchvid.dialects.common.json_values import Path, first_text, parse
from batchvid.dialects.common.outcome_rules import RELAYED, Table
from batchvid.domain.wire import Accepted, Rejected, Response, Uncertain


def read_submit(
    response: Response, *, id_places: Sequence[Path] = ID_PLACES, table: Table = RELAYED
) -> Accepted | Rejected | Uncertain:
    """Read a submit reply of any envelope: accepted only with a task id, refused only by a clear no of the table."""
    document = parse(response.body)
    vendor_error, layers = find_error(document), unwrap(document)
    trace = request_id(response, vendor_error)
    verdict = None
    if 200 <= response.status < 300:
        task_id = find_task_id(document, id_places)
        failed = document is not None and is_error(document)
        # Beside an error only a status word tells that the id is a task's and not a trace id.
        if task_id and (status_words(layers) or not failed):
            return Accepted(task_id=task_id, model=first_text(each(layers, ("model",))), request_id=trace)
        if failed:
            verdict = read_refusal(response, document, table)
    else:
        verdict = read_refusal(response, document, table)
    return verdict or Uncertain(
        message=vendor_error.message or describe(response), http_status=response.status, request_id=trace
    )
