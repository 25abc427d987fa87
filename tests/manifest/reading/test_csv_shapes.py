"""How programs write text tables: lines above the header, delimiters, ragged rows, and rows that fit by accident."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid.manifest.reading.table_reader import read_rows
from batchvid.manifest.reading.tables import BadTable, TableOptions
from tests.manifest.conftest import Write


def read(write: Write, text: str, **options: Any) -> tuple[list[dict[str, str]], list[str]]:
    """The rows, and the warnings with the places that they are about."""
    warnings: list[str] = []
    rows = read_rows(write("t.csv", text), TableOptions(**options), lambda text, row: warnings.append(f"{row}: {text}"))
    return [row.values for row in rows], warnings


TWO = [{"id": "A1", "prompt": "a kite"}, {"id": "A2", "prompt": "a boat"}]


@pytest.mark.parametrize(
    "text",
    [
        "id,prompt\nA1,a kite\nA2,a boat\n",
        "\n \nid,prompt\nA1,a kite\n\n,\nA2,a boat\n\n",
        "sep=;\r\nid;prompt\r\nA1;a kite\r\nA2;a boat\r\n",
        '"sep=|"\nid|prompt\nA1|a kite\nA2|a boat\n',
        "# made by a tool, version 2\n#\nid,prompt\nA1,a kite\nA2,a boat\n",
        "id:prompt\nA1:a kite\nA2:a boat\n",
        "id^prompt\nA1^a kite\nA2^a boat\n",
        "id~prompt\nA1~a kite\nA2~a boat\n",
        "id|prompt\nA1|a kite\nA2|a boat\n",
        "id , prompt\nA1 , a kite\nA2 , a boat\n",
        '"id",prompt,,\nA1,"a kite",,\nA2,a boat,,\n',
        '"\nid\n";prompt\nA1;a kite\nA2;a boat\n',
    ],
)
def test_forms_of_one_table(write: Write, text: str) -> None:
    assert read(write, text) == (TWO, [])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_inside_a_cell_are_of_one_kind(write: Write, end: str) -> None:
    assert read(write, f'id,prompt\r\nA1,"a kite{end}red"\r\n')[0] == [{"id": "A1", "prompt": "a kite\nred"}]


def test_the_delimiter_that_fits_the_rows(write: Write) -> None:
    """More commas in the header do not count when the rows are split by another character."""
    rows, _ = read(write, "id;prompt, in one, short, sentence\nA1;a kite\nA2;a boat\n")
    assert list(rows[0].values()) == ["A1", "a kite"]


def test_a_delimiter_may_be_given(write: Write) -> None:
    assert read(write, "id/prompt\nA1/a, b\n", delimiter="/")[0] == [{"id": "A1", "prompt": "a, b"}]


@pytest.mark.parametrize(
    "above", ["Spring campaign 2026,,\n,,\n", "Spring campaign 2026\n\n", "Price list\nas of,May\n", '"Title, long"\n']
)
def test_title_lines_are_explained_with_what_to_write(write: Write, above: str) -> None:
    text = above + "id,prompt,mood\nA1,a kite,warm\nA2,a boat,calm\n"
    line = above.count("\n") + 1
    with pytest.raises(BadTable, match=rf"^line 1: has one cell .* write rows: {{file: t.csv, header_row: {line}}}"):
        read(write, text, file="t.csv")
    rows, warnings = read(write, text, header_row=line)
    assert (rows[0], warnings) == ({"id": "A1", "prompt": "a kite", "mood": "warm"}, [])


def test_a_header_row_that_is_not_there(write: Write) -> None:
    with pytest.raises(BadTable, match="line 2: is empty; it must name the columns"):
        read(write, "x\n\nid,prompt\nA1,a\n", header_row=2)
    with pytest.raises(BadTable, match="line 2: is the last one; there is no header in line 9"):
        read(write, "id,prompt\nA1,a\n", header_row=9)


@pytest.mark.parametrize(
    "text",
    [
        "A1,a kite,4\nA2,a boat,4\n",
        "https://x.example/1.jpg,a kite\nhttps://x.example/2.jpg,a boat\n",
        "k,kite.jpg\nb,b.jpg\n",
    ],
)
def test_a_missing_header_is_explained(write: Write, text: str) -> None:
    with pytest.raises(BadTable, match=r"line 1: looks like data .* and it must name the columns; add a row above it"):
        read(write, text)


@pytest.mark.parametrize("text", ["#,prompt\n1,a\n2,b\n", "Q1,Q2\na,b\n", "no,prompt\n1,a\n"])
def test_headers_that_only_look_like_data(write: Write, text: str) -> None:
    assert len(read(write, text)[0]) == text.count("\n") - 1
    assert read(write, "2025,2026\n5,6\n", header_row=1)[0] == [{"2025": "5", "2026": "6"}]


def test_names_that_are_nearly_equal(write: Write) -> None:
    rows, warnings = read(write, '"Product\n name",Name, name \nx,y,z\n')
    assert rows == [{"Product name": "x", "Name": "y", "name": "z"}]
    assert warnings == ["line 1: columns 'Name' and 'name' differ only in case or spaces"]


def test_rows_that_are_too_short(write: Write) -> None:
    """Excel leaves out the delimiters at the end of a row; a line break without quotes looks alike, but not twice."""
    rows, warnings = read(write, "id,prompt,mood\nA1,a kite,warm\nA2,a boat\nA3,a car,calm\n")
    assert rows[1] == {"id": "A2", "prompt": "a boat", "mood": ""}
    assert warnings == [
        "row 2 (line 3): has fewer cells than the header has columns; the missing ones are read as empty. A cell with "
        "a line break in it must be in double quotes"
    ]
    with pytest.raises(
        BadTable, match=r"row 2 \(line 3\): together with the row before it has as many cells as the header"
    ):
        read(write, "id,prompt,mood\nA1,a red\nkite,warm\nA2,a boat,calm\n")
    with pytest.raises(BadTable, match=r"row 2 \(line 3\): has fewer cells .*may be cut off"):
        read(write, "id,prompt,mood\nA1,a kite,warm\nA2,a bo")


def test_rows_that_are_too_long(write: Write) -> None:
    with pytest.raises(
        BadTable, match=r"row 1 \(line 2\): has 4 cells where .* decimal comma must be in double quotes: \"1,5\""
    ):
        read(write, "id,seconds,mood\nA1,1,5,warm\n")
    with pytest.raises(
        BadTable, match=r"row 1 \(line 2\): has 4 cells where the header has 3 columns; a cell with the"
    ):
        read(write, "id,prompt,mood\nA1,a kite, red,warm\n")


@pytest.mark.parametrize("quotes", ["“”", "''", "«»"])
def test_cells_in_other_quotes(write: Write, quotes: str) -> None:
    begin, end = tuple(quotes)
    rows = "\n".join(",".join(f"{begin}{cell}{end}" for cell in row.split(",")) for row in ("id,prompt", "A1,a kite"))
    with pytest.raises(BadTable, match=f"line 1: the cells are in {begin} {end}, and only straight double quotes"):
        read(write, rows + "\n")
    with pytest.raises(BadTable, match="has 4 cells where the header has 3 columns; only straight double quotes"):
        read(write, "id,prompt,mood\nA1,“a red kite, over wheat”,warm\n")


def test_comments_and_sums_below(write: Write) -> None:
    rows, warnings = read(write, "id,prompt,n\nA1,a,1\n# not yet\n#2,b,2\nTotal,,3\n")
    assert [row["id"] for row in rows] == ["A1", "#2", "Total"]
    assert warnings == [
        "line 3: begins with # and has one cell: it is left out as a comment",
        "row 3 (line 5): the last row begins with 'Total' and is read like the others; delete it if it is a sum",
    ]


ACCIDENTS = {
    "comma before an empty cell": (
        "id,prompt,mood\nA1,a kite,red,\nA2,a boat,calm\n",
        "row 1 (line 2): has more cells than the header, and the last ones are empty",
    ),
    "comma": (
        "id,prompt,mood\nA1,a red kite, over wheat\nA2,a boat,calm\n",
        "row 1 (line 2): column mood begins with a space, and other cells do not",
    ),
    "comma in the last row": (
        "id,prompt,mood\nA1,a car,\nA2,a boat,calm\nA3,a kite, red\n",
        "row 3 (line 4): column mood begins with a space",
    ),
    "comma, two columns": (
        "prompt,mood\na boat,calm\na red kite, over wheat\na car,warm\n",
        "row 2 (line 3): column mood begins with a space",
    ),
    "quote pair in TSV": (
        'id\ttitle\nS1\t"Loud\nS2\tQuiet"\nS3\tMute\n',
        "row 1 (line 2): column title has a quote that is closed 1 lines below",
    ),
    "quote pair over many rows": (
        'id,title,mood\nS1,"Loud,x\nS2,Middle,y\nS3,Last,z\nS4,Quiet",w\nS5,Mute,v\n',
        "row 1 (line 2): column title has a quote that is closed 3 lines below",
    ),
    "stray quotes": (
        'id,prompt,mood,x\nA1,a "red, big" kite,warm\n',
        "row 1 (line 2): 'a \"red' and 'big\" kite' look like one text that the delimiter splits",
    ),
    "apostrophes": (
        "id,prompt,mood\nA1,'a red kite,over wheat'\nA2,x,y\n",
        "row 1 (line 2): column prompt begins with ' and a later cell ends with its pair",
    ),
    "decimal comma": (
        "id,seconds,mood\nA1,1,5\nA2,4,calm\n",
        "row 1 (line 2): columns seconds and mood look like one number with a decimal comma, 1,5",
    ),
}


@pytest.mark.parametrize(("text", "warning"), ACCIDENTS.values(), ids=ACCIDENTS)
def test_rows_that_fit_by_accident(write: Write, text: str, warning: str) -> None:
    found = [one for one in read(write, text)[1] if "fewer cells" not in one]
    assert [one.startswith(warning) for one in found] == [True], found


@pytest.mark.parametrize("quotes", ["“”", "„“", "«»", "「」", "‘’"])
def test_typographic_quotes_do_not_quote(write: Write, quotes: str) -> None:
    begin, end = tuple(quotes)
    with pytest.raises(BadTable, match=rf"row 1 \(line 2\): column prompt begins with {begin} and a later cell ends"):
        read(write, f"id,prompt,mood\nA1,{begin}a red kite, over wheat{end},\n")
    assert read(write, f"id,prompt,mood\nA1,{begin}a red kite{end},warm\n")[1] == []


@pytest.mark.parametrize(
    "text",
    [
        'id,prompt\nA1,"first line\nsecond, line"\nA2,b\n',
        'id,prompt\nA1,"first line\nsecond,line"\nA2,b\n',
        'id,prompt,mood\nA1,"Scene 1: a kite, red\nScene 2: a boat, blue\n\nScene 3",calm\nA2,x,y\n',
        'id,prompt\nA1,"a\nb\nc"\nA2,b\n',
        'id,name,size\nA1,12" pan,14" lid\nA2,x,y\n',
        'id,prompt\nA1,"a, b"\nA2," c"\n',
        "id, prompt, mood\nA1, a kite, warm\nA2, a boat, calm\n",
        "id,prompt,mood\nA1, a kite, warm\nA2, a boat, calm\n",
        "id,w,h\nA1,4,3\nA2,16,9\nA3,5,\n",
        "id,prompt,mood\nA1,'70s kite,the boys'\nA2,rock 'n' roll,y\n".replace("the boys'", "the boys"),
        'id,prompt,mood\nA1,"She said ""hi"", then left",warm\n',
    ],
)
def test_ordinary_cells_give_no_warning(write: Write, text: str) -> None:
    assert read(write, text)[1] == []


WORDS = st.text(alphabet="abc ,;.'\n\"12", max_size=14).map(str.strip)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_what_a_writer_quotes_comes_back(
    write: Write, table: list[tuple[str, str, str]], delimiter: str, quoting: Any
) -> None:
    """Whatever is warned about, the cells are those that were written."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting).writerows([("one", "two", "three"), *table])
    rows, _ = read(write, text.getvalue())
    assert [tuple(row.values()) for row in rows] == [row for row in table if any(row)]
