"""The line to write instead of one that YAML cannot read. Pure.

YAML's own messages name its grammar. A remedy here is a line that was tried: with it the parser gets further.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from batchvid.manifest.reading.yaml_line_fixes import (
    block_without_indent,
    bracket_fixes,
    fences,
    known_key,
    layout_fixes,
    other_notations,
)

MAX_TRIED_CHARS = 1_000_000  # each remedy is tried by reading the text again
MAX_SHOWN_CHARS = 160  # of a line to write
_LINE = re.compile(r"""(?P<head>\s*(?:-\s+)*(?:[\w$.-]+|"[^"]*"|'[^']*'):[ \t\u00a0]*)(?P<value>\S.*?)\s*""")
_ITEM = re.compile(r"(?P<head>\s*(?:-\s+)+)(?P<value>\S.*?)\s*")
_COMMENT = re.compile(r"\s#(\s.*)?$")
_BLOCK_START = re.compile(r"[|>][-+0-9]*\s+(?P<text>\S.*)")
_INVISIBLE = "\u00a0\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff"
_INVISIBLE_CHARACTERS = "\u00a0\u2002\u2003\u2007\u2009\u200b\u202f\u205f\u2060\u3000\ufeff"
_BLANKS = f" \t\r\n{_INVISIBLE_CHARACTERS}"
_INDENT = re.compile(rf"[ \t{_INVISIBLE}]*[\t{_INVISIBLE}]")
_CUT = re.compile(r"[ \t]+(#\w[^\n]*)")
_QUOTED = re.compile(r"""[“„«‘‚»][^“”„«»‘’‚]*[”“»’‘«]""")
_CONDITION = re.compile(r"\bwhere\W*\Z")
_ONE_TEMPLATE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_AT_START = "; write it at the beginning of the line, without blanks before it"
_COLON = re.compile(r"\s*:")
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)

GetsFurther = Callable[[str, int], bool]
"""Whether the parser reads a text without an error up to the end of that line."""


class Remedy(NamedTuple):
    """`text` ends a message, and is empty if nothing is found; `line` is the one to change, from 1."""

    line: int
    text: str


class Lines(NamedTuple):
    """The lines `first` to `last` (from 1) of a text, and the lines to write instead of them."""

    first: int
    last: int
    instead: tuple[str, ...]


def find_remedy(text: str, line: int, gets_further: GetsFurther, keys: Collection[str] = ()) -> Remedy:
    """What to write instead, as the end of a message (`; write: ...`); empty when no change that was tried helps.

    `line` is where the parser stopped, from 1. `keys` are the keys that the document may have.
    """
    lines = text.splitlines()
    if markdown := fences(lines):
        return Remedy(line, markdown)
    if indent := _bad_indent(lines, line, gets_further):
        return indent
    if len(text) > MAX_TRIED_CHARS:
        return Remedy(line, "")
    if block := block_without_indent(lines, line, keys):
        return Remedy(*block)
    if other := _other_line(lines, line, gets_further, keys):
        return other
    for change in _changes(lines, line):
        added = len(change.instead) - (change.last - change.first + 1)
        changed = [*lines[: change.first - 1], *change.instead, *lines[change.last :]]
        if gets_further("\n".join(changed) + "\n", max(change.last, line) + added):
            instead = " / ".join(_shown(one) for one in change.instead)
            is_one = change.first == change.last
            return Remedy(change.first if is_one else line, f"; write: {instead}")
    hint = _indent_like_above(lines, line, gets_further) or _flow_hint("".join(lines[line - 1 : line]))
    return Remedy(line, hint)


def _other_line(lines: list[str], line: int, gets_further: GetsFurther, keys: Collection[str]) -> Remedy | None:
    """The line in YAML's notation, or in the depth of the lines above if it has a known key."""
    for number in _with_the_line_above(lines, line):
        for instead in other_notations(lines[number - 1], keys):
            if gets_further("\n".join([*lines[: number - 1], instead, *lines[number:]]) + "\n", number):
                return Remedy(number, f"; write: {_shown(instead)}")
        for instead in bracket_fixes(lines[number - 1]):
            if gets_further("\n".join([*lines[: number - 1], instead, *lines[number:]]) + "\n", line):
                return Remedy(number, f"; write: {_shown(instead)}")
    if not 0 < line <= len(lines):
        return None
    for instead in layout_fixes(lines[line - 1], keys):
        if gets_further("\n".join([*lines[: line - 1], instead, *lines[line:]]) + "\n", line):
            return Remedy(line, f"; write: {_shown(instead)}")
    hint = _indent_like_above(lines, line, gets_further) if known_key(lines[line - 1], keys) else ""
    return Remedy(line, hint) if hint else None


def _with_the_line_above(lines: list[str], line: int) -> Iterator[int]:
    """The line where the parser stopped, and the one above that is not blank: it is often the wrong one."""
    if 0 < line <= len(lines):
        yield line
    above = (number for number in range(min(line - 1, len(lines)), 0, -1) if lines[number - 1].strip())
    yield from [number for number in [next(above, 0)] if number]


def _indent_like_above(lines: list[str], line: int, gets_further: GetsFurther) -> str:
    """The indentation with which the parser gets further, out of those of the lines above."""
    if not 1 < line <= len(lines):
        return ""
    for above in reversed(lines[max(0, line - 20) : line - 1]):
        match = re.match(r"\s*(?:-\s+)?", above)
        depth = len(match[0]) if match else 0
        changed = [*lines[: line - 1], " " * depth + lines[line - 1].strip(_BLANKS), *lines[line:]]
        if gets_further("\n".join(changed) + "\n", line):
            return f"; indent it with {depth} spaces, like the lines above" if depth else _AT_START
    return ""


def _flow_hint(line: str) -> str:
    if "{{" in line:
        return '; a text that begins with {{ must be in quotes, such as "{{ name }}"'
    if "{" in line or "[" in line:
        return "; inside { } and [ ], a text with a comma, a colon or a bracket must be in quotes"
    return ""


def join_surrogates(text: str) -> str:
    r"""The text with escaped surrogate pairs (`\ud83e\ude81`, as other programs write JSON) as single characters."""

    def character(pair: re.Match[str]) -> str:
        units = bytes.fromhex(pair[2] + pair[3])
        return pair[1] + units.decode("utf-16-be")

    return _PAIR.sub(character, text)


def misread(value: str, text: str, end: int) -> str:
    """Why a plain text is probably read in another way than it is meant; empty if it is not.

    `end` is where the value ends in the `text` of the file.
    """
    if cut := _CUT.match(text, end):
        rest = cut[1].rstrip()
        comment = f"# {rest[1:20].strip()}"
        return (
            f"{_shown(rest)!r} is read as a comment; if it belongs to the text, quote the text, else write {comment!r}"
        )
    if _QUOTED.fullmatch(value):
        return f"{_shown(value)}: these quotes are sent as a part of the text; write {_shown(quote(value[1:-1]))}"
    return ""


def odd_key(key: str) -> str:
    """What is wrong with a key that holds an invisible character; empty if nothing is."""
    if not any(character in _INVISIBLE_CHARACTERS for character in key):
        return ""
    shown = "".join(" " if character in _INVISIBLE_CHARACTERS else character for character in key).strip()
    return f"the key {shown!r} holds an invisible character that is no space"


def has_no_colon(text: str, end: int) -> bool:
    """Whether no colon follows a key that ends there: `{place: Paris, France}`."""
    return _COLON.match(text, end) is None


def quote(text: str) -> str:
    """The text as a quoted YAML scalar."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def _bad_indent(lines: list[str], line: int, gets_further: GetsFurther) -> Remedy | None:
    for number in (line, line + 1):
        if 0 < number <= len(lines) and (match := _INDENT.match(lines[number - 1])):
            what = "a tab" if "\t" in match[0] else "an invisible character that is no space"
            hint = _indent_like_above(lines, number, gets_further).removeprefix("; ")
            return Remedy(number, f"; it is indented with {what}: {hint or 'use spaces only'}")
    return None


def _changes(lines: list[str], line: int) -> Iterator[Lines]:
    """Changes that may help, the nearest line first."""
    seen = set()
    for number in (line, *range(line - 1, 0, -1)):
        if not 0 < number <= len(lines):
            continue
        match = _LINE.fullmatch(lines[number - 1]) or _ITEM.fullmatch(lines[number - 1])
        if not match or not lines[number - 1].strip():
            continue
        last = _last_line_of_value(lines, number)
        if last < line - 1 and number < line - 1 and not _is_open_quote(match["value"]):
            break  # a value that ended before
        head = match["head"].replace("\u00a0", " ")
        head = head if head.endswith(" ") else f"{head} "
        is_condition = _CONDITION.search(head) is not None
        for value in () if _is_flow(match["value"]) else _values(match["value"], is_condition=is_condition):
            if (number, value) not in seen:
                seen.add((number, value))
                yield Lines(number, number, (f"{head}{value}",))
        if last > number:
            inner = "  " + re.sub(r"[^\s]", " ", match["head"])[: len(match["head"]) - len(match["head"].lstrip())]
            indent = re.match(r"\s*", lines[number])
            inner = indent[0] if indent and indent[0] else inner
            texts = [match["value"], *(text.strip() for text in lines[number:last])]
            yield Lines(number, last, (f"{head}>-", *(f"{inner}{text}" for text in texts)))


def _last_line_of_value(lines: list[str], number: int) -> int:
    """The last line that is indented deeper than the key of line `number`."""
    match = re.match(r"\s*(?:-\s+)*", lines[number - 1])
    depth = len(match[0]) if match else 0
    last = number
    for following in lines[number:]:
        if following.strip() and len(following) - len(following.lstrip()) <= depth:
            break
        last += 1
    while last > number and not lines[last - 1].strip():
        last -= 1
    return last


def _is_open_quote(value: str) -> bool:
    return value[:1] in ("'", '"') and value.count(value[0]) == 1


def _is_flow(value: str) -> bool:
    """Whether it is a list or a mapping in brackets, rather than a text that begins with one."""
    return (value[0] == "{" and value[-1] == "}" and ":" in value) or (value[0] == "[" and value[-1] == "]")


def _values(value: str, *, is_condition: bool) -> Iterator[str]:
    """The value in quotes, in the ways in which it may be meant. The quotes and signs of a condition belong to it."""
    bare = _COMMENT.sub("", value).rstrip()
    if is_condition:
        if (template := _ONE_TEMPLATE.fullmatch(bare)) and "'" not in template[1] and '"' not in template[1]:
            yield template[1]  # a condition is no template
        yield quote(bare)
        return
    if _is_open_quote(bare):
        yield bare + bare[0]
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "'\"":
        yield quote(bare[1:-1])
    if block := _BLOCK_START.fullmatch(bare):
        yield quote(block["text"])
    yield quote(bare)


def _shown(line: str) -> str:
    line = line.strip()
    return line if len(line) <= MAX_SHOWN_CHARS else f"{line[:MAX_SHOWN_CHARS]}... (to its end)"
