"""The tables of the state file and their migrations."""

import sqlite3
from pathlib import Path

from batchvid.errors import StateTooNew

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
    """
    CREATE TABLE fence (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        batch_id TEXT NOT NULL,         -- the same in every copy of the file, also in one of an older schema
        epoch TEXT NOT NULL,            -- random; of the process that may write
        purchases INTEGER NOT NULL      -- paid calls of the batch; never falls
    );
    INSERT INTO fence VALUES (
        1,
        coalesce((SELECT at || ' ' || job FROM events ORDER BY seq LIMIT 1), lower(hex(randomblob(16)))),
        '',
        (SELECT count(*) FROM events WHERE event = 'SubmitStarted')
    );
    """,
)
JOB_DATA_SINCE = 3  # the step that renames the column
"""Steps from an empty file to today's schema. Only ever appended to: `PRAGMA user_version` counts those done."""


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


def read_version(connection: sqlite3.Connection) -> int:
    """The number of steps that were applied to the file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
