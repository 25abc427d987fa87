"""Each requested property that a file can confirm or refute is compared; what nobody requested is not."""

from __future__ import annotations

from typing import Any

import pytest

from batchvid.domain.jobs import JobState
from batchvid.errors import BadMedia
from batchvid.runner.downloads.differences import Expected, expected_of, find_differences
from batchvid.storage.file_kind import Container
from batchvid.storage.video_probe import Probe
from tests.builders import job_in


def found(**fields: Any) -> Probe:
    """A clip of 8 s in 1280x720."""
    given = {"duration_s": 8.0, "width": 1280, "height": 720, "codec": "h264", "container": Container.MP4}
    return Probe(**{**given, "has_sound": True, "is_proven_whole": True, **fields})


@pytest.mark.parametrize(
    ("found_s", "requested_s"), [(8.0, None), (8.0, 8.0), (5.1, 5.0), (4.0, 5.0), (6.0, 5.0), (12.5, 10.0), (0.2, 1.0)]
)
def test_vendors_may_round(found_s: float, requested_s: float | None) -> None:
    """A clip may miss its length by a second, a longer one by a quarter."""
    assert find_differences(Expected(duration_s=requested_s), found(duration_s=found_s)) == ""


@pytest.mark.parametrize(("found_s", "requested_s"), [(3.7, 5.0), (6.3, 5.0), (12.6, 10.0), (7.4, 10.0), (0.0, 4.0)])
def test_another_length_is_named_with_both_numbers(found_s: float, requested_s: float) -> None:
    message = f"requested {requested_s:g} s, got {found_s:.1f} s"
    assert find_differences(Expected(duration_s=requested_s), found(duration_s=found_s)) == message


@pytest.mark.parametrize(
    ("wish", "size", "differs"),
    [
        ({"aspect_ratio": "16:9"}, (1280, 768), ""),
        ({"aspect_ratio": "16:9"}, (720, 1280), "requested 16:9, got 720x1280"),
        ({"aspect_ratio": "adaptive"}, (720, 1280), ""),
        ({"resolution": "720p"}, (1280, 720), ""),
        ({"resolution": "720p"}, (960, 960), ""),
        ({"resolution": "480p"}, (864, 496), ""),
        ({"resolution": "1080p"}, (1920, 1088), ""),
        ({"resolution": "1080p"}, (1280, 720), "requested 1080p, got 1280x720"),
        ({"resolution": "4k"}, (3840, 2160), ""),
        ({"resolution": "1280x720"}, (1280, 720), ""),
        ({"resolution": "1280x720"}, (720, 1280), "requested 1280x720, got 720x1280"),
        ({"resolution": "hd"}, (64, 48), ""),
    ],
)
def test_shape_and_resolution(wish: dict[str, Any], size: tuple[int, int], differs: str) -> None:
    assert find_differences(Expected(**wish), found(width=size[0], height=size[1])) == differs


def test_sound() -> None:
    assert find_differences(Expected(sound=True), found(has_sound=False)) == "requested sound, got no sound track"
    assert find_differences(Expected(sound=False), found()) == "requested no sound, got a sound track"
    assert find_differences(Expected(sound=None), found()) == ""


def test_the_manifest_may_refuse() -> None:
    """`on_mismatch: fail` and `container: mp4`; the file plays, so it can be accepted."""
    with pytest.raises(BadMedia, match=r"requested 4 s, got 8\.0 s \(on_mismatch: fail\)") as raised:
        find_differences(Expected(duration_s=4.0, fails=True), found())
    assert raised.value.plays
    with pytest.raises(BadMedia, match="the clip is WEBM, and the manifest stores mp4 only"):
        find_differences(Expected(container="mp4"), found(container=Container.WEBM))


def test_only_wishes_of_the_manifest_are_compared() -> None:
    """The catalogue's default length was sent, and nobody wrote it; an extension is longer than what is bought."""
    assert expected_of(job_in(JobState.READY)).duration_s is None
    assert expected_of(job_in(JobState.READY, duration_s=8.0)).duration_s == 8.0
    extended = expected_of(job_in(JobState.READY, duration_s=8.0, action="extend", aspect_ratio="16:9"))
    assert (extended.duration_s, extended.aspect_ratio) == (None, "")
