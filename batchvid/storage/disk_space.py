"""Free disk space, and the meaning of disk errors. Knows no clip and no job."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from batchvid.errors import DiskFull, StorageError

SPARE_BYTES = 64 * 1024 * 1024  # reserved for the state file and the report: a purchase must always be recorded
_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})


def check_room(folder: Path, wanted_bytes: int, spare_bytes: int) -> None:
    """Raises DiskFull unless `wanted_bytes` fit on the folder's disk beside the spare.

    A disk without a known size (some network drives) passes; its write errors decide.
    """
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    disk = shutil.disk_usage(existing)
    if disk.total and disk.free < wanted_bytes + spare_bytes:
        raise DiskFull(
            f"the disk of {folder} is full: {_mb(disk.free)} are free, {_mb(wanted_bytes + spare_bytes)} are needed",
            wanted_bytes,
        )


def storage_error(path: Path, exc: OSError) -> StorageError:
    """The system's error as a StorageError, or DiskFull."""
    message = f"{path}: {exc.strerror or exc}"
    return DiskFull(message) if exc.errno in _FULL_ERRNOS else StorageError(message)


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
