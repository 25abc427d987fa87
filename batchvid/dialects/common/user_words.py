"""Take out of a vendor's message what may be the user's own words: no verdict is made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from batchvid.domain.wire import GenerationRequest

MIN_RUN = 3  # words in a row of the message that stand in the prompt, too: the vendor repeats the prompt
MIN_WORDS = 2  # a prompt of one word is a word of every vendor, too
MAX_CHARS = 40_000

_QUOTED = re.compile(
    r'"[^"]*("|$)|`[^`]*(`|$)|“[^”]*(”|$)|‘[^’]*(’|$)|「[^」]*(」|$)|『[^』]*(』|$)|《[^》]*(》|$)|«[^»]*(»|$)'
    r"|(?<!\w)'.*?('(?!\w)|$)",
    re.S,
)
_WORD = re.compile(r"\w+")


def own_texts(sent: GenerationRequest | None) -> tuple[str, ...]:
    """Return every text of the user in a request."""
    if sent is None:
        return ()
    request = sent.request
    names = (image.filename for image in sent.images)
    return tuple(filter(None, (request.prompt, request.negative_prompt, *names, *_strings(request.options))))


def own_ids(sent: GenerationRequest | None) -> tuple[str, ...]:
    """Return the ids that a request sends: a reply that repeats one names no new task."""
    if sent is None:
        return ()
    parent = (sent.parent.task_id, *sent.parent.vendor_metadata.values()) if sent.parent else ()
    return tuple(filter(None, (sent.external_id, sent.request.video, *parent, *_strings(sent.request.options))))


def without_user_words(message: str, own: Iterable[str] = ()) -> str:
    """Remove what stands in quotes, and what a vendor repeats of the user's texts.

    >>> without_user_words("the prompt 'keeps her balance' is too long")
    'the prompt   is too long'
    >>> without_user_words("keeps her balance, on a rope: too long", ["She keeps her balance on a rope"])
    ' : too long'
    """
    whole = message.strip()
    if len(whole) > 1 and whole[0] in "\"'" and whole[0] == whole[-1] and whole.count(whole[0]) == 2:
        whole = whole[1:-1]  # the whole message is a quoted string
    kept = _QUOTED.sub(" ", whole)
    for text in own:
        words = [match.group().casefold() for match in _WORD.finditer(text[:MAX_CHARS])]
        if len(words) >= MIN_WORDS:
            kept = _without_runs(kept, words)
    return kept


def _without_runs(message: str, words: list[str]) -> str:
    """Remove runs of at least three words that stand in `words`, too; or all two of them."""
    length = min(MIN_RUN, len(words))
    runs = {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}
    found = list(_WORD.finditer(message))
    spoken = [match.group().casefold() for match in found]
    repeated: set[int] = set()
    for i in range(len(spoken) - length + 1):
        if tuple(spoken[i : i + length]) in runs:
            repeated.update(range(i, i + length))
    kept, position = [], 0
    for i in sorted(repeated):
        start = found[i].start()
        follows = i - 1 in repeated
        kept.append(" " if follows else message[position:start] + " ")
        position = found[i].end()
    return "".join(kept) + message[position:]


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings(item)
