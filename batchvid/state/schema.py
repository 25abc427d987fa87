"""The tables of the state file and how older ones are brought up to date."""

import sqlite3

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
)
"""Steps from an empty file to today's schema. Only ever appended to: `PRAGMA user_version` counts those done."""


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Apply the steps that the file has not seen, each in a transaction of its own."""
    done = version_of(connection)
    for number, step in enumerate(MIGRATIONS[done:], start=done + 1):
        connection.executescript(f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT;")


def refuse_newer(connection: sqlite3.Connection) -> None:
    """Raises StateTooNew for a file that a newer batchvid wrote; changes nothing."""
    done = version_of(connection)
    if done > len(MIGRATIONS):
        raise StateTooNew(
            f"the state file has schema {done}, this batchvid knows {len(MIGRATIONS)}: upgrade it; nothing was changed"
        )


def version_of(connection: sqlite3.Connection) -> int:
    """How many steps the file has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
