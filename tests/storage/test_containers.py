"""A file that ends before its own structure says is incomplete, in every container layout, wherever it is cut."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from batchvid.errors import DownloadError, IncompleteClip
from batchvid.storage.clip_names import output_key, possible_keys, stored_key
from batchvid.storage.file_kind import Container
from batchvid.storage.video_probe import probe
from tests.videos import LAYOUTS, make_video

CUTS = 60


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sound", [True, False])
def test_a_whole_clip_is_read(tmp_path: Path, layout: str, sound: bool) -> None:
    found = probe(make_video(tmp_path / "kite", layout, sound=sound))
    assert (found.width, found.height, found.has_sound, found.is_proven_whole) == (64, 48, sound, True)
    assert found.duration_s == pytest.approx(2.0, abs=0.15)
    expected = "webm" if layout.startswith("webm") else "mov" if layout == "quicktime" else "mp4"
    assert found.container is Container(expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_cut_is_incomplete(tmp_path: Path, layout: str) -> None:
    """Evenly spaced cuts, and the last bytes."""
    data = make_video(tmp_path / "kite", layout, sound=layout == "index last").read_bytes()
    cut, passed = tmp_path / "cut", []
    for length in [*range(64, len(data), len(data) // CUTS), len(data) - 9, len(data) - 1]:
        cut.write_bytes(data[:length])
        try:
            probe(cut)
        except IncompleteClip:
            continue
        passed.append(length)
    assert passed == []


def test_a_cut_between_two_fragments_is_found(tmp_path: Path) -> None:
    """Each fragment is whole: the segment index says that one is missing."""
    data = make_video(tmp_path / "kite", "fragments with sidx").read_bytes()
    last = data.rindex(b"moof") - 4
    (tmp_path / "cut").write_bytes(data[:last])
    with pytest.raises(DownloadError, match="its segment index ends at byte"):
        probe(tmp_path / "cut")


def test_padding_behind_the_last_box_is_no_cut(tmp_path: Path) -> None:
    """Zeros and line ends behind a clip are harmless, but a cut would not show any more."""
    data = make_video(tmp_path / "kite", "index first").read_bytes()
    for padding in (b"\n", bytes(100)):
        (tmp_path / "padded").write_bytes(data + padding)
        assert not probe(tmp_path / "padded").is_proven_whole


def test_a_clip_names_no_other_file(tmp_path: Path) -> None:
    """A QuickTime reference to a file of this machine is not followed: the media data must be in the clip."""
    data = bytearray(make_video(tmp_path / "kite", "index last").read_bytes())
    at = data.index(b"url \0\0\0\x01")
    data[at : at + 8] = b"url \0\0\0\0"  # not self-contained
    (tmp_path / "refers").write_bytes(data[: data.index(b"mdat") + 4] + bytes(struct.pack(">I", 0)))
    with pytest.raises(DownloadError):
        probe(tmp_path / "refers")


def test_names_follow_the_container() -> None:
    assert stored_key("kite/1.v2.mp4", Container.WEBM) == "kite/1.v2.webm"
    assert possible_keys("kite.mp4") == ("kite.mp4", "kite.mov", "kite.webm")


def test_numbered_names_are_never_those_of_another_job() -> None:
    assert output_key("a/kite.mp4", 2, {"a/kite.mp4"}) == "a/kite_2.mp4"
    assert output_key("a/Kite.mp4", 2, {"a/kite_2.mp4"}) == "a/Kite__2.mp4"
