"""The shapes in which a `/v1/videos` object was seen to be finished."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.emulator.helpers import vendor


@pytest.mark.parametrize(
    ("shape", "queued", "done", "place"),
    [
        ("video_url", "queued", "completed", lambda reply: reply["video_url"]),
        ("url", "queued", "completed", lambda reply: reply["url"]),
        ("output", "queued", "succeeded", lambda reply: reply["output"][0]),
        ("success", "SUBMITTED", "SUCCESS", lambda reply: reply["video_url"]),
        ("metadata", "unknown", "completed", lambda reply: reply["metadata"]["url"]),
    ],
)
async def test_shapes(shape: str, queued: str, done: str, place: Any) -> None:
    """Every shape seen in the wild can be set: its words, and where it puts the link."""
    async with vendor(veo_shape=shape, life="polls:2") as v:
        task = (await v.video()).json["id"]
        first, last = [(await v.poll(task)).json for _ in range(2)]
        assert (first["status"], last["status"]) == (queued, done)
        assert (await v.get(place(last))).status == 200


async def test_wrapped_shape() -> None:
    """The task wrapper puts the link of a success, and the text of a failure, into fail_reason."""
    faults = ({"match": {"step": "submit", "prompt": "bad"}, "do": {"outcome": "fail", "message": "too dark"}},)
    async with vendor(videos_shape="wrapped", faults=faults) as v:
        good = (await v.poll((await v.video(model="wan")).json["id"])).json
        bad = (await v.poll((await v.video(model="wan", prompt="bad")).json["id"])).json
        assert (good["code"], good["data"]["status"], good["data"]["progress"]) == ("success", "SUCCESS", "100%")
        assert (await v.get(good["data"]["fail_reason"])).status == 200
        assert good["data"]["data"]["status"] == "completed"
        assert (bad["data"]["status"], bad["data"]["fail_reason"]) == ("FAILURE", "too dark")


async def test_inline_shape() -> None:
    """The clip itself, as some relays put it into the reply: the same bytes as behind the content route."""
    async with vendor(videos_shape="inline", life="polls:2", fps=4) as v:
        task = (await v.video(model="wan", seconds="1")).json["id"]
        running, done = [(await v.poll(task)).json for _ in range(2)]
        head, _, data = done["url"].partition(",")
        clip = await v.call("GET", f"/v1/videos/{task}/content")
    assert (head, base64.b64decode(data)) == ("data:video/mp4;base64", clip.body)
    assert "url" not in running
