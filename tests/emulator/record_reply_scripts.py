"""Reply scripts of the vendors that keep a record of each task; script_player.py has the building blocks."""

from __future__ import annotations

from tests.emulator.helpers import Answer, Vendor
from tests.emulator.script_player import (
    BODIES,
    ReplyScript,
    ended,
    locked_out,
    paths,
    polls,
    queued,
    ready,
    refused,
    refused_poll,
    running,
    second,
    sends,
    sent,
    task_of,
    unknown,
)

IMAGE = {"type": "image_url", "image_url": {"url": "https://cdn.example/a.png"}, "role": "first_frame"}
NEWEST = sends("ark", model="dreamina-seedance-2-5-260628")
STUCK = {"outcome": "stuck"}
FAILS_WITH_AUDIO = "OutputAudioSensitiveContentDetected.PolicyViolation"


def cancelled(of: str) -> ReplyScript:
    """A task that is cancelled while it waits, and polled."""

    async def act(v: Vendor) -> Answer:
        task = task_of(await sends(of)(v))
        await v.call("DELETE", f"{paths(of)[0]}/{task}")
        return await v.call("GET", f"{paths(of)[1]}/{task}")

    return ReplyScript(of=of, act=act, settings={"life": "polls:3"})


ARK = {
    "ark/poll-cancelled": cancelled("ark"),
    "ark/poll-expired": ended("ark", "expired"),
    "ark/poll-failed-audio-policy": ended("ark", "moderation", code=FAILS_WITH_AUDIO),
    "ark/poll-failed-internal": ended("ark", "error"),
    "ark/poll-failed-output-moderation": ended("ark", "moderation"),
    "ark/poll-queued": queued("ark"),
    "ark/poll-ready": ready("ark", NEWEST),
    "ark/poll-refused-key": locked_out("ark", "poll"),
    "ark/poll-running": running("ark"),
    "ark/poll-throttled": refused_poll("ark", "rate"),
    "ark/poll-unseen-404": unknown("ark"),
    "ark/submit-refused-arrears": refused("ark", "balance"),
    "ark/submit-refused-key": locked_out("ark", "submit"),
    "ark/submit-refused-moderation": refused("ark", "moderation"),
    "ark/submit-refused-no-such-model": sent("ark", model="doubao-seedance-9"),
    "ark/submit-refused-overloaded": refused("ark", "rate", code="ServerOverloaded"),
    "ark/submit-refused-own-limit": refused("ark", "rate", code="SetLimitExceeded"),
    "ark/submit-refused-queue-full": ReplyScript(
        of="ark", act=second("ark"), settings={"concurrency": 1, "life": "polls:3"}
    ),
    "ark/submit-refused-ratio-beside-frame": sent(
        "ark", model="dreamina-seedance-2-5-260628", content=[IMAGE], ratio="16:9"
    ),
    "ark/submit-refused-real-face": refused(
        "ark", "moderation", code="InputImageSensitiveContentDetected.PrivacyInformation"
    ),
    "ark/submit-refused-trial-used-up": refused("ark", "concurrency", message="has exhausted its free trial quota"),
    "ark/submit-refused-unknown-field": sent("ark", negative_prompt="rain"),
    "ark/submit-server-error": refused("ark", "unavailable"),
    "ark/submit-throttled-rpm": refused("ark", "rate"),
}


async def refuses_synchronous(v: Vendor) -> Answer:
    """A submit to DashScope without its header."""
    return await v.call("POST", paths("dashscope")[0], json=BODIES["dashscope"])


async def cancels(v: Vendor) -> Answer:
    """A task of DashScope that is cancelled while it waits, and polled."""
    path = f"{paths('dashscope')[1]}/{task_of(await sends('dashscope')(v))}"
    await v.call("POST", f"{path}/cancel")
    return await v.call("GET", path)


DASHSCOPE = {
    "dashscope/poll-canceled": ReplyScript(of="dashscope", act=cancels, settings={"life": "polls:3"}),
    "dashscope/poll-failed-internal": ended("dashscope", "error"),
    "dashscope/poll-failed-moderation": ended("dashscope", "moderation"),
    "dashscope/poll-queued": queued("dashscope"),
    "dashscope/poll-ready": ready("dashscope"),
    "dashscope/poll-refused-key": locked_out("dashscope", "poll"),
    "dashscope/poll-running": running("dashscope"),
    "dashscope/poll-throttled": refused_poll("dashscope", "rate", code="Throttling"),
    "dashscope/poll-unknown": unknown("dashscope"),
    "dashscope/submit-refused-arrears": refused("dashscope", "balance"),
    "dashscope/submit-refused-key": locked_out("dashscope", "submit"),
    "dashscope/submit-refused-moderation": refused("dashscope", "moderation"),
    "dashscope/submit-refused-no-such-model": sent("dashscope", model="wan9-t2v"),
    "dashscope/submit-refused-parameter": sent("dashscope", parameters={"resolution": "720P", "duration": 99}),
    "dashscope/submit-refused-synchronous": ReplyScript(of="dashscope", act=refuses_synchronous),
    "dashscope/submit-server-error": refused("dashscope", "unavailable"),
    "dashscope/submit-throttled-allocation": refused("dashscope", "rate", code="Throttling.AllocationQuota"),
    "dashscope/submit-throttled-rate": refused("dashscope", "rate"),
}
MINIMAX = {
    "minimax/poll-cancelled": cancelled("minimax"),
    "minimax/poll-failed-sensitive": ended("minimax", "moderation"),
    "minimax/poll-queued": queued("minimax"),
    "minimax/poll-ready": ready("minimax"),
    "minimax/poll-refused-key": locked_out("minimax", "poll"),
    "minimax/poll-running": running("minimax"),
    "minimax/poll-throttled": refused_poll("minimax", "rate"),
    "minimax/poll-unseen-400": unknown("minimax"),
    "minimax/submit-refused-balance": refused("minimax", "balance"),
    "minimax/submit-refused-key": locked_out("minimax", "submit"),
    "minimax/submit-refused-no-prompt": sent("minimax", content=[]),
    "minimax/submit-refused-sensitive": refused("minimax", "moderation"),
    "minimax/submit-server-error": refused("minimax", "unavailable"),
    "minimax/submit-throttled": refused("minimax", "rate"),
    "minimax-v1/poll-failed-1027": ended("minimax-v1", "moderation"),
    "minimax-v1/poll-preparing": queued("minimax-v1"),
    "minimax-v1/poll-processing": running("minimax-v1"),
    "minimax-v1/poll-queueing": ReplyScript(
        of="minimax-v1", act=polls("minimax-v1", 2), settings={"faults": ({"match": {"step": "submit"}, "do": STUCK},)}
    ),
    "minimax-v1/poll-ready": ready("minimax-v1"),
    "minimax-v1/poll-refused-key": locked_out("minimax-v1", "poll"),
    "minimax-v1/poll-throttled-1002": refused_poll("minimax-v1", "rate"),
    "minimax-v1/poll-unseen": unknown("minimax-v1"),
    "minimax-v1/submit-refused-1004-key": locked_out("minimax-v1", "submit"),
    "minimax-v1/submit-refused-1008-balance": refused("minimax-v1", "balance"),
    "minimax-v1/submit-refused-1026-sensitive": refused("minimax-v1", "moderation"),
    "minimax-v1/submit-refused-2013-parameter": sent("minimax-v1", duration=7),
    "minimax-v1/submit-throttled-1002": refused("minimax-v1", "rate"),
    "minimax-v1/submit-trouble-1000": refused("minimax-v1", "unavailable"),
}
