"""A vendor that echoes the key of each call in every field of its replies, in the encoding that the prompt names."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.key_encodings import ENCODINGS

SCENES = ("accepted", "refused", "forbidden", "lost", "failed", "no clip", "text as clip", "bytes as clip")
"""What becomes of every task: how far it comes, and where the vendor's words stand."""


class EchoVendor(ThreadingHTTPServer):
    """Speaks the openai-videos format; `scene` is one of SCENES."""

    daemon_threads = True

    def __init__(self, clip: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}"
        self.clip = clip
        self.scene = SCENES[0]
        self.key = ""
        self.encodings = list(ENCODINGS)

    def echo(self, task_id: str) -> str:
        """The key, in the encoding of that task."""
        return ENCODINGS[self.encodings[int(task_id.partition("-")[2])]](self.key)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: EchoVendor

    def log_message(self, *_: object) -> None:
        """Is silent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.key = self.headers["Authorization"].removeprefix("Bearer ")
        match = re.search(rb"encoding (\d+)", body)
        task_id = f"task-{match[1].decode() if match else 0}"
        said = self.server.echo(task_id)
        match self.server.scene:
            case "refused":
                self._answer(400, _error(said), said)
            case "forbidden":
                self._answer(401, _error(said), said)
            case "lost":
                self._answer(500, _error(said), said)
            case _:
                self._answer(200, {**_words(said), "id": task_id, "status": "queued", "object": "video"}, said)

    def do_GET(self) -> None:
        task_id = next((part for part in self.path.split("/") if part.startswith("task-")), "task-0").partition(".")[0]
        said = self.server.echo(task_id)
        scene = self.server.scene
        if self.path.endswith("/content") or self.path.startswith("/cdn/"):
            if scene == "no clip":
                self._answer(404, _error(said), said)
            elif scene == "text as clip":
                self._answer(200, _error(said), said)
            elif scene == "bytes as clip":
                self._answer(200, f"{said} is no clip".encode() * 20, said)
            else:
                self._answer(200, self.server.clip, said)
        elif scene == "failed":
            self._answer(200, {**_words(said), **_error(said), "id": task_id, "status": "failed"}, said)
        else:
            link = f"{self.server.base_url}/cdn/{task_id}.mp4?token={said}"
            done = {"id": task_id, "status": "completed", "progress": 100, "video_url": link}
            self._answer(200, {**_words(said), **done}, said)

    def _answer(self, status: int, body: dict[str, Any] | bytes, said: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "video/mp4" if isinstance(body, bytes) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Request-Id", "".join(char for char in said if char.isprintable() and char.isascii()))
        self.end_headers()
        self.wfile.write(data)


def _words(said: str) -> dict[str, Any]:
    return {
        "model": said, "request_id": said, "message": said, "detail": said, "seconds": said, "size": said,
        "usage": {"credits": said, "total_tokens": said}, "metadata": {"note": said, "url": said},
    }  # fmt: skip


def _error(said: str) -> dict[str, Any]:
    words = f"Incorrect API key provided: {said}. Try again"
    return {"error": {"message": words, "code": "invalid_request", "type": said, "param": said}, "request_id": said}


@contextmanager
def echo_vendor(clip: bytes) -> Iterator[EchoVendor]:
    """Such a vendor, served by a thread."""
    with EchoVendor(clip) as vendor:
        thread = threading.Thread(target=vendor.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield vendor
        finally:
            vendor.shutdown()
            thread.join()
