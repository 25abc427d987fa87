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
        task = first["data"]["task_id"] if "data" in first else first["id"]
        answers: list[Answer] = [await getattr(v, poll)(task) for _ in range(number)]
        return answers[-1]

    return play


async def no_slot(v: Vendor) -> Answer:
    return [await v.kling() for _ in range(2)][-1]


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
