"""Ark from the plan to the clip: prices by tokens, the list after a lost submit, and what may be cancelled."""

from __future__ import annotations

import json
from decimal import Decimal
from urllib.request import Request, urlopen

import pytest

from batchvid.emulator import Settings
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import KEY, Bench
from tests.end_to_end.interrupted import leave_running

BOAT = "{id: boat, prompt: a boat, model: seedance-1-5-pro-251215, duration_s: 4, resolution: 480p}"
TOKENS = 854 * 480 * (24 * 4 + 1) // 1024


@pytest.fixture
def settings() -> Settings:
    return Settings(life="polls:1", render="shared", api_key=KEY)


def write(bench: Bench, *clips: str, **limits: object) -> None:
    """A manifest for the built-in provider, at the emulator's address."""
    row = {"base_url": f"{bench.emulator.base_url}/ark", "api_key_env": "TEST_KEY", "poll_every_s": 0.02}
    quick = {"submits_per_min": 60000, "polls_per_s": 1000, "send_key_to_own_links": False}
    provider = json.dumps({**row, **quick, **limits})
    lines = "\n".join(f"  - {clip}" for clip in clips)
    bench.manifest.write_text(
        f"batch: batch\nproviders: {{byteplus: {provider}}}\ndefaults: {{provider: byteplus}}\nclips:\n{lines}\n"
    )


def look(bench: Bench, path: str) -> None:
    """Another poll of the task."""
    with urlopen(Request(bench.emulator.base_url + path, headers={"Authorization": f"Bearer {KEY}"})) as reply:
        assert json.load(reply)["status"] == "queued"


def test_a_price_by_tokens(bench: Bench) -> None:
    """The plan states the most that a clip costs, with its sound; the bill has the tokens that the reply names."""
    write(bench, BOAT, BOAT.replace("boat", "silent").replace("}", ", sound: false}"))
    assert bench.run().code == 0
    loud, silent = read_jobs(bench.batch / "state.sqlite3")
    assert Decimal(loud.actual_usd) == (Decimal("2.4") * TOKENS / 10**6).quantize(Decimal("0.000001"), "ROUND_CEILING")
    assert loud.price.usd is not None
    assert silent.price.usd is not None
    assert Decimal(loud.actual_usd) < loud.price.usd == 2 * silent.price.usd
    assert loud.price.usd < Decimal(loud.actual_usd) * Decimal("1.05")
    assert Decimal(silent.actual_usd) < silent.price.usd


def test_a_source_video_has_no_known_price(bench: Bench) -> None:
    """Its tokens count, too: under a budget the job is passed over, and nothing is bought."""
    clip = "{id: move, prompt: as in video 1, model: dreamina-seedance-2-0-260128, video: 'https://a.example/x.mp4'}"
    write(bench, clip)
    assert bench.run("--set", "budget.usd=5").code == 3
    assert bench.emulator.ledger()["purchases"] == 0


def test_a_lost_submit_shows_what_it_may_be(bench: Bench) -> None:
    """The list has no prompts: the task is shown to a person, and nothing is bought again."""
    write(bench, BOAT)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": "reset_after"})
    assert bench.run().code == 5
    (task,) = bench.emulator.ledger()["tasks"]
    (held,) = bench.status()["uncertain"]
    assert "among its newest 500 tasks of seven days" in held["looked_up"]
    assert held["candidates"].startswith(task["task_id"])
    assert bench.cli("resolve", "boat", "--task-id", task["task_id"], "--batch", str(bench.manifest)).code == 0
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 1


class TestCancel:
    """Only a task that waits."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(life="polls:3", render="shared", api_key=KEY)

    @pytest.mark.parametrize("polls", [0, 1])
    def test_cancel(self, bench: Bench, polls: int) -> None:
        """A queued task is cancelled; one that has begun is left alone, and the next run collects it."""
        write(bench, BOAT)
        leave_running(bench)
        (task,) = bench.emulator.ledger()["tasks"]
        for _ in range(polls):
            look(bench, f"/ark/api/v3/contents/generations/tasks/{task['task_id']}")
        ended = bench.cli("cancel", "batch")
        (after,) = bench.emulator.ledger()["tasks"]
        if polls:
            assert "did not cancel it (running)" in ended.out
            assert after["status"] == "running"
        else:
            assert f"task {task['task_id']} was cancelled at byteplus" in ended.out
            assert after["status"] == "cancelled"
