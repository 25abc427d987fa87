"""A submit without a verdict: found again where the provider can be asked, held everywhere else, bought once always."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import urllib.request
from decimal import Decimal

import pytest

from batchvid.emulator import Settings
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import KEY, Bench

BOAT = "  - {id: boat, model: kling-v2-6, duration_s: 5, prompt: a boat}"
KITE = "  - {id: kite, prompt: a kite}"
LOSSES: dict[str, dict[str, object]] = {
    "reset": {"reset_after": True},
    "late reset": {"reset_after": True, "delay_s": 0.05},
    "503": {"status": 503, "after": True},
    "web page": {"status": 524, "html": True, "after": True},
    "empty 200": {"empty": True, "after": True},
    "trouble in a 200": {"error_200": True, "after": True},
}
"""The provider makes the task, and its answer says nothing."""


def lose_all(bench: Bench, clip: str) -> None:
    """A manifest with a clip for every loss, and a provider that loses them so."""
    bench.write(f"  - {{id: lost, {clip}, prompt: 'lost by {{{{ how }}}}', matrix: {{how: {json.dumps([*LOSSES])}}}}}")
    rules = [{"match": {"step": "submit", "prompt": f"by {how}"}, "do": deed} for how, deed in LOSSES.items()]
    bench.emulator.set_faults(*rules)


def lose(bench: Bench, deed: dict[str, object], **match: object) -> None:
    """The provider does this with such submits."""
    bench.emulator.set_faults({"match": {"step": "submit", **match}, "do": deed})


def kill_after_purchase(bench: Bench) -> None:
    """kill -9 while the answer to the call is on its way."""
    lose(bench, {"delay_s": 30})
    process = bench.start("run", str(bench.manifest))
    while not bench.emulator.ledger()["purchases"]:
        assert process.poll() is None, process.communicate()
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    bench.emulator.set_faults()


class TestByOurOwnId:
    """Kling takes an id of ours with the call, and can be asked by it."""

    def test_what_was_made_is_found_in_the_same_run(self, bench: Bench) -> None:
        """However Kling's answers are lost: every task is found, every clip stored, each bought once."""
        lose_all(bench, "model: kling-v2-6, duration_s: 5")
        result = bench.run()
        assert result.code == 0, result
        assert bench.emulator.ledger()["purchases"] == len(LOSSES)
        assert {(row["state"], row["attempts"]) for row in bench.rows()} == {("succeeded", "1")}
        assert result.out.count("is found again at cometapi: task") == len(LOSSES)

    def test_what_was_not_made_is_held(self, bench: Bench) -> None:
        """Kling knows no such task, which is no proof: the job stays uncertain and is not sent again."""
        bench.write(BOAT)
        lose(bench, {"reset_before": True})
        assert bench.run().code == 5
        assert bench.run().code == 5
        ledger = bench.emulator.ledger()
        assert (ledger["submits"], ledger["purchases"]) == (1, 0)
        (held,) = bench.status()["uncertain"]
        assert held["looked_up"].startswith("cometapi does not know it by our id of the call (asked 4 times)")

    def test_a_provider_that_does_not_answer_is_asked_again_by_the_next_run(self, bench: Bench) -> None:
        """Nothing is known of the task now: uncertain, and reported; later it is found and its clip is stored."""
        bench.write(BOAT)
        bench.emulator.set_faults(
            {"match": {"step": "submit"}, "do": "reset_after"},
            {"match": {"step": "poll"}, "do": {"status": 503}},
        )
        assert bench.run().code == 5
        assert "lookup at cometapi failed" in bench.status()["uncertain"][0]["looked_up"]
        bench.emulator.set_faults()
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    def test_killed_between_the_call_and_its_answer(self, bench: Bench) -> None:
        """kill -9 while the answer is on its way: the next run asks Kling and goes on by itself."""
        bench.write(BOAT)
        kill_after_purchase(bench)
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    def test_collecting_needs_no_manifest(self, bench: Bench) -> None:
        """The state file alone is enough to ask after a lost submit, and to fetch what it bought."""
        bench.write(BOAT)
        process = bench.start("1", str(bench.manifest), module="tests.end_to_end.kill_after_events")
        process.communicate(timeout=60)
        (job,) = read_jobs(bench.batch / "state.sqlite3")
        order = {"model_name": "kling-v2-6", "prompt": "a boat", "external_task_id": job.external_id}
        call = urllib.request.Request(
            f"{bench.emulator.base_url}/kling/v1/videos/text2video",
            data=json.dumps(order).encode(),
            headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        )
        urllib.request.urlopen(call).close()  # the call that the kill has overtaken
        bench.manifest.write_text("clips: [broken", "utf-8")
        assert bench.cli("run", "batch", "--collect-only").code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    def test_it_is_looked_for_before_it_is_bought_again(self, bench: Bench) -> None:
        """`on_lost_submit: resubmit` is a permission, not a wish: a task that is found is not bought twice."""
        bench.write(BOAT, on_lost_submit="resubmit")
        lose(bench, {"reset_after": True})
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    def test_what_is_not_found_is_bought_again_only_where_the_manifest_says_so(self, bench: Bench) -> None:
        """The first call never arrived: with resubmit it is sent again, and bought once in all."""
        bench.write(BOAT, on_lost_submit="resubmit")
        lose(bench, {"reset_before": True}, nth=[1])
        assert bench.run().code == 0
        ledger = bench.emulator.ledger()
        assert (ledger["submits"], ledger["purchases"]) == (2, 1)

    def test_a_provider_may_be_said_not_to_serve_it(self, bench: Bench) -> None:
        """`lookup: none`: nobody is asked, the job is held."""
        bench.write(BOAT, lookup="none")
        lose(bench, {"reset_after": True})
        assert bench.run().code == 5
        ledger = bench.emulator.ledger()
        assert (ledger["purchases"], ledger["polls"]) == (1, 0)


def test_where_nobody_can_be_asked_it_is_held(bench: Bench) -> None:
    """Veo has no lookup: uncertain, never sent again, its price held, exit 5."""
    lose_all(bench, "model: veo3-fast")
    for _ in range(2):
        assert bench.run().code == 5
    ledger = bench.emulator.ledger()
    assert (ledger["submits"], ledger["purchases"], ledger["polls"]) == (len(LOSSES), len(LOSSES), 0)
    assert bench.status()["states"]["uncertain"] == len(LOSSES)
    assert bench.status()["committed_usd"] == f"{len(LOSSES) * Decimal('0.200')}"


class TestInAList:
    """A server that lists its tasks, as OpenAI's own does."""

    HOUSE = (
        "  - {id: house, model: openai-videos/house-model, provider: own,"
        " prompt: 'a house {{ n }}', matrix: {n: [1, 2]}}"
    )

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(life="polls:1", render="shared", api_key=KEY, video_list=True)

    def write(self, bench: Bench, clips: str, **more: object) -> None:
        """A provider of one's own, that serves a list."""
        quick = {"submits_per_min": 60000, "polls_per_s": 1000, "poll_every_s": 0.02, "concurrency": 20, **more}
        where = {"dialect": "openai-videos", "base_url": bench.emulator.base_url, "api_key_env": "TEST_KEY"}
        bench.manifest.write_text(
            f"providers: {{own: {json.dumps({'lookup': 'list', **where, **quick})}}}\n"
            f"defaults: {{duration_s: 4}}\nclips:\n{clips}\n",
            "utf-8",
        )

    def test_the_one_that_fits_is_found(self, bench: Bench) -> None:
        """Model, prompt and time agree with one task of the list each: found and stored, bought once."""
        self.write(bench, self.HOUSE)
        lose(bench, {"reset_after": True})
        result = bench.run()
        assert result.code == 0, result
        assert bench.emulator.ledger()["purchases"] == 2

    def test_takes_of_the_same_share_their_tasks(self, bench: Bench) -> None:
        """Two takes without a seed look alike to the list: two tasks for two lost submits, and each gets one."""
        self.write(bench, self.HOUSE.replace("matrix: {n: [1, 2]}", "takes: 2").replace(" {{ n }}", ""))
        lose(bench, {"reset_after": True})
        ended = bench.run()
        if ended.code == 5:  # one was looked up before the other's call was over
            ended = bench.run()
        assert ended.code == 0, ended
        assert len({row["task_id"] for row in bench.rows()}) == 2
        assert bench.emulator.ledger()["purchases"] == 2

    def test_fewer_tasks_than_takes_are_left_to_a_person(self, bench: Bench) -> None:
        """One of two takes never arrived: nobody can tell whose the one task is. `resolve` names it."""
        self.write(bench, self.HOUSE.replace("matrix: {n: [1, 2]}", "takes: 2").replace(" {{ n }}", ""))
        bench.emulator.set_faults(
            {"match": {"step": "submit", "nth": [1]}, "do": {"reset_after": True, "delay_s": 0.5}},
            {"match": {"step": "submit", "nth": [2]}, "do": {"reset_before": True, "delay_s": 0.5}},
        )
        for _ in range(2):
            assert bench.run().code == 5
        waiting = bench.status()["uncertain"]
        assert {job["looked_up"] for job in waiting} == {"own has a task like it, but another job may own it"}
        (task,) = bench.emulator.ledger()["tasks"]
        listed = bench.cli("resolve", "--batch", "batch").out
        assert listed.count(f"  tasks there that no job owns: {task['task_id']} (house-model, created 20") == 2
        assert listed.count("): a house\n") == 2

    def test_the_task_of_another_job_is_not_taken(self, bench: Bench) -> None:
        """Of two takes one was accepted and one never arrived: the first one's task is no find for the second."""
        self.write(bench, self.HOUSE.replace("matrix: {n: [1, 2]}", "takes: 2").replace(" {{ n }}", ""), concurrency=1)
        lose(bench, {"reset_before": True}, nth=[2])
        assert bench.run().code == 5
        states = bench.status()["states"]
        assert (states["succeeded"], states["uncertain"]) == (1, 1)
        assert "does not know it among its newest 100" in bench.status()["uncertain"][0]["looked_up"]


class TestByTheSameCall:
    """Comfy Router takes an idempotency key: the same call once more gets the first one's request, never a second."""

    def write(self, bench: Bench) -> None:
        """A provider of one's own that knows the keys of calls."""
        quick = {"submits_per_min": 60000, "polls_per_s": 1000, "poll_every_s": 0.02, "concurrency": 20}
        where = {"dialect": "comfy-router", "base_url": f"{bench.emulator.base_url}/comfy-router"}
        own = {"lookup": "idempotency", "api_key_env": "TEST_KEY", **where, **quick}
        clip = {"id": "boat", "model": "comfy-router/acme/film", "provider": "own", "prompt": "a boat"}
        bench.manifest.write_text(json.dumps({"providers": {"own": own}, "clips": [clip]}), "utf-8")

    @pytest.mark.parametrize("deed", [{"reset_after": True}, {"reset_before": True}], ids=["made", "not made"])
    def test_it_is_bought_once_whether_or_not_it_arrived(self, bench: Bench, deed: dict[str, object]) -> None:
        """What the lost call made is found by its key; what it never made is made by the second call."""
        self.write(bench)
        lose(bench, deed, nth=[1])
        result = bench.run()
        assert result.code == 0, result
        ledger = bench.emulator.ledger()
        assert (ledger["submits"], ledger["purchases"]) == (2, 1)

    def test_killed_in_between_the_next_run_sends_the_same_bytes(self, bench: Bench) -> None:
        """The state file has the key of the call, and proves that it would be the same."""
        self.write(bench)
        kill_after_purchase(bench)
        assert bench.cli("run", "batch", "--collect-only").code == 5  # it buys nothing, so it repeats nothing
        assert bench.status()["uncertain"][0]["looked_up"].endswith("not sent again: this run does not buy it")
        assert bench.emulator.ledger()["submits"] == 1
        result = bench.run()
        assert result.code == 0, result
        ledger = bench.emulator.ledger()
        assert (ledger["submits"], ledger["purchases"]) == (2, 1)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ("another key", "would not be the same call: what it sends, or the key, has changed"),
            ("a day later", "own keeps no track of the key of the call after 23 h. No proof"),
        ],
    )
    def test_what_would_not_be_the_same_is_not_sent(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch, change: str, said: str
    ) -> None:
        """Keys are those of an account, and are forgotten after a day: either call would buy a second task."""
        self.write(bench)
        lose(bench, {"reset_before": True})
        assert bench.run().code == 5
        before = bench.emulator.ledger()["submits"]
        assert before > 1  # the same call, several times
        if change == "another key":
            monkeypatch.setenv("TEST_KEY", "sk-other-account")
        else:
            long_ago = "UPDATE jobs SET job_data = json_set(job_data, '$.submitted_at', '2026-01-01T00:00:00Z')"
            with contextlib.closing(sqlite3.connect(bench.batch / "state.sqlite3")) as state, state:
                assert state.execute(long_ago).rowcount == 1
        bench.emulator.set_faults()
        assert bench.run().code == 5
        assert bench.emulator.ledger()["submits"] == before
        assert bench.status()["uncertain"][0]["looked_up"].endswith(said)
