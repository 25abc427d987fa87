"""How long tasks take is learned while a batch runs, and known to its next run."""

from __future__ import annotations

import pytest

from batchvid.emulator import Settings
from batchvid.state.readers import read_meta
from tests.end_to_end.conftest import KEY, Bench


def clips(word: str) -> str:
    return f"  - {{id: {word}, prompt: a {word}, takes: 20}}"


@pytest.mark.parametrize("settings", [Settings(life="seconds:0.3", render="shared", api_key=KEY)])
def test_a_second_run_asks_far_less(bench: Bench) -> None:
    """Tasks that always take as long are not asked for before: twenty more cost less than half the questions."""
    bench.write(clips("kite"), concurrency=10)
    assert bench.run().code == 0
    first = bench.emulator.ledger()["polls"]
    assert read_meta(bench.batch / "state.sqlite3")["laws"]["cometapi/veo3-fast"]["ends"]
    bench.write(clips("kite") + "\n" + clips("boat"), concurrency=10)
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 40
    assert bench.emulator.ledger()["polls"] - first < first / 2
