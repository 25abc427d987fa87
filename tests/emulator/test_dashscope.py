"""DashScope's native route: asynchronous calls only, tasks of 24 hours, its list, and who may be cancelled."""

from __future__ import annotations

from typing import Any

from tests.emulator.helpers import Answer, FakeClock, Vendor, vendor

ROOT = "/dashscope/api/v1"
SUBMIT = f"{ROOT}/services/aigc/video-generation/video-synthesis"
TASKS = f"{ROOT}/tasks"
PICTURE = {"type": "first_frame", "url": "https://a.example/x.png"}


async def bought(v: Vendor, model: str = "wan2.7-t2v", *, wait: bool = False, **body: Any) -> Answer:
    """The reply to a submit; `wait` leaves out the header of asynchronous calls."""
    whole = {"model": model, "input": {"prompt": "a kite"}, **body}
    return await v.call("POST", SUBMIT, json=whole, headers={} if wait else {"X-DashScope-Async": "enable"})


async def test_life() -> None:
    """The task stands in `output`; its reply repeats the prompt, and says what is billed."""
    async with vendor(life="polls:3") as v:
        first = (await bought(v, parameters={"duration": 4, "resolution": "720P"})).json["output"]
        seen = [(await v.call("GET", f"{TASKS}/{first['task_id']}")).json for _ in range(3)]
        assert (await v.get(seen[2]["output"]["video_url"])).status == 200
    assert first["task_status"] == "PENDING"
    assert [one["output"]["task_status"] for one in seen] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert seen[2]["output"]["orig_prompt"] == "a kite"
    assert (seen[2]["usage"]["duration"], seen[2]["usage"]["SR"]) == (4, 720)


async def test_refused_values() -> None:
    """Each model has its own way to say a shape and to give pictures."""
    refused: list[tuple[dict[str, Any], str]] = [
        ({"wait": True}, "AccessDenied"),
        ({"model": "sora-2"}, "ModelNotFound"),
        ({"input": {}}, "InvalidParameter"),
        ({"parameters": {"duration": 31}}, "InvalidParameter"),
        ({"parameters": {"size": "1280*720"}}, "InvalidParameter"),
        ({"model": "wan2.6-t2v", "parameters": {"size": "1280x720"}}, "InvalidParameter"),
        ({"model": "wan2.6-i2v", "input": {"prompt": "a kite", "media": [PICTURE]}}, "InvalidParameter"),
        ({"input": {"prompt": "a kite", "media": [{"type": "first_frame"}]}}, "InvalidParameter"),
    ]
    async with vendor() as v:
        for fields, code in refused:
            assert (await bought(v, **fields)).json["code"] == code, fields
        assert (await bought(v, "wan2.7-i2v", input={"prompt": "a kite", "media": [PICTURE]})).status == 200
        assert (await bought(v, "wan2.6-t2v", parameters={"size": "1280*720"})).status == 200
        assert v.ledger()["purchases"] == 2


async def test_list_cancel_and_the_end_of_a_record() -> None:
    """Only a PENDING task is cancelled; after 24 hours nobody knows a task, and its status is UNKNOWN, in a 200."""
    clock = FakeClock()
    async with vendor(clock, life="seconds:100") as v:
        first, second = [(await bought(v)).json["output"]["task_id"] for _ in range(2)]
        listed = (await v.call("GET", f"{TASKS}?page_no=1&page_size=1")).json
        assert ([one["task_id"] for one in listed["tasks"]], listed["total"]) == ([second], 2)
        assert (await v.call("GET", f"{TASKS}?page_size=all")).status == 400
        assert (await v.call("POST", f"{TASKS}/{first}/cancel")).status == 200
        assert (await v.call("GET", f"{TASKS}/{first}")).json["output"]["task_status"] == "CANCELED"
        clock.passes(50)
        refused = await v.call("POST", f"{TASKS}/{second}/cancel")
        assert (refused.status, refused.json["code"]) == (400, "UnsupportedOperation")
        clock.passes(86_400)
        gone = await v.call("GET", f"{TASKS}/{second}")
    assert (gone.status, gone.json["output"]["task_status"]) == (200, "UNKNOWN")


async def test_a_filtered_clip() -> None:
    """A failed task has its code and message in `output`."""
    async with vendor(faults=({"match": {"step": "submit"}, "do": {"outcome": "moderation"}},)) as v:
        task_id = (await bought(v)).json["output"]["task_id"]
        output = (await v.call("GET", f"{TASKS}/{task_id}")).json["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "DataInspectionFailed")
