"""Reads a provider's list of tasks, for the lookup after a lost submit."""

from __future__ import annotations

from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import Path, dig, first_text, identifier, moment
from batchvid.dialects.common.refusals import build_rejection, read_refusal
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Candidate, Rejected, Response


def read_task_list(
    response: Response,
    *,
    rows: Path = ("data",),
    task_id: Path = ("id",),
    model: Path = ("model",),
    prompt: Path = ("prompt",),
    created_at: Path = ("created_at",),
    external_id: Path = (),
) -> tuple[Candidate, ...] | Rejected:
    """Read a list of tasks: by default OpenAI's list of videos (O-oas). Anything but a list of objects is no answer.

    `rows` is where the list stands; the other paths are places in a row.
    """
    document, answered = parse(response.body), 200 <= response.status < 300
    found = dig(document, rows) if document is not None and answered else None
    if not isinstance(found, list):
        refusal = None if answered else read_refusal(response, document)
        return refusal or build_rejection(response, find_error(document), FailureKind.UNAVAILABLE)
    return tuple(
        Candidate(
            task_id=named,
            model=first_text([dig(row, model)]),
            prompt=words if isinstance(words := dig(row, prompt), str) else "",
            external_id=first_text([dig(row, external_id)]) if external_id else "",
            created_at=moment(dig(row, created_at)),
        )
        for row in found
        if isinstance(row, dict) and (named := identifier(dig(row, task_id)))
    )
