"""Kling's native routes."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.emulator.helpers import FakeClock, picture, vendor

IMAGE = base64.b64encode(picture()).decode()


async def test_shapes() -> None:
    """Integer code, ids that no double holds, milliseconds, an empty result while it runs."""
    async with vendor(life="polls:3") as v:
        first = (await v.kling(external_task_id="job-1")).json
        data = first["data"]
        assert (first["code"], data["task_status"], data["task_info"]["external_task_id"]) == (
            *(0, "submitted", "job-1"),
        )
        assert data["task_id"].isdecimal()
        assert int(data["task_id"]) > 2**53
        assert data["created_at"] > 1e12
        seen = [(await v.kling_poll(data["task_id"])).json["data"] for _ in range(3)]
    assert [one["task_status"] for one in seen] == ["submitted", "processing", "succeed"]
    assert seen[1]["task_result"] == {}
    assert (seen[2]["task_result"]["videos"][0]["duration"], seen[2]["final_unit_deduction"]) == ("5.0", "1")


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": 5},
        {"duration": "7"},
        {"aspect_ratio": "21:9"},
        {"mode": "ultra"},
        {"prompt": ""},
        {"prompt": "x" * 2501},
    ],
)
async def test_text_refusals(fields: dict[str, Any]) -> None:
    """Wrong values are HTTP 400 with code 1201, a numeric duration among them."""
    async with vendor() as v:
        reply = await v.kling(**fields)
        assert (reply.status, reply.json["code"]) == (400, 1201)
        assert reply.json["request_id"]
        assert v.ledger()["purchases"] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"image": "data:image/png;base64," + IMAGE},
        {"image": "not base64!"},
        {"image": base64.b64encode(b"not an image").decode()},
        {"image": base64.b64encode(picture(299, 400)).decode()},
        {"image": base64.b64encode(picture(900, 300)).decode()},
        {"image": 7},
        {"image": IMAGE, "image_tail": "data:,x"},
    ],
)
async def test_image_refusals(fields: dict[str, Any]) -> None:
    """Images come as links or bare base64, decodable, not small and not extreme; all else is 1201."""
    async with vendor() as v:
        reply = await v.kling("image2video", **fields)
        assert (reply.status, reply.json["code"]) == (400, 1201)


async def test_image_to_video() -> None:
    """First and last frame are kept in order, and the frame follows the image, not the asked ratio."""
    tall = base64.b64encode(picture(480, 640)).decode()
    async with vendor() as v:
        assert (await v.kling("image2video", image=tall, image_tail=IMAGE, aspect_ratio="16:9")).status == 200
        assert (await v.kling("image2video", image="https://cdn.example/a.png", mode="pro")).status == 200
        first, second = v.ledger()["tasks"]
    assert [one["field"] for one in first["images"]] == ["image", "image_tail"]
    assert (first["width"], first["height"]) == (720, 960)
    assert (second["width"], second["height"]) == (1920, 1080)


async def test_polls() -> None:
    """A task is found by its id or by the buyer's own, below its own sub-resource, with its own key."""
    async with vendor() as v:
        task = (await v.kling(external_task_id="job-1")).json["data"]["task_id"]
        assert (await v.kling_poll(task)).json["data"]["task_id"] == task
        assert (await v.kling_poll("job-1")).json["data"]["task_id"] == task
        foreign = await v.call("GET", "/kling/v1/videos/text2video/job-1", key="Bearer other")
        for reply in (await v.kling_poll(task, "image2video"), await v.kling_poll("job-2"), foreign):
            assert (reply.status, reply.json["code"]) == (404, 1203)
        assert v.ledger()["families"]["kling"]["polls"] == 5


async def test_external_ids_are_unique_per_key() -> None:
    """The same external id twice is refused for one key, and fine for another."""
    async with vendor() as v:
        assert (await v.kling(external_task_id="job-1")).status == 200
        again = await v.kling(external_task_id="job-1")
        assert (again.status, again.json["code"]) == (400, 1201)
        body = {"prompt": "x", "external_task_id": "job-1"}
        other = await v.call("POST", "/kling/v1/videos/text2video", json=body, key="Bearer other")
        assert other.status == 200
        assert v.ledger()["purchases"] == 2


async def test_concurrency() -> None:
    """Over the limit no task is made: 429 with code 1303; a finished task frees its slot without being polled."""
    clock = FakeClock()
    async with vendor(clock, concurrency=2, life="seconds:10") as v:
        assert [(await v.kling()).status for _ in range(3)] == [200, 200, 429]
        assert (await v.kling()).json["code"] == 1303
        assert (await v.video()).status == 200
        clock.passes(10)
        assert (await v.kling()).status == 200
        ledger = v.ledger()["families"]["kling"]
    assert (ledger["purchases"], ledger["refused"], ledger["in_flight_max"], ledger["in_flight_now"]) == (3, 2, 2, 1)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"outcome": "fail", "message": "no face"}, "no face"),
        ({"outcome": "fail_silent"}, ""),
        ({"outcome": "moderation"}, "failure to pass the risk control system"),
        ({"outcome": "cancelled"}, "the task was cancelled"),
    ],
)
async def test_failures(action: dict[str, Any], message: str) -> None:
    """A failed task is HTTP 200, code 0, with its reason in task_status_msg."""
    async with vendor(faults=({"match": {"step": "submit"}, "do": action},)) as v:
        reply = await v.kling_poll((await v.kling()).json["data"]["task_id"])
    assert (reply.status, reply.json["code"]) == (200, 0)
    data = reply.json["data"]
    assert (data["task_status"], data["task_status_msg"], data["task_result"]) == ("failed", message, {})


async def test_gateway_shape() -> None:
    """Behind a stock gateway a Kling submit answers a video object and a poll the task wrapper."""
    async with vendor(kling_shape="gateway") as v:
        first = (await v.kling()).json
        assert (first["object"], first["status"]) == ("video", "queued")
        done = (await v.kling_poll(first["task_id"])).json
        assert (done["code"], done["data"]["status"]) == ("success", "SUCCESS")
        assert (await v.get(done["data"]["fail_reason"])).status == 200
