"""The tables of the state file and their migrations."""

import sqlite3
from pathlib import Path

from batchvid.errors import StateTooNew

BATCH_ID_FROM_EVENTS = "SELECT at || ' ' || job FROM events ORDER BY seq LIMIT 1"
PURCHASES_FROM_EVENTS = "SELECT count(*) FROM events WHERE event = 'SubmitStarted'"
MIGRATIONS = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        position INTEGER NOT NULL,      -- order of the manifest, for reports
        provider TEXT NOT NULL,
        state TEXT NOT NULL,
        spec TEXT NOT NULL,             -- JobSpec as JSON, frozen when the job was planned
        standing TEXT NOT NULL          -- the rest of Job as JSON
    );
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        at TEXT NOT NULL,               -- ISO 8601, UTC
        job TEXT NOT NULL,
        event TEXT NOT NULL,            -- a name of batchvid.events
        data TEXT NOT NULL              -- its fields as JSON
    );
    """,
    "CREATE INDEX events_of_job ON events (job, seq);",
    "ALTER TABLE jobs RENAME COLUMN standing TO job_data;",
    f"""
    CREATE TABLE fence (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        batch_id TEXT NOT NULL,         -- the same in every copy of the file, also in one of an older schema
        epoch TEXT NOT NULL,            -- random; of the process that may write
        purchases INTEGER NOT NULL      -- paid calls of the batch; never falls
    );
    INSERT INTO fence VALUES (
        1,
        coalesce(({BATCH_ID_FROM_EVENTS}), lower(hex(randomblob(16)))),
        '',
        ({PURCHASES_FROM_EVENTS})
    );
    """,  # noqa: S608 - the queries above
)
"""Steps from an empty file to today's schema. Only ever appended to: `PRAGMA user_version` counts those done."""
JOB_DATA_SINCE = 3  # the step that renames the column
FENCE_SINCE = 4  # the step that adds the table


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the steps that the file lacks, each in its own transaction."""
    version = read_version(connection)
    for number, step in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT;")


def refuse_newer(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StateTooNew for a file that a newer batchvid wrote; changes nothing."""
    version = read_version(connection)
    if version > len(MIGRATIONS):
        raise StateTooNew(
            f"{path}: a newer batchvid wrote it (schema {version}, this one knows {len(MIGRATIONS)}); "
            f"nothing was changed. Upgrade: pip install --upgrade batchvid"
        )


def job_data_column(connection: sqlite3.Connection) -> str:
    """The column of Job's JSON. A reader does not migrate, so it may see the old name."""
    return "job_data" if read_version(connection) >= JOB_DATA_SINCE else "standing"


def read_fence(connection: sqlite3.Connection) -> tuple[str, int]:
    """The batch's id, empty if there is none, and its paid calls; of an older schema those that a migration sets."""
    if read_version(connection) >= FENCE_SINCE:
        row = connection.execute("SELECT batch_id, purchases FROM fence").fetchone()
        return (str(row[0]), int(row[1])) if row else ("", 0)
    first = connection.execute(BATCH_ID_FROM_EVENTS).fetchone()
    (purchases,) = connection.execute(PURCHASES_FROM_EVENTS).fetchone()
    return first[0] if first else "", purchases


def read_version(connection: sqlite3.Connection) -> int:
    """The number of steps that were applied to the file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
