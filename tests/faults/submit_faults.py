"""Faults of the paid call: what the vendor answers, and what happens to the answer on its way."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any

from tests.faults.fault import (
    AT_ONCE,
    FOUND,
    MANGLED,
    NO_SLOT,
    QUOTING,
    STOPPED,
    STORED,
    UNSEEN,
    UNSOLD,
    Ending,
    Fault,
    embedded,
    refused,
    rules,
)
from tests.faults.wire_faults import Delivery, WireFault, body, fields, json_reply, page, status


def _submit(name: str, action: Any = None, ends: Ending = STORED, *, times: int = 0, **more: Any) -> Fault:
    return Fault(name=name, group="the paid call", rules=rules("submit", action, times), ends=ends, **more)


def _wire(name: str, ends: Ending = STORED, *, fault: Mapping[str, Any], **more: Any) -> Fault:
    return Fault(name=name, group="the paid call", wire=(WireFault(step="submit", **fault),), ends=ends, **more)


def _lost(name: str, action: Mapping[str, Any], **more: Any) -> tuple[Fault, Fault]:
    """No verdict, once before the vendor acted and once after."""
    return (
        _submit(f"{name}, before acting", action, UNSOLD, **more),
        _submit(f"{name}, after acting", {**action, "after": True}, UNSEEN, but=FOUND, **more),
    )


def _slow(name: str, delivery: Delivery) -> tuple[Fault, Fault]:
    """A reply that is never silent and whose document never comes, before the vendor acted and after."""
    late = {"change": body(lambda data: SPACES + data), "delivery": delivery}
    return (
        _wire(f"{name}, before acting", UNSOLD, fault={"instead": NO_DOCUMENT, **late}, dials=IN_TOTAL),
        _wire(f"{name}, after acting", UNSEEN, fault=late, dials=IN_TOTAL, but=FOUND),
    )


def _kling(code: int, message: str) -> dict[str, Any]:
    return {"status": 429, "json": {"code": code, "message": message, "request_id": "r-1"}, "headers": AT_ONCE}


SENSITIVE = '{"error":{"message":"the prompt violates our content policy","code":"moderation_blocked"}}'
ARREARS = '{"code":1101,"message":"account in arrears","request_id":"u-2"}'
DISGUISED = {"error": {"message": "duration is malformed", "code": "invalid_request"}}
NO_CHANNEL = {"error": {"message": "No available channel for model x under group y", "code": "model_not_found"}}
GUIDELINES = {"error": "the prompt may violate the community guidelines (CM_EXT.POther)"}
OTHER_NUMBERS = (
    *("runway", "xai", "ark", "minimax", "minimax-v1", "dashscope"),
    *("gemini", "gemini-veo", "vertex-veo", "fal", "replicate", "comfy-router"),
)
"""Vendors to which Kling's codes mean nothing."""
ONE_VENDOR = dict.fromkeys(
    ("kling", "kling-new", *(name for name in OTHER_NUMBERS if not name.startswith("minimax"))), UNSOLD
)
"""No relay stands behind these wire formats: MiniMax's codes mean nothing there."""

IN_TOTAL = {"submit_total_timeout_s": 0.3}
SPACES = b" " * 1000
NO_DOCUMENT = json_reply(200, {})
CLOUDFLARE = page(403, "Sorry, you have been blocked: error 1020", cf_ray="8c1a5f0e2b3c4d5e-FRA", server="cloudflare")
PORTAL = page(200, "Welcome to Hotel WiFi: please log in")
NO_ROUTE = json_reply(404, {"detail": "Not Found"})
UNLISTED = {"code": 77_777, "message": "received, position in line 4"}
UPSTREAM = {"error": {"message": "upstream closed the connection", "code": "upstream_error"}}
MINIMAX_RATE = {"task_id": "", "base_resp": {"status_code": 1002, "status_msg": "rate limit"}}

REFUSALS = (
    _submit("429 rate, once", "rate", times=1, but={"runway": STOPPED}),  # there it is the daily cap
    _submit("429 rate forever", {"rate": True, "headers": AT_ONCE}, STOPPED),
    _submit("429 with an empty body", {"status": 429, "empty": True}, times=2),
    _submit("no slot, three times", {"concurrency": True, "headers": AT_ONCE}, times=3),
    _submit("no slot forever", {"concurrency": True, "headers": AT_ONCE}, STOPPED),
    _submit("Kling 1302, too many requests", _kling(1302, "too many requests"), times=2),
    _submit("Kling 1303, no slot", _kling(1303, "parallel task over resource pack limit"), times=2),
    _submit("Kling 1102, package used up", _kling(1102, "resource pack exhausted"), STOPPED),
    _submit("Kling 1304, address not allowed", _kling(1304, "ip not in whitelist"), STOPPED),
    _submit("MiniMax's rate in a 200", {"json": MINIMAX_RATE}, times=2, but=ONE_VENDOR),
    _submit("X2 around a 1303", embedded(NO_SLOT, 429), times=2),
    _submit(
        "X2 around arrears",
        embedded(ARREARS, 400),
        STOPPED,
        but=dict.fromkeys(OTHER_NUMBERS, refused("invalid")),
    ),
    _submit("X2 around a moderation", embedded(SENSITIVE, 400), refused("moderation_input")),
    _submit("wrong key", {"auth": True, "message": QUOTING}, STOPPED),
    _submit("no balance", "balance", STOPPED),
    _submit("invalid parameter", {"invalid": True, "message": QUOTING}, refused("invalid")),
    _submit("prompt refused", "moderation", refused("moderation_input")),
    _submit("500 with community guidelines", {"status": 500, "json": GUIDELINES}, refused("moderation_input")),
    _submit("500 invalid_request", {"status": 500, "json": DISGUISED}, refused("invalid")),
    _submit("503 no channel forever", {"status": 503, "json": NO_CHANNEL}, refused("unavailable")),
    _submit("413 with HTML", {"html": True, "status": 413}, refused("invalid")),
)
NOT_REACHED = (
    _submit("wrong path: HTML 404", {"html": True, "status": 404}, STOPPED, shows="POST http"),
    _wire("wrong path: 404 of a web framework", STOPPED, fault={"instead": NO_ROUTE}, shows="POST http"),
    _wire("blocked by Cloudflare", STOPPED, fault={"instead": CLOUDFLARE}, shows="HTTP 403"),
    _wire("captive portal: HTML under a 200", UNSOLD, fault={"instead": PORTAL}, shows="is stopped"),
    _submit("redirect", {"status": 301, "headers": {"Location": "https://cdn.example/x?sig=1"}}, STOPPED),
)
ACCEPTED = (
    _wire("accepted under a 409", fault={"change": status(409)}),
    _wire("accepted under a 500", fault={"change": status(500)}),
    _wire("accepted in UTF-16", fault={"change": body(lambda data: data.decode().encode("utf-16"))}),
    _wire("accepted, packed with gzip that no header names", fault={"change": body(gzip.compress)}),
    _wire("accepted with a NaN", fault={"change": body(lambda data: data.replace(b"{", b'{"eta":NaN,', 1))}),
    _wire(
        "an unlisted code beside the task's id",
        fault={"change": fields(**UNLISTED)},
        but={"runway": UNSEEN, "xai": UNSEEN},  # beside an error, `id` and `request_id` may be a trace id
    ),
    _wire(
        "an error beside the task's id, under a 500",
        fault={"change": lambda reply: status(500)(fields(**UPSTREAM)(reply))},
        but={"runway": UNSEEN, "xai": UNSEEN, "fal": UNSEEN, "comfy-router": UNSEEN},
    ),
    _wire("an unlisted code without an id", UNSOLD, fault={"instead": json_reply(200, UNLISTED)}),
    _wire(
        "a proxy sends the call twice",
        Ending("stored", 2),
        fault={"copies": 2},
        extra_sold=1,
        but=FOUND | {"comfy-router": STORED},  # they take each id of a call once
    ),
)
UNREADABLE = (
    *_lost("unavailable in the vendor's own form", {"unavailable": True, "message": QUOTING}),
    *_lost("500", {"status": 500}),
    *_lost("503", {"status": 503, "json": {"error": {"message": "try later"}}}),
    *_lost("524", {"status": 524, "html": True}),
    *_lost("408", {"status": 408}),
    *_lost("303, see other", {"status": 303, "headers": {"Location": "/v1/videos"}}),
    *_lost("200 with an error object", {"error_200": True}),
    *_lost("200 with HTML", {"html": True}),
    *_lost("200 with an empty body", {"empty": True}),
    *_lost("200 with mangled JSON", {"status": 200, "body": MANGLED}),
    _submit("reset before acting", "reset_before", UNSOLD),
    _submit("reset after acting", "reset_after", UNSEEN, but=FOUND),
    _submit(
        "truncated JSON",
        "truncate_json",
        but=dict.fromkeys(("runway", "xai", "ark", "minimax", "gemini-veo", "vertex-veo"), UNSEEN),  # the id is cut off
    ),
    _submit(
        "reply after the client's timeout",
        {"delay_s": 0.5},
        UNSEEN,
        but=FOUND,
        dials={"submit_read_timeout_s": 0.1},
    ),
    *_slow("a reply that drips", Delivery.DRIP),
    _wire(
        "a reply whose end drips",
        fault={"change": body(lambda data: data + SPACES), "delivery": Delivery.DRIP_END},
        dials=IN_TOTAL,
    ),
    *_slow("endless 1xx replies", Delivery.INTERIM),
    *_slow("a head that drips", Delivery.SLOW_HEAD),
)
SUBMITS = (*REFUSALS, *NOT_REACHED, *ACCEPTED, *UNREADABLE)
