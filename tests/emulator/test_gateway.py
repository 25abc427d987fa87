"""The new-api style gateway: every mode of its page, in its documented and in its stock shape."""

from __future__ import annotations

import base64
import json
from typing import Any

import aiohttp
import pytest

from tests.emulator.helpers import picture, vendor

DATA = base64.b64encode(picture()).decode()
URI = "data:image/png;base64," + DATA
LINK = "https://cdn.example/a.png"
KLING = {"model": "kling-video", "model_name": "kling-v2-6"}
OMNI = {"model": "gemini-omni"}


async def test_documented_shape() -> None:
    """Both ids, milliseconds, and at the end `video_url` with its alias; content with the key."""
    async with vendor(life="polls:3") as v:
        first = (await v.gateway(model="sora-2", seconds="8", size="1280x720")).json
        seen = [(await v.gateway_poll(first["id"])).json for _ in range(3)]
        clip = await v.call("GET", f"/gateway/v1/videos/{first['id']}/content")
        assert (await v.get(seen[2]["url"])).body == clip.body
    assert (first["task_id"], first["object"], first["model"]) == (first["id"], "video", "sora-2")
    assert (first["seconds"], first["size"], first["created_at"] > 1e12) == ("8", "1280x720", True)
    assert [one["status"] for one in (first, *seen)] == ["queued", "queued", "in_progress", "completed"]
    assert seen[2]["video_url"].startswith("http")
    assert clip.body[4:8] == b"ftyp"


async def test_stock_shape() -> None:
    """Seconds since 1970, `unknown` first, an empty link while it runs, and the link in the metadata only."""
    async with vendor(life="polls:3", gateway_shape="stock") as v:
        first = (await v.gateway(seconds="8")).json
        seen = [(await v.gateway_poll(first["id"])).json for _ in range(3)]
        assert (await v.get(seen[2]["metadata"]["url"])).status == 200
    assert (first["status"], first["task_id"], "seconds" in first) == ("queued", first["id"], False)
    assert 1e9 < first["created_at"] < 1e11
    assert [one["status"] for one in seen] == ["unknown", "in_progress", "completed"]
    assert [one["metadata"]["url"] for one in seen[:2]] == ["", ""]
    assert [one["completed_at"] > 0 for one in seen] == [False, True, True]  # the last poll, not the end
    assert "video_url" not in seen[2]


@pytest.mark.parametrize("outcome", ["fail", "error", "cancelled"])
async def test_stock_failure(outcome: str) -> None:
    """A failed stock task has progress 100, and its reason where the link would stand; the documented one has not."""
    faults = ({"match": {"step": "submit"}, "do": {"outcome": outcome, "message": "too dark"}},)
    async with vendor(gateway_shape="stock", faults=faults) as v:
        stock = (await v.gateway_poll((await v.gateway()).json["id"])).json
    async with vendor(faults=faults) as v:
        documented = (await v.gateway_poll((await v.gateway()).json["id"])).json
    assert (stock["status"], stock["progress"], stock["metadata"]) == ("failed", 100, {"url": "too dark"})
    assert (documented["status"], documented["progress"], "metadata" in documented) == ("failed", 0, False)
    assert documented["error"]["message"] == "too dark"


@pytest.mark.parametrize("shape", ["documented", "stock"])
@pytest.mark.parametrize(
    ("mode", "least"),
    [
        ("t2v", {}),
        ("i2v", {"image_url": LINK}),
        ("i2v_first_last", {"image_url": LINK, "end_image_url": LINK}),
        ("reference_images", {"reference_images": [LINK]}),
        ("reference_material", {"image_urls": [LINK]}),
        ("reference_material", {"video_urls": [LINK]}),
        ("reference_material", {"audio_urls": [LINK]}),
        ("t2v", {**KLING, "duration": 5}),
        ("i2v", {**KLING, "image": LINK}),
        ("multi_i2v", {**KLING, "image_list": [{"image": LINK}]}),
        ("extend", {**KLING, "video_id": "f8b2", "prompt": ""}),
        ("t2v", OMNI),
        ("r2v", {**OMNI, "images": [LINK]}),
        ("r2v", {**OMNI, "content": [{"type": "image_url", "image_url": {"url": LINK}}]}),
        ("edit", {**OMNI, "video": LINK}),
        ("edit", {**OMNI, "videos": [LINK]}),
        ("edit", {"model": "happyhorse-1.0-video-edit", "video_url": LINK}),
    ],
)
async def test_modes(shape: str, mode: str, least: dict[str, Any]) -> None:
    """Every mode is taken with its least fields, and refused without any one of those that are its own."""
    async with vendor(gateway_shape=shape) as v:
        assert (await v.gateway(mode=mode, **least)).status == 200
        for name in set(least) - {"model", "duration", "prompt"}:
            reply = await v.gateway(mode=mode, **{**least, name: None})
            assert (reply.status, reply.json["code"]) == (400, "invalid_request")
        if mode != "extend":
            assert (await v.gateway(mode=mode, **{**least, "prompt": ""})).json["message"] == "prompt is required"
        assert v.ledger()["purchases"] == 1


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"mode": "r2v"}, 400, "invalid_request"),
        ({**KLING, "mode": "edit"}, 400, "invalid_request"),
        ({**KLING, "model_name": "kling-v9"}, 400, "invalid_request"),
        ({**KLING, "duration": 7}, 400, "fail_to_fetch_task"),
        ({"seconds": 61}, 400, "fail_to_fetch_task"),
        ({"seconds": 3601}, 400, "invalid_seconds"),
        ({"seconds": "soon"}, 400, "invalid_seconds"),
        ({"model": "sora-2", "size": "16:9"}, 400, "invalid_size"),
        ({"size": "wide"}, 400, "invalid_size"),
        ({"mode": "i2v", "image": "x"}, 400, "invalid_request"),
        ({"mode": "i2v", "image": "data:image/png;base64,AAAA"}, 400, "invalid_request"),
        ({"metadata": 5}, 400, "invalid_request"),
        ({"metadata": "{"}, 400, "invalid_request"),
    ],
)
async def test_refusals(fields: dict[str, Any], status: int, code: str) -> None:
    """What cannot be made is new-api's task error; the vendor's own refusal stands as text in its message."""
    async with vendor() as v:
        reply = await v.gateway(**fields)
        assert (reply.status, reply.json["code"], reply.json["data"]) == (status, code, None)
        if code == "fail_to_fetch_task":
            assert json.loads(reply.json["message"])["code"] == 1201


async def test_models() -> None:
    """No model is a 400; one that nobody serves is a 503 that does not pass; both in the middleware's envelope."""
    async with vendor() as v:
        none, unknown = await v.gateway(model=""), await v.gateway(model="sora-9")
    assert (none.status, none.json["error"]["type"]) == (400, "new_api_error")
    assert none.json["error"]["message"].startswith("Model name not specified, model name cannot be empty")
    assert (unknown.status, unknown.json["error"]["code"]) == (503, "model_not_found")
    assert unknown.json["error"]["message"].startswith("No available channel for model sora-9 under group default")


async def test_durations() -> None:
    """Numbers and texts mean the same; Omni takes the nearest of its steps; the reply says what was taken."""
    async with vendor() as v:
        for fields, seconds in (
            ({"seconds": 6}, "6"),
            ({"duration": "6"}, "6"),
            ({**OMNI, "seconds": 7.4}, "8"),
            ({**OMNI, "duration": 30}, "10"),
            ({**KLING, "duration": 10}, "10"),
            ({}, "5"),
        ):
            assert (await v.gateway(**fields)).json["seconds"] == seconds


async def test_stock_is_strict() -> None:
    """Stock reads `seconds` as text only, drops a fractional duration, and wants `images` to be a list."""
    async with vendor(gateway_shape="stock") as v:
        assert (await v.gateway(seconds=8)).json["code"] == "invalid_json"
        assert (await v.gateway(seconds="8")).status == 200
        assert (await v.gateway(duration=8)).status == 200
        assert (await v.gateway(duration=7.5)).status == 200
        assert (await v.gateway(images=LINK)).json["code"] == "invalid_request"
        assert (await v.gateway(input_reference=[LINK, LINK])).json["code"] == "invalid_json"
        assert (await v.gateway(input_reference={"image_url": LINK})).json["code"] == "invalid_json"
        assert [task["seconds"] for task in v.ledger()["tasks"]] == [8, 8, 5]


async def test_pictures() -> None:
    """Data URIs and bare base64 are read wherever they may stand: as frames, or as references, in their order."""
    async with vendor() as v:
        await v.gateway(mode="i2v_first_last", image_url=URI, end_image_url=URI)
        await v.gateway(mode="multi_i2v", image_list=[{"image": DATA}, {"image": LINK}], **KLING)
        await v.gateway(mode="i2v", input_reference={"image_url": URI})
        framed, several, object_form = v.ledger()["tasks"]
    assert [one["field"] for one in framed["images"]] == ["image_url", "end_image_url"]
    assert [one["field"] for one in several["references"]] == ["image_list"]
    assert len(object_form["images"]) == 1


@pytest.mark.parametrize(
    ("fields", "pixels"),
    [
        ({}, (1280, 720)),
        ({"aspect_ratio": "9:16", "resolution": "480P"}, (480, 854)),
        ({"ratio": "1:1", "quality": "1080p"}, (1080, 1080)),
        ({"size": "640x360"}, (640, 360)),
    ],
)
async def test_sizes(fields: dict[str, str], pixels: tuple[int, int]) -> None:
    """Exact pixels, or any of its words for a ratio and a tier."""
    async with vendor() as v:
        assert (await v.gateway(**fields)).status == 200
        task = v.ledger()["tasks"][0]
    assert (task["width"], task["height"]) == pixels


@pytest.mark.parametrize("shape", ["documented", "stock"])
async def test_multipart(shape: str) -> None:
    """A form works too: file parts may repeat, metadata is JSON in a text and never changes the model."""
    async with vendor(gateway_shape=shape) as v:

        async def post(*more: tuple[str, str], files: tuple[str, ...] = ()) -> Any:
            form = aiohttp.FormData(default_to_multipart=True)
            for name, value in (("model", "veo3"), ("prompt", "a kite"), ("seconds", "4"), *more):
                form.add_field(name, value)
            for name in files:
                form.add_field(name, picture(), filename="a.png", content_type="image/png")
            return await v.call("POST", "/gateway/v1/videos", data=form)

        reply = await post(
            ("mode", "i2v"), ("metadata", '{"size": "1:1", "model": "x"}'), files=("input_reference",) * 2
        )
        assert (reply.status, reply.json["model"]) == (200, "veo3")
        assert (await post(("mode", "i2v"), files=("image",))).status == 200
        assert (await post(("mode", "i2v"))).status == 400
        one, two = v.ledger()["tasks"]
        repeated = await post(("input_reference", LINK), ("input_reference", LINK))
        assert repeated.status == (400 if shape == "stock" else 200)
    assert (one["width"], one["height"], len(one["images"]), two["images"][0]["field"]) == (720, 720, 2, "image")


async def test_edit() -> None:
    """An edit of an own clip has its shape and length, pictures beside it are references; uploads are taken too."""
    async with vendor() as v:
        parent = (await v.gateway(seconds=3, aspect_ratio="9:16")).json["id"]
        url = (await v.gateway_poll(parent)).json["video_url"]
        reply = await v.gateway(**OMNI, mode="edit", video_url=url, images=[URI])
        assert (reply.status, reply.json["seconds"]) == (200, "3")
        task = v.ledger()["tasks"][1]
        form = aiohttp.FormData({**OMNI, "prompt": "a kite", "mode": "edit"}, default_to_multipart=True)
        form.add_field("video", b"an MP4", filename="a.mp4", content_type="video/mp4")
        assert (await v.call("POST", "/gateway/v1/videos", data=form)).json["seconds"] == "5"
    assert (task["width"], task["height"], [one["field"] for one in task["references"]]) == (720, 1280, ["images"])


async def test_extend() -> None:
    """An extension of a task of one's own is its clip, and longer."""
    async with vendor() as v:
        parent = (await v.gateway(**KLING, duration=10, aspect_ratio="1:1")).json["id"]
        assert (await v.gateway(**KLING, mode="extend", video_id=parent)).status == 200
        task = v.ledger()["tasks"][1]
    assert (task["width"], task["height"], task["seconds"]) == (720, 720, 15)


async def test_what_is_not_there() -> None:
    """List and remix are wrong paths; tasks of nobody do not exist; a clip before its time is a 400."""
    async with vendor(life="polls:2", api_key="a-key") as v:
        task = (await v.gateway()).json["id"]
        assert (await v.call("GET", "/gateway/v1/videos")).headers["content-type"] == "text/html"
        assert (await v.call("POST", f"/gateway/v1/videos/{task}/remix")).headers["content-type"] == "text/html"
        assert (await v.gateway_poll("task_0")).json["code"] == "task_not_exist"
        assert (await v.poll(task)).json["code"] == "task_not_exist"
        assert (await v.call("GET", f"/gateway/v1/videos/{task}/content")).status == 400
        assert (await v.call("GET", "/gateway/v1/videos/task_0/content")).status == 404
        refused = await v.call("GET", f"/gateway/v1/videos/{task}", key="Bearer other")
        assert (refused.status, refused.json["error"]["type"]) == (401, "new_api_error")


@pytest.mark.parametrize(
    ("action", "status", "body"),
    [
        ("rate", 429, "fail_to_fetch_task"),
        ("concurrency", 429, ""),
        ("balance", 403, "insufficient_user_quota"),
        ("auth", 401, "new_api_error"),
        ("unavailable", 500, "do_request_failed"),
        ("moderation", 400, "sensitive_words_detected"),
    ],
)
async def test_named_refusals(action: str, status: int, body: str) -> None:
    """The named refusals as new-api writes them; its limiter answers with no body at all."""
    async with vendor(faults=({"match": {"step": "submit", "route": "gateway"}, "do": action},)) as v:
        reply = await v.gateway()
    assert (reply.status, body.encode() in reply.body, bool(body)) == (status, True, bool(reply.body))
