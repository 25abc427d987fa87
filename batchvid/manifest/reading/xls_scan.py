"""The error values of XLS sheets, which the library does not tell.

The file is a compound file ([MS-CFB]); its stream `Workbook` has records of an id, a size and a content ([MS-XLS] 2.4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from batchvid.manifest.reading.xlsb_scan import ERROR_NAMES

_BOF, _EOF, _SHEET, _BOOL_OR_ERROR, _FORMULA = 0x0809, 0x000A, 0x0085, 0x0205, 0x0006
_LAST_SECTOR = 0xFFFFFFFA  # higher values end a chain
_ENTRY_BYTES = 128


def find_errors(data: bytes, sheet: str) -> dict[tuple[int, int], str]:
    """The error values of a sheet by row and column from 0; none where the file is not laid out as Excel does it."""
    try:
        stream = _workbook_stream(data)
        return dict(_errors(stream, _offset(stream, sheet)))
    except (IndexError, ValueError, struct.error):
        return {}


def _workbook_stream(data: bytes) -> bytes:
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    table = _sector_table(data, size)
    entries = _chain(data, table, struct.unpack_from("<I", data, 48)[0], size)
    for at in range(0, len(entries) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        length = struct.unpack_from("<H", entries, at + 64)[0]
        if entries[at : at + max(0, length - 2)].decode("utf-16-le", "replace") in ("Workbook", "Book"):
            start, bytes_used = struct.unpack_from("<II", entries, at + 116)
            return _chain(data, table, start, size)[:bytes_used]
    raise ValueError("no workbook")


def _sector_table(data: bytes, size: int) -> list[int]:
    """The sector that follows each sector."""
    sectors = list(struct.unpack_from("<109I", data, 76))
    more = struct.unpack_from("<I", data, 68)[0]
    for _ in range(min(struct.unpack_from("<I", data, 72)[0], len(data) // size)):
        found = struct.unpack_from(f"<{size // 4}I", data, (more + 1) * size)
        sectors += found[:-1]
        more = found[-1]
    table: list[int] = []
    for sector in sectors:
        if sector < _LAST_SECTOR:
            table += struct.unpack_from(f"<{size // 4}I", data, (sector + 1) * size)
    return table


def _chain(data: bytes, table: list[int], sector: int, size: int) -> bytes:
    parts: list[bytes] = []
    while sector < _LAST_SECTOR and len(parts) <= len(table):
        parts.append(data[(sector + 1) * size : (sector + 2) * size])
        sector = table[sector]
    return b"".join(parts)


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


def _offset(stream: bytes, sheet: str) -> int:
    for kind, content in _records(stream, 0):
        if kind == _SHEET:
            wide = content[7] & 1
            name = content[8 : 8 + content[6] * (1 + wide)].decode("utf-16-le" if wide else "latin-1")
            if name == sheet:
                return int(struct.unpack_from("<I", content)[0])
    raise ValueError("no such sheet")


def _errors(stream: bytes, at: int) -> Iterator[tuple[tuple[int, int], str]]:
    depth = 0  # a chart has a part of its own inside the sheet's
    for kind, content in _records(stream, at):
        depth += (kind == _BOF) - (kind == _EOF)
        if not depth:
            return
        code = None
        if kind == _BOOL_OR_ERROR and content[7]:
            code = content[6]
        elif kind == _FORMULA and content[6] == 2 and content[12:14] == b"\xff\xff":
            code = content[8]
        if code is not None:
            yield struct.unpack_from("<HH", content), ERROR_NAMES.get(code, "#ERROR!")
