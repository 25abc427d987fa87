"""What the library does not tell of XLSB sheets: their size before it allocates it, and error values.

Records of [MS-XLSB] 2.1.4: an id and a size of 7 bits a byte, then the content.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

_ROW, _SHEET = 0, 156  # BrtRowHdr, BrtBundleSh
_CELLS, _ERRORS = range(2, 12), (3, 11)  # BrtCellRk to BrtFmlaError; BrtCellError, BrtFmlaError
ERROR_NAMES = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
"""The error values of Excel's binary formats, by their codes."""


def scan_xlsb(archive: zipfile.ZipFile, sheet: str) -> tuple[int, int, dict[tuple[int, int], str]]:
    """(rows, columns, error values by row and column from 0) of a sheet. May raise any exception when it is damaged."""
    path = _paths(archive).get(sheet)
    row = rows = columns = 0
    errors: dict[tuple[int, int], str] = {}
    for kind, content in _records(archive.read(path)) if path else ():
        if kind == _ROW:
            row = int.from_bytes(content[:4], "little")
        elif kind in _CELLS:
            column = int.from_bytes(content[:4], "little")
            rows, columns = max(rows, row + 1), max(columns, column + 1)
            if kind in _ERRORS and len(content) > 8:
                errors[row, column] = ERROR_NAMES.get(content[8], "#ERROR!")
    return rows, columns, errors


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        kind, at = _varint(data, at, 2)
        size, at = _varint(data, at, 4)
        yield kind, data[at : at + size]
        at += size


def _varint(data: bytes, at: int, most: int) -> tuple[int, int]:
    value = 0
    for index in range(most):
        byte = data[at] if at < len(data) else 0
        at += 1
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            break
    return value, at


def _paths(archive: zipfile.ZipFile) -> dict[str, str]:
    known = {name.lower(): name for name in archive.namelist()}
    relations = archive.read(known["xl/_rels/workbook.bin.rels"])
    if b"<!" in relations:
        raise zipfile.BadZipFile("its relations have XML entities")
    targets = {one.get("Id", ""): one.get("Target", "") for one in ElementTree.fromstring(relations)}  # noqa: S314
    paths = {}
    for kind, content in _records(archive.read(known["xl/workbook.bin"])):
        if kind == _SHEET:
            relation, at = _text(content, 8)
            name, _ = _text(content, at)
            paths[name] = known[posixpath.join("xl", targets[relation]).lstrip("/").lower()]
    return paths


def _text(content: bytes, at: int) -> tuple[str, int]:
    size = 2 * int.from_bytes(content[at : at + 4], "little")
    return content[at + 4 : at + 4 + size].decode("utf-16-le"), at + 4 + size
