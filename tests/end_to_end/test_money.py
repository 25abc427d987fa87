"""No money that nobody asked for: what a batch was run with lasts, caps count what was bought, paid clips come home."""

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
from tests.end_to_end.conftest import Bench, ServedEmulator

KITE = "  - {id: kite, prompt: a kite}"
BOAT = "  - {id: boat, model: kling-v2-6, duration_s: 5, prompt: a boat}"
QUICK = {"api_key_env": "TEST_KEY", "submits_per_min": 60000, "polls_per_s": 1000, "poll_every_s": 0.02}
PLAYLIST = {"status": 200, "body": "#EXTM3U"}
BROKEN = {"match": {"step": "submit"}, "do": {"outcome": "fail", "message": "internal trouble"}}


@pytest.fixture
def other(settings: Settings) -> Iterator[ServedEmulator]:
    """A second vendor."""
    with ServedEmulator(settings) as emulator:
        yield emulator


def write(bench: Bench, clips: str, top: str = "", **providers: dict[str, object]) -> None:
    """A manifest with these providers and no defaults but a model."""
    rows = {name: {**QUICK, **row} for name, row in providers.items()}
    bench.manifest.write_text(
        f"{top}\nproviders: {json.dumps(rows)}\ndefaults: {{model: veo3-fast}}\nclips:\n{clips}\n", "utf-8"
    )


def hasty(bench: Bench) -> Batch:
    """The batch, with waits after a refusal that begin at a millisecond."""
    batch = commands.load(bench.manifest, out=bench.folder / "outputs")
    return replace(batch, providers={name: replace(row, wait_initial_s=0.001) for name, row in batch.providers.items()})


def rehearse(bench: Bench, at: ServedEmulator) -> int:
    """Run the manifest elsewhere under another name; the exit code."""
    return bench.run("--set", f"providers.cometapi.base_url={at.base_url}", "--set", "batch=rehearsal").code


class TestWhatABatchWasRunWith:
    """`run NAME` and `retry NAME`."""

    def test_it_lasts(self, bench: Bench, other: ServedEmulator) -> None:
        """A rehearsal that is run or retried by its name stays one: nothing is bought at the real provider."""
        bench.write(f"{KITE}\n  - {{id: storm, prompt: a storm}}", top="batch: kites")
        other.set_faults({**BROKEN, "match": {"step": "submit", "prompt": "storm"}})
        assert rehearse(bench, other) == 1
        other.set_faults()
        assert bench.cli("run", "rehearsal").code == 1
        assert bench.cli("retry", "rehearsal").code == 0
        assert other.ledger()["purchases"] == 3
        assert bench.emulator.ledger()["submits"] == 0
        assert [path.name for path in (bench.folder / "outputs").iterdir()] == ["rehearsal"]

    def test_a_cap_lasts_until_another_is_said(self, bench: Bench) -> None:
        """A budget given by --set holds for `run NAME`; a later one replaces it."""
        bench.write("  - {id: kite, prompt: a kite, takes: 4}")
        assert bench.run("--set", "budget.clips=2").code == 3
        assert bench.cli("run", "batch").code == 3
        assert bench.emulator.ledger()["purchases"] == 2
        assert bench.cli("run", "batch", "--set", "budget.clips=3").code == 3
        assert bench.cli("run", "batch").code == 3
        assert bench.emulator.ledger()["purchases"] == 3

    def test_a_manifest_that_names_another_folder_is_not_followed(self, bench: Bench) -> None:
        """The batch was renamed in its manifest: by its old name it is refused, and nothing is bought or made."""
        bench.write(KITE, top="batch: spring")
        assert bench.run().code == 0
        bench.write(KITE, top="batch: summer")
        for command in ("run", "retry"):
            refused = bench.cli(command, "spring")
            assert refused.code == 2
            assert "names the folder" in refused.err
        assert bench.emulator.ledger()["purchases"] == 1
        assert [path.name for path in (bench.folder / "outputs").iterdir()] == ["spring"]


class TestAClipThatIsPaidFor:
    """It is fetched, however long that takes."""

    def test_restarts_do_not_count_as_dead_links(self, bench: Bench) -> None:
        """Four runs killed while they download, and the fifth fetches the clip: bought once."""
        bench.write(BOAT)
        for events in ("3", "2", "2", "2"):  # to the finished task; then each time to its fresh link
            process = bench.start(events, str(bench.manifest), module="tests.end_to_end.kill_after_events")
            process.communicate(timeout=60)
            assert bench.status()["states"]["ready"] == 1
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    def test_an_outage_of_the_cdn_fails_no_job(self, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
        """A 503 says nothing about the link: the job stays ready, exit 1 and a notice; later it is fetched."""
        bench.write(BOAT)
        bench.emulator.set_faults({"match": {"step": "download"}, "do": {"status": 503}})
        assert commands.run(hasty(bench)).exit_code == 1
        assert "Its clip is paid for and waits: run again to fetch it" in capsys.readouterr().out
        assert bench.status()["states"]["ready"] == 1
        bench.emulator.set_faults()
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    @pytest.mark.parametrize("deed", ["expired", "html_200"])
    def test_links_that_do_not_work_yet_leave_it_ready(self, bench: Bench, deed: str) -> None:
        """A 403 or a page instead of a clip may pass: neither a run nor a retry gives it up or buys another."""
        bench.write(BOAT)
        bench.emulator.set_faults({"match": {"step": "download"}, "do": {deed: True}})
        for command in ("run", "retry", "run"):
            ended = bench.cli(command, str(bench.manifest))
            assert ended.code == 1
            assert "Its clip is paid for and waits: run again to fetch it" in ended.out
            assert [row["state"] for row in bench.rows()] == ["ready"]
        bench.emulator.set_faults()
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    @pytest.mark.parametrize(("deed", "kind"), [({"status": 410}, "expired"), (PLAYLIST, "bad_media")])
    def test_retry_asks_for_it_before_it_buys_another(self, bench: Bench, deed: dict[str, Any], kind: str) -> None:
        """Its links were gone, or no clip: the vendor is asked again first, and only --new-task buys."""
        bench.write(BOAT)
        bench.emulator.set_faults({"match": {"step": "download"}, "do": deed})
        assert bench.run().code == 1
        (row,) = bench.rows()
        assert row["failure_kind"] == kind
        assert row["message"]
        assert bench.cli("retry", "batch").code == 1
        assert bench.emulator.ledger()["purchases"] == 1
        bench.emulator.set_faults()
        assert bench.cli("retry", "batch").code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    def test_new_task_buys_at_once(self, bench: Bench) -> None:
        """Another clip instead of the old one needs an explicit option."""
        bench.write(BOAT)
        bench.emulator.set_faults({"match": {"step": "download"}, "do": PLAYLIST})
        assert bench.run().code == 1
        bench.emulator.set_faults()
        assert bench.cli("retry", "batch", "--new-task").code == 0
        assert bench.emulator.ledger()["purchases"] == 2


class TestCaps:
    """What they count, and whom they stop."""

    def test_seconds_are_counted_as_they_were_bought(self, bench: Bench) -> None:
        """Two failed clips of 8 s and a retry at 4 s: 20 s are 20 s, not five times 4."""
        bench.emulator.set_faults(BROKEN)
        for seconds, command, code in ((8, "run", 1), (4, "retry", 3)):
            clips = f"  - {{id: kite, prompt: a kite, takes: 2, duration_s: {seconds}}}"
            bench.write(clips, top="budget: {seconds: 20}")
            assert bench.cli(command, str(bench.manifest)).code == code
        sold = [task["seconds"] for task in bench.emulator.ledger()["tasks"]]
        assert sorted(sold) == [4, 8, 8]

    def test_what_nobody_can_measure_is_not_bought_under_a_cap_of_seconds(self, bench: Bench) -> None:
        """A model of unknown length is passed over, exit 3 with what to do; what can be measured is bought."""
        clips = "  - {id: house, prompt: a house, model: openai-videos/house, takes: 3}\n" + KITE
        write(bench, clips, "budget: {seconds: 60}", cometapi={"base_url": bench.emulator.base_url})
        ended = bench.run()
        assert ended.code == 3
        assert "budget.seconds needs duration_s" in ended.err
        assert bench.status()["states"]["pending"] == 3
        assert bench.emulator.ledger()["purchases"] == 1

    def test_what_nobody_can_price_is_not_bought_under_a_cap_in_usd(self, bench: Bench) -> None:
        """An unpriced clip is passed over, exit 3; the priced ones behind it are bought, later it is, too."""
        clips = f"  - {{id: house, prompt: a house, model: openai-videos/house}}\n{KITE}\n{BOAT}"
        bench.write(clips, top="budget: {usd: 5}", concurrency=1)
        ended = bench.run()
        assert ended.code == 3
        assert "unknown price of openai-videos/house at " in ended.err
        assert '.models."openai-videos/house"]\n' in ended.err
        assert {row["id"]: row["state"] for row in bench.rows()} == {
            "house": "pending", "kite": "succeeded", "boat": "succeeded",
        }  # fmt: skip
        assert bench.run("--set", "budget.allow_unpriced=true").code == 0
        assert bench.emulator.ledger()["purchases"] == 3

    def test_a_providers_own_cap_stops_that_provider_only(self, bench: Bench, other: ServedEmulator) -> None:
        """One clip is allowed here and five are asked for there: one and five are bought, exit 3 names the cap."""
        clips = "  - {id: kite, prompt: a kite, takes: 3, duration_s: 4}\n"
        clips += "  - {id: boat, prompt: a boat, takes: 5, duration_s: 4, provider: office}"
        capped: dict[str, object] = {"base_url": bench.emulator.base_url, "budget": {"clips": 1}}
        write(bench, clips, cometapi=capped, office={"base_url": other.base_url, "dialect": "veo", "concurrency": 1})
        ended = bench.run()
        assert ended.code == 3
        assert "providers.cometapi.budget.clips is 1: 1 are committed" in ended.err
        assert (bench.emulator.ledger()["purchases"], other.ledger()["purchases"]) == (1, 5)


class TestWhoeverStandsStill:
    """Trouble with one job or one provider is reported, and delays no other."""

    def test_without_waiting_the_run_ends_where_uncertain_jobs_hold_the_slots(self, bench: Bench) -> None:
        """One slot, and a lost submit in it: exit 5 says that another job waits; once resolved it is bought."""
        bench.write("  - {id: lost, prompt: lost}\n" + KITE, concurrency=1)
        bench.emulator.set_faults({"match": {"step": "submit", "prompt": "lost"}, "do": {"reset_after": True}})
        for _ in range(2):
            ended = bench.run("--no-wait")
            assert ended.code == 5
            assert "1 jobs wait for the slots that these hold" in ended.err
            states = bench.status()["states"]
            assert (states["uncertain"], states["pending"]) == (1, 1)
        bench.settle_uncertain()
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 2
        assert bench.emulator.ledger()["in_flight_max"] == 1

    def test_slots_that_uncertain_jobs_hold_are_waited_for(self, bench: Bench) -> None:
        """The deadline of the lost task frees the slot: the run says when, goes on, and ends with the decision."""
        bench.write("  - {id: lost, prompt: lost}\n" + KITE, concurrency=1, timeout_s=0.5)
        bench.emulator.set_faults({"match": {"step": "submit", "prompt": "lost"}, "do": {"reset_after": True}})
        ended = bench.run()
        assert ended.code == 5
        assert "cometapi: 1 jobs wait for slots that uncertain submits hold until " in ended.out
        states = bench.status()["states"]
        assert (states["uncertain"], states["succeeded"]) == (1, 1)
        assert bench.emulator.ledger()["purchases"] == 2

    def test_a_provider_in_trouble_is_stopped_beside_a_live_one(self, bench: Bench, other: ServedEmulator) -> None:
        """Eight troubles in a row are enough: exit 6, no job fails, the live provider's are stored; later all are."""
        clips = "  - {id: kite, prompt: a kite, takes: 2, duration_s: 4}\n"
        clips += "  - {id: boat, prompt: a boat, takes: 6, duration_s: 4, provider: office}"
        office: dict[str, object] = {"base_url": other.base_url, "dialect": "veo", "concurrency": 1}
        write(bench, clips, cometapi={"base_url": bench.emulator.base_url}, office=office)
        words = {"error": {"message": "No available channel for model veo3-fast", "code": "model_not_found"}}
        refused = {"status": 503, "json": words, "headers": {"Retry-After": "0"}}
        other.set_faults({"match": {"step": "submit"}, "do": refused})
        ended = bench.run()
        assert ended.code == 6
        assert "office was stopped" in ended.err
        states = bench.status()["states"]
        assert (states["succeeded"], states["pending"], states["failed"]) == (2, 6, 0)
        assert other.ledger()["submits"] == 8
        other.set_faults()
        assert bench.run().code == 0
        assert other.ledger()["purchases"] == 6

    def test_an_address_where_nobody_answers_is_stopped(self, bench: Bench) -> None:
        """A closed port refuses every call: nothing was bought, all jobs stay pending and the money with us."""
        clips = "  - {id: boat, prompt: a boat, takes: 30, duration_s: 4}"
        write(bench, clips, cometapi={"base_url": "http://127.0.0.1:9", "concurrency": 5})
        ended = commands.run(hasty(bench))
        assert ended.exit_code == 6
        rows = bench.rows()
        assert [row["state"] for row in rows] == ["pending"] * 30
        assert sum(Decimal(row["committed_usd"]) for row in rows) == 0
