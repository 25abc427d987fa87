"""Faults of a poll. All are transient, unless their name says otherwise."""

from __future__ import annotations

from typing import Any

from tests.faults.fault import AT_ONCE, BLIND, MANGLED, NO_SLOT, QUOTING, STORED, Ending, Fault, embedded, failed, rules
from tests.faults.wire_faults import (
    Change,
    Delivery,
    WireFault,
    finished,
    json_reply,
    task_layer,
    without_links,
)


def _poll(name: str, action: Any, ends: Ending = STORED, *, times: int = 2, **more: Any) -> Fault:
    return Fault(name=name, group="a poll", rules=rules("poll", action, times), ends=ends, **more)


def _wire(name: str, *wire: WireFault, ends: Ending = STORED, **more: Any) -> Fault:
    return Fault(name=name, group="a poll", wire=wire, ends=ends, **more)


def _slow(name: str, delivery: Delivery) -> Fault:
    """A reply that is never silent and never complete."""
    return _wire(name, WireFault(step="poll", delivery=delivery, times=2), dials={"total_timeout_s": 0.1})


def _with(**values: Any) -> Change:
    """The reply of a finished task, with these values beside its status word."""

    def change(document: Any) -> Any:
        task_layer(document).update(values)
        return document

    return finished(change)


def _filtered(document: Any) -> Any:
    """The clip is made and withheld: CometAPI wraps Veo's reply like this (docs/wire-notes.md)."""
    document = without_links(document)
    task_layer(document)["response"] = {
        "raiMediaFilteredCount": 1,
        "raiMediaFilteredReasons": ["The generated video violates the usage guidelines. Support codes: 58061214"],
    }
    return document


BLOCKED = {"error": {"message": "Your request was blocked by our moderation system.", "code": "moderation_blocked"}}
NOT_EXIST = {"status": 400, "json": {"code": "task_not_exist", "message": "task_not_exist"}}
NOT_FOUND = {"status": 404, "json": {"error": {"message": "Video not found", "code": "not_found"}}}
NO_ROUTE = {"status": 404, "json": {"detail": "Not Found"}}
NO_KEY = json_reply(401, {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}})
NO_CONTENT = json_reply(404, {"error": {"message": "The video is not ready", "code": "not_ready"}})

DEAR_USD = "7.5"
DEAR = _wire(
    "a cost above the estimate",
    WireFault(step="poll", change=_with(usage={"cost_usd": float(DEAR_USD)})),
    shows=DEAR_USD,
)

POLLS = (
    _poll("429 rate", "rate"),
    _poll("429 with Retry-After", {"rate": True, "headers": AT_ONCE}),
    _poll("429 with an empty body", {"status": 429, "empty": True}),
    _poll("500", {"status": 500}),
    _poll("503 in the vendor's own form", "unavailable"),
    _poll("524", {"status": 524, "html": True}),
    _poll("503 forever", {"status": 503}, failed("timeout"), times=0, dials={"timeout_s": 0.5}),
    _poll("reset", "reset_before"),
    _poll("reply after the client's timeout", {"delay_s": 0.5}, times=1, dials={"read_timeout_s": 0.1}),
    _slow("a reply that drips", Delivery.DRIP),
    _slow("endless 1xx replies", Delivery.INTERIM),
    _slow("a head that drips", Delivery.SLOW_HEAD),
    _poll("truncated JSON", "truncate_json"),
    _poll("mangled JSON", {"status": 200, "body": MANGLED}),
    _poll("HTML", {"html": True}),
    _poll("HTML forever", {"html": True}, failed("timeout"), times=0, dials={"timeout_s": 0.5}),
    _poll("200 with an error object", {"error_200": True}),
    _poll("X2 around a 1303", embedded(NO_SLOT, 429)),
    _poll("wrong key", {"auth": True, "message": QUOTING}, BLIND, times=0),
    _poll("task_not_exist at first", NOT_EXIST),
    _poll("task_not_exist forever", NOT_EXIST, failed("lost_task"), times=0, dials={"grace_s": 0.05}),
    _poll("200 with task_not_exist at first", {"json": {"id": "t", "status": "task_not_exist"}}),
    _poll("404 forever", NOT_FOUND, failed("lost_task"), times=0, dials={"grace_s": 0.05}),
    _poll("a 404 that is not the vendor's own", NO_ROUTE),
    _poll(
        "a 404 that is not the vendor's own, forever", NO_ROUTE, failed("timeout"), times=0, dials={"timeout_s": 0.5}
    ),
    _wire(
        "moderation as an HTTP error",
        WireFault(step="poll", instead=json_reply(400, BLOCKED)),
        ends=failed("moderation_output"),
    ),
    _wire(
        "finished, and the clip is filtered",
        WireFault(step="poll", change=finished(_filtered)),
        ends=failed("moderation_output"),
        but={"openrouter": STORED},  # the reply still names the content route, and the clip is there
    ),
    _wire(
        "finished before the link is there",
        WireFault(step="poll", change=finished(without_links), times=3),
        WireFault(step="content", instead=NO_CONTENT, times=2),
    ),
    DEAR,
    _wire(
        "the gateway moves (batchvid relocate)", WireFault(step="poll", change=lambda _: NO_KEY), ends=BLIND, moves=True
    ),
)
