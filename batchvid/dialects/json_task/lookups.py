"""Looks for the task of a lost submit by a definition: in a list of tasks, or by our own id."""

from __future__ import annotations

from datetime import UTC, datetime

from batchvid.dialects.common.json_values import identifier, moment
from batchvid.dialects.common.refusals import build_rejection, is_unseen
from batchvid.dialects.dialect import LookupMethod
from batchvid.dialects.json_task.definition import Definition, TaskList
from batchvid.dialects.json_task.pointers import document_of, find, find_word
from batchvid.dialects.json_task.refusals import error_of, is_good, judge
from batchvid.dialects.json_task.template import fill_path
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Candidate, GenerationRequest, Rejected, Request, Response


def lookup_methods(definition: Definition) -> dict[str, LookupMethod]:
    """Return the queries of a definition by the names that a provider's `lookup` uses."""
    ways = {"external_id": (definition.find, True), "list": (definition.list, False)}
    return {name: _method(definition, tasks, exact=exact) for name, (tasks, exact) in ways.items() if tasks is not None}


def _method(definition: Definition, tasks: TaskList, *, exact: bool) -> LookupMethod:
    def ask(generation: GenerationRequest) -> Request:
        path = fill_path(tasks.request.path, lambda _: generation.external_id)
        return Request(method="GET", path=path, headers=definition.headers)

    def read(response: Response) -> tuple[Candidate, ...] | Rejected:
        return _read(definition, tasks, response)

    where = "by our id of the call" if exact else f"in the list {tasks.request.path.partition('?')[0]}"
    return LookupMethod(ask=ask, read=read, where=where, exact=exact)


def _read(definition: Definition, tasks: TaskList, response: Response) -> tuple[Candidate, ...] | Rejected:
    document = document_of(response)
    error = error_of(definition, document)
    if tasks.rows is None and is_unseen(response, error):
        return ()
    found = find(document, tasks.rows) if tasks.rows else document
    if not is_good(definition, response, document) or not isinstance(found, list | dict):
        refusal = judge(definition, response, document).refusal
        return refusal or build_rejection(response, error, FailureKind.UNAVAILABLE)
    rows = found if isinstance(found, list) else [found]
    return tuple(
        Candidate(
            task_id=task_id,
            model=find_word(row, tasks.model) or "",
            prompt=words if isinstance(words := find(row, tasks.prompt), str) else "",
            external_id=find_word(row, tasks.external_id) or "",
            created_at=_time(find(row, tasks.created_at)),
        )
        for row in rows
        if (task_id := identifier(find(row, tasks.id)))
    )


def _time(value: object) -> datetime | None:
    """Read Unix time or ISO 8601; a time without a zone is UTC."""
    if (found := moment(value)) is not None or not isinstance(value, str):
        return found
    try:
        read = datetime.fromisoformat(value[:60])
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
