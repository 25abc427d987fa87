"""Finds the API keys of this process in any text, in every encoding that vendors echo them in. Pure.

Credentials registers each key that it hands out. A text is brought into plain forms (lower case, invisible characters
left out, escapes decoded once, twice and more), and the key, its hex form and its base64 forms are searched in each.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Iterator

MASK = "***"
MIN_KEY_CHARS = 12  # a shorter key may occur in an id by chance: it is only hidden as a word of its own
MIN_WORD_CHARS = 6
HEAD_CHARS = 8
MAX_ROUNDS = 3  # text that is escaped inside of escaped text

_INVISIBLE = re.compile(
    "[\\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f"
    "\u205f-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_ESCAPE = re.compile(
    r"(?:%e2%80%8[b-f]|%e2%81%a[0-f]|%ef%bb%bf|%c2%ad|\\+[nrt]|\\+(?![ux]))"  # invisible, or only an escape
    r"|(?:%|\\+x)([0-9a-f]{2})|\\+u\{?([0-9a-f]{1,6})\}?|(&(?:#x?[0-9a-f]{1,6}|[a-z]{2,6});)",
    re.IGNORECASE,
)
_ESCAPE_CHARS = re.compile(r"[%\\&]")


class KnownKeys:
    """The keys to hide. Grows while a process runs; a search costs about a microsecond."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._needles: tuple[str, ...] = ()
        self._heads: tuple[str, ...] = ()
        self._words: tuple[str, ...] = ()

    def add(self, key: str) -> None:
        """Hide this key from now on, unless it is too short to differ from other words."""
        if key in self._keys or len(key) < MIN_WORD_CHARS:
            return
        self._keys.add(key)
        if len(key) < MIN_KEY_CHARS:
            self._words = (*self._words, key.lower())
            return
        self._needles = tuple(dict.fromkeys((*self._needles, *_encodings(key))))
        self._heads = tuple(dict.fromkeys(needle[:HEAD_CHARS] for needle in self._needles))

    def may_occur(self, text: str) -> bool:
        """Whether the beginning of a key stands in the text. Cheap; False is certain."""
        if not self._keys or not text:
            return False
        beginnings = (*self._heads, *self._words)
        return any(beginning in plain for plain in _plain_forms(text) for beginning in beginnings)

    def hide(self, text: str) -> str:
        """The text with each key, and each long beginning of one (a text that was cut), replaced by `***`."""
        if not self.may_occur(text):
            return text
        found = [
            (spans[start][0], spans[end - 1][1])
            for plain, spans in _plain_forms_with_spans(text)
            for start, end in (*self._find_needles(plain), *self._find_words(plain, text, spans))
        ]
        return _masked(text, found)

    def _find_needles(self, plain: str) -> list[tuple[int, int]]:
        found = []
        for needle in self._needles:
            start = plain.find(needle[:HEAD_CHARS])
            while start >= 0:
                length = _common_length(plain, start, needle)
                if length >= MIN_KEY_CHARS:
                    found.append((start, start + length))
                start = plain.find(needle[:HEAD_CHARS], start + 1)
        return found

    def _find_words(self, plain: str, text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
        found = []
        for word in self._words:
            for match in re.finditer(re.escape(word), plain):
                first, last = spans[match.start()][0], spans[match.end() - 1][1]
                if not (text[first - 1 : first].isalnum() or text[last : last + 1].isalnum()):
                    found.append(match.span())
        return found


def _encodings(key: str) -> list[str]:
    """The forms of a key in lower case, in which a case-insensitive search finds every spelling of them."""
    data = key.encode()
    found = [key.lower(), data.hex()]
    for offset in range(3):  # base64 of a text in which the key begins at any byte, without what neighbours change
        text = base64.b64encode(bytes(offset) + data).decode()
        inner = text[-(-8 * offset // 6) : 8 * (offset + len(data)) // 6].lower()
        found += [inner, inner.replace("+", "-").replace("/", "_")]
    return found


def _plain_forms(text: str) -> Iterator[str]:
    """The forms that are searched, each with one more round of escapes decoded."""
    text = _INVISIBLE.sub("", text.lower())
    yield text
    for _ in range(MAX_ROUNDS):
        if not _ESCAPE_CHARS.search(text):
            return
        before = text
        text = _INVISIBLE.sub("", _ESCAPE.sub(_decoded, text).lower())
        if text == before:
            return
        yield text


def _plain_forms_with_spans(text: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """The same forms; and of each of their characters, where it stands in the given text."""
    spans = [(at, at + 1) for at in range(len(text))]
    text, spans = _each_char(text, spans, lambda char: "" if _INVISIBLE.match(char) else char.lower())
    yield text, spans
    for _ in range(MAX_ROUNDS):
        before, pieces, kept, at = text, list[str](), list[tuple[int, int]](), 0
        for match in _ESCAPE.finditer(text):
            char = _decoded(match).lower()
            pieces += [text[at : match.start()], char]
            kept += spans[at : match.start()]
            kept += [(spans[match.start()][0], spans[match.end() - 1][1])] * len(char)
            at = match.end()
        text, spans = "".join([*pieces, text[at:]]), kept + spans[at:]
        text, spans = _each_char(text, spans, lambda char: "" if _INVISIBLE.match(char) else char)
        if text == before:
            return
        yield text, spans


def _each_char(
    text: str, spans: list[tuple[int, int]], change: Callable[[str], str]
) -> tuple[str, list[tuple[int, int]]]:
    pieces, kept = list[str](), list[tuple[int, int]]()
    for char, span in zip(text, spans, strict=True):
        changed = change(char)
        pieces.append(changed)
        kept += [span] * len(changed)
    return "".join(pieces), kept


def _decoded(match: re.Match[str]) -> str:
    byte, point, entity = match.groups()
    if entity:
        return html.unescape(entity)
    number = int(byte or point or "0", 16)
    return chr(number) if 0 < number < 0x110000 else ""


def _common_length(text: str, start: int, needle: str) -> int:
    length = 0
    for char, expected in zip(text[start : start + len(needle)], needle, strict=False):
        if char != expected:
            break
        length += 1
    return length


def _masked(text: str, found: list[tuple[int, int]]) -> str:
    pieces, at = [], 0
    for start, end in sorted(found):
        if end <= at:
            continue
        if start >= at:
            pieces += [text[at:start], MASK]
        at = end
    return "".join([*pieces, text[at:]])


known_keys = KnownKeys()
"""The keys of this process."""
