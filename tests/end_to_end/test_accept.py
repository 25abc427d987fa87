"""Clips that differ from their request: stored with a word, or refused on request and accepted by hand."""

from __future__ import annotations

import csv
import json

from tests.end_to_end.conftest import Bench

LOUD = "model: kling-v2-6, duration_s: 5, mode: pro, sound: true"  # the emulator's clips are silent


def rejected(bench: Bench) -> list[str]:
    """The files that were kept aside."""
    return sorted(path.name for path in (bench.batch / "clips").rglob("*.rejected"))


def test_a_file_that_was_refused_is_accepted(bench: Bench) -> None:
    """`on_mismatch: fail` keeps the file once, whatever is retried; `accept` stores it and buys nothing."""
    bench.write(f"  - {{id: boat, prompt: a boat, {LOUD}}}", top="on_mismatch: fail")
    assert bench.run().code == 1
    (row,) = bench.rows()
    assert row["failure_kind"] == "bad_media"
    assert "requested sound, got no sound track" in row["message"]
    assert row["message"].endswith("To store it all the same: batchvid accept batch boat")
    assert bench.cli("retry", "batch").code == 1
    assert rejected(bench) == ["boat.mp4.rejected"]
    accepted = bench.cli("accept", "batch", "boat")
    assert (accepted.code, accepted.out) == (0, "boat: stored as clips/boat/boat.mp4\n")
    (row,) = bench.rows()
    assert (row["state"], row["path"]) == ("succeeded", "clips/boat/boat.mp4")
    assert "requested sound, got no sound track" in row["differs"]
    sidecar = json.loads((bench.batch / "clips" / "boat" / "boat.mp4.json").read_text("utf-8"))
    assert sidecar["accepted"] is True
    assert "requested sound" in sidecar["differs"]
    assert rejected(bench) == []
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 1


def test_by_default_it_is_stored(bench: Bench) -> None:
    """The report, the sidecar and a line name what differs; the clip is fetched once."""
    bench.write(f"  - {{id: boat, prompt: a boat, {LOUD}}}")
    ended = bench.run()
    assert ended.code == 0
    assert "boat: requested sound, got no sound track" in ended.out
    (row,) = bench.rows()
    assert "requested sound, got no sound track" in row["differs"]
    assert bench.emulator.ledger()["downloads"] == 1


def test_an_entry_decides_for_itself(bench: Bench) -> None:
    """The key of a clip entry, over that of the whole manifest."""
    bench.write(
        f"  - {{id: boat, prompt: a boat, {LOUD}, on_mismatch: warn}}\n  - {{id: kite, prompt: a kite, {LOUD}}}",
        top="on_mismatch: fail",
    )
    assert bench.run().code == 1
    assert {row["id"]: row["state"] for row in bench.rows()} == {"boat": "succeeded", "kite": "failed"}


def test_what_cannot_be_accepted_is_told(bench: Bench) -> None:
    """A stored job, a job without such a file, and a file that is no clip."""
    bench.write("  - {id: boat, prompt: a boat}")
    assert bench.run().code == 0
    refused = bench.cli("accept", "batch", "boat")
    assert refused.code == 2
    assert "job boat is succeeded: only a finished clip that was not stored can be accepted" in refused.err
    assert "there is no job 'kite'" in bench.cli("accept", "batch", "kite").err
    bench.emulator.set_faults({"match": {"step": "download"}, "do": {"status": 200, "body": "#EXTM3U"}})
    bench.write("  - {id: boat, prompt: a boat}\n  - {id: crane, model: kling-v2-6, duration_s: 5, prompt: a crane}")
    assert bench.run().code == 1
    refused = bench.cli("accept", "batch", "crane")
    assert refused.code == 2
    assert "crane.mp4.rejected does not play" in refused.err
    bench.emulator.set_faults()
    with (bench.batch / "report.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["id"]: row["state"] for row in csv.DictReader(file)} == {"boat": "succeeded", "crane": "failed"}
