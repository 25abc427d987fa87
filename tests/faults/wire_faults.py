"""Faults of the wire as data: what the proxy does to a request or to the vendor's honest reply. No socket.

A change is a function from reply to reply, so that it fits every wire format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal

import orjson

Step = Literal["submit", "poll", "link", "content"]
"""A POST, a look at a task, a link without a key, the keyed route to a clip."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply, whole. Header names are in lower case; the proxy adds `content-length`."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def with_headers(self, **headers: str) -> Reply:
        """The reply with these headers over its own; `_` stands for `-`."""
        return replace(self, headers={**self.headers, **{name.replace("_", "-"): headers[name] for name in headers}})

    def json(self) -> dict[str, Any]:
        """Its JSON object; empty for anything else."""
        try:
            document = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return document if isinstance(document, dict) else {}


Change = Callable[[Reply], Reply]


class Delivery(Enum):
    """How a reply goes over the wire; all but the first last until the client hangs up."""

    WHOLE = "whole"
    DRIP = "its head, then a byte at a time"
    DRIP_END = "all but the white space at its end, then a byte at a time"
    SLOW_HEAD = "its head, a byte at a time"
    INTERIM = "1xx replies instead, without end"


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFault:
    """What happens to requests of a step: the first so many `times` of each job, 0 means always.

    `instead` answers without the vendor. `copies` is how often the vendor gets the request; the client gets the last
    reply, after the `change`. `needs_key`: a link without the key is refused, and the key is not passed on.
    """

    step: Step
    change: Change = lambda reply: reply
    instead: Reply | None = None
    delivery: Delivery = Delivery.WHOLE
    copies: int = 1
    needs_key: bool = False
    times: int = 0


CDN = "/_cdn/"


def json_reply(status: int, document: Mapping[str, Any], **headers: str) -> Reply:
    """A JSON reply of whoever stands between us and the vendor."""
    return Reply(status, {"content-type": "application/json"}, orjson.dumps(document)).with_headers(**headers)


def page(status: int, text: str, **headers: str) -> Reply:
    """A web page."""
    body = f"<!DOCTYPE html>\n<html><body><h1>{text}</h1></body></html>\n".encode()
    return Reply(status, {"content-type": "text/html; charset=utf-8"}, body).with_headers(**headers)


def status(number: int) -> Change:
    """The honest reply under another HTTP status."""
    return lambda reply: replace(reply, status=number)


def headers(**values: str) -> Change:
    """The honest reply with other headers."""
    return lambda reply: reply.with_headers(**values)


def body(edit: Callable[[bytes], bytes]) -> Change:
    """The honest reply with another body; without what belonged to the old one."""

    def change(reply: Reply) -> Reply:
        kept = {name: value for name, value in reply.headers.items() if name not in ("etag", "last-modified")}
        return replace(reply, headers=kept, body=edit(reply.body))

    return change


def fields(**values: Any) -> Change:
    """The honest JSON with these top-level values."""
    return lambda reply: replace(reply, body=orjson.dumps({**reply.json(), **values})) if reply.json() else reply


def finished(change: Callable[[Any], Any]) -> Change:
    """The honest poll reply of a finished task, its whole JSON changed; other replies stay."""

    def edit(reply: Reply) -> Reply:
        return replace(reply, body=orjson.dumps(change(reply.json()))) if _has_ended(reply) else reply

    return edit


def links(edit: Callable[[str], str]) -> Change:
    """The honest poll reply with other links to its clip; a file of Google's keeps its address."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [walk(inner) for inner in value]
        return edit(value) if is_link(value) and CDN in value else value

    return lambda reply: replace(reply, body=orjson.dumps(walk(reply.json()))) if reply.json() else reply


def without_links(value: Any) -> Any:
    """The JSON without any link to a clip."""
    if isinstance(value, dict):
        return {key: without_links(inner) for key, inner in value.items() if not is_link(inner)}
    if isinstance(value, list):
        return [without_links(inner) for inner in value if not is_link(inner)]
    return value


def is_link(value: object) -> bool:
    """Whether it is a link of the emulator to a clip."""
    return isinstance(value, str) and value.startswith("http") and (CDN in value or ":download?" in value)


def task_layer(document: Any) -> dict[str, Any]:
    """The innermost object that says where the task stands."""
    if not isinstance(document, dict):
        return {}
    for wrap in ("data", "task", "output"):
        inner = document.get(wrap)
        if isinstance(inner, list) and len(inner) == 1:  # Kling's new wire
            inner = inner[0]
        if isinstance(inner, dict) and (found := task_layer(inner)):
            return found
    words = ("status", "task_status", "state", "done")
    return document if _is_output(document) or any(word in document for word in words) else {}


def _is_output(document: Mapping[str, Any]) -> bool:
    """Whether it is the second reply of a queue: a model's output, without a word of its own."""
    return isinstance(document.get("video"), dict) and "status" not in document


def _has_ended(reply: Reply) -> bool:
    layer = task_layer(reply.json())
    if _is_output(layer) or "response_url" in layer:  # a queue's status: its result follows
        return _is_output(layer)
    word = str(layer.get("status") or layer.get("task_status") or layer.get("state") or "").casefold()
    return layer.get("done") is True or word in ("succeed", "succeeded", "success", "completed", "done")
