"""The heavy step: asset in, checked and stored clip out. One function from plain values to plain values."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from batchvid.catalog.provider import MOST_CLIP_BYTES
from batchvid.errors import BadMedia, DownloadError, LinkDead, StorageError
from batchvid.media import check_duration, probe
from batchvid.runner.transport import Transport
from batchvid.specs import Clip
from batchvid.storage import LocalStore
from batchvid.wire import Asset

GATHER_BYTES = 1024 * 1024  # one write in a thread for so many bytes: a stalled disk must not stop the poll loop
DEAD = frozenset({401, 403, 404, 410})
TEXT_TYPES = ("text/", "application/json", "application/xml", "application/problem+json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """What to fetch and what it must be.

    `base_url` and `key` are used for a keyed asset only. `duration_s` is what was asked for, None for no wish. A body
    that is larger than `most_bytes` is no clip.
    `sidecar` is written beside the clip with what was found out about it.
    """

    asset: Asset
    base_url: str
    key: str = field(repr=False)
    clip_key: str
    task_id: str
    duration_s: float | None
    sidecar: Mapping[str, Any]
    most_bytes: int = MOST_CLIP_BYTES


async def catch_clip(transport: Transport, store: LocalStore, catch: Catch) -> Clip:
    """Fetch the asset beside its target, check that it is the clip, put it in its place.

    Raises LinkDead (ask for a fresh link), DownloadError (try again, it goes on where it stopped), BadMedia (the file
    is kept aside), StorageError (the disk says no).
    """
    part = await asyncio.to_thread(store.part, catch.clip_key)
    arrival = _Arrival(part, catch.task_id, catch.most_bytes)
    if catch.asset.location.startswith("data:"):
        await asyncio.to_thread(arrival.write_whole, _inline(catch.asset.location))
    else:
        have = await asyncio.to_thread(arrival.resume_from)
        async with _opened(transport, catch, arrival.range_headers(have)) as reply:
            await _receive(reply, arrival, have)
    return await asyncio.to_thread(_finish, store, arrival, catch)


def _opened(
    transport: Transport, catch: Catch, headers: Mapping[str, str]
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    if catch.asset.keyed:
        return transport.open_content(catch.base_url, catch.asset.location, catch.key, headers)
    return transport.open_link(catch.asset.location, headers)


async def _receive(reply: aiohttp.ClientResponse, arrival: _Arrival, have: int) -> None:
    if reply.status in DEAD:
        raise LinkDead(f"the link answers {reply.status}")
    if reply.status == 416:
        await asyncio.to_thread(arrival.discard)
        raise DownloadError("the server does not know the rest of the file: it starts over")
    if reply.status not in (200, 206):
        raise DownloadError(f"the link answers {reply.status}")
    if (reply.content_type or "").startswith(TEXT_TYPES):
        said = (await reply.content.read(300)).decode("utf-8", "replace")
        raise BadMedia(f"the link answers {reply.content_type} instead of a clip: {said}")
    validator = reply.headers.get("ETag") or reply.headers.get("Last-Modified") or ""
    goes_on = reply.status == 206 and arrival.fits(reply.headers.get("Content-Range", ""), validator)
    if reply.status == 206 and not goes_on:  # some servers do not look at If-Range: the rest of another file
        await asyncio.to_thread(arrival.discard)
        raise DownloadError("the server sent another part than asked: it starts over")
    await asyncio.to_thread(arrival.begin, have if goes_on else 0, validator)
    gathered: list[bytes] = []
    size = 0
    try:
        async for piece in reply.content.iter_any():
            gathered.append(piece)
            size += len(piece)
            if size >= GATHER_BYTES:
                await asyncio.to_thread(arrival.write, gathered)
                gathered, size = [], 0
    finally:
        await asyncio.to_thread(arrival.write, gathered)


def _finish(store: LocalStore, arrival: _Arrival, catch: Catch) -> Clip:
    """Check the arrived file and put it in its place; in a thread, for it reads, decodes and syncs."""
    try:
        found = probe(arrival.path)
        check_duration(found.duration_s, catch.duration_s)
    except BadMedia as fault:
        arrival.forget()
        raise BadMedia(f"{fault} (kept as {store.reject(arrival.path).name})") from fault
    clip = Clip(
        key=catch.clip_key,
        size_bytes=arrival.size_bytes,
        sha256=arrival.digest(),
        duration_s=found.duration_s,
        width=found.width,
        height=found.height,
    )
    arrival.forget()  # before the rename: a crash between the two costs a download, not a stray file for ever
    store.put(arrival.path, clip, {**catch.sidecar, "task_id": catch.task_id, "clip": asdict(clip)})
    return clip


def _inline(uri: str) -> bytes:
    head, comma, body = uri.partition(",")
    if not comma or not head.endswith(";base64"):
        raise BadMedia(f"an inline clip that is not base64: {head[:60]}")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as fault:
        raise BadMedia(f"an inline clip that is not base64: {fault}") from fault


class _Arrival:
    """A file on its way: the `.part`, a note of what it is a part of, and the digest so far. Blocking."""

    def __init__(self, path: Path, task_id: str, most_bytes: int) -> None:
        self.path = path
        self._most_bytes = most_bytes
        self._note = path.with_name(path.name + ".json")
        self._task_id = task_id
        self._validator = ""
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def resume_from(self) -> int:
        """How many good bytes of this very task's clip are here already; they are hashed again. Else 0."""
        try:
            note = json.loads(self._note.read_text("utf-8"))
            if note["task_id"] != self._task_id or not note["validator"]:
                return 0
            digest = hashlib.sha256()
            with self.path.open("rb") as file:
                while piece := file.read(GATHER_BYTES):
                    digest.update(piece)
                size = file.tell()
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        self._validator, self._digest, self.size_bytes = note["validator"], digest, size
        return size

    def range_headers(self, have: int) -> dict[str, str]:
        """Headers that ask for the rest, and for the whole if the file is another by now."""
        return {"Range": f"bytes={have}-", "If-Range": self._validator} if have else {}

    def fits(self, content_range: str, validator: str) -> bool:
        """Whether a part is the rest of this very file."""
        return validator == self._validator and content_range.startswith(f"bytes {self.size_bytes}-")

    def begin(self, have: int, validator: str) -> None:
        """Start writing after `have` bytes; `validator` is the server's own mark of the file's identity."""
        if not have:
            self.discard()
        usable = "" if validator.startswith("W/") else validator  # a weak tag promises nothing byte for byte
        self._guarded(
            lambda: self._note.write_text(json.dumps({"task_id": self._task_id, "validator": usable}), "utf-8")
        )

    def write(self, pieces: list[bytes]) -> None:
        """Append and hash. Raises StorageError, BadMedia when the body has no end."""

        def append() -> None:
            with self.path.open("ab") as file:
                for piece in pieces:
                    file.write(piece)

        self._guarded(append)
        for piece in pieces:
            self._digest.update(piece)
            self.size_bytes += len(piece)
        if self.size_bytes > self._most_bytes:
            self.discard()
            raise BadMedia(f"the body is larger than {self._most_bytes} bytes")

    def write_whole(self, data: bytes) -> None:
        """Write it all."""
        self.begin(0, "")
        self.write([data])

    def digest(self) -> str:
        """The SHA-256 of all bytes, hex."""
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Throw away what is here: it is not the beginning of anything."""
        self._guarded(lambda: self.path.unlink(missing_ok=True))
        self._digest, self.size_bytes = hashlib.sha256(), 0

    def forget(self) -> None:
        """Remove the note; the file itself has found its place."""
        self._note.unlink(missing_ok=True)

    def _guarded(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as fault:
            raise StorageError(f"{self.path}: {fault.strerror or fault}") from fault
