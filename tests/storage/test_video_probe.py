"""Is it a playable clip: real MP4s, whole, cut at every place, damaged, and things that only call themselves one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid.errors import BadMedia, ClipNotReady, DownloadError, IncompleteClip
from batchvid.storage.video_probe import probe
from tests.builders import MakeClip


@pytest.mark.parametrize(("seconds", "width", "height", "fps"), [(1.0, 64, 48, 8), (2.5, 48, 64, 4), (0.5, 96, 96, 24)])
def test_a_good_clip_is_read(clips: MakeClip, seconds: float, width: int, height: int, fps: int) -> None:
    """Seconds and pixels as they were made."""
    found = probe(clips(seconds=seconds, width=width, height=height, fps=fps))
    assert (found.duration_s, found.width, found.height, found.codec) == (seconds, width, height, "h264")


def test_sound_does_not_change_what_is_seen(clips: MakeClip) -> None:
    """A clip with a sound track is judged by its pictures; an index at the end is as good as one in front."""
    assert replace(probe(clips(tracks="both")), has_sound=False) == probe(clips()) == probe(clips(faststart=False))
    assert probe(clips(tracks="both")).has_sound


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
        except (IncompleteClip, ClipNotReady):
            continue
        passed.append(length)
    cut.write_bytes(data[:-1])
    with pytest.raises(IncompleteClip):
        probe(cut)
    assert passed == []


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_cut_without_its_index_is_found(clips: MakeClip, tmp_path: Path, share: float) -> None:
    """With the index at the end, a cut takes it away, and nothing can be played."""
    data = clips(faststart=False, seconds=2.0).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: round(len(data) * share)])
    with pytest.raises((IncompleteClip, ClipNotReady)):
        probe(cut)


@pytest.mark.parametrize(
    ("raw", "error", "message"),
    [
        (b"", ClipNotReady, "0 bytes instead of a clip"),
        (b"\0\0\0", ClipNotReady, "3 bytes instead of a clip"),
        (b"<!DOCTYPE html><title>Sign in</title>", ClipNotReady, "a text instead of a clip: <!DOCTYPE"),
        (b"  \n<Error><Code>AccessDenied</Code></Error>", ClipNotReady, "a text instead of a clip"),
        (b'{"error": {"message": "gone"}}', ClipNotReady, "a text instead of a clip"),
        ('\ufeff{"fehler": "spaeter"}'.encode("utf-16-le"), ClipNotReady, "a text instead of a clip"),
        (
            "稍后再试，视频正在生成中，请耐心等待一会儿再来下载视频文件谢谢".encode(),
            ClipNotReady,
            "a text instead of a clip",
        ),
        (b"a line of plain words, and more", ClipNotReady, "a text instead of a clip"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\nsegment0.ts\n", BadMedia, "an HLS playlist"),
        (b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash">', BadMedia, "a DASH playlist"),
        (b"ffconcat version 1.0\nfile '/etc/hostname'\n", BadMedia, "an ffconcat list"),
        (b"\x89PNG\r\n\x1a\n" + bytes(90), BadMedia, "a PNG image"),
        (b"\xff\xd8\xff\xe0" + bytes(90), BadMedia, "a JPEG image"),
        (b"\0\0\0\x1cftypavif" + bytes(90), BadMedia, "a still image"),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(90), BadMedia, "a still image"),
        (b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska" + bytes(90), BadMedia, "a Matroska file"),
        (b"RIFF\0\0\0\0AVI LIST" + bytes(90), BadMedia, "no MP4, MOV or WebM file"),
        (bytes(4096), BadMedia, "no MP4, MOV or WebM file"),
    ],
)
def test_what_is_no_clip_is_refused_by_its_first_bytes(
    tmp_path: Path, raw: bytes, error: type[DownloadError], message: str
) -> None:
    """A text may be replaced by the clip later; a playlist, an image and another container may not."""
    path = tmp_path / "kite.mp4"
    path.write_bytes(raw)
    with pytest.raises(error, match=message):
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
    with pytest.raises((BadMedia, IncompleteClip)):
        probe(path)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_in_the_pictures_is_never_a_crash(clips: MakeClip, tmp_path: Path, data: st.DataObject) -> None:
    """Flipped bytes in the pictures make a DownloadError or go unseen; no other error leaves the probe."""
    raw = bytearray(clips(seconds=2.0).read_bytes())
    begin = raw.index(b"mdat") + 4
    for place in data.draw(st.lists(st.integers(begin, len(raw) - 1), min_size=1, max_size=20)):
        raw[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.mp4"
    path.write_bytes(raw)
    try:
        found = probe(path)
    except DownloadError:
        return
    assert (found.duration_s, found.width, found.height) == (2.0, 64, 48)
