"""A provider or a model that fails everything: paused, probed, given up; nobody else is held up, and the run ends."""

from __future__ import annotations

from dataclasses import replace

from batchvid import commands
from batchvid.commands import Batch
from tests.end_to_end.conftest import Bench

KITES = "  - {id: kite, prompt: a kite, takes: 30}"
BROKEN = {"outcome": "fail", "message": "internal error"}
DOWN = {"status": 503, "json": {"error": {"message": "no channel", "code": "model_not_found"}}}


def hasty(bench: Bench) -> Batch:
    """The batch, with waits after a refusal that begin at a fifth of a millisecond."""
    batch = commands.load(bench.manifest, out=bench.folder / "outputs")
    return replace(batch, providers={name: replace(row, wait_initial_s=2e-4) for name, row in batch.providers.items()})


def test_tasks_that_all_break_are_not_bought_on_and_on(bench: Bench) -> None:
    """Of thirty jobs five are bought and three probes, exit 6; the others stay pending and are bought later."""
    bench.write(KITES, concurrency=1)
    bench.emulator.set_faults({"match": {"step": "submit"}, "do": BROKEN})
    outcome = commands.run(hasty(bench))
    reason = "cometapi was stopped: veo3-fast: its tasks fail. Its jobs stay pending: fix that and run again"
    assert (outcome.exit_code, outcome.reason) == (6, reason)
    assert bench.emulator.ledger()["purchases"] == 8
    assert bench.status()["states"]["pending"] == 22
    bench.emulator.set_faults()
    assert bench.run().code == 1
    assert bench.emulator.ledger()["purchases"] == 30


def test_a_model_that_is_gone_holds_up_no_other(bench: Bench) -> None:
    """Eight calls for it are refused; the other model of the same provider is stored to the last clip; exit 6."""
    bench.write(f"{KITES}\n  - {{id: boat, prompt: a boat, model: veo3.1-fast, takes: 6}}", concurrency=1)
    bench.emulator.set_faults({"match": {"step": "submit", "model": "veo3-fast"}, "do": DOWN})
    outcome = commands.run(hasty(bench))
    assert outcome.exit_code == 6
    ledger = bench.emulator.ledger()
    assert (ledger["submits"], ledger["purchases"]) == (8 + 6, 6)
    states = bench.status()["states"]
    assert (states["succeeded"], states["pending"], states["failed"]) == (6, 30, 0)


def test_an_outage_that_ends_is_found_out_by_one_job(bench: Bench) -> None:
    """Up to three calls are refused together, the probes one by one; when one is accepted all are bought, each once."""
    bench.write(KITES, concurrency=3)  # one or three together, fewer probes than end the model remain of the six
    bench.emulator.set_faults({"match": {"step": "submit", "times": 6}, "do": DOWN})
    assert commands.run(hasty(bench)).exit_code == 0
    ledger = bench.emulator.ledger()
    assert (ledger["submits"], ledger["purchases"]) == (6 + 30, 30)


def test_retries_have_a_budget_of_their_own(bench: Bench) -> None:
    """Every third task breaks for ever and `retries: 9` allows many more: ten and a fifth of all are bought again."""
    clips = KITES + "\n  - {id: storm, prompt: storm, takes: 15}"
    bench.write(clips, top="retries: 9", concurrency=3)
    bench.emulator.set_faults({"match": {"step": "submit", "prompt": "storm"}, "do": BROKEN})
    assert commands.run(hasty(bench)).exit_code in (1, 6)
    purchases = bench.emulator.ledger()["purchases"]
    assert 45 < purchases <= 45 + 10 + purchases // 5
    log = (bench.batch / "run.log").read_text("utf-8")
    assert log.count("too many tasks failed: no more are bought automatically") == 1


def test_polls_that_are_not_answered_are_reported_once(bench: Bench) -> None:
    """Thirty tasks that nobody tells of: one line says so, and every clip comes home when the answers do."""
    bench.write(KITES)
    bench.emulator.set_faults({"match": {"step": "poll", "nth": [1, 2, 3]}, "do": {"unavailable": True}})
    ended = bench.run()
    assert ended.code == 0
    assert ended.out.count("cometapi does not answer polls (unavailable)") == 1
    assert bench.emulator.ledger()["purchases"] == 30
