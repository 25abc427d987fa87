"""Whole runs whose clips are hard to fetch: dead links, links that lead astray, a disk that fills up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchvid.emulator import Settings
from batchvid.storage import SPARE_BYTES
from tests.disks import small_disk
from tests.end_to_end.conftest import KEY, Bench, environment, until

MORE_BYTES = 16 * 1024 * 1024
BOTH = {
    "veo": "model: veo3-fast",
    "openai-videos": "model: sora-2",
    "seedance": "model: doubao-seedance-2-0-fast, duration_s: 5",
    "videos": "model: videos/wan2.5-t2v, duration_s: 5",
    "gateway": "provider: office, model: gateway/veo3.1-fast, duration_s: 8",
}
"""A clip of every wire format that names a link and has a route of its own for the clip, too."""


def write(bench: Bench, clips: str) -> None:
    """A manifest with two providers, which are the emulator: one of them is a gateway."""
    quick = {
        "send_key_to_own_links": False,
        "concurrency": 20,
        "submits_per_min": 60000,
        "polls_per_s": 1000,
        "poll_every_s": 0.02,
    }
    given = {"api_key_env": "TEST_KEY", **quick}
    fields = {
        "cometapi": {**given, "base_url": bench.emulator.base_url},
        "office": {**given, "base_url": bench.emulator.base_url, "dialect": "gateway", "prefix": "/gateway"},
    }
    top = f"providers: {json.dumps(fields)}\ndefaults: {{duration_s: 4, aspect_ratio: 16:9}}\n"
    bench.manifest.write_text(f"{top}clips:\n{clips}\n", "utf-8")


class TestDeadLinks:
    """Every link is dead by the time it is used."""

    @pytest.fixture
    def settings(self) -> Settings:
        """Sora's and Seedance's objects name a link, too."""
        return Settings(render="shared", api_key=KEY, sora_shape="video_url", seedance_shape="video_url")

    def test_the_content_route_brings_the_clip_home(self, bench: Bench) -> None:
        """In every wire format that has both: the link, once more a fresh one, then the provider's own route."""
        write(bench, "\n".join(f"  - {{id: {name}, prompt: a {name}, {fields}}}" for name, fields in BOTH.items()))
        bench.emulator.set_faults({"match": {"step": "download"}, "do": "expired"})
        assert bench.run("--allow-retired").code == 0  # Sora's sunset may have come
        assert {row["id"]: row["state"] for row in bench.rows()} == dict.fromkeys(BOTH, "succeeded")
        ledger = bench.emulator.ledger()
        families = ledger["families"]
        assert {name: families[name]["polls"] for name in ("veo", "sora", "seedance", "videos", "gateway")} == {
            "veo": 2, "sora": 2, "seedance": 2, "videos": 2, "gateway": 2,
        }  # fmt: skip
        assert (ledger["purchases"], ledger["key_leaks"]) == (len(BOTH), 0)


def test_a_link_that_leads_into_the_cloud_is_not_followed(bench: Bench) -> None:
    """A redirect to where clouds keep their keys: not asked, the clip stays paid for, the message says why and what.

    When the vendor is well again the next run fetches it, and nothing is bought twice.
    """
    bench.write("  - {id: boat, model: kling-v2-6, duration_s: 5, prompt: a boat}")
    trap = {"status": 302, "headers": {"Location": "http://169.254.169.254/latest/meta-data/iam"}}
    bench.emulator.set_faults({"match": {"step": "download"}, "do": trap})
    ended = bench.run()
    assert ended.code == 1
    assert "boat: the link leads to 169.254.169.254, which is a private address" in ended.out
    assert bench.status()["states"]["ready"] == 1
    bench.emulator.set_faults()
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 1


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of little more than what is always spared, where the system lets us make one."""
    with small_disk(tmp_path / "disk", size_bytes=SPARE_BYTES + MORE_BYTES) as disk:
        yield disk


def test_a_disk_that_fills_up_and_is_cleared(bench: Bench, small: Path) -> None:
    """Fetching waits for room in the middle of the night; somebody makes some, and the same run brings all home."""
    bench.write("  - {id: first, prompt: a kite}\n  - {id: next, prompt: 'a storm {{ n }}', matrix: {n: [1, 2, 3]}}")
    bench.emulator.set_faults({"match": {"step": "poll", "prompt": "storm"}, "do": {"unavailable": True}})
    log, filling = small / "batch" / "run.log", small / "somebody's"
    run = subprocess.Popen(
        [sys.executable, "-m", "batchvid", "run", str(bench.manifest), "--out", str(small)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    try:
        until(lambda: run.poll() is not None or any(small.glob("batch/clips/**/*.mp4")))
        with filling.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, MORE_BYTES)
        bench.emulator.set_faults()
        until(lambda: run.poll() is not None or "wait for room" in log.read_text("utf-8"))
        assert run.poll() is None
        filling.unlink()
        out, err = run.communicate(timeout=100)
    finally:
        run.kill()
        run.communicate()
    assert (run.returncode, err) == (0, "")
    assert "is full: " in out
    assert len(list(small.glob("batch/clips/**/*.mp4"))) == 4
    assert bench.emulator.ledger()["purchases"] == 4
