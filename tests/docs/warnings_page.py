"""docs/reference/warnings.md: what is reported about texts, cells and rows. Each message is made by the code."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from batchvid.errors import ManifestError
from batchvid.manifest import load
from tests.docs.markdown import GENERATED, table
from tests.sample_pictures import animation, encoded, noise, see_through

INTRO = """# Warnings

`plan`, `validate` and `run` report what is odd in a manifest, with its file, line, entry, field, row and column. A
*warning* stops nothing; with `--strict` it is an error. An *error* stops the command with exit code 2, before anything
is bought: it is what surely makes a wrong clip. Rows with the same finding share one message.

Each message below is that of the example beside it. Nothing in a text is changed: what is sent is what `plan` shows.
"""


class Case(NamedTuple):
    """One kind of finding: its name, and an example: one prompt, a table (header and rows), or a whole manifest.

    `picture` is the file a.bin beside the manifest.
    """

    what: str
    prompt: str = ""
    table: str = ""
    manifest: str = ""
    sets: tuple[str, ...] = ()
    example: str = ""
    where: str = ""
    picture: bytes = b""


SECTIONS: Mapping[str, Sequence[Case]] = {
    "Placeholders": [
        Case(
            "The name of a column, variable or axis between delimiters",
            "{{ text }}",
            "id,city,text\n1,Rome,a kite over [city]",
        ),
        Case("A template in a cell: cells are never templates", "{{ text }}", "id,text\n1,a kite over {{ id }}"),
        Case("What is clearly a placeholder", "a kite over ${CITY}, [insert mood], TODO"),
        Case("A choice: programs with that syntax choose before they send", "a {red|blue} kite"),
    ],
    "Holes": [
        Case("An empty cell or variable inside a longer text", "a kite in {{ season }}", "id,season\n1,"),
        Case(
            "An option that becomes empty",
            table="id,camera\n1,",
            manifest='clips: [{id: "{{ id }}", model: m, rows: r.csv, prompt: "a kite {{ id }}",'
            ' options: {move: "{{ camera }}"}}]\n',
            example='an empty cell, `options: {move: "{{ camera }}"}`',
        ),
        Case("The trace of an empty cell in a joined text", "{{ text }}", 'id,text\n1,"a kite, , at noon"'),
    ],
    "Cells that are no text": [
        Case("A formula", "{{ text }}", 'id,text\n1,"=CONCAT(A2,B2)"'),
        Case("An error of the spreadsheet, in any language", "{{ text }}", "id,text\n1,#BEZUG!"),
        Case("The same inside a text", "a kite in {{ season }}", "id,season\n1,#N/A"),
        Case("A word for a missing value inside a text", "a kite in {{ season }}", "id,season\n1,nan"),
        Case("The same within a cell", "{{ text }}", "id,text\n1,a kite in NaN light"),
        Case("The same as the whole prompt", "{{ text }}", "id,text\n1,NULL"),
        Case(
            "A prompt that is only a number, a link, a file name, punctuation, a yes or no",
            "{{ text }}",
            "id,text\n1,kite.jpg",
        ),
        Case("HTML tags", "a kite<br>at <b>noon</b>"),
        Case("HTML codes", "salt &amp; pepper"),
    ],
    "Characters": [
        Case(
            "A control character, or one without width; not those that emoji and scripts need", "a kite\u200b at noon"
        ),
        Case("A zero byte, or half a character", "a\x00kite"),
        Case("A character that a conversion lost", "a caf\ufffd"),
        Case("A text that was read in a wrong encoding", "a caf\u00c3\u00a9 in rain"),
    ],
    "Rows and clips": [
        Case(
            "The number of the row in an id",
            manifest='clips: [{id: "shot-{{ row_number }}", model: m, rows: r.csv, prompt: "{{ text }}"}]\n',
            table="text\na kite",
            example="id `shot-{{ row_number }}`",
        ),
        Case(
            "A number in an id that a spreadsheet shortened",
            "a {{ text }}",
            "id,text\n1.23457E+12,kite",
            example="an article number `1.23457E+12`",
        ),
        Case("A row that repeats the header", "{{ text }}", "id,text\n1,a kite\nid,text", example="the row `id,text`"),
        Case("A row of equal cells", "a {{ text }}", "id,text,note\n1,kite,x\n==,==,==", example="the row `==,==,==`"),
        Case(
            "The same request under several ids; takes are meant to be equal",
            "{{ text }}",
            "id,text\n1,a kite\n2,a kite",
            example="the rows `1,a kite` and `2,a kite`",
        ),
    ],
    "Conditions": [
        Case(
            "An empty cell beside a number",
            "{{ text }}",
            "id,text,price\n1,a kite,9\n2,a boat,",
            example="an empty cell, `where: price > 5`",
            where="price > 5",
        ),
        Case(
            "A cell that is no number, beside a number",
            "{{ text }}",
            "id,text,price\n1,a kite,9\n2,a boat,soon",
            example="cell `soon`, `where: price > 5`",
            where="price > 5",
        ),
        Case(
            "A number that may be read in two ways, when that matters",
            "{{ text }}",
            'id,text,price\n1,a kite,"1,234"',
            example="cell `1,234`, `where: price > 5`",
            where="price > 5",
        ),
        Case(
            "A cell that is neither yes nor no, beside `true` or `false`",
            "{{ text }}",
            "id,text,done\n1,a kite,later",
            example="cell `later`, `where: done != true`",
            where="done != true",
        ),
        Case(
            "No row is left",
            "{{ text }}",
            "id,text,status\n1,a kite,done",
            example='cell `done`, `where: status == "ready"`',
            where='status == "ready"',
        ),
        Case(
            "A mistake in the condition itself",
            "{{ text }}",
            "id,text,status\n1,a kite,done",
            example='`where: status = "ready"`',
            where='status = "ready"',
        ),
    ],
    "Pictures": [
        Case(
            "An animation, or a file of several pages, with `convert: true`",
            manifest="clips: [{id: a, model: m, image: a.bin, convert: true}]\n",
            example="an animated GIF",
            picture=animation(),
        ),
        Case(
            "The same without `convert`",
            manifest="clips: [{id: a, model: m, image: a.bin}]\n",
            example="an animated WebP",
            picture=encoded(noise(), "WEBP", save_all=True, append_images=[noise()]),
        ),
        Case(
            "A transparent picture that is sent as it is",
            manifest="clips: [{id: a, model: m, image: a.bin}]\n",
            example="a PNG without background",
            picture=encoded(see_through()),
        ),
        Case(
            "A transparent picture that is converted; not with `background`",
            manifest="clips: [{id: a, model: m, image: a.bin, convert: true}]\n",
            example="a TIFF without background",
            picture=encoded(see_through(), "TIFF"),
        ),
        Case(
            "Colours that not every program reads",
            manifest="clips: [{id: a, model: m, image: a.bin}]\n",
            example="a JPEG for a printer",
            picture=encoded(noise().convert("CMYK"), "JPEG"),
        ),
        Case(
            "A link to a file that vendors do not take",
            manifest="clips: [{id: a, model: m, image: 'https://cdn.example/a.heic'}]\n",
            example="`https://cdn.example/a.heic`",
        ),
    ],
    "Rows of a text table that fit by accident": [
        Case(
            "A comma of a text, without quotes",
            "{{ text }}",
            "id,text,mood\n1,a red kite, over wheat\n2,a boat,calm",
            example="the row `1,a red kite, over wheat`",
        ),
        Case(
            "A quote that opens in one row and closes in a later one",
            "{{ text }}",
            'id\ttext\nS1\t"Loud kite\nS2\tQuiet boat"\nS3\tMute car',
            example='the rows `S1`, `"Loud kite` and `S2`, `Quiet boat"` (tabs between)',
        ),
        Case(
            "Typographic quotes around a comma",
            "{{ text }}",
            "id,text,mood\n1,“a red kite, over wheat”,\n2,a boat,calm",
            example="the row `1,“a red kite, over wheat”,`",
        ),
        Case(
            "A quoted word with a comma in a cell without quotes",
            "{{ text }}",
            'id,text,mood\n1,a "red,big" kite\n2,a boat,calm',
            example='the row `1,a "red,big" kite`',
        ),
        Case(
            "A decimal comma without quotes",
            "{{ text }}",
            "id,text,price,mood\n1,a kite,1,5\n2,a boat,2,calm",
            example="the row `1,a kite,1,5`",
        ),
        Case(
            "A row with fewer cells than the header: spreadsheets leave out the last ones",
            "{{ text }}",
            "id,text,mood\n1,a kite\n2,a boat,calm",
            example="the row `1,a kite`",
        ),
        Case(
            "A row that a # leaves out",
            "{{ text }}",
            "id,text,mood\n1,a kite,calm\n# the boats\n2,a boat,calm",
            example="the row `# the boats`",
        ),
        Case(
            "A sum at the end",
            "{{ text }}",
            "id,text,price\n1,a kite,3\nTotal,2 clips,",
            example="the row `Total,2 clips,`",
        ),
        Case(
            "Columns that are hard to tell apart",
            "{{ text }}",
            "id,text,Text\n1,a kite,x\n2,a boat,y",
            example="the header `id,text,Text`",
        ),
    ],
    "Values that nothing reads": [
        Case(
            "A column with another name of a field, whose cells can be its values",
            "{{ text }}",
            "id,text,seconds\n1,a kite,5",
            example="a column `seconds`, cell `5`",
        ),
        Case(
            "A name after `row.` that is close to a column; other columns that a sheet lacks are empty",
            "a kite{{ row.colr }}",
            "id,color\n1,red",
            example="prompt `a kite{{ row.colr }}`, and a column `color`",
        ),
        Case(
            "`--set` of an unknown name",
            manifest="vars: {season: autumn}\nclips: [{id: a, model: m, prompt: 'in {{ season }}'}]\n",
            sets=("seson=winter",),
        ),
        Case(
            "`--set` of a key without its path",
            manifest="clips: [{id: a, model: m, prompt: a kite}]\n",
            sets=("duration_s=5",),
        ),
    ],
}


def page() -> str:
    """The whole page."""
    parts = [GENERATED, INTRO.strip()]
    for title, cases in SECTIONS.items():
        rows = [(case.what, _example(case), *_outcome(case)) for case in cases]
        parts += [f"## {title}", table(("what", "example", "", "message"), rows)]
    return "\n\n".join(parts) + "\n"


def _example(case: Case) -> str:
    if case.example or case.sets:
        return case.example or f"`--set {case.sets[0]}`"
    if not case.table:
        return f"`{_printable(case.prompt)}`"
    *_, cell = list(csv.reader(case.table.splitlines()))[-1]
    shown = f"cell `{_printable(cell)}`" if cell else "an empty cell"
    return shown if case.prompt == "{{ text }}" else f"{shown}, prompt `{case.prompt}`"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _outcome(case: Case) -> tuple[str, str]:
    """Whether the finding is a warning or an error, and its message without the place in the manifest."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.yaml")
        Path(folder, "r.csv").write_text(case.table + "\n", "utf-8")
        Path(folder, "a.bin").write_bytes(case.picture)
        rows = "rows: r.csv, " if case.table else ""
        rows += f"where: '{case.where}', " if case.where else ""
        prompt = case.prompt.encode("unicode_escape").decode().replace('"', '\\"')
        entry_id = '"{{ id }}"' if case.table else "a"
        text = case.manifest or f'clips: [{{id: {entry_id}, model: m, {rows}prompt: "{prompt}"}}]\n'
        path.write_text(text, "utf-8")
        try:
            kind, lines = "warning", list(load(path, sets=case.sets).warnings)
        except ManifestError as exc:
            kind, lines = "error", list(exc.problems)
    if len(lines) != 1:
        raise ValueError(f"{case.what}: {lines}")
    (line,) = lines
    message = line.removeprefix(f"{path}:1: ").partition(": ")[2]
    return kind, f"`{message}`"
