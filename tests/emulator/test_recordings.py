"""The emulator's replies against the recorded exchanges: the same status, the same fields, of the same types.

Values differ (ids, times, links); words that are statuses or codes must be equal.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.helpers import Answer, Vendor, vendor

EXCHANGES = Path(__file__).parents[1] / "exchanges"
WORDS = ("status", "task_status", "code", "object", "action")
"""Fields whose values are the vendor's vocabulary."""

Play = Callable[[Vendor], Awaitable[Answer]]


def looks(submit: str, poll: str, number: int, **fields: str) -> Play:
    """Submit, then poll so often; the last answer."""

    async def play(v: Vendor) -> Answer:
        first = (await getattr(v, submit)(**fields)).json
        task = first["data"]["task_id"] if "data" in first else first.get("id") or first["request_id"]
        answers: list[Answer] = [await getattr(v, poll)(task) for _ in range(number)]
        return answers[-1]

    return play


async def no_slot(v: Vendor) -> Answer:
    return [await v.kling() for _ in range(2)][-1]


SORA = {"model": "sora-2", "seconds": "4", "size": "1280x720"}
SEEDANCE = {"model": "doubao-seedance-2-0-fast"}
STOCK = {"gateway_shape": "stock"}
MODERATED = {"faults": ({"match": {"step": "submit"}, "do": {"outcome": "moderation"}},)}

CASES: list[tuple[str, dict[str, Any], Play]] = [
    ("veo/submit-text", {}, lambda v: v.form(size="16x9")),
    ("veo/poll-ready-video-url", {}, looks("form", "look", 3)),
    ("veo/poll-ready-output-list", {"veo_shape": "output"}, looks("form", "look", 3)),
    ("veo/submit-refused-no-model", {}, lambda v: v.video(model="")),
    ("kling/submit-text", {}, lambda v: v.kling()),
    ("kling/poll-running", {}, looks("kling", "kling_look", 2)),
    ("kling/poll-ready", {}, looks("kling", "kling_look", 3, external_task_id="job-1")),
    ("kling/poll-unseen-1203", {}, lambda v: v.kling_look("1")),
    ("kling/submit-refused-1303-no-slot", {"concurrency": 1}, no_slot),
    ("runway/submit-image-link", {}, lambda v: v.runway()),
    ("runway/poll-queued", {"runway_hidden_polls": 0}, looks("runway", "runway_look", 1)),
    ("runway/poll-running", {"runway_hidden_polls": 0}, looks("runway", "runway_look", 2)),
    ("runway/poll-ready", {"runway_hidden_polls": 0}, looks("runway", "runway_look", 3)),
    (
        "runway/poll-queued-wrapped",
        {"runway_hidden_polls": 0, "runway_shape": "wrapped"},
        looks("runway", "runway_look", 1),
    ),
    ("runway/poll-unseen-status-200", {"runway_hidden_as": "status_200"}, looks("runway", "runway_look", 1)),
    ("openai-videos/submit-text", {}, lambda v: v.form(**SORA)),
    ("openai-videos/poll-running", {}, looks("form", "look", 2, **SORA)),
    ("openai-videos/poll-ready-content-only", {}, looks("form", "look", 3, **SORA)),
    ("openai-videos/poll-failed-moderation-code", MODERATED, looks("form", "look", 3, **SORA)),
    ("openai-videos/submit-seedance-upper-case", {}, lambda v: v.form(**SEEDANCE)),
    ("openai-videos/poll-running-seedance", {}, looks("form", "look", 2, **SEEDANCE)),
    ("openai-videos/poll-ready-seedance-upper-case", {}, looks("form", "look", 3, **SEEDANCE)),
    ("openai-videos/submit-refused-range", {}, lambda v: v.form(seconds="16", **SEEDANCE)),
    ("veo/poll-unseen-400", {}, lambda v: v.look("task_0")),
    ("openai-videos/poll-ready-wrapped-fail-reason", {"veo_shape": "wrapped"}, looks("form", "look", 3)),
    ("openai-videos/poll-ready-xai-with-price", {}, looks("xai", "xai_look", 3)),
    ("openai-videos/submit-gateway-milliseconds", {}, lambda v: v.gateway(model="sora-2", seconds="8")),
    ("openai-videos/submit-gateway-both-ids", STOCK, lambda v: v.gateway()),
    ("openai-videos/poll-unknown-word", STOCK, looks("gateway", "gateway_look", 1)),
    ("openai-videos/poll-running-empty-metadata-url", STOCK, looks("gateway", "gateway_look", 2)),
    ("openai-videos/poll-ready-metadata-url", STOCK, looks("gateway", "gateway_look", 3)),
    ("openai-videos/submit-refused-no-channel-503", {}, lambda v: v.gateway(model="sora-9")),
    ("openai-videos/poll-ready-native-ark", {}, looks("ark", "ark_look", 3)),
    ("runway/submit-refused-issues", {}, lambda v: v.runway(promptImage="http://a.example/a.png")),
]


def lacks(recorded: Any, ours: Any, where: str = "") -> list[str]:
    """What the recording has and our reply has not, or has otherwise."""
    if type(recorded) is not type(ours) and not {type(recorded), type(ours)} <= {int, float}:
        return [f"{where}: {ours!r} is not like {recorded!r}"]
    if isinstance(recorded, dict):
        missing = [f"{where}.{key} is missing" for key in recorded if key not in ours]
        return missing + [
            line for key in recorded if key in ours for line in lacks(recorded[key], ours[key], f"{where}.{key}")
        ]
    if isinstance(recorded, list):
        return [line for one, other in zip(recorded, ours, strict=False) for line in lacks(one, other, where + "[]")]
    if where.rpartition(".")[2] in WORDS and recorded != ours:
        return [f"{where}: {ours!r} is not {recorded!r}"]
    return []


@pytest.mark.parametrize(("case", "dials", "play"), CASES, ids=[case for case, _, _ in CASES])
async def test_recorded(case: str, dials: dict[str, Any], play: Play) -> None:
    """What the vendor was seen to answer is answered here too."""
    recorded = json.loads((EXCHANGES / f"{case}.json").read_text())["response"]
    async with vendor(**{"life": "polls:3", **dials}) as v:
        reply = await play(v)
    assert reply.status == recorded["status"]
    assert lacks(recorded["json"], reply.json) == []
