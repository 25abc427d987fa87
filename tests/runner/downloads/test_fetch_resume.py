"""A download that broke off goes on where it stopped, and only if it is surely the same file."""

from __future__ import annotations

import hashlib
import resource
import struct
from pathlib import Path

import pytest

from batchvid.errors import DownloadError, StorageError
from tests.builders import MakeClip
from tests.runner.cdn import Cdn, cdn_of
from tests.runner.downloads.fetch_harness import Net

PART = "clips/kite/1.mp4.part"
STORED = {"clips/kite/1.mp4", "clips/kite/1.mp4.json"}
MOST = 1_500_000  # what comes before a break; some of it is still on the way then and is lost with the connection


def large(clip: Path) -> bytes:
    """The clip with two megabytes behind it that players pass over, so that a break falls into the middle."""
    filling = bytes(range(256)) * 8192
    return clip.read_bytes() + struct.pack(">I4s", len(filling) + 8, b"free") + filling


@pytest.fixture
def good(clips: MakeClip) -> bytes:
    """A clip of a second."""
    return large(clips())


@pytest.fixture
def other(clips: MakeClip) -> bytes:
    """Another clip, as long."""
    return large(clips(width=96))


def digest(data: bytes) -> str:
    """Its SHA-256."""
    return hashlib.sha256(data).hexdigest()


async def breaks_off(net: Net, cdn: Cdn, after: int = MOST, **fields: object) -> int:
    """One try that ends in the middle; then the server is well again. How many bytes are here, all of them right."""
    cdn.break_after = after
    with pytest.raises(DownloadError):
        await net.catch(cdn.link, **fields)
    cdn.break_after = None
    part = net.files()[PART]
    assert cdn.data.startswith(part)
    return len(part)


async def test_the_rest_is_asked_for(net: Net, good: bytes) -> None:
    """The second try fetches only what is missing, and the digest is that of the whole."""
    async with cdn_of(good) as cdn:
        have = await breaks_off(net, cdn)
        assert have > MOST // 2
        clip = await net.catch(cdn.link)
        assert cdn.wanted == [None, f"bytes={have}-"]
        assert cdn.sent == [MOST, len(good) - have]
    assert (clip.sha256, clip.size_bytes) == (digest(good), len(good))
    assert set(net.files()) == STORED


@pytest.mark.parametrize("cuts", [[1], [900_000, 1, 1, 0], [700_000, 700_000, 500_000]])
async def test_any_number_of_breaks_comes_to_the_same(net: Net, good: bytes, cuts: list[int]) -> None:
    """Broken off again and again, each try asks for what is missing by then and nothing is put in twice."""
    async with cdn_of(good) as cdn:
        have = [await breaks_off(net, cdn, after=cut) for cut in cuts]
        clip = await net.catch(cdn.link)
        assert cdn.wanted == [None, *(f"bytes={size}-" if size else None for size in have)]
        assert have == sorted(have)
        assert cdn.sent[-1] == len(good) - have[-1]
    assert (clip.sha256, clip.size_bytes) == (digest(good), len(good))


async def test_a_fresh_link_goes_on_too(net: Net, good: bytes) -> None:
    """A link that expired in the middle: the same file under another signature is the same file."""
    async with cdn_of(good) as cdn:
        have = await breaks_off(net, cdn)
        clip = await net.catch(cdn.link + "-again")
        assert cdn.sent == [MOST, len(good) - have]
    assert clip.sha256 == digest(good)


async def test_the_time_of_the_file_will_do(net: Net, good: bytes) -> None:
    """Without an ETag, Last-Modified says whether it is the same file."""
    async with cdn_of(good) as cdn:
        cdn.etag, cdn.last_modified = "", "Sun, 01 Mar 2026 20:00:00 GMT"
        have = await breaks_off(net, cdn)
        assert (await net.catch(cdn.link)).sha256 == digest(good)
        assert cdn.sent == [MOST, len(good) - have]


async def test_a_server_without_ranges_starts_over(net: Net, good: bytes) -> None:
    """It answers 200 with the whole: the part is thrown away and not put in front."""
    async with cdn_of(good) as cdn:
        await breaks_off(net, cdn)
        cdn.ranges = False
        clip = await net.catch(cdn.link)
        assert cdn.sent == [MOST, len(good)]
    assert (clip.sha256, clip.size_bytes) == (digest(good), len(good))


async def test_a_file_that_changed_starts_over(net: Net, good: bytes, other: bytes) -> None:
    """Another ETag by then: the server, asked under If-Range, sends the new file whole."""
    async with cdn_of(good) as cdn:
        await breaks_off(net, cdn)
        cdn.data, cdn.etag = other, '"v2"'
        clip = await net.catch(cdn.link)
        assert cdn.server.asked[-1][2]["If-Range"] == '"v1"'
        assert cdn.sent == [MOST, len(other)]
    assert clip.sha256 == digest(other)


async def test_the_rest_of_another_file_is_not_put_behind(net: Net, good: bytes, other: bytes) -> None:
    """Some servers do not look at If-Range and send a 206 of whatever the file is by now: that try starts over."""
    async with cdn_of(good) as cdn:
        await breaks_off(net, cdn)
        cdn.data, cdn.etag, cdn.heeds_if_range = other, '"v2"', False
        with pytest.raises(DownloadError, match="another part than requested"):
            await net.catch(cdn.link)
        assert PART not in net.files()
        clip = await net.catch(cdn.link)
    assert clip.sha256 == digest(other)
    assert net.files()["clips/kite/1.mp4"] == other


@pytest.mark.parametrize("etag", ['W/"v1"', ""])
async def test_a_mark_that_promises_nothing_is_not_resumed(net: Net, good: bytes, etag: str) -> None:
    """A weak ETag or none does not say that the bytes are the same: the whole is asked for."""
    async with cdn_of(good) as cdn:
        cdn.etag = etag
        await breaks_off(net, cdn)
        assert (await net.catch(cdn.link)).sha256 == digest(good)
        assert cdn.wanted == [None, None]


async def test_another_tasks_part_is_not_resumed(net: Net, good: bytes, other: bytes) -> None:
    """The part of an attempt that was given up is not the beginning of the next one's clip."""
    async with cdn_of(good) as cdn:
        await breaks_off(net, cdn, task_id="t-1")
        cdn.data = other
        clip = await net.catch(cdn.link, task_id="t-2")
        assert cdn.wanted == [None, None]
    assert clip.sha256 == digest(other)


@pytest.mark.parametrize("note", [None, "", "{", "[]", "null", '{"task_id": "t-1"}'])
async def test_a_part_that_nobody_vouches_for_is_not_resumed(net: Net, good: bytes, note: str | None) -> None:
    """Without a readable note of whose it is, what lies there is no beginning."""
    part = net.store.part("kite/1.mp4")
    part.write_bytes(b"something else")
    if note is not None:
        part.with_name(part.name + ".json").write_text(note, "utf-8")
    async with cdn_of(good) as cdn:
        assert (await net.catch(cdn.link)).sha256 == digest(good)
        assert cdn.wanted == [None]
    assert set(net.files()) == STORED


async def test_a_range_that_is_not_known_starts_over(net: Net, good: bytes) -> None:
    """More is here than the server has (416): this try fails, the next one takes the whole."""
    async with cdn_of(good) as cdn:
        await breaks_off(net, cdn)
        with net.store.part("kite/1.mp4").open("ab") as part:
            part.write(bytes(len(good)))
        with pytest.raises(DownloadError, match="starts over"):
            await net.catch(cdn.link)
        assert (await net.catch(cdn.link)).sha256 == digest(good)


async def test_another_range_than_asked_is_not_taken(net: Net, good: bytes) -> None:
    """A 206 that begins elsewhere is not put behind what is here."""
    async with cdn_of(good) as cdn:
        await breaks_off(net, cdn)
        cdn.answers_from = 100
        with pytest.raises(DownloadError, match="another part than requested"):
            await net.catch(cdn.link)
        assert PART not in net.files()
        cdn.answers_from = None
        assert (await net.catch(cdn.link)).sha256 == digest(good)


async def test_a_break_before_the_first_byte_costs_nothing(net: Net, good: bytes) -> None:
    """Nothing came, nothing is resumed, the next try takes the whole."""
    async with cdn_of(good) as cdn:
        await breaks_off(net, cdn, after=0)
        assert (await net.catch(cdn.link)).sha256 == digest(good)
        assert cdn.sent == [0, len(good)]


async def test_an_error_in_between_keeps_the_part(net: Net, good: bytes) -> None:
    """A 503 between two tries does not throw away what is here already."""
    async with cdn_of(good) as cdn:
        have = await breaks_off(net, cdn)
        cdn.status = 503
        with pytest.raises(DownloadError):
            await net.catch(cdn.link)
        cdn.status = 0
        assert (await net.catch(cdn.link)).sha256 == digest(good)
        assert cdn.sent == [MOST, len(good) - have]


async def test_a_write_that_failed_halfway_is_not_repeated(net: Net, good: bytes) -> None:
    """The system takes a part of a piece and no more: what it took is the beginning, and the next try adds the rest."""
    most = 1_300_001
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with cdn_of(good) as cdn:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        try:
            with pytest.raises(StorageError, match="File too large"):
                await net.catch(cdn.link)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert net.files()[PART] == good[:most]
        clip = await net.catch(cdn.link)
        assert cdn.wanted == [None, f"bytes={most}-"]
    assert (clip.sha256, clip.size_bytes) == (digest(good), len(good))
