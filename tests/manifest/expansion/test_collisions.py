"""Jobs that make one id: the message names their rows or pictures, and a way to tell them apart that works."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest
from PIL import Image

from batchvid.manifest import load
from batchvid.manifest.reading.tables import Row, label
from tests.manifest.conftest import Mistakes, Write

TABLE = """\
defaults: {model: veo3-fast}
clips:
  - id: "{{ sku }}"
    rows: t.csv
    prompt: "{{ name }}"
"""
ROW_NUMBER = 'or id: "{{ row_number }}", which changes when rows are sorted or inserted'


def hinted(problem: str) -> str:
    """The first id line that a message tells to write."""
    found = re.search(r'write (id: ".*?")', problem)
    assert found is not None
    return found[1]


def test_equal_rows_are_both_named(write: Write, mistakes: Mistakes) -> None:
    """A row that was copied: delete one of them."""
    write("t.csv", "sku,name\nA1,tonic\nA2,x\nA1,tonic\n")
    assert mistakes(TABLE) == [
        "m.yaml:3: {{ sku }}: makes the id A1 twice, from t.csv:row 1 (line 2) and t.csv:row 3 (line 4); "
        "the rows make the same clip: delete what is not wanted twice (takes: 2 makes two clips of one row)"
    ]


def test_many_equal_rows_share_a_line(write: Write, mistakes: Mistakes) -> None:
    """The first ones are named, the others counted."""
    write("t.csv", "sku,name\n" + "a,x\n" * 1000)
    (problem,) = mistakes(TABLE)
    assert (
        "makes the id a 1,000 times, from t.csv:row 1 (line 2), t.csv:row 2 (line 3), t.csv:row 3 (line 4) and 997 more"
        in problem
    )


@pytest.mark.parametrize(
    ("table", "details", "ids"),
    [
        ("sku,name\n石,a\n十,b\n时,c\n", "(sku '石', '十', '时', name 'a', 'b', 'c')", "{{ sku }}-{{ hash }}"),
        ("sku,name\na,x\na,y\n", "(name 'x', 'y')", "{{ sku }}-{{ hash }}"),
        ("sku,name,size\na,x,S\na,y,XL\n", "(name 'x', 'y', size 'S', 'XL')", "{{ sku }}-{{ size }}"),
        ("sku,name,Shirt size\na,x,S\na,x,XL\n", "(Shirt size 'S', 'XL')", "{{ sku }}-{{ Shirt_size }}"),
        ("sku,name\na,x\nA,y\n", "(sku 'a', 'A', name 'x', 'y')", "{{ sku }}-{{ hash }}"),
    ],
)  # fmt: skip
def test_different_rows_get_an_id_that_tells_them_apart(
    write: Write, mistakes: Mistakes, table: str, details: str, ids: str
) -> None:
    """By a short column that the prompt does not read, else by a hash; the line to write works."""
    write("t.csv", table)
    (problem,) = mistakes(TABLE)
    assert details in problem
    assert problem.endswith(f'; write id: "{ids}", {ROW_NUMBER}')
    for way_out in (hinted(problem), 'id: "{{ row_number }}"'):
        manifest = load(write("m.yaml", TABLE.replace('id: "{{ sku }}"', way_out)))
        assert len(manifest.jobs) == len(table.splitlines()) - 1


def test_long_cells_are_shortened(write: Write, mistakes: Mistakes) -> None:
    """A description of two pages does not fill the screen."""
    write("t.csv", f"sku,name\na,{'x' * 3000}1\na,{'x' * 3000}2\n")
    (problem,) = mistakes(TABLE)
    assert len(problem) < 500


def test_entries_with_one_id_name_their_rows(write: Write, mistakes: Mistakes) -> None:
    """Two entries over the same table."""
    write("t.csv", "sku,name\na,x\n")
    entry = '  - {id: "{{ sku }}", rows: t.csv, prompt: "{{ name }} again"}\n'
    assert mistakes(TABLE + entry) == [
        "m.yaml:6: {{ sku }}: makes the id a again, which {{ sku }} at m.yaml:3 (t.csv:row 1 (line 2)) already makes "
        "(t.csv:row 1 (line 2))"
    ]


def picture() -> bytes:
    """A small PNG."""
    file = io.BytesIO()
    Image.new("RGB", (400, 400)).save(file, "PNG")
    return file.getvalue()


def test_pictures_with_one_name_are_all_named(write: Write, mistakes: Mistakes) -> None:
    """One stem with three extensions: the name with its extension tells them apart."""
    for name in ("kite.jpg", "kite.png", "Kite.webp"):
        write(f"pictures/{name}", picture())
    text = "defaults: {model: veo3-fast}\nclips: [{id: still, images: pictures/*, prompt: x}]\n"
    (problem,) = mistakes(text)
    assert (
        "makes the id still_kite 3 times, from pictures/kite.jpg, pictures/kite.png and pictures/Kite.webp" in problem
    )
    line = hinted(problem)
    assert line == 'id: "still_{{ image_name }}"'
    assert len(load(write("m.yaml", text.replace("id: still", line))).jobs) == 3


def test_pictures_with_one_name_in_two_folders_are_both_named(write: Write, mistakes: Mistakes) -> None:
    """The folder tells them apart."""
    write("a/1.jpg", picture())
    write("b/1.jpg", picture())
    text = 'defaults: {model: veo3-fast}\nclips: [{id: still, images: "**/*.jpg", prompt: x}]\n'
    (problem,) = mistakes(text)
    assert "makes the id still_1 twice, from a/1.jpg and b/1.jpg" in problem
    line = hinted(problem)
    assert line == 'id: "still_{{ image_folder }}_{{ image_name }}"'
    assert len(load(write("m.yaml", text.replace("id: still", line))).jobs) == 2


def test_rows_of_a_spreadsheet_are_named_as_it_shows_them(write: Write, mistakes: Mistakes) -> None:
    """With the sheet, and the number of the row there."""
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Clips", 0)
    for row in (["sku", "name"], ["A1", "tonic"], ["A2", "x"], ["A1", "tonic"]):
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    write("t.xlsx", file.getvalue())
    (problem,) = mistakes(TABLE.replace("t.csv", "t.xlsx"))
    first, second = (label("t.xlsx", Row({}, number, line, "Clips")) for number, line in ((1, 2), (3, 4)))
    assert f"makes the id A1 twice, from {first} and {second}; " in problem
    assert "Clips" in first
