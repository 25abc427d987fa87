"""What batchvid knows of a user's batches outside of their folders: one SQLite file in the user's state directory.

It holds the number of paid calls of each batch: a state file that knows fewer is an older copy. And it holds which
manifest was run into which folder. The file is optional: without a home, or where it cannot be written, nothing fails
and only the checks inside the batch's folder are left.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

INDEX_NAME = "index.sqlite3"
SYNC_INTERVAL_S = 1.0
BUSY_TIMEOUT_S = 0.5  # many runs share the file, and a paid call waits for it
SCHEMA_VERSION = 2  # 0: the first table only, by an older batchvid
SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS batches (
    batch_id TEXT NOT NULL,
    folder TEXT NOT NULL,           -- absolute: a copy of a folder has the same batch_id
    purchases INTEGER NOT NULL,     -- paid calls, at least; never falls
    PRIMARY KEY (batch_id, folder)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS manifests (
    manifest TEXT NOT NULL,         -- absolute; one that is reached through a link is here under both names
    folder TEXT NOT NULL,           -- absolute: the folder of the batch that it was run into
    batch TEXT NOT NULL,            -- the name of the batch
    file_id TEXT NOT NULL,          -- device and inode of the manifest: found when it was moved
    used_at TEXT NOT NULL,          -- ISO 8601, UTC
    PRIMARY KEY (manifest, folder)
) WITHOUT ROWID;
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestUse:
    """A manifest that was run, the folder of its batch, the batch's name, and when it was run last."""

    manifest: Path
    folder: Path
    batch: str
    file_id: str
    used_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFile:
    """What identifies a manifest: its absolute paths, as written and without links, and its device and inode."""

    paths: tuple[Path, ...]
    file_id: str

    @classmethod
    def at(cls, path: Path) -> ManifestFile:
        """The manifest of that path, which may be missing."""
        written = path.parent.resolve() / path.name if ".." in path.parts else path.absolute()
        file_id = ""
        with suppress(OSError, ValueError):
            found = path.stat()
            file_id = f"{found.st_dev}:{found.st_ino}"
        return cls(paths=tuple(dict.fromkeys((written, Path(os.path.realpath(path))))), file_id=file_id)

    def is_of(self, use: ManifestUse) -> bool:
        """Whether this manifest was run then: it has that path, or it was moved from there."""
        return use.manifest in self.paths or (
            bool(self.file_id) and use.file_id == self.file_id and not os.path.lexists(use.manifest)
        )

    def is_at(self, stored: str | Path) -> bool:
        """Whether a path that was stored earlier names this manifest."""
        return not set(self.paths).isdisjoint(ManifestFile.at(Path(stored)).paths)


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

    def check(self) -> None:
        """Open the file, or make it; `error` says what is wrong with it."""
        self._execute("SELECT 1")

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
        self._execute("UPDATE OR REPLACE manifests SET folder = ? WHERE folder = ?", _stored(new), _stored(old))

    def record_use(self, manifest: ManifestFile, folder: Path, batch: str, at: datetime) -> None:
        """Store that this manifest is run into this folder."""
        for path in manifest.paths:
            row = (_stored(path), _stored(folder), batch, manifest.file_id, at.isoformat())
            self._execute("INSERT OR REPLACE INTO manifests VALUES (?, ?, ?, ?, ?)", *row)

    def uses(self) -> list[ManifestUse]:
        """Which manifests were run into which folders, the last one first."""
        query = "SELECT manifest, folder, batch, file_id, used_at FROM manifests ORDER BY used_at DESC"
        return [
            ManifestUse(manifest=Path(os.fsdecode(path)), folder=Path(os.fsdecode(folder)), batch=name,
                        file_id=file_id, used_at=used_at)
            for path, folder, name, file_id, used_at in self._read(query)
        ]  # fmt: skip

    def all_folders(self) -> list[Path]:
        """The folders of all batches that bought something, also those of which no manifest is known."""
        return [Path(os.fsdecode(folder)) for (folder,) in self._read("SELECT DISTINCT folder FROM batches")]

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self, query: str) -> list[Any]:
        """The rows. Does not create the file, and reads one that cannot be written."""
        try:
            if self._connection is None and (self.path is None or not self.path.is_file()):
                return []
            rows = self._execute(query)
            if not self.error or self.path is None:
                return rows
        except OSError:
            return []
        for mode in ("mode=ro", "immutable=1"):  # the second one needs no file beside it, and may miss the last rows
            with (
                suppress(sqlite3.Error),
                closing(sqlite3.connect(f"{self.path.as_uri()}?{mode}", uri=True)) as connection,
            ):
                return connection.execute(query).fetchall()
        return []

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
            if connection.execute("PRAGMA user_version").fetchone()[0] < SCHEMA_VERSION:
                connection.executescript(SCHEMA)
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
