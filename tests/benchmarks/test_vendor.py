"""The lean vendor and the clients that cost nothing to try: what they say is what was asked, and all of it was made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from batchvid.media import probe
from benchmarks import measure
from benchmarks.batch import rows_manifest
from benchmarks.clip import SECONDS, make_clip


def test_a_padded_clip_is_a_clip_of_that_size(tmp_path: Path) -> None:
    """The 20 MB of the download case play, and are as long as the manifest asks."""
    clip = make_clip(tmp_path / "clip.mp4", at_least_bytes=300_000)
    assert clip.stat().st_size == 300_000
    assert probe(clip).duration_s == SECONDS


def test_floor_and_batchvid_make_the_same_clips_with_the_same_requests(tmp_path: Path) -> None:
    """Both submit each job once, ask as often as the vendor makes them, and have every clip on disk at the end."""
    clip = make_clip(tmp_path / "clip.mp4")
    jobs, looks = 6, 3
    with measure.vendor(clip=str(clip), looks=looks) as base_url:
        (tmp_path / "bare").mkdir()
        asked = {"base_url": base_url, "jobs": jobs, "at_once": 3, "folder": str(tmp_path / "bare")}
        floor = measure.client("aiohttp_client", asked)
        after_floor = books(base_url)
        manifest = rows_manifest(tmp_path, jobs, base_url=base_url, concurrency=3)
        ours = measure.client("batchvid_client", {"manifest": str(manifest), "folder": str(tmp_path / "out")})
        after_both = books(base_url)
    assert after_floor == (jobs, jobs * looks)
    assert after_both == (2 * jobs, 2 * jobs * looks)
    assert ours.said["counts"] == {"succeeded": jobs}
    assert len(list((tmp_path / "bare").glob("*.mp4"))) == jobs == len(list((tmp_path / "out").glob("**/*.mp4")))
    assert 0 < floor.said["cpu_s"] <= floor.cpu_s
    assert floor.said["peak_mb"] > 1


def books(base_url: str) -> tuple[int, int]:
    """Submits and polls as the vendor counted them."""
    said = measure.books(base_url)
    return said["submits"], said["polls"]


def test_a_client_that_breaks_is_told_with_its_last_words() -> None:
    """A peer that cannot run must not become a figure."""
    with pytest.raises(measure.ClientFailed, match="no such package"):
        measure.run([sys.executable, "-c", "raise SystemExit('no such package')"])
