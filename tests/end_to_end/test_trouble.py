"""A bad hour on this side: closed pipes, lost state files, pictures that change, slips in a command.

Each is reported in a sentence, and nothing that is paid for is lost or bought twice.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest

from batchvid import commands
from batchvid.display.progress import LineDisplay
from batchvid.display.tally import RunCounters
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job
from batchvid.emulator import Settings
from batchvid.runner import utc_now
from tests.builders import life, planned, spec, started, state_file
from tests.end_to_end.conftest import KEY, PICTURES, Bench, environment

KITE = "  - {id: kite, prompt: a kite}"
CRAMPED = """
import resource, sys
from batchvid.cli.main import main
most_bytes = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
main(sys.argv[2:])
"""  # a file that grows beyond that is refused by the system, as on a full disk


class TestTheDiskAndTheScreen:
    """What cannot be written or read."""

    def test_a_reader_that_goes_away(self, bench: Bench) -> None:
        """`batchvid run ... | head -1`: no traceback, and every clip that was asked for is stored and on record."""
        bench.write("  - {id: kite, prompt: a kite, takes: 4}")
        read, write = os.pipe()
        os.close(read)
        command = [sys.executable, "-m", "batchvid", "run", str(bench.manifest), "--out", str(bench.batch.parent)]
        ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=environment())
        os.close(write)
        assert ended.stderr == ""
        assert [row["state"] for row in bench.rows()] == ["succeeded"] * 4

    def test_a_report_that_cannot_be_written(self, bench: Bench) -> None:
        """Somebody made a folder of its name: the run ends as it would, and says how to write the report later."""
        bench.write(KITE)
        (bench.batch / "report.csv").mkdir(parents=True)
        ended = bench.run()
        assert ended.code == 0
        assert "report.csv could not be written" in ended.out
        assert "Traceback" not in ended.out + ended.err
        (bench.batch / "report.csv").rmdir()
        assert bench.cli("report", "batch").code == 0
        assert [row["state"] for row in bench.rows()] == ["succeeded"]

    def test_a_place_where_nothing_can_be_made(self, bench: Bench) -> None:
        """`--out` leads through a file: a sentence, exit other than 0, and nothing is sent."""
        bench.write(KITE)
        (bench.folder / "outputs").write_text("a file", "utf-8")
        ended = bench.run()
        assert ended.code != 0
        assert len(ended.err.strip().splitlines()) == 1
        assert "outputs" in ended.err
        assert bench.emulator.ledger()["submits"] == 0

    @pytest.mark.parametrize("most_kb", [4, 60, 90])
    def test_a_disk_that_fills_up(self, bench: Bench, most_kb: int) -> None:
        """Before, while or after clips are bought: a sentence; with room again all are stored, each bought once."""
        bench.write("  - {id: kite, prompt: 'kite {{ n }}', matrix: {n: [1, 2, 3, 4, 5, 6, 7, 8]}}")
        command = [sys.executable, "-c", CRAMPED, str(most_kb * 1024), "run", str(bench.manifest), "--out", "outputs"]
        ended = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=bench.folder)
        assert ended.returncode == 1
        assert "Traceback" not in ended.stdout + ended.stderr
        assert "state.sqlite3: " in ended.stderr
        if bench.run().code:
            bench.settle_uncertain()
            assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 8

    def test_a_directory_in_the_place_of_a_clip(self, bench: Bench) -> None:
        """It is no clip of an earlier run: a first run begins, and only this clip waits for its place."""
        bench.write(KITE)
        (bench.batch / "clips/kite/kite.mp4").mkdir(parents=True)
        ended = bench.run()
        assert ended.code == 1
        assert "is a directory" in ended.out
        (bench.batch / "clips/kite/kite.mp4").rmdir()
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    def test_clips_without_their_state_file(self, bench: Bench) -> None:
        """A run would buy them all again: refused with exit 2 and what to do, until the state file is back."""
        bench.write(KITE)
        assert bench.run().code == 0
        state, aside = bench.batch / "state.sqlite3", bench.folder / "aside"
        state.rename(aside)
        refused = bench.run()
        assert refused.code == 2
        assert "holds clips but no state.sqlite3" in refused.err
        assert bench.emulator.ledger()["purchases"] == 1
        aside.rename(state)
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 1


class TestSlips:
    """What was not meant is not bought."""

    def test_a_batch_that_was_never_run_cannot_be_retried(self, bench: Bench) -> None:
        """Exit 2, nothing is sent and no folder is made."""
        bench.write(KITE)
        refused = bench.cli("retry", str(bench.manifest))
        assert refused.code == 2
        assert "was never run" in refused.err
        assert not bench.batch.exists()

    def test_a_pattern_that_fits_nothing(self, bench: Bench) -> None:
        """`--regenerate kiet` is a slip: exit 2, named; `Changed` means changed in any letter case."""
        bench.write(KITE)
        assert bench.run().code == 0
        refused = bench.run("--regenerate", "kiet*")
        assert refused.code == 2
        assert "--regenerate kiet*: no job has such an id" in refused.err
        assert bench.run("--regenerate", "Changed").code == 0
        assert bench.emulator.ledger()["purchases"] == 1
        bench.write(KITE.replace("a kite", "a red kite"))
        assert bench.run("--regenerate", "Changed").code == 0
        assert bench.emulator.ledger()["purchases"] == 2

    def test_an_old_clip_stays_when_a_newer_one_is_refused(self, bench: Bench) -> None:
        """Bought again and refused: the job failed, and the report still says where the clip of before lies."""
        bench.write(KITE)
        assert bench.run().code == 0
        (before,) = bench.rows()
        bench.emulator.set_faults({"match": {"step": "submit"}, "do": {"invalid": True}})
        assert bench.run("--regenerate", "kite").code == 1
        (after,) = bench.rows()
        assert after["state"] == "failed"
        assert (after["path"], after["sha256"]) == (before["path"], before["sha256"])
        assert (bench.batch / after["path"]).is_file()

    def test_a_models_name_is_not_taken_for_markup(self, bench: Bench) -> None:
        """Brackets in a name are shown as they are."""
        bench.write("  - {id: house, prompt: a house, model: 'openai-videos/house[/x]'}")
        shown = bench.cli("plan", str(bench.manifest))
        assert shown.code == 0
        assert "house[/x]" in shown.out

    def test_a_status_after_a_kill_says_what_will_become(self, bench: Bench) -> None:
        """Killed while a paid call was out: such jobs are shown as uncertain by the next run, and status says so."""
        bench.write(KITE)
        bench.start("1", str(bench.manifest), module="tests.end_to_end.kill_after_events").communicate(timeout=60)
        assert "the next run shows those jobs as uncertain" in bench.cli("status", "batch").out
        assert bench.run().code == 5
        assert "shows those jobs" not in bench.cli("status", "batch").out


def test_a_signal_while_a_manifest_is_read(tmp_path: Path) -> None:
    """SIGTERM before anything was begun ends with 130 and without a traceback, as it does during a run."""
    slow = tmp_path / "slow.yaml"
    os.mkfifo(slow)
    command = [sys.executable, "-m", "batchvid", "plan", str(slow)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path
    ) as process:
        try:
            with slow.open("w", encoding="utf-8"):  # opens once the other side reads
                process.send_signal(signal.SIGTERM)
                _, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in err


class Retoucher(LineDisplay):
    """A display that edits a picture as soon as the first paid call goes out."""

    def __init__(self, jobs: Sequence[Job], picture: Path) -> None:
        super().__init__(RunCounters(jobs), StringIO())
        self._picture = picture

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        super().__call__(event, before, after)
        if isinstance(event, ev.SubmitStarted):
            self._picture.write_bytes((PICTURES / "harbour-dusk.jpg").read_bytes())


def test_a_picture_that_changes_during_the_run(bench: Bench) -> None:
    """Its job is not bought with another picture than planned: it stays pending, and the next run plans it again."""
    picture = bench.folder / "first.jpg"
    picture.write_bytes((PICTURES / "harbour.jpg").read_bytes())
    bench.write(KITE + "\n  - {id: quay, prompt: a quay, image: first.jpg}", concurrency=1)
    batch = commands.load(bench.manifest, out=bench.batch.parent)
    outcome = commands.run(batch, display=lambda jobs: Retoucher(jobs, picture))
    assert outcome.exit_code != 0
    assert "first.jpg changed since the job was planned" in outcome.reason
    assert {row["id"]: (row["state"], row["attempts"]) for row in bench.rows()} == {
        "kite": ("succeeded", "1"), "quay": ("pending", "0"),
    }  # fmt: skip
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 2


class TestLimits:
    """They hold however a model is written and however often a run begins."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(life="seconds:0.1", render="shared", api_key=KEY)

    def test_a_models_limit_holds_under_both_its_names(self, bench: Bench) -> None:
        """`models: {kling-v2-6: ...}` is also about `kling/kling-v2-6`: together they have one slot."""
        clip = "prompt: a boat, duration_s: 5, takes: 2, model"
        bench.write(
            f"  - {{id: boat, {clip}: kling/kling-v2-6}}\n  - {{id: ship, {clip}: kling-v2-6}}",
            models={"kling-v2-6": {"concurrency": 1}},
        )
        assert bench.run().code == 0
        ledger = bench.emulator.ledger()
        assert (ledger["purchases"], ledger["in_flight_max"]) == (4, 1)

    @pytest.mark.parametrize(("minutes_ago", "bought"), [(7, 0), (11, 1)])
    def test_a_slow_rate_holds_across_runs(self, bench: Bench, minutes_ago: float, bought: int) -> None:
        """One submit in ten minutes: an earlier run's of seven minutes ago is in the way, one of eleven is not."""
        bench.write(KITE, submits_per_min=0.1)
        then = utc_now() - timedelta(minutes=minutes_ago)
        lost = ev.SubmitRefused(at=then, kind=FailureKind.INVALID, message="no", retry_at=None)
        state_file(bench.batch / "state.sqlite3", life(planned(spec("old")), started(at=then), lost))
        batch = commands.load(bench.manifest, out=bench.batch.parent)
        outcome = commands.run(
            batch, display=lambda jobs: (LineDisplay if bought else Impatient)(RunCounters(jobs), StringIO())
        )
        assert outcome.exit_code == (0 if bought else 130)
        assert bench.emulator.ledger()["submits"] == bought


class Impatient(LineDisplay):
    """A display that presses Ctrl-C, once, when a second has passed."""

    pressed = False

    def tick(self) -> None:
        if not self.pressed:
            self.pressed = True
            os.kill(os.getpid(), signal.SIGINT)
