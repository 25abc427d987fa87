"""A provider that takes fewer tasks at once than the manifest asks for: fewer are asked for, and all are bought."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batchvid import commands
from batchvid.emulator import Settings
from tests.end_to_end.conftest import KEY, Bench


class TestAVendorOfThree:
    """Its own limit is three tasks."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(life="polls:2", render="shared", api_key=KEY, concurrency=3)

    def test_all_are_bought_and_each_change_is_told(self, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
        """Asked for twelve at once it refuses; the limit falls, every clip is stored, and run.log names the limits."""
        bench.write("  - {id: kite, prompt: a kite, takes: 30}", concurrency=12)
        batch = commands.load(bench.manifest, out=bench.folder / "outputs")
        rows = {name: replace(row, wait_initial_s=0.02) for name, row in batch.providers.items()}
        assert commands.run(replace(batch, providers=rows)).exit_code == 0
        ledger = bench.emulator.ledger()
        assert (ledger["purchases"], ledger["in_flight_max"]) == (30, 3)
        assert ledger["refused"] < 60
        notices = [line for line in capsys.readouterr().out.splitlines() if "tasks at once" in line]
        assert "cometapi: at most 6 tasks at once, as it refused more" in notices[0]
        log = (bench.batch / "run.log").read_text("utf-8")
        assert log.count("tasks at once") == len(notices)
