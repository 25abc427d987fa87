"""Small disks for tests, where the system lets us make some. Knows nothing of batchvid."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(at: Path, *, size_bytes: int, files: int = 0) -> Iterator[Path]:
    """A disk of its own at that folder, with room for so many bytes and, if said, files; skips the test without one."""
    at.mkdir(exist_ok=True)
    options = f"size={size_bytes}" + (f",nr_inodes={files}" if files else "")
    try:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)], capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if made.returncode:
        pytest.skip(f"this system lets us make no disk: {made.stderr.decode().strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)
