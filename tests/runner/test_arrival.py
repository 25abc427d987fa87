"""A clip's file on its way: all bytes that came, in the order in which they came."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from batchvid.errors import StorageError
from batchvid.runner.arrival import MOST_PIECES, Arrival
from batchvid.storage import LocalStore


def arrival(folder: Path) -> Arrival:
    """One that takes whatever comes."""
    return Arrival(LocalStore(folder), "kite/1.mp4", "t-1", most_bytes=10**9)


@pytest.mark.parametrize("pieces", [1, MOST_PIECES, 2 * MOST_PIECES + 1])
def test_any_number_of_pieces_is_written_whole(tmp_path: Path, pieces: int) -> None:
    """A slow line brings many small pieces, more than the system takes in one call."""
    one, data = arrival(tmp_path), [bytes([number % 251]) * (number % 7) for number in range(pieces)]
    one.expect(0, '"v1"')
    one.write(data)
    one.write([b"the rest"])
    whole = b"".join([*data, b"the rest"])
    assert one.path.read_bytes() == whole
    assert (one.size_bytes, one.digest()) == (len(whole), hashlib.sha256(whole).hexdigest())


def test_a_file_that_was_taken_away_is_told(tmp_path: Path) -> None:
    """Nothing is begun in the middle: the rest of a clip alone is no clip."""
    one = arrival(tmp_path)
    one.expect(0, '"v1"')
    one.write([b"the first half"])
    one.path.unlink()
    with pytest.raises(StorageError, match=r"1\.mp4\.part"):
        one.write([b"the other half"])
    assert not one.path.exists()
