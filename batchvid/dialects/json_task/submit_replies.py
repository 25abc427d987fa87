"""Reads the reply to a submit by a definition.

The task's id stands at one place of the body, or in one header. An id anywhere else may be a task's: then nothing is
refused, and the submit is uncertain with that id in its message, unless the definition names the reply as a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from batchvid.dialects.common.envelopes import each, unwrap
from batchvid.dialects.common.json_bodies import JsonBody, decode_body, read_json
from batchvid.dialects.common.json_values import first_text, identifier, text
from batchvid.dialects.common.not_reached import SHOWN_BYTES, is_web_page
from batchvid.dialects.common.refusals import describe, request_id
from batchvid.dialects.common.task_ids import TASK_KEYS, TaskIds, find_ids_in_words, find_task_ids
from batchvid.dialects.common.user_words import own_ids, own_names, own_texts
from batchvid.dialects.json_task.costs import cost_usd
from batchvid.dialects.json_task.definition import Definition
from batchvid.dialects.json_task.phases import phase_of
from batchvid.dialects.json_task.pointers import Header, find_values, find_word
from batchvid.dialects.json_task.refusals import error_of, is_good, judge
from batchvid.domain.wire import Accepted, GenerationRequest, Phase, Rejected, Response, Uncertain


def read_submit(
    definition: Definition, response: Response, sent: GenerationRequest | None = None
) -> Accepted | Rejected | Uncertain:
    """Read a submit reply: accepted with the task's id, refused only by a proven no, else uncertain."""
    body = read_json(response.body)
    document = next(iter(body.documents), None)
    error = error_of(definition, document)
    trace = request_id(response, error)
    task_id, is_certain = _declared_id(definition, response, body.documents, own_ids(sent))
    if is_certain:
        layers = unwrap(document if isinstance(document, dict) else None)
        return Accepted(
            task_id=task_id,
            model=first_text(each(layers, ("model",))),
            request_id=trace,
            actual_usd=cost_usd(definition, document),
            poll_url=_address(definition, document),
        )
    found = find_task_ids(body.documents, (), own_ids=own_ids(sent), is_refused=response.status >= 400)
    doubtful = tuple(filter(None, (task_id, *found.certain)))
    verdict = judge(definition, response, document, own_texts(sent)) if body.is_whole else None
    if verdict and verdict.refusal and verdict.is_named and not doubtful:
        return verdict.refusal
    if not (doubtful := (*doubtful, *found.doubtful)):
        words = "" if is_web_page(response) else error.full_message or decode_body(response.body[:SHOWN_BYTES])
        own = (*own_ids(sent), *own_texts(sent), *own_names(sent))
        doubtful = find_ids_in_words(words, response.headers.get("location", ""), own)
    if verdict and verdict.refusal and not doubtful:
        return verdict.refusal
    return Uncertain(
        message=_why(definition, response, error.message, body, TaskIds(doubtful=doubtful)),
        http_status=response.status,
        request_id=trace,
        provider_wide=is_web_page(response),
    )


def _declared_id(
    definition: Definition, response: Response, documents: Sequence[object], own: Sequence[str]
) -> tuple[str, bool]:
    """Find the id at its place, and whether it is certainly a task's.

    In a reply that is an error it is, if a status word stands beside it or its key names a task; else it may be the
    error's own.
    """
    if isinstance(definition.id, Header):
        task_id = _id_of(definition, response.headers.get(definition.id.name))
        return task_id, bool(task_id) and is_good(definition, response, next(iter(documents), None))
    for document in documents:
        values = find_values(document, definition.id)
        task_id = next(filter(None, (_id_of(definition, value) for value in values)), "")
        if not task_id:
            continue
        if is_good(definition, response, document):
            return task_id, True
        key = definition.id.steps[-1].casefold().replace("_", "").replace("-", "")
        word = find_word(document, definition.status)
        is_named = key in TASK_KEYS or (word is not None and phase_of(definition, word) is not Phase.UNKNOWN)
        return task_id, is_named and task_id not in own
    return "", False


def _id_of(definition: Definition, value: object) -> str:
    """Read an id. Of a task's address it is what stands where `poll` has {id}, else the last step of its path."""
    found = identifier(value)
    if not found.startswith(("/", "http://", "https://")):
        return found
    before, _, after = definition.poll.path.partition("{id}")
    place = re.search(f"{re.escape(before)}([^/?#&]+){re.escape(after)}(?:[?#&]|$)", found) if after or before else None
    return identifier(unquote(place[1] if place else urlsplit(found).path.rstrip("/").rpartition("/")[2]))


def _address(definition: Definition, document: object) -> str:
    return next((value for value in find_values(document, definition.poll_url) if isinstance(value, str)), "")


def _why(definition: Definition, response: Response, message: str, body: JsonBody, ids: TaskIds) -> str:
    """Say what the reply was, what may be a task in it, and why it is no refusal."""
    reason = f"HTTP {response.status}: {message}" if message and body.is_whole else describe(response)
    if not body.is_whole:
        reason = f"the reply is cut off: {reason}"
    elif not body.documents and response.body.strip() and not is_web_page(response):
        reason = f"the reply is unreadable: {reason}"
    if ids.doubtful:
        reason = f"{reason[:300]}; this id may be a task's: {ids.doubtful[0]}"
    elif 200 <= response.status < 300 and body.documents and is_good(definition, response, body.documents[0]):
        reason = f"{reason[:300]}; no id at {definition.id}"
    elif 400 <= response.status < 500 and body.documents:
        reason = f"{reason[:300]}; the wire's definition does not name it as a refusal"
    return text(reason)
