"""Finds characters that nobody sees or means, and texts that were read in a wrong encoding. Pure.

Not reported, because they are meant: line breaks and tabs, the blanks of typography, the direction marks of Arabic and
Hebrew, the joiners inside an emoji or a word of a script that needs them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from batchvid.manifest.expansion.cell_checks import Finding, shorten

ODD = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u180e\u200b-\u200d\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufeff\ufff0-\uffff\U000e0000-\U000e007f\U000f0000-\U0010ffff"
)
"""The characters to look at, as the inside of a regular expression's class."""
_MARKERS = "\xc2\xc3\xc4\xc5\xce\xcf\xd0\xd1\xd8\xd9\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xef\xf0"
"""The letters that the first byte of a UTF-8 character becomes when it is read as Windows-1252 or Latin-1."""
_ODD = re.compile(f"[{ODD}]")
_DAMAGED = re.compile(
    f"[{_MARKERS}][\x80-\xbf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d\u2018\u2019"
    "\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178 ]"
)
MAX_SHOWN = 5
_JOINERS = "\u200c\u200d"
_MEANINGS = {
    "\x00": "a zero byte",
    "\x07": "a bell",
    "\x08": "a backspace",
    "\x0b": "a line break of Excel or PowerPoint",
    "\x0c": "a page break",
    "\x1a": "the end mark of old programs",
    "\x1b": "an escape code of a terminal",
    "\x85": "a line break of mainframes",
    "\ufffd": "a character was lost in a conversion",
    "\ufffc": "the place of an object that was not copied",
}


def find_odd_characters(text: str) -> list[Finding]:
    """What is odd: the characters that make a request wrong, those that only nobody sees, and a damaged encoding."""
    if text.isascii() and text.isprintable():
        return []
    found = []
    odd = list(dict.fromkeys(_odd(text)))
    if wrong := [character for character in odd if _is_wrong(character)]:
        found.append(Finding(f"contains {_list(wrong)}, which no vendor takes; delete it", is_error=True))
    if lost := [character for character in odd if character == "\ufffd"]:
        found.append(Finding(f"contains {_list(lost)}; write the text again"))
    if unseen := [character for character in odd if character not in (*wrong, *lost)]:
        found.append(Finding(f"contains {_list(unseen)}, which nobody sees and which is sent; delete it"))
    if may_be_damaged(text):
        repaired = _repaired(text)
        if repaired != text:
            found.append(_damage(text, repaired))
    return found


def may_be_damaged(text: str) -> bool:
    """Whether the text contains what UTF-8 looks like in a wrong encoding. Fast; false alarms are possible."""
    return _DAMAGED.search(text) is not None


def _odd(text: str) -> list[str]:
    flags = "\U0001f3f4" in text  # the flags of England, Scotland and Wales are spelled with tag characters
    odd = []
    for match in _ODD.finditer(text):
        character = match[0]
        if character in _JOINERS and _joins(text, match.start()):
            continue
        if flags and "\U000e0020" <= character <= "\U000e007f":
            continue
        odd.append(character)
    return odd


def _joins(text: str, at: int) -> bool:
    """Whether the joiner stands beside an emoji or a letter of a script that needs it."""
    return (at > 0 and not text[at - 1].isascii()) or not text[at + 1 : at + 2].isascii()


def _is_wrong(character: str) -> bool:
    return character == "\x00" or "\ud800" <= character <= "\udfff"


def _list(characters: list[str]) -> str:
    shown = [f"U+{ord(character):04X} ({_meaning(character)})" for character in characters[:MAX_SHOWN]]
    more = len(characters) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


@lru_cache(maxsize=256)
def _meaning(character: str) -> str:
    if character in _MEANINGS:
        return _MEANINGS[character]
    meanings = {"Co": "a symbol that only its own font has", "Cc": "a control character", "Cs": "half a character"}
    category = unicodedata.category(character)
    return meanings.get(category) or unicodedata.name(character, "not a character").lower()


def _repaired(text: str) -> str:
    import ftfy  # 50 ms; few texts are damaged

    try:
        return ftfy.fix_encoding(text)
    except (ValueError, IndexError):  # it decodes byte by byte: a text that it cannot decode is not damaged
        return text


def _damage(text: str, repaired: str) -> Finding:
    at = next((i for i, (old, new) in enumerate(zip(text, repaired, strict=False)) if old != new), 0)
    begin = max(text.rfind(" ", 0, at) + 1, at - 20)
    old, new = shorten(text[begin : begin + 30], 24), shorten(repaired[begin : begin + 30], 24)
    return Finding(
        f"contains {old!r}, which is probably {new!r} read in a wrong encoding; save the file as UTF-8 from its source"
    )
