"""Lines of a manifest that are written in the habit of another notation, and the line to write instead. Pure.

Other notations are Markdown, TOML, JSON with comments, typographic signs, and lists without the blank after the dash.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

_FENCE = re.compile(r"\s*(?:```|~~~)\s*\w*\s*")
_DASH = re.compile(r"(?P<indent>\s*)-(?P<rest>[A-Za-z_\"']\S*?:(?:\s.*)?)")
_BULLET = re.compile(r"(?P<indent>\s*)(?:[*•·–—−]|\d+[.)])\s+(?P<rest>[\w\"'][^:]*:(?:\s.*)?)")
_WIDE_COLON = re.compile(r"(?P<head>\s*(?:-\s+)?[\w.-]+)：\s*(?P<value>.*)")
_NO_BLANK = re.compile(r"(?P<head>\s*(?:-\s+)?)(?P<key>\w+):(?P<value>[^\s:/].*)")
_EQUALS = re.compile(r"(?P<head>\s*(?:-\s+)?)(?P<key>\w+)\s*=\s*(?P<value>.*)")
_SLASHES = re.compile(r"(?P<head>.*?)(?:(?<=\s)|^)//\s?(?P<comment>.*)")
_STARS = re.compile(r"(?P<indent>\s*)/\*\s*(?P<comment>.*?)\s*\*/\s*")
_KEY_ITEM = re.compile(r"(?P<indent>\s*)-\s+(?P<key>\w+):(?P<rest>.*)")
_KEY = re.compile(r"(?P<indent>\s*)(?P<dash>-\s+)?(?P<key>\w+):(?:\s|$)")
_BLOCK = re.compile(r"(?P<indent>\s*)(?:-\s+)*(?P<key>\w+):\s*[|>][-+]?\s*")
_TEXT_KEYS = frozenset({"prompt", "negative_prompt", "id", "where"})
_FLOW_TEXT = re.compile(r"(?P<key>[\w.-]+):\s+(?P<value>[^\s\"'{}\[\],][^{}\[\],]*:\s[^{}\[\],]*)")
_CLOSERS = {"{": "}", "[": "]"}


def known_key(line: str, keys: Collection[str]) -> str:
    """The key with which the line begins, if it is one of `keys`; otherwise nothing."""
    match = _KEY.match(line)
    return match["key"] if match and match["key"] in keys else ""


def other_notations(line: str, keys: Collection[str]) -> Iterator[str]:
    """What the line means if it is written in another notation; each is to be tried."""
    if match := _DASH.fullmatch(line) or _BULLET.fullmatch(line):
        yield f"{match['indent']}- {match['rest']}"
    if match := _WIDE_COLON.fullmatch(line):
        yield f"{match['head']}: {match['value']}".rstrip()
    if (match := _NO_BLANK.fullmatch(line)) and match["key"] in keys:
        yield f"{match['head']}{match['key']}: {match['value']}"
    if (match := _EQUALS.fullmatch(line)) and match["key"] in keys:
        yield f"{match['head']}{match['key']}: {match['value']}"
    if match := _STARS.fullmatch(line):
        yield f"{match['indent']}# {match['comment']}"
    if match := _SLASHES.fullmatch(line):
        yield f"{match['head']}# {match['comment']}"


def layout_fixes(line: str, keys: Collection[str]) -> Iterator[str]:
    """The line without the dash before a key."""
    if (match := _KEY_ITEM.fullmatch(line)) and match["key"] in keys:
        yield f"{match['indent']}{match['key']}:{match['rest']}"


def bracket_fixes(line: str) -> Iterator[str]:
    """The line with the brackets that are missing, or with the texts in its brackets in quotes."""
    head, colon, value = line.partition(":")
    value = value.strip()
    if not colon or value[:1] not in _CLOSERS or head.strip(" -") in _TEXT_KEYS or value.startswith("{{"):
        return
    closed = _closed(value)
    if closed and closed != value:
        yield f"{head}: {closed}"
    quoted = _FLOW_TEXT.sub(lambda match: f'{match["key"]}: "{match["value"].strip()}"', value[1:])
    if quoted != value[1:] and '"' not in value:
        yield f"{head}: {value[0]}{quoted}"


def _closed(value: str) -> str:
    """The value with each bracket closed; empty if there is a bracket that nothing opens."""
    open_ones: list[str] = []
    written: list[str] = []
    for character in value:
        if character in _CLOSERS:
            open_ones.append(_CLOSERS[character])
        elif character in _CLOSERS.values():
            if character not in open_ones:
                return ""
            while open_ones.pop() != character:
                written.append(next(closer for closer in _CLOSERS.values() if closer != character))
        written.append(character)
    return "".join([*written, *reversed(open_ones)])


def fences(lines: Sequence[str]) -> str:
    """What to delete of a Markdown text around the manifest; empty if there is none."""
    found = [number for number, line in enumerate(lines, 1) if _FENCE.fullmatch(line)]
    if not found or (found[0] > 1 and any(_KEY.match(line) for line in lines[: found[0] - 1])):
        return ""
    first, last = found[0], found[1] if len(found) > 1 else 0
    begins = f"line {first}" if first == 1 else f"the lines 1 to {first}"
    if not last:
        return f"; ``` is Markdown, not YAML: delete {begins}"
    ends = f"line {last}" if not any(line.strip() for line in lines[last:]) else f"everything from line {last}"
    return f"; ``` is Markdown, not YAML: delete {begins}, and {ends}"


def block_without_indent(lines: Sequence[str], line: int, keys: Collection[str]) -> tuple[int, str] | None:
    """(line, what to write) if the text below a `|` or a `>` is not indented deeper than its key."""
    for number in range(min(line, len(lines)), max(0, line - 30), -1):
        match = _BLOCK.fullmatch(lines[number - 1])
        if not match or number >= len(lines):
            continue
        depth = len(lines[number - 1]) - len(lines[number - 1].lstrip(" -"))
        below = lines[number]
        if not below.strip() or len(below) - len(below.lstrip()) > depth or known_key(below, keys):
            return None
        last = number
        for text in lines[number:]:
            if known_key(text, keys):
                break
            last += 1
        where = f"the line {number + 1}" if last == number + 1 else f"the lines {number + 1} to {last}"
        return number + 1, f"; indent {where} with {depth + 2} spaces: {match['key']}: continues there"
    return None
