"""`json-task`: a wire format as data. A definition (definition.py) becomes a `Dialect` like every other one. Pure."""

from __future__ import annotations

from functools import partial

from batchvid.dialects.dialect import Dialect
from batchvid.dialects.json_task.checks import read_definition
from batchvid.dialects.json_task.definition import Definition
from batchvid.dialects.json_task.lookups import lookup_methods
from batchvid.dialects.json_task.poll_replies import is_cancelled, read_poll, read_result
from batchvid.dialects.json_task.problems import Problem
from batchvid.dialects.json_task.requests import build_cancel, build_poll, build_submit, image_rules
from batchvid.dialects.json_task.submit_replies import read_submit
from batchvid.domain.wire import (
    Accepted,
    GenerationRequest,
    Rejected,
    Request,
    Response,
    Status,
    Uncertain,
)

__all__ = ["Definition", "Problem", "as_dialect", "read_definition"]


def as_dialect(name: str, definition: Definition) -> Dialect:
    """Make the dialect of a definition that has passed its checks."""

    def submit_reply(response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
        return read_submit(definition, response, sent)

    def poll_reply(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
        return read_poll(definition, response, task_id, prompt)

    def result_reply(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
        return read_result(definition, response, task_id, prompt)

    def cancel(_generation: GenerationRequest, task_id: str) -> Request:
        return build_cancel(definition, task_id)

    return Dialect(
        submit=partial(build_submit, name, definition),
        read_submit=submit_reply,
        poll=partial(build_poll, definition),
        read_poll=poll_reply,
        api_paths=_api_paths(definition),
        read_result=result_reply if definition.follow_up else None,
        cancel=cancel if definition.cancel else None,
        is_cancelled=partial(is_cancelled, definition),
        cancel_until=definition.cancel_until or "none",
        lookups=lookup_methods(definition),
        image_rules=(("", image_rules(definition)),),
    )


def _api_paths(definition: Definition) -> tuple[str, ...]:
    """Return what its paths begin with, before the first variable."""
    calls = [definition.submit, definition.poll, *(v.submit for v in definition.variants.values() if v.submit)]
    paths = (call.path.partition("?")[0].partition("{")[0].rstrip("/") for call in calls)
    return tuple(dict.fromkeys(path for path in paths if path))
