"""Judges an error reply by a definition: a refusal only where it, or HTTP itself, says that nothing was made.

HTTP itself says so for few statuses: a wrong key (401, 407), no payment (402), too many calls (429), a body that is
refused before it is read (413, 414, 415, 431), and what stands in front of an API (not_reached.py). An unnamed 400 is
uncertain: nobody documented that this vendor creates nothing then. A status that the definition names counts also
where the reply is empty or plain text: many servers write no JSON then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from batchvid.dialects.common.error_parsing import FINE, VendorError, find_error
from batchvid.dialects.common.json_bodies import decode_body, read_json
from batchvid.dialects.common.json_values import text
from batchvid.dialects.common.moderation import kind_of_words
from batchvid.dialects.common.not_reached import describe_obstacle, is_web_page
from batchvid.dialects.common.outcome_rules import DUPLICATES, HTTP
from batchvid.dialects.common.refusals import build_rejection, classify_reply
from batchvid.dialects.common.user_words import without_user_words
from batchvid.dialects.json_task.definition import Definition, Place, Refusals, same_code
from batchvid.dialects.json_task.pointers import as_word, find_values
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Rejected, Response

KINDS: dict[str, FailureKind] = {
    "rate": FailureKind.RATE,
    "concurrency": FailureKind.CONCURRENCY,
    "balance": FailureKind.BALANCE,
    "moderation": FailureKind.MODERATION_INPUT,
    "invalid": FailureKind.INVALID,
    "auth": FailureKind.AUTH,
    "unavailable": FailureKind.UNAVAILABLE,
}
"""The kinds of refusals by their key."""
PROVEN = frozenset({401, 402, 407, 413, 414, 415, 429, 431})
"""HTTP statuses that say by themselves that nothing was made (RFC 9110, RFC 6585)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict on an error reply; `is_named` if the definition names it."""

    refusal: Rejected | None
    is_named: bool = False


def error_of(definition: Definition, document: object) -> VendorError:
    """Find the error: at the definition's places, else where vendors put one."""
    found = find_error(document)
    if definition.error_code:
        codes = tuple(code for code in _words(document, definition.error_code) if code.casefold() not in FINE)
        found = replace(found, code=next(iter(codes), ""), codes=codes)
    if definition.error_message:
        messages = [
            word for word in _words(document, definition.error_message, limit=4000) if word.casefold() not in FINE
        ]
        message = next(iter(messages), found.full_message)
        found = replace(found, message=text(message), full_message=message)
    return found


def is_good(definition: Definition, response: Response, document: object) -> bool:
    """Whether HTTP and the envelope say that the call went well."""
    if not 200 <= response.status < 300:
        return False
    envelope = definition.ok
    return envelope is None or any(as_word(value) in envelope.is_ for value in find_values(document, envelope.at))


def judge(definition: Definition, response: Response, document: object, own: Iterable[str] = ()) -> Judgement:
    """Judge an error reply. `own` are the user's texts: no word of a message that repeats them decides anything."""
    error = error_of(definition, document)
    body = read_json(response.body)
    general = find_error(document)
    is_error = not (error.is_empty and general.is_empty)
    is_json = bool(body.documents) and body.is_whole and not body.is_behind_text
    own_shape = is_json and is_error
    is_bare = not own_shape and (is_json or not body.documents) and not is_web_page(response)
    spoken = without_user_words(error.full_message or (decode_body(response.body) if is_bare else ""), own)
    if (own_shape or is_bare) and any(rule.fits(response.status, "", spoken) for rule in DUPLICATES if rule.words):
        return Judgement(refusal=None)
    named = named_kind(definition.refusals, response.status, error.codes)
    kind = KINDS.get(named)
    if named and (own_shape or (is_bare and kind is None)):
        refusal = _refuse(definition, response, document, error, kind) if kind else None
        return Judgement(refusal=refusal, is_named=True)
    if obstacle := describe_obstacle(response, general, own_shape=own_shape):
        wide = build_rejection(response, error, FailureKind.INVALID, message=obstacle, provider_wide=True)
        return Judgement(refusal=wide)
    if is_bare and kind:
        return Judgement(refusal=_refuse(definition, response, document, error, kind))
    if response.status not in PROVEN:
        return Judgement(refusal=None)
    row = next(row for row in HTTP if row.fits(response.status, "", "", own_shape=own_shape))
    finer = classify_reply(response.status, replace(error, http_status=0), spoken, (), own_shape=own_shape)
    return Judgement(refusal=_refuse(definition, response, document, error, finer or row.kind or FailureKind.INVALID))


def named_kind(refusals: Refusals, status: int, codes: tuple[str, ...]) -> str:
    """Return the key under which the definition names such a reply, empty if it does not. A code outranks a status."""
    rules = [(key, rule) for key in (*KINDS, "uncertain") for rule in getattr(refusals, key)]
    rules.sort(key=lambda named: (not named[1].code, named[1].status is None))
    return next((key for key, rule in rules if rule.fits(status, codes)), "")


def named_failure(refusals: Refusals, code: str, sentence: str) -> FailureKind | None:
    """Return why a task failed, where the definition names its code."""
    rules = [(key, rule) for key in KINDS for rule in getattr(refusals, key) if rule.code]
    key = next((key for key, rule in rules if code and same_code(rule.code, code)), "")
    if key == "moderation":
        return kind_of_words(sentence) or FailureKind.MODERATION_OUTPUT
    return KINDS.get(key)


def _refuse(
    definition: Definition, response: Response, document: object, error: VendorError, kind: FailureKind
) -> Rejected:
    refusal = build_rejection(response, error, kind, provider_wide=kind is FailureKind.AUTH, document=document)
    wait = next((value for value in find_values(document, definition.retry_after) if _is_wait(value)), None)
    return refusal if wait is None else replace(refusal, retry_after_s=float(str(wait)))


def _is_wait(value: object) -> bool:
    word = as_word(value) or ""
    return word.replace(".", "", 1).isdecimal() and word.isascii() and len(word) < 8


def _words(document: object, places: Iterable[Place], limit: int = 200) -> list[str]:
    found = (value for place in places for value in find_values(document, place))
    return [word for value in found if (word := as_word(value) if not isinstance(value, str) else text(value, limit))]
