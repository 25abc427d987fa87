"""Reply scripts of the recordings of Luma's Dream Machine; script_player.py has the building blocks."""

from __future__ import annotations

from tests.emulator.script_player import (
    ended,
    locked_out,
    queued,
    ready,
    refused,
    refused_poll,
    running,
    sent,
    unknown,
)

FRAME = {"frame0": {"type": "image", "url": "data:image/png;base64,AAAA"}}

LUMA = {
    "luma/poll-failed": ended("luma", "fail"),
    "luma/poll-failed-moderation": ended("luma", "moderation"),
    "luma/poll-queued": queued("luma"),
    "luma/poll-ready": ready("luma"),
    "luma/poll-running": running("luma"),
    "luma/poll-throttled": refused_poll("luma", "rate"),
    "luma/poll-unseen-404": unknown("luma"),
    "luma/submit-refused-credits": refused("luma", "balance"),
    "luma/submit-refused-key": locked_out("luma", "submit"),
    "luma/submit-refused-picture": sent("luma", keyframes=FRAME),
    "luma/submit-throttled": refused("luma", "rate"),
    "luma/submit-unavailable": refused("luma", "unavailable"),
}
