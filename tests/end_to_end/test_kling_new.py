"""Kling's own API from the plan to the clip: both wires at one provider, units as dollars, many tasks in one poll."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from batchvid.domain.jobs import JobState
from batchvid.emulator import Settings
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import KEY, PICTURES, Bench

KITE = "{id: kite, prompt: a kite, model: kling-3.0, duration_s: 5}"
TASKS = 30


@pytest.fixture
def settings() -> Settings:
    return Settings(life="polls:4", render="shared")


def write(bench: Bench, *clips: str, **limits: object) -> None:
    """A manifest for the built-in provider; the emulator has its new wire at another prefix than the old one."""
    row = {"base_url": f"{bench.emulator.base_url}/kling-new", "api_key_env": "TEST_KEY", "poll_every_s": 0.05}
    quick = {"submits_per_min": 60000, "polls_per_s": 1000, "send_key_to_own_links": False}
    provider = json.dumps({**row, **quick, **limits})
    lines = "\n".join(f"  - {clip}" for clip in clips)
    bench.manifest.write_text(
        f"batch: batch\nproviders: {{kling: {provider}}}\ndefaults: {{provider: kling}}\nclips:\n{lines}\n"
    )


def test_clips_of_every_kind(bench: Bench) -> None:
    """From text with and without sound, from a frame, from references, and an edit; the bill is in dollars."""
    frame = PICTURES / "harbour.jpg"
    write(
        bench,
        KITE,
        "{id: loud, prompt: a bell, model: kling-3.0, duration_s: 10, sound: true, resolution: 1080p}",
        f"{{id: sea, prompt: waves, model: kling-3.0-turbo, duration_s: 5, image: '{frame}'}}",
        f"{{id: boat, prompt: this boat, model: kling-3.0-omni, reference_images: ['{frame}']}}",
        "{id: winter, prompt: in winter, model: kling-3.0-omni, action: edit, parent: kite}",
    )
    assert bench.run("--set", "budget.allow_unpriced=true").code == 0
    jobs = {job.id: job for job in read_jobs(bench.batch / "state.sqlite3")}
    assert {job.state for job in jobs.values()} == {JobState.SUCCEEDED}
    assert Decimal(jobs["kite"].actual_usd) == jobs["kite"].price.usd == Decimal("0.42")
    assert Decimal(jobs["loud"].actual_usd) == jobs["loud"].price.usd == Decimal("1.68")
    assert jobs["sea"].price.usd is None


def test_a_batch_is_polled_with_few_calls(bench: Bench) -> None:
    """Every task takes at least four polls; one call polls many of them."""
    write(bench, KITE.replace("}", f", takes: {TASKS}}}"), concurrency=TASKS)
    assert bench.run().code == 0
    ledger = bench.emulator.ledger()
    assert ledger["purchases"] == TASKS
    assert ledger["families"]["kling-new"]["polls"] * 3 < TASKS * 4


def test_a_lost_submit_is_found_by_its_own_id(bench: Bench) -> None:
    """The task of a reply that never came is adopted; nothing is bought again."""
    write(bench, KITE)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": "reset_after"})
    ended = bench.run()
    assert ended.code == 0
    assert "is found again at kling" in ended.err + ended.out
    assert bench.emulator.ledger()["purchases"] == 1


def test_the_older_wire_with_a_signed_token(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An access and a secret key: the emulator takes any token here; the units of the reply are the bill."""
    for name in ("KLING_ACCESS_KEY", "KLING_SECRET_KEY"):
        monkeypatch.setenv(name, KEY)
    row = {"base_url": f"{bench.emulator.base_url}/kling", "poll_every_s": 0.05, "send_key_to_own_links": False}
    clip = "{id: kite, prompt: a kite, model: kling-v3, duration_s: 7, mode: pro, sound: true}"
    providers = json.dumps({"kling-jwt": row})
    bench.manifest.write_text(
        f"batch: batch\nproviders: {providers}\ndefaults: {{provider: kling-jwt}}\nclips: [{clip}]\n"
    )
    assert bench.run().code == 0
    (kite,) = read_jobs(bench.batch / "state.sqlite3")
    assert Decimal(kite.actual_usd) == kite.price.usd == Decimal("1.176")
