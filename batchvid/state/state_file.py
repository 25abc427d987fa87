"""The state file as the running process writes it."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from batchvid import gc_control
from batchvid.atomic_file import restrict_to_owner
from batchvid.domain.events import Adopted, Event, Planned, SubmitStarted
from batchvid.domain.jobs import Job, advance
from batchvid.errors import StateError, StateTakenOver
from batchvid.paths import quoted
from batchvid.redaction import holds_secrets
from batchvid.state import codec
from batchvid.state.lock import RunLock, describe_holder
from batchvid.state.schema import job_data_column, migrate, refuse_newer
from batchvid.state.user_index import open_user_index

RENAMED = "renamed:"  # before the former id of a job while ids change; no id holds a colon


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event and the job it leads to; written together or not at all."""

    event: Event
    job: Job


class StateFile:
    """The state file, locked for this process. `commit` is durable when it returns.

    A lock file may be deleted, and some file systems do not lock. So each opening also stores a new epoch in the file,
    and every transaction checks it: StateTakenOver ends the writer whose epoch is not the current one. The number of
    paid calls is kept in the file and, before each paid call, in the user's index: see rollback_guard.py.

    Raises StateLocked when another run holds it, StateTooNew for a newer schema, StateError when it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StateError(f"{path.parent}: {exc.strerror}; allow writing there, or choose another --out") from exc
        self._lock = RunLock(path)
        self._opened = -1
        self.index = open_user_index()
        try:
            self._connection = connect(path, isolation_level=None, check_same_thread=False)
        except BaseException:
            self._lock.release()
            raise
        try:
            refuse_newer(self._connection, path)
            self._connection.execute("PRAGMA journal_mode = WAL")
            # FULL: an acknowledged line survives a power cut; measured at about 9 microseconds a line in groups
            self._connection.execute("PRAGMA synchronous = FULL")
            # kB of pages, of 2,000: the system has the file in memory anyway, and an event costs the same at 100k jobs
            self._connection.execute("PRAGMA cache_size = -512")
            migrate(self._connection)
            self._epoch = uuid4().hex
            self._connection.execute("UPDATE fence SET epoch = ?", (self._epoch,))
            fence = self._connection.execute("SELECT batch_id, purchases FROM fence").fetchone()
            if fence is None:
                raise StateError(f"{path}: its table fence has no row: put back a copy")
            self.batch_id, self.purchases = str(fence[0]), int(fence[1])
            self._opened = os.open(path, os.O_RDONLY)
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

    def commit(
        self,
        entries: Iterable[RecordedEvent],
        meta: Mapping[str, Any] | None = None,
        relinked: Iterable[Job] = (),
    ) -> None:
        """Write events and the jobs they lead to, in one durable transaction; all or, with StateError, nothing.

        `meta` are facts about the batch that change with them, see `set_meta`. `relinked` are jobs whose spec changes
        with them, without an event of their own: the id of their parent.
        """
        with self._writing:
            purchases = self.purchases
            with self._transaction():
                entries = list(entries)
                self._rename({one.event.adopted_from: one.job.id for one in entries if isinstance(one.event, Adopted)})
                for entry in entries:
                    self._write(entry)
                    purchases += isinstance(entry.event, SubmitStarted)
                for job in relinked:
                    self._write_spec(job)
                self._write_meta(meta or {})
                if purchases > self.purchases:
                    self._connection.execute("UPDATE fence SET purchases = ?", (purchases,))
            if purchases > self.purchases:
                self.purchases = purchases
                self.raise_mark()

    def raise_mark(self) -> None:
        """Store the number of paid calls in the user's index, durably. After the state file: it may not be ahead."""
        self.index.raise_mark(self.batch_id, self.path.parent.resolve(), self.purchases)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One durable transaction. Raises StateTakenOver when another process opened the file since."""
        try:
            self._check_file()
            self._connection.execute("BEGIN IMMEDIATE")
            self._check_epoch()
            yield
            self._connection.execute("COMMIT")
        except BaseException as exc:
            if self._connection.in_transaction:  # on a full disk SQLite has rolled back already
                self._connection.execute("ROLLBACK")
            if isinstance(exc, sqlite3.Error | TypeError):
                raise StateError(f"{self.path}: {exc}") from exc
            raise

    def taken_over(self) -> StateTakenOver | None:
        """The error if another process opened the file since; None also when the file cannot be read now."""
        try:
            with self._writing:
                self._check_file()
                self._check_epoch()
        except StateTakenOver as exc:
            return exc
        except sqlite3.Error:
            pass
        return None

    def _check_epoch(self) -> None:
        (epoch,) = self._connection.execute("SELECT epoch FROM fence").fetchone()
        if epoch != self._epoch:
            raise self._taken_over(f"another run took over ({describe_holder(self.path)})")

    def _check_file(self) -> None:
        """Raise StateTakenOver if another file has the name now: what is written to this one would be lost.

        Some file systems give a file another number now and then: there the epoch decides. Outside of a transaction,
        because closing the second connection may drop the locks of this one there.
        """
        opened = os.fstat(self._opened)
        try:
            named = self.path.stat()
            is_same = (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino) or self._has_epoch()
        except OSError:
            is_same = False
        if not (opened.st_nlink and is_same):
            raise self._taken_over("it was replaced")

    def _has_epoch(self) -> bool:
        """Whether the file of that name holds the epoch of this process."""
        with closing(connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            try:
                row = connection.execute("SELECT epoch FROM fence").fetchone()
            except sqlite3.Error:
                return False
        return row is not None and row[0] == self._epoch

    def _taken_over(self, what: str) -> StateTakenOver:
        return StateTakenOver(
            f"{self.path}: {what} while this run was active. This run stopped and bought nothing more; "
            f"what it bought is in the state file or in run.log. See: batchvid status {quoted(self.path.parent)}"
        )

    def _write(self, entry: RecordedEvent) -> None:
        job, event = entry.job, entry.event
        if isinstance(event, Adopted):
            self._write_spec(job)
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

    def _rename(self, new_ids: Mapping[str, str]) -> None:
        """Give jobs and all their events new ids, which may be swapped. A plan that was never sent makes room."""
        new_ids = {old: new for old, new in new_ids.items() if old != new}
        for table, column in (("events", "job"), ("jobs", "id")):
            rename = f"UPDATE {table} SET {column} = ? WHERE {column} = ?"  # noqa: S608 - our own names
            steps = [(f"{RENAMED}{old}", old) for old in new_ids]
            self._connection.executemany(rename, steps)
            delete = f"DELETE FROM {table} WHERE {column} = ?"  # noqa: S608 - our own names
            self._connection.executemany(delete, [(new,) for new in new_ids.values()])
            self._connection.executemany(rename, [(new, f"{RENAMED}{old}") for old, new in new_ids.items()])

    def _write_spec(self, job: Job) -> None:
        spec = codec.dump_spec(job.spec)
        self._protect(spec)
        self._connection.execute("UPDATE jobs SET spec = ? WHERE id = ?", (spec, job.id))

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
        with self._writing, self._transaction():
            self._write_meta(values)

    def _write_meta(self, values: Mapping[str, Any]) -> None:
        rows = [(name, json.dumps(value)) for name, value in values.items()]
        for _, text in rows:
            self._protect(text)
        self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    def close(self) -> None:
        """Close the file and release the lock."""
        self.index.close()
        self._connection.close()
        if self._opened >= 0:  # after the connection: closing any handle of the file drops its locks
            os.close(self._opened)
            self._opened = -1
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def record_offline(
    state: StateFile,
    jobs: Mapping[str, Job],
    events: Iterable[tuple[str, Event]],
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Job]:
    """Make many events durable in one transaction, while nothing is under way; the jobs after them.

    `meta` are facts about the batch that change with them. Raises IllegalEvent or StateError; then nothing was written.
    """
    after = dict(jobs)
    entries = []
    for job_id, event in events:
        after[job_id] = advance(after.get(job_id), event)
        entries.append(RecordedEvent(event, after[job_id]))
    if entries:
        state.commit(entries, meta)
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
