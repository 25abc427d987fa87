"""Queries for a submit without a verdict: by our external id of the call, or in the provider's list.

Value to value, like the dialects. The catalogue states which providers support it; the runner decides what a
candidate proves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from batchvid.dialects import kling
from batchvid.dialects.common.envelopes import unwrap
from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import dig, first_text, identifier, moment, text
from batchvid.dialects.common.refusals import build_rejection, is_unseen, read_refusal
from batchvid.dialects.openai_videos import PATH
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Accepted, Candidate, GenerationRequest, Rejected, Request, Response

MAX_LISTED = 100  # the most that OpenAI gives on a page (O-oas); newest first


@dataclass(frozen=True, slots=True)
class LookupMethod:
    """One kind of query. `read` returns the tasks that may match, none where the provider knows none.

    A `Rejected` speaks of this one question only. `where` says for people what was looked through; `exact` that the
    question names the one task that is meant.
    """

    ask: Callable[[GenerationRequest], Request]
    read: Callable[[Response], tuple[Candidate, ...] | Rejected]
    where: str
    exact: bool


def _by_external_id(generation: GenerationRequest) -> Request:
    return kling.poll(generation, generation.external_id)


def _read_task(response: Response) -> tuple[Candidate, ...] | Rejected:
    """Read what Kling's poll says of a task: it names one as the answer to a submit does (C-kling, K-doc)."""
    document = parse(response.body)
    vendor_error = find_error(document)
    if is_unseen(response, vendor_error):
        return ()
    read = kling.read_submit(response)
    if isinstance(read, Rejected):
        return read
    if not isinstance(read, Accepted):
        return build_rejection(response, vendor_error, FailureKind.UNAVAILABLE)
    named = first_text(dig(layer, ("task_info", "external_task_id")) for layer in unwrap(document))
    return (Candidate(task_id=read.task_id, model=read.model, external_id=named),)


def _newest(_order: GenerationRequest) -> Request:
    return Request(method="GET", path=f"{PATH}?limit={MAX_LISTED}&order=desc")


def _read_list(response: Response) -> tuple[Candidate, ...] | Rejected:
    """Read OpenAI's list of videos (O-oas). Anything but a list of objects is not an answer."""
    document, answered = parse(response.body), 200 <= response.status < 300
    rows = document.get("data") if document is not None and answered else None
    if not isinstance(rows, list):
        no = None if answered else read_refusal(response, document)
        return no or build_rejection(response, find_error(document), FailureKind.UNAVAILABLE)
    return tuple(
        Candidate(
            task_id=task_id,
            model=text(row.get("model")),
            prompt=row["prompt"] if isinstance(row.get("prompt"), str) else "",
            created_at=moment(row.get("created_at")),
        )
        for row in rows
        if isinstance(row, dict) and (task_id := identifier(row.get("id")))
    )


LOOKUP_METHODS: dict[str, dict[str, LookupMethod]] = {
    "external_id": {"kling": LookupMethod(_by_external_id, _read_task, "by our id of the call", exact=True)},
    "list": {"openai-videos": LookupMethod(_newest, _read_list, f"among its newest {MAX_LISTED}", exact=False)},
}
"""Every method by its name in the catalogue, with the dialects that have it."""
