"""Reads poll replies in any of the documented envelopes, shared by all dialects.

The tags E1-E7 of the envelopes are those of tests/exchanges/README.md. failure_rules.py knows why a task failed,
assets.py what a finished one offers, status_words.py what a status word means. It knows no path and no request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from batchvid.dialects.common import moderation
from batchvid.dialects.common.assets import find_assets
from batchvid.dialects.common.costs import actual_usd, was_charged
from batchvid.dialects.common.envelopes import each, find_task_id
from batchvid.dialects.common.error_parsing import VendorError, find_error, is_error
from batchvid.dialects.common.failure_rules import NO_REASON, failure_kind, has_reason, is_input_code
from batchvid.dialects.common.filter_words import tells_of_a_pass, tells_of_content, tells_of_filter
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import (
    Path,
    beginning,
    dig,
    first_text,
    fraction,
    identifier,
    moment,
    text,
)
from batchvid.dialects.common.moderation import find_filter_verdict
from batchvid.dialects.common.refusals import build_rejection, describe, is_unseen, read_refusal
from batchvid.dialects.common.status_words import is_moderation_word, read_failure_kind, read_phase
from batchvid.dialects.common.task_layers import task_layers, task_words
from batchvid.dialects.common.task_reasons import find_complaint, find_reason
from batchvid.dialects.common.vendor_text import own_words
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Phase, Rejected, Response, Status
from batchvid.errors import UnreadableReply

TOKENS: Mapping[str, Path] = {"total_tokens": ("usage", "total_tokens")}
"""What Seedance's task cost, where a relay passes it on."""

_OPEN = frozenset({Phase.QUEUED, Phase.RUNNING, Phase.UNKNOWN, Phase.UNSEEN})
_VERDICT_STATUSES = frozenset({400, 403, 422, 451})
"""HTTP errors under which a vendor may tell that a content filter refused the task, or that its input is unfit."""
_HTTP_ERRORS = frozenset({"400", "401", "402", "403", "404", "408", "429", "500", "502", "503", "504"})


def read_poll(
    response: Response,
    *,
    task_id: str = "",
    prompt: str = "",
    content_path: str = "",
    progress_top: float = 100.0,
    vendor: Mapping[str, Path] = TOKENS,
    billed: str = "",
) -> Status | Rejected:
    """Read a poll reply of any envelope.

    What it quotes of the `prompt` is not searched for the vendor's meaning. `content_path` is a keyed path that offers
    the clip of every finished task, empty where there is none; a finished task without any link has no assets (yet).
    `progress_top` is the progress that means finished. `vendor` names what to keep and where it stands in a layer;
    `billed` is the one of these that counts the units charged. Raises UnreadableReply for a 2xx without any sense.
    """
    document = parse(response.body)
    layers = task_layers(document)
    words = task_words(layers)
    if not words or not _is_about_the_task(response, layers, words, task_id):
        return _without_status(response, document, prompt)
    links = find_assets(layers)
    phase = _phase([read_phase(word) for word in words], has_link=bool(links))
    is_lost = phase is Phase.FAILED or (phase is Phase.SUCCEEDED and not links)
    verdict = find_filter_verdict(document) if is_lost else None
    if phase is Phase.SUCCEEDED and not links and (verdict or _is_refused(layers, prompt)):
        phase = Phase.FAILED  # "completed" with an error or a filter's verdict, and no clip
    kept = {name: first_text(each(layers, path)) for name, path in vendor.items()}
    code, message = find_reason(layers, verdict.reason if verdict else "")
    status = Status(
        phase=phase,
        vendor_status=words[0] if phase is read_phase(words[0]) else text(" / ".join(words)),
        progress=_progress(layers, progress_top),
        assets=find_assets(layers, content_path) if phase is Phase.SUCCEEDED else (),
        expires_at=next(filter(None, map(moment, each(layers, ("expires_at",)))), None),
        model=first_text(each(layers, ("model",))),
        message=message,
        code=code,
        actual_usd=actual_usd(layers),
        vendor_metadata={name: value for name, value in kept.items() if value},
    )
    if phase is not Phase.FAILED:
        return status
    charged = was_charged(layers, kept.get(billed, ""), status.actual_usd, own_words(message, prompt))
    kind = failure_kind(words, code, message, verdict=verdict, prompt=prompt)
    return replace(status, kind=kind, charged=charged, message=_explain(status, words))


def _is_refused(layers: Sequence[Mapping[str, Any]], prompt: str) -> bool:
    """Whether a finished task without a clip has an error, or a filter's code or sentence."""
    code, message = find_reason(layers)
    return (
        any(map(is_error, layers))
        or moderation.kind_of_code(code) is not None
        or tells_of_filter(own_words(find_complaint(layers), prompt))
        or (tells_of_filter(own_words(message, prompt)) and not tells_of_a_pass(message))
    )


def _explain(status: Status, words: Iterable[str]) -> str:
    """Return the message of a failure. Where the vendor explains nothing, it says so."""
    if has_reason(status.code, status.message):
        return status.message
    if named_cause := next((word for word in words if is_moderation_word(word) or read_failure_kind(word)), ""):
        return status.message or f"the task's status is {named_cause}"
    return text(f"{status.message} ({NO_REASON})" if status.message else NO_REASON)


def _progress(layers: Sequence[Mapping[str, Any]], top: float) -> float | None:
    values = [*each(layers, ("progress",)), *each(layers, ("progress", "value"))]
    return next((found for value in values if (found := fraction(value, top)) is not None), None)


def _is_about_the_task(
    response: Response, layers: Sequence[Mapping[str, Any]], words: Sequence[str], task_id: str
) -> bool:
    """Whether the status words may be believed, or tell only how this poll ended.

    In a 2xx they may, but for a bare "error" with an HTTP status as its code. Under an error status only a failed task
    may, that names itself: vLLM-Omni serves the failed task as a 4xx or 5xx.
    """
    named = {identifier(layer.get(key)) for layer in layers for key in ("id", "task_id", "request_id")} - {""}
    if not 200 <= response.status < 300:
        is_named = layers[0].get("object") == "video" or (task_id and task_id in named)
        phase = read_phase(words[0])
        return phase is Phase.UNSEEN or (phase is Phase.FAILED and bool(is_named))
    is_http_error = any(text(code) in _HTTP_ERRORS for code in each(layers, ("error", "code")))
    return bool(named) or not is_http_error or words[0].casefold() != "error"


def _without_status(response: Response, document: dict[str, Any] | None, prompt: str) -> Status | Rejected:
    """Read a poll reply that says nothing of where the task stands."""
    vendor_error = find_error(document)
    if is_unseen(response, vendor_error):
        return Status(phase=Phase.UNSEEN, vendor_status=vendor_error.code or "not found", message=vendor_error.message)
    is_answer = 200 <= response.status < 300
    if is_answer and document is None:
        raise UnreadableReply(f"{describe(response)}: not a JSON object", beginning(response.body))
    if document is not None and (failed := _read_verdict(response, document, vendor_error, prompt)):
        return failed
    if is_answer and document is not None and not is_error(document):
        if not find_task_id(document):
            raise UnreadableReply("the reply names neither a task nor a status", beginning(response.body))
        return Status(phase=Phase.UNKNOWN)
    return read_refusal(response, document) or build_rejection(response, vendor_error, FailureKind.UNAVAILABLE)


def _read_verdict(
    response: Response, document: dict[str, Any], vendor_error: VendorError, prompt: str
) -> Status | None:
    """Read a verdict on the task that comes as the error of its poll: a content filter's, or one on its input.

    Codes and fields decide, under a 5xx only they. Words do only where they tell of the content: "blocked by our usage
    policy" may be about the caller, and then it would fail every task. An input code decides only under 422 (fal).
    """
    is_server_error = response.status >= 500
    if not (200 <= response.status < 300 or response.status in _VERDICT_STATUSES or is_server_error):
        return None
    layers = task_layers(document)
    code, message = find_reason(layers, vendor_error.message)
    code = vendor_error.code or code or first_text(each(layers, ("detail", 0, "type")))
    message = message or first_text(each(layers, ("detail", 0, "msg")))
    place = dig(document, ("detail", 0, "loc"))  # fal: ["body", "prompt"]
    sentence = " ".join([own_words(message, prompt), *map(text, place if isinstance(place, list) else ())])
    verdict = find_filter_verdict(document)
    kind = moderation.kind_of_code(code, sentence) or (verdict.kind if verdict else None)
    is_failure = is_error(document) or response.status >= 400
    if kind is None and is_failure and response.status != 403 and not is_server_error and tells_of_content(sentence):
        kind = moderation.kind_of_words(sentence)
    if kind is None and response.status == 422 and is_input_code(code):
        kind = FailureKind.INVALID
    if kind is None:
        return None
    return Status(
        phase=Phase.FAILED,
        vendor_status=f"HTTP {response.status}",
        kind=kind,
        message=message or (verdict.reason if verdict else "") or f"the vendor's code is {code}",
        code=code,
        charged=was_charged(layers, "", "", sentence),
        actual_usd=actual_usd(layers),
    )


def _phase(phases: Sequence[Phase], *, has_link: bool) -> Phase:
    """Make one phase of the layers' phases. Where layers contradict each other the task is kept alive.

    The outermost word counts, but: inside an open wrapper a success with a link is one; a success word over
    unfinished work needs a link; failed and not failed at once is no verdict.
    """
    outer, seen = phases[0], set(phases)
    if Phase.FAILED in seen:
        if outer is Phase.FAILED and seen <= {Phase.FAILED, Phase.UNKNOWN}:
            return Phase.FAILED
        return outer if outer in _OPEN else Phase.UNKNOWN
    if Phase.SUCCEEDED in seen:
        agreed = outer is Phase.SUCCEEDED and seen <= {Phase.SUCCEEDED, Phase.UNKNOWN}
        if agreed or has_link:
            return Phase.SUCCEEDED
        return outer if outer in _OPEN else Phase.UNKNOWN
    return outer
