"""The emulator's replies against the recorded exchanges: the same status, the same fields, of the same types.

Values differ (ids, times, links); words that are statuses or codes must be equal. Of a firm source the other way
round, too: no field that no page of that vendor shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.helpers import vendor
from tests.emulator.reply_scripts import REPLY_SCRIPTS
from tests.emulator.test_requests import needs_a_parent, replayed, submits

EXCHANGES = Path(__file__).parents[1] / "exchanges"
WORDS = ("status", "task_status", "code", "object", "action")
"""Fields whose values are the vendor's vocabulary."""

UNPLAYED: dict[str, tuple[str, ...]] = {
    "no vendor answers so: the dialect must stand it all the same": (
        "ark/poll-ready-with-last-frame",
        "atlas/poll-ready-without-outputs",
        "atlas/poll-unseen-404",
        "atlas/submit-refused-balance-in-200",
        "atlas/submit-unnamed-code-in-200",
        "kie/submit-server-error-in-200",
        "dashscope/poll-suspended",
        "gemini-veo/poll-queued-by-a-relay",
        "fal/poll-namespace",
        "comfy-router/result-cancelled",
        "comfy-router/result-expired",
        "comfy-router/result-failed",
        "comfy-router/result-ready-with-an-error-type-of-its-own",
        "comfy-router/submit-rate",
        "comfy-router/submit-refused-not-enabled",
        "comfy-router/submit-refused-unknown-model",
        "replicate/poll-data-removed",
        "replicate/poll-ready-list",
        "replicate/poll-succeeded-without-output",
        "replicate/submit-refused-unknown-model",
        "fal/result-proxy-error",
        "fal/result-unusual-name",
        "vertex-veo/poll-queued-by-a-relay",
        "vertex-veo/poll-ready-in-storage",
        "kling/poll-success-without-link",
        "kling-new/poll-other-tasks-only",
        "kling/submit-outer-id-is-a-trace",
        "openai-videos/poll-completed-with-error-and-a-link",
        "openai-videos/poll-undocumented-word",
        "openai-videos/submit-already-failed-task",
        "openai-videos/submit-request-timeout-408",
        "runway/poll-success-without-link",
        "veo/submit-200-without-id",
        "vidu/submit-refused-credit",
        "vidu/submit-server-error",
        "vidu/submit-unnamed-reason-400",
        "wavespeed/poll-completed-without-outputs",
        "wavespeed/poll-failed-timeout",
        "wavespeed/poll-unknown-word",
        "wavespeed/submit-unnamed-code-in-200",
        "xai/poll-success-without-link",
        "xai/poll-web-page-202",
        "xai/submit-200-without-id",
        "xai/submit-trace-id-beside-an-error",
    ),
    "a variant of a played one, for readers that fold case or unwrap, without a source": (
        "runway/poll-ready-output-string",
        "runway/poll-unseen-code-upper-400",
        "runway/poll-unseen-status-upper-200",
        "runway/poll-unseen-wrapped-200",
        "runway/submit-wrapped",
        "xai/poll-ready-without-word",
    ),
    "a server that the emulator is not: another aggregator, a self-hosted one, or an account with money": (
        "kling/submit-new-generation-id",
        "kling-new/poll-ready-paid-in-cash",
        "openai-videos/poll-failed-under-http-500",
        "openai-videos/poll-relay-id-with-colon",
        "openai-videos/submit-refused-community-guidelines-500",
        "openai-videos/submit-relay-id-with-colon",
        "openai-videos/submit-self-hosted-validation",
        "xai/submit-server-error",
    ),
    "a public report of a poll of another vendor or relay, in the words of the report": (
        "gateway/poll-failed-fal-content-checker-422",
        "gemini/poll-ready-older-outputs",
        "gateway/poll-failed-responsible-ai",
        "kling/poll-failed-image-pixel",
        "newapi/poll-failed-rai-audio-inside-success",
        "newapi/poll-success-without-link",
        "openai-videos/poll-failed-minimax-prompt",
        "openai-videos/poll-failed-replicate-e005",
        "openai-videos/poll-ready-minimax-task",
        "openai-videos/poll-ready-unsigned-urls",
        "seedance/poll-failed-output-audio",
        "seedance/poll-failed-output-video-in-words",
        "veo/poll-failed-different-inputs",
        "veo/poll-failed-rai-operation",
        "videos/poll-failed-dashscope-without-reason",
        "videos/poll-failed-output-audio-in-words",
        "xai/poll-ready-relative-link",
    ),
    "known from a client's code only, which does not show the whole reply": (
        "gemini/poll-failed-step-error",
        "gemini/poll-withheld-in-words",
        "gemini/submit-edit",
        "luma/submit-extend",
        "openai-videos/poll-contradiction-outer-failure-inner-running",
        "openai-videos/poll-ready-wrapped-without-link",
        "openai-videos/poll-without-status",
        "openai-videos/submit-hollow-error-is-none",
        "openai-videos/submit-null-error-is-none",
        "openai-videos/submit-trace-id-beside-an-error",
        "openai-videos/submit-wrapped-row-number",
        "openai-videos/submit-wrapped-row-number-only",
    ),
}
"""The recordings that are not played, each with the reason."""

SETTINGS: dict[str, dict[str, Any]] = {
    "seedance/submit-exact-size": {"seedance_shape": "video_url"},
    "seedance/submit-references-in-pixels": {"seedance_shape": "video_url"},
}
"""What must be set for the answers to recorded requests."""

Field = tuple[str, str]
"""Where a value stands, and its type: `data.task_id`, `str`."""


def recorded(name: str) -> dict[str, Any]:
    exchange: dict[str, Any] = json.loads((EXCHANGES / f"{name}.json").read_text("utf-8"))
    return exchange


def everything() -> list[str]:
    return [f"{path.parent.name}/{path.stem}" for path in sorted(EXCHANGES.glob("*/*.json"))]


def alone() -> list[Any]:
    """The recorded submits that need no clip that was made before."""
    return [case for case in submits() if not needs_a_parent(case.values[0])]


def body_of(response: dict[str, Any]) -> Any:
    """The recorded body as JSON; None for a page, a text, or nothing."""
    if "json" in response:
        return response["json"]
    try:
        return json.loads(response["text"])
    except ValueError:
        return None


def lacks(recorded: Any, ours: Any, where: str = "") -> list[str]:
    """What the recording has and our reply has not, or has otherwise."""
    if kind(recorded) != kind(ours):
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


def kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def fields(value: Any, where: str = "") -> Iterator[Field]:
    """Every value of a reply: where it stands, and its type."""
    yield where, kind(value)
    if isinstance(value, dict):
        for key, one in value.items():
            yield from fields(one, f"{where}.{key}")
    if isinstance(value, list):
        for one in value:
            yield from fields(one, where + "[]")


@cache
def shown(dialect: str, step: str) -> frozenset[Field]:
    """Every field that the recordings of one dialect and step show, bare or inside a task wrapper."""
    exchanges = [exchange for exchange in map(recorded, everything()) if exchange["dialect"] == dialect]
    bodies = [body_of(exchange["response"]) for exchange in exchanges if exchange["step"] == step]
    bare = {field for body in bodies for field in fields(body)}
    return frozenset(bare | {(f".data.data{where}", what) for where, what in bare})


def invented(name: str, reply: Any, of: str) -> list[str]:
    """The fields of a reply that no recording of its dialect shows, nor any of the family `of` that gave it.

    Only where this one's source is firm.
    """
    exchange = recorded(name)
    if exchange["confidence"] != "firm":
        return []
    known = shown(exchange["dialect"], exchange["step"]) | shown(of, exchange["step"])
    return sorted(f"{where}: {what}" for where, what in set(fields(reply)) - known)


@pytest.mark.parametrize("name", REPLY_SCRIPTS)
async def test_recorded(name: str) -> None:
    """What the vendor was seen to answer is answered here too, and nothing is added to it."""
    response, play = recorded(name)["response"], REPLY_SCRIPTS[name]
    async with vendor(**{"life": "polls:3", **play.settings}) as v:
        reply = await play.act(v)
    assert reply.status == response["status"]
    assert lacks(body_of(response), reply.json) == []
    assert invented(name, reply.json, play.of) == []
    if "text" in response:
        assert bool(reply.body) == bool(response["text"])


@pytest.mark.parametrize("exchange", alone())
async def test_the_answer_to_a_recorded_request(exchange: dict[str, Any]) -> None:
    """The recorded request is answered as the vendor was seen to answer it."""
    name = f"{exchange['dialect']}/{exchange['case']}"
    async with vendor(accepted_status=exchange["response"]["status"], **SETTINGS.get(name, {})) as v:
        reply = await replayed(v, exchange)
    assert reply.status == exchange["response"]["status"]
    assert lacks(exchange["response"]["json"], reply.json) == []
    assert invented(name, reply.json, exchange["dialect"]) == []


def test_every_recording_is_played_or_says_why_not() -> None:
    """Each recorded reply is compared with the emulator's; the few that are not are listed, with the reason."""
    sent = {f"{case.values[0]['dialect']}/{case.values[0]['case']}" for case in alone()}
    unplayed = [name for names in UNPLAYED.values() for name in names]
    unplayed += [name for name in everything() if recorded(name)["source"].startswith("F-rep ")]
    accounted = [*(set(REPLY_SCRIPTS) | sent), *unplayed]
    assert sorted(accounted) == sorted(everything())


def test_the_comparison_sees_what_is_missing_other_and_added() -> None:
    """A field left out, one of another type, another word, and one without a source are each reported."""
    reply = recorded("kling/poll-running")["response"]["json"]
    without = {name: value for name, value in reply.items() if name != "code"}
    assert lacks(reply, without) == [".code is missing"]
    assert lacks(reply, {**reply, "code": "0"}) == [".code: '0' is not like 0"]
    assert lacks(reply, {**reply, "code": 1}) == [".code: 1 is not 0"]
    assert invented("kling/poll-running", {**reply, "poster": ""}, "kling") == [".poster: str"]
    assert invented("kling/poll-running", reply, "kling") == []


@pytest.mark.parametrize("name", REPLY_SCRIPTS)
def test_no_script_contains_the_reply(name: str) -> None:
    """A script sets at most one plain value of a JSON reply: otherwise the recording is compared with itself."""
    actions = [rule["do"] for rule in REPLY_SCRIPTS[name].settings.get("faults", ())]
    assert not any("json" in action or str(action.get("body", "")).startswith("{") for action in actions)
    values = [value for action in actions for value in action.get("set", {}).values()]
    assert len(values) <= 1
    assert not any(isinstance(value, dict | list) for value in values)
