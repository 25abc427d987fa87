"""A clip's file on its way: all bytes that came, in the order in which they came."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from batchvid.errors import StorageError
from batchvid.runner.downloads.partial_file import MOST_PIECES, PartialFile
from batchvid.storage import LocalStore


def partial_file(folder: Path) -> PartialFile:
    """One that takes whatever comes."""
    return PartialFile(LocalStore(folder), "kite/1.mp4", "t-1", max_bytes=10**9)


@pytest.mark.parametrize("pieces", [1, MOST_PIECES, 2 * MOST_PIECES + 1])
def test_any_number_of_pieces_is_written_whole(tmp_path: Path, pieces: int) -> None:
    """A slow line brings many small pieces, more than the system takes in one call."""
    one, data = partial_file(tmp_path), [bytes([number % 251]) * (number % 7) for number in range(pieces)]
    one.expect(0, '"v1"')
    one.write(data)
    one.write([b"the rest"])
    whole = b"".join([*data, b"the rest"])
    assert one.path.read_bytes() == whole
    assert (one.size_bytes, one.digest()) == (len(whole), hashlib.sha256(whole).hexdigest())


def test_a_file_that_was_taken_away_is_told(tmp_path: Path) -> None:
    """Nothing is begun in the middle: the rest of a clip alone is no clip."""
    one = partial_file(tmp_path)
    one.expect(0, '"v1"')
    one.write([b"the first half"])
    one.path.unlink()
    with pytest.raises(StorageError, match=r"1\.mp4\.part"):
        one.write([b"the other half"])
    assert not one.path.exists()


def test_what_comes_whole_goes_over_what_lies_there(tmp_path: Path) -> None:
    """The first write that is also the last needs no note, and nothing of an older part stays behind it."""
    one = partial_file(tmp_path)
    one.path.write_bytes(b"much more than the clip itself has")
    one.expect(0, '"v1"', 4)
    one.write([b"cl", b"ip"], last=True)
    assert [file.name for file in one.path.parent.iterdir()] == ["1.mp4.part"]
    assert one.path.read_bytes() == b"clip"
    assert (one.size_bytes, one.digest()) == (4, hashlib.sha256(b"clip").hexdigest())


def test_the_end_of_a_part_is_not_the_whole(tmp_path: Path) -> None:
    """What was here is gone on from, and the digest is that of all of it."""
    first = partial_file(tmp_path)
    first.expect(0, '"v1"')
    first.write([b"the first half, "])
    again = partial_file(tmp_path)
    have = again.resume_from()
    again.expect(have, '"v1"')
    again.write([b"the other half"], last=True)
    whole = b"the first half, the other half"
    assert again.path.read_bytes() == whole
    assert (again.size_bytes, again.digest()) == (len(whole), hashlib.sha256(whole).hexdigest())


def test_a_part_that_is_not_gone_on_from_counts_no_more(tmp_path: Path) -> None:
    """The server sent the file anew: its bytes alone are the clip, and alone are hashed."""
    first = partial_file(tmp_path)
    first.expect(0, '"v1"')
    first.write([b"of another file"])
    again = partial_file(tmp_path)
    assert again.resume_from() == 15
    again.expect(0, '"v2"')
    again.write([b"clip"], last=True)
    assert again.path.read_bytes() == b"clip"
    assert (again.size_bytes, again.digest()) == (4, hashlib.sha256(b"clip").hexdigest())
