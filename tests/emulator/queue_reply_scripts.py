"""Reply scripts of vendors of many models: queues with a second call, predictions. script_player.py has the parts."""

from __future__ import annotations

from tests.emulator.helpers import Answer, Vendor
from tests.emulator.script_player import (
    POLL_ENDS,
    ReplyScript,
    bare,
    ended,
    locked_out,
    paths,
    queued,
    ready,
    refused,
    refused_poll,
    running,
    sends,
    sent,
    task_of,
    unknown,
)


def result(of: str, outcome: str = "success", *, polled: int = 3, message: str = "", code: str = "") -> ReplyScript:
    """The second request of a task with this outcome, after so many polls."""

    async def act(v: Vendor) -> Answer:
        path = f"{paths(of)[1]}/{task_of(await sends(of)(v))}"
        for _ in range(polled):
            await v.call("GET", path + POLL_ENDS[of])
        return await v.call("GET", path)

    rule = {"match": {"step": "submit"}, "do": {"outcome": outcome, "message": message, "code": code}}
    return ReplyScript(of=of, act=act, settings={"faults": (rule,)})


def same_key(prompt: str) -> ReplyScript:
    """A second call with the key of the first one."""

    async def act(v: Vendor) -> Answer:
        path, headers = paths("comfy-router")[0], {"Idempotency-Key": "kite-1"}
        await v.call("POST", path, json={"prompt": "a kite"}, headers=headers)
        return await v.call("POST", path, json={"prompt": prompt}, headers=headers)

    return ReplyScript(of="comfy-router", act=act)


FAL = {
    "fal/poll-cancelled": ended("fal", "cancelled"),
    "fal/poll-completed": ready("fal"),
    "fal/poll-completed-with-error": ended("fal", "error"),
    "fal/poll-named-address": running("fal"),
    "fal/poll-queued": queued("fal"),
    "fal/poll-refused-key": locked_out("fal", "poll"),
    "fal/poll-running": running("fal"),
    "fal/poll-server-error": bare("fal", "poll", 502, "Bad Gateway"),
    "fal/poll-start-timeout": ended("fal", "expired"),
    "fal/poll-throttled": refused_poll("fal", "rate"),
    "fal/poll-unseen-404": unknown("fal"),
    "fal/result-failed": result("fal", "fail"),
    "fal/result-infrastructure": result("fal", "error"),
    "fal/result-moderation": result("fal", "moderation"),
    "fal/result-not-ready": result("fal", polled=1),
    "fal/result-video": result("fal"),
    "fal/result-wrong-input": result(
        "fal", "fail", code="literal_error", message="Input should be a number of seconds"
    ),
    "fal/submit-refused-balance": refused("fal", "balance"),
    "fal/submit-refused-input": refused("fal", "invalid"),
    "fal/submit-refused-key": locked_out("fal", "submit"),
    "fal/submit-refused-moderation": refused("fal", "moderation"),
    "fal/submit-refused-unknown-model": sent("fal", "/fal/nothing"),
    "fal/submit-server-error": refused("fal", "unavailable"),
    "fal/submit-throttled": refused("fal", "rate"),
}

COMFY_ROUTER = {
    "comfy-router/poll-cancelled": ended("comfy-router", "cancelled"),
    "comfy-router/poll-completed": ready("comfy-router"),
    "comfy-router/poll-failed": ended("comfy-router", "fail"),
    "comfy-router/poll-failed-moderation": ended("comfy-router", "moderation"),
    "comfy-router/poll-queued": queued("comfy-router"),
    "comfy-router/poll-refused-key": locked_out("comfy-router", "poll"),
    "comfy-router/poll-running": running("comfy-router"),
    "comfy-router/poll-unseen-404": unknown("comfy-router"),
    "comfy-router/result-ready": result("comfy-router"),
    "comfy-router/submit-key-used": same_key("a boat"),
    "comfy-router/submit-refused-credit": refused("comfy-router", "balance"),
    "comfy-router/submit-refused-input": refused("comfy-router", "invalid"),
    "comfy-router/submit-refused-key": locked_out("comfy-router", "submit"),
    "comfy-router/submit-refused-moderation": refused("comfy-router", "moderation"),
    "comfy-router/submit-replayed": same_key("a kite"),
    "comfy-router/submit-throttled": refused("comfy-router", "concurrency"),
    "comfy-router/submit-unavailable": refused("comfy-router", "unavailable"),
}
REPLICATE = {
    "replicate/poll-aborted": ended("replicate", "expired"),
    "replicate/poll-cancelled": ended("replicate", "cancelled"),
    "replicate/poll-failed": ended("replicate", "fail"),
    "replicate/poll-queued": queued("replicate"),
    "replicate/poll-ready": ready("replicate"),
    "replicate/poll-refused-key": locked_out("replicate", "poll"),
    "replicate/poll-running": running("replicate"),
    "replicate/poll-throttled": refused_poll("replicate", "rate"),
    "replicate/poll-unseen-404": unknown("replicate"),
    "replicate/submit-refused-credit": refused("replicate", "balance"),
    "replicate/submit-refused-input": refused("replicate", "invalid"),
    "replicate/submit-refused-key": locked_out("replicate", "submit"),
    "replicate/submit-server-error": refused("replicate", "unavailable"),
    "replicate/submit-throttled": refused("replicate", "rate"),
}
