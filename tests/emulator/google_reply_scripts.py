"""Reply scripts of the recordings of Google's two video APIs; script_player.py has the building blocks."""

from __future__ import annotations

from tests.emulator.script_player import (
    ReplyScript,
    ended,
    locked_out,
    looks,
    paths,
    queued,
    ready,
    refused,
    refused_poll,
    running,
    sent,
    unknown,
)

FORMAT = {"type": "video", "duration": "99s"}
SIMMERING = {"match": {"step": "poll"}, "do": {"set": {"status": "requires_action"}}}

GEMINI = {
    "gemini/poll-cancelled": ended("gemini", "cancelled"),
    "gemini/poll-failed": ended("gemini", "fail"),
    "gemini/poll-queued": queued("gemini"),
    "gemini/poll-ready-inline": ready("gemini"),
    "gemini/poll-ready-uri": ready("gemini", gemini_delivery="uri"),
    "gemini/poll-refused-key": locked_out("gemini", "poll"),
    "gemini/poll-requires-action": ReplyScript(
        of="gemini", act=running("gemini").act, settings={"faults": (SIMMERING,)}
    ),
    "gemini/poll-running": running("gemini"),
    "gemini/poll-throttled": refused_poll("gemini", "rate"),
    "gemini/poll-unseen-404": unknown("gemini"),
    "gemini/poll-withheld": ended("gemini", "moderation"),
    "gemini/submit-blocked": refused("gemini", "moderation"),
    "gemini/submit-overloaded-503": refused("gemini", "unavailable"),
    "gemini/submit-prepaid-credits-used": refused("gemini", "balance"),
    "gemini/submit-refused-field": sent("gemini", response_format=FORMAT),
    "gemini/submit-refused-key": locked_out("gemini", "submit"),
    "gemini/submit-throttled": refused("gemini", "rate"),
}
VEO = {
    "gemini-veo/poll-failed": ended("gemini-veo", "fail"),
    "gemini-veo/poll-ready": ready("gemini-veo"),
    "gemini-veo/poll-running": running("gemini-veo"),
    "gemini-veo/poll-throttled": refused_poll("gemini-veo", "rate"),
    "gemini-veo/poll-unseen-404": ReplyScript(
        of="gemini-veo", act=lambda v: v.call("GET", "/gemini/v1beta/models/veo-3.1/operations/1")
    ),
    "gemini-veo/poll-withheld": ended("gemini-veo", "moderation"),
    "gemini-veo/submit-overloaded-503": refused("gemini-veo", "unavailable"),
    "gemini-veo/submit-refused-duration": sent("gemini-veo", parameters={"durationSeconds": 5}),
    "gemini-veo/submit-refused-key": locked_out("gemini-veo", "submit"),
    "gemini-veo/submit-throttled": refused("gemini-veo", "rate"),
}
VERTEX = {
    "vertex-veo/poll-failed": ended("vertex-veo", "fail"),
    "vertex-veo/poll-ready": ready("vertex-veo"),
    "vertex-veo/poll-running": running("vertex-veo"),
    "vertex-veo/poll-throttled": refused_poll("vertex-veo", "rate"),
    "vertex-veo/poll-unseen-404": ReplyScript(
        of="vertex-veo", act=lambda v: looks(v, "vertex-veo", paths("vertex-veo")[1], "projects/p/operations/1")
    ),
    "vertex-veo/poll-withheld": ended("vertex-veo", "moderation"),
    "vertex-veo/submit-overloaded-503": refused("vertex-veo", "unavailable"),
    "vertex-veo/submit-refused-duration": sent("vertex-veo", parameters={"durationSeconds": 5}),
    "vertex-veo/submit-refused-token": locked_out("vertex-veo", "submit"),
    "vertex-veo/submit-throttled": refused("vertex-veo", "rate"),
}
GOOGLE = {**GEMINI, **VEO, **VERTEX}
