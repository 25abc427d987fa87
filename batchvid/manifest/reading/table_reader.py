"""Reads a table of any kind: finds out by its bytes what a file is, and passes it to the reader of that kind."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from batchvid.manifest.reading import workbook_files
from batchvid.manifest.reading.csv_dialect import is_table
from batchvid.manifest.reading.csv_reader import read_csv
from batchvid.manifest.reading.drawn_tables import read_drawn
from batchvid.manifest.reading.file_kinds import HEAD_BYTES, YAML, Found, Kind, is_binary, kind_of, kind_of_text
from batchvid.manifest.reading.headers import RawRow, header_of
from batchvid.manifest.reading.json_tables import MAX_CHARS, read_json
from batchvid.manifest.reading.row_builder import RowBuilder
from batchvid.manifest.reading.tables import NoTable, Row, TableOptions, Warn, ignore, row_name
from batchvid.manifest.reading.text_files import MAX_TEXT_BYTES, TextLines, encoding_of
from batchvid.manifest.reading.workbook_reader import read_workbook
from batchvid.near_matches import near_matches

DEFAULT = TableOptions()
MAX_XLS_ROWS = 2**16
_PIECE_BYTES = 1 << 20


def read_rows(path: Path, options: TableOptions = DEFAULT, warn: Warn = ignore) -> Iterator[Row]:
    """The rows of a table; those of a CSV are streamed. Values are stripped, rows without any value are skipped.

    What is odd and stops nothing goes to `warn`. Raises BadTable.
    """
    try:
        if path.is_dir():
            raise NoTable(f"is a folder; name a file in it, or a pattern such as {path.name}/*.csv")
        with _opened(path) as file:
            yield from _read(file, path, options, warn)
    except OSError as exc:
        raise NoTable(
            f"cannot be read: {exc.strerror or exc}; it was looked for at {path.absolute()}{_similar(path)}"
        ) from None
    except (EOFError, zlib.error) as exc:
        raise NoTable(f"is a damaged gzip file: {exc}; copy or download it again") from None


def _similar(path: Path) -> str:
    """The file that may be meant instead of one that is not there: other case, another ending, a slip."""
    try:
        names = [] if path.exists() else [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except OSError:
        return ""
    wanted = path.name.replace("\\", "/").rpartition("/")[2]
    near = near_matches(wanted, names, limit=1) or [name for name in names if Path(name).stem == wanted][:1]
    return f"; there is {near[0]}" if near else ""


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except ValueError as exc:  # a name that no file can have
        raise NoTable(f"cannot be read: {exc}") from None


def _read(file: BinaryIO, path: Path, options: TableOptions, warn: Warn) -> Iterator[Row]:
    stream, head = _unpacked(file)
    found = kind_of(head)
    _refuse(found)
    if found.kind in (Kind.ZIP, Kind.OLE):
        data = _whole(stream)
        yield from read_workbook(data, _workbook_kind(data, found.kind), options, warn)
        return
    encoding = encoding_of(head, options.encoding)
    if encoding == "utf-8" and is_binary(head):
        raise NoTable("is a binary file of an unknown kind, not a table; save the table as XLSX or CSV UTF-8")
    text = _decoded(head, encoding)
    if options.sheet:
        raise NoTable("is a text file, which has no sheets; remove sheet:")
    if _is_list_of_prompts(path, text, options):
        yield from _prompts(TextLines(stream, encoding), options, warn)
        return
    found = kind_of_text(text)
    _refuse(found)
    if found.kind == Kind.JSON:
        yield from read_json(TextLines(stream, encoding, MAX_CHARS), options, warn)
    elif found.kind == Kind.DRAWN:
        yield from read_drawn(TextLines(stream, encoding), options, warn)
    else:
        yield from read_csv(TextLines(stream, encoding), options, warn)


def _unpacked(file: BinaryIO) -> tuple[BinaryIO, bytes]:
    """The content of a file, gzip removed, and its begin."""
    head = file.read(HEAD_BYTES)
    stream = _joined(head, file)
    if kind_of(head).kind != Kind.GZIP:
        return stream, head
    content = _Limited(gzip.GzipFile(fileobj=stream))
    head = content.read(HEAD_BYTES)
    if kind_of(head).kind == Kind.GZIP:
        raise NoTable("is compressed twice with gzip; unpack it once")
    return _joined(head, content), head


class _Limited(io.BufferedReader):
    """The unpacked content of a gzip file. Raises NoTable when there is more than a text may have."""

    def __init__(self, packed: gzip.GzipFile) -> None:
        super().__init__(cast("io.RawIOBase", packed), HEAD_BYTES)
        self.size_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes."""
        data = super().read(size)
        self.size_bytes += len(data)
        if self.size_bytes > MAX_TEXT_BYTES:
            raise NoTable(f"unpacks to more than {MAX_TEXT_BYTES >> 20:,} MB; split it")
        return data


class _Joined(io.RawIOBase):
    """The begin of a stream that is read already, and the rest: a pipe cannot be set back."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer with the next bytes."""
        view = memoryview(buffer).cast("B")
        data = self._head[: len(view)] or self._rest.read(len(view))
        self._head = self._head[len(view) :]
        view[: len(data)] = data
        return len(data)


def _joined(head: bytes, rest: BinaryIO) -> BinaryIO:
    return io.BufferedReader(_Joined(head, rest), HEAD_BYTES)


def _whole(stream: BinaryIO) -> bytes:
    data = stream.read(workbook_files.MAX_BYTES + 1)
    if len(data) > workbook_files.MAX_BYTES:
        raise NoTable(f"is larger than {workbook_files.MAX_BYTES >> 20} MB; write the table as CSV")
    return data


def _workbook_kind(data: bytes, kind: Kind) -> str:
    if kind == Kind.ZIP:
        return workbook_files.check_zip(data)
    workbook_files.check_ole(data)
    return "xls"


def _refuse(found: Found) -> None:
    if found.kind == Kind.OTHER:
        raise NoTable(f"is {found.name}, not a table; {found.remedy}")


def _decoded(head: bytes, encoding: str) -> str:
    """The text of a file's begin, as far as it is valid."""
    try:
        return codecs.getincrementaldecoder(encoding)("replace").decode(head)
    except (UnicodeError, LookupError):  # a codec that cannot replace what is wrong
        return head.decode("ascii", "replace")


def _is_list_of_prompts(path: Path, text: str, options: TableOptions) -> bool:
    if options.lines or not path.name.lower().removesuffix(".gz").endswith(".txt"):
        return options.lines
    found = kind_of_text(text)
    if options.delimiter or options.header_row or (found.kind != Kind.TEXT and found.name != YAML):
        return False
    lines = text.splitlines(keepends=True)
    return not is_table(lines[:-1] if len(text) >= HEAD_BYTES // 4 else lines)


def _prompts(lines: Iterator[str], options: TableOptions, warn: Warn) -> Iterator[Row]:
    """One prompt per line. A first line with nothing but the word `prompt` is a header."""
    builder = RowBuilder(header_of(RawRow(["prompt"], 1), options, warn), options, warn)
    for line, text in enumerate(lines, 1):
        prompt = text.strip("\ufeff \t\r\n\f\v\x1a")
        if prompt and not (prompt.casefold() == "prompt" and not builder.number):
            if prompt.endswith(","):
                warn(
                    "ends with a comma; if the next line belongs to it, write both in one line",
                    row_name(builder.number + 1, line),
                )
            yield builder.build([prompt], line)
    if not builder.number:
        raise NoTable("is empty; write one prompt per line")


def count_rows(path: Path) -> int:
    """At most how many rows the table has, without making any; 2**20 where only reading it shows that.

    Raises OSError, BadTable.
    """
    try:
        with path.open("rb") as file:
            return _count(file)
    except (EOFError, zlib.error) as exc:
        raise NoTable(f"is a damaged gzip file: {exc}") from None


def _count(file: BinaryIO) -> int:
    stream, head = _unpacked(file)
    kind = kind_of(head).kind
    if kind == Kind.ZIP:
        data = _whole(stream)
        return workbook_files.count_rows(data, workbook_files.check_zip(data))
    if kind == Kind.OLE:
        return MAX_XLS_ROWS
    is_json = kind_of_text(_decoded(head, encoding_of(head))).kind == Kind.JSON
    ends = (b"{",) if is_json else (b"\n", b"\r", b"\x85", b"\x28\x20", b"\x80\xa8")  # the last: U+2028
    count = 1
    while piece := stream.read(_PIECE_BYTES):
        count += sum(map(piece.count, ends))
    return count
