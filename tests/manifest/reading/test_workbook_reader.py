"""Spreadsheets: the sheet, the header, typed cells, and files that are damaged or built to fill the memory."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid.manifest.reading import workbook_files
from batchvid.manifest.reading.table_reader import count_rows, read_rows
from batchvid.manifest.reading.tables import BadTable, Row, TableOptions
from tests.manifest.conftest import Write
from tests.manifest.workbooks import ods, saved, with_member, xlsb, xlsx

WRITERS = [xlsx, ods]
XLS = Path(__file__).parents[2] / "fixtures" / "tables" / "kites.xls"
KITES = [["id", "prompt"], ["A1", "a red kite"], ["A2", "a boat"]]
BOOKS = [write_book({"Clips": KITES, "More": [["id", "n"], ["x", 4.5]]}) for write_book in WRITERS]  # with one time
BOOKS += [xlsb("A", {(0, 0): "id", (1, 0): "x", (2, 0): b"\x2a"}), XLS.read_bytes()]
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def read(path: Path, **options: Any) -> tuple[list[Row], list[str]]:
    """The rows, and the warnings with the places that they are about."""
    warnings: list[str] = []
    rows = list(read_rows(path, TableOptions(**options), lambda text, row: warnings.append(f"{row}: {text}")))
    return rows, warnings


@pytest.mark.parametrize("write_book", WRITERS)
def test_typed_cells_become_the_texts_of_a_csv(write: Write, write_book: Callable[..., bytes]) -> None:
    cells = {
        "whole": (4.0, "4"),
        "large": (1e15, "1000000000000000"),
        "huge": (1e22, "10000000000000000000000"),
        "noise": (0.1 + 0.2, "0.3"),
        "tiny": (0.0000001, "0.0000001"),
        "negative": (-2.5, "-2.5"),
        "yes": (True, "TRUE"),
        "no": (False, "FALSE"),
        "day": (datetime.date(2026, 1, 2), "2026-01-02"),
        "moment": (datetime.datetime.fromisoformat("2026-01-02T03:04:05"), "2026-01-02T03:04:05"),
        "clock": (datetime.time(3, 4), "03:04:00"),
        "lasts": (datetime.timedelta(hours=30, minutes=5), "30:05:00"),
        "nothing": (None, ""),
        "padded": ("  x ", "x"),
        "zeros": ("007", "007"),
        "lines": ("a\r\nb", "a\nb") if write_book is xlsx else ("a\nb", "a\nb"),
        "emoji": ("\U0001f6f6 é", "\U0001f6f6 é"),
    }
    data = write_book({"Clips": [list(cells), [value for value, _ in cells.values()]]})
    (row,), warnings = read(write("plan.bin", data))
    assert row.values == {name: text for name, (_, text) in cells.items()}
    assert (row.number, row.line, row.sheet) == (1, 2, "Clips")
    assert warnings == []


@pytest.mark.parametrize("write_book", WRITERS)
def test_rows_have_the_numbers_that_the_spreadsheet_shows(write: Write, write_book: Callable[..., bytes]) -> None:
    table = [[None], ["Spring"], [None], ["id", "prompt"], [None, None], ["A1", "x"], [None, None], ["A2", "y"]]
    path = write("plan.ods", write_book({"Clips": table}))
    rows, _ = read(path, header_row=4)
    assert [(row.number, row.line) for row in rows] == [(1, 6), (2, 8)]
    with pytest.raises(
        BadTable, match=r"Clips!row 2: has one cell \('Spring'\) and Clips!row 4 has 2; .*header_row: 4"
    ):
        read(path)
    with pytest.raises(BadTable, match=r"Clips!row 5: is empty; it must name the columns"):
        read(path, header_row=5)


@pytest.mark.parametrize("write_book", WRITERS)
def test_columns_and_fill_down(write: Write, write_book: Callable[..., bytes]) -> None:
    table = [["Title", "Product SKU"], ["Kites", 1], [None, 2], ["Boats", 3]]
    path = write("plan", write_book({"Clips": table}))
    rows, _ = read(path, columns={"sku": "product  sku"}, fill_down=("title",))
    assert [row.values for row in rows] == [
        {"Title": "Kites", "sku": "1"},
        {"Title": "Kites", "sku": "2"},
        {"Title": "Boats", "sku": "3"},
    ]
    with pytest.raises(
        BadTable, match=r"there is no column 'Product SKUs'; did you mean 'Product SKU'\? There is: Title, Product SKU"
    ):
        read(path, columns={"sku": "Product SKUs"})
    with pytest.raises(BadTable, match=r"there is no column 'Name'; .*\(fill_down\)"):
        read(path, fill_down=("Name",))


@pytest.mark.parametrize("write_book", WRITERS)
def test_the_sheet(write: Write, write_book: Callable[..., bytes]) -> None:
    path = write("plan", write_book({"Empty": [], "Clips": KITES, "More clips": [["id"], ["B1"]]}))
    rows, warnings = read(path)
    assert [row.values["id"] for row in rows] == ["A1", "A2"]
    assert warnings == [": has 2 sheets with values, and Clips is read; name another one with sheet: (More clips)"]
    rows, warnings = read(path, sheet="more CLIPS")
    assert ([row.values["id"] for row in rows], warnings) == (["B1"], [])
    with pytest.raises(BadTable, match=r"has no sheet 'Clip'; its sheets are: Empty, Clips, More clips"):
        read(path, sheet="Clip")
    with pytest.raises(BadTable, match=r"has nothing in sheet Empty; its other sheets are: Clips, More clips"):
        read(path, sheet="Empty")


def test_hidden_sheets_are_read_only_by_name(write: Write) -> None:
    path = write("plan.xlsx", xlsx({"Draft": [["id"], ["B1"]], "Clips": KITES}, Draft="hidden"))
    assert [row.sheet for row in read(path)[0]] == ["Clips", "Clips"]
    assert [row.sheet for row in read(path, sheet="Draft")[0]] == ["Draft"]


def test_error_values_and_formulas_without_a_result(write: Write) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Clips"
    for row in (["id", "prompt", "price"], ["A1", "#N/A", "=1+1"], ["A2", "x", "#REF!"]):
        sheet.append(row)
    rows, warnings = read(write("plan.xlsx", saved(book)))
    assert [row.values for row in rows] == [
        {"id": "A1", "prompt": "#N/A", "price": ""},
        {"id": "A2", "prompt": "x", "price": "#REF!"},
    ]
    assert [text.partition(",")[0] for text in warnings] == [
        "Clips!row 2: column price has a formula without a stored result"
    ]


def test_binary_workbooks(write: Write) -> None:
    """XLSB, and XLS as xlwt 1.3.0 wrote it; the error values too, which the library reads as empty."""
    cells = {(0, 0): "id", (0, 1): "prompt", (1, 0): "A1", (1, 1): b"\x2a", (3, 0): 4.0, (3, 1): "ein Café"}
    rows, _ = read(write("plan.xlsb", xlsb("Clips", cells)))
    assert rows == [
        Row({"id": "A1", "prompt": "#N/A"}, 1, 2, "Clips"),
        Row({"id": "4", "prompt": "ein Café"}, 2, 4, "Clips"),
    ]
    rows, warnings = read(XLS)
    assert [list(row.values.values()) for row in rows] == [
        ["A1", "ein Café \U0001f6f6", "4", "2026-03-01", "TRUE", "30:00:00"],
        ["A2", "a boat", "#N/A", "#REF!", "", ""],
    ]
    assert warnings == [": has 2 sheets with values, and Clips is read; name another one with sheet: (Notes)"]
    assert count_rows(XLS) == 2**16


def test_merged_cells_and_hidden_rows(write: Write) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Title", "id"], ["Kites", "A1"], [None, "A2"], ["Boats", "A3"]):
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    sheet.row_dimensions[4].hidden = True
    path = write("plan.xlsx", saved(book))
    rows, warnings = read(path)
    assert [row.values["Title"] for row in rows] == ["Kites", "", "Boats"]
    assert warnings == [
        "Sheet!row 2: column Title has merged cells, of which only the first has the value; write fill_down: [Title] "
        "to repeat it"
    ]
    rows, warnings = read(path, fill_down=("Title",))
    assert ([row.values["Title"] for row in rows], warnings) == (["Kites", "Kites", "Boats"], [])


@pytest.mark.parametrize("write_book", WRITERS)
@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            [["id", None, "x"], ["A1", "y", "z"]],
            r"Clips!row 1: column 2 \(B\) has no name, and Clips!row 2 has a value",
        ),
        (
            [["id", "x"], ["A1", "y", "z"]],
            r"Clips!row 1: column 3 \(C\) has no name, and Clips!row 2 has a value in it",
        ),
        ([["id", "x", "id"], ["A1", "y", "z"]], r"Clips!row 1: column id exists twice \(A and C\)"),
        ([["A1", "a kite"], ["A2", "a boat"]], r"Clips!row 1: looks like data \('A1', 'a kite'\)"),
    ],
)
def test_headers_that_cannot_be_used(
    write: Write, write_book: Callable[..., bytes], table: list[list[Any]], problem: str
) -> None:
    with pytest.raises(BadTable, match=problem):
        read(write("plan", write_book({"Clips": table})))


def test_a_column_without_name_and_values_is_left_out(write: Write) -> None:
    rows, warnings = read(write("plan.xlsx", xlsx({"Clips": [["id", None, "x"], ["A1", None, "z"]]})))
    assert rows[0].values == {"id": "A1", "x": "z"}
    assert warnings == ["Clips!row 1: column B has neither a name nor a value, and is left out"]


def test_a_cell_far_away_does_not_fill_the_memory(write: Write) -> None:
    """The library ends the process for this file of 5 kB: it would allocate 512 GB."""
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "id", "x"
    for data in (saved(book), xlsb("Sheet", {(0, 0): "id", (1048575, 16383): "x"})):
        with pytest.raises(
            BadTable, match=r"has a sheet Sheet of 1,048,576 rows and 16,384 columns; delete what is far"
        ):
            read(write("plan.xlsx", data))


@pytest.mark.parametrize(("rows", "columns"), [(1_000_000, 90), (6000, 15_000), (1_000_000, 16_000)])
def test_repeated_values_do_not_fill_the_memory(write: Write, rows: int, columns: int) -> None:
    """The library takes up to 100 million cells, which are 3 GB."""

    def repeat(content: bytes) -> bytes:
        row = f'<table:table-row table:number-rows-repeated="{rows}">'
        cell = (
            f'<table:table-cell table:number-columns-repeated="{columns}" office:value-type="string"><text:p>x</text:p>'
        )
        end = "</table:table-cell></table:table-row></table:table>"
        return content.replace(b"</table:table>", f"{row}{cell}{end}".encode())

    with pytest.raises(BadTable, match="repeats a value in thousands of rows or columns"):
        read(write("plan.ods", with_member(ods({"Clips": KITES}), "content.xml", repeat)))


def test_repeated_empty_cells_are_no_cells(write: Write) -> None:
    """Programs write them after the last column and below the last row."""

    def repeat(content: bytes) -> bytes:
        cell = b'<table:table-cell table:number-columns-repeated="16384" table:style-name="ce1"/>'
        row = b'<table:table-row table:number-rows-repeated="1048000">' + cell + b"</table:table-row></table:table>"
        return content.replace(b"</table:table-row>", cell + b"</table:table-row>").replace(b"</table:table>", row)

    path = write("plan.ods", with_member(ods({"Clips": KITES}), "content.xml", repeat))
    assert [row.values["id"] for row in read(path)[0]] == ["A1", "A2"]
    assert count_rows(path) < 100


def test_an_archive_that_unpacks_to_too_much(write: Write, tmp_path: Path) -> None:
    """Also when its directory gives a smaller size."""
    limit = workbook_files.MAX_UNPACKED_BYTES
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "")
        with archive.open("xl/worksheets/sheet1.xml", "w") as member:
            for _ in range(limit // (1 << 20) + 2):
                member.write(bytes(1 << 20))
    data = file.getvalue()
    true_size = ((limit // (1 << 20) + 2) << 20).to_bytes(4, "little")
    assert data.count(true_size) >= 1
    for content in (data, data.replace(true_size, (1000).to_bytes(4, "little"))):
        with pytest.raises(BadTable, match="unpacks to more than 512 MB"):
            read(write("plan.xlsx", content))


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["word/document.xml"], "is a Word document"),
        (["ppt/presentation.xml"], "is a PowerPoint presentation"),
        (["Index/Document.iwa"], "is an Apple Numbers, Pages or Keynote document"),
        (["Index/Tables/x.iwa"], "is an Apple Numbers, Pages or Keynote document"),
        (["a/plan.csv", "b.jpg"], r"is a ZIP archive \(with a/plan.csv, b.jpg\); unpack it"),
        ([], r"is a ZIP archive \(empty\)"),
    ],
)
def test_other_archives_are_named(write: Write, names: list[str], problem: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    with pytest.raises(BadTable, match=problem):
        read(write("plan.xlsx", file.getvalue()))


@pytest.mark.parametrize(
    ("inside", "problem"),
    [
        ("EncryptedPackage", "is a workbook or document with a password"),
        ("WordDocument", "is a Word document"),
        ("Unknown", "is a file of an old Microsoft program, not a workbook"),
        ("Workbook", "is a damaged spreadsheet file"),
    ],
)
def test_files_of_old_programs(write: Write, inside: str, problem: str) -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + inside.encode("utf-16-le") + bytes(600)
    with pytest.raises(BadTable, match=problem):
        read(write("plan.xls", data))


@pytest.mark.parametrize("write_book", WRITERS)
def test_options_of_texts_are_refused(write: Write, write_book: Callable[..., bytes]) -> None:
    with pytest.raises(BadTable, match="is a spreadsheet, which has no delimiter and no encoding"):
        read(write("plan", write_book({"Clips": KITES})), delimiter=";")


@pytest.mark.parametrize("write_book", WRITERS)
def test_the_count_is_not_below_the_rows(write: Write, write_book: Callable[..., bytes]) -> None:
    table = [["id"], *[[f"A{index}"] for index in range(300)]]
    path = write("plan", write_book({"Clips": table, "More": KITES}))
    assert 300 <= count_rows(path) <= 2**20


@same_folder
@given(st.integers(0, len(BOOKS) - 1), st.data())
def test_damaged_workbooks_never_crash(write: Write, which: int, data: st.DataObject) -> None:
    """Cut off, with changed bytes in the file or in the XML: rows or BadTable, and nothing else."""
    book = BOOKS[which]
    how = data.draw(st.sampled_from(["cut", "bytes", *(["member"] if book.startswith(b"PK") else [])]))
    if how == "cut":
        book = book[: data.draw(st.integers(0, len(book)))]
    elif how == "bytes":
        book = _changed(book, data)
    else:
        with zipfile.ZipFile(io.BytesIO(book)) as archive:
            name = data.draw(st.sampled_from(archive.namelist()))
        book = with_member(book, name, lambda content: _changed(content, data))
    with suppress(BadTable):
        read(write("plan.xlsx", book))
    with suppress(BadTable):
        count_rows(Path("plan.xlsx"))


def _changed(content: bytes, data: st.DataObject) -> bytes:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        if changed:
            at = data.draw(st.integers(0, len(changed) - 1))
            changed[at : at + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=6))
    return bytes(changed)
