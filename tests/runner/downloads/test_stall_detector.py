"""What is borne of a slow line, and how large a clip may be; and that the catcher holds downloads to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.emulator import Emulator, Settings
from batchvid.errors import BadMedia, DownloadError
from batchvid.runner.downloads.stall_detector import (
    BASE_BYTES,
    MAX_CLIP_BYTES,
    DownloadLimits,
    StallDetector,
    max_bytes,
)
from tests.builders import MakeClip
from tests.runner.cdn import cdn_of
from tests.runner.downloads.fetch_harness import Net
from tests.runner.servers import read_request, talking
from tests.runner.videos import finished

MINUTE = DownloadLimits(min_bytes=6000, window_s=60.0, total_s=3600.0)
PART = "clips/kite/1.mp4.part"


@given(st.lists(st.floats(min_value=0.01, max_value=59.0), min_size=1, max_size=60), st.integers(1, 2000))
def test_a_trickle_is_told_within_two_windows(gaps: list[float], size: int) -> None:
    """Whatever the rhythm: once two windows are over, half the floor a second is a trickle, twice the floor is none."""
    slow, quick, now = StallDetector(MINUTE, 0.0), StallDetector(MINUTE, 0.0), 0.0
    told = []
    for gap in gaps:
        now += gap
        told.append(slow.is_stalled(now, round(gap * 50)))
        assert not quick.is_stalled(now, round(gap * 200) + size)
    assert any(told) or now < 120


def test_a_pause_is_made_up_for_within_its_window() -> None:
    """Half a minute of silence is no trickle when the rest of the window brings enough."""
    pace = StallDetector(MINUTE, 100.0)
    assert not pace.is_stalled(130.0, 0)
    assert not pace.is_stalled(159.9, 6000)
    assert not pace.is_stalled(160.0, 1)
    assert not pace.is_stalled(219.9, 10)
    assert pace.is_stalled(220.0, 10)


@pytest.mark.parametrize("seconds", [4.0, 8.0, 60.0, 300.0, None])
def test_how_large_a_clip_may_be(seconds: float | None) -> None:
    """Far above 4K at 100 Mbit/s for its length, and never without an end."""
    assert (seconds or 0) * 12_500_000 < max_bytes(seconds) <= MAX_CLIP_BYTES
    assert max_bytes(seconds) >= BASE_BYTES


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """A vendor whose tasks are done at once."""
    async with Emulator(Settings(render="shared")) as served:
        yield served


async def test_a_trickling_download_is_given_up_and_goes_on(net: Net, emulator: Emulator) -> None:
    """Below the floor the try ends, what has come is kept, and the next try asks for the rest only."""
    link = await finished(emulator)
    emulator.set_faults([{"match": {"step": "download", "nth": [1]}, "do": {"slow": 20_000}}])
    trickle = DownloadLimits(min_bytes=100_000, window_s=0.1)
    with pytest.raises(DownloadError, match=r"fewer than 100000 bytes came in 0\.1 s"):
        await net.catch(link, duration_s=None, base_url=emulator.base_url, limits=trickle)
    have = len(net.files()[PART])
    assert have > 0
    clip = await net.catch(link, duration_s=None, base_url=emulator.base_url, limits=trickle)
    assert clip.size_bytes > have


async def test_a_download_has_a_deadline(net: Net, emulator: Emulator) -> None:
    """Above the floor, but not done in time: the try ends, and the part is kept."""
    link = await finished(emulator)
    emulator.set_faults([{"match": {"step": "download"}, "do": {"slow": 20_000}}])
    with pytest.raises(DownloadError, match=r"not done after 0\.1\d s"):
        await net.catch(link, duration_s=None, base_url=emulator.base_url, limits=DownloadLimits(total_s=0.15))
    assert len(net.files()[PART]) > 0


DRIPS = {
    "1xx": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "slow header": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n\0\0\0\x20ftypisom", b"\0"),
}


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, piece: bytes) -> None:
    await read_request(reader)
    writer.write(head)
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("drip", ["1xx", "slow header"])
async def test_headers_have_a_limit(net: Net, drip: str) -> None:
    """Each piece comes in time, and the headers are never complete."""
    async with talking(lambda reader, writer: _drip(reader, writer, *DRIPS[drip])) as address:
        with pytest.raises(DownloadError, match=r"not done after 0\.\d+ s"):
            await net.catch(f"http://{address}/a.mp4", limits=DownloadLimits(headers_s=0.1))


@pytest.mark.parametrize("drip", DRIPS)
async def test_an_interrupt_ends_a_download_without_progress(net: Net, drip: str) -> None:
    """As Ctrl-C does, after some seconds: one that is open, and one that begins later."""
    async with talking(lambda reader, writer: _drip(reader, writer, *DRIPS[drip])) as address:
        download = asyncio.create_task(net.catch(f"http://{address}/a.mp4"))
        await asyncio.sleep(0.05)
        net.transport.shorten_calls(0.05)
        for tried in (download, net.catch(f"http://{address}/a.mp4")):
            with pytest.raises(DownloadError, match=r"not done after 0(\.\d+)? s"):
                await asyncio.wait_for(tried, 5)


async def test_an_interrupt_lets_a_download_with_progress_finish(net: Net, clips: MakeClip) -> None:
    """It takes four times as long as a download without progress may take."""
    data = clips().read_bytes() + b"\0\2\0\x08free" + bytes(128 * 1024)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data))
        for start in range(0, len(data), 10_000):
            writer.write(data[start : start + 10_000])
            await writer.drain()
            await asyncio.sleep(0.05)

    async with talking(serve) as address:
        download = asyncio.create_task(net.catch(f"http://{address}/a.mp4"))
        await asyncio.sleep(0.1)
        net.transport.shorten_calls(0.4)
        assert (await download).size_bytes == len(data)


async def test_a_body_without_end_is_cut_off(net: Net, emulator: Emulator) -> None:
    """It begins like a clip and never stops: at the most that such a clip may have it is thrown away."""
    link = await finished(emulator)
    emulator.set_faults([{"match": {"step": "download"}, "do": "endless"}])
    with pytest.raises(BadMedia, match="larger than 3000000 bytes"):
        await net.catch(link, base_url=emulator.base_url, max_bytes=3_000_000)
    assert net.files() == {}


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_that_is_far_too_large_is_refused(net: Net, clips: MakeClip, chunked: bool) -> None:
    """Where the length is announced, before a byte of it is written."""
    data = clips().read_bytes()
    async with cdn_of(data + bytes(2_000_000)) as cdn:
        cdn.chunked = chunked
        with pytest.raises(BadMedia, match="which no such clip is"):
            await net.catch(cdn.link, max_bytes=len(data) + 1000)
    assert net.files() == {}
