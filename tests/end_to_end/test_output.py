"""No output changes what becomes of a job: odd encodings, a display that raises, a pipe that nobody reads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from batchvid import commands
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job, JobState
from batchvid.state.readers import read_jobs
from tests.end_to_end.conftest import Bench, environment, until
from tests.end_to_end.test_parents import LONGER, TEA

REASON = "您的提示词包含敏感内容"
CLIPS = """
  - {id: kite, prompt: a paper kite}
  - {id: rude, prompt: a rude kite}
"""
REFUSED = {
    "match": {"step": "submit", "prompt": "rude"},
    "do": {"status": 400, "json": {"error": {"message": REASON, "code": "content_policy_violation"}}},
}


class Raising:
    """A display that fails at every call."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """Fails."""
        raise RuntimeError("the display is broken")

    def notice(self, text: str) -> None:
        """Fails."""
        raise RuntimeError("the display is broken")

    def tick(self) -> None:
        """Fails."""
        raise RuntimeError("the display is broken")

    def close(self) -> None:
        """Fails."""
        raise RuntimeError("the display is broken")


def states(bench: Bench) -> dict[str, JobState]:
    """The state of each job on disk."""
    return {job.id: job.state for job in read_jobs(bench.batch / "state.sqlite3")}


def program(bench: Bench, *args: str, encoding: str) -> subprocess.CompletedProcess[bytes]:
    """A command whose standard streams have this encoding."""
    return subprocess.run(
        [sys.executable, "-m", "batchvid", *args, "--out", str(bench.folder / "outputs")],
        capture_output=True,
        env={**environment(), "PYTHONIOENCODING": encoding},
        timeout=60,
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_refusal_that_the_terminal_cannot_show(bench: Bench, encoding: str) -> None:
    """A clear refusal in Chinese is failed, not uncertain; it is shown escaped; `status` and `retry` work too."""
    bench.write(CLIPS)
    bench.emulator.set_faults(REFUSED)
    run = program(bench, "run", str(bench.manifest), encoding=encoding)
    assert run.returncode == 1, run.stderr
    assert states(bench) == {"kite": JobState.SUCCEEDED, "rude": JobState.FAILED}
    assert REASON.encode("ascii", "backslashreplace") in run.stdout
    assert bench.emulator.ledger()["submits"] == 2
    status = program(bench, "status", str(bench.manifest), encoding=encoding)
    assert status.returncode == 0, status.stderr
    assert b"rude" in status.stdout
    assert b"Traceback" not in run.stderr + status.stderr
    program(bench, "run", str(bench.manifest), encoding=encoding)
    assert bench.emulator.ledger()["submits"] == 2


def test_a_display_that_raises(bench: Bench) -> None:
    """Every job ends as it would without it, children too; the log names the display once."""
    bench.write(CLIPS + TEA + LONGER)
    bench.emulator.set_faults(REFUSED)
    outcome = commands.run(commands.load(bench.manifest, out=bench.batch.parent), display=Raising)
    assert outcome.exit_code == 1
    assert states(bench) == {
        "kite": JobState.SUCCEEDED, "rude": JobState.FAILED,  "tea": JobState.SUCCEEDED, "longer": JobState.SUCCEEDED,
    }  # fmt: skip
    assert bench.emulator.ledger()["purchases"] == 3
    log = (bench.batch / "run.log").read_text("utf-8")
    assert log.count("Raising failed: RuntimeError: the display is broken") == 1


def test_a_pipe_that_nobody_reads(bench: Bench) -> None:
    """The reader stops reading: the run buys and stores every clip all the same."""
    many = "\n".join(f"  - {{id: k{number:03}, prompt: '{'kite ' * 40}{number}'}}" for number in range(60))
    bench.write(many)
    command = [sys.executable, "-m", "batchvid", "run", str(bench.manifest), "--verbose"]
    with subprocess.Popen(
        [*command, "--out", str(bench.folder / "outputs")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pipesize=4096, env=environment(),
    ) as process:  # fmt: skip
        until(lambda: (bench.batch / "report.csv").exists() and set(states(bench).values()) == {JobState.SUCCEEDED})
        assert bench.emulator.ledger()["purchases"] == 60
        process.kill()


@pytest.mark.parametrize("where", ["closed", "full"])
def test_a_standard_output_that_cannot_be_written(bench: Bench, where: str) -> None:
    """A closed stream or a full disk behind it: the job is bought once and stored."""
    bench.write("  - {id: kite, prompt: a paper kite}")
    target = ">&-" if where == "closed" else ">/dev/full"
    line = f'exec "{sys.executable}" -m batchvid run "{bench.manifest}" --out "{bench.folder / "outputs"}" {target}'
    done = subprocess.run(["/bin/sh", "-c", line], stderr=subprocess.PIPE, env=environment(), timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert states(bench) == {"kite": JobState.SUCCEEDED}
    assert bench.emulator.ledger()["purchases"] == 1
