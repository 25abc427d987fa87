"""The file of a workbook before a library opens it: which kind it is, and whether it fits into the memory.

The library ends the whole process when a sheet's corner cells are far apart, and drops error values; both are found
here, in one pass over the sheet's XML.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from xml.etree import ElementTree

from batchvid.manifest.reading.tables import NoTable
from batchvid.manifest.reading.xls_scan import find_errors
from batchvid.manifest.reading.xlsb_scan import scan_xlsb

MAX_BYTES = 256 * 2**20
MAX_UNPACKED_BYTES = 512 * 2**20
MAX_CELLS = 20_000_000
"""Of one sheet, from A1 to its last cell: about 600 MB."""

_PIECE_BYTES = 1 << 20
_SAVE = "save it as XLSX or CSV UTF-8"
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^>]*?\br\s*=\s*["'](\d+)["']""")
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")
_ERROR = re.compile(
    rb"""<(?:\w+:)?c\b(?=[^>]*?\bt\s*=\s*["']e["'])[^>]*?\br\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["'][^>]*>"""
    rb"""(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>([^<]{1,20})</""",
    re.DOTALL,
)
_FORMULA = re.compile(
    rb"""<(?:\w+:)?c\b[^>]*?\br\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["'][^>]*>"""
    rb"""<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"""
)
_LONG_CELLS = re.compile(rb"""<table:table-cell\b(?=[^>]*\bvalue-type=)[^>]*\bnumber-columns-repeated=["']\d{4,}["']""")
_LONG_ROWS = re.compile(
    rb"""<table:table-row\b[^>]*\bnumber-rows-repeated=["']\d{5,}["'][^>]*(?<!/)>(.*?)</table:table-row>""", re.DOTALL
)
_REPEATED = re.compile(rb"""number-rows-repeated=["'](\d{1,7})["']""")
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|is)>")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
_ZIP_KINDS = (
    ("word/document.xml", "a Word document"),
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("Index/Document.iwa", "an Apple Numbers, Pages or Keynote document"),
    ("Index.zip", "an Apple Numbers, Pages or Keynote document"),
    ("index.apxl", "an Apple Numbers, Pages or Keynote document"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
    ("AndroidManifest.xml", "an Android app"),
)
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
_OLE_KINDS = (
    ("EncryptedPackage", "a workbook or document with a password", "open it, remove the password, and save it"),
    ("WordDocument", "a Word document (.doc)", f"copy its table into a spreadsheet, and {_SAVE}"),
    ("PowerPoint Document", "a PowerPoint presentation (.ppt)", "name a table"),
    ("__substg1.0_", "an Outlook message", "save its attachment, and name that file"),
)


class SheetScan(NamedTuple):
    """What the library does not tell of a sheet, by (row, column) from 0: error values, formulas without a result."""

    errors: Mapping[tuple[int, int], str]
    unsaved: frozenset[tuple[int, int]]


def check_zip(data: bytes) -> str:
    """`xlsx`, `xlsb` or `ods`. Raises NoTable for other archives, and for one that unpacks to too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            kind = _zip_kind(archive, names)
            _check_size(archive)
            if kind == "ods":
                _check_repeated(archive.read("content.xml"))
    except NoTable:
        raise
    except Exception:  # zipfile raises many kinds of exceptions for damaged archives
        raise NoTable("is a damaged ZIP or spreadsheet file; copy or download it again") from None
    return kind


def _zip_kind(archive: zipfile.ZipFile, names: list[str]) -> str:
    known = {name.lower() for name in names}
    if "xl/workbook.xml" in known:
        return "xlsx"
    if "xl/workbook.bin" in known:
        return "xlsb"
    mimetype = archive.read("mimetype")[:200].decode("latin-1").strip() if "mimetype" in names else ""
    if mimetype.startswith((f"{_OPEN_DOCUMENT}spreadsheet", f"{_OPEN_DOCUMENT}base")) and "content.xml" in names:
        if (
            "encryption-data" in archive.read("META-INF/manifest.xml").decode("latin-1")
            if ("META-INF/manifest.xml" in names)
            else False
        ):
            raise NoTable("is an ODS sheet with a password; open it, remove the password, and save it")
        return "ods"
    if mimetype.startswith(_OPEN_DOCUMENT):
        raise NoTable(f"is an OpenDocument file ({mimetype.removeprefix(_OPEN_DOCUMENT)}), not a spreadsheet; {_SAVE}")
    if mimetype == "application/epub+zip":
        raise NoTable("is an EPUB book; name a table")
    for name, kind in _ZIP_KINDS:
        if name in names:
            raise NoTable(f"is {kind}; copy or export its table, and {_SAVE}")
    if any(name.endswith(".iwa") for name in names):
        raise NoTable(f"is an Apple Numbers, Pages or Keynote document; export its table, and {_SAVE}")
    files = [name for name in names if not name.endswith("/")]
    inside = f" (with {', '.join(files[:3])}{' and more' if len(files) > 3 else ''})" if files else " (empty)"
    raise NoTable(f"is a ZIP archive{inside}; unpack it, and name the table in it")


def _check_size(archive: zipfile.ZipFile) -> None:
    """Unpack members whose size in the archive's directory could be wrong, and count."""
    total = 0
    for member in archive.infolist():
        size = member.file_size
        if member.compress_size * 1100 > MAX_UNPACKED_BYTES or member.file_size > MAX_UNPACKED_BYTES:
            size = sum(map(len, _unpacked(archive, member)))
        total += size
        if total > MAX_UNPACKED_BYTES:
            raise NoTable(f"unpacks to more than {MAX_UNPACKED_BYTES >> 20} MB; write the table as CSV")


def _check_repeated(xml: bytes) -> None:
    """ODS writes equal neighbours once, with a count: a value that is repeated without end would fill the memory."""
    rows = (row for row in _LONG_ROWS.findall(xml) if b"value-type=" in row)
    if _LONG_CELLS.search(xml) or any(rows):
        raise NoTable(
            "repeats a value in thousands of rows or columns; delete what is outside of the table, and save it"
        )


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The real content in pieces, at most as much as is allowed plus one piece."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NoTable("is compressed in an unusual way; open it in a spreadsheet program, and save it again")
    file = archive.fp
    assert file is not None  # noqa: S101 - the archive is open
    file.seek(member.header_offset)
    header = file.read(30)
    if not header.startswith(b"PK\x03\x04"):
        raise zipfile.BadZipFile(f"{member.filename} is not where the directory of the archive says")
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), io.SEEK_CUR)
    left, size = member.compress_size, 0
    unpack = zlib.decompressobj(-15)
    while left > 0 and size <= MAX_UNPACKED_BYTES:
        piece = file.read(min(left, _PIECE_BYTES))
        if not piece:
            return
        left -= len(piece)
        while piece and size <= MAX_UNPACKED_BYTES:
            out = piece if member.compress_type == zipfile.ZIP_STORED else unpack.decompress(piece, _PIECE_BYTES)
            piece = b"" if member.compress_type == zipfile.ZIP_STORED else unpack.unconsumed_tail
            size += len(out)
            yield out


def check_ole(data: bytes) -> None:
    """Raises NoTable for a file of old Microsoft programs that is no workbook."""
    for name, kind, remedy in _OLE_KINDS:
        if name.encode("utf-16-le") in data:
            raise NoTable(f"is {kind}; {remedy}")
    if not any(name.encode("utf-16-le") in data for name in ("Workbook", "Book")):
        raise NoTable(f"is a file of an old Microsoft program, not a workbook; {_SAVE}")


def _scan_xlsx(data: bytes, sheet: str) -> SheetScan:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        path = _sheet_paths(archive).get(sheet)
        if path is None:
            return SheetScan({}, frozenset())
        xml = archive.read(path)
    references = _REFERENCE.findall(xml)
    rows = max(max(map(int, _ROW.findall(xml)), default=0), max((int(row) for _, row in references), default=0))
    columns = max((_column(letters) for letters in {letters for letters, _ in references}), default=-1) + 1
    _check_cells(sheet, rows, columns)
    errors = {_cell(letters, row): text.decode("utf-8", "replace") for letters, row, text in _ERROR.findall(xml)}
    unsaved = frozenset(_cell(letters, row) for letters, row in _FORMULA.findall(xml)) if b"<f" in xml else frozenset()
    return SheetScan(errors, unsaved)


def scan_sheet(data: bytes, kind: str, sheet: str) -> SheetScan:
    """What the library does not tell of a sheet. Raises NoTable for one that is too large to be held."""
    if kind == "xlsx":
        return _scan_xlsx(data, sheet)
    if kind == "xls":
        return SheetScan(find_errors(data, sheet), frozenset())
    if kind == "ods":
        return SheetScan({}, frozenset())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        rows, columns, errors = scan_xlsb(archive, sheet)
    _check_cells(sheet, rows, columns)
    return SheetScan(errors, frozenset())


def _check_cells(sheet: str, rows: int, columns: int) -> None:
    if rows * columns > MAX_CELLS:
        raise NoTable(
            f"has a sheet {sheet} of {rows:,} rows and {columns:,} columns; delete what is far outside of the table "
            "(Ctrl+End shows it), or write the table as CSV"
        )


def is_filled(data: bytes, sheet: str) -> bool:
    """Whether an XLSX sheet has a value."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        path = _sheet_paths(archive).get(sheet)
        if path is None:
            return False
        with archive.open(path) as file:
            before = b""
            while piece := file.read(_PIECE_BYTES):
                if _VALUE.search(before + piece):
                    return True
                before = piece[-16:]
    return False


def count_rows(data: bytes, kind: str) -> int:
    """At most how many rows one sheet has; 2**20 where only reading it shows that. Raises NoTable."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if kind == "xlsx":
                return max(
                    (len(_ROW.findall(archive.read(path))) for path in _sheet_paths(archive).values()), default=0
                )
            return _count_ods(archive.read("content.xml")) if kind == "ods" else 1 << 20
    except NoTable:
        raise
    except Exception as exc:
        raise NoTable(f"is a damaged spreadsheet file: {exc}") from None


def _count_ods(xml: bytes) -> int:
    """Rows that are repeated more than 10,000 times are the empty ones below the table."""
    repeated = [int(times) for times in _REPEATED.findall(xml)]
    return xml.count(b"<table:table-row") + sum(times for times in repeated if times <= 10_000)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number - 1


def _cell(letters: bytes, row: bytes) -> tuple[int, int]:
    return int(row) - 1, _column(letters)


def _sheet_paths(archive: zipfile.ZipFile) -> dict[str, str]:
    """The path in the archive of each sheet, by its name."""
    known = {name.lower(): name for name in archive.namelist()}
    relations = _xml(archive, known.get("xl/_rels/workbook.xml.rels", "xl/_rels/workbook.xml.rels"))
    targets = {one.get("Id", ""): one.get("Target", "") for one in relations}
    paths = {}
    for element in _xml(archive, known["xl/workbook.xml"]).iter():
        if not element.tag.endswith("}sheet"):
            continue
        target = targets.get(element.get(_RELATION) or element.get(_STRICT_RELATION) or "", "")
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if path.lower() in known:
            paths[element.get("name", "")] = known[path.lower()]
    return paths


def _xml(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    data = archive.read(name)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise NoTable("is a spreadsheet with XML entities, which no spreadsheet program writes")
    return ElementTree.fromstring(data)  # noqa: S314 - entities are refused above
