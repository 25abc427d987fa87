"""MiniMax's native routes: the second version's task object, list and DELETE, and the first one's codes in a 200."""

from __future__ import annotations

from typing import Any

from tests.emulator.helpers import FakeClock, Vendor, vendor

SUBMIT, QUERY = "/minimax/v2/video_generation", "/minimax/v2/query/video_generation"
HAILUO, HAILUO_QUERY, FILES = (
    f"/minimax/v1/{path}" for path in ("video_generation", "query/video_generation", "files/retrieve")
)
TEXT = {"type": "text", "text": "a kite"}


async def bought(v: Vendor, **fields: Any) -> Any:
    """The reply to a submit on the second version."""
    whole = {"model": "MiniMax-H3", "content": [TEXT], "duration": 4, "resolution": "768P", "ratio": "16:9", **fields}
    return await v.call("POST", SUBMIT, json={name: value for name, value in whole.items() if value is not None})


async def test_life() -> None:
    """The task stands in `task`; its seconds are billed when it is done."""
    async with vendor(life="polls:3") as v:
        task_id = (await bought(v)).json["task_id"]
        seen = [(await v.call("GET", f"{QUERY}/{task_id}")).json["task"] for _ in range(3)]
        assert [one["status"] for one in seen] == ["queued", "running", "succeeded"]
        assert (await v.get(seen[2]["content"]["url"])).status == 200
        unknown = await v.call("GET", f"{QUERY}/1")
    assert seen[2]["usage"]["total_seconds"] == 4
    assert (unknown.status, unknown.json["error"]["type"]) == (400, "bad_request_error")


async def test_refused_values() -> None:
    """Length, resolution and, without media, a ratio are musts; a model has its own of each."""
    refused: list[dict[str, Any]] = [
        {"model": "MiniMax-Hailuo-02"},
        {"content": [{"type": "text", "text": " "}]},
        {"content": [{"type": "text", "text": "x" * 7001}]},
        {"duration": None},
        {"duration": True},
        {"duration": 16},
        {"resolution": "480P"},
        {"ratio": "2:3"},
        {"ratio": None},
    ]
    async with vendor() as v:
        assert [(await bought(v, **fields)).status for fields in refused] == [400] * len(refused)
        assert v.ledger()["purchases"] == 0


async def test_list_and_delete() -> None:
    """The newest first; a queued task is cancelled, a running one is refused, of a finished one the record goes."""
    clock = FakeClock()
    async with vendor(clock, life="seconds:100") as v:
        first, second = [(await bought(v)).json["task_id"] for _ in range(2)]
        listed = (await v.call("GET", f"{QUERY}?page_num=1&page_size=1")).json
        assert ([one["id"] for one in listed["items"]], listed["total"]) == ([second], 2)
        for page in ("page_size=101", "page_size=many", "page_num=0"):
            assert (await v.call("GET", f"{QUERY}?{page}")).status == 400
        assert (await v.call("DELETE", f"{SUBMIT}/{first}")).status == 200
        assert (await v.call("GET", f"{QUERY}/{first}")).json["task"]["status"] == "cancelled"
        clock.passes(50)
        assert (await v.call("DELETE", f"{SUBMIT}/{second}")).status == 400
        clock.passes(60)
        assert (await v.call("DELETE", f"{SUBMIT}/{second}")).status == 200
        assert (await v.call("GET", f"{QUERY}/{second}")).status == 400


async def test_hailuo() -> None:
    """Every refusal is a code in a 200; a finished task names a file, and the file's link is another call."""
    body = {"model": "MiniMax-Hailuo-02", "prompt": "a kite", "duration": 6, "resolution": "768P"}
    async with vendor(life="polls:3") as v:
        task_id = (await v.call("POST", HAILUO, json=body)).json["task_id"]
        seen = [(await v.call("GET", f"{HAILUO_QUERY}?task_id={task_id}")).json for _ in range(3)]
        assert [one["status"] for one in seen] == ["Preparing", "Processing", "Success"]
        file = (await v.call("GET", f"{FILES}?file_id={seen[2]['file_id']}")).json["file"]
        assert (await v.get(file["download_url"])).status == 200
        wrong = [
            await v.call("POST", HAILUO, json={**body, "duration": 7}),
            await v.call("GET", f"{HAILUO_QUERY}?task_id=1"),
            await v.call("GET", f"{FILES}?file_id=1"),
        ]
        no_key = await v.call("POST", HAILUO, json=body, key=None)
    assert file["file_id"] == int(seen[2]["file_id"]) > 2**53
    assert [(one.status, one.json["base_resp"]["status_code"]) for one in wrong] == [(200, 2013)] * 3
    assert (no_key.status, no_key.json["base_resp"]["status_code"]) == (200, 1004)
