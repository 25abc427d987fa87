"""DELETE: what is under way is cancelled and its slot given on, what is finished is deleted, as the setting allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulator.helpers import FakeClock, Vendor, vendor

TASKS = {"runway": "/runwayml/v1/tasks", "sora": "/v1/videos", "veo": "/v1/videos"}
DONE = {"runway": 204, "sora": 200, "veo": 200}


async def buy(v: Vendor, family: str, prompt: str = "a kite") -> str:
    """A task of that family; its path."""
    if family == "runway":
        task = (await v.runway(promptText=prompt)).json["id"]
    else:
        model = {"sora": "sora-2", "veo": "veo3-fast"}[family]
        task = (await v.video(model=model, prompt=prompt)).json["id"]
    return f"{TASKS[family]}/{task}"


@pytest.mark.parametrize("family", TASKS)
async def test_a_task_under_way(family: str) -> None:
    """No call finds it, it holds no slot, and it stays in the ledger as a purchase."""
    async with vendor(life="seconds:60", cancel="running", runway_hidden_polls=0, unknown_task_status=404) as v:
        path = await buy(v, family)
        assert (await v.call("DELETE", path)).status == DONE[family]
        assert (await v.call("GET", path)).status in (400, 404)
        assert (await v.call("DELETE", path)).status == 404
        ledger = v.ledger()
    assert (ledger["purchases"], ledger["in_flight_now"]) == (1, 0)
    assert [task["status"] for task in ledger["tasks"]] == ["cancelled"]


async def test_its_end_is_told_once() -> None:
    """The time at which it would have ended passes without a trace: slots and ledger stay right."""
    clock = FakeClock()
    async with vendor(clock, life="seconds:60", cancel="running", concurrency=1) as v:
        path = await buy(v, "veo")
        await v.call("DELETE", path)
        clock.passes(30)
        await buy(v, "veo", "another")
        clock.passes(31)
        assert v.ledger()["in_flight_now"] == 1
        clock.passes(30)
        assert v.ledger()["in_flight_now"] == 0


async def test_a_task_that_waits_for_a_slot() -> None:
    """It leaves the queue; the task behind it gets the next slot."""
    clock = FakeClock()
    async with vendor(clock, life="seconds:60", cancel="queued", concurrency=1, runway_hidden_polls=0) as v:
        first, second, third = [await buy(v, "runway", prompt) for prompt in ("a", "b", "c")]
        assert (await v.call("DELETE", second)).status == 204
        clock.passes(30)
        assert (await v.call("DELETE", first)).status == 409
        clock.passes(31)
        assert (await v.call("GET", third)).json["status"] in ("PENDING", "RUNNING")


@pytest.mark.parametrize("family", TASKS)
async def test_what_is_finished_is_deleted(family: str) -> None:
    """The same call deletes a finished clip with its link: a client must check the status first."""
    async with vendor(cancel="queued", runway_hidden_polls=0, sora_shape="video_url") as v:
        path = await buy(v, family)
        done = (await v.call("GET", path)).json
        link = done["output"][0] if family == "runway" else done["video_url"]
        assert (await v.get(link)).status == 200
        assert (await v.call("DELETE", path)).status == DONE[family]
        assert (await v.get(link)).status == 404


@pytest.mark.parametrize("family", TASKS)
async def test_a_vendor_without_the_route(family: str) -> None:
    """As on CometAPI: 404, and the task goes on."""
    async with vendor(life="seconds:60", runway_hidden_polls=0) as v:
        path = await buy(v, family)
        assert (await v.call("DELETE", path)).status == 404
        assert (await v.call("GET", path)).status == 200
        assert v.ledger()["in_flight_now"] == 1


async def test_it_stays_cancelled_after_a_restart(tmp_path: Path) -> None:
    """The state file keeps a cancellation, and only of the key's own task."""
    settings = {"life": "seconds:60", "cancel": "running", "state_file": tmp_path / "tasks.jsonl"}
    async with vendor(**settings) as v:
        gone, there = await buy(v, "veo"), await buy(v, "veo", "another")
        await v.call("DELETE", gone)
    async with vendor(**settings) as v:
        assert (await v.call("GET", gone)).status == 400
        assert (await v.call("GET", there)).status == 200
        assert v.ledger()["in_flight_now"] == 1


async def test_another_keys_task_is_not_there() -> None:
    """Only who bought it can call it off."""
    async with vendor(life="seconds:60", cancel="running") as v:
        path = await buy(v, "veo")
        assert (await v.call("DELETE", path, key="Bearer other")).status == 404
        assert v.ledger()["in_flight_now"] == 1
