"""What earlier runs committed is read back from the state file, with as little of the event log as possible."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from batchvid.domain import events as ev
from batchvid.domain.attempts import build_attempts
from batchvid.domain.failures import FailureKind
from batchvid.runner.budget.budget import Charge
from batchvid.runner.spending_history import earlier_charges
from batchvid.state.readers import read_jobs
from tests.builders import ACCEPTED, SUCCEEDED, at, life, planned, spec, started, state_file


def test_earlier_runs_are_read_back(tmp_path: Path) -> None:
    """Every attempt that may be paid for, at the provider that made it; released and never sent ones do not count."""
    refused = ev.SubmitRefused(at=at(3), kind=FailureKind.RATE, message="", retry_at=at(60))
    failed = ev.TaskFailed(at=at(90), kind=FailureKind.UNAVAILABLE, message="", retry_at=at(99))
    again = started(at=at(100), provider="office", duration_s=4.0)

    def moved(job_id: str) -> ev.Planned:
        return replace(planned(spec(job_id, provider="office")), at=at(95))

    lives = [
        life(planned(spec("boat")), started(provider="cometapi")),
        life(planned(spec("kite")), started(), refused),
        life(planned(spec("moon"))),
        life(
            planned(spec("lamp")),
            started(provider="cometapi"),
            ACCEPTED,
            failed,
            started(),
            refused,
            moved("lamp"),
            again,
        ),
        life(planned(spec("star")), started(provider="cometapi"), ACCEPTED, failed, moved("star")),
    ]
    path = state_file(tmp_path / "state.sqlite3", *lives)
    charges = list(earlier_charges(path, read_jobs(path)))
    assert [(one.provider, one.at, one.seconds) for one in charges] == [
        ("cometapi", at(1), 8.0), ("cometapi", at(1), 8.0), ("office", at(100), 4.0), ("cometapi", at(1), 8.0),
    ]  # fmt: skip
    assert all(one.usd == Decimal("0.10") for one in charges)


def test_a_job_sent_once_needs_no_log(tmp_path: Path) -> None:
    """What such a job says by itself is the row that the log gives; only the others are looked up."""
    path = state_file(tmp_path / "state.sqlite3", life(planned(), started(provider="cometapi"), ACCEPTED, SUCCEEDED))
    (job,) = read_jobs(path)
    (row,) = build_attempts(job.spec, [started(provider="cometapi"), ACCEPTED, SUCCEEDED])
    assert list(earlier_charges(path, [job])) == [Charge.from_attempt(row)]
