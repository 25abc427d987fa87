"""Downloads: signed links, ranges, and everything that can go wrong with bytes."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.emulator.helpers import KEY, FakeClock, Vendor, vendor


def broken(action: Any, **match: Any) -> dict[str, Any]:
    return {"faults": ({"match": {"step": "download", **match}, "do": action},)}


async def test_a_plain_download() -> None:
    """A link gives a whole clip with its length, type and validators; HEAD gives the same without the bytes."""
    async with vendor() as v:
        url = await v.link()
        clip, head = await v.get(url), await v.call("HEAD", url, key=None)
        assert (clip.status, clip.headers["content-type"], clip.body[4:8]) == (200, "video/mp4", b"ftyp")
        assert int(clip.headers["content-length"]) == len(clip.body)
        assert head.status == 200
        assert head.body == b""
        names = ("content-length", "etag", "last-modified", "accept-ranges")
        assert [head.headers[name] for name in names] == [clip.headers[name] for name in names]
        assert v.ledger()["downloads"] == 1


async def test_clips_of_different_tasks_differ() -> None:
    """Even where one rendering is shared, no two tasks have the same bytes; one task always has the same."""
    async with vendor() as v:
        first, second = await v.link(), await v.link()
        digests = [hashlib.sha256((await v.get(url)).body).hexdigest() for url in (first, second, first)]
    assert digests[0] == digests[2] != digests[1]


async def test_key_leak() -> None:
    """A key sent to the CDN is refused and counted."""
    async with vendor() as v:
        url = await v.link()
        reply = await v.call("GET", url, key=KEY)
        assert (reply.status, v.ledger()["key_leaks"]) == (400, 1)
        assert KEY.encode() not in reply.body


async def test_links_expire_and_are_renewed() -> None:
    """An old link answers 403; another poll gives a fresh one."""
    clock = FakeClock()
    async with vendor(clock, link_ttl_s=60) as v:
        task = (await v.video()).json["id"]
        first, second = [(await v.poll(task)).json["video_url"] for _ in range(2)]
        assert first != second
        clock.passes(60)
        third = (await v.poll(task)).json["video_url"]
        assert [(await v.get(url)).status for url in (first, second, third)] == [403, 403, 200]


async def test_forged_links() -> None:
    """Links cannot be forged: not for a longer time, not for another task."""
    async with vendor() as v:
        first, second = await v.link(), await v.link()
        task = urlsplit(first).path.rpartition("/")[2]
        other = urlsplit(second).path.rpartition("/")[2]
        forged = [
            first.replace("expires=1", "expires=2"),
            first.replace(task, other),
            first.partition("?")[0],
            first + "0",
        ]
        assert [(await v.get(url)).status for url in forged] == [403, 403, 403, 403]
        assert (await v.get(first.replace(task, "task_x.mp4"))).status == 404


async def test_links_use_the_host_that_was_asked() -> None:
    """Links name the host of the request, so that a proxy between works."""
    async with vendor() as v:
        task = (await v.video()).json["id"]
        reply = await v.call("GET", f"/v1/videos/{task}", headers={"Host": "proxy.example:81"})
    assert reply.json["video_url"].startswith("http://proxy.example:81/_cdn/")


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-50", -50, None), ("bytes=90-9999999", 90, None)],
)
async def test_ranges(asked: str, start: int, stop: int | None) -> None:
    """Any one range is answered with exactly its bytes, those behind the rendered file included."""
    async with vendor() as v:
        url = await v.link()
        whole = (await v.get(url)).body
        part = await v.get(url, headers={"Range": asked})
        expected = whole[start:stop]
        first = start % len(whole)
        assert (part.status, part.body) == (206, expected)
        assert part.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(whole)}"


async def test_range_conditions() -> None:
    """If-Range with the current version gives the part, with another the whole; past the end there is nothing."""
    async with vendor() as v:
        url = await v.link()
        whole = await v.get(url)
        for condition, status in (
            (whole.headers["etag"], 206),
            (whole.headers["last-modified"], 206),
            ('"other"', 200),
        ):
            part = await v.get(url, headers={"Range": "bytes=10-", "If-Range": condition})
            assert part.status == status
        assert (await v.get(url, headers={"Range": "bytes=0-1,5-6"})).status == 200
        past = await v.get(url, headers={"Range": f"bytes={len(whole.body)}-"})
        assert (past.status, past.headers["content-range"]) == (416, f"bytes */{len(whole.body)}")


async def both(v: Vendor) -> tuple[Any, Any]:
    """The same link twice."""
    url = await v.link()
    return await v.get(url), await v.get(url)


async def test_expired_and_valid_once() -> None:
    """A link may be dead from the start, or after its first use, however often the rule strikes."""
    async with vendor(**broken("expired")) as v:
        assert [reply.status for reply in await both(v)] == [403, 403]
    async with vendor(**broken("valid_once", times=1)) as v:
        assert [reply.status for reply in await both(v)] == [200, 403]


async def test_truncate() -> None:
    """Half of what Content-Length promised, then the line is cut; a range gets the rest."""
    async with vendor(**broken("truncate", nth=[1])) as v:
        url = await v.link()
        with pytest.raises(aiohttp.ClientPayloadError):
            await v.get(url)
        whole = (await v.get(url)).body
        assert len(whole) > 1000


async def test_chunked() -> None:
    """No Content-Length, all the bytes."""
    async with vendor(**broken("chunked", nth=[1])) as v:
        first, second = await both(v)
    assert "content-length" not in first.headers
    assert first.body == second.body


@pytest.mark.parametrize(
    ("action", "kind", "size"),
    [("json_200", "application/json", None), ("html_200", "text/html", None), ("zero", "video/mp4", 0)],
)
async def test_no_clip_at_all(action: str, kind: str, size: int | None) -> None:
    """HTTP 200 with something that is no clip."""
    async with vendor(**broken(action)) as v:
        reply, _ = await both(v)
    assert (reply.status, reply.headers["content-type"]) == (200, kind)
    assert b"ftyp" not in reply.body
    assert size is None or len(reply.body) == size


async def test_wrong_type() -> None:
    """A whole clip under a wrong name."""
    async with vendor(**broken("wrong_type")) as v:
        reply, _ = await both(v)
    assert (reply.headers["content-type"], reply.body[4:8]) == ("text/plain; charset=utf-8", b"ftyp")


async def test_no_range() -> None:
    """A server that ignores ranges answers 200 and everything."""
    async with vendor(**broken("no_range")) as v:
        reply = await v.get(await v.link(), headers={"Range": "bytes=10-"})
    assert (reply.status, reply.body[4:8]) == (200, b"ftyp")
    assert "accept-ranges" not in reply.headers


async def test_redirect() -> None:
    """Sent to the same link under another host name, where the clip is."""
    async with vendor(**broken("redirect")) as v:
        reply, _ = await both(v)
        target = reply.headers["location"]
        assert (reply.status, urlsplit(target).hostname) == (302, "localhost")
        there = target.replace("localhost", "127.0.0.1")
        assert (await v.get(there)).status == 200


async def test_endless() -> None:
    """A body that never ends, until the reader goes."""
    async with vendor(**broken("endless")) as v:
        async with v.session.get(await v.link()) as reply:
            start = await reply.content.readexactly(1_000_000)
        assert start[4:8] == b"ftyp"
        assert v.ledger()["downloads"] == 1


async def test_slow() -> None:
    """A drip of bytes; what has come so far is the beginning of the clip."""
    async with vendor(**broken({"slow": 5000}, nth=[1])) as v:
        url = await v.link()
        async with v.session.get(url) as reply:
            start = await reply.content.readany()
        assert 0 < len(start) <= 1000
        assert (await v.get(url)).body.startswith(start)


async def test_faults_of_any_request() -> None:
    """Statuses, named refusals and resets happen to downloads as well."""
    rules = [
        {"match": {"step": "download", "nth": [1]}, "do": {"status": 502}},
        {"match": {"step": "download", "nth": [2]}, "do": "rate"},
        {"match": {"step": "download", "nth": [3]}, "do": "auth"},
        {"match": {"step": "download", "nth": [4, 5]}, "do": "reset_before"},
    ]
    async with vendor(faults=tuple(rules)) as v:
        url = await v.link()
        assert [(await v.get(url)).status for _ in range(3)] == [502, 429, 403]
        with pytest.raises(aiohttp.ClientError):
            await v.get(url)  # aiohttp retries a GET automatically when a connection that it kept breaks
        assert (await v.get(url)).status == 200
        assert v.ledger()["downloads"] == 6


async def test_faults_of_the_content_route() -> None:
    """The content route breaks by its own step."""
    rules = [
        {"match": {"step": "content", "nth": [1]}, "do": {"status": 502, "json": {"error": {"message": "x"}}}},
        {"match": {"step": "content", "nth": [2]}, "do": "zero"},
    ]
    async with vendor(faults=tuple(rules)) as v:
        task = (await v.video(model="sora-2")).json["id"]
        await v.poll(task)
        replies = [await v.call("GET", f"/v1/videos/{task}/content") for _ in range(3)]
    assert [reply.status for reply in replies] == [502, 200, 200]
    assert (len(replies[1].body), replies[2].body[4:8]) == (0, b"ftyp")


async def test_delay_and_headers() -> None:
    """A download may come late, and with any header."""
    action = {"delay_s": 0.02, "headers": {"Content-Type": "video/quicktime"}}
    async with vendor(**broken(action)) as v:
        reply, _ = await both(v)
    assert (reply.headers["content-type"], reply.body[4:8]) == ("video/quicktime", b"ftyp")


async def test_a_client_that_goes_before_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is logged as an error when the client has disconnected."""
    async with vendor(**broken({"delay_s": 0.02})) as v:
        url = urlsplit(await v.link())
        _, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
        await asyncio.sleep(0.01)
        writer.close()
        await asyncio.sleep(0.05)
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []
