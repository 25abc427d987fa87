"""A lean vendor in a process of its own: answers `/v1/videos` and serves one clip, faster than any client.

It speaks just enough HTTP/1.1 for the clients of the benchmarks, on purpose without a framework: the server must not
be what is measured. It checks nothing; the emulator is the one that is right.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SENDFILE_FROM_BYTES = 256 * 1024  # below it one write is cheaper than a system call of its own
DONE, RUNNING = "completed", "in_progress"


@dataclass(slots=True)
class Life:
    """When a task ends: at its poll number `looks`, or once `ends_at` has passed. `polls` counts the polls."""

    looks: int
    ends_at: float
    polls: int = 0
    reported: bool = False


@dataclass(slots=True)
class Books:
    """What the vendor saw. `refills_s` are seconds from a reported end to the submit that took its slot.

    `lags_s` are seconds from an end to the poll that reported it.
    """

    settings: dict[str, Any]
    base_url: str = ""
    clip: bytes = b""
    tasks: dict[str, Life] = field(default_factory=dict)
    freed: deque[float] = field(default_factory=deque)
    submits: int = 0
    polls: int = 0
    downloads: int = 0
    first_submit_at: float = 0.0
    last_told_at: float = 0.0
    last_end_at: float = 0.0
    work_s: float = 0.0
    refills_s: list[float] = field(default_factory=list)
    lags_s: list[float] = field(default_factory=list)
    random: random.Random = field(default_factory=lambda: random.Random(7))

    def submit(self, body: bytes) -> dict[str, Any]:
        """Make a task; it lives as the settings say, by its model where they name it."""
        now = time.monotonic()
        self.first_submit_at = self.first_submit_at or now
        if self.submits >= self.settings.get("slots", 0) and self.freed:
            self.refills_s.append(now - self.freed.popleft())
        life_s, looks = self._life_s(body), self._looks_of(self.submits)
        self.submits += 1
        self.work_s += life_s
        task_id = f"task_{self.submits:09d}{'x' * 24}"
        self.tasks[task_id] = Life(looks, now + life_s)
        self.last_end_at = max(self.last_end_at, now + life_s)
        return {"id": task_id, "object": "video", "model": "veo", "status": "queued", "progress": 0, "created_at": 1}

    def _life_s(self, body: bytes) -> float:
        for word, (low, high) in self.settings.get("lives_s", {}).items():
            if word.encode() in body:
                return self.random.uniform(low, high)
        return 0.0

    def _looks_of(self, number: int) -> int:
        each: list[int] = self.settings.get("looks_of", [])
        return each[number] if number < len(each) else self.settings.get("looks", 0)

    def look(self, task_id: str) -> dict[str, Any]:
        """Say where a task stands."""
        self.polls += 1
        life, now = self.tasks[task_id], time.monotonic()
        life.polls += 1
        task: dict[str, Any] = {"id": task_id, "object": "video", "model": "veo", "created_at": 1}
        if self.settings.get("endless") or life.polls < life.looks or now < life.ends_at:
            return {**task, "status": RUNNING, "progress": 0}
        if not life.reported:
            life.reported = True
            self.freed.append(now)
            self.last_told_at = now
            self.lags_s.append(now - life.ends_at)
        return {**task, "status": DONE, "progress": 100, "video_url": f"{self.base_url}/clip/{task_id}.mp4"}

    def summary(self) -> dict[str, Any]:
        """The books as the cases want them."""
        return {
            "submits": self.submits,
            "polls": self.polls,
            "downloads": self.downloads,
            "looks": [life.polls for life in self.tasks.values()],
            "work_s": self.work_s,
            "makespan_s": self.last_told_at - self.first_submit_at,
            "refills_s": self.refills_s,
            "lags_s": self.lags_s,
        }


class Conversation(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._buffer = bytearray()
        self._busy: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)  # what a TCP server gives
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end])
            size = _content_length(head)
            if len(self._buffer) < end + 4 + size:
                return
            body = bytes(self._buffer[end + 4 : end + 4 + size])
            del self._buffer[: end + 4 + size]
            method, path, _ = head.split(b" ", 2)
            self._answer(method, path.decode(), body)

    def _answer(self, method: bytes, path: str, body: bytes) -> None:
        if path.startswith("/clip/") or path.endswith("/content"):
            self._send_clip()
        elif method == b"POST":
            self._send_json(self._books.submit(body))
        elif path == "/books":
            self._send_json(self._books.summary())
        else:
            self._send_json(self._books.look(path.rpartition("/")[2]))

    def _send_json(self, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )

    def _send_clip(self) -> None:
        self._books.downloads += 1
        clip = self._books.clip
        head = b'HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nETag: "1"\r\nContent-Length: %d\r\n\r\n'
        if len(clip) < SENDFILE_FROM_BYTES:
            self._transport.write(head % len(clip) + clip)
            return
        self._transport.write(head % len(clip))
        self._busy = asyncio.create_task(self._send_file(self._books.settings["clip"]))

    async def _send_file(self, path: str) -> None:
        with Path(path).open("rb") as file:  # noqa: ASYNC230 - a local file that is in memory
            await asyncio.get_running_loop().sendfile(self._transport, file)


def _content_length(head: bytes) -> int:
    found = head.lower().find(b"content-length:")
    return int(head[found + 15 :].split(b"\r\n", 1)[0]) if found >= 0 else 0


def _tls(settings: dict[str, Any]) -> ssl.SSLContext | None:
    if "tls" not in settings:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings["tls"]["certificate"], settings["tls"]["key"])
    return context


async def serve(settings: dict[str, Any]) -> None:
    """Listen on loopback, say where in one JSON line, go on until standard input ends."""
    books = Books(settings)
    if "clip" in settings:
        books.clip = Path(settings["clip"]).read_bytes()  # noqa: ASYNC240 - before anybody waits
    loop = asyncio.get_running_loop()
    tls = _tls(settings)
    server = await loop.create_server(lambda: Conversation(books), "127.0.0.1", 0, backlog=4096, ssl=tls)
    books.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(json.dumps({"base_url": books.base_url}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    import contextlib

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(json.loads(sys.argv[1])))
