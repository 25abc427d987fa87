"""What is paid for comes home from where it was bought, whatever the manifest says of providers by then."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from batchvid.emulator import Settings
from tests.end_to_end.conftest import KEY, Bench, ServedEmulator

KLING = {"dialect": "kling", "prefix": "/kling"}
CLIP = "  - {id: boat, provider: office, model: kling-v2-6, duration_s: 5, prompt: a boat}"
OTHER = "  - {id: kite, provider: press, model: veo3-fast, prompt: a kite}"


def write(bench: Bench, clips: str, **providers: dict[str, object]) -> None:
    """A manifest with these providers, which are the emulator under other names."""
    quick = {"concurrency": 20, "submits_per_min": 60000, "polls_per_s": 1000, "poll_every_s": 0.02}
    given = {"base_url": bench.emulator.base_url, "api_key_env": "TEST_KEY", **quick}
    rows = {name: {**given, **provider} for name, provider in providers.items()}
    bench.manifest.write_text(f"providers: {json.dumps(rows)}\nclips:\n{clips}\n", "utf-8")


@pytest.fixture
def out_at_office(bench: Bench) -> Bench:
    """A task was made at the office; the run died right after its id was written down."""
    write(bench, CLIP, office={**KLING})
    process = bench.start("2", str(bench.manifest), module="tests.end_to_end.kill_after_events")
    process.communicate(timeout=60)
    assert bench.status()["states"]["running"] == 1
    return bench


def test_from_a_provider_that_is_named_no_more(out_at_office: Bench) -> None:
    """Clip and provider are gone from the manifest: the task is collected beside what the manifest asks now."""
    write(out_at_office, OTHER, press={"dialect": "veo"})
    assert out_at_office.run().code == 0
    assert {row["id"]: row["state"] for row in out_at_office.rows()} == {"boat": "succeeded", "kite": "succeeded"}
    assert out_at_office.emulator.ledger()["purchases"] == 2


def test_in_the_format_in_which_it_was_bought(out_at_office: Bench) -> None:
    """The provider speaks another format under another prefix by now, the model is another; the task is the same."""
    write(out_at_office, CLIP.replace("kling-v2-6", "veo3-fast"), office={"dialect": "veo", "prefix": "/elsewhere"})
    assert out_at_office.run().code == 0
    (row,) = out_at_office.rows()
    assert (row["state"], row["model"], row["clip_s"]) == ("succeeded", "kling-v2-6", "5")
    assert out_at_office.emulator.ledger()["purchases"] == 1


def test_only_from_the_address_where_it_was_bought(out_at_office: Bench) -> None:
    """A task id means nothing elsewhere: nobody else is asked, the job stays, and the message says what to set."""
    home = out_at_office.emulator.base_url
    write(out_at_office, CLIP, office={**KLING, "base_url": "http://127.0.0.1:9"})
    ended = out_at_office.run()
    assert ended.code == 1
    assert f"was bought at {home}, and office is now http://127.0.0.1:9; set base_url back" in ended.out
    assert out_at_office.status()["states"]["running"] == 1
    write(out_at_office, CLIP, office={**KLING})
    assert out_at_office.run().code == 0
    assert out_at_office.emulator.ledger()["purchases"] == 1


def test_with_a_damaged_row_of_providers(out_at_office: Bench) -> None:
    """The folder alone is named: the manifest that the state file names still knows the provider."""
    with closing(sqlite3.connect(out_at_office.batch / "state.sqlite3")) as disk:
        disk.execute("UPDATE meta SET value = '{' WHERE name = 'providers'")
        disk.commit()
    assert out_at_office.cli("run", str(out_at_office.batch), "--collect-only").code == 0
    (row,) = out_at_office.rows()
    assert row["state"] == "succeeded"


def test_what_cannot_be_collected_holds_up_nobody(out_at_office: Bench) -> None:
    """base_url leads elsewhere by now: the old task stays as it is, and what is new is bought at the new address."""
    bench = out_at_office
    new = "\n  - {id: kite, provider: office, model: kling-v2-6, duration_s: 5, prompt: a kite}"
    with ServedEmulator(Settings(life="polls:1", render="shared", api_key=KEY)) as other:
        write(bench, CLIP + new + new.replace("kite", "crane"), office={**KLING, "base_url": other.base_url})
        ended = bench.run()
        assert ended.code == 1
        assert "set base_url back to collect it" in ended.out
        assert {row["id"]: row["state"] for row in bench.rows()} == {
            "boat": "running", "kite": "succeeded", "crane": "succeeded",
        }  # fmt: skip
        assert other.ledger()["purchases"] == 2
        polls = other.ledger()["polls"]
        assert bench.run().code == 1
        assert other.ledger()["polls"] == polls
    write(bench, CLIP, office={**KLING})
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 1


def test_a_finished_clip_is_fetched_only_where_it_was_bought(bench: Bench) -> None:
    """Its content path and our key mean something at one address only: no other is asked, later it is fetched."""
    clip = "  - {id: crane, provider: office, model: sora-2, duration_s: 4, prompt: a crane}"
    write(bench, clip, office={"dialect": "openai-videos"})
    bench.start("3", str(bench.manifest), module="tests.end_to_end.kill_after_events").communicate(timeout=60)
    assert bench.status()["states"]["ready"] == 1
    with ServedEmulator(Settings(life="polls:1", render="shared", api_key=KEY)) as other:
        write(bench, clip, office={"dialect": "openai-videos", "base_url": other.base_url})
        ended = bench.run()
        assert ended.code == 1
        assert "set base_url back to collect it" in ended.out
        assert bench.status()["states"]["ready"] == 1
        ledger = other.ledger()
        assert (ledger["polls"], ledger["downloads"], ledger["submits"]) == (0, 0, 0)
    write(bench, clip, office={"dialect": "openai-videos"})
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 1


def test_without_a_manifest(out_at_office: Bench) -> None:
    """--collect-only on the folder needs the state file and the key, nothing else, and buys nothing."""
    out_at_office.manifest.unlink()
    assert out_at_office.cli("run", "batch", "--collect-only").code == 0
    assert [row["state"] for row in out_at_office.rows()] == ["succeeded"]
    assert out_at_office.emulator.ledger()["purchases"] == 1


def test_a_finished_task_is_asked_again_before_it_is_bought_again(bench: Bench) -> None:
    """Its link was not fetched in time and an outage came: retry polls the old task and buys nothing."""
    bench.write("  - {id: kling, model: kling-v2-6, duration_s: 5, prompt: a boat}", timeout_s=0.3)
    process = bench.start("3", str(bench.manifest), module="tests.end_to_end.kill_after_events")
    process.communicate(timeout=60)
    assert bench.status()["states"]["ready"] == 1
    bench.emulator.set_faults({"match": {"step": "poll"}, "do": {"unavailable": True}})
    assert bench.run().code == 1
    bench.emulator.set_faults()
    assert bench.cli("retry", str(bench.manifest)).code == 0
    assert bench.emulator.ledger()["purchases"] == 1
