"""Refused paid calls that name a time to wait, in every form: the second call comes after it, and not before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from time import time
from typing import Any

from tests.faults.fault import STOPPED, STORED, Fault, rules
from tests.faults.wire_faults import Change, Reply, WireFault, headers, json_reply

SHORT_S = 0.25
WHOLE_S = 1.0
"""For the forms that know whole seconds only."""
LESS_S = 0.02
"""How much earlier the second call may come: both are timed at the vendor, not at the client."""
DAY_S = 86_400

RESOURCE_EXHAUSTED = {
    "error": {
        "code": 429,
        "message": "Resource has been exhausted (e.g. check quota).",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{SHORT_S}s"}],
    }
}


def _wait(name: str, wait_s: float, change: Change, *, message: str = "", **more: Any) -> Fault:
    """The vendor's own refusal for its rate, once, changed on its way."""
    refusal = {"rate": True, "message": message} if message else {"rate": True}
    wire = WireFault(step="submit", change=change, times=1)
    return Fault(
        name=name,
        group="the paid call",
        rules=rules("submit", refusal, 1),
        wire=(wire,),
        ends=STORED,
        wait_s=wait_s - LESS_S,
        **more,
    )


def _at(build: Callable[[float], dict[str, str]]) -> Change:
    """Headers that name a moment: they are built when the reply is sent, from the vendor's whole second."""

    def change(reply: Reply) -> Reply:
        now = float(int(time()))
        return reply.with_headers(date=formatdate(now, usegmt=True), **build(now))

    return change


def _same(reply: Reply) -> Reply:
    return replace(reply)


RETRY_AFTER = (
    _wait("Retry-After in seconds", WHOLE_S, headers(retry_after="1")),
    _wait("Retry-After as a decimal", SHORT_S, headers(retry_after="0.25")),
    _wait("Retry-After as a date", WHOLE_S, _at(lambda now: {"retry_after": formatdate(now + WHOLE_S, usegmt=True)})),
    _wait("retry-after-ms", SHORT_S, headers(retry_after_ms="250")),
    _wait("x-ratelimit-reset in seconds", SHORT_S, headers(x_ratelimit_remaining="0", x_ratelimit_reset="0.25")),
    _wait("x-ratelimit-reset as Unix time", WHOLE_S, _at(lambda now: {"x_ratelimit_reset": f"{now + WHOLE_S:.0f}"})),
    _wait("x-ratelimit-reset as a duration", SHORT_S, headers(x_ratelimit_reset_requests="250ms")),
    _wait("a delay in the message", SHORT_S, _same, message="Rate limit reached. Please try again in 0.25s."),
    Fault(
        name="Google's RetryInfo",
        group="the paid call",
        wire=(WireFault(step="submit", instead=json_reply(429, RESOURCE_EXHAUSTED), times=1),),
        ends=STORED,
        wait_s=SHORT_S - LESS_S,
    ),
    Fault(
        name="a daily quota: Retry-After of a day",
        group="the paid call",
        rules=rules("submit", {"rate": True, "headers": {"Retry-After": str(DAY_S)}}),
        ends=STOPPED,
        shows="UTC",
    ),
)
