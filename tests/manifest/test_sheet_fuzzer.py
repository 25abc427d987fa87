"""Any sheet in any format gives jobs or ManifestError, and a prompt is the text of its cell."""

from __future__ import annotations

import csv
import gzip
import io
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from batchvid.errors import ManifestError
from batchvid.manifest import load
from tests.manifest.conftest import Write
from tests.manifest.workbooks import ods, xlsx

TABLE = ["id", "prompt", "mood", "n"]
WORDS = st.text(alphabet="ab Zé日\U0001f6f6,;\t|\"'“”.:#={}[]<>&\n-1", max_size=16)
PROMPTS = st.one_of(WORDS, st.sampled_from(["a red kite", "two, three", 'a "big" kite', "line\nline"]))
CELLS = st.one_of(
    WORDS, st.sampled_from(["", " ", "a kite, red", '"loud"', '12" pan', "1,5", "TRUE", "nan", "=A1", "# x"])
)
NUMBERS = st.one_of(st.none(), st.integers(1, 9), st.sampled_from([4.0, 0.5, True, "4", "4,5"]))
ROWS = st.lists(st.tuples(PROMPTS, CELLS, NUMBERS), min_size=1, max_size=5)
MANIFEST = 'clips: [{id: "{{ id }}", model: m, prompt: "{{ prompt }}", rows: FILE, where: prompt}]\n'
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)


def written(cell: object) -> str:
    return "" if cell is None else str(cell)


def check(name: str, prompts: dict[str, str]) -> None:
    """Each job has its cell's text as its prompt, or the sheet is refused."""
    Path("m.yaml").write_text(MANIFEST.replace("FILE", name), "utf-8")
    try:
        manifest = load(Path("m.yaml"))
    except ManifestError:
        event("refused")
        return
    event("warned" if manifest.warnings else "read")
    found = {job.spec.id: job.spec.request.prompt for job in manifest.jobs}
    assert found == prompts


@same_folder
@given(
    ROWS,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    st.booleans(),
)
def test_text_tables(
    write: Write,
    rows: list[tuple[str, str, object]],
    delimiter: str,
    encoding: str,
    end: str,
    quoting: int,
    is_packed: bool,
) -> None:
    text = io.StringIO(newline="")
    table = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    table.writerows([TABLE, *([f"A{n}", *map(written, row)] for n, row in enumerate(rows))])
    data = text.getvalue().encode(encoding)
    write("t.csv", gzip.compress(data) if is_packed else data)
    check("t.csv", {f"A{n}": prompt.strip() for n, (prompt, _, _) in enumerate(rows) if prompt.strip()})


@same_folder
@given(ROWS, st.sampled_from([xlsx, ods, "json", "jsonl"]))
def test_typed_tables(write: Write, rows: list[tuple[str, str, object]], how: object) -> None:
    table = [[f"A{n}", *row] for n, row in enumerate(rows)]
    if callable(how):
        write("t", how({"Clips": [TABLE, *table]}))
    else:
        objects = [dict(zip(TABLE, row, strict=True)) for row in table]
        write("t", "\n".join(map(json.dumps, objects)) if how == "jsonl" else json.dumps(objects))
    check("t", {f"A{n}": prompt.strip() for n, (prompt, _, _) in enumerate(rows) if prompt.strip()})


@same_folder
@given(ROWS, st.sampled_from([",", ";", "\t"]), st.integers(0, 400), st.binary(max_size=3))
def test_tables_that_are_joined_without_quotes_or_damaged(
    write: Write, rows: list[tuple[str, str, object]], delimiter: str, at: int, damage: bytes
) -> None:
    lines = [TABLE, *([f"A{n}", *map(written, row)] for n, row in enumerate(rows))]
    data = "\n".join(delimiter.join(cells) for cells in lines).encode() + b"\n"
    write("t.csv", data[:at] + damage + data[at + 1 :])
    write("m.yaml", MANIFEST.replace("FILE", "t.csv"))
    with suppress(ManifestError):
        load(Path("m.yaml"))


@pytest.mark.parametrize("name", ["t.csv", "t.txt"])
def test_a_table_of_nothing(write: Write, name: str) -> None:
    write(name, "\ufeff\n \n")
    write("m.yaml", MANIFEST.replace("FILE", name))
    with pytest.raises(ManifestError, match=f"{name} is empty"):
        load(Path("m.yaml"))
