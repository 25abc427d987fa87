"""The lean vendor and the clients without further packages: requests and replies agree, and every job is made."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from batchvid.storage.video_probe import probe
from benchmarks import measure
from benchmarks.cases import Options
from benchmarks.clip import SECONDS, make_clip
from benchmarks.tls import make_trust
from benchmarks.trial import Program, contest

FLOOR = Program(module="aiohttp_client", package="aiohttp")
PACED = Program(module="aiohttp_client", package="aiohttp", paced=True)


def test_a_padded_clip_is_a_clip_of_that_size(tmp_path: Path) -> None:
    """The 20 MB of the download case play, and are as long as the manifest asks."""
    clip = make_clip(tmp_path / "clip.mp4", at_least_bytes=300_000)
    assert clip.stat().st_size == 300_000
    assert probe(clip).duration_s == SECONDS


@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "TLS"])
def test_floors_and_batchvid_make_the_same_clips_with_the_same_requests(tmp_path: Path, over_tls: bool) -> None:
    """Each submits every job once, asks as often as batchvid did, fetches each clip once; CPU is counted for each."""
    trust = None
    if over_tls:
        if (openssl := shutil.which("openssl")) is None:
            pytest.skip("openssl is not installed here")
        (public := tmp_path / "public.pem").touch()
        trust = make_trust(openssl, tmp_path, public)
    options = Options(quick=True, folder=tmp_path, peer_python=sys.executable, rounds=1)
    with contest(options, jobs=6, pace=0.02, trust=trust) as arena:
        costs = [arena.ours(), arena.other(FLOOR), arena.other(PACED)]
    assert min(costs) > 0
    assert sum(arena.nights[0].looks) >= 6
    assert len(list((tmp_path / "aiohttp_client").glob("*.mp4"))) == 7  # its first job included


def test_where_the_cpu_went_is_told_apart(tmp_path: Path) -> None:
    """The parts of a run are those of its threads up to the last clip, and its reports; all of them cost something."""
    options = Options(quick=True, folder=tmp_path, peer_python=sys.executable, rounds=1)
    with contest(options, jobs=2, pace=0.02) as arena:
        output = arena.night().output
    assert set(output["shares_s"]) == {"main thread", "state thread", "other threads", "reports"}
    assert 0 < sum(output["shares_s"].values()) + output["load_s"] == pytest.approx(output["cpu_s"])


def test_batchvid_is_measured_on_the_loop_that_is_named(tmp_path: Path) -> None:
    """A run uses the event loop of the given module; its cost is scaled to the requests of a round."""
    name = "tests.benchmarks.another_loop"
    options = Options(quick=True, folder=tmp_path, peer_python=sys.executable, rounds=1)
    with contest(options, jobs=2, pace=0.02) as arena:
        night = arena.night(loop=name)
        arena.nights.append(night)
        assert night.output["loop"] == name
        assert arena.ours_on(name) > 0


def test_a_client_that_cannot_run_here_says_why() -> None:
    """A peer whose package is missing is skipped by a reason that names package and interpreter."""
    assert FLOOR.lacks == ""
    assert Program(module="x", package="no_such_peer").lacks == f"no_such_peer cannot be imported by {sys.executable}"


def test_a_client_that_breaks_is_told_with_its_last_words() -> None:
    """A peer that cannot run must not become a figure."""
    with pytest.raises(measure.ClientFailed, match="no such package"):
        measure.run([sys.executable, "-c", "raise SystemExit('no such package')"])
