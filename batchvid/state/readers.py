"""Reads a state file at any time, also while a run writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from batchvid import gc_control
from batchvid.domain.attempts import NEXT_STATUS, Attempt, build_attempts
from batchvid.domain.jobs import Job, advance
from batchvid.errors import StateError
from batchvid.state import codec
from batchvid.state.meta import Meta
from batchvid.state.schema import read_fence, refuse_newer
from batchvid.state.state_file import connect, describe_error, load_jobs


def read_jobs(path: Path) -> list[Job]:
    """Every job as it stands on disk now, also while a run is writing. Raises StateError when it cannot be read."""
    with _reading(path) as connection, gc_control.gc_paused():
        return load_jobs(connection, path)


def has_jobs(path: Path) -> bool:
    """Whether the file holds a job. Raises StateError when it cannot be read."""
    with _reading(path) as connection:
        return connection.execute("SELECT 1 FROM jobs LIMIT 1").fetchone() is not None


def read_meta(path: Path) -> Meta:
    """What `set_meta` stored; what cannot be read is left out. Raises StateError when the file cannot be read."""
    with _reading(path) as connection:
        connection.text_factory = bytes  # a damaged value may be no UTF-8
        return Meta(connection.execute("SELECT name, value FROM meta"))


def read_batch_id(path: Path) -> str:
    """The id of the batch, the same in every copy of the file; empty when it cannot be read."""
    try:
        with _reading(path) as connection:
            return read_fence(connection)[0]
    except StateError:
        return ""


def read_purchases(path: Path) -> int:
    """How many paid calls the state file knows. Raises StateError when it cannot be read."""
    with _reading(path) as connection:
        return read_fence(connection)[1]


def read_attempts(path: Path, only: Iterable[str] | None = None) -> Iterator[Attempt]:
    """Every attempt, built from the event log: in the manifest's order, or those of `only` these jobs.

    Raises StateError when it cannot be read.
    """
    event_names = ", ".join(f"'{kind.__name__}'" for kind in NEXT_STATUS)
    query = f"SELECT event, at, data FROM events WHERE job = ? AND event IN ({event_names}) ORDER BY seq"  # noqa: S608 - our own class names
    with _reading(path) as connection:
        if only is None:
            only = [job_id for (job_id,) in connection.execute("SELECT id FROM jobs ORDER BY position")]
        for job_id in only:
            if rows := connection.execute(query, (job_id,)).fetchall():
                (text,) = connection.execute("SELECT spec FROM jobs WHERE id = ?", (job_id,)).fetchone()
                spec = codec.load_spec(text)
                yield from build_attempts(spec, [codec.load_event(name, at, data, spec) for name, at, data in rows])


def replay(path: Path) -> dict[str, Job]:
    """The jobs built from the event log alone: as `read_jobs`, but for specs, links and progress."""
    with _reading(path) as connection:
        jobs: dict[str, Job] = {}
        rows = connection.execute(
            "SELECT events.job, event, at, data, spec FROM events JOIN jobs ON jobs.id = events.job ORDER BY seq"
        )
        for job_id, name, at, data, spec in rows:
            event = codec.load_event(name, at, data, codec.load_spec(spec))
            jobs[job_id] = advance(jobs.get(job_id), event)
        return jobs


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection: sees a consistent file and never blocks the writer."""
    if not path.is_file():
        raise StateError(f"{path}: there is no state file here yet")
    with closing(_read_only(path)) as connection:
        try:
            connection.execute("BEGIN")
            refuse_newer(connection, path)
            yield connection
        except (sqlite3.Error, ValueError, KeyError, TypeError) as exc:
            raise StateError(f"{path}: cannot be read: {describe_error(exc)}") from exc


def _read_only(path: Path) -> sqlite3.Connection:
    address = path.resolve().as_uri()
    connection = connect(f"{address}?mode=ro", uri=True)
    try:
        connection.execute("PRAGMA user_version")
    except sqlite3.OperationalError:  # a read-only disk, where not even a reader's own mark can be set
        connection.close()
        return connect(f"{address}?immutable=1", uri=True)
    except sqlite3.DatabaseError:
        pass  # reported when the file is read
    return connection
