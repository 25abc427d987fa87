"""JSON and JSONL tables: one object per row, the columns are all keys, typed values are the texts of a CSV."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid.manifest.reading.table_reader import read_rows
from batchvid.manifest.reading.tables import BadTable, Row, TableOptions, label
from tests.manifest.conftest import Write


def rows_of(write: Write, text: str) -> list[Row]:
    return list(read_rows(write("t.json", text)))


def test_values_become_texts(write: Write) -> None:
    text = (
        '[{"a": 4.0, "b": 1e5, "c": 0.1, "d": -0, "e": true, "f": null, "g": " x ", "h": 12345678901234567890,'
        ' "i": ["a.jpg", 2, true, ""], "j": "\\ud83d\\udef6", "k": 1e-7, "l": 0.30000000000000004}]'
    )
    (row,) = rows_of(write, text)
    assert row.values == {
        "a": "4",
        "b": "100000",
        "c": "0.1",
        "d": "0",
        "e": "TRUE",
        "f": "",
        "g": "x",
        "h": "12345678901234567890",
        "i": "a.jpg\n2\nTRUE",
        "j": "\U0001f6f6",
        "k": "0.0000001",
        "l": "0.3",
    }


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('{"id": 1}\n\n{"id": 2, "p": "x"}\n', [1, 3]),
        ('\ufeff{"id": 1}\r\n{"id": 2, "p": "x"}', [1, 2]),
        ('[\n {"id": 1},\n {"id": 2, "p": "x"}\n]', [0, 0]),
        ('{"rows": [{"id": 1}, {"id": 2, "p": "x"}], "count": 2, "tags": []}', [0, 0]),
        ('{"id": 1}{"id": 2, "p": "x"}', [1, 1]),
        ('{\n"id": 1\n}\n{\n"id": 2, "p": "x"\n}\n', [1, 4]),
        ('{"id": 1},\n{"id": 2, "p": "x"},\n', [1, 2]),
        ('{"data": {"shop": {"edges": [{"node": {"id": 1}}, {"node": {"id": 2, "p": "x"}}]}}}', [0, 0]),
    ],
)
def test_forms(write: Write, text: str, lines: list[int]) -> None:
    """The columns are all keys, and a missing one is an empty cell."""
    rows = rows_of(write, text)
    assert [row.values for row in rows] == [{"id": "1", "p": ""}, {"id": "2", "p": "x"}]
    assert [row.line for row in rows] == lines
    assert label("t.json", rows[1]) == ("t.json:row 2" if not lines[0] else f"t.json:row 2 (line {lines[1]})")


def test_a_key_that_always_holds_objects_is_left_out(write: Write) -> None:
    """As the replies of shops have them; the others are the columns."""
    warnings: list[str] = []
    path = write("t.json", '{"products": [{"id": 1, "variants": [{"sku": 2}]}, {"id": 2, "variants": []}]}')
    rows = read_rows(path, warn=lambda text, place: warnings.append(f"{text} ({place})"))
    assert [row.values for row in rows] == [{"id": "1"}, {"id": "2"}]
    assert warnings == ["holds lists or objects, and is left out (key variants)"]


def test_one_object_is_one_row(write: Write) -> None:
    assert [row.values for row in rows_of(write, '{"id": "A1", "prompt": "a kite"}')] == [
        {"id": "A1", "prompt": "a kite"}
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[{"id": 1}, {"id": {"x": 2}}]', "row 2: key id is an object; a cell holds a text"),
        ('[{"id": [[1]]}]', "has nothing but lists and objects in its rows"),
        ('[{"id": 1}, {"id": [[1]]}]', "row 2: key id is a list with lists or objects in it"),
        ('{"id": 1}\n{"id": \n', r"row 2 \(line 2\): is not valid JSON: a value is missing"),
        ('{"id": 1}\n[2]\n', r"row 2 \(line 2\): is a list, not an object"),
        ("[1, 2]", "row 1: is a single value, not an object"),
        ('["a kite"]', "row 1: is a single value, not an object"),
        ('[{"id": 1},\n{"id": 2]', "line 2: is not valid JSON"),
        ('[{"id": 1, "id": 2}]', "has an object with the key 'id' twice"),
        ('{"a": [{"x": 1}], "b": [{"x": 1}]}', r"has several lists of objects \(a, b\)"),
        ('{"a": {"x": 1}}', "is JSON without a list of objects"),
        ("[]", "has no rows"),
        ('[{"id": 1},]', "a comma follows the last one|a comma after the last value"),
        ("[{'id': 1}]", "a key must be in double quotes"),
        ('[{"id": "a\nb"}]', r"has a line break or a tab in it; write \\n"),
        ('[{"id": "a\\k"}]', "a backslash in a text must be written twice"),
        ('[{"id": "a', "is not closed; the file may be cut off"),
        ('// mine\n[{"id": 1}]', "is JSON with comments above it, not a table; delete the comments"),
        ('[{"id": "\\ud800"}]', "row 1: key id contains half of a surrogate pair"),
        ('[{" id": 1, "id": 2}]', r"the keys: column id exists twice \(A and B\)"),
        ('[{"": 1, "id": 2}]', "has no name, and row 1 has a value in it"),
        ("[" * 100_000, "is JSON that is nested too deeply|not valid JSON"),
        ('{"id": 1}\n{"id": ' + "9" * 5000 + "}", ""),
    ],
)
def test_mistakes(write: Write, text: str, problem: str) -> None:
    if problem:
        with pytest.raises(BadTable, match=problem):
            rows_of(write, text)
    else:
        assert rows_of(write, text)[1].values["id"] == "9" * 5000


@pytest.mark.parametrize("options", [{"sheet": "A"}, {"header_row": 2}, {"delimiter": ";"}])
def test_options_of_other_formats_are_refused(write: Write, options: dict[str, object]) -> None:
    path = write("t.json", '[{"id": 1}]')
    with pytest.raises(BadTable, match=f"has no {next(iter(options))}|has no sheets"):
        list(read_rows(path, TableOptions(**options)))  # type: ignore[arg-type]


def test_columns_and_fill_down(write: Write) -> None:
    path = write("t.jsonl", '{"Title": "Kites", "SKU": 1}\n{"SKU": 2}\n')
    options = TableOptions(columns={"sku": "SKU"}, fill_down=("Title",))
    assert [row.values for row in read_rows(path, options)] == [
        {"Title": "Kites", "sku": "1"},
        {"Title": "Kites", "sku": "2"},
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), max_size=4), st.booleans())
def test_any_json_gives_rows_or_a_problem(write: Write, objects: list[object], is_lines: bool) -> None:
    import json

    text = "\n".join(map(json.dumps, objects)) if is_lines else json.dumps(objects)
    try:
        rows = rows_of(write, text)
    except BadTable:
        return
    assert all(isinstance(cell, str) for row in rows for cell in row.values.values())
