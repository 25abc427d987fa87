"""A bad hour of the machine: the state file, the rights, the clock, the network.

Each ends in a sentence and the right exit code, buys nothing twice, and the run that follows goes on.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
import threading
import time
from contextlib import closing
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from batchvid.domain.jobs import Job, JobState, advance
from batchvid.emulator import Settings
from batchvid.runner import Outcome
from batchvid.state import codec
from batchvid.state.readers import read_jobs
from batchvid.state.state_file import RecordedEvent, StateFile
from tests.end_to_end.conftest import KEY, Bench, Result, ServedEmulator, until
from tests.faults import all_formats, crash_runner

KITE = "  - {id: kite, prompt: a kite}"
BOAT = "  - {id: boat, prompt: a boat}"
ASIDE = "aside"


def files_of(state: Path) -> list[Path]:
    """The state file and what SQLite keeps beside it."""
    return [
        path for path in (state, *map(state.with_name, (state.name + "-wal", state.name + "-shm"))) if path.exists()
    ]


def put_aside(bench: Bench) -> None:
    """Copy the state file, as a backup does."""
    for path in files_of(bench.batch / "state.sqlite3"):
        shutil.copy(path, bench.folder / (ASIDE + path.name))


def put_back(bench: Bench) -> None:
    """Bring that copy back, and nothing but it."""
    for path in files_of(bench.batch / "state.sqlite3"):
        path.unlink()
    for path in bench.folder.glob(ASIDE + "*"):
        shutil.copy(path, bench.batch / path.name.removeprefix(ASIDE))


def check_exit(ended: Result, code: int, *words: str) -> None:
    """That exit code, these words in one sentence on standard error, and no traceback."""
    assert ended.code == code, ended.out + ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert "Traceback" not in ended.err
    for word in words:
        assert word in ended.err


class TestTheStateFile:
    """It is newer than the program, damaged, or not all that there was."""

    def test_of_a_newer_version(self, bench: Bench) -> None:
        """Every command that needs it ends with exit 2 and `Upgrade`; not a byte is changed; then all goes on."""
        bench.write(KITE)
        assert bench.run().code == 0
        state = bench.batch / "state.sqlite3"
        with closing(sqlite3.connect(state)) as connection:
            (known,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version = {known + 1}")
        before = state.read_bytes()
        for command in ("run", "retry"):
            check_exit(bench.cli(command, str(bench.manifest)), 2, "Upgrade: ", "nothing was changed")
        assert state.read_bytes() == before
        with closing(sqlite3.connect(state)) as connection:
            connection.execute(f"PRAGMA user_version = {known}")
        bench.write(f"{KITE}\n{BOAT}")
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 2

    @pytest.mark.parametrize(
        ("damage", "code"),
        [
            (lambda whole: whole[: len(whole) // 2], 1),
            (lambda whole: whole[:100], 1),
            (lambda _whole: random.Random(5).randbytes(20_000), 1),
            (lambda whole: whole[:4096] + random.Random(5).randbytes(len(whole) - 4096), 1),
            (lambda _whole: b"", 2),
        ],
        ids=["half of it", "its head", "random bytes", "its first page", "nothing"],
    )
    def test_damaged(self, bench: Bench, damage: Any, code: int) -> None:
        """Nothing is bought and nothing is sent; with the backup in its place the run goes on."""
        bench.write(f"{KITE}\n{BOAT}")
        assert bench.run().code == 0
        put_aside(bench)
        state = bench.batch / "state.sqlite3"
        state.write_bytes(damage(state.read_bytes()))
        check_exit(bench.run(), code, "state.sqlite3")
        assert bench.emulator.ledger()["submits"] == 2
        put_back(bench)
        assert bench.run().code == 0
        assert bench.emulator.ledger()["submits"] == 2

    @pytest.mark.parametrize("events", [2, 3])
    def test_without_its_wal(self, bench: Bench, events: int) -> None:
        """Copied after a kill without the -wal beside it: it knows of no purchase and is refused with exit 2."""
        bench.write(KITE)
        bench.start(str(events), str(bench.manifest), module="tests.end_to_end.kill_after_events").communicate(
            timeout=60
        )
        put_aside(bench)
        for path in files_of(bench.batch / "state.sqlite3")[1:]:
            path.unlink()
        check_exit(bench.run(), 2, "paid call 1 of job kite", "with its -wal")
        assert bench.emulator.ledger()["submits"] <= 1
        put_back(bench)
        if bench.run().code:
            bench.settle_uncertain()
            assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 1

    def test_of_yesterday(self, bench: Bench) -> None:
        """A backup from before the last purchases is refused with exit 2 and buys none of them again."""
        bench.write(KITE)
        assert bench.run().code == 0
        put_aside(bench)
        bench.write(f"{KITE}\n{BOAT}")
        assert bench.run().code == 0
        newest = (bench.batch / "state.sqlite3").read_bytes()
        put_back(bench)
        check_exit(bench.run(), 2, "paid call 1 of job boat", "older copy")
        (bench.batch / "state.sqlite3").write_bytes(newest)
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 2


@pytest.mark.skipif(sys.platform != "linux", reason="rights are given up by a Linux call")
class TestRights:
    """Folders that may only be read."""

    @pytest.fixture
    def may_not(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Any:
        """A command of somebody who may not write where the mode forbids it."""
        monkeypatch.setenv("PYTHONPATH", str(all_formats.ROOT))

        def command(*args: str) -> Result:
            out = str(bench.folder / "outputs")
            code, output = crash_runner.told_without_rights([*args, "--out", out], bench.folder / "said.txt")
            return Result(code, "", output)

        return command

    def test_a_folder_of_outputs(self, bench: Bench, may_not: Any) -> None:
        """Nothing can be begun: exit 1, the folder is named, nothing is sent; once it may be written, all is bought."""
        bench.write(KITE)
        outputs = bench.folder / "outputs"
        outputs.mkdir()
        outputs.chmod(0o555)
        check_exit(may_not("run", str(bench.manifest)), 1, "outputs/batch", "Permission denied")
        assert bench.emulator.ledger()["submits"] == 0
        outputs.chmod(0o755)
        assert bench.run().code == 0

    def test_a_colleagues_batch(self, bench: Bench, may_not: Any) -> None:
        """Status tells all; a run is refused with exit 1 before anything is sent."""
        bench.write(KITE)
        assert bench.run().code == 0
        for path in bench.batch.iterdir():
            path.chmod(0o444 if path.is_file() else 0o555)
        bench.batch.chmod(0o555)
        assert "1 succeeded" in may_not("status", str(bench.manifest)).err
        check_exit(may_not("run", str(bench.manifest), "--regenerate", "kite"), 1, "Permission denied")
        bench.batch.chmod(0o755)
        assert bench.emulator.ledger()["purchases"] == 1

    def test_a_folder_of_clips(self, bench: Bench, may_not: Any) -> None:
        """The clip is bought and cannot be written: exit 1, it stays ready; once there is a right, it is fetched."""
        bench.write(KITE)
        clips = bench.batch / "clips"
        clips.mkdir(parents=True)
        clips.chmod(0o555)
        ended = may_not("run", str(bench.manifest))
        assert ended.code == 1
        assert "clips cannot be written" in ended.err
        assert "Traceback" not in ended.err
        assert bench.status()["states"]["ready"] == 1
        clips.chmod(0o755)
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 1


def set_clock(state: Path, hours: float) -> None:
    """Rewrite the state file as if the clock had been that much ahead when it was written."""
    later = timedelta(hours=hours)
    specs = {job.id: job.spec for job in read_jobs(state)}
    with closing(sqlite3.connect(state)) as connection:
        rows = connection.execute("SELECT event, at, job, data FROM events ORDER BY seq").fetchall()
        meta = connection.execute("SELECT name, value FROM meta").fetchall()
    for path in files_of(state):
        path.unlink()
    jobs: dict[str, Job] = {}
    with StateFile(state) as file:
        for name, at, job_id, data in rows:
            event = codec.load_event(name, at, data, specs[job_id])
            moments = {f.name: value for f in fields(event) if isinstance(value := getattr(event, f.name), datetime)}
            moved = replace(event, **{name: value + later for name, value in moments.items()})
            jobs[job_id] = advance(jobs.get(job_id), moved)
            file.commit([RecordedEvent(moved, jobs[job_id])])
    with closing(sqlite3.connect(state)) as connection:
        connection.executemany("INSERT INTO meta VALUES (?, ?)", meta)
        connection.commit()


@pytest.mark.parametrize("hours", [-5, 5])
@pytest.mark.parametrize("events", [1, 2, 3])
def test_a_clock_that_jumps(bench: Bench, events: int, hours: float) -> None:
    """Hours back or forth between two runs: no task is given up for it, none is bought again, no run waits for it."""
    bench.write(f"{KITE}\n{BOAT}", concurrency=1)
    bench.start(str(events), str(bench.manifest), module="tests.end_to_end.kill_after_events").communicate(timeout=60)
    set_clock(bench.batch / "state.sqlite3", hours)
    if bench.run("--no-wait").code:
        bench.settle_uncertain()
        assert bench.run().code == 0
    assert {row["state"] for row in bench.rows()} == {"succeeded"}
    assert bench.emulator.ledger()["purchases"] == 2


def test_a_network_that_disappears_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All lines are cut in the middle of a run and come back: the run goes on by itself, each clip is bought once."""
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    settings = Settings(life="seconds:0.1", render="shared", api_key=KEY, state_file=tmp_path / "tasks.jsonl")
    some = list(all_formats.JOBS)[::3]
    with ServedEmulator(settings) as before:
        port = int(before.base_url.rpartition(":")[2])
        batch = all_formats.load(tmp_path, before.base_url, some, takes=3, concurrency=1)
        batch = all_formats.with_dials(batch, wait_initial_s=0.05)
        ended: list[Outcome] = []
        run = threading.Thread(target=lambda: ended.append(all_formats.run(batch, wait=False)[0]))
        run.start()
        until(lambda: before.ledger()["purchases"] >= len(some))
    time.sleep(0.05)  # nobody is there
    with ServedEmulator(settings, port) as after:
        run.join()
        (outcome,) = ended
        assert outcome.exit_code in (0, 5), outcome.reason
        all_formats.settle(batch, after.ledger()["tasks"])
        assert all_formats.run(batch)[0].exit_code == 0
        jobs = read_jobs(batch.state_path)
        assert {job.state for job in jobs} == {JobState.SUCCEEDED}
        assert len(after.ledger()["tasks"]) == len(jobs)
