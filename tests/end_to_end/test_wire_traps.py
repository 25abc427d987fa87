"""Traps of the wire that only a whole run falls into: from the vendor's odd reply to the stored clip."""

from __future__ import annotations

from typing import Any

import pytest

from batchvid.emulator import Settings
from tests.end_to_end.conftest import KEY, PICTURES, Bench


@pytest.fixture
def settings() -> Settings:
    odd = {"kling_ids": "number", "xai_shape": "wrapped", "seedance_shape": "inline"}
    return Settings.model_validate({"life": "polls:4", "render": "shared", "fps": 4, "api_key": KEY, **odd})


@pytest.mark.pitfall("progress 100 is taken for success")
def test_progress_100_is_no_success(bench: Bench) -> None:
    """A task that says 100 while it runs is asked again until it has ended, and only then fetched."""
    bench.write("  - {id: kite, prompt: a kite}")
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"outcome": "progress_100_running"}})
    assert bench.run().code == 0
    books = bench.emulator.ledger()
    assert (books["tasks"][0]["polls"], books["purchases"], books["downloads"]) == (4, 1, 1)


@pytest.mark.pitfall("a task id is read as a number")
def test_an_id_that_no_double_can_hold(bench: Bench) -> None:
    """A bare number is kept digit by digit: on the disk, in the report, and in the path of every poll."""
    bench.write("  - {id: boat, model: kling-v2-6, duration_s: 5, prompt: a boat}")
    assert bench.run().code == 0
    task_id = bench.emulator.ledger()["tasks"][0]["task_id"]
    assert [row["task_id"] for row in bench.rows()] == [task_id]
    assert float(task_id) > 2**53


@pytest.mark.pitfall("fail_reason holds the link of a success")
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


SHAPES: dict[str, dict[str, Any]] = {
    "wrapped": {
        "kling_shape": "gateway",
        "runway_shape": "wrapped",
        "xai_shape": "wrapped",
        "veo_shape": "wrapped",
        "seedance_shape": "video_url",
        "videos_shape": "metadata",
        "accepted_status": 201,
    },
    "tutorial": {
        "kling_success": "SUCCESS",
        "runway_shape": "lower",
        "runway_hidden_as": "status_200",
        "xai_pending": "empty",
        "veo_shape": "output",
        "seedance_shape": "wrapped",
        "videos_shape": "content",
    },
    "upstream": {
        "runway_hidden_as": "http_404",
        "xai_pending": "upstream",
        "veo_shape": "metadata",
        "videos_shape": "url",
        "accepted_status": 202,
        "unknown_task_status": 404,
        "unknown_task_as": "openai",
    },
}


class TestEveryShape:
    """The shapes in which the same routes were seen to answer, of which nobody knows the one of today."""

    @pytest.fixture(params=SHAPES)
    def settings(self, request: pytest.FixtureRequest) -> Settings:
        usual = {"life": "polls:3", "render": "shared", "fps": 4, "api_key": KEY}
        return Settings.model_validate(usual | SHAPES[request.param])

    def test_ends_stored(self, bench: Bench) -> None:
        """One clip of each wire format is bought once, read in whatever shape it is sent, and stored."""
        bench.write(f"""
  - {{id: veo, prompt: a kite}}
  - {{id: seedance, model: doubao-seedance-2-0-fast, prompt: a kite}}
  - {{id: other, model: videos/wan2.6, resolution: 1280x720, aspect_ratio: null, prompt: a kite}}
  - {{id: kling, model: kling-v2-6, duration_s: 5, prompt: a kite}}
  - {{id: runway, model: gen3a_turbo, duration_s: 5, prompt: a kite, image: '{PICTURES / "harbour.jpg"}'}}
  - {{id: xai, model: grok-imagine-video, prompt: a kite}}""")
        ended = bench.run()
        assert ended.code == 0, ended.out + ended.err
        assert bench.emulator.ledger()["purchases"] == len(bench.rows()) == 6
