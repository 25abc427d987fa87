"""Room on the disk: asked for before and while a clip is written, and told from every other trouble."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from batchvid.errors import DiskFull, StorageError
from batchvid.storage import LocalStore, storage_error
from batchvid.storage.disk_space import SPARE_BYTES, check_room


def test_there_is_room(tmp_path: Path) -> None:
    """A handful of bytes fits, also below a folder that is not there yet; the spare is counted, too."""
    free = shutil.disk_usage(tmp_path).free
    check_room(tmp_path / "spring" / "clips", 1, spare_bytes=0)
    for wanted, spare in ((free * 2, 0), (0, free * 2), (free, free)):
        with pytest.raises(DiskFull, match=r"is full: [\d.]+ MB are free, [\d.]+ MB are needed") as raised:
            check_room(tmp_path / "spring", wanted, spare)
        assert raised.value.wanted_bytes == wanted


def test_a_disk_that_says_no_size_is_taken_at_its_word() -> None:
    """Some network drives say 0 of 0 bytes, as /proc does: only writing tells."""
    assert shutil.disk_usage("/proc").total == 0
    check_room(Path("/proc/self"), 10**15, SPARE_BYTES)


def test_a_store_leaves_the_spare_alone(tmp_path: Path) -> None:
    """What is kept for the state file is not for clips."""
    LocalStore(tmp_path, 0).check_room(1)
    with pytest.raises(DiskFull):
        LocalStore(tmp_path, shutil.disk_usage(tmp_path).free * 2).check_room()


@pytest.mark.parametrize(
    ("number", "is_full"),
    [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EACCES, False), (errno.EROFS, False), (errno.EFBIG, False)],
)
def test_only_a_full_disk_is_full(number: int, is_full: bool) -> None:
    """Room can be made on a full disk or under a quota; a missing right or a file system's limit is another matter."""
    told = storage_error(Path("kite.mp4"), OSError(number, "words"))
    assert isinstance(told, DiskFull) is is_full
    assert isinstance(told, StorageError)
    assert str(told) == "kite.mp4: words"
