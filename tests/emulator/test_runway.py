"""Runway's image to video."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.emulator.helpers import FakeClock, picture, vendor

DATA_URI = "data:image/png;base64," + base64.b64encode(picture()).decode()


async def test_shapes() -> None:
    """A UUID and a cost; not there at the first poll; then upper-case words, ISO time, progress 0 to 1, output."""
    async with vendor(life="polls:3") as v:
        first = (await v.runway()).json
        assert first == {"id": str(UUID(first["id"])), "estimatedCost": {"credits": 25}}
        hidden = await v.runway_poll(first["id"])
        assert (hidden.status, hidden.json) == (
            *(400, {"code": "task_not_exist", "message": "task_not_exist", "data": None}),
        )
        seen = [(await v.runway_poll(first["id"])).json for _ in range(3)]
    assert [one["status"] for one in seen] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", seen[0]["createdAt"])
    assert 0 < seen[1]["progress"] < 1
    assert len(seen[2]["output"]) == 1


@pytest.mark.parametrize(
    ("hidden_as", "status", "word"),
    [("http_400", 400, None), ("http_404", 404, None), ("status_200", 200, "task_not_exist")],
)
async def test_hidden(hidden_as: str, status: int, word: str | None) -> None:
    """How and for how long a new task is not seen can be set."""
    async with vendor(runway_hidden_as=hidden_as, runway_hidden_polls=2) as v:
        task = (await v.runway()).json["id"]
        replies = [await v.runway_poll(task) for _ in range(3)]
    assert [reply.status for reply in replies] == [status, status, 200]
    assert replies[0].json.get("status") == word
    assert replies[2].json["status"] == "SUCCEEDED"


async def test_unknown_task() -> None:
    """An unknown id, or another key's, is answered like a task that is not seen yet."""
    async with vendor() as v:
        task = (await v.runway()).json["id"]
        for reply in (await v.runway_poll("x"), await v.call("GET", f"/runwayml/v1/tasks/{task}", key="Bearer other")):
            assert (reply.status, reply.json["code"]) == (400, "task_not_exist")


async def test_version_header() -> None:
    """Without the version header a submit is a 400; a poll does not need it."""
    async with vendor(runway_hidden_polls=0) as v:
        assert (await v.runway(headers={})).status == 400
        assert (await v.runway_poll((await v.runway()).json["id"])).status == 200


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"promptImage": None}, "promptImage", "Required"),
        ({"promptImage": "http://cdn.example/a.png"}, "promptImage", "Only HTTPS URLs are allowed."),
        ({"promptImage": "data:image/png;base64,eHg="}, "promptImage", "The image cannot be read"),
        ({"promptImage": "a.png"}, "promptImage", "Expected an HTTPS URL"),
        ({"promptImage": [{"uri": DATA_URI}]}, "promptImage", "Expected {uri, position"),
        ({"ratio": "1280x720"}, "ratio", "Expected one of 1280:720"),
        ({"duration": "5"}, "duration", "Expected an integer"),
        ({"duration": 11}, "duration", "Expected an integer"),
    ],
)
async def test_refusals(fields: dict[str, Any], path: str, message: str) -> None:
    """A wrong value is an issue with its path, and nothing is bought."""
    async with vendor() as v:
        reply = await v.runway(**fields)
        assert reply.status == 400
        issue = reply.json["issues"][0]
        assert issue["path"] == [path]
        assert issue["message"].startswith(message)
        assert v.ledger()["purchases"] == 0


async def test_missing_model() -> None:
    """A model must be named."""
    async with vendor() as v:
        assert "model name is required" in (await v.runway(model=None)).json["error"]["message"]


async def test_images() -> None:
    """One data URI, or an array of first and last."""
    both = [{"uri": DATA_URI, "position": "first"}, {"uri": "https://cdn.example/b.png", "position": "last"}]
    async with vendor() as v:
        assert (await v.runway(promptImage=DATA_URI, ratio="960:960")).status == 200
        assert (await v.runway(promptImage=both, ratio="9:16", duration=10)).status == 200
        first, second = v.ledger()["tasks"]
    assert [one["field"] for one in first["images"]] == ["first"]
    assert (first["width"], first["height"], first["seconds"]) == (960, 960, 5)
    assert (second["width"], second["height"], second["seconds"]) == (720, 1280, 10)


async def test_over_the_limit_tasks_wait() -> None:
    """Over the limit a task is accepted as THROTTLED, is in flight, and starts when a slot frees."""
    clock = FakeClock()
    async with vendor(clock, concurrency_by_family={"runway": 1}, life="seconds:10", runway_hidden_polls=0) as v:
        one, two, three = [(await v.runway()).json["id"] for _ in range(3)]

        async def words() -> list[str]:
            return [(await v.runway_poll(task)).json["status"] for task in (one, two, three)]

        clock.passes(5)
        assert await words() == ["RUNNING", "THROTTLED", "THROTTLED"]
        assert v.ledger()["in_flight_now"] == 3
        clock.passes(10)
        assert await words() == ["SUCCEEDED", "RUNNING", "THROTTLED"]
        clock.passes(15)
        assert await words() == ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]
        assert v.ledger()["families"]["runway"]["in_flight_now"] == 0


@pytest.mark.parametrize(
    ("action", "status", "code"),
    [
        ({"outcome": "fail"}, "FAILED", "INTERNAL.BAD_OUTPUT.CODE01"),
        ({"outcome": "fail", "code": "ASSET.INVALID", "message": "x"}, "FAILED", "ASSET.INVALID"),
        ({"outcome": "moderation"}, "FAILED", "SAFETY.INPUT.TEXT"),
        ({"outcome": "fail_silent"}, "FAILED", None),
        ({"outcome": "cancelled"}, "CANCELLED", None),
        ({"outcome": "unknown_word"}, "SIMMERING", None),
        ({"outcome": "stuck"}, "PENDING", None),
    ],
)
async def test_outcomes(action: dict[str, Any], status: str, code: str | None) -> None:
    """Every outcome in Runway's own words."""
    async with vendor(faults=({"match": {"step": "submit"}, "do": action},), runway_hidden_polls=0) as v:
        reply = (await v.runway_poll((await v.runway()).json["id"])).json
    assert (reply["status"], reply.get("failureCode")) == (status, code)
    assert ("failure" in reply) == (code is not None)
    assert "output" not in reply


async def test_other_shapes() -> None:
    """The wrapped shape of older pages, and the lower-case words of the tutorial."""
    async with vendor(runway_shape="wrapped", runway_hidden_polls=0) as v:
        reply = (await v.runway_poll((await v.runway()).json["id"])).json
        assert (reply["data"]["action"], reply["data"]["status"]) == ("IMAGE_TO_VIDEO", "SUCCESS")
        assert reply["data"]["data"]["status"] == "SUCCEEDED"
    async with vendor(runway_shape="lower", runway_hidden_polls=0) as v:
        assert (await v.runway_poll((await v.runway()).json["id"])).json["status"] == "succeeded"


async def test_hidden_only_when_new(tmp_path: Path) -> None:
    """A task that is older than the emulator has been visible for long."""
    async with vendor(state_file=tmp_path / "state.jsonl") as v:
        task = (await v.runway()).json["id"]
    async with vendor(state_file=tmp_path / "state.jsonl") as v:
        assert (await v.runway_poll(task)).json["status"] == "SUCCEEDED"
