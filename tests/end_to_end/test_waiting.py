"""What only time heals is waited for: minutes within the run, a quota of a day by the next run.

The first three tests replay public reports, named with their source.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest

from batchvid import commands
from batchvid.commands import Batch
from tests.end_to_end.conftest import Bench

TAKES = "  - {id: kite, prompt: a kite, takes: 6}"
SIXTEEN_HOURS = 57_600


def quota(retry_after_s: float, status: int = 429) -> dict[str, object]:
    """A refusal that names its wait."""
    words = {"error": {"message": "daily limit reached", "code": "rate_limit_exceeded"}}
    return {"status": status, "json": words, "headers": {"Retry-After": str(retry_after_s)}}


def hasty(bench: Bench, **changes: object) -> Batch:
    """The batch, with short first waits and these settings of its provider."""
    batch = commands.load(bench.manifest, out=bench.folder / "outputs")
    quick = {"wait_initial_s": 2e-3, **changes}
    return replace(batch, providers={name: replace(row, **quick) for name, row in batch.providers.items()})  # type: ignore[arg-type]


def test_a_quota_of_hours_stops_the_provider_until_then(bench: Bench) -> None:
    """A `retry-after` of sixteen hours put a client to sleep for a night (dhkts1/teamclaude-rs pull request 313).

    Here: exit 6 with the time, every job pending, one call. The next run calls nobody before that time; --try-now does.
    """
    bench.write(TAKES, concurrency=1)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": quota(SIXTEEN_HOURS)})
    ended = bench.run()
    assert ended.code == 6
    assert "HTTP 429: rate_limit_exceeded: daily limit reached; not before 20" in ended.err
    assert ended.err.count(" UTC. Its jobs stay pending: run again after that") == 1
    assert bench.status()["states"]["pending"] == 6
    bench.emulator.set_faults()
    ended = bench.run()
    assert (ended.code, bench.emulator.ledger()["submits"]) == (6, 1)
    assert "cometapi is stopped: it requested no submits before 20" in ended.out
    assert bench.run("--try-now").code == 0
    assert bench.emulator.ledger()["purchases"] == 6


def test_a_status_page_of_the_balancer_loses_no_task(bench: Bench) -> None:
    """HTML 502 pages of the status route made a client give up finished tasks (valyuAI/valyu-py request 126)."""
    bench.write(TAKES)
    page = {"status": 502, "html": True}
    bench.emulator.set_faults({"match": {"step": "poll", "nth": list(range(1, 7))}, "do": page})
    ended = bench.run()
    assert ended.code == 0
    assert ended.out.count("cometapi does not answer polls") == 1
    assert f"GET {bench.emulator.base_url}/v1/videos/" in ended.out
    assert "HTTP 502" in ended.out
    assert bench.emulator.ledger()["purchases"] == 6


@pytest.mark.parametrize("reply", [{"html": True}, {"status": 200, "body": "[]"}, {"empty": True}])
def test_unreadable_polls_give_no_job_up(bench: Bench, reply: dict[str, object]) -> None:
    """A captive portal under 200: six in a row say nothing of a task that is paid for."""
    bench.write("  - {id: kite, prompt: a kite}")
    bench.emulator.set_faults({"match": {"step": "poll", "nth": list(range(1, 7))}, "do": reply})
    assert commands.run(hasty(bench)).exit_code == 0
    assert bench.emulator.ledger()["purchases"] == 1


def test_lost_submits_are_sent_again_with_growing_gaps(bench: Bench) -> None:
    """`on_lost_submit: resubmit` sends four calls at most, and not within ten milliseconds."""
    bench.write("  - {id: kite, prompt: a kite}", on_lost_submit="resubmit")
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"reset_before": True}})
    batch = hasty(bench, wait_initial_s=0.01)
    assert commands.run(batch).exit_code == 5
    with closing(sqlite3.connect(bench.batch / "state.sqlite3")) as state:
        rows = state.execute("SELECT at FROM events WHERE event = 'SubmitStarted' ORDER BY seq").fetchall()
    sent = [datetime.fromisoformat(at) for (at,) in rows]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(sent)]
    assert len(sent) == 4
    assert gaps[0] > 0.01
    assert gaps[0] < gaps[1] < gaps[2]
