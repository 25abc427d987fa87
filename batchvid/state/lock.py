"""One run per state file: an operating-system lock that the system releases when its holder ends."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from batchvid.errors import StateError, StateLocked

ACQUIRE_TIMEOUT_S = 0.3  # `find_holder` holds the lock for an instant; a run that starts just then must not fail

REFUSED = 3
TRY_LOCK = f"""
import sys
from filelock import FileLock, Timeout
try:
    FileLock(sys.argv[1]).acquire(timeout=0)
except Timeout:
    sys.exit({REFUSED})
"""


class RunLock:
    """Held from construction to `release`. Raises StateLocked, naming who holds it, when somebody else does.

    The note beside the lock (pid, host, since when) is only for that message: it decides nothing, so a stale one
    blocks nobody.
    """

    def __init__(self, state_path: Path) -> None:
        self._note = _note_path(state_path)
        self._lock = FileLock(_lock_path(state_path))
        try:
            self._lock.acquire(timeout=ACQUIRE_TIMEOUT_S)
        except Timeout:
            raise StateLocked(
                f"another run holds {state_path}: {describe_holder(state_path)}. Nothing was done here."
            ) from None
        except OSError as exc:
            raise StateError(f"{state_path.parent} cannot be written to: {exc.strerror}") from exc
        since = datetime.now(UTC).isoformat(timespec="seconds")
        self._text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since})
        with contextlib.suppress(OSError):  # a full disk: the lock itself holds
            self._note.write_text(self._text, "utf-8")

    def release(self) -> None:
        """Release the lock."""
        with contextlib.suppress(OSError, ValueError):
            if self._note.read_text("utf-8") == self._text:  # not that of a run that took over
                self._note.unlink(missing_ok=True)
        self._lock.release()


def find_holder(state_path: Path) -> str:
    """Who holds the state file now, as `pid 12 on box since ...`; empty when nobody does."""
    lock = FileLock(_lock_path(state_path))
    try:
        if not _lock_path(state_path).exists():
            return ""
        lock.acquire(timeout=0)
    except Timeout:
        return describe_holder(state_path)
    except OSError:  # a folder without write permission: no run can hold it
        return ""
    lock.release()
    return ""


def locks_are_kept(folder: Path) -> bool:
    """Whether the file system keeps a lock: a second process must not get the one that this process holds.

    Two handles of one process prove nothing on NFS, where Linux keeps flock as a lock of the process. Raises OSError
    when no file can be made there.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".batchvid-lock-") as place:
        path = Path(place) / "lock"
        lock = FileLock(path)
        try:
            lock.acquire(timeout=ACQUIRE_TIMEOUT_S)
            second = subprocess.run([sys.executable, "-c", TRY_LOCK, str(path)], check=False)  # noqa: S603 - ourselves
        except (Timeout, NotImplementedError):
            return False
        finally:
            lock.release()
    return second.returncode == REFUSED


def _lock_path(state_path: Path) -> Path:
    return state_path.with_name(state_path.name + ".lock")


def _note_path(state_path: Path) -> Path:
    return state_path.with_name(state_path.name + ".holder")


def describe_holder(state_path: Path) -> str:
    """Who left the note beside the lock."""
    try:
        note = json.loads(_note_path(state_path).read_text("utf-8"))
        return f"pid {note['pid']} on {note['host']} since {note['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a run that left no note of who it is"
