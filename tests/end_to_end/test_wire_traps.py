"""Traps of the wire that only a whole run falls into: from the vendor's odd reply to the stored clip."""

from __future__ import annotations

import pytest

from batchvid.emulator import Settings
from tests.end_to_end.conftest import KEY, Bench


@pytest.fixture
def settings() -> Settings:
    odd = {"kling_ids": "number", "xai_shape": "wrapped", "seedance_shape": "inline"}
    return Settings.model_validate({"life": "polls:4", "render": "shared", "fps": 4, "api_key": KEY, **odd})


def test_progress_100_is_no_success(bench: Bench) -> None:
    """A task that says 100 while it runs is asked again until it has ended, and only then fetched."""
    bench.write("  - {id: kite, prompt: a kite}")
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"outcome": "progress_100_running"}})
    assert bench.run().code == 0
    books = bench.emulator.ledger()
    assert (books["tasks"][0]["polls"], books["purchases"], books["downloads"]) == (4, 1, 1)


def test_an_id_that_no_double_can_hold(bench: Bench) -> None:
    """A bare number is kept digit by digit: on the disk, in the report, and in the path of every poll."""
    bench.write("  - {id: boat, model: kling-v2-6, duration_s: 5, prompt: a boat}")
    assert bench.run().code == 0
    task_id = bench.emulator.ledger()["tasks"][0]["task_id"]
    assert [row["task_id"] for row in bench.rows()] == [task_id]
    assert float(task_id) > 2**53


def test_a_link_where_the_reason_of_a_failure_stands(bench: Bench) -> None:
    """A wrapped success is fetched from `fail_reason`; a failure with a link for a reason stays one."""
    bench.write(
        "  - {id: good, model: grok-imagine-video, duration_s: 1, prompt: a plane}\n"
        "  - {id: bad, model: grok-imagine-video, duration_s: 1, prompt: a storm}"
    )
    link = {"outcome": "fail", "message": "https://example.com/why.html"}
    bench.emulator.set_faults({"match": {"step": "submit", "prompt": "storm"}, "do": link})
    assert bench.run().code == 1
    assert {row["id"]: row["state"] for row in bench.rows()} == {"good": "succeeded", "bad": "failed"}
    assert bench.emulator.ledger()["downloads"] == 1


def test_a_clip_inside_the_reply(bench: Bench) -> None:
    """A `data:` URI in the place of a link is stored as it is, without a download, and kept nowhere else."""
    bench.write("  - {id: kite, model: doubao-seedance-2-0-fast, prompt: a kite}")
    assert bench.run().code == 0
    assert bench.emulator.ledger()["downloads"] == 0
    (row,) = bench.rows()
    assert (bench.batch / row["path"]).read_bytes()[4:8] == b"ftyp"
    texts = [path for path in bench.batch.rglob("*") if path.is_file() and path.suffix != ".mp4"]
    assert [path.name for path in texts if b"data:video" in path.read_bytes()] == []
