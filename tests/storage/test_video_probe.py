"""Is it a playable clip: real MP4s, whole, cut at every place, damaged, and things that only call themselves one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid.errors import BadMedia
from batchvid.storage.video_probe import check_duration, probe
from tests.builders import MakeClip


@pytest.mark.parametrize(("seconds", "width", "height", "fps"), [(1.0, 64, 48, 8), (2.5, 48, 64, 4), (0.5, 96, 96, 24)])
def test_a_good_clip_is_read(clips: MakeClip, seconds: float, width: int, height: int, fps: int) -> None:
    """Seconds and pixels as they were made."""
    found = probe(clips(seconds=seconds, width=width, height=height, fps=fps))
    assert (found.duration_s, found.width, found.height, found.codec) == (seconds, width, height, "h264")


def test_sound_does_not_change_what_is_seen(clips: MakeClip) -> None:
    """A clip with a sound track is judged by its pictures; an index at the end is as good as one in front."""
    assert probe(clips(tracks="both")) == probe(clips()) == probe(clips(faststart=False))


def test_a_clip_need_not_start_at_nought(clips: MakeClip) -> None:
    """What counts is how long it plays, not what its last time stamp says."""
    assert probe(clips(starts_at=16)).duration_s == 1.0


def test_a_title_in_another_encoding_makes_no_clip_unreadable(clips: MakeClip, tmp_path: Path) -> None:
    """What an encoder wrote beside the pictures is not read as UTF-8 at the price of the clip."""
    raw = clips(title="A cafe kite").read_bytes()
    assert b"A cafe kite" in raw
    path = tmp_path / "kite.mp4"
    path.write_bytes(raw.replace(b"A cafe kite", b"A caf\xe9 kite"))
    assert probe(path) == probe(clips())


def test_every_cut_is_found(clips: MakeClip, tmp_path: Path) -> None:
    """However many bytes are missing at the end, one or nearly all: it is not the clip."""
    data, cut = clips().read_bytes(), tmp_path / "cut.mp4"
    passed = []
    for length in range(0, len(data), 3):
        cut.write_bytes(data[:length])
        try:
            probe(cut)
        except BadMedia:
            continue
        passed.append(length)
    cut.write_bytes(data[:-1])
    with pytest.raises(BadMedia):
        probe(cut)
    assert passed == []


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_cut_without_its_index_is_found(clips: MakeClip, tmp_path: Path, share: float) -> None:
    """With the index at the end, a cut takes it away, and nothing can be played."""
    data = clips(faststart=False, seconds=2.0).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: round(len(data) * share)])
    with pytest.raises(BadMedia):
        probe(cut)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "0 bytes are no clip"),
        (b"\0\0\0", "3 bytes are no clip"),
        (b"<!DOCTYPE html><title>Sign in</title>", "not a clip but text"),
        (b"  \n<Error><Code>AccessDenied</Code></Error>", "not a clip but text"),
        (b'{"error": {"message": "gone"}}', "not a clip but text"),
        (b"a line of plain words, and more", "not a playable clip"),
        (bytes(4096), "not a playable clip"),
    ],
)
def test_what_only_calls_itself_a_clip_is_told(tmp_path: Path, raw: bytes, said: str) -> None:
    """A login page or an error that came instead is named for what it is."""
    path = tmp_path / "kite.mp4"
    path.write_bytes(raw)
    with pytest.raises(BadMedia, match=said):
        probe(path)


def test_sound_alone_is_no_clip(clips: MakeClip) -> None:
    """A file without a picture track plays, but not as a clip."""
    with pytest.raises(BadMedia, match="no picture track"):
        probe(clips(tracks="audio"))


def test_a_picture_that_cannot_be_decoded_is_found(clips: MakeClip, tmp_path: Path) -> None:
    """An intact container around noise is no clip."""
    data = bytearray(clips(seconds=2.0).read_bytes())
    begin = data.index(b"mdat") + 4
    data[begin:] = bytes(len(data) - begin)
    path = tmp_path / "noise.mp4"
    path.write_bytes(data)
    with pytest.raises(BadMedia):
        probe(path)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_in_the_pictures_is_never_a_crash(clips: MakeClip, tmp_path: Path, data: st.DataObject) -> None:
    """Flipped bytes in the pictures make a BadMedia or go unseen; no other error leaves the probe."""
    raw = bytearray(clips(seconds=2.0).read_bytes())
    begin = raw.index(b"mdat") + 4
    for place in data.draw(st.lists(st.integers(begin, len(raw) - 1), min_size=1, max_size=20)):
        raw[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.mp4"
    path.write_bytes(raw)
    try:
        found = probe(path)
    except BadMedia:
        return
    assert (found.duration_s, found.width, found.height) == (2.0, 64, 48)


@pytest.mark.parametrize(
    ("found_s", "requested_s"), [(8.0, None), (8.0, 8.0), (5.1, 5.0), (4.0, 5.0), (6.0, 5.0), (12.5, 10.0), (0.2, 1.0)]
)
def test_vendors_may_round(found_s: float, requested_s: float | None) -> None:
    """A clip may miss its length by a second, a longer one by a quarter; without a wish any length will do."""
    check_duration(found_s, requested_s)


@pytest.mark.parametrize(("found_s", "requested_s"), [(3.7, 5.0), (6.3, 5.0), (12.6, 10.0), (7.4, 10.0), (0.0, 4.0)])
def test_a_clip_of_another_length_is_not_the_one(found_s: float, requested_s: float) -> None:
    """Ten seconds were paid for, five came: that is told with both numbers."""
    with pytest.raises(BadMedia, match=f"requested {requested_s:g} s, got a clip of {found_s:.1f} s"):
        check_duration(found_s, requested_s)
