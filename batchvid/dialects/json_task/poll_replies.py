"""Reads the replies to polls and to the second GET of a finished task by a definition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from batchvid.dialects.common.assets import find_assets
from batchvid.dialects.common.costs import was_charged
from batchvid.dialects.common.failure_rules import NO_REASON, failure_kind, has_reason
from batchvid.dialects.common.json_values import beginning, fraction, identifier, moment, text
from batchvid.dialects.common.links import asset_of
from batchvid.dialects.common.moderation import FilterVerdict, find_filter_verdict
from batchvid.dialects.common.refusals import build_rejection, describe, is_unseen
from batchvid.dialects.common.task_layers import task_layers
from batchvid.dialects.common.task_reasons import find_reason
from batchvid.dialects.common.vendor_text import own_words
from batchvid.dialects.json_task.costs import cost_usd
from batchvid.dialects.json_task.definition import Definition
from batchvid.dialects.json_task.phases import key_of, phase_of
from batchvid.dialects.json_task.pointers import as_word, document_of, find_values, find_word
from batchvid.dialects.json_task.refusals import error_of, is_good, judge, named_failure
from batchvid.dialects.json_task.requests import build_follow_up, fill_from_reply
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Asset, Phase, Rejected, Response, Status
from batchvid.errors import UnreadableReply

_BARE_PATH = re.compile(r"[\w.~%@+=,:-]+(?:/[\w.~%@+=,:-]+)+(?:\?\S*)?")
"""A relative link without its first slash, where the definition says that a link stands."""
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]{16,}")
MAX_NODES = 20_000


def read_poll(definition: Definition, response: Response, task_id: str, prompt: str = "") -> Status | Rejected:
    """Read a poll reply. Raises UnreadableReply for a 2xx that says nothing of a task."""
    document = document_of(response)
    word = _status_word(definition, document)
    key = key_of(definition, word) if word is not None else ""
    if response.status in definition.pending_http and not key:
        return Status(phase=Phase.QUEUED, vendor_status=word or f"HTTP {response.status}")
    if document is None or word is None:
        return _without_word(definition, response, document, task_id)
    if not is_good(definition, response, document):
        is_verdict = phase_of(definition, word) in (Phase.FAILED, Phase.UNSEEN) and _names(document, task_id)
        if not is_verdict:
            return _refused(definition, response, document)
    return _status(definition, document, word, task_id, prompt)


def read_result(definition: Definition, response: Response, task_id: str, prompt: str = "") -> Status | Rejected:
    """Read the reply to the second GET of a finished task, where its clip stands. Raises UnreadableReply."""
    document = document_of(response)
    if not document and 200 <= response.status < 300:
        raise UnreadableReply(f"{describe(response)}: not JSON", beginning(response.body))
    if not is_good(definition, response, document):
        return _refused(definition, response, document)
    return _finished(definition, document, "", task_id, prompt)


def is_cancelled(definition: Definition, response: Response) -> bool:
    """Whether a reply confirms a cancellation: a good one, with no error code or with the word of a cancelled task.

    Many vendors refuse one with HTTP 200, too.
    """
    document = document_of(response)
    if not is_good(definition, response, document):
        return False
    word = find_word(document, definition.status)
    is_named = word is not None and key_of(definition, word) == "cancelled"
    return is_named or definition.ok is not None or not error_of(definition, document).codes


def _status(definition: Definition, document: object, word: str, task_id: str, prompt: str) -> Status:
    key, phase = key_of(definition, word), phase_of(definition, word)
    if phase is Phase.SUCCEEDED:
        if definition.follow_up is None:
            return _finished(definition, document, word, task_id, prompt)
        request = build_follow_up(definition, document, task_id)
        unmet = _unmet(definition, document, is_last=False)
        if unmet:
            return _failed(definition, document, word, unmet, prompt)
        return replace(
            _open(definition, document, Phase.UNKNOWN if request is None else phase, word), follow_up=request
        )
    if phase is Phase.FAILED:
        return _failed(definition, document, word, key, prompt)
    return _open(definition, document, phase, word)


def _open(definition: Definition, document: object, phase: Phase, word: str) -> Status:
    values = find_values(document, definition.progress)
    return Status(
        phase=phase,
        vendor_status=word,
        progress=next((p for value in values if (p := fraction(value, definition.progress_max)) is not None), None),
    )


def _finished(definition: Definition, document: object, word: str, task_id: str, prompt: str) -> Status:
    """A task that its word calls finished: it must meet the conditions, and has its clips."""
    if unmet := _unmet(definition, document, is_last=True):
        return _failed(definition, document, word, unmet, prompt)
    assets = _assets(definition, document, task_id)
    verdict = None if assets else find_filter_verdict(document)
    if verdict:
        return _failed(definition, document, word, "moderated", prompt, verdict)
    return replace(
        _open(definition, document, Phase.SUCCEEDED, word),
        assets=assets,
        expires_at=next(filter(None, map(moment, find_values(document, definition.expires_at))), None),
        actual_usd=cost_usd(definition, document),
    )


def _unmet(definition: Definition, document: object, *, is_last: bool) -> str:
    """Return what a finished task is whose reply does not meet a condition; empty if it meets all.

    Before the second GET, only a place that holds another value counts: the rest may stand in the reply to that GET.
    """
    for condition in definition.success:
        found = list(find_values(document, condition.at))
        if condition.is_ is not None:
            is_met = any(as_word(value) in condition.is_ for value in found) or (not found and not is_last)
        else:
            is_met = any(value not in ("", [], {}) for value in found) or not is_last
        if not is_met:
            return condition.otherwise
    return ""


def _failed(
    definition: Definition, document: object, word: str, key: str, prompt: str, verdict: FilterVerdict | None = None
) -> Status:
    layers = task_layers(document if isinstance(document, dict) else None)
    error = error_of(definition, document)
    code, message = find_reason(layers, verdict.reason if verdict else "")
    code = error.code if definition.error_code else code
    message = (error.message if definition.error_message else "") or message or error.message
    sentence = own_words(message, prompt)
    named = {"cancelled": FailureKind.CANCELLED, "moderated": FailureKind.MODERATION_OUTPUT}
    kind = named.get(key) or (named.get(key_of(definition, code)) if code else None)
    kind = kind or named_failure(definition.refusals, code, sentence)
    cost = cost_usd(definition, document)
    shown = message if has_reason(code, message) else f"{message} ({NO_REASON})" if message else NO_REASON
    return Status(
        phase=Phase.FAILED,
        vendor_status=word,
        kind=kind or failure_kind((word,), code, message, verdict=verdict, prompt=prompt),
        message=text(message or f"the task's status is {word}" if kind else shown),
        code=code,
        actual_usd=cost,
        charged=was_charged(layers, "", cost, sentence),
    )


def _assets(definition: Definition, document: object, task_id: str) -> tuple[Asset, ...]:
    """Collect the clips at the definition's places, then the content path."""
    content = fill_from_reply(definition.content, document, task_id) if definition.content else ""
    values: list[object] = []
    for place in definition.clips:
        found = list(find_values(document, place))
        values.append([_link(value) for value in found] if len(found) > 1 else _link(found[0]) if found else None)
    if definition.inline:
        values += [_inline(value) for value in find_values(document, definition.inline)]
    layers = [{"result_url": value} for value in values if value]
    return find_assets(layers, content)


def _link(value: object) -> object:
    """Return a value of a link's place: what reads as a path there is one, and belongs to the provider."""
    if isinstance(value, list):
        return [_link(item) for item in value]
    if isinstance(value, str) and asset_of(value) is None and _BARE_PATH.fullmatch(value.strip()):
        return f"/{value.strip()}"
    return value


def _inline(value: object) -> str:
    """Return base64 as a `data:` URI, empty for anything else."""
    if not isinstance(value, str) or not value:
        return ""
    if value[:5].casefold() == "data:":
        return value
    return f"data:video/mp4;base64,{value}" if _BASE64.match(value) else ""


def _status_word(definition: Definition, document: object) -> str | None:
    """Return the status word; an empty one where the definition gives a meaning to a reply without any."""
    word = find_word(document, definition.status)
    return "" if word is None and document is not None and key_of(definition, "") else word


def _without_word(definition: Definition, response: Response, document: object, task_id: str) -> Status | Rejected:
    """Read a reply that says nothing of where the task stands."""
    is_answer = 200 <= response.status < 300
    if is_answer and not document:
        raise UnreadableReply(f"{describe(response)}: not JSON", beginning(response.body))
    if not is_good(definition, response, document):
        if is_answer and error_of(definition, document).is_empty:
            raise UnreadableReply("the reply names neither a status nor an error", beginning(response.body))
        return _refused(definition, response, document)
    if _names(document, task_id):
        return Status(phase=Phase.UNKNOWN)
    error = error_of(definition, document)
    if is_unseen(response, error) or _is_named_unseen(definition, error.codes):
        return Status(phase=Phase.UNSEEN, vendor_status=error.code or "not found", message=error.message)
    raise UnreadableReply(f"no status at {definition.status}, and no task's id", beginning(response.body))


def _refused(definition: Definition, response: Response, document: object) -> Status | Rejected:
    """Read an error: the task is not known, or this one poll shows nothing."""
    error = error_of(definition, document)
    if is_unseen(response, error) or _is_named_unseen(definition, error.codes):
        return Status(phase=Phase.UNSEEN, vendor_status=error.code or "not found", message=error.message)
    refusal = judge(definition, response, document).refusal
    return refusal or build_rejection(response, error, FailureKind.UNAVAILABLE, document=document)


def _is_named_unseen(definition: Definition, codes: tuple[str, ...]) -> bool:
    return any(key_of(definition, code) == "unseen" for code in codes)


def _names(document: object, task_id: str) -> bool:
    """Whether a reply holds the task's id anywhere."""
    return bool(task_id) and task_id in set(_identifiers(document))


def _identifiers(document: object) -> Iterator[str]:
    waiting, looked_at = [document], 0
    while waiting and looked_at < MAX_NODES:
        looked_at += 1
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif found := identifier(value):
            yield found
