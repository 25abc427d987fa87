"""A table is what its bytes say: encodings, compression, prompts line by line, and files that are no table."""

from __future__ import annotations

import gzip
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid.manifest.reading import text_files
from batchvid.manifest.reading.table_reader import count_rows, read_rows
from batchvid.manifest.reading.tables import BadTable, Row, TableOptions
from tests.manifest.conftest import Write
from tests.manifest.workbooks import ods, xlsx

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def rows_of(write: Write, data: str | bytes, name: str = "t.csv", **options: object) -> list[dict[str, str]]:
    return [row.values for row in read_rows(write(name, data), TableOptions(**options))]  # type: ignore[arg-type]


TEXTS = {
    "latin": "id\tprompt\nA1\tCafé crème, 19,99 €\n",
    "cyrillic": "номер\tпромпт\nодин\tпривет мир, ещё раз\n",
    "chinese": "编号\t提示\n一号\t红色的风筝在天空中飞\n二号\t一只小船\n",
    "emoji": "id\tprompt\nA1\t\U0001f6f6 on a lake\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_unicode_with_and_without_a_byte_order_mark(write: Write, text: str, encoding: str) -> None:
    assert rows_of(write, text.encode(encoding)) == rows_of(write, text)


@pytest.mark.parametrize(("encoding", "text"), [("cp1252", "café €"), ("shift_jis", "赤い凧"), ("cp1251", "змей")])
def test_other_encodings_are_declared(write: Write, encoding: str, text: str) -> None:
    data = f"id;prompt\nA1;{text}\n".encode(encoding)
    assert rows_of(write, data, encoding=encoding) == [{"id": "A1", "prompt": text}]
    with pytest.raises(BadTable, match=r"line 2: byte 0x.. at column \d+ is not UTF-8 .* or write encoding: cp1252"):
        rows_of(write, data)


def test_a_byte_that_the_declared_encoding_does_not_have(write: Write) -> None:
    with pytest.raises(BadTable, match=r"line 3: byte 0x81 is not cp1252"):
        rows_of(write, b"id\nA1\n\x81\n", encoding="cp1252")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
@pytest.mark.parametrize("last", ["", "\x1a", "{end}\x1a", "{end}{end}\f{end}"])
def test_line_ends_of_all_systems(write: Write, end: str, last: str) -> None:
    text = end.join(["id,prompt", "A1,a red kite", "A2,a boat"]) + last.replace("{end}", end)
    rows = list(read_rows(write("t.csv", text)))
    expected = [{"id": "A1", "prompt": "a red kite"}, {"id": "A2", "prompt": "a boat"}]
    assert ([row.values for row in rows], [row.line for row in rows]) == (expected, [2, 3])


def test_prompts_line_by_line(write: Write) -> None:
    text = 'a red kite, over wheat\n\n  a "loud" boat; at sea \n# 1 fan\n'
    expected = [Row({"prompt": "a red kite, over wheat"}, 1, 1), Row({"prompt": 'a "loud" boat; at sea'}, 2, 3)]
    assert list(read_rows(write("p.txt", text)))[:2] == expected
    assert [row["prompt"] for row in rows_of(write, "Prompt\na kite\nprompt\n", "p.TXT")] == ["a kite", "prompt"]
    assert rows_of(write, "a,b\nc\n", "list", lines=True) == [{"prompt": "a,b"}, {"prompt": "c"}]
    assert rows_of(write, gzip.compress(b"a, b\n", mtime=0), "p.txt.gz") == [{"prompt": "a, b"}]


@pytest.mark.parametrize(
    "text", ["id\tprompt\n1\ta, b\n2\tc\n", "id,prompt\n1,a kite\n2,b\n", "id;prompt\n1;a, b\n2;b\n"]
)
def test_a_txt_file_may_be_a_table(write: Write, text: str) -> None:
    """Spreadsheets save tab-separated text as .txt."""
    assert [row["id"] for row in rows_of(write, text, "export.txt")] == ["1", "2"]


@pytest.mark.parametrize(
    "text",
    [
        "a kite, red\na boat, blue\n",
        "<lora:x:1> a kite\n",
        "Style: oil\nMood: calm\n",
        "one\ntwo\n",
        "kite\n",
        "red,blue\nred\n",
    ],
)
def test_prompts_with_commas_are_no_table(write: Write, text: str) -> None:
    assert [row["prompt"] for row in rows_of(write, text, "p.txt")] == text.splitlines()


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv", "t.json"])
def test_gzip_is_found_by_its_bytes(write: Write, name: str) -> None:
    assert rows_of(write, gzip.compress(b"id,p\n1,2\n", mtime=0), name) == [{"id": "1", "p": "2"}]
    assert rows_of(write, gzip.compress(b'{"id": 1}\n{"id": 2}\n', mtime=0), name) == [{"id": "1"}, {"id": "2"}]
    assert rows_of(write, gzip.compress(xlsx({"A": [["id"], [1]]}), mtime=0), name) == [{"id": "1"}]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (gzip.compress(b"id,p\n" * 1000, mtime=0)[:-20], "is a damaged gzip file"),
        (gzip.compress(gzip.compress(b"id", mtime=0), mtime=0), "is compressed twice with gzip"),
        (b"\x1f\x8b\x08\x00garbage", "gzip"),
    ],
)
def test_gzip_that_cannot_be_read(write: Write, data: bytes, problem: str) -> None:
    with pytest.raises(BadTable, match=problem):
        rows_of(write, data)


def test_gzip_that_unpacks_to_too_much(write: Write) -> None:
    """Half a megabyte that unpacks to more than the limit, as many short lines and as one long line."""
    path = write("t.csv.gz", gzip.compress(b"1," * 2**19 + b"\n", mtime=0) * (text_files.MAX_TEXT_BYTES // 2**20 + 1))
    with pytest.raises(BadTable, match="unpacks to more than 512 MB"):
        count_rows(path)
    path.write_bytes(gzip.compress(b"A" * 2**20, mtime=0) * 20)
    with pytest.raises(BadTable, match="line 1: has more than 16,777,216 characters"):
        list(read_rows(path))


KINDS = {
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "is a PDF, not a table"),
    "rtf": (b"{\\rtf1\\ansi x", "is an RTF document, not a table"),
    "png": (b"\x89PNG\r\n\x1a\n", "is a PNG image, not a table"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF", "is a JPEG image"),
    "webp": (b"RIFF\0\0\0\0WEBPVP8 ", "is a WebP image"),
    "heic": (b"\0\0\0\x18ftypheic", "is a HEIC image"),
    "mp4": (b"\0\0\0\x18ftypisom", "is an MP4 or QuickTime video"),
    "webm": (b"\x1aE\xdf\xa3x", "is a video"),
    "sqlite": (b"SQLite format 3\0\x10", "is an SQLite database.*sqlite3 -header -csv"),
    "parquet": (b"PAR1\x15\x04", "is a Parquet file.*CSV or JSONL"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0", "is a 7z archive; unpack|is a 7z archive, not a table; unpack"),
    "zstd": (b"\x28\xb5\x2f\xfd\0", "is a zstd archive"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid", "is a pointer of Git LFS"),
    "conflict": (b"<<<<<<< HEAD\nid,p\n=======\n", "is a file with a merge conflict"),
    "login": (
        b"<!DOCTYPE html><html><head><title>Sign in - Google\n Accounts</title>",
        r'page \("Sign in - Google Acc',
    ),
    "saved page": (b"\xef\xbb\xbf<html><body><table><tr><td>a", "is an HTML page with a table, not a table; open it"),
    "excel html": (b'<html xmlns:o="urn:schemas-microsoft-com:office:office"><head>', "is an HTML page with a table"),
    "utf-16 html": ("<html><body>x".encode("utf-16"), "is an HTML page"),
    "shopping": (
        b'<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0">',
        r"XML feed \(Google Shopping\)",
    ),
    "titled feed": (
        b'<?xml version="1.0"?>\n<!-- x --><rss version="2.0"><channel><title>Mugs</title>',
        r"XML feed \(RSS or Atom\)",
    ),
    "atom": (b'<?xml version="1.0"?>\n<feed xmlns="http://www.w3.org/2005/Atom">', r"is an XML feed \(RSS or Atom\)"),
    "xml": (b"<products><product/></products>", "is an XML file, not a table; export the same data as CSV"),
    "xml 2003": (
        b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
        "is an XML spreadsheet of Excel 2003",
    ),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg">', "is an SVG image"),
    "yaml": (b"# plan\nbatch: b\nclips:\n  - id: x\n    prompt: a, b\n", "is a YAML file"),
    "yaml list": (b"---\n- id: A1\n  prompt: a kite\n- id: A2\n", "is a YAML file"),
    "gsheet": (b'{"":"WARNING","doc_id":"1x","url":"https://docs.google.com/x"}', "is a link to a Google Sheet"),
    "web link": (b"[InternetShortcut]\r\nURL=https://x\r\n", "is a link to a web page"),
    "access": (b"\0\1\0\0Standard Jet DB\0", "is an Access database"),
    "dbase": (
        b"\x03\x7a\x01\x01\x02\0\0\0\x41\0\x20\0" + bytes(20) + b"SKU\0\0C",
        "is a binary file of an unknown kind",
    ),
    "empty": (b"", "is empty"),
    "blank": (b"\r\n \r\n", "is empty"),
}


@pytest.mark.parametrize(("data", "problem"), KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("name", ["rows.csv", "rows.xlsx"])
def test_other_kinds_are_named_by_their_content(write: Write, data: bytes, problem: str, name: str) -> None:
    """Never in the words of the CSV reader."""
    with pytest.raises(BadTable, match=problem) as raised:
        rows_of(write, data, name)
    assert not raised.value.in_table


def test_a_folder_and_a_missing_file(write: Write) -> None:
    folder = write("sheets/a.csv", "id\nx\n").parent
    with pytest.raises(BadTable, match=r"is a folder; name a file in it, or a pattern such as sheets/\*\.csv"):
        list(read_rows(folder))
    with pytest.raises(BadTable, match=r"cannot be read: No such file.*; it was looked for at .*t\.csv"):
        list(read_rows(Path("no/t.csv")))
    with pytest.raises(BadTable, match="cannot be read"):
        list(read_rows(Path("a\0b")))


@pytest.mark.parametrize("name", ["Products.csv", "products", "products.xlsx", "data\\products.csv", "prodcuts.csv"])
def test_a_file_that_may_be_meant(write: Write, name: str) -> None:
    write("products.csv", "id\nx\n")
    with pytest.raises(BadTable, match=r"; there is products\.csv$"):
        list(read_rows(Path(name)))


def test_a_sheet_of_a_text_file(write: Write) -> None:
    with pytest.raises(BadTable, match="is a text file, which has no sheets"):
        rows_of(write, "id\nx\n", sheet="Clips")


@pytest.mark.parametrize(
    "data", [b"id,p\n1,2\n", b'{"id": 1}\n', gzip.compress(b"id\n1\n", mtime=0), xlsx({"A": [["id"], [1]]})]
)
def test_a_pipe(tmp_path: Path, data: bytes) -> None:
    """Which cannot be set back to its begin."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    rows = list(read_rows(pipe))
    writer.join()
    assert [row.values["id"] for row in rows] == ["1"]


@pytest.mark.parametrize(
    "data",
    [
        b"id\n" + b"x1\n" * 500,
        b"id\r" + b"x1\r" * 500,
        "\x85".join(["id", *["x1"] * 500]).encode(),
        b'[{"id": 1}' + b',{"id": 1}' * 499 + b"]",
        b'{"id": 1}\n' * 500,
        gzip.compress(b"id\n" + b"x1\n" * 500, mtime=0),
        ("id\n" + "x1\n" * 500).encode("utf-16"),
    ],
)
def test_the_count_is_an_upper_bound(write: Write, data: bytes) -> None:
    path = write("t", data)
    assert sum(1 for _ in read_rows(path)) == 500
    assert 500 <= count_rows(path) <= 1200


BEGINS = [
    b"",
    b"a,b\n",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"PK\x03\x04",
    b"\x1f\x8b\x08",
    b"[{",
    b'{"a":',
    b"\xd0\xcf\x11\xe0",
]
WHOLE = [gzip.compress(b"a,b\n1,2\n", mtime=0), b'{"a": 1}\n{"b": [1]}', xlsx({"A": [["id"]]}), ods({"A": [["id"]]})]


@same_folder
@given(st.sampled_from(BEGINS + WHOLE), st.binary(max_size=200), st.sampled_from(["t.csv", "t.txt", "t.jsonl"]))
def test_foreign_bytes_never_crash(write: Write, begin: bytes, data: bytes, name: str) -> None:
    """Any bytes after any begin give rows or BadTable, and nothing else; their count may also end as OSError does."""
    path = write(name, begin + data)
    with suppress(BadTable):
        list(read_rows(path))
    with suppress(BadTable, OSError):
        count_rows(path)


@same_folder
@given(st.text(max_size=120), st.sampled_from(["utf-8", "utf-16", "cp1252", "utf-7", "gb18030", "iso2022_jp"]))
def test_foreign_texts_never_crash(write: Write, text: str, encoding: str) -> None:
    path = write("t.csv", text.encode(encoding, "replace"))
    for options in (TableOptions(), TableOptions(encoding=encoding), TableOptions(header_row=2, delimiter=";")):
        with suppress(BadTable):
            list(read_rows(path, options))
