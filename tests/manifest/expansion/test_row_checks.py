"""Rows of a table that are no data."""

from __future__ import annotations

from batchvid.manifest import load
from tests.manifest.conftest import Mistakes, Write

ROWS = 'defaults: {model: m}\nclips:\n  - {id: "{{ sku }}", rows: r.csv, prompt: "a {{ name }}"}\n'


def test_a_repeated_header(write: Write, mistakes: Mistakes) -> None:
    """Two sheets pasted together: an error, with the condition that leaves the row out."""
    write("r.csv", "sku,name,note\nA1,cup,\nSKU,Name,\nA2,pot,\n")
    (found,) = mistakes(ROWS)
    assert found == (
        "m.yaml:3: {{ sku }}: rows: the row repeats the names of the columns; delete it from the table, or leave it "
        "out with where: sku|lower != 'sku' (r.csv:row 2 (line 3))"
    )


def test_the_hint_works(write: Write) -> None:
    """With the condition the row is no longer there to be reported."""
    write("r.csv", "sku,name\nA1,cup\nSKU,Name\nA2,pot\n")
    manifest = load(write("m.yaml", ROWS.replace("rows:", "where: sku|lower != 'sku', rows:")))
    assert [job.spec.id for job in manifest.jobs] == ["A1", "A2"]


def test_a_cell_named_like_its_column_is_data(write: Write) -> None:
    """One equal cell among others is no header."""
    write("r.csv", "sku,name\nsku,cup\nA2,name\n")
    assert load(write("m.yaml", ROWS)).warnings == ()


def test_a_row_of_equal_cells(write: Write) -> None:
    """The rule below a header in Markdown, or a line of dashes; two equal cells may be a name and its prompt."""
    write("r.csv", "sku,name,note\nA1,cup,x\n___,___,___\n")
    found = load(write("m.yaml", ROWS)).warnings
    assert (
        'rows: every cell of the row is "___"; is it a line between two tables? (r.csv:row 2 (line 3))'
        in found[0] + found[-1]
    )
    write("r.csv", "sku,name\nkite,kite\n")
    assert load(write("m.yaml", ROWS)).warnings == ()
