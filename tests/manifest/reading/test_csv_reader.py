"""Tables as spreadsheets save them: what is read, and how a mistake is named."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid.manifest.reading.table_reader import read_rows
from batchvid.manifest.reading.tables import BadTable, Row, label
from tests.manifest.conftest import Mistakes, Specs, Write

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def rows_of(write: Write, data: str | bytes) -> list[Row]:
    return list(read_rows(write("t.csv", data)))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write(write: Write, delimiter: str, bom: str, end: str) -> None:
    """Each delimiter, with and without a byte order mark, with each line end, gives the same rows."""
    text = bom + f"sku{delimiter}name{end}016{delimiter} Kanne {end}B-2{delimiter}Tasse{end}"
    expected = [Row({"sku": "016", "name": "Kanne"}, 1, 2), Row({"sku": "B-2", "name": "Tasse"}, 2, 3)]
    assert expected == rows_of(write, text)


def test_quotes_newlines_and_empty_lines(write: Write) -> None:
    """A quoted cell may hold the delimiter, quotes and line breaks; empty rows are skipped but their lines count."""
    text = 'sku,text\n1,"a, ""b""\nc"\n\n,\n2,d,\n'
    assert [Row({"sku": "1", "text": 'a, "b"\nc'}, 1, 2), Row({"sku": "2", "text": "d"}, 2, 6)] == rows_of(write, text)


def test_a_delimiter_inside_a_quoted_name_does_not_count(write: Write) -> None:
    """The header's delimiter is looked for outside of quotes."""
    assert [Row({"a,b,c": "1", "d": "2"}, 1, 2)] == rows_of(write, '"a,b,c";d\n1;2\n')


def test_one_column_and_no_last_newline(write: Write) -> None:
    """A single column needs no delimiter, the last line no end."""
    assert [Row({"sku": "1"}, 1, 2), Row({"sku": "2"}, 2, 3)] == rows_of(write, "sku\n1\n2")


def test_empty_columns_at_the_end_are_cut(write: Write) -> None:
    """A spreadsheet's empty cells behind the last named column are no mistake."""
    assert [Row({"sku": "1"}, 1, 2)] == rows_of(write, "sku,,\n1,,\n")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty; the first line must name the columns"),
        (b"\n\n", "is empty; the first line must name the columns"),
        (b"a,,b\n1,2,3", "line 1: column 2 (B) has no name, and row 1 (line 2) has a value in it; "),
        (b"a,b,a\n1,2,3", "line 1: column a exists twice"),
        (b"a,b\n1,2\n\n3", "row 2 (line 4): has fewer cells than the header, and the file ends in the middle of this"),
        (b"a,b,c\n1,x\ny,3\n", "row 2 (line 3): together with the row before it has as many cells as the header"),
        (b"a,b\n1,2,3\n", "row 1 (line 2): has 3 cells where the header has 2 columns; "),
        (b"a,b\n1,caf\xe9\n", "line 2: byte 0xe9 at column 6 is not UTF-8 ('caf\u00e9' in Windows-1252); save it as"),
        (b"\xff\xfea\x00\n", "line 1: is not valid UTF-16: truncated data; save it as UTF-8"),
        (b"a,b\n1,\x00\n", "line 2: contains a zero byte; this is not a text file"),
        (b'a,b\n1,"2\n', "row 1 (line 2): has a double quote that is never closed; "),
        (b'a,b\n1,"2"x\n', "row 1 (line 2): has text after the double quote that closes a cell; "),
        (b"a,b\n1," + b"x" * 10_000_001 + b"\n", "row 1 (line 2): has a cell of more than 10,000,000 characters; "),
    ],
)
def test_mistakes_name_the_row_and_the_line(write: Write, data: bytes, problem: str) -> None:
    """Each broken table ends in a sentence that leads to the spot."""
    with pytest.raises(BadTable) as raised:
        rows_of(write, data)
    assert str(raised.value).startswith(problem)


def test_a_missing_table_says_where_it_was_looked_for() -> None:
    """A wrong path is named whole, as it was looked for."""
    with pytest.raises(BadTable, match=r"cannot be read: No such file.*; it was looked for at .*t\.csv"):
        list(read_rows(Path("no/t.csv")))


def test_a_row_is_named_with_file_row_and_line() -> None:
    """The name that messages use for a row."""
    assert label("products.csv", Row({}, 7, 9)) == "products.csv:row 7 (line 9)"


CELL = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=12).map(
    str.strip
)


@same_folder
@given(st.lists(st.tuples(CELL, CELL), max_size=5), st.sampled_from(",;\t"))
def test_round_trip(write: Write, table: list[tuple[str, str]], delimiter: str) -> None:
    """Whatever a CSV writer writes comes back, cell by cell, but for rows without a value."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("one", "two"), *table])
    found = [(row.values["one"], row.values["two"]) for row in rows_of(write, text.getvalue())]
    assert [pair for pair in table if any(pair)] == found


@same_folder
@given(st.binary(max_size=200))
def test_mangled_bytes_never_crash(write: Write, data: bytes) -> None:
    """Any bytes give rows or BadTable, and nothing else."""
    with suppress(BadTable):
        rows_of(write, b"a,b\n" + data)


MANIFEST = 'defaults: {model: m}\nclips:\n  - id: "{{ sku }}"\n    rows: data/t.csv\n    prompt: "{{ name }}"\n'


def test_rows_make_jobs(write: Write, specs: Specs) -> None:
    """One job a row, named by its column; columns are variables and stay in the job for the report."""
    write("data/t.csv", "sku,name,Product Name\n016,Kanne,x\n1.10,Tasse,y\n")
    found = specs(MANIFEST)
    assert list(found) == ["016", "1.10"]
    assert found["016"].variables == {"sku": "016", "name": "Kanne", "Product Name": "x"}
    assert found["016"].request.prompt == "Kanne"


def test_names_with_spaces_are_reached_through_row(write: Write, specs: Specs) -> None:
    """`row["Product Name"]` reads any column, and may name the job."""
    write("data/t.csv", "Product Name\nRed Kite\n")
    text = "clips:\n  - {id: '{{ row[\"Product Name\"] }}', rows: data/t.csv, prompt: p, model: m}\n"
    assert list(specs(text)) == ["Red-Kite"]


def test_where_picks_rows(write: Write, specs: Specs) -> None:
    """Rows that do not meet the condition make no job."""
    write("data/t.csv", "sku,name,stock\na,x,0\nb,y,3\n")
    assert list(specs(MANIFEST + '    where: "stock|int > 0"\n')) == ["b"]


def test_rows_times_matrix_times_takes(write: Write, specs: Specs) -> None:
    """Rows multiply with the matrix and the takes; the variables tell all of it, axes first."""
    write("data/t.csv", "sku,name\na,x\nb,y\n")
    found = specs(MANIFEST + "    matrix: {aspect_ratio: [16:9, 9:16]}\n    takes: 2\n")
    assert list(found)[:4] == ["a_16x9_t1", "a_16x9_t2", "a_9x16_t1", "a_9x16_t2"]
    assert len(found) == 8
    assert found["a_16x9_t1"].variables == {"aspect_ratio": "16:9", "sku": "a", "name": "x"}
    assert list(found["a_16x9_t1"].variables) == ["aspect_ratio", "sku", "name"]


@pytest.mark.parametrize(
    ("table", "more", "problem"),
    [
        ("sku,name\n", "", "4: {{ sku }}: rows: data/t.csv has a header and no rows"),
        (
            "sku,name\na,x,y\n",
            "",
            "4: {{ sku }}: data/t.csv:row 1 (line 2): has 3 cells where the header has 2 columns; "
            "a cell with the delimiter or a line break in it must be in double quotes",
        ),
        ("sku,name\na,x\n,y\n", "", "3: {{ sku }}: id: is empty (data/t.csv:row 2 (line 3): column sku)"),
        (
            "sku,name\na,x\nb,\n",
            "",
            "5: {{ sku }}: prompt: is empty once it is filled in; give it a value, or leave the row out with where: "
            'name != "" (data/t.csv:row 2 (line 3): column name)',
        ),
        (
            "art,name\na,x\n",
            "",
            "3: {{ sku }}: id: is the same for every row of data/t.csv (there is no column sku; there is: "
            'art, name); use a column that names it, such as id: "{{ art }}"',
        ),
        (
            "sku,name,take\na,x,1\n",
            "",
            "4: {{ sku }}: rows: data/t.csv:line 1: column take: give it another name, batchvid sets that variable",
        ),
        (
            "sku,name,mood\na,x,1\n",
            "    matrix: {mood: [calm]}\n",
            "4: {{ sku }}: rows: data/t.csv:line 1: column mood: give it another name, "
            "an axis of the matrix has that name",
        ),
        (
            "sku,name,s\na,x,soon\nb,x,5\n",
            '    duration_s: "{{ s }}"\n',
            "6: {{ sku }}: duration_s: must be a number of seconds such as 8, not 'soon' "
            "(data/t.csv:row 1 (line 2): column s)",
        ),
        (
            "sku,name\na,x\n",
            "    where: name > 5\n",
            "6: {{ sku }}: where: column name: 'x' is not a number; correct it, or write name|float(0) to count it "
            "as 0 (data/t.csv:row 1 (line 2))",
        ),
        (
            "sku,name\na,x\n",
            "    images: '*.jpg'\n",
            "6: {{ sku }}: images: is given with rows; keep one of them (a column can name the image)",
        ),
    ],
)
def test_problems_of_rows(write: Write, mistakes: Mistakes, table: str, more: str, problem: str) -> None:
    """Each mistake is one line that leads to the manifest's line and, where there is one, to the row and column."""
    write("data/t.csv", table)
    assert [f"m.yaml:{problem}"] == mistakes(MANIFEST + more)


def test_one_mistake_in_all_rows_is_told_once(write: Write, mistakes: Mistakes) -> None:
    """A misspelled variable in a thousand rows is one line that names the first rows."""
    write("data/t.csv", "sku,name\n" + "".join(f"s{i},x\n" for i in range(1000)))
    (problem,) = mistakes(MANIFEST.replace("{{ name }}", "{{ nam }}"))
    assert "nothing is called nam, did you mean name? there is: " in problem
    rows = [f"data/t.csv:row {i} (line {i + 1})" for i in (1, 2, 3)]
    assert problem.endswith(f" ({', '.join(rows)} and 997 more)")


def test_a_broken_template_in_all_rows_is_told_once(write: Write, mistakes: Mistakes) -> None:
    """A template that does not even parse is no row's fault."""
    write("data/t.csv", "sku,name\na,x\nb,y\n")
    (problem,) = mistakes(MANIFEST.replace("{{ name }}", "{{ name"))
    assert problem.startswith("m.yaml:5: {{ sku }}: prompt: has a {{ that is not closed; ")
    assert "row" not in problem


def test_an_empty_optional_cell_says_nothing(write: Write, specs: Specs) -> None:
    """An empty cell leaves an optional field unsaid."""
    write("data/t.csv", "sku,name,ratio,s\na,x,,\n")
    found = specs(
        MANIFEST + '    aspect_ratio: "{{ ratio }}"\n    duration_s: "{{ s }}"\n    tags: ["{{ ratio }}", t]\n'
    )
    assert (found["a"].request.aspect_ratio, found["a"].request.duration_s, found["a"].tags) == ("", None, ("t",))


def test_a_wrong_column_does_not_bury_the_rest(write: Write, mistakes: Mistakes) -> None:
    """Of many different problems of one place, fifty are told and the others counted."""
    write("data/t.csv", "sku,name,s\n" + "".join(f"s{i},x,late{i}\n" for i in range(300)))
    found = mistakes(MANIFEST + '    duration_s: "{{ s }}"\n  - {id: last, prompt: p, takes: 0}\n')
    assert len(found) == 52
    assert found[0].startswith("m.yaml:6: {{ sku }}: duration_s: must be a number of seconds such as 8, not 'late0'")
    assert found[50] == "m.yaml:6: {{ sku }}: and 250 more problems here"
    assert found[51] == "m.yaml:7: last: takes: must be at least 1"
