"""Old state files are brought up to date and lose nothing; newer ones are left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from batchvid.domain.jobs import JobState
from batchvid.errors import StateTooNew
from batchvid.state import codec
from batchvid.state.readers import read_jobs, read_meta, replay
from batchvid.state.schema import MIGRATIONS, migrate, read_version
from batchvid.state.state_file import StateFile
from tests.builders import state_file, steps


def tables(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Everything that the schema holds, as SQLite tells it."""
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
    return [(str(name), str(sql)) for name, sql in rows]


@pytest.mark.parametrize("seen", range(1, len(MIGRATIONS) + 1))
def test_a_file_of_any_age_keeps_its_jobs(tmp_path: Path, seen: int) -> None:
    """A file that saw only the first steps is upgraded on opening; its jobs and events are what they were."""
    path = tmp_path / "state.sqlite3"
    lives = [steps(f"kite-{state.value}", state) for state in (JobState.PENDING, JobState.RUNNING, JobState.SUCCEEDED)]
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for number, step in enumerate(MIGRATIONS[:seen], start=1):
            old.executescript(f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT;")
        for position, entries in enumerate(lives):
            job = entries[-1].job
            row = (job.id, position, job.spec.provider, job.state, codec.dump_spec(job.spec), codec.dump_job_data(job))
            old.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?)", row)
            for entry in entries:
                event = (entry.event.at.isoformat(), job.id, type(entry.event).__name__, codec.dump_event(entry.event))
                old.execute("INSERT INTO events (at, job, event, data) VALUES (?, ?, ?, ?)", event)
    with StateFile(path) as state:
        assert [entries[-1].job for entries in lives] == list(state.jobs().values())
        state.commit(steps("new"))
    assert [job.id for job in read_jobs(path)] == [*(entries[-1].job.id for entries in lives), "new"]
    assert {job.id: job for job in read_jobs(path)} == replay(path)
    with closing(sqlite3.connect(path)) as now:
        assert read_version(now) == len(MIGRATIONS)


def test_every_way_leads_to_the_same_schema() -> None:
    """Upgraded step by step or made at once, a file has the same tables and indexes."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as whole:
        migrate(whole)
        migrate(whole)
        expected = tables(whole)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as stepwise:
        for number, step in enumerate(MIGRATIONS, start=1):
            stepwise.executescript(f"{step} PRAGMA user_version = {number};")
            assert read_version(stepwise) == number
        assert expected == tables(stepwise)
    assert {"meta", "jobs", "events", "events_of_job", "fence"} == {name for name, _ in expected}


def test_a_newer_file_is_refused_and_not_touched(tmp_path: Path) -> None:
    """The message says to upgrade, the exit code is the one for a wrong use, the bytes are as they were."""
    path = state_file(tmp_path / "state.sqlite3", steps("a"))
    with closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    for look in (StateFile, read_jobs, read_meta, replay):
        with pytest.raises(StateTooNew, match=r"nothing was changed\. Upgrade: pip install") as raised:
            look(path)
        assert raised.value.exit_code == 2
    assert before == path.read_bytes()


def test_a_newer_file_in_another_journal_mode_is_not_touched(tmp_path: Path) -> None:
    """Its age is looked at before anything is set: not even the way it is journalled changes."""
    path = tmp_path / "state.sqlite3"
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("CREATE TABLE clips (id TEXT)")
        newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    with pytest.raises(StateTooNew):
        StateFile(path)
    assert before == path.read_bytes()
    assert not path.with_name(path.name + "-wal").exists()


def test_a_step_that_fails_is_not_counted(tmp_path: Path) -> None:
    """A step is one transaction: if a part of it cannot be done, the file stays at the step before."""
    path = tmp_path / "state.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.executescript(f"BEGIN; {MIGRATIONS[0]} PRAGMA user_version = 1; COMMIT;")
        old.execute("CREATE TABLE events_of_job (taken TEXT)")
        with pytest.raises(sqlite3.OperationalError):
            migrate(old)
        old.execute("ROLLBACK")
        assert read_version(old) == 1
