"""Reads JSON and JSONL tables: one object per row, and the columns are all keys."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from batchvid.manifest.reading.cell_texts import cell_text, number_text
from batchvid.manifest.reading.headers import Header, RawRow, header_of
from batchvid.manifest.reading.row_builder import RowBuilder
from batchvid.manifest.reading.tables import BadTable, NoTable, Row, TableOptions, Warn, row_name
from batchvid.manifest.reading.text_files import TextLines

MAX_CHARS = 256 * 2**20
"""Of a JSON table: it is held in memory."""

MAX_DEPTH = 6
_REASONS = (
    ("Extra data", "something follows its end; a table is one list, or one object per line"),
    ("Illegal trailing comma", "there is a comma after the last value; delete it"),
    ("Expecting property name", 'a key must be in double quotes ("), and no comma may follow the last one'),
    ("Expecting value", "a value is missing or is not in double quotes, or a comma follows the last one"),
    ("Expecting ',' delimiter", "a comma, a quote or a closing bracket is missing"),
    ("Expecting ':' delimiter", "a colon is missing after a key"),
    ("Unterminated string", "a text is not closed; the file may be cut off: copy it again"),
    ("Invalid control character", "a text has a line break or a tab in it; write \\n or \\t"),
    ("Invalid", "a backslash in a text must be written twice"),
)
_NEXT_OBJECT = re.compile(r"[\s,]*(?P<object>(?=\{))")


class _KeyTwice(ValueError):
    pass


def read_json(lines: TextLines, options: TableOptions, warn: Warn) -> Iterator[Row]:
    """The rows of a list of objects, of an object with one such list, or of lines with one object each."""
    text = _all(lines)
    first, _, rest = text.lstrip().partition("\n")
    objects = _lines_of(text) if first.rstrip().endswith("}") and first.startswith("{") and rest.strip() else None
    if objects is None:
        objects = _one_after_the_other(text)
    if objects is None:
        document = _parsed(text, "")
        objects = [(item, number, 0) for number, item in enumerate(_rows_of(document), 1)]
    return rows_from_objects(objects, options, warn)


def _all(lines: TextLines) -> str:
    parts, size = [], 0
    for line in lines:
        parts.append(line)
        size += len(line)
        if size > MAX_CHARS:
            raise NoTable(f"is larger than {MAX_CHARS >> 20} MB; write it as CSV, which is read row by row")
    return "".join(parts).removeprefix("\ufeff")


def _lines_of(text: str) -> list[tuple[Any, int, int]] | None:
    """One value per line that is not empty; None when the first line is no whole value."""
    found: list[tuple[Any, int, int]] = []
    for line, written in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if not written.strip():
            continue
        place = row_name(len(found) + 1, line)
        try:
            found.append((_parsed(written, place), len(found) + 1, line))
        except BadTable:
            if found:
                raise
            return None
    return found


def _one_after_the_other(text: str) -> list[tuple[Any, int, int]] | None:
    """Objects without a list around them, with or without commas between; None when the text is something else."""
    found: list[tuple[Any, int, int]] = []
    end = 0
    while match := _NEXT_OBJECT.match(text, end):
        try:
            item, end = _DECODER.raw_decode(text, match.start("object"))
        except (ValueError, RecursionError):
            return None
        found.append((item, len(found) + 1, text.count("\n", 0, match.start("object")) + 1))
    return found if len(found) > 1 and not text[end:].strip(" \t\r\n,") else None


def _lists_of_objects(document: dict[str, Any], path: str = "") -> Iterator[tuple[str, list[Any]]]:
    for key, value in document.items():
        if isinstance(value, dict) and path.count(".") < MAX_DEPTH:
            yield from _lists_of_objects(value, f"{path}{key}.")
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            yield f"{path}{key}", value


def _rows_of(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        lists = dict(_lists_of_objects(document))
        if len(lists) == 1:
            found = next(iter(lists.values()))
            nodes = [item.get("node") for item in found]  # as GraphQL wraps them: {"edges": [{"node": {...}}]}
            return nodes if all(isinstance(node, dict) for node in nodes) else found
        if len(lists) > 1:
            raise NoTable(f"has several lists of objects ({', '.join(lists)}); a table is one list of objects")
        if any(isinstance(value, dict | list) for value in document.values()):
            raise NoTable('is JSON without a list of objects; a table is [{"id": "kite", "prompt": "a red kite"}, ...]')
        return [document]
    raise NoTable('is JSON without objects; a table is [{"id": "kite", "prompt": "a red kite"}, ...]')


def _parsed(text: str, place: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as exc:
        where = place or f"line {exc.lineno}"
        reason = next((words for begin, words in _REASONS if exc.msg.startswith(begin)), "it breaks off")
        raise BadTable(f"{where}: is not valid JSON: {reason} (column {exc.colno})") from None
    except _KeyTwice as exc:
        raise (BadTable(f"{place}: has {exc}") if place else NoTable(f"has {exc}")) from None
    except RecursionError:
        raise NoTable("is JSON that is nested too deeply for a table") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _KeyTwice(f"an object with the key {twice!r} twice")
    return found


def _integer(text: str) -> str:
    return "0" if text == "-0" else text


def _number(text: str) -> str:
    value = float(text)
    return number_text(value) if math.isfinite(value) else text


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=str)


def rows_from_objects(objects: Sequence[tuple[Any, int, int]], options: TableOptions, warn: Warn) -> Iterator[Row]:
    """The rows of (object, number, line). A missing key is an empty cell."""
    if options.sheet or options.header_row or options.delimiter:
        _refuse(options)
    keys: dict[str, None] = {}
    for item, number, line in objects:
        if not isinstance(item, dict):
            kind = "a list" if isinstance(item, list) else "a single value"
            raise BadTable(f'{row_name(number, line)}: is {kind}, not an object such as {{"prompt": "a kite"}}')
        keys.update(dict.fromkeys(item))
    for key in _nested(objects, keys):
        del keys[key]
        warn("holds lists or objects, and is left out", f"key {key}")
    if not keys:
        raise NoTable(
            "has nothing but lists and objects in its rows" if any(item for item, _, _ in objects) else "has no rows"
        )
    header = _header(list(keys), options, warn)
    builder = RowBuilder(header, options, warn)
    for item, number, line in objects:
        cells = _cells(item, keys, row_name(number, line))
        if any(cells):
            yield builder.build(cells, line)
    builder.finish()


def _nested(objects: Sequence[tuple[Any, int, int]], keys: Iterable[str]) -> list[str]:
    """The keys that hold objects, or lists of such, in every row that has a value for them."""
    found = []
    for key in keys:
        values = [value for item, _, _ in objects if (value := item.get(key)) not in (None, "", [], {})]
        if values and all(map(_is_nested, values)):
            found.append(key)
    return found


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict | list) for item in value))


def _header(keys: list[str], options: TableOptions, warn: Warn) -> Header:
    names = [_text(key, "a key", "the keys") for key in keys]
    try:
        header = header_of(RawRow(names, 0), options, warn)
    except BadTable as exc:
        raise BadTable(str(exc).replace("line 0", "the keys", 1)) from None
    return Header([*header.names, *[""] * (len(names) - len(header.names))], 0)


def _cells(item: Mapping[str, Any], keys: Iterable[str], place: str) -> list[str]:
    return [_text(item.get(key), f"key {key}", place) for key in keys]


def _text(value: Any, what: str, place: str) -> str:
    try:
        return cell_text(value)
    except ValueError as exc:
        raise BadTable(f"{place}: {what} {exc}") from None


def _refuse(options: TableOptions) -> NoReturn:
    name = "sheet" if options.sheet else "header_row" if options.header_row else "delimiter"
    raise NoTable(f"is JSON, which has no {name}; remove it")
