"""`report.xlsx`: the rows of the CSV files, in which a text stays a text."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from batchvid.domain.attempts import build_attempts
from batchvid.domain.jobs import JobState
from batchvid.errors import UsageError
from batchvid.report.workbook import write_workbook
from tests.builders import job_in, spec, started

TEXTS = ("1E5", "=1+1", "2026-03-01", "#N/A", "TRUE", "00123", "a\x0bb")


def test_every_text_stays_a_text(tmp_path: Path) -> None:
    """Ids that look like numbers or formulas are exact; numbers are numbers; uncertain jobs come first."""
    jobs = [job_in(JobState.PENDING, f"kite-{n}", prompt=text) for n, text in enumerate(TEXTS)]
    write_workbook(tmp_path / "report.xlsx", [*jobs, job_in(JobState.UNCERTAIN, "boat")], [])
    assert [path.name for path in tmp_path.iterdir()] == ["report.xlsx"]
    sheet = openpyxl.load_workbook(tmp_path / "report.xlsx")["report"]
    header, first, *rows = sheet.iter_rows()
    names = [cell.value for cell in header]
    prompts = [row[names.index("prompt")] for row in rows]
    assert first[0].value == "boat"
    assert [cell.value for cell in prompts] == [*TEXTS[:-1], "a\ufffdb"]
    assert {cell.data_type for cell in prompts} == {"s"}
    assert {row[names.index("take")].data_type for row in rows} == {"n"}


def test_attempts_are_a_sheet_of_their_own(tmp_path: Path) -> None:
    """With the columns of ledger.csv."""
    attempts = list(build_attempts(spec(), [started()]))
    write_workbook(tmp_path / "report.xlsx", [], attempts)
    header, row = openpyxl.load_workbook(tmp_path / "report.xlsx")["ledger"].iter_rows(values_only=True)
    found = dict(zip(header, row, strict=True))
    assert (found["job"], found["attempt"], Decimal(found["reserved_usd"])) == ("kite", 1, Decimal("0.10"))


def test_without_the_library_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UsageError, match=r"pip install 'batchvid\[xlsx\]'"):
        write_workbook(tmp_path / "report.xlsx", [], [])
