"""The number of paid calls outside of the batch's folder: it never falls, and it is never needed."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from batchvid.domain.jobs import JobState
from batchvid.state.state_file import StateFile
from batchvid.state.user_index import INDEX_NAME, KnownBatch, ManifestFile, UserIndex, open_user_index
from tests.builders import at, steps


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


class TestManifests:
    """Which manifest was run into which folder."""

    @pytest.fixture
    def manifest(self, home: Path) -> Path:
        """A manifest."""
        path = home / "m.yaml"
        path.write_text("clips: []", "utf-8")
        return path

    def test_the_last_one_comes_first(self, home: Path, manifest: Path) -> None:
        """One row for each folder; a second run into it is a later use; it follows a folder that is moved."""
        file = ManifestFile.at(manifest)
        with closing(open_user_index()) as index:
            assert index.uses() == []
            assert not (home / "state").exists()
            for number, name in enumerate(("a", "b", "a")):
                index.record_use(file, home / name / "m", "m", at(number))
            assert [use.folder for use in index.uses()] == [home / "a" / "m", home / "b" / "m"]
            assert all(file.is_of(use) and use.batch == "m" for use in index.uses())
            index.move("b-1", home / "b" / "m", home / "c" / "m")
            assert {use.folder for use in index.uses()} == {home / "a" / "m", home / "c" / "m"}

    def test_what_identifies_a_manifest(self, home: Path, manifest: Path) -> None:
        """Its path, the path behind a link, and its inode once it is moved; not the text of a copy."""
        link, copy, moved = home / "link.yaml", home / "copy.yaml", home / "moved.yaml"
        link.symlink_to(manifest)
        copy.write_bytes(manifest.read_bytes())
        with closing(open_user_index()) as index:
            index.record_use(ManifestFile.at(link), home / "out", "m", at(0))
            uses = index.uses()
            assert {use.manifest for use in uses} == {link, manifest}
            assert any(map(ManifestFile.at(manifest).is_of, uses))
            assert not any(map(ManifestFile.at(copy).is_of, uses))
            link.unlink()
            manifest.rename(moved)
            assert any(map(ManifestFile.at(moved).is_of, uses))
            assert not any(map(ManifestFile.at(copy).is_of, uses))

    def test_a_name_that_is_no_text(self, home: Path) -> None:
        """A path of any bytes is found again."""
        path = Path(os.fsdecode(os.fsencode(home) + b"/\xff.yaml"))
        path.write_text("", "utf-8")
        with closing(open_user_index()) as index:
            index.record_use(ManifestFile.at(path), path.with_suffix(""), "m", at(0))
            (use,) = index.uses()
            assert (use.manifest, use.folder) == (path, path.with_suffix(""))

    def test_an_older_file_gets_the_table(self, home: Path, manifest: Path) -> None:
        """What it holds is kept; two processes may do that at once."""
        path = home / "state" / "batchvid" / INDEX_NAME
        path.parent.mkdir(parents=True)
        with closing(sqlite3.connect(path)) as older:
            older.executescript(
                "CREATE TABLE batches (batch_id TEXT NOT NULL, folder TEXT NOT NULL, purchases INTEGER NOT NULL,"
                " PRIMARY KEY (batch_id, folder)) WITHOUT ROWID; INSERT INTO batches VALUES ('b-1', '/spring', 3);"
            )
        with closing(open_user_index()) as one, closing(open_user_index()) as other:
            assert one.all_folders() == other.all_folders() == [Path("/spring")]
            one.record_use(ManifestFile.at(manifest), home, "m", at(0))
            other.record_use(ManifestFile.at(manifest), home, "m", at(0) + timedelta(seconds=1))
            assert len(one.uses()) == 1
            assert one.folders("b-1") == [KnownBatch(folder=Path("/spring"), purchases=3)]
            assert one.error == other.error == ""
