"""The ledger, and what survives a restart."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.emulator import Emulator
from batchvid.emulator.ledger import Window
from tests.emulator.helpers import KEY, FakeClock, picture, vendor


@given(st.lists(st.floats(0, 20, allow_nan=False), max_size=40))
def test_window(gaps: list[float]) -> None:
    """The highest count in any sliding window is what counting every window by hand finds."""
    window, times, now = Window(10), [], 0.0
    for gap in gaps:
        now += gap
        times.append(now)
        window.add(now)
    by_hand = [sum(1 for time in times if end - 10 < time <= end) for end in times]
    assert window.highest == max(by_hand, default=0)


async def test_ledger() -> None:
    """The ledger names every task, counts by family and by route, and needs no key."""
    clock = FakeClock()
    async with vendor(clock, life="seconds:10", usd_per_s={"veo": 0.05}) as v:
        veo = (await v.video(prompt="a")).json["id"]
        clock.passes(61)
        await v.kling(prompt="b", external_task_id="job-1")
        await v.poll(veo)
        await v.poll("task_x")
        clock.passes(2)
        await v.poll(veo)
        ledger = (await v.call("GET", "/_emulator/ledger", key=None)).json
        assert (await v.call("GET", "/_emulator/ledger?tasks=0", key=None)).json.get("tasks") is None
    one, two = ledger["tasks"]
    assert (one["task_id"], one["family"], one["route"], one["price"]) == (veo, "veo", "/v1/videos", 0.4)
    assert (one["status"], one["polls"], two["status"], two["external_task_id"]) == (
        *("succeeded", 2, "running"),
        "job-1",
    )
    assert datetime.fromisoformat(one["created_at"]).utcoffset() is not None
    assert "price" not in two
    total = {name: ledger[name] for name in ("purchases", "submits", "polls", "in_flight_now", "in_flight_max")}
    assert total == {"purchases": 2, "submits": 2, "polls": 3, "in_flight_now": 1, "in_flight_max": 1}
    assert (ledger["max_submits_per_60s"], ledger["max_polls_per_s"]) == (1, 2)
    assert ledger["families"]["veo"]["polls"] == 2
    assert ledger["families"]["videos"]["polls"] == 1
    assert ledger["routes"]["/kling/v1/videos/text2video"]["submits"] == 1


async def test_reset() -> None:
    """A reset clears the counters and keeps the tasks; with tasks=1 it forgets them too."""
    async with vendor(life="polls:5", concurrency=1) as v:
        task = (await v.video()).json["id"]
        await v.call("POST", "/_emulator/reset", key=None)
        assert (v.ledger()["purchases"], v.ledger()["in_flight_now"], len(v.ledger()["tasks"])) == (0, 1, 1)
        assert (await v.poll(task)).status == 200
        assert (await v.video()).status == 429
        await v.call("POST", "/_emulator/reset?tasks=1", key=None)
        assert (v.ledger()["in_flight_now"], v.ledger()["tasks"]) == (0, [])
        assert (await v.poll(task)).status == 400
        assert (await v.video()).status == 200


async def test_restart(tmp_path: Path) -> None:
    """A new emulator on the same state file knows the tasks, their ends, their clips, their links and the bill."""
    clock = FakeClock()
    settings: dict[str, Any] = {
        "state_file": tmp_path / "deep" / "state.jsonl",
        "life": "seconds:100",
        "render": "full",
    }
    async with vendor(clock, **settings) as v:
        with_image = (await v.form(picture(), prompt="seen")).json["id"]
        clock.passes(50)
        kling = (await v.kling(external_task_id="job-1")).json["data"]["task_id"]
        clock.passes(60)
        path = (await v.poll(with_image)).json["video_url"].removeprefix(v.emulator.base_url)
        clip = (await v.get(path)).body
        before = v.ledger()
    async with vendor(clock, **settings) as v:
        assert v.ledger()["tasks"] == [{**task, "polls": 0} for task in before["tasks"]]
        assert (v.ledger()["purchases"], v.ledger()["in_flight_now"], v.ledger()["submits"]) == (2, 1, 0)
        assert (await v.kling_poll("job-1")).json["data"]["task_id"] == kling
        assert (await v.kling(external_task_id="job-1")).status == 400
        assert (await v.get(path)).body == clip
        clock.passes(50)
        assert v.ledger()["in_flight_now"] == 0


async def test_restart_after_an_end_by_poll(tmp_path: Path) -> None:
    """A task that a poll ended stays ended, and its slot stays free."""
    settings: dict[str, Any] = {"state_file": tmp_path / "state.jsonl", "life": "polls:2", "concurrency": 1}
    async with vendor(**settings) as v:
        done = (await v.video()).json["id"]
        await v.poll(done)
        await v.poll(done)
        assert (await v.video()).status == 200
    async with vendor(**settings) as v:
        assert (await v.poll(done)).json["status"] == "completed"
        assert (await v.video()).status == 429
        await v.call("POST", "/_emulator/reset?tasks=1", key=None)
    async with vendor(**settings) as v:
        assert v.ledger()["tasks"] == []


async def test_the_state_file_of_version_0_1(tmp_path: Path) -> None:
    """A task that version 0.1 wrote is known, with its duration under the name of that time."""
    state = tmp_path / "state.jsonl"
    async with vendor(state_file=state, life="polls:2") as v:
        task = (await v.video()).json["id"]
    lines = [json.loads(line) for line in state.read_text().splitlines()]
    old = lines[1]["task"]
    old["life"] = {"looks": old.pop("duration")["polls"], "seconds": 0.0}
    old["looks"] = old.pop("visible_polls")
    state.write_text("".join(json.dumps(line) + "\n" for line in lines))
    async with vendor(state_file=state) as v:
        assert [(await v.poll(task)).json["status"] for _ in range(2)] == ["queued", "completed"]


async def test_a_line_cut_short(tmp_path: Path) -> None:
    """A line that a kill cut short is dropped: its task's id was never sent."""
    state = tmp_path / "state.jsonl"
    async with vendor(state_file=state) as v:
        first = (await v.video()).json["id"]
    with state.open("ab") as file:
        file.write(b'{"task":{"id":"task_h')
    for _ in range(2):
        async with vendor(state_file=state) as v:
            assert [task["task_id"] for task in v.ledger()["tasks"]] == [first]


async def test_unreadable_submits_are_counted() -> None:
    """A submit without a key, without a model or without sense is a submit and a refusal."""
    async with vendor() as v:
        await v.video(model="")
        await v.call("POST", "/kling/v1/videos/image2video", data="{", key=KEY)
        await v.call("POST", "/runwayml/v1/image_to_video", key=None)
        ledger = v.ledger()
    assert (ledger["submits"], ledger["refused"], ledger["purchases"]) == (3, 3, 0)
    assert {name: account["refused"] for name, account in ledger["routes"].items()} == {
        "/v1/videos": 1,
        "/kling/v1/videos/image2video": 1,
        "/runwayml/v1/image_to_video": 1,
    }


async def test_a_taken_port() -> None:
    """A port that is taken is an OSError, and nothing is left behind."""
    async with vendor() as v:
        port = int(v.emulator.base_url.rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"):
            async with Emulator(port=port):
                raise AssertionError("must not start")
