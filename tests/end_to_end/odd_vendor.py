"""Fernwerk, a vendor that exists nowhere: odd words, errors under HTTP 200, numbers for states, links inside a string.

Its page, as a customer would read it:

- `POST /studio/v4/renders` `{"engine", "script": {"text", "avoid"}, "runtime": "5s", "frame": "wide"|"tall"|"square",
  "stills": [{"slot": "opening"|"closing", "bytes": base64, "mime"}], "dice"}`:
  `{"verdict": 0, "ticket": {"no": 7700001}}`.
- Every reply has HTTP 200 and a `verdict`: 0 fine, 11 unknown engine or bad script, 12 the pass is wrong, 13 no coins,
  14 too many renders at once. No ticket is printed then. Any other verdict: the desk does not know itself.
- `POST /studio/v4/lookup` `{"no": 7700001}`: `{"verdict": 0, "ticket": {"no", "stage", "done": 0..1, "coins"}}`;
  stage 1 waiting, 2 in the studio, 3 on the shelf, 8 torn up, 9 withheld by the censor, with `remark`.
- `GET /studio/v4/shelf?no=7700001`, once the stage is 3: `{"verdict": 0, "parcel": "{\"reels\": [{\"href\": ...}]}"}`,
  links relative to the studio, with the pass. One coin is 0.02 USD.
- `PUT /studio/v4/tear` `{"no": 7700001}` cancels a render: verdict 0, or 41 once it is on the shelf.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ENGINES = ("loom-2",)
FRAMES = ("wide", "tall", "square")
KEYS = {"engine", "script", "runtime", "frame", "stills", "dice"}
COINS = 25


class Fernwerk(ThreadingHTTPServer):
    """The studio; `renders` are the bodies that were bought, in order. `refusals` are verdicts for the next submits."""

    daemon_threads = True

    def __init__(self, clip: bytes, key: str) -> None:
        super().__init__(("127.0.0.1", 0), _Desk)
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}"
        self.clip = clip
        self.key = key
        self.renders: list[dict[str, Any]] = []
        self.polls: dict[int, int] = {}
        self.refusals: list[int] = []
        self.torn: dict[str, int] = {}
        """The stage in which a render ends whose text holds this word."""
        self.cancelled: list[int] = []
        self.refuses_to_cancel = False


class _Desk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Fernwerk

    def log_message(self, *_: object) -> None:
        """Is silent."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._has_pass():
            self._say(12, remark="this pass opens nothing")
        elif self.path == "/studio/v4/renders":
            self._render(body)
        elif self.path == "/studio/v4/lookup":
            self._show(body.get("no"))
        else:
            self._say(11, remark="no such counter")

    def do_PUT(self) -> None:
        number = json.loads(self.rfile.read(int(self.headers["Content-Length"]))).get("no")
        if not self._has_pass() or self.path != "/studio/v4/tear":
            self._say(12, remark="this pass opens nothing")
        elif self.server.refuses_to_cancel:
            self._say(41, remark="it is on the shelf")
        else:
            self.server.cancelled.append(number)
            self._say(0)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if not self._has_pass():
            self._say(12, remark="this pass opens nothing")
        elif parts.path == "/studio/v4/shelf":
            number = parse_qs(parts.query)["no"][0]
            self._say(0, parcel=json.dumps({"reels": [{"href": f"/reels/{number}", "kind": "video"}]}))
        elif re.fullmatch(r"/reels/\d+", parts.path):
            self._send(self.server.clip, "video/mp4")
        else:
            self._say(11, remark="no such counter")

    def _render(self, body: dict[str, Any]) -> None:
        stills = body.get("stills", [])
        wrong = (
            body.get("engine") not in ENGINES
            or not body.get("script", {}).get("text")
            or not re.fullmatch(r"\d+s", body.get("runtime", ""))
            or body.get("frame", "wide") not in FRAMES
            or not body.keys() <= KEYS
            or any(still["slot"] not in ("opening", "closing") or not _is_picture(still) for still in stills)
        )
        if self.server.refusals:
            self._say(self.server.refusals.pop(0), remark="come back later")
        elif wrong:
            self._say(11, remark=f"the studio cannot read {sorted(body)}")
        else:
            self.server.renders.append(body)
            self._say(0, ticket={"no": 7_700_000 + len(self.server.renders)})

    def _show(self, number: object) -> None:
        at = number - 7_700_001 if isinstance(number, int) else -1
        if not isinstance(number, int) or not 0 <= at < len(self.server.renders):
            self._say(40, remark="that ticket was never printed")
            return
        polls = self.server.polls[number] = self.server.polls.get(number, 0) + 1
        text = self.server.renders[at]["script"]["text"]
        end = next((stage for word, stage in self.server.torn.items() if word in text), 3)
        stage = min(polls, 2) if polls < 3 else end
        ticket = {"no": number, "stage": stage, "done": min(polls / 3, 1)}
        self._say(
            0, ticket=ticket | ({"coins": COINS} if stage == 3 else {"remark": "the reel tore"} if stage > 3 else {})
        )

    def _has_pass(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.server.key}"

    def _say(self, verdict: int, **fields: Any) -> None:
        self._send(json.dumps({"verdict": verdict, **fields}).encode(), "application/json")

    def _send(self, body: bytes, media_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _is_picture(still: dict[str, str]) -> bool:
    return base64.b64decode(still["bytes"], validate=True)[:3] in (b"\xff\xd8\xff", b"\x89PN")


@contextmanager
def served(clip: bytes, key: str) -> Iterator[Fernwerk]:
    """The studio on a thread of its own."""
    studio = Fernwerk(clip, key)
    thread = threading.Thread(target=studio.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield studio
    finally:
        studio.shutdown()
        studio.server_close()
        thread.join()
