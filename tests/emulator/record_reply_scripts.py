"""Reply scripts of the vendors that keep a record of each task; script_player.py has the building blocks."""

from __future__ import annotations

from tests.emulator.helpers import Answer, Vendor
from tests.emulator.script_player import (
    ReplyScript,
    ended,
    locked_out,
    paths,
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
FAILS_WITH_AUDIO = "OutputAudioSensitiveContentDetected.PolicyViolation"


def cancelled(of: str) -> ReplyScript:
    """A task that is cancelled while it waits, and polled."""

    async def act(v: Vendor) -> Answer:
        path = f"{paths(of)[1]}/{task_of(await sends(of)(v))}"
        await v.call("DELETE", path)
        return await v.call("GET", path)

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
