"""What batchvid knows of a user's batches outside of their folders: one SQLite file in the user's state directory.

It holds the number of paid calls of each batch. A state file that knows fewer is an older copy. The file is optional:
without a home, or where it cannot be written, nothing fails and only the checks inside the batch's folder are left.
"""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INDEX_NAME = "index.sqlite3"
SYNC_INTERVAL_S = 1.0
BUSY_TIMEOUT_S = 0.5  # many runs share the file, and a paid call waits for it
SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    batch_id TEXT NOT NULL,
    folder TEXT NOT NULL,           -- absolute: a copy of a folder has the same batch_id
    purchases INTEGER NOT NULL,     -- paid calls, at least; never falls
    PRIMARY KEY (batch_id, folder)
) WITHOUT ROWID;
"""
RAISE_MARK = (
    "INSERT INTO batches VALUES (?, ?, ?)"
    " ON CONFLICT (batch_id, folder) DO UPDATE SET purchases = max(purchases, excluded.purchases)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBatch:
    """A folder that a batch was run in, and how many paid calls it had there at least."""

    folder: Path
    purchases: int


def _stored(folder: Path) -> str | bytes:
    """A path as SQLite takes it: text, or bytes where it is not UTF-8."""
    text = str(folder)
    return os.fsencode(folder) if any("\ud800" <= char <= "\udfff" for char in text) else text


class UserIndex:
    """The open index. Every method does nothing, or returns nothing, once the file cannot be used."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.error = "" if path else "there is no home directory"
        self._connection: sqlite3.Connection | None = None
        self._synced_at = -SYNC_INTERVAL_S

    def folders(self, batch_id: str) -> list[KnownBatch]:
        """Where a batch, or a copy of it, was run."""
        rows = self._execute("SELECT folder, purchases FROM batches WHERE batch_id = ? ORDER BY folder", batch_id)
        return [KnownBatch(folder=Path(os.fsdecode(folder)), purchases=purchases) for folder, purchases in rows]

    def raise_mark(self, batch_id: str, folder: Path, purchases: int) -> None:
        """Store that the batch has so many paid calls. A lower number changes nothing.

        It survives the end of this process at once, and a power cut after at most SYNC_INTERVAL_S: a sync may take as
        long as that of the state file, and single purchases would pay for two.
        """
        now = time.monotonic()
        is_due = now - self._synced_at >= SYNC_INTERVAL_S
        if is_due:
            self._synced_at = now
        self._execute(f"PRAGMA synchronous = {'FULL' if is_due else 'NORMAL'}")  # FULL syncs what came before, too
        self._execute(RAISE_MARK, batch_id, _stored(folder), purchases)

    def move(self, batch_id: str, old: Path, new: Path) -> None:
        """The batch's folder was moved."""
        change = "UPDATE OR REPLACE batches SET folder = ? WHERE batch_id = ? AND folder = ?"
        self._execute(change, _stored(new), batch_id, _stored(old))

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _execute(self, query: str, *values: object) -> list[Any]:
        """The rows. Opens the file on first use; an error is kept in `error` and closes it."""
        if self.error:
            return []
        try:
            if self._connection is None:
                self._connection = self._open()
            return self._connection.execute(query, values).fetchall()
        except (sqlite3.Error, OSError) as exc:
            if self._connection is None or "locked" not in str(exc):  # a busy file is tried again next time
                self.error = str(exc)
                self.close()
            return []

    def _open(self) -> sqlite3.Connection:
        assert self.path is not None  # noqa: S101 - `error` is set then
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(SCHEMA)
        except BaseException:
            connection.close()
            raise
        return connection


def open_user_index() -> UserIndex:
    """The index of this user, in the platform's directory for state (XDG_STATE_HOME on Linux)."""
    import platformdirs

    try:
        folder = platformdirs.user_state_path("batchvid", appauthor=False)
    except (RuntimeError, OSError, KeyError):
        return UserIndex(None)
    return UserIndex(folder / INDEX_NAME if folder.is_absolute() else None)  # relative: "~" has no meaning here
