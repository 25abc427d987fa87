"""The sentence at the end of a run: what is paid for is fetched, not bought; what only time heals is run later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from batchvid.clock import utc_now
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job, JobState, advance
from batchvid.paths import quoted
from batchvid.runner.outcome import build_outcome
from tests.builders import at, job_in
from tests.runner.downloads.downloader_harness import open_harness

RULES = "(refused by a content filter: only if changed; cancelled: only with --kind cancelled)"


def given_up(job_id: str) -> Job:
    """Its task may still finish: it is paid for."""
    event = ev.GaveUp(at=at(9000), kind=FailureKind.TIMEOUT, message="no verdict within 3600 s")
    return advance(job_in(JobState.RUNNING, job_id), event)


@pytest.mark.parametrize(
    ("paid", "others", "reason"),
    [
        (7, 0, "some jobs failed: 7 clips are paid for: batchvid retry fetches them first"),
        (1, 0, "some jobs failed: 1 clip is paid for: batchvid retry fetches it first"),
        (
            2,
            3,
            "some jobs failed: 2 clips are paid for: batchvid retry fetches them first, "
            f"and buys the others again {RULES}",
        ),
        (0, 2, f"some jobs failed: batchvid retry buys them again {RULES}"),
    ],
)
async def test_what_is_paid_for_is_fetched_first(tmp_path: Path, paid: int, others: int, reason: str) -> None:
    """`retry` polls such a task again; only the others are bought again."""
    jobs = [given_up(f"late-{n}") for n in range(paid)] + [job_in(JobState.FAILED, f"bad-{n}") for n in range(others)]
    async with open_harness(tmp_path, *jobs) as at_work:
        outcome = build_outcome(at_work.context, frozenset(job.id for job in jobs), interrupted=False)
    assert (outcome.exit_code, outcome.reason) == (1, reason)


@pytest.mark.parametrize(("waits", "advice"), [(True, "run again after that"), (False, "fix that and run again")])
async def test_a_stop_that_time_ends_needs_no_repair(tmp_path: Path, waits: bool, advice: str) -> None:
    """A quota is waited out; anything else is fixed first."""
    async with open_harness(tmp_path, job_in(JobState.PENDING)) as at_work:
        resume_at = utc_now() + timedelta(hours=5) if waits else None
        at_work.context.provider_states["cometapi"].stop("no", resume_at=resume_at)
        outcome = build_outcome(at_work.context, frozenset({"kite"}), interrupted=False)
    assert (outcome.exit_code, outcome.reason) == (6, f"cometapi was stopped: no. Its jobs stay pending: {advice}")


async def test_a_stop_beside_uncertain_jobs_is_named_too(tmp_path: Path) -> None:
    """Exit 5 comes first; the reason has both."""
    lost = replace(job_in(JobState.UNCERTAIN), submitted_at=utc_now())
    async with open_harness(tmp_path, lost) as at_work:
        at_work.context.provider_states["cometapi"].stop("a web page")
        outcome = build_outcome(at_work.context, frozenset({"kite"}), interrupted=False)
    assert outcome.exit_code == 5
    assert outcome.reason.endswith(
        f": batchvid resolve --batch {quoted(at_work.context.recorder.folder)}; cometapi was stopped: a web page"
    )
