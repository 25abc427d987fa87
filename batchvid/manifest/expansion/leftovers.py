"""Finds placeholders that nobody filled in: `[product]`, `${CITY}`, `{{ name }}` in a cell, TODO. Pure.

What the vendors' prompts use is none: `[Wide shot]`, `[0-3s]`, `<<<image_1>>>`, `@Image1`, `<lora:x:1>`, JSON.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

MAX_FOUND = 50  # of one text


class Leftover(NamedTuple):
    """A placeholder as it is `written`; `name` is the column or variable that it names, `is_choice` is for `{a|b}`."""

    written: str
    name: str = ""
    is_choice: bool = False


_SURE = {
    "{": r"\{\{[^\n]{0,200}?\}\}|\{%[^\n]{0,200}?%\}|\{\#[^\n]{0,200}?\#\}|\{\{|\{%",
    "[": r"\[\[[^\[\]\n]{1,100}\]\]|\[%[^\n]{1,200}?%\]",
    "<": r"<%[^\n]{0,200}?%>",
    "$": r"\$\{[^{}\n]{1,100}\}|\$\([A-Za-z_]\w*\)|\$env:\w+",
    "#": r"\#\{[^{}\n]{1,100}\}|\#\#\w+\#\#",
    "@": r"@\{[^{}\n]{1,100}\}|@@\w+@@",
    "*": r"\*\|[^|\n]{1,60}\|\*",
    "%": r"%\(\w+\)[sdif]\b|%(?<![\w%].)[A-Za-z_][A-Za-z0-9_]{1,40}%|%(?<![\d%].)(?<!\d\ .)(?:\d\$)?[sd]\b",
    "_": r"__[^\W\d_][\w /-]{0,40}?__|_{3,}",
}
"""By their first character: what a template engine, a shell, a mail merge or a form writes, and nobody in a prompt."""
_SHELL = re.compile(r"\$(?<![\w$].)([A-Z][A-Z0-9_]{2,})\b")
_CURRENCIES = re.compile("(?:US|CA|AU|NZ|SG|HK|TW|AR|CO|CL)[DSP]|MXN|BRL|EUR|GBP")
_WORDS = re.compile(
    r"\b(?:TODO|FIXME)\b(?!\s+[^\W\d_a-z]{2,})|\b(?:TBD|TBA|TBC|PLACEHOLDER|X{3,})\b|\b[Ll]orem [Ii]psum\b"
    r"|\b(?:INSERT|ADD|ENTER) (?:[A-Z]+ ){1,4}HERE\b"
)
_BRACES = re.compile(r"\{(?<![{$#@].)([^{}\n]{0,80})\}(?!\})")
_PLAIN_WORDS = re.compile(r"\s*(?:[\w.-]+(?: [\w.-]+){0,3})?\s*(?:[:!][^\s{}\"']*)?")
_SQUARE = re.compile(r"\[(?<!\[.)([^\[\]\n]{1,60})\](?!\])")
_ANGLE = re.compile(r"<(?<![<\w].)([^<>\n]{1,60})>(?!>)")
_ROUND = re.compile(r"\(((?:insert|enter|fill in|add|your|choose|replace|describe)\b[^()\n]{1,60})\)", re.IGNORECASE)
_ROUND_CAPITALS = re.compile(r"\(([A-Z][A-Z _-]{1,40})\)")
_FORM = re.compile(
    r"(?:insert|enter|fill|your|choose|select|specify|replace|e\.?g\.?|placeholder|todo|tbd|tba|xxx?)\b.*"
    r"|(?:add|describe) .*|.*\bhere|\.{3}|…|[A-Za-z0-9]+(?:_[A-Za-z]+)+",
    re.IGNORECASE,
)
_NOUN_WORDS = (
    "product products brand company city town country place location subject object character person animal color"
    " colour name title item style lighting mood season weather time date price adjective noun verb action setting"
    " background material fabric size category sku headline slogan tagline text keyword topic theme audience customer"
    " client logo feature benefit event food dish drink flavor flavour ingredient occasion holiday artist"
)
_FILLER_WORDS = "the a an of main your target first second name type description value 1 2 3"
_NOUNS, _FILLERS = frozenset(_NOUN_WORDS.split()), frozenset(_FILLER_WORDS.split())
_TAGS = frozenset(["S", "E", "BREAK", "IMG", "AUDCAP", "ENDAUDCAP", "THINK"])

_WORD_HINT = re.compile("TODO|FIXME|TB[ACD]|XXX|PLACEHOLDER|HERE|psum")
_OPENING, _CLOSING = "[({<«‹⟨【（「『〔＜｛［", "])}>»›⟩】）」』〕＞｝］"
_PAIRS = {
    opening: re.compile(
        rf"{re.escape(opening)}{{1,4}}[$%#@]?([^{re.escape(opening + closing)}\n]{{1,60}}){re.escape(closing)}{{1,4}}"
    )
    for opening, closing in zip(_OPENING, _CLOSING, strict=True)
}
_ASCII_PAIRS = {opening: pattern for opening, pattern in _PAIRS.items() if opening.isascii()}
_SYMMETRIC = re.compile(
    r"[%#@|~^*!$&+=:`/\\?;-](?<!\w.)[%#@|~^*!$&+=:`/\\?;-]{0,2}(\w(?:[\w -]{0,40}\w)?)[%#@|~^*!$&+=:`/\\?;-]{1,3}(?!\w)"
)
_PUNCTUATION = frozenset("/\\?;-")  # delimiters only when the same stands on both sides
_PATH, _PATH_SIGN = re.compile(r"\s*\w+\s*[.:!|]\S*\s*"), re.compile(r"[.:!|]")
_SHELL_NAME = re.compile(r"\$(?<![\w$].)(\w+)")
_COLON_NAME = re.compile(r":(?<!\S.)(\w+)(?!:)")
_UNDERSCORED = re.compile(r"__([^\W_][\w /-]{0,40}?)__")
_SURE_FIRST = {first: re.compile(pattern) for first, pattern in _SURE.items()}


@lru_cache(maxsize=4096)
def normal_name(name: str) -> str:
    """A name without case, accents' forms, blanks and punctuation: `Product name` and `product_name` are equal."""
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())


@lru_cache(maxsize=64)
def normal_names(names: tuple[str, ...]) -> Mapping[str, str]:
    """Names by their normal form. A name without a letter, such as `1`, fits too much and is left out."""
    found = {normal_name(name): name for name in reversed(names)}
    return {normal: name for normal, name in found.items() if any(c.isalpha() for c in normal)}


def find_leftovers(text: str, names: Mapping[str, str]) -> list[Leftover]:
    """The placeholders of a text, each once, in their order. `names` are those of `normal_names`."""
    found: dict[str, Leftover] = {}
    for part in _parts(text):
        for leftover in (*_named(part, names), *_generic(part)):
            found.setdefault(leftover.written, leftover)  # the named one comes first
            if len(found) >= MAX_FOUND:
                break
    whole = [leftover for leftover in found.values() if not _is_inside_another(leftover, found)]
    return sorted(whole, key=lambda leftover: text.find(leftover.written))


def _is_inside_another(leftover: Leftover, found: Mapping[str, Leftover]) -> bool:
    return any(leftover.written in written and leftover.written != written for written in found)


def _parts(text: str) -> Iterator[str]:
    """The text itself; of a JSON text each text in it, because its braces and brackets are no placeholders."""
    if text[:1] in "{[" and text[-1:] in "}]":
        try:
            yield from _texts(json.loads(text))
        except (ValueError, RecursionError):
            pass
        else:
            return
    yield text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _named(text: str, names: Mapping[str, str]) -> Iterator[Leftover]:
    for opening, pattern in (_ASCII_PAIRS if text.isascii() else _PAIRS).items():
        if opening not in text:
            continue
        for match in pattern.finditer(text):
            if (name := _name_in(match[1], names)) and not _is_heading(text, match):
                sign = text[match.start() - 1 : match.start()]
                yield Leftover(sign + match[0] if sign and sign in "$%#@" else match[0], name)
    for match in _SYMMETRIC.finditer(text):
        is_open = match[0][-1] in _PUNCTUATION and match[0][0] != match[0][-1]
        if not is_open and (name := _name_in(match[1], names)):
            yield Leftover(match[0], name)
    for sign, pattern in (("$", _SHELL_NAME), (":", _COLON_NAME), ("__", _UNDERSCORED)):
        if sign in text:
            for match in pattern.finditer(text):
                if name := _name_in(match[1], names):
                    yield Leftover(match[0], name)


def _is_heading(text: str, match: re.Match[str]) -> bool:
    """Whether it heads a part of the prompt: `[Style]: cinematic`, or before a sentence as in `[Style] Cinematic`."""
    if match[0][0] not in "[【":
        return False
    before, after = text[: match.start()].rstrip(" ")[-1:], text[match.end() :].lstrip(" ")[:1]
    is_first = before in ("", *".!?;\n") and match[1][:1].isupper()
    return after == ":" or (is_first and (after in ("", "\n") or after.isupper() or after.isdigit()))


def _name_in(inside: str, names: Mapping[str, str]) -> str:
    """The variable that `inside` names: `product`, ` Product name `, `product.upper`, `row.product`, `price:.2f`."""
    whole = names.get(normal_name(inside))
    if whole or _PATH.fullmatch(inside) is None:
        return whole or ""
    first = _PATH_SIGN.split(inside, maxsplit=1)[0]
    last = inside.rpartition(".")[2]
    return names.get(normal_name(first)) or names.get(normal_name(last)) or ""


def _generic(text: str) -> Iterator[Leftover]:
    for first, pattern in _SURE_FIRST.items():
        if first in text:
            yield from (Leftover(match[0]) for match in pattern.finditer(text))
    if "$" in text:
        yield from (Leftover(match[0]) for match in _SHELL.finditer(text) if not _CURRENCIES.fullmatch(match[1]))
    if _WORD_HINT.search(text):
        yield from (Leftover(match[0]) for match in _WORDS.finditer(text))
    if "(" in text:
        yield from (Leftover(match[0]) for match in _ROUND.finditer(text))
        yield from (Leftover(match[0]) for match in _ROUND_CAPITALS.finditer(text) if _is_form(match[1]))
    if "{" in text:
        yield from _braces(text)
    if "[" in text:
        yield from (
            Leftover(match[0])
            for match in _SQUARE.finditer(text)
            if _is_form(match[1]) and not _is_heading(text, match)
        )
    if "<" in text:
        yield from (Leftover(match[0]) for match in _ANGLE.finditer(text) if _is_form(match[1]) or _is_shout(match[1]))


def _braces(text: str) -> Iterator[Leftover]:
    """`{word}` and `{a|b}`; the latter is expanded by programs such as sd-dynamic-prompts, by no vendor."""
    for match in _BRACES.finditer(text):
        if _PLAIN_WORDS.fullmatch(match[1]) and not _is_in_code(text, match.start()):
            yield Leftover(match[0])
        elif "|" in match[1] and '"' not in match[1]:
            yield Leftover(match[0], is_choice=True)


def _is_in_code(text: str, start: int) -> bool:
    """Whether the brace belongs to a mapping that is no JSON: `{shot: {wide}}`, `style={modern}`."""
    return text[:start].rstrip()[-1:] in (":", "=") and start > 0 and "{" in text[:start]


@lru_cache(maxsize=4096)
def _is_form(inside: str) -> bool:
    inside = inside.strip()
    if _FORM.fullmatch(inside):
        return True
    words = re.split(r"[\s_-]+", inside.casefold())
    return any(word in _NOUNS for word in words) and all(word in _NOUNS or word in _FILLERS for word in words)


def _is_shout(inside: str) -> bool:
    return re.fullmatch(r"[A-Z][A-Z _-]+", inside) is not None and inside not in _TAGS
