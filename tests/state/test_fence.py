"""One writer per state file even where the lock does not hold, and a count of paid calls that never falls."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from batchvid.domain.jobs import JobState
from batchvid.errors import StateTakenOver
from batchvid.state.lock import find_holder
from batchvid.state.readers import read_batch_id, read_jobs
from batchvid.state.schema import MIGRATIONS
from batchvid.state.state_file import StateFile
from tests.builders import state_file, steps
from tests.state.children import HOLD, child


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state file is to be."""
    return tmp_path / "spring" / "state.sqlite3"


def unlock(path: Path) -> None:
    """Delete the lock file: the next one to open the state file locks a file of its own."""
    path.with_name(path.name + ".lock").unlink()


def test_the_one_that_opened_last_writes(path: Path) -> None:
    """The first writer is refused from then on, with nothing written; the message names the other and exit code 4."""
    with StateFile(path) as first:
        first.commit(steps("a"))
        unlock(path)
        with StateFile(path) as second:
            with pytest.raises(StateTakenOver, match=r"another run took over \(pid \d+ on .*bought nothing more") as no:
                first.commit(steps("b", JobState.SUBMITTING))
            assert no.value.exit_code == 4
            with pytest.raises(StateTakenOver):
                first.set_meta(laws={})
            second.commit(steps("c", JobState.SUBMITTING))
            assert (first.purchases, second.purchases) == (0, 1)
        with pytest.raises(StateTakenOver):  # also after the other has ended: its jobs are not known here
            first.commit(steps("d"))
    assert [job.id for job in read_jobs(path)] == ["a", "c"]


def test_the_note_of_the_other_is_left(path: Path) -> None:
    """The first one's end does not remove the name of the one that took over."""
    first = StateFile(path)
    unlock(path)
    with child(HOLD, path) as other:
        first.close()
        assert str(other.pid) in find_holder(path)


def test_a_file_that_was_replaced_is_left(path: Path, tmp_path: Path) -> None:
    """An older copy was moved into its place: what is written to the old file would be lost."""
    state_file(path, steps("a"))
    shutil.copy(path, tmp_path / "older")
    with StateFile(path) as state:
        (tmp_path / "older").rename(path)
        with pytest.raises(StateTakenOver, match="it was replaced while this run was active"):
            state.commit(steps("b"))


def test_a_file_that_was_deleted_or_moved_is_left(path: Path) -> None:
    """Nothing more is bought into a file that no later run finds; put back under its name, it goes on."""
    with StateFile(path) as state:
        aside = path.rename(path.with_name("aside"))
        with pytest.raises(StateTakenOver, match="it was replaced"):
            state.commit(steps("a"))
        aside.rename(path)
        state.commit(steps("b"))
        path.unlink()
        with pytest.raises(StateTakenOver, match="it was replaced"):
            state.commit(steps("c"))


def test_paid_calls_are_counted(path: Path) -> None:
    """Across restarts, and beyond what the jobs show: a job may be bought again and again."""
    with StateFile(path) as state:
        state.commit([*steps("a", JobState.SUCCEEDED), *steps("b", JobState.FAILED), *steps("c")])
        assert state.purchases == 2
    with StateFile(path) as state:
        state.commit(steps("d", JobState.UNCERTAIN))
    with StateFile(path) as state:
        assert state.purchases == 3
        assert state.batch_id == read_batch_id(path) != ""


def test_copies_of_an_old_file_have_one_id(tmp_path: Path) -> None:
    """A file of an earlier version gets the same id in every copy, and the count of its paid calls."""
    paths = [tmp_path / name / "state.sqlite3" for name in ("here", "there")]
    for path in paths:
        state_file(path, steps("a", JobState.RUNNING), steps("b", JobState.SUCCEEDED))
        with closing(sqlite3.connect(path)) as old:
            old.execute("DROP TABLE fence")
            old.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")
            old.commit()
    before = {read_batch_id(path) for path in paths}  # a reader does not migrate
    assert len(before) == 1
    with StateFile(paths[0]) as here, StateFile(paths[1]) as there:
        assert before == {here.batch_id} == {there.batch_id}
        assert here.purchases == there.purchases == 2
    with StateFile(tmp_path / "new.sqlite3") as new, StateFile(tmp_path / "other.sqlite3") as other:
        assert new.batch_id != other.batch_id
