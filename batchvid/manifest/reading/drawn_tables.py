"""Reads tables that are drawn with bars and dashes: Markdown, and what psql and mysql print."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from batchvid.manifest.reading.headers import RawRow, header_of
from batchvid.manifest.reading.row_builder import RowBuilder
from batchvid.manifest.reading.tables import NoTable, Row, TableOptions, Warn

_RULE = re.compile(r"\s*[|+]?\s*:?-+:?\s*([|+]\s*:?-+:?\s*)*[|+]?\s*")
_BAR = re.compile(r"(?<!\\)\|")
_COUNT = re.compile(r"\(\d+ \w+\)|\d+ rows? in set.*")
_DASHES = re.compile(r"-{2,}(?: +-{2,})+\s*")
_HEAD_LINES = 40


def is_drawn(lines: Sequence[str]) -> bool:
    """Whether the first lines have a header with bars above a line of dashes."""
    return _rule_index(lines[:_HEAD_LINES]) is not None


def is_aligned(lines: Sequence[str]) -> bool:
    """Whether the columns are held apart by blanks alone, below a header with a line of dashes, as sqlcmd prints."""
    filled = [line for line in lines[:_HEAD_LINES] if line.strip()]
    return any(_DASHES.fullmatch(line) for line in filled[1:3])


def _rule_index(lines: Sequence[str]) -> int | None:
    for index in range(1, len(lines)):
        above = lines[index - 1]
        if not _is_rule(lines[index]) or "|" not in above or _is_rule(above):
            continue
        if len(_cells(above)) == len(re.split(r"[|+]", _bare(lines[index]))):
            return index
    return None


def _is_rule(line: str) -> bool:
    return ("|" in line or "+" in line) and "-" in line and _RULE.fullmatch(line.rstrip()) is not None


def _bare(line: str) -> str:
    text = line.strip()
    return text[text[:1] in ("|", "+") : len(text) - (text[-1:] in ("|", "+"))]


def _cells(line: str) -> list[str]:
    text = line.strip()
    text = text[1:] if text.startswith("|") else text
    text = text[:-1] if text.endswith("|") and not text.endswith("\\|") else text
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(text)]


def read_drawn(lines: Iterator[str], options: TableOptions, warn: Warn) -> Iterator[Row]:
    """The rows. Lines without a bar are no rows: what stands around the table is left out, with a warning."""
    if options.header_row or options.delimiter:
        name = "header_row" if options.header_row else "delimiter"
        raise NoTable(f"is a table with lines drawn in it, which has no {name}; remove it")
    texts = [line.strip("\ufeff\r\n") for line in lines]
    rule = _rule_index(texts)
    if rule is None:
        raise NoTable("has no line of dashes below the names of its columns")
    for line, text in enumerate(texts[: rule - 1], 1):
        _warn_of_rest(text, line, warn)
    builder = RowBuilder(header_of(RawRow(_cells(texts[rule - 1]), rule), options, warn), options, warn)
    for line, text in enumerate(texts[rule + 1 :], rule + 2):
        if _is_rule(text) or not text.strip():
            continue
        if not _BAR.search(text):
            _warn_of_rest(text, line, warn)
        elif any(cells := _cells(text)):
            yield builder.build(cells, line)
    builder.finish()


def _warn_of_rest(text: str, line: int, warn: Warn) -> None:
    bare = text.strip()
    if bare and not _is_rule(text) and not _COUNT.fullmatch(bare):
        warn("stands outside the table, and is left out", f"line {line}")
