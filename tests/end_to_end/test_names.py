"""A batch called by its name continues as it was run; a run's end is reported correctly."""

from __future__ import annotations

import os
import subprocess
import sys

from batchvid import commands
from batchvid.state.readers import read_meta
from tests.end_to_end.conftest import PICTURES, Bench, environment
from tests.end_to_end.test_trouble import KITE, Retoucher


def test_sets_do_not_pile_up(bench: Bench) -> None:
    """The last word on each key is kept, however many nights a batch is run by its name."""
    bench.write(KITE)
    assert bench.run("--set", "budget.clips=5").code == 0
    for _ in range(2):
        assert bench.cli("run", "batch", "--set", "budget.clips=5").code == 0
    assert read_meta(bench.batch / "state.sqlite3")["sets"] == ["budget.clips=5"]


def test_a_run_of_some_clips_stays_one_by_its_name(bench: Bench) -> None:
    """`run m.yaml --only kite`, then `run NAME`: nothing else is bought."""
    bench.write(KITE + "\n  - {id: boat, prompt: a boat}")
    assert bench.run("--only", "kite").code == 0
    assert bench.cli("run", "batch").code == 0
    assert bench.emulator.ledger()["purchases"] == 1


def test_a_closed_pipe_does_not_change_the_exit_code(bench: Bench) -> None:
    """All stored and nobody listens: 0, so that a script that pipes into `head` may go by it."""
    bench.write(KITE)
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "batchvid", "run", str(bench.manifest), "--out", str(bench.batch.parent)]
    ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=environment())
    os.close(write)
    assert [row["state"] for row in bench.rows()] == ["succeeded"]
    assert ended.returncode == 0


def test_a_changed_picture_is_no_budget(bench: Bench) -> None:
    """A job passed over because its picture changed leaves the run unfinished (1), not over a budget (3)."""
    picture = bench.folder / "first.jpg"
    picture.write_bytes((PICTURES / "harbour.jpg").read_bytes())
    bench.write(KITE + "\n  - {id: quay, prompt: a quay, image: first.jpg}", concurrency=1)
    batch = commands.load(bench.manifest, out=bench.batch.parent)
    outcome = commands.run(batch, display=lambda jobs: Retoucher(jobs, picture))
    assert outcome.exit_code == 1
