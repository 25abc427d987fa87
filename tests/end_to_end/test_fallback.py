"""A fallback model: when it is bought, what is reported, and when it is never bought."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from batchvid import commands
from batchvid.commands import Batch
from batchvid.emulator import Settings
from tests.end_to_end.conftest import KEY, Bench, ServedEmulator
from tests.end_to_end.interrupted import leave_running

DOWN = {"status": 503, "json": {"error": {"message": "no channel", "code": "model_not_found"}}}
AT_ONCE = {**DOWN, "headers": {"Retry-After": "0"}}
STUCK = {"match": {"step": "submit", "model": "veo3-fast"}, "do": {"outcome": "stuck"}}


@pytest.fixture
def other(settings: Settings) -> Iterator[ServedEmulator]:
    """A second vendor."""
    with ServedEmulator(settings) as emulator:
        yield emulator


def kites(fallback: str, count: int = 1, **fields: object) -> str:
    """A clip entry with a fallback."""
    options = "".join(f", {name}: {json.dumps(value)}" for name, value in fields.items())
    return f"  - {{id: kite, prompt: a kite, takes: {count}, fallback: {fallback}{options}}}"


def models(bench: Bench) -> list[str]:
    """What was sold, in order."""
    return [task["model"] for task in bench.emulator.ledger()["tasks"]]


def hasty(bench: Bench) -> Batch:
    """The batch, with waits after a refusal that begin at a millisecond."""
    batch = commands.load(bench.manifest, out=bench.folder / "outputs")
    return replace(batch, providers={name: replace(row, wait_initial_s=0.001) for name, row in batch.providers.items()})


class TestAnOutage:
    """The model asked for cannot be had."""

    def test_a_refused_model_is_replaced(self, bench: Bench) -> None:
        """Refused as unavailable until it would fail: the other model is bought, and report and sidecar name both."""
        bench.write(kites("veo3.1-fast"))
        bench.emulator.set_faults({"match": {"step": "submit", "model": "veo3-fast"}, "do": AT_ONCE})
        ended = bench.run()
        assert ended.code == 0
        assert ended.out.count("veo3-fast at cometapi: outage; its jobs with a fallback switch to veo3.1-fast") == 1
        assert models(bench) == ["veo3.1-fast"]
        (row,) = bench.rows()
        assert (row["model"], row["model_asked"], row["state"]) == ("veo3.1-fast", "veo3-fast", "succeeded")
        sidecar = json.loads((bench.batch / (row["path"] + ".json")).read_text("utf-8"))
        assert (sidecar["model"], sidecar["model_asked"]) == ("veo3.1-fast", "veo3-fast")

    def test_a_later_plan_sees_it_as_what_was_asked_for(self, bench: Bench) -> None:
        """The clip of the other model counts as stored and unchanged: nothing is bought again."""
        bench.write(kites("veo3.1-fast"))
        bench.emulator.set_faults({"match": {"step": "submit", "model": "veo3-fast"}, "do": AT_ONCE})
        assert bench.run().code == 0
        bench.emulator.set_faults()
        assert bench.run().code == 0
        assert "stored: 1" in bench.cli("plan", str(bench.manifest)).out
        assert bench.emulator.ledger()["purchases"] == 1

    def test_a_task_that_the_vendor_broke(self, bench: Bench) -> None:
        """It is replaced once `retries` are used up; one fallback after the other, and then the job fails."""
        bench.write(kites("[veo3.1-fast, veo3.1]"), top="retries: 1")
        bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"outcome": "fail", "message": "internal error"}})
        assert commands.run(hasty(bench)).exit_code == 1
        assert models(bench) == ["veo3-fast", "veo3-fast", "veo3.1-fast", "veo3.1"]
        (row,) = bench.rows()
        assert (row["state"], row["model"], row["model_asked"]) == ("failed", "veo3.1", "veo3-fast")

    def test_a_provider_that_is_down(self, bench: Bench, other: ServedEmulator) -> None:
        """Every job of a provider that answers nothing goes to the other one, and none is left behind."""
        row = {"api_key_env": "TEST_KEY", "submits_per_min": 60000, "polls_per_s": 1000, "poll_every_s": 0.02}
        rows = {
            "cometapi": {**row, "base_url": "http://127.0.0.1:9"},
            "office": {**row, "base_url": other.base_url, "dialect": "veo"},
        }
        clip = kites("{model: veo3-fast, provider: office}", 12)
        bench.manifest.write_text(f"providers: {json.dumps(rows)}\ndefaults: {{model: veo3-fast}}\nclips:\n{clip}\n")
        outcome = commands.run(hasty(bench))
        assert [row["state"] for row in bench.rows()] == ["succeeded"] * 12
        assert {row["provider"] for row in bench.rows()} == {"office"}
        assert other.ledger()["purchases"] == 12
        assert outcome.exit_code == 0

    def test_the_new_price_is_reserved_anew(self, bench: Bench) -> None:
        """A fallback that the cap has no room for is not bought: exit 3, and the job stays pending."""
        bench.write(kites("veo3.1"), top="budget: {usd: 0.25}")
        bench.emulator.set_faults({"match": {"step": "submit", "model": "veo3-fast"}, "do": AT_ONCE})
        assert bench.run().code == 3
        assert bench.emulator.ledger()["purchases"] == 0
        assert bench.status()["states"]["pending"] == 1

    @pytest.mark.parametrize(
        "fault",
        [
            {"match": {"step": "submit"}, "do": {"outcome": "moderation"}},
            {"match": {"step": "submit"}, "do": {"moderation": True}},
            {"match": {"step": "submit"}, "do": {"invalid": True}},
            {"match": {"step": "submit"}, "do": {"reset_after": True}},
            {"match": {"step": "submit"}, "do": {"balance": True}},
        ],
        ids=lambda fault: next(iter(fault["do"])),
    )
    def test_what_is_no_outage_turns_nobody(self, bench: Bench, fault: dict[str, object]) -> None:
        """A content filter, a wrong request, a lost reply, an empty account: no other model is bought."""
        bench.write(kites("veo3.1-fast"))
        bench.emulator.set_faults(fault)
        assert bench.run().code != 0
        assert "veo3.1-fast" not in models(bench)
        assert bench.rows()[0]["model_asked"] == ""

    def test_moderation_where_it_is_written(self, bench: Bench) -> None:
        """`on: [moderation]` is the explicit wish to show a refused prompt to another model."""
        bench.write(kites("{models: [veo3.1-fast], on: [moderation]}"))
        bench.emulator.set_faults({"match": {"step": "submit", "model": "veo3-fast"}, "do": {"outcome": "moderation"}})
        assert bench.run().code == 0
        assert models(bench) == ["veo3-fast", "veo3.1-fast"]

    def test_collecting_turns_nobody(self, bench: Bench) -> None:
        """`--collect-only` buys nothing, whatever the manifest allows a run: neither a retry nor a fallback."""
        bench.write(kites("veo3.1-fast"), top="retries: 2")
        bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"outcome": "fail", "message": "internal error"}})
        leave_running(bench)
        assert bench.run("--collect-only").code == 1
        assert bench.emulator.ledger()["purchases"] == 1

    @pytest.mark.parametrize("events", [3, 4, 5, 6])  # broke and turned, sent, bought
    def test_killed_at_every_event(self, bench: Bench, events: int) -> None:
        """A task breaks and the other model is bought: however the run is killed, that is two purchases and a clip."""
        bench.write(kites("veo3.1-fast"))
        bench.emulator.set_faults(
            {"match": {"step": "submit", "model": "veo3-fast"}, "do": {"outcome": "fail", "message": "internal error"}}
        )
        process = bench.start(str(events), str(bench.manifest), module="tests.end_to_end.kill_after_events")
        process.communicate(timeout=60)
        if bench.run().code == 5:
            sold = {task["model"]: task["task_id"] for task in bench.emulator.ledger()["tasks"]}
            lost = sold.get(bench.status()["uncertain"][0]["model"])
            how = ["--task-id", lost] if lost else ["--abandon"]
            assert bench.cli("resolve", "kite", *how, "--batch", "batch").code == 0
            assert bench.run().code == 0
        assert [row["state"] for row in bench.rows()] == ["succeeded"]
        assert models(bench) == ["veo3-fast", "veo3.1-fast"]

    def test_a_job_that_was_only_refused_begins_anew(self, bench: Bench) -> None:
        """Nothing was bought before the run was killed: the next one asks for what the manifest asks for."""
        bench.write(kites("veo3.1-fast"))
        bench.emulator.set_faults({"match": {"step": "submit", "model": "veo3-fast"}, "do": AT_ONCE})
        process = bench.start("11", str(bench.manifest), module="tests.end_to_end.kill_after_events")
        process.communicate(timeout=60)
        assert bench.status()["states"]["pending"] == 1
        bench.emulator.set_faults()
        assert bench.run().code == 0
        assert models(bench) == ["veo3-fast"]

    def test_a_fallback_that_is_no_longer_sold(self, bench: Bench) -> None:
        """The catalogue forgot it while a task ran: it is passed over, and the next one is bought."""
        own = bench.folder / "batchvid.toml"
        own.write_text('[models.house]\ndialect = "veo"\n', "utf-8")
        bench.write(kites("[house, veo3.1-fast]"))
        bench.emulator.set_faults(
            {"match": {"step": "submit", "model": "veo3-fast"}, "do": {"outcome": "fail", "message": "internal error"}}
        )
        leave_running(bench)
        own.unlink()
        assert bench.run().code == 0
        assert models(bench) == ["veo3-fast", "veo3.1-fast"]

    def test_a_fallback_taken_out_of_the_manifest(self, bench: Bench) -> None:
        """A task under way falls back only to what the manifest still allows."""
        bench.write(kites("veo3.1-fast"))
        bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"outcome": "fail", "message": "internal error"}})
        leave_running(bench)
        bench.write(kites("[]"))
        assert bench.run().code == 1
        assert models(bench) == ["veo3-fast"]


class TestATaskThatIsOverdue:
    """It is called off where that can be done, and otherwise left to finish."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(life="polls:1", render="shared", api_key=KEY, cancel="running")

    def boats(self, bench: Bench, fallback: str, **limits: Any) -> None:
        """A Sora clip, whose wire format has a word for cancelling."""
        clip = "  - {id: boat, prompt: a boat, model: openai-videos/sora-x, resolution: 1280x720"
        bench.write(f"{clip}, fallback: {fallback}}}", **limits)

    @pytest.mark.parametrize("deadline", ["timeout_s", "queue_timeout_s"])
    def test_it_is_cancelled_and_bought_elsewhere(self, bench: Bench, deadline: str) -> None:
        """The vendor called it off, so it cannot finish: the other model is bought, and the old task is gone."""
        self.boats(bench, "veo3-fast", cancel="running", **{deadline: 0.1})
        bench.emulator.set_faults({"match": {"step": "submit", "route": "sora"}, "do": {"outcome": "stuck"}})
        assert bench.run().code == 0
        assert models(bench) == ["openai-videos/sora-x".rpartition("/")[2], "veo3-fast"]
        assert [task["status"] for task in bench.emulator.ledger()["tasks"]] == ["cancelled", "succeeded"]

    def test_without_a_fallback_it_failed_and_is_bought_again_by_retry(self, bench: Bench) -> None:
        """Called off at its deadline it is a timeout; retry need not ask for it first."""
        self.boats(bench, "[]", cancel="running", timeout_s=0.1)
        bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"outcome": "stuck"}})
        assert bench.run().code == 1
        (row,) = bench.rows()
        assert row["failure_kind"] == "timeout"
        assert "no verdict within 0.1 s; it was cancelled at cometapi" in row["message"]
        bench.emulator.set_faults()
        assert bench.cli("retry", "batch").code == 0
        assert bench.emulator.ledger()["purchases"] == 2

    def test_what_cannot_be_cancelled_is_not_bought_elsewhere(self, bench: Bench) -> None:
        """It may still finish: reported once, polled on, given up as a timeout; the other model is never bought."""
        self.boats(bench, "veo3-fast", queue_timeout_s=0.05, timeout_s=0.4)
        bench.emulator.set_faults({"match": {"step": "submit", "route": "sora"}, "do": {"outcome": "stuck"}})
        ended = bench.run()
        assert ended.code == 1
        assert ended.out.count("not started within 0.05 s; polling continues") == 1
        (row,) = bench.rows()
        assert (row["failure_kind"], row["model_asked"]) == ("timeout", "")
        assert "retry polls it first" in row["message"]
        assert bench.emulator.ledger()["purchases"] == 1

    @pytest.mark.parametrize("deadline", ["timeout_s", "queue_timeout_s"])
    def test_while_it_runs_where_that_is_written(self, bench: Bench, deadline: str) -> None:
        """`fallback_while_running: true` buys the other model at the deadline; the task that may be billed is named."""
        limits: dict[str, Any] = {deadline: 0.1}
        bench.write(kites("veo3.1-fast", fallback_while_running=True), **limits)
        bench.emulator.set_faults(STUCK)
        ended = bench.run()
        assert ended.code == 0
        assert "is no longer polled; it may be billed" in ended.out
        assert models(bench) == ["veo3-fast", "veo3.1-fast"]
        (row,) = bench.rows()
        assert Decimal(row["committed_usd"]) == Decimal("0.2") + Decimal(row["price_usd"])

    def test_an_unknown_word_is_no_reason_to_delete(self, bench: Bench) -> None:
        """An undocumented status may mean finished: such a task is given up, never cancelled."""
        self.boats(bench, "[]", cancel="running", timeout_s=0.1)
        bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"outcome": "unknown_word"}})
        assert bench.run().code == 1
        assert "retry polls it first" in bench.rows()[0]["message"]
        assert [task["status"] for task in bench.emulator.ledger()["tasks"]] == ["undocumented"]

    def test_a_models_own_deadline(self, bench: Bench) -> None:
        """`models: {NAME: {timeout_s}}` stands above the provider's."""
        bench.write(kites("[]"), timeout_s=60, models={"veo3-fast": {"timeout_s": 0.1}})
        bench.emulator.set_faults(STUCK)
        assert bench.run().code == 1
        assert "no verdict within 0.1 s" in bench.rows()[0]["message"]
