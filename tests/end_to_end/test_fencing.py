"""Two runs at one state file, and a state file of an hour ago: purchases never exceed jobs."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from batchvid.emulator import Settings
from tests.end_to_end.conftest import KEY, Bench, until

SIX = "  - {id: kite, prompt: 'kite {{ n }}', matrix: {n: [1, 2, 3, 4, 5, 6]}}"
KITE = "  - {id: kite, prompt: a kite}"
SLOW_REPLY = {"match": {"step": "submit"}, "do": {"delay_s": 1.0}}


@pytest.fixture
def settings() -> Settings:
    """Tasks that take a while, so that a run with few slots takes longer."""
    return Settings(life="seconds:0.2", render="shared", api_key=KEY)


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for state of this test's own, outside of the batch's folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "batchvid" / "index.sqlite3"


@contextmanager
def running(bench: Bench) -> Iterator[subprocess.Popen[str]]:
    """A run as a process of its own; ended with the test."""
    process = bench.start("run", str(bench.manifest))
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def copy_of(state: Path, to: Path) -> Path:
    """A whole copy of a state file, with what stands in its -wal file."""
    with closing(sqlite3.connect(state)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    return to


def put_back(copy: Path, state: Path) -> None:
    """Restore a copy, as a person does it."""
    shutil.copy(copy, state)
    for end in ("-wal", "-shm"):
        state.with_name(state.name + end).unlink(missing_ok=True)


class TestTwoRuns:
    """The lock does not hold; the epoch in the state file does."""

    def test_a_deleted_lock(self, bench: Bench) -> None:
        """The second run takes over; the first ends with exit code 4; six clips, six purchases, all stored."""
        bench.write(SIX, concurrency=2)
        with running(bench) as first:
            until(lambda: bench.emulator.ledger()["purchases"] >= 2)
            (bench.batch / "state.sqlite3.lock").unlink()
            second = bench.run("--no-wait")
            out, err = first.communicate()
        assert first.returncode == 4
        assert "another run took over" in err
        assert "Traceback" not in out + err
        assert bench.emulator.ledger()["purchases"] <= 6
        if second.code:  # a paid call of the first run was open when the second one began
            assert bench.run().code == 0
        assert [row["state"] for row in bench.rows()] == ["succeeded"] * 6
        assert bench.emulator.ledger()["purchases"] == 6

    def test_a_run_that_waits_stops_too(self, bench: Bench) -> None:
        """It buys and records nothing for a while: within some seconds it notices that it was replaced."""
        bench.write(KITE)
        bench.emulator.set_faults({"match": {"step": "poll"}, "do": {"unavailable": True}})
        with running(bench) as first:
            until(lambda: bench.emulator.ledger()["polls"] > 3)
            (bench.batch / "state.sqlite3.lock").unlink()
            assert bench.cli("cancel", "batch", "kite").code == 0
            _, err = first.communicate(timeout=20)
        assert first.returncode == 4
        assert "another run took over" in err

    def test_a_late_answer_is_adopted(self, bench: Bench) -> None:
        """The first run gets its answers after it was replaced: run.log keeps the ids, and the next run adopts them."""
        bench.write(SIX, concurrency=2)
        bench.emulator.set_faults(SLOW_REPLY)
        with running(bench) as first:
            until(lambda: bench.emulator.ledger()["submits"] == 2)
            (bench.batch / "state.sqlite3.lock").unlink()
            assert bench.cli("cancel", "batch", "kite_6").code == 0
            _, err = first.communicate()
        assert first.returncode == 4
        assert "another run took over" in err
        assert bench.emulator.ledger()["purchases"] == 2
        states = bench.status()["states"]
        assert (states["submitting"], states["failed"], states["pending"]) == (2, 1, 3)
        bench.emulator.set_faults()
        ended = bench.run()
        assert "2 task ids were not in the state file and are adopted from" in ended.out
        states = bench.status()["states"]
        assert (states["succeeded"], states["failed"]) == (5, 1)
        assert bench.emulator.ledger()["purchases"] == 5


class TestAnOlderStateFile:
    """It knows less than was bought."""

    def buy_all(self, bench: Bench) -> Path:
        """A copy of the state file after two of six clips, which are all bought then."""
        bench.write(SIX)
        assert bench.run("--max-clips", "2").code == 3
        copy = copy_of(bench.batch / "state.sqlite3", bench.folder / "copy.sqlite3")
        assert bench.run().code == 0
        return copy

    @pytest.mark.parametrize("log", ["whole", "gone"])
    @pytest.mark.parametrize("command", ["run", "retry"])
    def test_a_copy_is_refused(self, bench: Bench, log: str, command: str) -> None:
        """Copied back from before: exit code 2 with the way out, and nothing is bought; the newest is welcome."""
        copy = self.buy_all(bench)
        state = bench.batch / "state.sqlite3"
        newest = copy_of(state, bench.folder / "newest.sqlite3")
        put_back(copy, state)
        if log == "gone":  # then only the index knows
            (bench.batch / "run.log").unlink()
        preview = bench.cli(command, "batch", "--dry-run")
        refused = bench.cli(command, "batch")
        assert refused.code == 2
        assert (preview.code, preview.err) == (2, refused.err)
        proof = "run.log shows paid call" if log == "whole" else "knows 2 paid calls of this batch, and 6 were made"
        assert proof in refused.err
        assert "Put the newest state file back" in refused.err
        assert bench.emulator.ledger()["purchases"] == 6
        collected = bench.run("--collect-only")
        assert (collected.code, bench.emulator.ledger()["purchases"]) == (1, 6)
        put_back(newest, state)
        assert bench.cli("run", "batch").code == 0
        assert bench.emulator.ledger()["purchases"] == 6

    def test_a_restored_folder_is_refused(self, bench: Bench) -> None:
        """Clips, log and state file are all from before: the index outside of the folder knows more."""
        bench.write(SIX)
        assert bench.run("--max-clips", "2").code == 3
        shutil.copytree(bench.batch, bench.folder / "backup")
        assert bench.run().code == 0
        shutil.rmtree(bench.batch)
        shutil.copytree(bench.folder / "backup", bench.batch)
        refused = bench.run()
        assert refused.code == 2
        assert "is an older copy: it knows 2 paid calls of this batch, and 6 were made" in refused.err
        assert bench.emulator.ledger()["purchases"] == 6

    def test_a_folder_may_be_moved(self, bench: Bench) -> None:
        """Its number goes with it: elsewhere it is complete, and an older copy is refused there, too."""
        copy = self.buy_all(bench)
        elsewhere = bench.folder / "elsewhere"
        elsewhere.mkdir()
        bench.batch.rename(elsewhere / "batch")
        moved = ["run", str(bench.manifest), "--out", str(elsewhere)]
        assert bench.run_cli(moved).code == 0
        put_back(copy, elsewhere / "batch" / "state.sqlite3")
        (elsewhere / "batch" / "run.log").unlink()
        assert bench.run_cli(moved).code == 2
        assert bench.emulator.ledger()["purchases"] == 6

    def test_a_copy_of_the_folder_is_told_apart(self, bench: Bench) -> None:
        """A second folder beside the first buys its own clips, with a notice; the first one is not the older one."""
        bench.write(SIX)
        assert bench.run("--max-clips", "2").code == 3
        shutil.copytree(bench.batch, bench.folder / "variant" / "batch")
        assert bench.run().code == 0
        in_copy = bench.run_cli(["run", str(bench.manifest), "--out", str(bench.folder / "variant")])
        assert in_copy.code == 0
        assert f"is a copy of {bench.batch.resolve()}: each buys its own clips" in in_copy.out
        assert bench.emulator.ledger()["purchases"] == 10
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 10

    def test_without_the_index_the_folder_guards_itself(self, bench: Bench, index: Path) -> None:
        """No place for the index: runs work, and run.log shows that a state file is an older copy."""
        index.parent.parent.write_text("a file where the directory should be", "utf-8")
        copy = self.buy_all(bench)
        put_back(copy, bench.batch / "state.sqlite3")
        with (bench.batch / "run.log").open("ab") as log:
            log.write(b'{"event": "Notice", "text": "later lines"}\n' * 50_000)  # two megabytes
        refused = bench.run()
        assert refused.code == 2
        assert "run.log shows paid call 1 of job kite_" in refused.err
        assert bench.emulator.ledger()["purchases"] == 6


class TestRegenerate:
    """A killed `run --regenerate` that is repeated resumes."""

    @pytest.mark.parametrize("events", [1, 4, 7, 12])  # of twelve: the last one kills a run that has all clips
    def test_it_buys_nothing_twice(self, bench: Bench, events: int) -> None:
        """Killed after so many events, repeated until it ends: three clips are bought again once; a new one buys."""
        bench.write("  - {id: kite, prompt: 'kite {{ n }}', matrix: {n: [1, 2, 3]}}", concurrency=1)
        assert bench.run().code == 0
        bench.emulator.forget()
        again = ("--regenerate", "kite*")
        process = bench.start(str(events), str(bench.manifest), *again, module="tests.end_to_end.kill_after_events")
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        if bench.run(*again, "--no-wait").code == 5:  # it was killed during a paid call
            bench.settle_uncertain()
            assert bench.run(*again).code == 0
        assert bench.emulator.ledger()["purchases"] == 3
        assert {row["state"] for row in bench.rows()} == {"succeeded"}
        assert bench.run(*again).code == 0
        assert bench.emulator.ledger()["purchases"] == 6

    def test_an_interrupted_one_is_completed_by_a_plain_run(self, bench: Bench) -> None:
        """Ctrl-C after the first purchase: a run without the option buys the rest, then a new one buys again."""
        bench.write("  - {id: kite, prompt: 'kite {{ n }}', matrix: {n: [1, 2, 3]}}", concurrency=1)
        assert bench.run().code == 0
        process = bench.start("run", str(bench.manifest), "--regenerate", "kite*")
        until(lambda: bench.emulator.ledger()["purchases"] == 4)
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode == 130
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 6
        assert bench.run("--regenerate", "kite_1").code == 0
        assert bench.emulator.ledger()["purchases"] == 7


@pytest.mark.parametrize("damaged", ["providers", "manifest", "laws", "polled", "sets"])
def test_damaged_facts_do_not_keep_paid_clips(bench: Bench, damaged: str) -> None:
    """A row of `meta` cannot be read: what is paid for is collected, by the manifest and, but for its row, by name."""
    bench.write(SIX, concurrency=2)
    with running(bench) as process:
        until(lambda: bench.emulator.ledger()["purchases"] >= 2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with closing(sqlite3.connect(bench.batch / "state.sqlite3")) as disk:
        disk.execute("INSERT OR REPLACE INTO meta VALUES (?, x'ff7b')", (damaged,))
        disk.commit()
    for command in (("status", "batch"), ("report", "batch"), ("resolve", "--batch", "batch")):
        assert bench.cli(*command).code == 0
    bench.emulator.set_faults()
    ended = bench.run("--no-wait")
    if ended.code == 5:
        bench.settle_uncertain()
        ended = bench.run()
    assert ended.code == 0, ended
    assert bench.emulator.ledger()["purchases"] == 6


def test_a_newer_schema_is_refused_by_every_command(bench: Bench) -> None:
    """The same sentence and exit code 2, without a traceback, whatever is done with the batch; validate reads none."""
    bench.write(SIX)
    assert bench.run("--max-clips", "1").code == 3
    with closing(sqlite3.connect(bench.batch / "state.sqlite3")) as disk:
        disk.execute("PRAGMA user_version = 99")
    manifest = str(bench.manifest)
    for command in (
        ("plan", manifest),
        ("run", manifest),
        ("run", "batch"),
        ("run", "batch", "--collect-only"),
        ("retry", manifest),
        ("status", "batch"),
        ("report", "batch"),
        ("resolve", "--batch", "batch"),
        ("resolve", "kite_1", "--abandon", "--batch", "batch"),
        ("cancel", "batch"),
        ("relocate", "batch", "--from", "http://127.0.0.1:1", "--to", "http://127.0.0.1:2"),
        ("doctor", manifest),
    ):
        refused = bench.cli(*command)
        assert (command, refused.code) == (command, 2)
        assert refused.err.count("a newer batchvid wrote it (schema 99") == 1
        assert len(refused.err.strip().splitlines()) == 1
    assert bench.emulator.ledger()["purchases"] == 1
