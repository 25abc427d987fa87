"""Reads a sheet of XLSX, XLSB, XLS and ODS workbooks with python-calamine. Cells become the texts that a CSV has."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from batchvid.manifest.reading import workbook_files
from batchvid.manifest.reading.cell_texts import cell_text
from batchvid.manifest.reading.headers import SAMPLE_ROWS, Header, RawRow, check_sample, column_letter, header_of
from batchvid.manifest.reading.row_builder import RowBuilder
from batchvid.manifest.reading.tables import BadTable, NoTable, Row, TableOptions, Warn, row_name
from batchvid.manifest.reading.workbook_files import SheetScan

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_ODS_TIME = re.compile(r"(-?)PT(\d+)H(\d+)M(\d+)(?:[.,]\d+)?S")

Result = TypeVar("Result")


def read_workbook(data: bytes, kind: str, options: TableOptions, warn: Warn) -> Iterator[Row]:
    """The rows of one sheet, hidden rows included. `kind` is xlsx, xlsb, xls or ods. Raises BadTable."""
    if options.delimiter or options.encoding or options.lines:
        raise NoTable("is a spreadsheet, which has no delimiter and no encoding; remove them")
    workbook = _open(data)
    name = _sheet_name(workbook, data, kind, options, warn)
    scan = _guarded(lambda: workbook_files.scan_sheet(data, kind, name))
    sheet = _guarded(lambda: workbook.get_sheet_by_name(name))
    rows = _texts(sheet, name, kind, scan)
    if options.header_row:
        rows = itertools.dropwhile(lambda row: row.line < options.header_row, rows)
    filled = (row for row in rows if any(row.cells))
    sample = list(itertools.islice(filled, SAMPLE_ROWS))
    if not sample:
        raise NoTable(f"has nothing in sheet {name}{_others(workbook, name)}")
    check_sample(sample, options, name)
    header = header_of(sample[0], options, warn, name)
    yield from _rows(header, itertools.chain(sample[1:], filled), options, warn, sheet, scan)


def _rows(
    header: Header,
    rows: Iterator[RawRow],
    options: TableOptions,
    warn: Warn,
    sheet: CalamineSheet,
    scan: SheetScan,
) -> Iterator[Row]:
    builder = RowBuilder(header, options, warn)
    width = len(header.names)
    _warn_of_merged(sheet, header, options, warn)
    for row, column in sorted(scan.unsaved):
        if row >= header.line and column < width:
            warn(
                f"column {header.names[column] or column_letter(column)} has a formula without a stored result, "
                "which is read as empty; open the file in a spreadsheet program, and save it",
                row_name(0, row + 1, header.sheet),
            )
    for raw in rows:
        yield builder.build(_fitted(raw.cells, width), raw.line)
    builder.finish()


def _fitted(cells: list[str], width: int) -> list[str]:
    """As many cells as the header has; a value in a later column is left for the builder to refuse."""
    if len(cells) < width:
        return [*cells, *[""] * (width - len(cells))]
    return cells


def _texts(sheet: CalamineSheet, name: str, kind: str, scan: SheetScan) -> Iterator[RawRow]:
    errors: dict[int, list[int]] = _by_row(scan.errors)
    rows = _guarded(sheet.iter_rows)
    for index in itertools.count():
        cells = _guarded(lambda: next(rows, None))
        if cells is None:
            return
        try:
            texts = [cell_text(cell) for cell in cells]
        except ValueError as exc:
            raise BadTable(f"{row_name(0, index + 1, name)}: a cell {exc}") from None
        for column in errors.get(index, ()):
            if column < len(texts):
                texts[column] = scan.errors[index, column]
        if kind == "ods":
            texts = [_clock(text) if text.startswith(("PT", "-PT")) else text for text in texts]
        yield RawRow(texts, index + 1)


def _by_row(cells: Mapping[tuple[int, int], Any] | frozenset[tuple[int, int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row, column in sorted(cells):
        found.setdefault(row, []).append(column)
    return found


def _clock(text: str) -> str:
    """A time or duration of ODS as XLSX has it: `30:05:00` for PT30H05M00S."""
    if found := _ODS_TIME.fullmatch(text):
        return f"{found[1]}{int(found[2]):02}:{int(found[3]):02}:{int(found[4]):02}"
    return text


def _open(data: bytes) -> CalamineWorkbook:
    from python_calamine import load_workbook  # late: planning without workbooks does not need it

    return _guarded(lambda: load_workbook(io.BytesIO(data)))


def _guarded(call: Callable[[], Result]) -> Result:
    """The result of a call into the library, which raises many exceptions for damaged files, and Rust's panics."""
    from python_calamine import PasswordError

    try:
        return call()
    except NoTable:
        raise
    except PasswordError:
        raise NoTable("is a workbook with a password; open it, remove the password, and save it") from None
    except MemoryError:
        raise NoTable("does not fit into the memory; write the table as CSV") from None
    except Exception as exc:
        raise _damaged(exc) from None
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":
            raise
        raise _damaged(exc) from None


def _damaged(exc: BaseException) -> NoTable:
    detail = " ".join(str(exc).split())[:200]
    return NoTable(f"is a damaged spreadsheet file: {detail}; open it in a spreadsheet program, and save it again")


def _sheet_name(workbook: CalamineWorkbook, data: bytes, kind: str, options: TableOptions, warn: Warn) -> str:
    """The sheet to read: the one that is named, otherwise the first that is visible and has a value."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = [one for one in workbook.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    names = [one.name for one in sheets]
    if options.sheet:
        return _named(names, options.sheet)
    if not names:
        raise NoTable("has no sheet with cells")
    visible = [one.name for one in sheets if one.visible == SheetVisibleEnum.Visible] or names
    if len(visible) == 1:
        return visible[0]
    filled = [name for name in visible if _has_value(workbook, data, kind, name)]
    if len(filled) > 1:
        warn(
            f"has {len(filled)} sheets with values, and {filled[0]} is read; name another one with sheet: "
            f"({', '.join(filled[1:])})",
            "",
        )
    return (filled or visible)[0]


def _has_value(workbook: CalamineWorkbook, data: bytes, kind: str, name: str) -> bool:
    if kind == "xlsx":
        return _guarded(lambda: workbook_files.is_filled(data, name))
    return _guarded(lambda: workbook.get_sheet_by_name(name)).end is not None


def _named(names: Sequence[str], written: str) -> str:
    if written in names:
        return written
    near = [name for name in names if name.strip().casefold() == written.strip().casefold()]
    if len(near) == 1:
        return near[0]
    raise NoTable(f"has no sheet {written!r}; its sheets are: {', '.join(names) or 'none'}")


def _others(workbook: CalamineWorkbook, name: str) -> str:
    others = [other for other in workbook.sheet_names if other != name]
    return f"; its other sheets are: {', '.join(others)}" if others else ""


def _warn_of_merged(sheet: CalamineSheet, header: Header, options: TableOptions, warn: Warn) -> None:
    """A merged cell has its value in its first row only."""
    filled = set(options.fill_down)
    found: dict[int, str] = {}
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        if bottom > top >= header.line and left < len(header.names):
            found.setdefault(left, row_name(0, top + 1, header.sheet))
    for column, place in found.items():
        name = header.names[column]
        if name and name not in filled:
            warn(
                f"column {name} has merged cells, of which only the first has the value; write fill_down: [{name}] to "
                "repeat it",
                place,
            )
