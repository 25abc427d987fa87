"""`batchvid cancel`: what it stops, what it leaves alone, and what can be had back."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

import pytest

from batchvid.domain.attempts import AttemptStatus
from batchvid.domain.jobs import JobState
from batchvid.emulator import Settings
from batchvid.state.readers import read_attempts
from batchvid.state.state_file import StateFile
from tests.builders import state_file, steps
from tests.end_to_end.conftest import KEY, PICTURES, Bench
from tests.end_to_end.interrupted import leave_running

BOAT = "  - {id: boat, prompt: a boat, model: openai-videos/sora-x, resolution: 1280x720}"
CRANE = f"  - {{id: crane, prompt: a crane, model: gen3a_turbo, duration_s: 5, image: '{PICTURES / 'harbour.jpg'}'}}"
STUCK = {"match": {"step": "submit"}, "do": {"outcome": "stuck"}}


class Running:
    """Batches that an interrupted run has left with their tasks under way."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(life="polls:1", render="shared", api_key=KEY, cancel="running", runway_hidden_polls=0)

    def leave(self, bench: Bench, clips: str, **limits: Any) -> None:
        """Run until the first task is on record, and no further."""
        bench.write(clips, **limits)
        leave_running(bench)


class TestWhatWaits:
    """It was never bought."""

    def test_it_is_not_bought_until_retry_says_so(self, bench: Bench) -> None:
        """Cancelled at once; neither a later run nor a plain retry buys it, retry --kind cancelled does."""
        bench.write("  - {id: kite, prompt: a kite, takes: 3}", top="budget: {clips: 1}")
        assert bench.run().code == 3
        ended = bench.cli("cancel", "batch")
        assert (ended.code, "2 pending jobs were cancelled" in ended.out) == (0, True)
        assert [row["failure_kind"] for row in bench.rows()] == ["", "cancelled", "cancelled"]
        assert bench.run("--set", "budget.clips=5").code == 1
        plain = bench.cli("retry", "batch", "--set", "budget.clips=5")
        assert (plain.code, "2 that were cancelled are not bought" in plain.out) == (1, True)
        assert bench.emulator.ledger()["purchases"] == 1
        assert bench.cli("retry", "batch", "--kind", "cancelled").code == 0
        assert bench.emulator.ledger()["purchases"] == 3

    def test_only_those_that_are_meant(self, bench: Bench) -> None:
        """By name, by pattern and by tag; one that fits nothing is a slip: exit 2, and nothing is changed."""
        clips = "\n".join(f"  - {{id: k{n}, prompt: a kite, tags: [t{n}]}}" for n in range(4))
        bench.write(clips, top="budget: {usd: 0.01}")
        assert bench.run().code == 3
        for slip in (["k9"], ["k0", "--only", "z*"], ["--only", "tag:none"]):
            assert bench.cli("cancel", "batch", *slip).code == 2
        assert bench.status()["states"]["failed"] == 0
        assert bench.cli("cancel", "batch", "k0", "--only", "K1", "--only", "tag:t2").code == 0
        assert [row["state"] for row in bench.rows()] == ["failed", "failed", "failed", "pending"]


class TestWhatRuns(Running):
    """Its task is at the vendor."""

    @pytest.mark.parametrize("clip", [BOAT, CRANE], ids=["openai-videos", "runway"])
    def test_it_is_cancelled_where_that_is_served(self, bench: Bench, clip: str) -> None:
        """The vendor's task is gone, its slot free, the job cancelled; retry --kind cancelled buys another."""
        bench.emulator.set_faults(STUCK)
        self.leave(bench, clip, cancel="running")
        ended = bench.cli("cancel", "batch")
        assert "was cancelled at cometapi; whether it is billed depends on its terms" in ended.out
        ledger = bench.emulator.ledger()
        assert (ledger["in_flight_now"], [task["status"] for task in ledger["tasks"]]) == (0, ["cancelled"])
        assert bench.rows()[0]["failure_kind"] == "cancelled"
        bench.emulator.set_faults()
        assert bench.run("--allow-retired").code == 1
        assert bench.cli("retry", "batch", "--kind", "cancelled", "--allow-retired").code == 0
        assert bench.emulator.ledger()["purchases"] == 2

    def test_a_finished_task_is_never_deleted(self, bench: Bench) -> None:
        """It is asked first: what is finished is left alone, and the next run brings it home, bought once."""
        self.leave(bench, BOAT, cancel="running")
        ended = bench.cli("cancel", "batch")
        assert "is finished and paid for: the next run collects it" in ended.out
        assert bench.run("--allow-retired").code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    def test_it_is_let_go_where_nothing_is_served(self, bench: Bench) -> None:
        """Nothing is sent; a message names the task that may be billed, and retry polls it before it buys."""
        self.leave(bench, BOAT)
        polls = bench.emulator.ledger()["polls"]
        ended = bench.cli("cancel", "batch")
        assert "is no longer polled: cometapi cancels no task. It may finish and be billed" in ended.out
        assert bench.emulator.ledger()["polls"] == polls
        assert bench.run("--allow-retired").code == 1
        assert bench.cli("retry", "batch", "--allow-retired").code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    def test_a_vendor_that_does_not_answer(self, bench: Bench) -> None:
        """What cannot be asked may be finished: it is let go and never deleted."""
        bench.emulator.set_faults(STUCK)
        self.leave(bench, BOAT, cancel="running")
        bench.emulator.set_faults({"match": {"step": "poll"}, "do": {"status": 503}})
        ended = bench.cli("cancel", "batch")
        assert "cometapi did not cancel it (unknown)" in ended.out
        assert [task["status"] for task in bench.emulator.ledger()["tasks"]] == ["queued"]

    def test_without_the_key_nothing_is_changed(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """Exit 2 names the variable; the job is as it was."""
        bench.emulator.set_faults(STUCK)
        self.leave(bench, BOAT, cancel="running")
        monkeypatch.delenv("TEST_KEY")
        refused = bench.cli("cancel", "batch")
        assert (refused.code, "set TEST_KEY" in refused.err) == (2, True)
        assert bench.status()["states"]["running"] == 1


class TestAVendorThatCancelsOnlyWhatWaits(Running):
    """`cancel: queued`."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(life="polls:3", render="shared", api_key=KEY, cancel="queued")

    @pytest.mark.parametrize("served", ["queued", "running"])
    def test_a_task_that_has_begun_is_let_go(self, bench: Bench, served: str) -> None:
        """A row that says queued does not even try; one that promises too much hears the vendor's no."""
        self.leave(bench, BOAT, cancel=served)
        (task,) = bench.emulator.ledger()["tasks"]
        look = Request(
            f"{bench.emulator.base_url}/v1/videos/{task['task_id']}", headers={"Authorization": f"Bearer {KEY}"}
        )
        with urlopen(look) as reply:  # the first look finds it queued, the next one running
            assert json.load(reply)["status"] == "queued"
        ended = bench.cli("cancel", "batch")
        assert "cometapi did not cancel it (running). It may finish and be billed" in ended.out
        assert bench.cli("retry", "batch", "--allow-retired").code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    def test_a_task_that_waits_is_cancelled(self, bench: Bench) -> None:
        """That is what the row promises."""
        self.leave(bench, BOAT, cancel="queued")
        assert "was cancelled at cometapi" in bench.cli("cancel", "batch").out
        assert bench.emulator.ledger()["in_flight_now"] == 0


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (JobState.SUBMITTING, "the next run shows it as uncertain"),
        (JobState.UNCERTAIN, "resolve it with batchvid resolve"),
        (JobState.SUCCEEDED, "its clip is stored"),
        (JobState.FAILED, "it has already failed"),
    ],
)
def test_what_is_left_alone(bench: Bench, state: JobState, message: str) -> None:
    """A job that is finished, stored, failed or uncertain is reported and not changed; nothing is sent."""
    bench.write("  - {id: kite, prompt: a kite}")
    state_file(bench.batch / "state.sqlite3", steps("kite", state))
    before = bench.status()["states"]
    ended = bench.cli("cancel", "batch", "kite")
    assert (ended.code, message in ended.out) == (0, True)
    assert bench.status()["states"] == before
    at_rest = state in (JobState.SUCCEEDED, JobState.FAILED)
    assert (message in bench.cli("cancel", "batch").out) is not at_rest


def test_a_clip_that_cannot_be_fetched_is_given_up_by_its_name(bench: Bench) -> None:
    """Without a name it stays. Given up, it counts as paid, and `retry` asks its task first."""
    bench.write("  - {id: kite, prompt: a kite}")
    state_file(bench.batch / "state.sqlite3", steps("kite", JobState.READY))
    assert "the next run fetches it; name the job" in bench.cli("cancel", "batch").out
    assert bench.status()["states"]["ready"] == 1
    ended = bench.cli("cancel", "batch", "kite")
    assert (ended.code, "its clip is paid for" in ended.out) == (0, True)
    assert bench.status()["states"]["failed"] == 1
    (attempt,) = read_attempts(bench.batch / "state.sqlite3")
    assert attempt.status is AttemptStatus.SPENT


def test_during_a_run(bench: Bench) -> None:
    """Exit 4 with what to do first; the run goes on undisturbed."""
    bench.write("  - {id: kite, prompt: a kite}")
    assert bench.run().code == 0
    with StateFile(bench.batch / "state.sqlite3"):
        refused = bench.cli("cancel", "batch")
    assert (refused.code, "Ctrl-C" in refused.err) == (4, True)


def test_a_batch_that_was_never_run(bench: Bench) -> None:
    """There is nothing to cancel: exit 1 says so, and no folder is made."""
    bench.write("  - {id: kite, prompt: a kite}")
    refused = bench.cli("cancel", str(bench.manifest))
    assert (refused.code, "no state file here yet" in refused.err) == (1, True)
    assert not bench.batch.exists()
