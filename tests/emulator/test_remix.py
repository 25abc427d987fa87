"""Sora's remix: a new video out of a finished one."""

from __future__ import annotations

from typing import Any

from tests.emulator.helpers import Answer, Vendor, vendor


async def remix(v: Vendor, source: str, **body: Any) -> Answer:
    return await v.call("POST", f"/v1/videos/{source}/remix", json={"prompt": "in the rain", **body})


async def test_remix() -> None:
    """It is a task of its own with the source's length and size, names its source, and is counted apart."""
    async with vendor() as v:
        source = (await v.form(model="sora-2-pro", seconds="8", size="1024x1792")).json["id"]
        await v.poll(source)
        made = (await remix(v, source)).json
        assert (made["model"], made["seconds"], made["size"]) == ("sora-2-pro", "8", "1024x1792")
        assert (made["remixed_from_video_id"], made["status"]) == (source, "queued")
        assert (await v.poll(made["id"])).json["remixed_from_video_id"] == source
        assert (await v.call("GET", f"/v1/videos/{made['id']}/content")).body[4:8] == b"ftyp"
        again = (await remix(v, made["id"])).json
        assert again["remixed_from_video_id"] == made["id"]
        ledger = v.ledger()
    assert ledger["routes"]["/v1/videos/{id}/remix"]["purchases"] == 2
    assert ledger["families"]["sora"]["purchases"] == 3


async def test_refusals() -> None:
    """Unknown, another key's, another vendor's and unfinished sources, and no prompt: 400, and not bought."""
    async with vendor(life="polls:2") as v:
        veo = (await v.video()).json["id"]
        running = (await v.video(model="sora-2")).json["id"]
        foreign = await v.call("POST", f"/v1/videos/{running}/remix", json={"prompt": "x"}, key="Bearer other")
        for reply in (await remix(v, "video_1"), await remix(v, veo), foreign):
            assert (reply.status, reply.json["code"]) == (400, "task_not_exist")
        unfinished = await remix(v, running)
        assert (unfinished.status, unfinished.json["error"]["type"]) == (400, "invalid_request_error")
        assert (await remix(v, running, prompt=" ")).json["code"] == "invalid_request"
        assert (await v.call("POST", f"/v1/videos/{running}/remix", data="{")).status == 400
        assert v.ledger()["purchases"] == 2
        assert v.ledger()["families"]["sora"]["refused"] == 6
