"""Edited sheets as spreadsheets save them: every row finds its job, or is reported; no other job is edited."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

from batchvid import manifest
from batchvid.commands.cell_rewrites import is_rewritten, kind_of
from batchvid.commands.edit_matching import job_key
from batchvid.commands.edit_reading import SheetEdits, read_edits
from batchvid.commands.edit_sheet import COLUMNS, write_refused
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job, JobState, advance
from batchvid.errors import ManifestError
from batchvid.paths import BatchPaths
from tests.builders import at, job_in

Rows = list[dict[str, str]]


def refused(job_id: str, prompt: str = "a poppy", fingerprint: str = "", **fields: object) -> Job:
    """A job that a content filter refused."""
    job = job_in(JobState.RUNNING, job_id, prompt=prompt, fingerprint=fingerprint or f"f1:{job_id}", **fields)
    return advance(job, ev.TaskFailed(at=at(9), kind=FailureKind.MODERATION_INPUT, message="no"))


class Sheet:
    """The edit-these.csv of these jobs, and what comes back."""

    def __init__(self, folder: Path, *jobs: Job) -> None:
        self.folder = folder
        self.jobs = {job.id: job for job in jobs}
        clips = ", ".join(f"{{id: '{number}', prompt: p, model: m}}" for number, _ in enumerate(jobs))
        (folder / "m.yaml").write_text(f"clips: [{clips}]", "utf-8")
        loaded = manifest.load(folder / "m.yaml")
        pairs = zip(loaded.jobs, jobs, strict=True)
        placed = tuple(manifest.PlacedJob(spec=job.spec, place=one.place) for one, job in pairs)
        self.manifest = manifest.Manifest(
            path=loaded.path, folder=loaded.folder, batch="b", settings=loaded.settings, jobs=placed,
            all_ids=frozenset(self.jobs), only=False,
        )  # fmt: skip
        write_refused(folder, jobs)

    def rows(self) -> Rows:
        """What is in the file."""
        return list(csv.DictReader(io.StringIO(BatchPaths(self.folder).edit_these.read_text("utf-8-sig"), newline="")))

    def read(self, raw: bytes, name: str = "edited.csv") -> SheetEdits:
        """The edits of a file with this content."""
        path = self.folder / name
        path.write_bytes(raw)
        return read_edits(path, self.jobs, self.manifest, {})

    def prompts(self, rows: Rows, **how: str) -> dict[str, str | None]:
        """The edited prompts, by job, of a CSV with these rows."""
        return {job_id: edit.prompt for job_id, edit in self.read(saved(rows, **how)).edits.items()}


def saved(rows: Rows, delimiter: str = ",", encoding: str = "utf-8-sig", end: str = "\r\n", title: str = "") -> bytes:
    """A CSV as a spreadsheet saves it."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return (title + out.getvalue()).encode(encoding)


ODD_IDS = {
    "1E5": "1,00E+05", "2026-03-01": "01.03.2026", "3-4": "03. Apr", "TRUE": "WAHR", "00123": "123",
    "1-2": "02-Jan", "9999999999999": "1E+13", "MAR1": "01. Mrz", "kite": "kite",
}  # fmt: skip


@pytest.fixture
def sheet(tmp_path: Path) -> Sheet:
    """One job for each id that spreadsheets rewrite."""
    return Sheet(tmp_path, *(refused(job_id) for job_id in ODD_IDS))


def rewritten(rows: Rows) -> Rows:
    """The rows as a German Excel saves them, each with a new prompt."""
    return [{**row, "id": ODD_IDS[row["id"]], "prompt": f"lily {row['id']}"} for row in rows]


@pytest.mark.parametrize(
    "how",
    [
        {}, {"delimiter": ";"}, {"delimiter": "\t", "encoding": "utf-16"}, {"encoding": "utf-8", "end": "\n"},
        {"end": "\r"}, {"delimiter": ";", "title": "Refused prompts of spring;;;;\r\n\r\n"},
        {"title": "sep=,\r\n"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("kept", [("job_key", "asked"), ("asked",), ("job_key",)], ids=str)
def test_rewritten_ids_find_their_jobs(sheet: Sheet, how: dict[str, str], kept: Sequence[str]) -> None:
    """Whatever separator, encoding, title, order and further columns the file has; older files have no job_key."""
    rows = [
        {"note": "x", **{name: row[name] for name in ("prompt", "id", "entry", *kept)}}
        for row in reversed(rewritten(sheet.rows()))
    ]
    assert sheet.prompts(rows, **how) == {job_id: f"lily {job_id}" for job_id in ODD_IDS}


def test_a_rewritten_id_is_mentioned(sheet: Sheet) -> None:
    """The user sees which job is meant. A deleted row leaves its job alone."""
    found = sheet.read(saved(rewritten(sheet.rows())[:1]))
    assert found.ids == {"1E5"}
    assert "the id 1,00E+05 is read as 1E5: a spreadsheet rewrites such ids" in found.notices


def test_a_workbook_of_it_is_read(sheet: Sheet) -> None:
    """XLSX and ODS, in which the spreadsheet stored numbers and dates."""
    rows = [{**row, "prompt": f"lily {row['id']}"} for row in sheet.rows()]
    book = openpyxl.Workbook()
    table = book.active
    assert table is not None
    table.append(list(rows[0]))
    for row in rows:
        stored = {"1E5": 100000, "TRUE": True, "00123": 123}
        table.append([stored.get(row["id"], row["id"]), *list(row.values())[1:]])
    book.save(sheet.folder / "made.xlsx")
    document = OpenDocumentSpreadsheet()
    sheet_of_ods = Table(name="Sheet1")
    for cells in [list(rows[0]), *(list(row.values()) for row in rows)]:
        line = TableRow()
        for cell in cells:
            cell_of_ods = TableCell(valuetype="string")
            cell_of_ods.addElement(P(text=cell))
            line.addElement(cell_of_ods)
        sheet_of_ods.addElement(line)
    document.spreadsheet.addElement(sheet_of_ods)
    document.save(str(sheet.folder / "made.ods"))
    for name in ("made.xlsx", "made.ods"):
        found = sheet.read((sheet.folder / name).read_bytes(), name)
        assert {job_id: edit.prompt for job_id, edit in found.edits.items()} == {
            job_id: f"lily {job_id}" for job_id in ODD_IDS
        }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "05. Jun", "job_key": "", "asked": ""}, "row 1 (line 2): 05. Jun: column id: no job of this batch has"),
        ({"id": "05. Jun", "job_key": "", "asked": ""}, "it looks like a date that a spreadsheet made from an id"),
        ({"id": "kite"}, "column id: is 'kite', and job_key is that of 1E5; sort and copy whole rows"),
        ({"asked": "f1:kite"}, "the columns name different jobs: job_key is that of 1E5, asked is that of kite"),
        ({"id": "kite", "job_key": ""}, "the columns name different jobs: id is that of kite, asked is that of 1E5"),
        ({"id": "", "job_key": "", "asked": ""}, "row 1 (line 2): column id: is empty"),
        ({"prompt": "?? lily"}, "prompt: '?? lily' has lost letters (日本)"),
    ],
)
def test_a_row_that_fits_no_job_is_reported(tmp_path: Path, change: dict[str, str], message: str) -> None:
    """With its row and column; nothing is guessed, and nothing is edited."""
    sheet = Sheet(tmp_path, refused("1E5", "日本 poppy"), refused("kite"))
    rows = [{**sheet.rows()[0], "prompt": "a lily", **change}]
    with pytest.raises(ManifestError) as raised:
        sheet.read(saved(rows))
    assert message in str(raised.value.problems[0])


def test_an_id_that_two_jobs_may_have_is_reported(tmp_path: Path) -> None:
    """00123 comes back as 123: without the other columns nobody knows which is meant, with job_key it is clear."""
    sheet = Sheet(tmp_path, refused("00123", fingerprint="f1:same"), refused("123", fingerprint="f1:same"))
    row = {**sheet.rows()[0], "id": "123", "prompt": "a lily"}
    assert sheet.prompts([row]) == {"00123": "a lily"}
    for dropped in ({"job_key": ""}, {"job_key": "", "asked": ""}):
        with pytest.raises(ManifestError, match="'123' is the id of a job, and a spreadsheet makes it from 00123, too"):
            sheet.read(saved([{**row, **dropped}]))


def test_another_encoding_is_explained(tmp_path: Path) -> None:
    """Without advice that only fits a manifest."""
    sheet = Sheet(tmp_path, refused("kite"))
    with pytest.raises(ManifestError) as raised:
        sheet.read(saved([{**sheet.rows()[0], "prompt": "Größe 42"}], encoding="cp1252"))
    assert 'save it as "CSV UTF-8"' in raised.value.problems[0]
    assert "under rows" not in raised.value.problems[0]


def test_a_prompt_that_a_spreadsheet_rewrote_is_no_edit(tmp_path: Path) -> None:
    """Nor is one that lost its letters with the encoding; both are mentioned."""
    sheet = Sheet(tmp_path, refused("a", "9:16"), refused("b", "日本 poppy"), refused("c"))
    first, second, third = sheet.rows()
    found = sheet.read(
        saved([{**first, "prompt": "09:16:00"}, {**second, "prompt": "?? poppy"}, {**third, "prompt": "x"}])
    )
    assert found.ids == {"c"}
    assert "a: prompt: '09:16:00' is read as unchanged: a spreadsheet made it from '9:16'" in found.notices
    assert any(notice.startswith("b: prompt: '?? poppy' is read as unchanged") for notice in found.notices)


class TestApplyTo:
    """One row for several clips."""

    JOBS = (
        refused("mug_16x9", entry="mug", tags=("hero",)), refused("mug_9x16", entry="mug"),
        refused("mug_1x1", "another", entry="mug"), refused("jug_16x9", entry="jug"),
        job_in(JobState.SUCCEEDED, "mug_t2", prompt="a poppy", entry="mug"),
    )  # fmt: skip

    @pytest.mark.parametrize(
        ("apply_to", "ids"),
        [
            ("", {"mug_16x9"}), ("this", {"mug_16x9"}), (" Entry ", {"mug_16x9", "mug_9x16"}),
            ("*_16x9", {"mug_16x9", "jug_16x9"}), ("tag:hero", {"mug_16x9"}),
            ("*", {"mug_16x9", "mug_9x16", "jug_16x9"}),
        ],
    )  # fmt: skip
    def test_it_reaches_refused_clips_with_the_same_text(self, tmp_path: Path, apply_to: str, ids: set[str]) -> None:
        """A stored clip stays, and so does one with another text, which is mentioned."""
        sheet = Sheet(tmp_path, *self.JOBS)
        rows = sheet.rows()
        rows[0] |= {"prompt": "a lily", "apply_to": apply_to}
        found = sheet.read(saved(rows))
        assert {job_id: edit.prompt for job_id, edit in found.edits.items()} == dict.fromkeys(ids, "a lily")
        is_wider = "mug_9x16" in ids
        assert any("not for mug_1x1, whose prompt is another" in notice for notice in found.notices) == is_wider

    def test_an_own_edit_counts_first(self, tmp_path: Path) -> None:
        """Before the one that another row applies; two that differ are a problem, and so is a pattern without a job."""
        sheet = Sheet(tmp_path, *self.JOBS)
        rows = sheet.rows()
        rows[0] |= {"prompt": "a lily", "apply_to": "entry"}
        rows[1] |= {"prompt": "a rose"}
        assert sheet.prompts(rows) == {"mug_16x9": "a lily", "mug_9x16": "a rose"}
        rows[3] |= {"prompt": "a fern", "apply_to": "*_9x16"}
        with pytest.raises(ManifestError, match="another row applies a different edit to mug_9x16"):
            sheet.read(saved(rows))
        rows[3] |= {"apply_to": "cups"}
        with pytest.raises(ManifestError, match="column apply_to: 'cups' fits no refused job"):
            sheet.read(saved(rows))


def test_the_file_is_written_over_and_keeps_what_was_written(tmp_path: Path) -> None:
    """Also when a spreadsheet saved it with other ids; apply_to stays, too."""
    sheet = Sheet(tmp_path, refused("1E5"), refused("kite"))
    rows = sheet.rows()
    rows[0] |= {"id": "1.00E+05", "prompt": "a lily", "apply_to": "entry"}
    BatchPaths(tmp_path).edit_these.write_bytes(saved(rows, delimiter=";"))
    write_refused(tmp_path, sheet.jobs.values())
    first, second = sheet.rows()
    assert (first["id"], first["prompt"], first["apply_to"]) == ("1E5", "a lily", "entry")
    assert (second["prompt"], second["apply_to"], list(second)) == ("a poppy", "this", list(COLUMNS))


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        ("1E5", "1.00E+05", True), ("1E5", "100000", True), ("1E5", "2.00E+05", False), ("1.5", "1,5", True),
        ("2026-03-01", "03/01/26", True), ("2026-03-01", "46082", True), ("2026-03-01", "02.03.2026", False),
        ("3-4", "4-Mar", True), ("3-4", "3月4日", True), ("3-4", "05. Jun", False), ("TRUE", "VRAI", True),
        ("TRUE", "FALSCH", False), ("00123", "123", True), ("00123", "124", False), ("kite", "boat", False),
        ("five kites", "six kites", False), ("日本", "??", True), ("50%", "50.00%", True), ("12/2026", "Dez 26", True),
    ],
)  # fmt: skip
def test_what_spreadsheets_make_of_a_cell(before: str, after: str, is_same: bool) -> None:
    """A number, a date or a truth value in another notation is the same; another value is not."""
    assert is_rewritten(before, after) == is_same


def as_saved(cell: str, variant: int) -> str:
    """A cell of a CSV after a spreadsheet opened and saved the file."""
    if kind_of(cell) == "a number" and cell.replace(".", "", 1).replace("E", "", 1).isdecimal() and cell[0] != ".":
        value = float(cell)
        return f"{value:.2E}" if "E" in cell or value >= 1e11 else f"{value:g}".replace(".", ",.,"[variant])
    parts = cell.split("-")
    if len(parts) == 2 and all(part.isdecimal() and 1 <= int(part) <= 12 for part in parts):
        month = ("Apr", "Mrz", "juin")[variant]
        return f"{int(parts[0]):02}. {month}" if variant else f"{int(parts[1])}-{int(parts[0])}-2026"
    return {"TRUE": ("WAHR", "VRAI", "TRUE"), "FALSE": ("FALSCH", "FAUX", "FALSE")}.get(cell, (cell,) * 3)[variant]


IDS = st.sampled_from(
    ["1E5", "00123", "123", "3-4", "4-3", "12-12", "TRUE", "FALSE", "1.50", "1.5", "MAR1"]
) | st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True)
PROMPTS = st.sampled_from(["a poppy", "=1+1", "-", "1E5", 'say "no"; a,b', "Größe\n日本", "  two  words "]) | st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1, max_size=12
).filter(lambda text: bool(text.strip()))


@settings(deadline=None, max_examples=150, database=None)
@given(
    jobs=st.dictionaries(IDS, PROMPTS, min_size=1, max_size=6),
    shared=st.booleans(),
    dropped=st.sampled_from([(), ("job_key",), ("asked",), ("id",), ("job_key", "asked")]),
    variant=st.integers(0, 2),
    data=st.data(),
)
def test_no_other_job_is_ever_edited(
    jobs: Mapping[str, str], shared: bool, dropped: Sequence[str], variant: int, data: st.DataObject
) -> None:
    """For any ids and prompts: a row that went through a spreadsheet edits its own job, or is reported."""
    fingerprint = "f1:same" if shared else ""
    with TemporaryDirectory() as name:
        sheet = Sheet(Path(name), *(refused(job_id, prompt, fingerprint) for job_id, prompt in jobs.items()))
        rows = sheet.rows()
        edited = data.draw(st.sets(st.sampled_from(sorted(jobs)), min_size=1))
        for row in rows:
            own = row["id"]
            row |= {name: as_saved(row[name], variant) for name in ("id", "entry", "prompt")}
            if own in edited:
                row["prompt"] = f"a lily for {own}, in the morning light"
            for name in dropped:
                del row[name]
        rows = data.draw(st.permutations(rows))
        delimiter = data.draw(st.sampled_from([",", ";", "\t"]))
        found: Mapping[str, str | None] = {}
        problems: Sequence[str] = ()
        try:
            found = sheet.prompts(rows, delimiter=delimiter)
        except ManifestError as exc:
            problems = exc.problems
        if problems:
            assert dropped, problems  # with all columns every job is found
            assert all("column id" in problem or "different jobs" in problem for problem in problems)
            return
        assert found == {job_id: f"a lily for {job_id}, in the morning light" for job_id in edited}


def test_a_key_is_letters() -> None:
    """That no spreadsheet takes for a number, a date or a word of its own."""
    keys = {job_key(job_id) for job_id in map(str, range(2000))}
    assert len(keys) == 2000
    assert all(key.isalpha() and not kind_of(key) for key in keys)
