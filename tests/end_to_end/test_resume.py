"""Killed and run again: no task bought twice, no clip missing. (Killed at every event: tests/faults/test_kills.py.)"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from batchvid.emulator import Settings
from tests.end_to_end.conftest import KEY, Bench


class TestRandomKills:
    """Kills that nobody chose."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(life="seconds:0.02-0.1", render="shared", api_key=KEY)

    def test_killed_at_random_moments_buys_each_clip_once(self, bench: Bench) -> None:
        """A run killed again and again at any instruction ends with every clip stored and bought exactly once."""
        jobs = 40
        bench.write(f"  - {{id: k, prompt: 'kite {{{{ n }}}}', matrix: {{n: {list(range(jobs))}}}}}", timeout_s=1)
        moments = random.Random(7)
        for _ in range(6):
            process = bench.start("run", str(bench.manifest))
            try:
                process.communicate(timeout=0.5 + moments.random() * 0.4)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            assert bench.emulator.ledger()["purchases"] <= jobs
        if bench.run().code == 5:
            bench.settle_uncertain()
            assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == jobs
        assert {row["state"] for row in bench.rows()} == {"succeeded"}
        assert len(list(bench.batch.glob("clips/**/*.mp4"))) == jobs


def test_a_lost_reply_is_uncertain_and_bound_by_resolve(bench: Bench) -> None:
    """A submit whose reply is lost is never sent again; bound to the task the ledger names, its clip comes home."""
    bench.write("  - {id: veo, prompt: a kite}")
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"reset_after": True}})
    assert bench.run().code == 5
    assert bench.run().code == 5
    assert bench.emulator.ledger()["purchases"] == 1
    assert bench.status()["uncertain"][0]["job"] == "veo"
    bench.emulator.set_faults()
    bench.settle_uncertain()
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 1
    assert [row["attempts"] for row in bench.rows()] == ["1"]


def test_resolve_refuses_a_task_that_is_another_jobs(bench: Bench) -> None:
    """Binding the same task to two jobs would hide a missing clip: refused."""
    bench.write("  - {id: good, prompt: a kite}\n  - {id: lost, prompt: a boat}")
    bench.emulator.set_faults({"match": {"step": "submit", "prompt": "boat"}, "do": {"reset_after": True}})
    assert bench.run().code == 5
    taken = next(row["task_id"] for row in bench.rows() if row["id"] == "good")
    refused = bench.cli("resolve", "lost", "--task-id", taken, "--batch", "batch")
    assert refused.code == 2
    assert "good" in refused.err
    assert bench.cli("resolve", "good", "--abandon", "--batch", "batch").code == 2


def test_the_manifest_may_change_or_break_while_a_task_is_out(bench: Bench) -> None:
    """What is paid for is collected from the state file alone, even when the manifest cannot be read any more."""
    bench.write("  - {id: veo, prompt: a kite}")
    bench.emulator.set_faults({"match": {"step": "poll"}, "do": {"unavailable": True}})
    process = bench.start("2", str(bench.manifest), module="tests.end_to_end.kill_after_events")
    process.communicate(timeout=60)
    bench.emulator.set_faults()
    bench.manifest.write_text("clips: [broken", "utf-8")
    assert bench.run().code == 2
    assert bench.cli("run", "batch", "--collect-only").code == 0
    assert [row["state"] for row in bench.rows()] == ["succeeded"]
    assert bench.emulator.ledger()["purchases"] == 1


def test_a_clip_stored_just_before_the_kill_is_not_fetched_again(bench: Bench) -> None:
    """Between the rename and the line in the state file nothing is lost: the clip is recognised where it stands."""
    bench.write("  - {id: veo, prompt: a kite}")
    process = bench.start("3", str(bench.manifest), module="tests.end_to_end.kill_after_events")
    process.communicate(timeout=60)
    assert bench.run().code == 0
    clip = next(Path(bench.batch).glob("clips/**/*.mp4"))
    before = clip.stat().st_mtime_ns
    assert bench.run().code == 0
    assert clip.stat().st_mtime_ns == before
