"""Removes what a vendor's sentence quotes: words decide a verdict only where they are the vendor's own."""

from __future__ import annotations

import re

_QUOTED = re.compile(
    r"\"([^\"]*)\"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»|「([^」]*)」|『([^』]*)』|`([^`]*)`|(?<!\w)'([^']*)'(?!\w)|‘([^’]*)’(?!\w)"
)
_IDENTIFIER = re.compile(r"[A-Za-z0-9]+([_.-][A-Za-z0-9]+)+|[A-Z]+[a-z]+([A-Z]+[a-z]+)+")
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
RUN_OF_TOKENS = 4  # so many words (or CJK characters) in the order of the prompt are a quotation of it


def own_words(message: str, prompt: str = "") -> str:
    """Return a vendor's message without quoted text and without runs of words that stand in the prompt.

    A quoted identifier like `content_policy_violation` is the vendor's own word and stays.

    >>> own_words('The prompt "she keeps her balance" is too long')
    'The prompt   is too long'
    """
    unquoted = _QUOTED.sub(_keep_identifier, message)
    return _without_runs(unquoted, prompt) if prompt else unquoted


def _keep_identifier(quoted: re.Match[str]) -> str:
    inside = next((group for group in quoted.groups() if group is not None), "")
    return f" {inside} " if _IDENTIFIER.fullmatch(inside) else " "


def _without_runs(message: str, prompt: str) -> str:
    """Remove each run of tokens that the prompt holds in the same order; a shorter prompt counts as a whole."""
    asked = [found.group().casefold() for found in _TOKEN.finditer(prompt)]
    tokens = list(_TOKEN.finditer(message))
    size = min(RUN_OF_TOKENS, len(asked))
    if not size:
        return message
    runs = {tuple(asked[at : at + size]) for at in range(len(asked) - size + 1)}
    words = [found.group().casefold() for found in tokens]
    quoted: set[int] = set()
    for at in range(len(words) - size + 1):
        if tuple(words[at : at + size]) in runs:
            quoted.update(range(at, at + size))
    parts, end = [], 0
    for at in sorted(quoted):
        parts.append(message[end : tokens[at].start()])
        end = tokens[at].end()
    return " ".join([*parts, message[end:]])
