"""xAI's own API from the plan to the clip: empty pending polls, the cost in ticks, and a filter that bills."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.jobs import JobState
from batchvid.emulator import Settings
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import KEY, Bench

KITE = "{id: kite, prompt: a kite, model: grok-imagine-video, duration_s: 4, resolution: 720p}"


@pytest.fixture
def settings() -> Settings:
    return Settings(life="polls:3", render="shared", api_key=KEY, xai_pending="empty")


def write(bench: Bench, *clips: str) -> None:
    """A manifest for the built-in provider, at the emulator's address."""
    row = {"base_url": f"{bench.emulator.base_url}/grok", "api_key_env": "TEST_KEY", "poll_every_s": 0.02}
    quick = {"submits_per_min": 60000, "polls_per_s": 1000, "send_key_to_own_links": False}
    provider = json.dumps({**row, **quick})
    lines = "\n".join(f"  - {clip}" for clip in clips)
    bench.manifest.write_text(
        f"batch: batch\nproviders: {{xai: {provider}}}\ndefaults: {{provider: xai}}\nclips:\n{lines}\n"
    )


def test_a_clip_and_its_extension(bench: Bench) -> None:
    """Pending polls without a body end in a clip; what is added to it is a clip of its own; the ticks are the cost."""
    longer = "{id: longer, prompt: it flies on, model: grok-imagine-video, action: extend, parent: kite, duration_s: 6}"
    write(bench, KITE, longer)
    assert bench.run("--set", "budget.allow_unpriced=true").code == 0
    kite, more = read_jobs(bench.batch / "state.sqlite3")
    assert (kite.state, more.state) == (JobState.SUCCEEDED, JobState.SUCCEEDED)
    assert Decimal(kite.actual_usd) == kite.price.usd == Decimal("0.28")
    assert [task["seconds"] for task in bench.emulator.ledger()["tasks"]] == [4, 10]


def test_a_withheld_clip_is_paid_for(bench: Bench) -> None:
    """Done, and the filter holds it back: not bought again, and its cost counts."""
    write(bench, KITE)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"outcome": "moderation"}})
    assert bench.run().code == 1
    (kite,) = read_jobs(bench.batch / "state.sqlite3")
    assert (kite.state, kite.kind, kite.charged) == (JobState.FAILED, FailureKind.MODERATION_OUTPUT, Charged.YES)
    assert Decimal(kite.actual_usd) == Decimal("0.28")
    assert bench.emulator.ledger()["purchases"] == 1
