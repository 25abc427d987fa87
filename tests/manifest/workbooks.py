"""Writes the same table as XLSX and ODS, with typed cells."""

from __future__ import annotations

import datetime
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

Rows = Sequence[Sequence[Any]]


def xlsx(sheets: Mapping[str, Rows], **states: str) -> bytes:
    """A workbook with these sheets; `states` hides some of them."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = states.get(name, "visible")
        for row in rows:
            sheet.append(list(row))
        for cell in (cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)):
            cell.data_type = "s"  # not a formula, and not an error value
    return saved(book)


def saved(book: Any) -> bytes:
    """The bytes of an openpyxl workbook."""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def ods(sheets: Mapping[str, Rows]) -> bytes:
    """The same as an ODS document."""
    document = OpenDocumentSpreadsheet()
    for name, rows in sheets.items():
        table = Table(name=name)
        for row in rows:
            written = TableRow()
            for value in row:
                written.addElement(_ods_cell(value))
            table.addElement(written)
        document.spreadsheet.addElement(table)
    file = io.BytesIO()
    document.write(file)
    return file.getvalue()


def _ods_cell(value: Any) -> Any:
    if value is None:
        return TableCell()
    if isinstance(value, bool):
        return TableCell(valuetype="boolean", booleanvalue=str(value).lower())
    if isinstance(value, int | float):
        return TableCell(valuetype="float", value=str(value))
    if isinstance(value, datetime.datetime | datetime.date):
        return TableCell(valuetype="date", datevalue=value.isoformat())
    if isinstance(value, datetime.time):
        return TableCell(valuetype="time", timevalue=f"PT{value:%HH%MM%SS}")
    if isinstance(value, datetime.timedelta):
        seconds = int(value.total_seconds())
        duration = f"PT{seconds // 3600:02}H{seconds // 60 % 60:02}M{seconds % 60:02}S"
        return TableCell(valuetype="time", timevalue=duration)
    cell = TableCell(valuetype="string")
    for line in str(value).split("\n"):
        cell.addElement(P(text=line))
    return cell


def with_member(data: bytes, name: str, change: Any) -> bytes:
    """The ZIP with one member changed by a function of its bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            content = old.read(member)
            new.writestr(member, change(content) if member == name else content)
    return out.getvalue()


def xlsb(sheet: str, cells: Mapping[tuple[int, int], Any]) -> bytes:
    """A binary workbook of one sheet: texts, numbers, and errors as their codes in a `bytes` of one."""
    rows: dict[int, list[bytes]] = {}
    for (row, column), value in sorted(cells.items()):
        begin = column.to_bytes(4, "little") + bytes(4)
        if isinstance(value, bytes):
            record = _record(3, begin + value)
        elif isinstance(value, str):
            record = _record(6, begin + _wide(value))
        else:
            record = _record(5, begin + struct.pack("<d", value))
        rows.setdefault(row, []).append(record)
    body = b"".join(_record(0, row.to_bytes(4, "little") + bytes(13)) + b"".join(found) for row, found in rows.items())
    last = max(cells)
    size = struct.pack("<4I", 0, last[0], 0, max(column for _, column in cells))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"'
            ' Target="worksheets/sheet1.bin"/></Relationships>',
        )
        bundle = (
            _record(143, b"")
            + _record(156, struct.pack("<2I", 0, 1) + _wide("rId1") + _wide(sheet))
            + _record(144, b"")
        )
        archive.writestr("xl/workbook.bin", _record(131, b"") + bundle + _record(132, b""))
        archive.writestr(
            "xl/worksheets/sheet1.bin",
            _record(129, b"") + _record(148, size) + _record(145, b"") + body + _record(146, b"") + _record(130, b""),
        )
    return file.getvalue()


def _record(kind: int, content: bytes) -> bytes:
    return _varint(kind) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def _wide(text: str) -> bytes:
    return len(text).to_bytes(4, "little") + text.encode("utf-16-le")
