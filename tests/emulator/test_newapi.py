"""Stock new-api's native route: its few fields, what its adaptors make of them, and its table rows."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.emulator.helpers import picture, vendor

LINK = "https://cdn.example/a.png"
DATA = base64.b64encode(picture()).decode()
URI = "data:image/png;base64," + DATA
SEEDANCE = {"model": "doubao-seedance-2-0-260128"}
VIDU = {"model": "viduq2"}


def part(role: str, url: str = LINK) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}, "role": role}


async def test_a_task_from_its_submit_to_its_clip() -> None:
    """NOT_START first and with nothing of the vendor's, then its words inside the row, the link in `result_url`."""
    async with vendor(life="polls:3") as v:
        first = (await v.newapi(duration=5)).json
        seen = [(await v.newapi_poll(first["id"])).json["data"] for _ in range(3)]
        clip = await v.call("GET", f"/gateway/v1/videos/{first['id']}/content")
        assert (await v.get(seen[2]["result_url"])).body == clip.body
        assert (await v.gateway_poll(first["id"])).json["code"] == "task_not_exist"
    assert (first["task_id"], first["object"], first["status"]) == (first["id"], "video", "queued")
    assert [row["status"] for row in seen] == ["NOT_START", "IN_PROGRESS", "SUCCESS"]
    assert [row["data"] and row["data"]["data"]["task_status"] for row in seen] == [None, "processing", "succeed"]
    assert [row["result_url"] for row in seen[:2]] == ["", ""]


@pytest.mark.parametrize(
    ("fields", "seconds", "pixels", "action"),
    [
        ({}, 5, (720, 720), "textGenerate"),
        ({"duration": "10", "size": "1920x1080"}, 10, (1280, 720), "textGenerate"),
        ({"size": "720x1280", "image": DATA}, 5, (720, 1280), "generate"),
        ({"image": LINK, "metadata": {"image_tail": LINK}}, 5, (720, 720), "firstTailGenerate"),
        (
            {**SEEDANCE, "duration": 7, "metadata": {"ratio": "9:16", "resolution": "480p"}},
            7,
            (480, 854),
            "textGenerate",
        ),
        ({**SEEDANCE, "size": "720x1280", "images": [URI]}, 5, (1280, 720), "generate"),
        (
            {**SEEDANCE, "metadata": {"content": [{"type": "text"}, part("reference_image", URI)]}},
            *(5, (1280, 720), "referenceGenerate"),
        ),
        ({**VIDU, "size": "1080p", "images": [LINK, LINK]}, 5, (1920, 1080), "firstTailGenerate"),
        ({**VIDU, "images": [LINK] * 3}, 5, (1280, 720), "referenceGenerate"),
        ({"model": "hailuo-video", "size": "640x360", "seconds": "6", "fps": 30}, 6, (640, 360), "textGenerate"),
        ({"model": "hailuo-video", "duration": 7.5}, 5, (1280, 720), "textGenerate"),
    ],
)
async def test_what_the_adaptors_make_of_it(
    fields: dict[str, Any], seconds: int, pixels: tuple[int, int], action: str
) -> None:
    """Kling reads a ratio out of a size, Seedance its metadata, Vidu a tier and how many pictures there are."""
    async with vendor() as v:
        task = (await v.newapi(**fields)).json["id"]
        row = (await v.newapi_poll(task)).json["data"]
        made = v.ledger()["tasks"][0]
    assert (made["seconds"], (made["width"], made["height"]), row["action"]) == (seconds, pixels, action)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"prompt": " "}, "invalid_request"),
        ({"seconds": 5}, "invalid_request"),
        ({"images": LINK}, "invalid_request"),
        ({"metadata": "{}"}, "invalid_request"),
        ({**SEEDANCE, "metadata": {"content": ["x"]}}, "invalid_request"),
        ({**SEEDANCE, "metadata": {"content": "x"}}, "invalid_request"),
        ({"duration": 3601}, "invalid_seconds"),
        ({"duration": 7}, "task_failed"),
        ({"image": URI}, "task_failed"),
        ({**VIDU, "images": [DATA]}, "task_failed"),
        ({**VIDU, "size": "5000p"}, "task_failed"),
    ],
)
async def test_refusals(fields: dict[str, Any], code: str) -> None:
    """What Go cannot read and what the vendor refuses are task errors, and nothing is made."""
    async with vendor() as v:
        reply = await v.newapi(**fields)
        assert (reply.status, reply.json["code"], v.ledger()["purchases"]) == (400, code, 0)


async def test_who_may_ask_for_what() -> None:
    """No model is a 400, a wrong key a 401, another's task does not exist."""
    async with vendor(api_key="a-key") as v:
        task = (await v.newapi()).json["id"]
        assert (await v.newapi(model="")).json["error"]["type"] == "new_api_error"
        assert (await v.call("GET", f"/gateway/v1/video/generations/{task}", key="Bearer b")).status == 401
        assert (await v.newapi_poll("task_0")).json["code"] == "task_not_exist"


@pytest.mark.parametrize(
    ("model", "words"),
    [("kling-v2-6", ("data", "task_status_msg")), (SEEDANCE["model"], ("error", "message")), ("viduq2", ("err_code",))],
)
async def test_a_failure(model: str, words: tuple[str, ...]) -> None:
    """The reason stands in `fail_reason`, where a link would stand, and in the vendor's own place."""
    faults = ({"match": {"step": "submit"}, "do": {"outcome": "fail", "message": "too dark", "code": "dark"}},)
    async with vendor(faults=faults) as v:
        row = (await v.newapi_poll((await v.newapi(model=model)).json["id"])).json["data"]
    assert (row["status"], row["progress"], row["fail_reason"], row["result_url"]) == (
        *("FAILURE", "100%"),
        *("too dark", "too dark"),
    )
    inner = row["data"]
    for word in words:
        inner = inner[word]
    assert inner in ("too dark", "dark")


async def test_other_shapes() -> None:
    """The link in `fail_reason` of old servers, and the small object of its prose documentation, bare or wrapped."""
    async with vendor(newapi_shape="old") as v:
        old = (await v.newapi_poll((await v.newapi()).json["id"])).json["data"]
        assert (await v.get(old["fail_reason"])).status == 200
        assert "result_url" not in old
    faults = ({"match": {"step": "submit", "prompt": "bad"}, "do": {"outcome": "fail", "message": "too dark"}},)
    async with vendor(newapi_shape="simple", life="polls:2", faults=faults) as v:
        first = (await v.newapi()).json
        bad = (await v.newapi(prompt="bad")).json["task_id"]
        running, done = [(await v.newapi_poll(first["task_id"])).json for _ in range(2)]
        failed = [(await v.newapi_poll(bad)).json for _ in range(2)][1]
    assert (first["status"], running["status"], done["status"]) == ("queued", "queued", "succeeded")
    assert (failed["status"], failed["error"]["message"], failed["url"]) == ("failed", "too dark", "")
    async with vendor(newapi_shape="simple_wrapped") as v:
        wrapped = (await v.newapi_poll((await v.newapi()).json["id"])).json
    assert (wrapped["code"], wrapped["data"]["status"]) == ("success", "succeeded")
