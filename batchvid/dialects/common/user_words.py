"""Take out of a vendor's message what may be the user's own words: no verdict is made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from batchvid.dialects.common.vendor_text import own_words
from batchvid.domain.wire import GenerationRequest

MAX_CHARS = 40_000

_OPEN_QUOTE = re.compile(r"[\"“„«「『`].*|(?<!\w)['‘](?=\w).*", re.S)
_SEVERAL_WORDS = re.compile(r"\w\W+\w|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2}")
"""One word of a prompt is a word of every vendor, too."""


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


def own_names(sent: GenerationRequest | None) -> tuple[str, ...]:
    """Return the names in a request that a vendor repeats: its model, and its links."""
    if sent is None:
        return ()
    return tuple(filter(None, (sent.request.model, *(image.url for image in sent.images))))


def without_user_words(message: str, own: Iterable[str] = ()) -> str:
    """Remove what stands in quotes, and what a vendor repeats of the user's texts. A quote may break off.

    >>> without_user_words("the prompt 'keeps her balance' is too long")
    'the prompt   is too long'
    >>> without_user_words('the prompt "keeps her balance')
    'the prompt '
    """
    kept = message.strip()
    if len(kept) > 1 and kept[0] in "\"'" and kept[0] == kept[-1] and kept.count(kept[0]) == 2:
        kept = kept[1:-1]  # the whole message is a quoted string
    kept = _OPEN_QUOTE.sub("", own_words(kept))
    for text in own:
        if len(text) <= MAX_CHARS and _SEVERAL_WORDS.search(text):
            kept = own_words(kept, text)
    return kept


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings(item)
