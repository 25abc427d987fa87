"""The number of paid calls outside of the batch's folder: it never falls, and it is never needed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from batchvid.domain.jobs import JobState
from batchvid.state.state_file import StateFile
from batchvid.state.user_index import INDEX_NAME, KnownBatch, UserIndex, open_user_index
from tests.builders import steps


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for state of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def test_it_follows_the_state_file(home: Path) -> None:
    """After each commit with a paid call the mark is what the state file counts; a lower number changes nothing."""
    with StateFile(home / "spring" / "state.sqlite3") as state:
        state.commit(steps("a"))
        assert not (home / "state").exists()
        state.commit([*steps("b", JobState.SUBMITTING), *steps("c", JobState.RUNNING)])
        index = open_user_index()
        assert index.path == home / "state" / "batchvid" / INDEX_NAME
        known = [KnownBatch(folder=home / "spring", purchases=2)]
        assert index.folders(state.batch_id) == known
        index.raise_mark(state.batch_id, home / "spring", 1)
        assert index.folders(state.batch_id) == known
        index.move(state.batch_id, home / "spring", home / "summer")
        assert index.folders(state.batch_id) == [KnownBatch(folder=home / "summer", purchases=2)]
        index.close()


def test_a_batch_that_is_not_there(home: Path) -> None:
    """Nothing is known of it."""
    index = UserIndex(home / INDEX_NAME)
    assert index.folders("b-1") == []
    assert index.error == ""
    index.close()


@pytest.mark.parametrize("trouble", ["a file in the way", "no database", "a directory of its name"])
def test_without_it_nothing_fails(home: Path, trouble: str) -> None:
    """A path that leads nowhere, rubbish, a directory: the state file works, and the index says why it does not."""
    folder = home / "state" / "batchvid"
    if trouble == "a file in the way":
        (home / "state").write_text("", "utf-8")
    else:
        folder.mkdir(parents=True)
        if trouble == "no database":
            (folder / INDEX_NAME).write_bytes(b"rubbish" * 500)
        else:
            (folder / INDEX_NAME).mkdir()
    with StateFile(home / "spring" / "state.sqlite3") as state:
        state.commit(steps("a", JobState.RUNNING))
        state.commit(steps("b", JobState.RUNNING))
        assert state.purchases == 2
        assert state.index.error
        assert state.index.folders(state.batch_id) == []


def test_without_a_home_nothing_fails() -> None:
    """No HOME and no entry in the list of users: there is no place for it."""
    index = UserIndex(None)
    index.raise_mark("b-1", Path("/spring"), 3)
    assert index.folders("b-1") == []
    assert "no home" in index.error


def test_a_busy_index_is_not_waited_for_long(home: Path) -> None:
    """Another process holds it: this mark is not stored, the next one is."""
    with StateFile(home / "spring" / "state.sqlite3") as state:
        state.commit(steps("a", JobState.RUNNING))
        with closing(sqlite3.connect(home / "state" / "batchvid" / INDEX_NAME, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            state.commit(steps("b", JobState.RUNNING))
            other.execute("ROLLBACK")
        assert state.index.folders(state.batch_id)[0].purchases == 1
        state.commit(steps("c", JobState.RUNNING))
        assert state.index.folders(state.batch_id)[0].purchases == 3
