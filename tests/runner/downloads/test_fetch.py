"""Asset in, checked clip out: what is stored is whole, what is not the clip is told apart by what to do about it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict
from pathlib import Path

import pytest

from batchvid.errors import (
    BadMedia,
    ClipNotReady,
    DownloadError,
    IncompleteClip,
    LinkDead,
    LinkGone,
    LinkRefused,
    StorageError,
)
from tests.builders import MakeClip
from tests.runner.cdn import cdn_of
from tests.runner.downloads.fetch_harness import KEY, Net

CLIP, SIDECAR = "clips/kite/1.mp4", "clips/kite/1.mp4.json"


@pytest.fixture
def good(clips: MakeClip) -> bytes:
    """A clip of a second."""
    return clips().read_bytes()


async def test_a_good_clip_is_stored_with_its_sidecar(net: Net, good: bytes) -> None:
    """The bytes as they came, their digest, what was read out of them, and nothing else is left."""
    async with cdn_of(good) as cdn:
        clip = await net.catch(cdn.link)
    assert (clip.key, clip.size_bytes, clip.sha256) == ("kite/1.mp4", len(good), hashlib.sha256(good).hexdigest())
    assert (clip.duration_s, clip.width, clip.height) == (1.0, 64, 48)
    assert list(net.files()) == [CLIP, SIDECAR]
    assert net.files()[CLIP] == good
    stored = {name: value for name, value in asdict(clip).items() if name != "differs"}
    assert net.sidecar() == {"prompt": "a kite", "task_id": "t-1", "clip": stored}


async def test_neither_key_nor_link_is_left_behind(net: Net, good: bytes) -> None:
    """The folder is given to colleagues: nothing in it opens anything, also after a broken download."""
    async with cdn_of(good) as cdn:
        cdn.break_after = 500
        with pytest.raises(DownloadError):
            await net.catch(cdn.link)
        for name, raw in net.files().items():
            assert b"s1gned" not in raw, name
        cdn.break_after = None
        await net.catch(cdn.link)
    for raw in net.files().values():
        assert b"s1gned" not in raw
        assert KEY.encode() not in raw


@pytest.mark.parametrize("keyed", [True, False])
async def test_the_key_goes_to_the_provider_only(net: Net, good: bytes, keyed: bool) -> None:
    """A path below the route is opened with the key, a link without."""
    async with cdn_of(good) as cdn:
        base_url = cdn.server.base_url + "/kling"
        await net.catch("/v1/videos/t-1/content" if keyed else cdn.link, keyed=keyed, base_url=base_url)
        assert cdn.server.keys == ([f"Bearer {KEY}"] if keyed else [None])
        assert cdn.server.asked[0][1].startswith("/kling/v1" if keyed else "/a.mp4?Signature=")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 422, 451])
async def test_a_dead_link_asks_for_a_fresh_one(net: Net, good: bytes, status: int) -> None:
    """Forbidden, unknown or gone: another try would meet the same, another link may not."""
    async with cdn_of(good) as cdn:
        cdn.status = status
        with pytest.raises(LinkDead, match=str(status)) as raised:
            await net.catch(cdn.link)
    assert isinstance(raised.value, LinkGone) is (status == 410)
    assert net.files() == {}


@pytest.mark.parametrize("status", [304, 408, 425, 429, 500, 502, 503])
async def test_a_server_in_trouble_is_tried_again(net: Net, good: bytes, status: int) -> None:
    """Anything else that is no clip is a fault that may pass."""
    async with cdn_of(good) as cdn:
        cdn.status = status
        with pytest.raises(DownloadError, match=str(status)) as raised:
            await net.catch(cdn.link)
    assert type(raised.value) is DownloadError


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b"<html>Sign in</html>"),
        ("text/plain; charset=utf-8", b"gone for good"),
        ("video/mp4", b"<!DOCTYPE html><title>Sign in</title>"),
        ("video/mp4", b'{"error": {"message": "Video is not ready yet"}}'),
        ("application/json", b'{"error": "expired"}'),
        ("application/xml", b"<Error><Code>ExpiredToken</Code></Error>"),
    ],
)
async def test_a_page_instead_of_a_clip_is_quoted(net: Net, content_type: str, body: bytes) -> None:
    """A 200 with a page is no clip yet; its beginning is in the message."""
    async with cdn_of(body) as cdn:
        cdn.content_type = content_type
        with pytest.raises(ClipNotReady) as raised:
            await net.catch(cdn.link)
    assert body.decode() in str(raised.value)
    assert net.files() == {}


async def test_a_playlist_is_kept_and_not_stored(net: Net) -> None:
    """A list that names other files is no clip, whatever it calls itself."""
    async with cdn_of(b"ffconcat version 1.0\nfile 'x.mp4'\n") as cdn:
        with pytest.raises(BadMedia, match=r"an ffconcat list, not a clip \(kept as 1\.mp4\.rejected\)"):
            await net.catch(cdn.link)
    assert list(net.files()) == ["clips/kite/1.mp4.rejected"]


async def test_nothing_is_no_clip(net: Net) -> None:
    """A body of no bytes, announced as such."""
    async with cdn_of(b"") as cdn:
        with pytest.raises(ClipNotReady, match="0 bytes instead of a clip"):
            await net.catch(cdn.link)
    assert net.files() == {}


@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
async def test_a_cut_that_nobody_announced_is_found(net: Net, good: bytes, share: float) -> None:
    """A chunked body that ends early as if it were whole: the file itself promises more than it holds.

    It is no bad clip: the next try fetches it.
    """
    async with cdn_of(good) as cdn:
        cdn.chunked, cdn.break_after = True, round(len(good) * share)
        with pytest.raises(IncompleteClip, match="cut off"):
            await net.catch(cdn.link)
        assert list(net.files()) == ["clips/kite/1.mp4.part"]
        cdn.break_after = None
        assert (await net.catch(cdn.link)).sha256 == hashlib.sha256(good).hexdigest()


async def test_a_clip_of_another_length_is_stored(net: Net, good: bytes) -> None:
    """It plays and is paid for: the clip and its sidecar say what differs."""
    async with cdn_of(good) as cdn:
        clip = await net.catch(cdn.link, duration_s=8.0)
    assert clip.differs == net.sidecar()["differs"] == "requested 8 s, got 1.0 s"
    assert net.store.find("kite/1.mp4", "t-1") == clip


async def test_a_clip_of_another_length_fails_on_request(net: Net, good: bytes) -> None:
    """With `on_mismatch: fail` no clip stands in its place. The file is kept once, however often it is fetched."""
    async with cdn_of(good) as cdn:
        for _ in range(3):
            with pytest.raises(BadMedia, match=r"requested 8 s, got 1\.0 s.*\(kept as 1\.mp4\.rejected\)") as raised:
                await net.catch(cdn.link, duration_s=8.0, fails=True)
            assert (raised.value.plays, raised.value.digest) == (True, hashlib.sha256(good).hexdigest())
        assert net.files() == {"clips/kite/1.mp4.rejected": good}
        assert (await net.catch(cdn.link, duration_s=None, fails=True)).duration_s == 1.0


async def test_a_clip_may_be_in_the_reply_itself(net: Net, good: bytes) -> None:
    """A `data:` URI is decoded, checked and stored like any other; no socket is needed."""
    uri = "data:video/mp4;base64," + base64.b64encode(good).decode()
    clip = await net.catch(uri)
    assert (clip.sha256, net.files()[CLIP]) == (hashlib.sha256(good).hexdigest(), good)
    assert list(net.files()) == [CLIP, SIDECAR]


@pytest.mark.parametrize(
    "uri", ["data:video/mp4;base64", "data:video/mp4,plain", "data:video/mp4;base64,%%%", "data:;base64,QUJ"]
)
async def test_an_inline_clip_that_is_none_is_refused(net: Net, uri: str) -> None:
    """What is not base64 is no clip, and nothing is written for it."""
    with pytest.raises(BadMedia, match="not base64"):
        await net.catch(uri)
    assert net.files() == {}


async def test_an_inline_clip_takes_the_place_of_a_part(net: Net, good: bytes) -> None:
    """What an earlier try left of a link is not its beginning."""
    async with cdn_of(good) as cdn:
        cdn.break_after = 500
        with pytest.raises(DownloadError):
            await net.catch(cdn.link)
    clip = await net.catch("data:video/mp4;base64," + base64.b64encode(good).decode())
    assert clip.sha256 == hashlib.sha256(good).hexdigest()


async def test_an_older_clip_is_moved_aside(net: Net, clips: MakeClip, good: bytes) -> None:
    """The second purchase of a job stands in its place, the first under `replaced/`, each with its own sidecar."""
    async with cdn_of(good) as cdn:
        await net.catch(cdn.link)
        cdn.data, cdn.etag = clips(width=96).read_bytes(), '"v2"'
        clip = await net.catch(cdn.link, task_id="t-2")
    assert clip.width == 96
    assert net.sidecar()["task_id"] == "t-2"
    assert net.files()["replaced/kite/1.mp4"] == good
    assert b'"t-1"' in net.files()["replaced/kite/1.mp4.json"]
    assert len(net.files()) == 4


async def test_a_clip_stored_before_a_crash_is_found(net: Net, good: bytes) -> None:
    """The process died after the clip was in place and before that was written down: the next run finds it."""
    async with cdn_of(good) as cdn:
        clip = await net.catch(cdn.link)
    assert net.store.find("kite/1.mp4", "t-1") == clip
    assert net.store.find("kite/1.mp4", "t-2") is None


async def test_no_key_leads_out_of_the_tree(net: Net, good: bytes, tmp_path: Path) -> None:
    """A clip is never written beside its tree, and the link is not even opened."""
    async with cdn_of(good) as cdn:
        with pytest.raises(StorageError, match="leads out of"):
            await net.catch(cdn.link, clip_key="../../kite.mp4")
        assert cdn.server.asked == []
    assert Net(tmp_path, net.transport).files() == {}


@pytest.mark.parametrize("inline", [True, False])
async def test_a_disk_that_says_no_is_not_the_links_fault(net: Net, good: bytes, inline: bool) -> None:
    """What cannot be written is told as StorageError: another link or another try would not help."""
    part = net.store.part("kite/1.mp4")
    part.with_name(part.name + ".json").mkdir()
    async with cdn_of(good) as cdn:
        uri = "data:video/mp4;base64," + base64.b64encode(good).decode()
        with pytest.raises(StorageError, match=r"1\.mp4\.part: Is a directory"):
            await net.catch(uri if inline else cdn.link)
    assert CLIP not in net.files()


async def test_a_part_that_cannot_be_thrown_away_is_the_disks_fault(net: Net, good: bytes) -> None:
    """A folder where the part should be: told as StorageError, not as a crash, and nothing of it is touched."""
    net.store.part("kite/1.mp4").mkdir()
    with pytest.raises(StorageError, match=r"1\.mp4\.part"):
        await net.catch("data:video/mp4;base64," + base64.b64encode(good).decode())
    assert net.files() == {}


async def test_a_refused_link_leaves_nothing_behind(net: Net, clips: MakeClip) -> None:
    """The fetch passes the refusal on; with the user's leave the clip is stored."""
    async with cdn_of(clips().read_bytes()) as cdn:
        with pytest.raises(LinkRefused):
            await net.catch(cdn.link, base_url="https://1.1.1.1")
        assert cdn.server.asked == []
        assert net.files() == {}
        assert (await net.catch(cdn.link, base_url="https://1.1.1.1", allow_private_links=True)).duration_s == 1.0
