"""Reply scripts of the recordings of the vendors whose wire formats are definitions: markets, and Vidu."""

from __future__ import annotations

from tests.emulator.script_player import (
    ReplyScript,
    ended,
    locked_out,
    queued,
    ready,
    refused,
    running,
    sent,
    unknown,
)

WAVESPEED = {
    "wavespeed/poll-failed-media": ended("wavespeed", "fail", code="1402"),
    "wavespeed/poll-failed-moderation": ended("wavespeed", "moderation"),
    "wavespeed/poll-queued": queued("wavespeed"),
    "wavespeed/poll-ready": ready("wavespeed"),
    "wavespeed/poll-refused-key": locked_out("wavespeed", "poll"),
    "wavespeed/poll-running": running("wavespeed"),
    "wavespeed/poll-unseen-404": unknown("wavespeed"),
    "wavespeed/submit-refused-key": locked_out("wavespeed", "submit"),
    "wavespeed/submit-refused-parameters": sent("wavespeed", duration="5"),
    "wavespeed/submit-server-error": refused("wavespeed", "unavailable"),
    "wavespeed/submit-throttled": refused("wavespeed", "rate"),
}
ATLAS = {
    "atlas/poll-failed": ended("atlas", "moderation"),
    "atlas/poll-queued": queued("atlas"),
    "atlas/poll-ready": ready("atlas"),
    "atlas/poll-refused-key": locked_out("atlas", "poll"),
    "atlas/poll-running": running("atlas"),
    "atlas/submit-refused-balance": refused("atlas", "balance"),
    "atlas/submit-refused-body": sent("atlas", duration="5"),
    "atlas/submit-refused-key": locked_out("atlas", "submit"),
    "atlas/submit-throttled": refused("atlas", "rate"),
}
KIE = {
    "kie/poll-failed": ended("kie", "fail"),
    "kie/poll-failed-moderation": ended("kie", "moderation"),
    "kie/poll-queued": queued("kie"),
    "kie/poll-ready": ready("kie"),
    "kie/poll-refused-key-in-200": locked_out("kie", "poll"),
    "kie/poll-running": running("kie"),
    "kie/poll-unseen-in-200": unknown("kie"),
    "kie/submit-maintenance-in-200": refused("kie", "unavailable"),
    "kie/submit-refused-balance-in-200": refused("kie", "balance"),
    "kie/submit-refused-fields-in-200": sent("kie", input={}),
    "kie/submit-refused-key-in-200": locked_out("kie", "submit"),
    "kie/submit-throttled-in-200": refused("kie", "rate"),
}
VIDU = {
    "vidu/poll-failed-policy": ended("vidu", "moderation"),
    "vidu/poll-queued": queued("vidu"),
    "vidu/poll-ready": ready("vidu"),
    "vidu/poll-refused-key": locked_out("vidu", "poll"),
    "vidu/poll-running": running("vidu"),
    "vidu/poll-unseen-404": unknown("vidu"),
    "vidu/submit-refused-audit": refused("vidu", "moderation"),
    "vidu/submit-refused-concurrency": refused("vidu", "concurrency"),
    "vidu/submit-refused-field": sent("vidu", duration="4"),
    "vidu/submit-refused-key": locked_out("vidu", "submit"),
    "vidu/submit-throttled": refused("vidu", "rate"),
}
MARKETS: dict[str, ReplyScript] = {**WAVESPEED, **ATLAS, **KIE, **VIDU}
