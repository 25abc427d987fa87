"""How much room the disk has left, and what its errors mean. Knows no clip and no job."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from batchvid.errors import DiskFull, StorageError

SPARE_BYTES = 64 * 1024 * 1024  # left to the state file and the report: a purchase must always be written down
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def check_room(folder: Path, wanted_bytes: int, spare_bytes: int) -> None:
    """Raises NoRoom unless so much can be written below the folder and the spare is still left.

    A disk that does not say how large it is (some network drives) is taken at its word when it is written to.
    """
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.is_dir())
    disk = shutil.disk_usage(there)
    if disk.total and disk.free < wanted_bytes + spare_bytes:
        raise DiskFull(
            f"the disk of {folder} is full: {_mb(disk.free)} are free, {_mb(wanted_bytes + spare_bytes)} are needed",
            wanted_bytes,
        )


def storage_error(path: Path, fault: OSError) -> StorageError:
    """What the system's error means for a clip."""
    words = f"{path}: {fault.strerror or fault}"
    return DiskFull(words) if fault.errno in FULL else StorageError(words)


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
