"""The state file as the running process writes it."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, Self

from batchvid import gc_control
from batchvid.atomic_file import restrict_to_owner
from batchvid.domain.events import Event, Planned
from batchvid.domain.jobs import Job, advance
from batchvid.errors import StateError
from batchvid.redaction import holds_secrets
from batchvid.state import codec
from batchvid.state.lock import RunLock
from batchvid.state.schema import job_data_column, migrate, refuse_newer


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event and the job it leads to; written together or not at all."""

    event: Event
    job: Job


class StateFile:
    """The state file, locked for this process. `commit` is durable when it returns.

    Raises StateLocked when another run holds it, StateTooNew for a newer schema, StateError when it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StateError(f"{path.parent}: {exc.strerror}") from exc
        self._lock = RunLock(path)
        try:
            self._connection = connect(path, isolation_level=None, check_same_thread=False)
        except BaseException:
            self._lock.release()
            raise
        try:
            refuse_newer(self._connection)
            self._connection.execute("PRAGMA journal_mode = WAL")
            # FULL: an acknowledged line survives a power cut; measured at about 9 microseconds a line in groups
            self._connection.execute("PRAGMA synchronous = FULL")
            # kB of pages, of 2,000: the system has the file in memory anyway, and an event costs the same at 100k jobs
            self._connection.execute("PRAGMA cache_size = -512")
            migrate(self._connection)
            last = self._connection.execute("SELECT coalesce(max(position), 0) FROM jobs").fetchone()[0]
        except sqlite3.Error as exc:
            self.close()
            raise StateError(f"{path}: {describe_error(exc)}") from exc
        except BaseException:
            self.close()
            raise
        self._last_position = int(last)
        self._is_private = False
        self._writing = threading.Lock()  # a transaction must not contain writes of another thread

    def jobs(self) -> dict[str, Job]:
        """Every job, in the manifest's order."""
        with gc_control.gc_paused():
            return {job.id: job for job in load_jobs(self._connection, self.path)}

    def commit(self, entries: Iterable[RecordedEvent]) -> None:
        """Write events and the jobs they lead to, in one durable transaction; all or, with StateError, nothing."""
        with self._writing:
            self._commit(entries)

    def _commit(self, entries: Iterable[RecordedEvent]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for entry in entries:
                self._write(entry)
            self._connection.execute("COMMIT")
        except BaseException as exc:
            if self._connection.in_transaction:  # on a full disk SQLite has rolled back already
                self._connection.execute("ROLLBACK")
            if isinstance(exc, sqlite3.Error | TypeError):
                raise StateError(f"{self.path}: {exc}") from exc
            raise

    def _write(self, entry: RecordedEvent) -> None:
        job, event = entry.job, entry.event
        self._connection.execute(
            "INSERT INTO events (at, job, event, data) VALUES (?, ?, ?, ?)",
            (event.at.isoformat(), job.id, type(event).__name__, codec.dump_event(event)),
        )
        job_data = codec.dump_job_data(job)
        if not isinstance(event, Planned):
            self._connection.execute(
                "UPDATE jobs SET state = ?, job_data = ? WHERE id = ?", (job.state, job_data, job.id)
            )
            return
        self._last_position += 1
        spec = codec.dump_spec(job.spec)
        self._protect(spec)
        self._connection.execute(
            "INSERT INTO jobs (id, position, provider, state, spec, job_data) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE"
            " SET provider = excluded.provider, spec = excluded.spec, job_data = excluded.job_data",
            (job.id, self._last_position, job.spec.provider, job.state, spec, job_data),
        )

    def _protect(self, text: str) -> None:
        """Let only the owner read the file if it holds a secret that a job needs, such as a signed input link."""
        if not self._is_private and holds_secrets(text):
            self._is_private = True
            for suffix in ("", "-wal", "-shm"):
                restrict_to_owner(self.path.with_name(self.path.name + suffix))

    def submit_times(self, since: datetime) -> dict[str, list[datetime]]:
        """The submit times of each provider since then, for rate limits that hold across restarts."""
        rows = self._connection.execute(
            "SELECT coalesce(nullif(json_extract(events.data, '$.provider'), ''), jobs.provider), events.at"
            " FROM events JOIN jobs ON jobs.id = events.job"
            " WHERE events.event = 'SubmitStarted' AND events.seq > (SELECT max(seq) - 50000 FROM events)"
            " AND events.at >= ? ORDER BY events.seq",
            (since.isoformat(),),
        )
        times: dict[str, list[datetime]] = {}
        for provider, at in rows:
            times.setdefault(provider, []).append(datetime.fromisoformat(at))
        return times

    def set_meta(self, **values: Any) -> None:
        """Store facts about the batch (JSON values), such as the path of its manifest."""
        rows = [(name, json.dumps(value)) for name, value in values.items()]
        for _, text in rows:
            self._protect(text)
        try:
            with self._writing:
                self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
        except sqlite3.Error as exc:
            raise StateError(f"{self.path}: {exc}") from exc

    def close(self) -> None:
        """Close the file and release the lock."""
        self._connection.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def record_offline(state: StateFile, jobs: Mapping[str, Job], events: Iterable[tuple[str, Event]]) -> dict[str, Job]:
    """Make many events durable in one transaction, while nothing is under way; the jobs after them.

    Raises IllegalEvent or StateError; then nothing was written.
    """
    after = dict(jobs)
    entries = []
    for job_id, event in events:
        after[job_id] = advance(after.get(job_id), event)
        entries.append(RecordedEvent(event, after[job_id]))
    if entries:
        state.commit(entries)
    return after


def connect(where: Path | str, **how: Any) -> sqlite3.Connection:
    """Opens a connection. Raises StateError."""
    try:
        connection: sqlite3.Connection = sqlite3.connect(where, **how)
    except sqlite3.Error as exc:
        raise StateError(f"{where}: {exc}") from exc
    return connection


def load_jobs(connection: sqlite3.Connection, path: Path) -> list[Job]:
    """Reads every job in the manifest's order. Raises StateError for a row that cannot be read."""
    try:
        rows = connection.execute(f"SELECT position, state, spec, {job_data_column(connection)} FROM jobs")  # noqa: S608 - our own names
        jobs = [(position, codec.load_job(state, spec, job_data)) for position, state, spec, job_data in rows]
        jobs.sort(key=itemgetter(0))  # not in SQL: SQLite's sorter copies every row, a tenth of the whole time
        return [job for _, job in jobs]
    except (sqlite3.Error, ValueError, TypeError) as exc:
        raise StateError(f"{path}: a row cannot be read: {describe_error(exc)}") from exc


def describe_error(exc: Exception) -> str:
    """What SQLite says, and what to do about a file that is damaged (its other errors are of narrower types)."""
    damaged = type(exc) is sqlite3.DatabaseError
    return f"{exc}: put back a copy; run.log beside it names every task that was bought" if damaged else str(exc)
