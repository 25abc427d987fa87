"""`rows:` in all its notations; and one table in four formats makes the same jobs."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from batchvid.errors import ManifestError
from batchvid.manifest import load
from tests.manifest.conftest import Mistakes, Specs, Write
from tests.manifest.workbooks import ods, xlsx

CLIP = 'clips:\n  - id: "{{ id }}"\n    model: m\n    prompt: "{{ prompt }}"\n    rows: '
TABLE: list[list[Any]] = [
    ["id", "prompt", "seconds", "price", "sale", "from", "mood"],
    [1001, "a red kite, over wheat", 4.0, 19.5, True, datetime.date(2026, 3, 1), None],
    [1002, 'a "loud" boat;\nat sea', 8, 1e6, False, datetime.date(2026, 3, 2), "calm"],
    [1003, "ein Café für Zwölf", 6, 0.25, True, None, "warm"],
]
TEXTS = [
    ["1001", "a red kite, over wheat", "4", "19.5", "TRUE", "2026-03-01", ""],
    ["1002", 'a "loud" boat;\nat sea', "8", "1000000", "FALSE", "2026-03-02", "calm"],
    ["1003", "ein Café für Zwölf", "6", "0.25", "TRUE", "", "warm"],
]


def as_csv() -> bytes:
    quoted = [";".join('"{}"'.format(cell.replace('"', '""')) for cell in row) for row in [TABLE[0], *TEXTS]]
    return ("\ufeff" + "\r\n".join(quoted) + "\r\n").encode()


def as_jsonl() -> bytes:
    objects = [
        {name: str(value) if isinstance(value, datetime.date) else value for name, value in zip(TABLE[0], row)}  # noqa: B905
        for row in TABLE[1:]
    ]
    return "\n".join(
        json.dumps({key: value for key, value in one.items() if value is not None}) for one in objects
    ).encode()


def test_one_table_in_four_formats_makes_the_same_jobs(write: Write, specs: Specs) -> None:
    """Ids, fingerprints and variables: no format is bought again when a sheet is saved as another one."""
    files = {
        "t.csv": as_csv(),
        "t.jsonl": as_jsonl(),
        "t.xlsx": xlsx({"Clips": TABLE}),
        "t.ods": ods({"Clips": TABLE}),
    }
    made = []
    for name, data in files.items():
        write(name, data)
        found = specs(
            f'{CLIP}{name}\n    duration_s: "{{{{ seconds }}}}"\n    tags: ["{{{{ mood }}}}", "{{{{ sale }}}}"]\n'
        )
        made.append({key: (spec.fingerprint, dict(spec.variables), spec.tags) for key, spec in found.items()})
    assert made[0] == made[1] == made[2] == made[3]
    assert [list(variables.values()) for _, variables, _ in made[0].values()] == TEXTS


def test_rows_in_the_manifest(specs: Specs) -> None:
    found = specs(
        CLIP + "\n      - {id: A1, prompt: a kite, n: 4.0}\n      - {id: A2, prompt: a boat, x: [a.jpg, b.jpg]}\n"
    )
    assert {key: (spec.request.prompt, dict(spec.variables)) for key, spec in found.items()} == {
        "A1": ("a kite", {"id": "A1", "prompt": "a kite", "n": "4", "x": ""}),
        "A2": ("a boat", {"id": "A2", "prompt": "a boat", "n": "", "x": "a.jpg\nb.jpg"}),
    }


def test_rows_in_the_manifest_have_its_lines(write: Write, mistakes: Mistakes) -> None:
    manifest = load(
        write("m.yaml", CLIP + "\n      - {id: A1, prompt: a kite}\n      - id: A2\n        prompt: a boat\n")
    )
    assert [(job.row.file, job.row.number, job.row.line) for job in manifest.jobs if job.row] == [
        ("m.yaml", 1, 6),
        ("m.yaml", 2, 7),
    ]
    (problem,) = mistakes(CLIP + "\n      - {id: A1, prompt: a kite}\n      - {id: A2, prompt: {text: a boat}}\n")
    assert problem == (
        "m.yaml:5: {{ id }}: m.yaml:row 2 (line 7): key prompt is an object; a cell holds a text, a number, true, "
        "false, or a list of those"
    )


def test_several_files_and_patterns(write: Write, specs: Specs) -> None:
    """Sorted, each file once; hidden files and the lock files of spreadsheet programs are left out."""
    for name in ("b", "a", "~$a", ".c"):
        write(f"sheets/{name}.csv", f"id,prompt\n{name}1,x\n{name}2,y\n")
    write("extra.jsonl", '{"id": "e1", "prompt": "z"}\n')
    assert list(specs(CLIP + "sheets/*.csv\n")) == ["a1", "a2", "b1", "b2"]
    assert list(specs(CLIP + "[extra.jsonl, sheets/b.csv, 'sheets/*.CSV']\n")) == ["e1", "b1", "b2", "a1", "a2"]
    assert list(specs(CLIP + "sheets/{b,a}.csv\n")) == ["a1", "a2", "b1", "b2"]
    assert list(specs(CLIP + "{file: [sheets/b.csv, extra.jsonl], columns: {id: ID}}\n")) == ["b1", "b2", "e1"]


@pytest.mark.parametrize("name", ["sheets\\a.csv", "sheets/caf\u00e9.csv", "sheets/cafe\u0301.csv"])
def test_names_with_backslashes_and_in_any_unicode_form(write: Write, specs: Specs, name: str) -> None:
    write("sheets/a.csv", "id,prompt\nA1,x\n")
    write("sheets/caf\u00e9.csv", "id,prompt\nA1,x\n")
    assert list(specs(CLIP + f"'{name}'\n")) == ["A1"]


def test_a_row_keeps_its_file(write: Write, mistakes: Mistakes) -> None:
    write("sheets/a.csv", "id,prompt\na1,x\n")
    write("sheets/b.csv", "id,prompt\nb1,x\nb2,\n")
    (problem,) = mistakes(CLIP + "sheets/*.csv\n")
    assert "sheets/b.csv:row 2 (line 3)" in problem
    write("sheets/c.csv", b"%PDF-1.7")
    found = mistakes(CLIP + "sheets/*.csv\n")
    assert any(" sheets/c.csv is a PDF, not a table; " in problem for problem in found)


def test_a_sheet_with_all_options(write: Write, specs: Specs) -> None:
    table: list[list[Any]] = [
        ["Spring 2026"],
        [],
        ["Title", "Product SKU", "Text"],
        ["Kites", 1, "a kite"],
        [None, 2, "a boat"],
    ]
    write("plan.xlsx", xlsx({"Notes": [["x"]], "Clips": table}))
    found = specs(
        CLIP.replace("{{ id }}", "{{ Title }}-{{ sku }}").replace("{{ prompt }}", "{{ Text }}")
        + "{file: '{{ name }}.xlsx', sheet: Clips, header_row: 3, columns: {sku: Product SKU}, fill_down: [Title]}\n"
        + "vars: {name: plan}\n"
    )
    assert {key: spec.request.prompt for key, spec in found.items()} == {"Kites-1": "a kite", "Kites-2": "a boat"}


def test_a_spreadsheet_row_in_messages(write: Write, mistakes: Mistakes) -> None:
    write("plan.xlsx", xlsx({"Clips": [["id", "prompt"], ["A1", "a kite"], [None, None], ["A2", None]]}))
    (problem,) = mistakes(CLIP + "plan.xlsx\n")
    assert "(plan.xlsx:Clips!row 4" in problem


def test_warnings_name_the_file_and_the_row(write: Write) -> None:
    write("a.csv", "id,prompt,mood\nA1,a red kite, over wheat\nA2,a boat,calm\n")
    write("b.xlsx", xlsx({"Clips": [["id", "prompt"], ["B1", "x"]], "More": [["id"], ["B2"]]}))
    manifest = load(write("m.yaml", CLIP + "[a.csv, b.xlsx]\n"))
    assert len(manifest.warnings) == 2
    comma, sheet = sorted(manifest.warnings)
    assert comma.startswith("m.yaml:5: {{ id }}: a.csv: column mood begins with a space")
    assert comma.endswith("(a.csv:row 1 (line 2))")
    assert sheet.endswith("b.xlsx has 2 sheets with values, and Clips is read; name another one with sheet: (More)")


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("[]", "rows: must not be empty; name a file, or write the rows here"),
        ("[a.csv, {id: x}]", "rows: is a list of files and rows; "),
        ("{sheet: Clips}", "rows.file: is missing; name the table, such as file: plan.xlsx"),
        ("{file: a.csv, shet: Clips}", "rows.shet: unknown key; did you mean sheet"),
        ("{file: a.csv, rows: [{id: x}]}", "rows.rows: unknown key; "),
        ("{file: []}", "rows.file: must name a file, such as plan.xlsx"),
        ("{file: a.csv, header_row: -1}", "rows.header_row: must be at least 0"),
        ("{file: a.csv, header_row: two}", "rows.header_row: must be a whole number"),
        ("{file: a.csv, delimiter: ab}", 'rows.delimiter: must be one character such as ";", or tab'),
        ("{file: a.csv, delimiter: a}", "rows.delimiter: must be one character"),
        ("{file: a.csv, encoding: klingon}", "rows.encoding: 'klingon' is no encoding; write one such as utf-8"),
        ("{file: a.csv, encoding: base64}", "rows.encoding: 'base64' is no encoding of texts"),
        ("{file: a.csv, encoding: idna}", "rows.encoding: 'idna' is no encoding of texts"),
        ("{file: a.csv, columns: {row: SKU}}", "rows.columns"),
        ("{file: a.csv, columns: {a-b: SKU}}", "rows.columns"),
        ("https://docs.google.com/x.csv", "rows: docs.google.com/x.csv is an address"),
        ("no/*.csv", "rows: no file matches no/*.csv; it was looked for below "),
    ],
)
def test_mistakes(mistakes: Mistakes, rows: str, problem: str) -> None:
    (found,) = mistakes(CLIP + rows + "\n")
    assert found.startswith(f"m.yaml:5: {{{{ id }}}}: {problem}")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", b"id\n" + b"".join(b"a%d\n" % index for index in range(40))),
        ("t.jsonl", b"".join(b'{"id": "a%d"}\n' % index for index in range(40))),
        ("t.xlsx", xlsx({"A": [["id"], *[[f"a{index}"] for index in range(40)]]})),
        ("t.ods", ods({"A": [["id"], *[[f"a{index}"] for index in range(40)]]})),
    ],
)
def test_too_many_clips_are_counted_before_they_are_made(write: Write, name: str, data: bytes) -> None:
    write(name, data)
    text = f'clips:\n  - {{id: "{{{{ id }}}}", model: m, prompt: p, rows: {name}, takes: 10}}\n'
    with pytest.raises(ManifestError, match=r"makes 400 clips, most of them here \(40 rows or images x 10 takes\)"):
        load(write("m.yaml", text), max_jobs=399)
    assert len(load(Path("m.yaml"), max_jobs=400).jobs) == 400
