"""Explains templates that cannot be read, and says what to write instead. Pure."""

from __future__ import annotations

import re

_NAME = re.compile(r"[^\W\d]\w*")
_OPEN = re.compile(r"\{\{(?P<inside>(?:(?!\{\{|\}\}).)*)$", re.DOTALL)
_SINGLE_CLOSE = re.compile(r"\{\{(?P<inside>[^{}]*)\}(?!\})")
_EMPTY = re.compile(r"\{\{\s*\}\}")
_NO_TAG = re.compile(r"\{%-?\s*(?P<inside>[^%]*?)\s*-?%?\}")
_TAGS = ("if", "elif", "else", "endif", "for", "endfor", "set", "raw", "endraw", "with", "filter")
_TAG = re.compile(r"\{%-?\s*(\w+)")
_CLOSED_BY_END = ("if", "for", "with", "filter")
_TWO_WORDS = re.compile(r"\{\{-?\s*([^\W\d]\w*(?:\s+(?!if\b|else\b|or\b|and\b|in\b|is\b|not\b)[^\W\d]\w*)+)\s*-?\}\}")
_MAX_SHOWN_CHARS = 60


def explain(text: str, reason: str, line: int) -> str:
    """What is wrong with a template, as a problem. `reason` and `line` are those of the template engine."""
    if _EMPTY.search(text):
        return "has {{ }} with nothing inside; write a name between them, such as {{ name }}"
    if match := _SINGLE_CLOSE.search(text):
        return f"has a {{{{ that is closed by a single }}; write {_filled(match['inside'])}"
    if match := _OPEN.search(text):
        return f"has a {{{{ that is not closed; write {_filled(match['inside'])}"
    for pattern, words in _OTHER_LANGUAGES:
        if match := re.search(pattern, text):
            return words.format(*(part.strip() for part in match.groups()))
    for match in _NO_TAG.finditer(text):
        if not _starts_with_tag(match["inside"]):
            written = match[0][:_MAX_SHOWN_CHARS]
            return f"has {written}, which is no tag of a template; to send it as it is, write {_raw(written)}"
    if opened := _left_open(text):
        return f"has a {{% {opened} %}} that is not closed; write {{% end{opened} %}} where it ends"
    if match := _TWO_WORDS.search(text):
        return f"has a name of several words, {match[1]}; write {{{{ {'_'.join(match[1].split())} }}}}"
    return f"is not a valid template: {_plain(reason)} (line {line} of the text)"


_OTHER_LANGUAGES = (
    (
        r"\{\{\s*#if\s+(\w+)\s*\}\}",
        "{{{{#if {0}}}}} is of another template language; write {{% if {0} %}}...{{% endif %}}",
    ),
    (r"\{\{\s*([#/>^].*?)\}\}", "{{{{{0}}}}} is of another template language; write {{% if name %}}...{{% endif %}}"),
    (r"\{\{\s*(\w+)\s*(?:\?\?|\|\|)\s*(['\"][^'\"]*['\"])\s*\}\}", "write {{{{ {0} or {1} }}}}"),
    (r"\{\{\s*(\w+)\s*\|\s*(\w+):\s*(['\"][^'\"]*['\"]|\d+)\s*\}\}", "write {{{{ {0}|{1}({2}) }}}}"),
)
_REASONS = (
    (
        r"Unexpected end of template.* needs to be closed is '(\w+)'.*",
        r"{{% {1} %}} is not closed; write {{% end{1} %}}",
    ),
    (
        r"Encountered unknown tag '(\w+)'.* needs to be closed is '(\w+)'.*",
        r"{{% {1} %}} stands where {{% end{2} %}} must",
    ),
    (
        r"(?:Encountered unknown tag|Unexpected end of template).*?'?(\w*)'?\.?$",
        "a tag {{% ... %}} is not closed or unknown",
    ),
    (r"expected token '.*', got 'end of .*'", "something is missing before the closing brackets"),
    (r"expected token '.*', got '(.*)'", "what is between the brackets is not one name; '{1}' is not expected there"),
    (r"unexpected '(.*)'", "'{1}' is not expected there"),
    (r"unexpected char '?(.*?)'? at .*", "{1} is not expected there; quotes must be straight, and names are one word"),
    (r"Missing end of (comment|raw).*", "{{# or {{% raw %}} is not closed"),
    (r"tag name expected", "{{% %}} needs a word such as if"),
)


def _plain(reason: str) -> str:
    """The reason of the template engine in other words."""
    for pattern, words in _REASONS:
        if match := re.match(pattern, reason, re.DOTALL):
            return words.format("", *match.groups())
    return "write plain names, such as {{ name }}"


def _left_open(text: str) -> str:
    """The tag that has no end, if the others are closed in order."""
    open_ones: list[str] = []
    for word in _TAG.findall(text):
        if word in _CLOSED_BY_END:
            open_ones.append(word)
        elif word.startswith("end") and open_ones and word == f"end{open_ones[-1]}":
            open_ones.pop()
    return open_ones[-1] if open_ones else ""


def _filled(inside: str) -> str:
    name = _NAME.search(inside)
    return f"{{{{ {name[0]} }}}}" if name else "{{ name }}"


def _starts_with_tag(inside: str) -> bool:
    word = _NAME.match(inside)
    return word is not None and word[0] in _TAGS


def _raw(text: str) -> str:
    return f"{{% raw %}}{text}{{% endraw %}}"
