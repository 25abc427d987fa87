"""The CSV report: every job one row, safe to open in a spreadsheet, written whole or not at all."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.domain import events as ev
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.job_spec import UNPRICED, RowPlace
from batchvid.domain.jobs import Job, JobState, advance
from batchvid.report import report_text, write_report
from tests.builders import SECRET, at, clip_request, job_in, life, planned, started

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.just("\r"), max_size=20)

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\n")
"""What spreadsheets take for the start of a formula, by OWASP on CSV injection. A carriage return is not kept."""


def rows(*jobs: Job) -> list[dict[str, str]]:
    """The report as a spreadsheet reads it."""
    return list(csv.DictReader(io.StringIO(report_text(jobs), newline="")))


def test_the_columns_stand_in_order() -> None:
    """The columns are those that are promised, and the manifest's variables follow the row."""
    job = job_in(JobState.PENDING, variables={"sku": "K-1", "mood": "calm"})
    plain, header = (next(csv.reader(io.StringIO(report_text(jobs)))) for jobs in ([], [job]))
    behind = plain.index("line") + 1
    assert header == [*plain[:behind], "var.sku", "var.mood", *plain[behind:]]
    assert header[0] == "id"


def test_a_stored_clip_is_told_in_full() -> None:
    """What was asked, what came, when, for how much, and where it lies."""
    (row,) = rows(job_in(JobState.SUCCEEDED, duration_s=8.0, tags=("hero", "wide"), take=2, variables={"sku": "K-1"}))
    told = {
        "id": "kite",
        "entry": "kite",
        "take": "2",
        "tags": "hero wide",
        "file": "",
        "sheet": "",
        "row": "",
        "line": "",
        "var.sku": "K-1",
        "provider": "cometapi",
        "model": "veo3-fast",
        "model_asked": "",
        "model_returned": "veo3-fast-0320",
        "prompt": "a paper kite",
        "parent": "",
        "state": "succeeded",
        "rehearsal": "",
        "failure_kind": "",
        "message": "",
        "charged": "",
        "attempts": "1",
        "task_id": "t-1",
        "asked_s": "8",
        "clip_s": "8",
        "width": "1280",
        "height": "720",
        "differs": "",
        "price_usd": "0.10",
        "price_basis": "estimate: a list",
        "committed_usd": "0.10",
        "actual_usd": "",
        "actual_units": "",
        "planned_at": "2026-03-01T20:00:00.000Z",
        "submitted_at": "2026-03-01T20:00:01.000Z",
        "accepted_at": "2026-03-01T20:00:02.000Z",
        "finished_at": "2026-03-01T20:01:30.000Z",
        "stored_at": "2026-03-01T20:01:35.000Z",
        "path": "clips/kite.mp4",
        "more_paths": "",
        "bytes": "1000",
        "sha256": "ab" * 32,
    }
    assert row == told


@pytest.mark.parametrize(
    ("vendor", "told"),
    [
        ({"credits": "60"}, "60 credits"),
        ({"final_unit_deduction": "2", "video_id": "v-1"}, "2 units"),
        ({"total_tokens": "108900"}, "108900 tokens"),
    ],
)
def test_what_a_vendor_counts_in_is_told_as_it_says_it(vendor: dict[str, str], told: str) -> None:
    """Runway's credits, Kling's units and Seedance's tokens are no dollars: nobody knows their rate here."""
    (row,) = rows(replace(job_in(JobState.SUCCEEDED), vendor_metadata=vendor))
    assert (row["actual_usd"], row["actual_units"]) == ("", told)


def test_a_failure_is_told_with_its_cause() -> None:
    """Kind, message and whether it was charged stand in the row of a failed job only."""
    (failed,) = rows(job_in(JobState.FAILED))
    assert (failed["failure_kind"], failed["message"], failed["charged"]) == (
        "moderation_output",
        "withheld",
        "unknown",
    )
    waiting = life(
        planned(),
        started(),
        ev.SubmitRefused(at=at(2), kind=FailureKind.RATE, message="slow down", retry_at=at(60)),
    )[-1].job
    (row,) = rows(waiting)
    assert (row["state"], row["failure_kind"], row["charged"]) == ("pending", "", "")


def test_a_pending_job_has_no_price_yet() -> None:
    """What was never submitted cost nothing and has no price of an attempt."""
    (row,) = rows(job_in(JobState.PENDING))
    assert (row["price_usd"], row["price_basis"], row["committed_usd"]) == ("", "", "0")


def test_an_unknown_price_is_never_nothing() -> None:
    """An attempt without a known price says so, in its price and in the sum."""
    job = life(planned(), started(price=UNPRICED))[-1].job
    (row,) = rows(job)
    assert (row["price_usd"], row["price_basis"]) == ("unknown", "unknown")
    assert row["committed_usd"] == "0 + 1 x unknown"
    job = advance(job, ev.SubmitLost(at=at(2), message="reset"))
    job = advance(advance(job, ev.Reopened(at=at(3), reason="abandon")), started())
    assert rows(job)[0]["committed_usd"] == "0.10 + 1 x unknown"


def test_money_is_written_out() -> None:
    """A sum is a plain number, however small or large: no spreadsheet reads 1E-7."""
    job = replace(job_in(JobState.RUNNING), committed_usd=Decimal("1E-7"))
    assert rows(job)[0]["committed_usd"] == "0.0000001"
    assert rows(replace(job, committed_usd=Decimal("1E+3")))[0]["committed_usd"] == "1000"


@pytest.mark.parametrize("start", FORMULA_STARTS, ids=repr)
@pytest.mark.parametrize(
    "field", ["prompt", "id", "message", "variable", "name of a variable", "tag", "model_returned"]
)
def test_no_cell_is_taken_for_a_formula(start: str, field: str) -> None:
    """Whatever the sheet or the vendor wrote, a cell that begins like a formula is text."""
    hostile = f"{start}HYPERLINK(1)"
    of_spec: dict[str, dict[str, Any]] = {
        "prompt": {"request": clip_request(prompt=hostile)},
        "id": {"id": hostile},
        "tag": {"tags": (hostile,)},
        "variable": {"variables": {"sku": hostile}},
        "name of a variable": {"variables": {hostile: "x"}},
    }
    of_job: dict[str, dict[str, Any]] = {"message": {"message": hostile}, "model_returned": {"model_returned": hostile}}
    job = job_in(JobState.FAILED)
    job = replace(job, spec=replace(job.spec, **of_spec.get(field, {})), **of_job.get(field, {}))
    text = report_text([job])
    assert f"'{hostile}" in text or f"var.{hostile}" in text
    for row in csv.reader(io.StringIO(text, newline="")):
        assert not [cell for cell in row if cell.startswith(FORMULA_STARTS)]


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=4))
def test_any_text_comes_back(texts: list[tuple[str, str, str]]) -> None:
    """Quotes, commas, line breaks and every script survive the file; only a dangerous start gains a quote."""
    jobs = [
        replace(job_in(JobState.FAILED, f"job-{number}", prompt=prompt, variables={"name": variable}), message=message)
        for number, (prompt, variable, message) in enumerate(texts)
    ]
    found = [(row["prompt"], row["var.name"], row["message"]) for row in rows(*jobs)]
    plain = [[cell.replace("\r\n", "\n").replace("\r", "\n") for cell in cells] for cells in texts]
    assert found == [tuple(f"'{c}" if c.startswith(FORMULA_STARTS) else c for c in cells) for cells in plain]


@pytest.mark.parametrize(
    ("message", "cell"),
    [("a\rb", "a\nb"), ("a\r\nb", "a\nb"), ("\r", "'\n"), ("\r=SUM(A1)", "'\n=SUM(A1)"), ("a\n\rb", "a\n\nb")],
)
def test_a_carriage_return_becomes_a_line_feed(message: str, cell: str) -> None:
    """Left bare, some readers of CSV would end the row at it."""
    job = replace(job_in(JobState.FAILED), message=message)
    assert "\r" not in report_text([job])
    assert [row["message"] for row in rows(job)] == [cell]


def test_half_a_character_does_not_cost_the_report(tmp_path: Path) -> None:
    """A lone surrogate in a vendor's message cannot be written as UTF-8: it is replaced, all else stands."""
    write_report(tmp_path / "report.csv", [replace(job_in(JobState.FAILED), message="\ud83d oops")])
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]
    (row,) = csv.DictReader(io.StringIO((tmp_path / "report.csv").read_text("utf-8-sig"), newline=""))
    assert (row["id"], row["message"]) == ("kite", "? oops")


def test_variables_of_different_entries_share_the_table() -> None:
    """A job without a variable has an empty cell under it."""
    found = rows(
        job_in(JobState.PENDING, "a", variables={"sku": "1"}), job_in(JobState.PENDING, "b", variables={"mood": "calm"})
    )
    assert [(row["var.sku"], row["var.mood"]) for row in found] == [("1", ""), ("", "calm")]


def test_a_row_of_a_table_is_found_again(tmp_path: Path) -> None:
    """File, sheet, number and line of the row, and its cells under the text of their headers; the file is for Excel."""
    row = RowPlace("plan.xlsx", 3, 7, "Clips")
    job = job_in(JobState.PENDING, row=row, variables={"Product name": "Größe 42", "sku (old)": ""})
    inline = job_in(JobState.PENDING, "boat", row=RowPlace("rows.json", 1, 0))
    write_report(tmp_path / "report.csv", [job, inline])
    raw = (tmp_path / "report.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfid,")
    first, second = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
    places = [[one[name] for name in ("file", "sheet", "row", "line")] for one in (first, second)]
    assert places == [["plan.xlsx", "Clips", "3", "7"], ["rows.json", "", "1", ""]]
    assert (first["var.Product name"], first["var.sku (old)"]) == ("Größe 42", "")


def test_an_empty_batch_is_a_header() -> None:
    """A report of nothing is still a table."""
    (header,) = csv.reader(io.StringIO(report_text([]), newline=""))
    assert {"id", "state", "failure_kind", "message", "charged", "task_id", "path"} <= set(header)
    assert len(header) == len(set(header))


def test_the_report_is_written_whole(tmp_path: Path) -> None:
    """A new report takes the place of the old in one step, and nothing is left beside it."""
    path = tmp_path / "spring" / "report.csv"
    write_report(path, [job_in(JobState.PENDING)])
    write_report(path, iter([job_in(JobState.SUCCEEDED), job_in(JobState.FAILED, "boat", prompt='夕阳, "sea"\n')]))
    assert [file.name for file in path.parent.iterdir()] == ["report.csv"]
    found = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    assert [(row["id"], row["state"]) for row in found] == [("kite", "succeeded"), ("boat", "failed")]
    assert found[1]["prompt"] == '夕阳, "sea"\n'


def test_a_report_that_cannot_be_made_leaves_the_old_one(tmp_path: Path) -> None:
    """If a job cannot be told, the file of the last run stays as it was."""
    path = tmp_path / "report.csv"
    write_report(path, [job_in(JobState.PENDING)])
    before = path.read_bytes()
    with pytest.raises(AttributeError):
        write_report(path, [job_in(JobState.PENDING), None])  # type: ignore[list-item]
    assert before == path.read_bytes()


def test_a_report_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    """Somebody made a folder of that name: an OSError, and no half of a report beside it."""
    path = tmp_path / "report.csv"
    path.mkdir()
    with pytest.raises(OSError, match=r"report\.csv"):
        write_report(path, [job_in(JobState.PENDING)])
    assert [file.name for file in tmp_path.iterdir()] == ["report.csv"]


def test_two_may_write_it(tmp_path: Path) -> None:
    """What another process is writing at the time is neither used nor touched."""
    (tmp_path / "report.csv.part").write_text("half", "utf-8")
    (tmp_path / ".report.csv.1.part").write_text("half", "utf-8")
    write_report(tmp_path / "report.csv", [job_in(JobState.PENDING)])
    left = {file.name: file.read_text("utf-8") for file in tmp_path.iterdir() if file.suffix == ".part"}
    assert left == {"report.csv.part": "half", ".report.csv.1.part": "half"}


def test_a_signed_link_of_a_spreadsheet_is_cut(tmp_path: Path) -> None:
    """A column of the user's with the address of a picture: the report names it without its signature."""
    link = f"https://cdn.example/p.png?Signature={SECRET}"
    (row,) = rows(job_in(JobState.PENDING, variables={"picture": link, "name": "Is it? Yes"}))
    assert (row["var.picture"], row["var.name"]) == ("https://cdn.example/p.png?...", "Is it? Yes")


def test_no_signed_link_stands_in_the_report() -> None:
    """A ready job's links are worth money; the report goes to colleagues."""
    assert SECRET not in report_text([job_in(state, f"kite-{state}") for state in JobState])


@pytest.mark.parametrize("charged", Charged)
def test_whether_it_was_charged_is_told_in_the_vendors_word(charged: Charged) -> None:
    """Yes, no and unknown are three different things on an invoice."""
    failed = ev.TaskFailed(at=at(9), kind=FailureKind.UNAVAILABLE, message="", charged=charged)
    job = advance(job_in(JobState.RUNNING), failed)
    assert rows(job)[0]["charged"] == charged.value
