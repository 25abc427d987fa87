"""One run per state file: told who holds it, let in the moment the holder is gone."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path

import pytest

from batchvid.domain.jobs import JobState
from batchvid.errors import StateLocked, StateTooNew
from batchvid.state.lock import find_holder, locks_are_kept
from batchvid.state.readers import read_jobs, replay
from batchvid.state.state_file import StateFile
from tests.builders import state_file, steps
from tests.state.children import HOLD, WRITE, child


def test_a_second_run_is_told_who_holds_the_file(tmp_path: Path) -> None:
    """The message names pid, host and since when, and the exit code is the one for a held file."""
    path = tmp_path / "state.sqlite3"
    with child(HOLD, path) as other:
        with pytest.raises(StateLocked, match=str(path)) as raised:
            StateFile(path)
        assert f"pid {other.pid} on {socket.gethostname()} since " in str(raised.value)
        assert re.search(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", str(raised.value))
        assert raised.value.exit_code == 4
        assert str(other.pid) in find_holder(path)


def test_reading_needs_no_lock(tmp_path: Path) -> None:
    """`status` works while a run holds the file."""
    path = state_file(tmp_path / "state.sqlite3", steps("a"))
    with child(HOLD, path):
        assert [job.id for job in read_jobs(path)] == ["a"]


def test_the_lock_ends_with_the_run(tmp_path: Path) -> None:
    """After an ordinary end the next run is let in and nobody is named as holder."""
    path = tmp_path / "state.sqlite3"
    with child(HOLD, path) as other:
        other.communicate("")
        assert other.returncode == 0
        assert find_holder(path) == ""
        with StateFile(path) as state:
            assert str(os.getpid()) in find_holder(path)
            assert state.jobs() == {}


def test_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    """SIGKILL leaves a note behind, but the lock is the system's: the next run is let in at once."""
    path = tmp_path / "state.sqlite3"
    with child(HOLD, path) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert path.with_name(path.name + ".holder").exists()
        assert find_holder(path) == ""
        with StateFile(path) as state:
            state.commit(steps("a"))
    assert [job.id for job in read_jobs(path)] == ["a"]


def test_a_holder_without_a_note_is_still_a_holder(tmp_path: Path) -> None:
    """The note is for the message only: without it, or with rubbish in it, the file is as locked as before."""
    path = tmp_path / "state.sqlite3"
    note = path.with_name(path.name + ".holder")
    with child(HOLD, path):
        for rubbish in ("{", "[]", '{"pid": 1}'):
            note.write_text(rubbish, "utf-8")
            with pytest.raises(StateLocked, match="left no note"):
                StateFile(path)


def test_a_file_that_cannot_be_opened_is_not_left_locked(tmp_path: Path) -> None:
    """After a refusal the lock is free again: the user can mend the file and go on."""
    path = tmp_path / "state.sqlite3"
    with StateFile(path) as state:
        state.set_meta(batch="a")
    raw = path.read_bytes()
    path.write_bytes(raw[:60] + (99).to_bytes(4, "big") + raw[64:])  # user_version stands at byte 60
    with pytest.raises(StateTooNew) as raised:
        StateFile(path)
    assert find_holder(path) == ""
    assert "upgrade" in str(raised.value)  # still at hand, with all that its traceback holds
    path.write_bytes(raw)
    with StateFile(path):
        pass


def test_nobody_holds_what_was_never_opened(tmp_path: Path) -> None:
    """Asking who holds a file makes none."""
    assert find_holder(tmp_path / "state.sqlite3") == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("acknowledged", [1, 7, 40])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, acknowledged: int) -> None:
    """A writer killed at any moment leaves every commit that it was told of, and none by half."""
    path = tmp_path / "state.sqlite3"
    with child(WRITE, path) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip() for _ in range(acknowledged)]
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.read().split()
        writer.wait()
    jobs = {job.id: job for job in read_jobs(path)}
    assert set(told) <= set(jobs)
    assert len(jobs) <= len(told) + 1  # the one that was under way, whole
    assert {job.state for job in jobs.values()} == {JobState.RUNNING}
    assert jobs == replay(path)
    with StateFile(path) as state:
        assert jobs == state.jobs()


def test_a_lock_is_kept_here(tmp_path: Path) -> None:
    """A second process is refused, and nothing is left behind."""
    assert locks_are_kept(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_where_no_file_can_be_made_no_lock_can(tmp_path: Path) -> None:
    """It is an error, not an answer."""
    with pytest.raises(OSError, match="nowhere"):
        locks_are_kept(tmp_path / "nowhere")
