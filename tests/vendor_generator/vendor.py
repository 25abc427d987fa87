"""A vendor over loopback that answers as a scenario says, byte by byte, and writes down every paid call.

It knows what each call was in truth (sold, refused, neither clear nor sold), whatever its reply says of it.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from urllib.parse import unquote

JOB_OF = re.compile(rb"paper kite (\d+)")
"""The job that a paid call is for, out of its prompt."""
ID, BARE_ID, BASE = b"%ID%", b"%BAREID%", b"%BASE%"
"""In a reply's body: the id of the task, the same as a JSON number where it is one, and the vendor's own address."""
GZIP = ("Content-Encoding", "gzip")
DRIP_S = 0.002  # between two bytes
MAX_SILENCE_S = 5.0  # the client hangs up long before


class Truth(StrEnum):
    """What a paid call was."""

    SOLD = "sold"
    """A task was made, and is billed unless it fails with a refund."""
    REFUSED = "refused"
    """Nothing was made, and the reply is a refusal in a documented shape."""
    UNCLEAR = "unclear"
    """Nothing was made, and the reply proves neither."""


@dataclass(frozen=True)
class Reply:
    """One HTTP reply. `ends` is how the connection does: after the whole body, within it, or before any byte."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    ends: Literal["whole", "cut", "reset", "silent", "drip", "chunked", "chunked cut"] = "whole"


@dataclass(frozen=True)
class TaskScript:
    """The polls of a task, the last one for ever, and what comes in the place of its clip before that can be fetched.

    `refunded`: its end costs nothing.
    """

    polls: tuple[Reply, ...]
    before_clip: tuple[Reply, ...] = ()
    refunded: bool = False


@dataclass(frozen=True)
class SubmitScript:
    """One paid call."""

    truth: Truth
    reply: Reply
    task: TaskScript | None = None


@dataclass
class Call:
    """A paid call as it was answered. `ended` is set once the last poll of its task was answered."""

    job: str
    script: SubmitScript
    task_id: str = ""
    ended: bool = False
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def is_billed(self) -> bool:
        """Whether a task was sold and not refunded."""
        task = self.script.task
        return self.script.truth is Truth.SOLD and not (task is not None and task.refunded and self.ended)


class RecordingVendor:
    """Serves on a thread of its own; `begin` sets the script of the next run and clears the books."""

    def __init__(self, clip: bytes) -> None:
        self.clip = clip
        self.base_url = ""
        self._up, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.begin((), SubmitScript(Truth.REFUSED, Reply(400)), "task-{}")

    def begin(self, submits: tuple[SubmitScript, ...], rest: SubmitScript, ids: str) -> None:
        """Answer the paid calls with these scripts in order, any further one with `rest`; `ids` names the tasks."""
        self.calls: list[Call] = []
        self._scripts, self._rest, self._ids = submits, rest, ids
        self._tasks: dict[str, Call] = {}

    def __enter__(self) -> RecordingVendor:
        self._thread.start()
        assert self._up.wait(20), "the vendor did not come up"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        open_: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._answer(reader, writer))
            open_.add(task)
            task.add_done_callback(open_.discard)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        self.base_url = f"http://{host}:{port}"
        self._up.set()
        await self._stop.wait()
        server.close()
        for task in open_:
            task.cancel()
        await asyncio.gather(*open_, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            method, path, body = await _read_request(reader)
            reply, task_id = self._reply(method, path, body)
            bare = task_id if task_id.isdecimal() and task_id[0] != "0" else f'"{task_id}"'
            values = {ID: task_id.encode(), BARE_ID: bare.encode(), BASE: self.base_url.encode()}
            await _send(reader, writer, reply, values)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client hung up
        finally:
            writer.close()

    def _reply(self, method: str, path: str, body: bytes) -> tuple[Reply, str]:
        if method == "POST":
            return self._sell(body)
        asked_for = unquote(path.partition("?")[0])
        of_task = asked_for.removesuffix("/content")
        call = next((call for task_id, call in self._tasks.items() if of_task.endswith(f"/{task_id}")), None)
        if method != "GET" or call is None or call.script.task is None:
            return Reply(404, b'{"error":{"message":"task not found","code":"not_found"}}'), ""
        script = call.script.task
        if of_task != asked_for or asked_for.startswith("/clips/"):
            call.asked["clip"] += 1
            whole = Reply(200, self.clip, (("Content-Type", "video/mp4"),))
            return (*script.before_clip, whole)[min(call.asked["clip"] - 1, len(script.before_clip))], call.task_id
        call.asked["poll"] += 1
        call.ended = call.ended or call.asked["poll"] >= len(script.polls)
        return script.polls[min(call.asked["poll"], len(script.polls)) - 1], call.task_id

    def _sell(self, body: bytes) -> tuple[Reply, str]:
        number = len(self.calls)
        script = self._scripts[number] if number < len(self._scripts) else self._rest
        found = JOB_OF.search(body)
        call = Call(found[1].decode() if found else "?", script)
        self.calls.append(call)
        if script.truth is Truth.SOLD:
            call.task_id = self._ids.format(number + 1)
            self._tasks[call.task_id] = call
        return script.reply, call.task_id


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    body = b""
    if length:
        body = await reader.readexactly(int(length[1]))
    elif b"chunked" in head.lower():
        while not body.endswith(b"0\r\n\r\n"):
            body += await reader.readuntil(b"\r\n")
    method, path, _ = head.decode("latin-1").split(" ", 2)
    return method, path, body


async def _send(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: Reply, values: dict[bytes, bytes]
) -> None:
    body = reply.body
    for mark, value in values.items():
        body = body.replace(mark, value)
    if GZIP in reply.headers:
        body = gzip.compress(body, mtime=0)
    if reply.ends == "silent":
        await asyncio.wait_for(reader.read(), MAX_SILENCE_S)
        return
    if reply.ends == "reset":
        handle: socket.socket = writer.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return
    headers = [*reply.headers, ("Connection", "close")]
    is_chunked = reply.ends.startswith("chunked")
    headers.append(("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", str(len(body))))
    lines = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {value}" for name, value in headers), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1"))
    half = body[: len(body) // 2]
    match reply.ends:
        case "drip":
            for byte in body[:40]:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(DRIP_S)
            writer.write(body[40:])
        case "cut":
            writer.write(half)
        case "chunked" | "chunked cut":
            part = body if reply.ends == "chunked" else half
            writer.write(b"%x\r\n%s\r\n" % (len(part), part) if part else b"")
            writer.write(b"0\r\n\r\n" if reply.ends == "chunked" else b"")
        case _:
            writer.write(body)
    await writer.drain()
