"""Tables that go through a spreadsheet and come back: the report joins to the sheet, edited prompts find their jobs."""

from __future__ import annotations

import csv

import openpyxl
import pytest

from batchvid.state.state_file import StateFile
from tests.end_to_end.conftest import Bench

SHEET = '  - {id: "{{ sku }}", rows: rows.csv, prompt: "{{ name }}", model: veo3-fast, duration_s: 4}'


def test_a_sorted_sheet_changes_no_job(bench: Bench) -> None:
    """The report names the row; its number is no part of the request."""
    rows = bench.folder / "rows.csv"
    rows.write_text("sku,name,note\na,a kite,two\nb,a boat,\n", "utf-8")
    bench.write(SHEET)
    assert bench.run().code == 0
    found = {row["id"]: [row[name] for name in ("file", "row", "line", "var.note")] for row in bench.rows()}
    assert found == {"a": ["rows.csv", "1", "2", "two"], "b": ["rows.csv", "2", "3", ""]}
    rows.write_text("sku,name,note\nb,a boat,\na,a kite,two\n", "utf-8")
    assert "changed" not in bench.cli("plan", str(bench.manifest), "--all").out
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 2


ODD = """  - {id: "{{ sku }}", rows: rows.csv, prompt: "{{ name }}", model: veo3-fast, duration_s: 4}"""
POPPY = {"match": {"step": "submit", "prompt": "poppy"}, "do": {"outcome": "moderation"}}


@pytest.fixture
def poppies(bench: Bench) -> Bench:
    """Four refused jobs with ids that spreadsheets rewrite, and one that is stored."""
    rows = "sku,name\n00123,a tonic\n1E5,poppy elixir\n2026-03-01,日本 poppy\n3/4,poppy half\nTRUE,poppy truth\n"
    (bench.folder / "rows.csv").write_text(rows, "utf-8")
    bench.write(ODD)
    bench.emulator.set_faults(POPPY)
    assert bench.run().code == 1
    return bench


def refused_rows(bench: Bench) -> list[dict[str, str]]:
    """What is in edit-these.csv."""
    with (bench.batch / "edit-these.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def save_german(bench: Bench, rows: list[dict[str, str]]) -> str:
    """The rows as a German Excel saves them; an older version wrote no job_key."""
    ids = {"1E5": "1,00E+05", "2026-03-01": "01.03.2026", "3-4": "03. Apr", "TRUE": "WAHR"}
    path = bench.folder / "excel-de.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["id", "kind", "prompt", "asked"])
        writer.writerows([ids[row["id"]], "x", row["prompt"], row["asked"]] for row in rows)
    return str(path)


def test_only_edited_rows_are_bought(poppies: Bench) -> None:
    """Of four refused jobs and one that failed otherwise, two are edited: those are shown, and bought; no others."""
    boat = {"match": {"step": "submit", "prompt": "boat"}, "do": {"invalid": True}}
    poppies.emulator.set_faults(POPPY, boat)
    poppies.write(ODD + "\n  - {id: boat, prompt: a boat, model: veo3-fast, duration_s: 4}")
    assert poppies.run().code == 1
    poppies.emulator.set_faults(POPPY)
    rows = refused_rows(poppies)
    for row in rows[:2]:
        row["prompt"] = row["prompt"].replace("poppy", "lily")
    path = save_german(poppies, rows)
    before = poppies.emulator.ledger()["purchases"]
    preview = poppies.cli("retry", "batch", "--edits", path, "--dry-run")
    assert "to buy: 2 clips" in preview.out
    assert "the id 1,00E+05 is read as 1E5" in preview.out + preview.err
    assert "1E5: edited prompt" in preview.out + preview.err
    bought = poppies.cli("retry", "batch", "--edits", path)
    assert "the id 01.03.2026 is read as 2026-03-01" in bought.out + bought.err
    assert poppies.emulator.ledger()["purchases"] - before == 2
    stored = {row["id"]: row["prompt"] for row in poppies.rows() if row["state"] == "succeeded"}
    assert stored == {"00123": "a tonic", "1E5": "lily elixir", "2026-03-01": "日本 lily"}
    assert {row["id"]: row["state"] for row in poppies.rows()}["boat"] == "failed"


def test_the_same_command_again_buys_what_is_left(poppies: Bench) -> None:
    """A cap stopped it: the edit is saved, and the job waits. The same command buys it, and then nothing more."""
    rows = refused_rows(poppies)
    for row in rows:
        row["prompt"] = row["prompt"].replace("poppy", "lily")
    path = save_german(poppies, rows)
    before = poppies.emulator.ledger()["purchases"]
    poppies.cli("retry", "batch", "--edits", path, "--max-clips", "1")
    assert poppies.emulator.ledger()["purchases"] - before == 1
    assert "to buy: 3 clips" in poppies.cli("retry", "batch", "--edits", path, "--dry-run").out
    assert poppies.cli("retry", "batch", "--edits", path).code == 0
    assert poppies.emulator.ledger()["purchases"] - before == 4
    again = poppies.cli("retry", "batch", "--edits", path)
    assert (again.code, "nothing differs from the request" in again.err) == (2, True)
    assert poppies.emulator.ledger()["purchases"] - before == 4


def test_one_row_for_all_formats(bench: Bench) -> None:
    """The preview names the clips that an edit reaches, and the run buys those."""
    clip = "id: mug, prompt: a poppy mug, model: veo3-fast, duration_s: 4, matrix: {aspect_ratio: [16:9, 9:16]}"
    bench.write(f"  - {{{clip}}}")
    bench.emulator.set_faults(POPPY)
    assert bench.run().code == 1
    rows = refused_rows(bench)
    rows[0] |= {"prompt": "a lily mug", "apply_to": "entry"}
    path = bench.folder / "edited.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows[:1])
    preview = bench.cli("retry", "batch", "--edits", str(path), "--dry-run")
    assert f"{rows[0]['id']}: edited prompt, also for {rows[1]['id']}" in preview.out + preview.err
    assert "to buy: 2 clips" in preview.out
    assert bench.cli("retry", "batch", "--edits", str(path)).code == 0
    assert {row["prompt"] for row in bench.rows()} == {"a lily mug"}


def test_a_report_during_a_run_has_the_refused_prompts(poppies: Bench) -> None:
    """Another process holds the state file: the reports are written all the same."""
    for name in ("report.csv", "edit-these.csv"):
        (poppies.batch / name).unlink()
    with StateFile(poppies.batch / "state.sqlite3"):
        assert poppies.cli("report", "batch").code == 0
    assert [row["id"] for row in refused_rows(poppies)] == ["1E5", "2026-03-01", "3-4", "TRUE"]
    assert len(poppies.rows()) == 5


def test_a_workbook_on_request(bench: Bench) -> None:
    """`report --xlsx` names the file; its rows are those of report.csv."""
    bench.write("  - {id: 00123, prompt: a kite, model: veo3-fast, duration_s: 4}")
    assert bench.run().code == 0
    assert not (bench.batch / "report.xlsx").exists()
    assert "report.xlsx" in bench.cli("report", "batch", "--xlsx").out
    rows = openpyxl.load_workbook(bench.batch / "report.xlsx")["report"].iter_rows(values_only=True)
    header, row = rows
    assert dict(zip(header, row, strict=True))["id"] == bench.rows()[0]["id"]
