"""Runway's own API from the plan to the clip: prices, the credits of the bill, its queue, its daily cap, cancelling."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from batchvid.domain.jobs import JobState
from batchvid.emulator import Settings
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import KEY, PICTURES, Bench
from tests.end_to_end.interrupted import leave_running

KITE = "{id: kite, prompt: a kite, model: gen4.5, duration_s: 5}"


@pytest.fixture
def settings() -> Settings:
    return Settings(life="polls:1", render="shared", api_key=KEY)


def write(bench: Bench, *clips: str, **limits: object) -> None:
    """A manifest for the built-in provider, at the emulator's address."""
    row = {"base_url": f"{bench.emulator.base_url}/runwayml", "api_key_env": "TEST_KEY", "poll_every_s": 0.02}
    quick = {"submits_per_min": 60000, "polls_per_s": 1000, "send_key_to_own_links": False}
    provider = json.dumps({**row, **quick, **limits})
    lines = "\n".join(f"  - {clip}" for clip in clips)
    bench.manifest.write_text(
        f"batch: batch\nproviders: {{runway: {provider}}}\ndefaults: {{provider: runway}}\nclips:\n{lines}\n"
    )


def test_every_route(bench: Bench) -> None:
    """A clip from text, from references, from frames, and out of another clip; the bill is in dollars."""
    frame = PICTURES / "harbour.jpg"
    write(
        bench,
        KITE,
        f"{{id: boat, prompt: this boat, model: seedance2, duration_s: 5, reference_images: ['{frame}']}}",
        f"{{id: sea, prompt: waves, model: veo3.1, duration_s: 8, image: '{frame}', end_image: '{frame}'}}",
        "{id: winter, prompt: in winter, model: aleph2, action: edit, parent: kite}",
    )
    assert bench.run("--set", "budget.allow_unpriced=true").code == 0
    jobs = {job.id: job for job in read_jobs(bench.batch / "state.sqlite3")}
    assert {job.state for job in jobs.values()} == {JobState.SUCCEEDED}
    assert sorted(task["route"].rpartition("/")[2] for task in bench.emulator.ledger()["tasks"]) == [
        "image_to_video", "text_to_video", "text_to_video", "video_to_video",
    ]  # fmt: skip
    assert Decimal(jobs["kite"].actual_usd) == jobs["kite"].price.usd == Decimal("0.60")
    assert Decimal(jobs["boat"].actual_usd) == jobs["boat"].price.usd == Decimal("1.80")
    assert Decimal(jobs["sea"].actual_usd) == jobs["sea"].price.usd == Decimal("1.60")
    assert (Decimal(jobs["winter"].actual_usd), jobs["winter"].price.usd) == (Decimal("1.40"), None)


def test_a_task_that_may_cost_more_counts_at_once(bench: Bench) -> None:
    """The reply to the submit names five dollars: the second clip is over the cap. In the end the real cost counts."""
    write(bench, KITE, KITE.replace("kite", "boat"), concurrency=1)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"set": {"estimatedCost.credits": 500}}})
    ended = bench.run("--set", "budget.usd=1.20")
    assert "the vendor may charge $5, the estimate was $0.60" in ended.err + ended.out
    kite = read_jobs(bench.batch / "state.sqlite3")[0]
    assert (kite.state, Decimal(kite.actual_usd)) == (JobState.SUCCEEDED, Decimal("0.60"))


def test_the_daily_cap_ends_the_run(bench: Bench) -> None:
    """Nothing more is submitted, and the next run does not try before the day is over."""
    write(bench, KITE, KITE.replace("kite", "boat"), concurrency=1)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": "rate"})
    assert bench.run().code == 6
    assert bench.emulator.ledger()["submits"] == 1
    assert bench.run().code == 6
    assert bench.emulator.ledger()["submits"] == 1
    bench.emulator.set_faults()
    assert bench.run("--try-now").code == 0


class TestQueue:
    """Over the vendor's own limit a task waits there, and costs nothing until it is made."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(
            life="polls:3", render="shared", api_key=KEY, concurrency=1, cancel="running", runway_hidden_polls=0
        )

    def test_a_throttled_task_is_not_bought_again(self, bench: Bench) -> None:
        """Both clips are stored, and two tasks were sold."""
        write(bench, KITE, KITE.replace("kite", "boat"))
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 2

    def test_cancel(self, bench: Bench) -> None:
        """An unfinished task is cancelled at Runway."""
        write(bench, KITE)
        leave_running(bench)
        assert "was cancelled at runway" in bench.cli("cancel", "batch").out
        (task,) = bench.emulator.ledger()["tasks"]
        assert task["status"] == "cancelled"
