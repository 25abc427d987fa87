"""Finds values that are no text for a prompt: formulas, errors of spreadsheets, words for a missing value. Pure."""

from __future__ import annotations

import html
import re
from typing import NamedTuple


class Finding(NamedTuple):
    """What is wrong with a text, and what to do; `is_error` when the clip would surely be wrong."""

    text: str
    is_error: bool = False


MAX_SHOWN_CHARS = 40
_FORMULA = re.compile(
    r"""=\s*(?: [^\W\d][\w.]*\s*\( | \$?[A-Za-z]{1,3}\$?\d | '[^']+'! | [\w.]+! | ["{(\[-] | \d )
    | [+@-]\s*(?: [A-Z][A-Z0-9.]*\( | \$?[A-Z]{1,3}\$?\d{1,7}\s*(?:[-+*/&^:),]|$) )""",
    re.VERBOSE,
)
_ERROR_WORDS = (
    "REF NAME VALUE DIV/0 NULL NUM SPILL CALC FIELD CONNECT BLOCKED UNKNOWN ERROR BUSY PYTHON EXTERNAL"  # and Google
    " BEZUG WERT ZAHL ÜBERLAUF KALK"  # German
    " VALEUR NOM NOMBRE NUL PROPAGATION"  # French
    " VALOR NOMBRE NULO DESBORDAMIENTO DESPEJAR NOME NÚM"  # Spanish, Portuguese
    " VALORE RIF NULLO"  # Italian
    " WAARDE VERW NAAM GETAL LEEG DEEL/0"  # Dutch
    " ARG ADR NAZWA LICZBA ZERO DZIEL/0"  # Polish
    " ЗНАЧ ССЫЛКА ИМЯ ЧИСЛО ПУСТО ДЕЛ/0"  # Russian
    " DEĞER BAŞV AD SAYI SAYI/0 BOŞ"  # Turkish
    " VÄRDEFEL REFERENS NAMN OGILTIGT SAKNAS DIVISION/0 SKÄRNING VÆRDI REFERENCE NAVN"  # Swedish, Danish
    " ARVO VIITTAUS NIMI LUKU TYHJÄ PUUTTUU JAKO/0 HODNOTA ODKAZ NÁZEV ČÍSLO"  # Finnish, Czech
    " ÉRTÉK HIV NÉV SZÁM NULLA ZÉRÓOSZTÓ"  # Hungarian
)
_ERROR_INSIDE = re.compile(
    rf"(?<!\w)\#[¡¿]?(?:{'|'.join(sorted(map(re.escape, set(_ERROR_WORDS.split())), key=len, reverse=True))})[!?]"
    r"|(?<!\w)\#N/A(?!\w)|(?<!\w)Err:5\d\d\b"
)
_ERROR_WHOLE = re.compile(
    r"\#[¡¿]?[^\W\d_a-z][^\W_a-z]*(?:/0)?[!?]|\#(?:N/A|N/D|N/B|NV|Н/Д|I/T|YOK|HIÁNYZIK|NENÍ_K_DISPOZICI|GETTING_DATA)"
    r"|(?:Err|Fehler|Erreur|Errore):\s?5\d\d|Loading(?:\.\.\.|…)|\#{3,}"
)
_MISSING_WORDS = (
    "nan null none nil n/a n\\a n.a. n/v k.a. undefined tbd #n/a \\n (blank) (empty) (leer) (vide) (null) (none)"
    " <null> <na> <none> [null] - -- --- – — ? ?? ??? .. ... … /"
)
_SOFT_MISSING = frozenset(["na", "nat", "missing", "unknown", "empty", "blank", "."])
"""Words of the language too: they are reported only when they are the whole prompt."""
_MISSING = frozenset(
    [*_MISSING_WORDS.split(), "[object object]", "not available", "not applicable", "(not set)", "no data", "no value"]
)
_STARTS = frozenset("=+-@#EFL")
_MISSING_INSIDE = re.compile(
    r"\[object \w+\]|\bNaN\b|(?<=[a-z,] )(?:None|NULL|N/A)\b|\b(?:nan|null|undefined)(?=\s*(?:[,.;:!?)\]]|$))"
)
_LISTED = re.compile(r"(?:\(?\d{1,3}[.)]|[1-9]\ufe0f?\u20e3|[*•●▪‣·#-]|#{2,6})\s+(?=\S)")
_LATER_ITEM = re.compile(r"\n|\s\(?[2-9][.)]\s|\s[*•●▪‣·-]\s")
_QUOTES = {"“": "”", "„": "“", "«": "»", "‘": "’", "'": "'", "`": "`"}
_LISTED_STARTS = frozenset("0123456789(*•●▪‣·#-")
_OTHER_PROGRAM = re.compile(r"(?<!\S)--(?:ar|v|niji|stylize|chaos|iw|q)\s+[\d.:]+|^/imagine(?:\s+prompt:?)?")
_PROGRAM_TEXT = re.compile(r"b(['\"]).+\1|\[\s*(['\"]).+\2\s*\]", re.DOTALL)
_NUMBER = re.compile(r"[-+]?[$€£¥]?\s?\d[\d.,:/ \u00a0'’-]*(?:[eE][+-]?\d+)?\s?(?:%|[$€£¥])?")
_TRUTH = frozenset(["true", "false", "yes", "no", "wahr", "falsch", "vrai", "faux", "verdadero", "falso", "vero"])
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_FILE = re.compile(
    r"[^\n<>|?*\"]{1,120}\.(?:jpe?g|png|webp|gif|heic|avif|tiff?|bmp|psd|svg|mp4|mov|webm|pdf)", re.IGNORECASE
)
_TAG = re.compile(
    r"<!--.{0,500}?-->|</?(?:p|br|b|i|u|em|strong|span|div|a|ul|ol|li|h[1-6]|table|tr|td|th|font|sup|sub|html|body|script|style|hr"
    r"|blockquote|code|pre|img)(?:\s[^<>\n]*)?/?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{2,6}|#[xX][0-9A-Fa-f]{2,5}|[A-Za-z][A-Za-z0-9]{1,10});")
_HOLE = re.compile(r",\s*,|,\s*\.(?!\.)|\(\s*\)|\[\s*\]|“\s*”|«\s*»")


def shorten(text: str, max_chars: int = MAX_SHOWN_CHARS) -> str:
    """The text on one line, cut to be shown in a message."""
    line = " ".join(text.split())
    return line if len(line) <= max_chars else f"{line[: max_chars - 1]}…"


def may_be_no_text(value: str) -> bool:
    """Whether `check_value` must look at the value. Fast: it is called for every cell that is used in a text."""
    return value[:1] in _STARTS or value.casefold() in _MISSING


def check_value(value: str) -> Finding | None:
    """A cell or variable that is used in a text, or a whole text."""
    value = value.strip()
    if value[:1] in "=+-@" and _FORMULA.match(value):
        return Finding(
            f"is the formula {shorten(value)}, not its result; paste the values into the sheet", is_error=True
        )
    if _ERROR_WHOLE.fullmatch(value):
        return Finding(
            f"is {shorten(value)}, an error of the spreadsheet; correct the cell, or leave the row out with where",
            is_error=True,
        )
    if value.casefold() in _MISSING:
        return Finding(
            f'is "{value}", which stands for a missing value; empty the cell, or leave the row out with where'
        )
    return None


def check_begin(text: str) -> Finding | None:
    """A prompt that was copied with its place in a list, or as a program writes a text."""
    is_framed = text[-1:] == text[:1]  # - a quiet lake -
    item = _LISTED.match(text) if text[:1] in _LISTED_STARTS and not is_framed else None
    if item and not _LATER_ITEM.search(text, item.end() - 1 if item[0][-1:] != " " else item.end()):
        return Finding("begins with the number or the sign of a list, which is sent; delete it")
    if text[:1] in _QUOTES and text[1:].find(_QUOTES[text[0]]) == len(text) - 2 > 1:
        return Finding(
            f"is in the quotes {text[0]} {text[-1]}, which are sent; delete them, if they are not spoken words"
        )
    if text[:1] in ("b", "[") and _PROGRAM_TEXT.fullmatch(text):
        return Finding(f"is written as a program writes texts, {shorten(text)}; write the text alone")
    return None


def check_whole_text(text: str) -> Finding | None:
    """A prompt that is nothing but a number, a link, a file name, punctuation, or a word for a missing value.

    As a whole prompt, a word for a missing value is an error.
    """
    if text.casefold() in _MISSING or text.casefold() in _SOFT_MISSING:
        return Finding(f'is nothing but "{text}"; write a prompt, or leave the row out with where', is_error=True)
    if (found := check_value(text)) is not None:
        return found
    what = ""
    if _NUMBER.fullmatch(text):
        what = "a number"
    elif _LINK.fullmatch(text):
        what = "a link"
    elif _FILE.fullmatch(text):
        what = "the name of a file"
    elif text.casefold() in _TRUTH:
        what = "a yes or no"
    elif not any(c.isalnum() for c in text) and text.isascii():
        what = "punctuation"
    return Finding(f"is nothing but {what}: {shorten(text)}; is this the right column?") if what else None


def check_inside(text: str) -> list[Finding]:
    """What a longer text contains that no prompt needs."""
    found = []
    if ("#" in text or "Err:" in text) and (match := _ERROR_INSIDE.search(text)):
        found.append(Finding(f"contains {match[0]}, an error of the spreadsheet; correct the cell", is_error=True))
    if "<" in text and (tags := list(dict.fromkeys(match[0] for match in _TAG.finditer(text)))):
        found.append(Finding(f"contains HTML ({shorten(' '.join(tags[:3]))}), which is sent as it is; remove the tags"))
    if "&" in text and (entities := list(dict.fromkeys(filter(_is_entity, _ENTITY.findall(text))))):
        instead = " ".join(f"{entity} for {html.unescape(entity)}" for entity in entities[:3])
        found.append(Finding(f"contains HTML codes ({instead}), which are sent as they are; write the characters"))
    if match := _MISSING_INSIDE.search(text):
        found.append(Finding(f'contains "{match[0]}", which may stand for a missing value; was a cell empty?'))
    if ("--" in text or text.startswith("/")) and (match := _OTHER_PROGRAM.search(text)):
        found.append(Finding(f"contains {match[0]}, a setting of another program, which is sent as text; delete it"))
    if match := _HOLE.search(text):
        found.append(Finding(f"contains {match[0]!r} with nothing between; was a cell empty?"))
    return found


def _is_entity(written: str) -> bool:
    return html.unescape(written) != written
