"""The shared /v1/videos route: Veo, Sora and every other model."""

from __future__ import annotations

import asyncio
import base64
import io
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from PIL import Image

from tests.emulator.helpers import picture as image
from tests.emulator.helpers import vendor


async def test_veo_submit_shape() -> None:
    """Veo answers with the resolved model, empty seconds and the size as it was written."""
    async with vendor() as v:
        reply = (await v.form(size="16x9")).json
    assert re.fullmatch(r"task_[A-Za-z0-9]{32}", reply.pop("id"))
    assert isinstance(reply.pop("created_at"), int)
    assert reply == {
        "object": "video",
        "model": "veo_3_1-4K",
        "status": "queued",
        "progress": 0,
        "seconds": "",
        "size": "16x9",
    }


async def test_veo_finished_shape() -> None:
    """A finished Veo task says completed and has a link and times in seconds."""
    async with vendor() as v:
        reply = (await v.poll((await v.form()).json["id"])).json
        assert reply["status"] == "completed"
        assert reply["progress"] == 100
        assert reply["video_url"].startswith(v.emulator.base_url + "/_cdn/")
        assert reply["completed_at"] >= reply["created_at"] > 1e9
        assert reply["task_id"] == reply["id"]


@pytest.mark.parametrize(
    ("size", "pixels"),
    [("16x9", (1280, 720)), ("9x16", (720, 1280)), ("", (1280, 720)), ("720x1280", (720, 1280))],
)
async def test_veo_sizes(size: str, pixels: tuple[int, int]) -> None:
    """Veo's orientation hints and exact sizes give the frames that they mean."""
    async with vendor() as v:
        assert (await v.form(size=size)).status == 200
        task = v.ledger()["tasks"][0]
    assert (task["width"], task["height"]) == pixels
    assert task["seconds"] == 8


async def test_veo_images_keep_their_order() -> None:
    """The first part is the first frame, the second the last; the ledger has both with their digests."""
    first, last = image(64, 64, colour="red"), image(64, 64, colour="blue")
    async with vendor() as v:
        assert (await v.form(first, last)).status == 200
        assert (await v.form(last, first)).status == 200
        one, two = ([entry["sha256"] for entry in task["images"]] for task in v.ledger()["tasks"])
        assert one == two[::-1]
        assert len(set(one)) == 2
        assert (await v.form(first, last, first)).status == 400


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"size": "large"}, "Invalid size 'large'"),
        ({"size": "9000x5000"}, "Invalid size"),
        ({"size": "1x900"}, "Invalid size"),
        ({"seconds": "7"}, "'4', '6', and '8'"),
        ({"prompt": " "}, "prompt is required"),
    ],
)
async def test_veo_refusals(fields: dict[str, str], text: str) -> None:
    """What Veo cannot make is a 400 that says why, and is not bought."""
    async with vendor() as v:
        reply = await v.form(**fields)
        assert reply.status == 400
        assert text.encode() in reply.body
        assert (v.ledger()["purchases"], v.ledger()["refused"]) == (0, 1)


async def test_broken_image() -> None:
    """An image cut in half is refused: a header alone is not a picture."""
    async with vendor() as v:
        reply = await v.form(image()[:-200])
        assert reply.status == 400
        assert "cannot be read" in reply.json["error"]["message"]


async def test_missing_model() -> None:
    """No model: the vendor's own sentence with a request id."""
    async with vendor() as v:
        reply = await v.video(model="")
    assert reply.status == 400
    assert re.fullmatch(r"model name is required \(request id: \d+\)", reply.json["error"]["message"])
    assert reply.json["error"]["type"] == "comet_api_error"


async def test_sora_shapes() -> None:
    """Sora's object: string seconds, nulls while it runs, no URL when it is done, times when it is done."""
    async with vendor(life="polls:2") as v:
        first = (await v.form(model="sora-2", seconds="4", size="1280x720")).json
        running, done = [(await v.poll(first["id"])).json for _ in range(2)]
    assert re.fullmatch(r"video_[0-9a-f]{38}", first["id"])
    assert (first["seconds"], first["size"], first["model"]) == ("4", "1280x720", "sora-2")
    assert (running["status"], running["error"], running["expires_at"], running["completed_at"]) == (
        *("queued", None, None, None),
    )
    assert (done["status"], done["prompt"], done["remixed_from_video_id"]) == ("completed", "a kite", None)
    assert done["expires_at"] > done["completed_at"] > 0
    assert "video_url" not in done


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"seconds": 4}, "expected one of '4', '8', or '12', but got an integer instead."),
        ({"seconds": "5"}, "Supported values are: '4', '8', '12', '16', '20'."),
        ({"size": "1024x1792"}, "Supported values are: 720x1280, 1280x720."),
        ({"size": "16:9"}, "Invalid value: '16:9'"),
    ],
)
async def test_sora_refusals(fields: dict[str, Any], text: str) -> None:
    """Sora is exact about its seconds and sizes."""
    async with vendor() as v:
        reply = await v.video(model="sora-2", **fields)
        assert reply.status == 400
        assert text in reply.json["error"]["message"]
        assert (await v.video(model="sora-2-pro", size="1024x1792")).status == 200


async def test_sora_image_must_fit() -> None:
    """A reference must have exactly the requested pixels, and there may be only one."""
    async with vendor() as v:
        fitting = image(1280, 720)
        assert (await v.form(fitting, model="sora-2", size="1280x720")).status == 200
        assert (await v.form(fitting, fitting, model="sora-2", size="1280x720")).status == 400
        reply = await v.form(fitting, model="sora-2", size="720x1280")
        assert reply.status == 400
        assert "Inpaint image must match the requested width and height" in reply.json["error"]["message"]


async def test_sora_content() -> None:
    """Sora's clip comes from the content route: with a key, whole, and only when it is done."""
    async with vendor(life="polls:2") as v:
        task = (await v.video(model="sora-2", seconds="4")).json["id"]
        early = await v.call("GET", f"/v1/videos/{task}/content")
        assert early.status == 400
        assert early.json["error"]["type"] == "invalid_request_error"
        assert "current status: QUEUED" in early.json["error"]["message"]
        await v.poll(task)
        await v.poll(task)
        clip = await v.call("GET", f"/v1/videos/{task}/content", headers={"Range": "bytes=0-9"})
        assert (clip.status, clip.headers["content-type"], clip.body[4:8]) == (200, "video/mp4", b"ftyp")
        assert int(clip.headers["content-length"]) == len(clip.body)
        assert (await v.call("GET", f"/v1/videos/{task}/content", key=None)).status == 401
        assert (await v.call("GET", "/v1/videos/video_1/content")).status == 404
        head = await v.call("HEAD", f"/v1/videos/{task}/content")
        assert (head.status, head.headers["content-length"]) == (200, clip.headers["content-length"])
        assert v.ledger()["downloads"] == 1


async def test_content_variants() -> None:
    """The content route also gives a thumbnail and a sheet of frames; other words are refused."""
    async with vendor() as v:
        task = (await v.video()).json["id"]
        await v.poll(task)
        for variant in ("thumbnail", "spritesheet"):
            reply = await v.call("GET", f"/v1/videos/{task}/content?variant={variant}")
            assert (reply.status, reply.headers["content-type"], reply.body[:2]) == (200, "image/jpeg", b"\xff\xd8")
        assert (await v.call("GET", f"/v1/videos/{task}/content?variant=gif")).status == 400


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (854, 480, 5)),
        ({"size": "9:16", "resolution": "720p", "seconds": "10"}, (720, 1280, 10)),
        ({"size": "752x560", "duration": 4}, (752, 560, 4)),
        ({"aspect_ratio": "1:1"}, (480, 480, 5)),
        ({"size": "641x481"}, (640, 480, 5)),
    ],
)
async def test_other_models(fields: dict[str, Any], expected: tuple[int, int, float]) -> None:
    """An unknown model is accepted: 480p and 5 s by default, sides made even."""
    async with vendor() as v:
        reply = await v.video(model="wan-2-6", **fields)
        assert (reply.status, reply.json["model"]) == (200, "wan-2-6")
        task = v.ledger()["tasks"][0]
    assert (task["family"], task["width"], task["height"], task["seconds"]) == ("videos", *expected)


@pytest.mark.parametrize("fields", [{"size": "wide"}, {"resolution": "HD"}, {"seconds": "soon"}, {"seconds": 0}])
async def test_other_models_refusals(fields: dict[str, Any]) -> None:
    """Words that cannot be drawn are refused, not guessed at."""
    async with vendor() as v:
        assert (await v.video(model="wan-2", **fields)).status == 400


@pytest.mark.pitfall("a form without a file is sent urlencoded")
async def test_encodings() -> None:
    """Multipart, JSON and urlencoded all pass; with strict_multipart only the first."""
    fields = {"model": "veo3-fast", "prompt": "a kite"}
    for strict, others in ((False, 200), (True, 400)):
        async with vendor(strict_multipart=strict) as v:
            assert (await v.form()).status == 200
            assert (await v.video()).status == others
            assert (await v.call("POST", "/v1/videos", data=fields)).status == others


@pytest.mark.parametrize(("kind", "body"), [("application/json", "{"), ("application/json", "[]"), ("text/csv", "a")])
async def test_unreadable_bodies(kind: str, body: str) -> None:
    """A body that cannot be read is a 400."""
    async with vendor() as v:
        reply = await v.call("POST", "/v1/videos", data=body, headers={"Content-Type": kind})
        assert reply.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n\xff\r\n--b--\r\n',
        b"no boundary at all",
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nveo3\r\n',
    ],
)
async def test_unreadable_multipart(body: bytes) -> None:
    """Parts without a name, text that is not UTF-8, and bodies without or before their boundary are a 400."""
    async with vendor() as v:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        assert (await v.call("POST", "/v1/videos", data=body, headers=headers)).status == 400


async def test_multipart_without_a_boundary() -> None:
    """A form whose header names no boundary is a 400."""
    async with vendor() as v:
        headers = {"Content-Type": "multipart/form-data"}
        assert (await v.call("POST", "/v1/videos", data=b"--b--", headers=headers)).status == 400


async def test_a_large_file() -> None:
    """A file part of several megabytes is read whole, and leaves no open file behind."""
    out = io.BytesIO()
    Image.effect_noise((1800, 1800), 100).save(out, "PNG")
    form = aiohttp.FormData({"model": "veo3-fast", "prompt": "a kite"}, default_to_multipart=True)
    form.add_field("input_reference", io.BytesIO(out.getvalue()), filename="a.png", content_type="image/png")
    async with vendor() as v:
        assert (await v.call("POST", "/v1/videos", data=form)).status == 200
        assert v.ledger()["tasks"][0]["images"][0]["bytes"] == len(out.getvalue()) > 1_500_000


async def test_a_form_in_pieces() -> None:
    """A form is read the same however its bytes are cut: one, a few, and then all the rest of a long field."""
    long, picture = b"n" * 20_000, image(1280, 720)
    head = b"--b\r\nContent-Disposition: form-data; name=%b\r\n\r\n"
    fields = [(b"model", b"veo3-fast"), (b"prompt", b"a kite"), (b"notes", long)]
    body = b"".join(head % name + value + b"\r\n" for name, value in fields)
    body += head % 'input_reference; filename="caf\u00e9.png"'.encode() + picture + b"\r\n--b--\r\n"
    cut = body.index(long) + 1

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (body[:cut], body[cut : cut + 2], body[cut + 2 :]):
            yield piece
            await asyncio.sleep(0.02)

    async with vendor() as v:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        assert (await v.call("POST", "/v1/videos", data=pieces(), headers=headers)).status == 200
        assert len(v.ledger()["tasks"][0]["images"]) == 1


async def test_an_edit_shows_its_source() -> None:
    """The very clip behind the link, as long and as large; one from elsewhere is taken on trust."""
    async with vendor() as v:
        source = await v.link(model="wan-2", size="1:1", seconds="3", prompt="a kite")
        assert (await v.video(model="wan-edit", prompt="make it snow", video=source)).status == 200
        assert (await v.video(model="wan-edit", prompt="again", video="https://x.example/a.mp4")).status == 200
        kite, snow, foreign = v.ledger()["tasks"]
    assert (snow["width"], snow["height"], snow["seconds"]) == (kite["width"], kite["height"], kite["seconds"])
    assert (foreign["width"], foreign["height"]) == (1280, 720)


async def test_references_in_json() -> None:
    """JSON carries a reference as a data URI, alone or in OpenAI's object; links are taken on trust."""
    uri = "data:image/png;base64," + base64.b64encode(image(1280, 720)).decode()
    async with vendor() as v:
        for reference, count in ((uri, 1), ({"image_url": uri}, 1), ([uri, uri], 2), ("https://x.example/a.png", 0)):
            assert (await v.video(input_reference=reference)).status == 200
            assert len(v.ledger()["tasks"][-1]["images"]) == count


async def test_statuses() -> None:
    """The HTTP status of an accepted submit and of an unknown task can be set, on every route that shares them."""
    async with vendor(accepted_status=202, unknown_task_status=404) as v:
        for reply in (
            await v.form(),
            await v.kling(),
            await v.runway(),
            await v.xai(),
            await v.gateway(),
            await v.ark(),
        ):
            assert reply.status == 202
        for reply in (await v.poll("x"), await v.xai_poll("x"), await v.gateway_poll("x")):
            assert (reply.status, reply.json["code"]) == (404, "task_not_exist")


async def test_unknown_task() -> None:
    """An unknown id, or one that another key made, does not exist."""
    async with vendor() as v:
        task = (await v.video()).json["id"]
        for reply in (await v.poll("task_x"), await v.call("GET", f"/v1/videos/{task}", key="Bearer other")):
            assert (reply.status, reply.json["code"]) == (400, "task_not_exist")


@pytest.mark.parametrize("key", [None, "Bearer ", "Basic x", "Bearer wrong"])
async def test_wrong_key(key: str | None) -> None:
    """Without the right key every route answers 401 in the OpenAI style."""
    async with vendor(api_key="right") as v:
        for method, path in (
            ("POST", "/v1/videos"),
            ("GET", "/v1/videos/x"),
            ("POST", "/kling/v1/videos/text2video"),
            ("POST", "/runwayml/v1/image_to_video"),
            ("GET", "/runwayml/v1/tasks/x"),
        ):
            reply = await v.call(method, path, key=key)
            assert reply.status == 401
            assert "Invalid token" in reply.json["error"]["message"]
        assert (await v.call("GET", "/v1/videos/x", key="Bearer right")).status == 400


async def test_wrong_path() -> None:
    """A wrong path answers a page, never JSON."""
    async with vendor() as v:
        reply = await v.call("POST", "/v2/videos")
        assert (reply.status, reply.headers["content-type"]) == (404, "text/html")


async def test_a_setting_enables_the_list() -> None:
    """OpenAI's own: newest first, in pages, each key's tasks only; without the setting the path is a wrong one."""
    async with vendor() as v:
        assert (await v.call("GET", "/v1/videos")).status == 404
    async with vendor(video_list=True) as v:
        made = [(await v.form(model="sora-2", prompt=f"kite {n}")).json["id"] for n in range(3)]
        await v.kling()
        page = (await v.call("GET", "/v1/videos?limit=2")).json
        assert (page["object"], page["has_more"], page["first_id"], page["last_id"]) == ("list", True, made[2], made[1])
        assert [(row["id"], row["model"], row["prompt"]) for row in page["data"]] == [
            (made[2], "sora-2", "kite 2"),
            (made[1], "sora-2", "kite 1"),
        ]
        rest = (await v.call("GET", f"/v1/videos?after={made[1]}")).json
        assert ([row["id"] for row in rest["data"]], rest["has_more"]) == ([made[0]], False)
        asc = (await v.call("GET", "/v1/videos?order=asc&limit=1")).json
        assert asc["first_id"] == made[0]
        assert (await v.call("GET", "/v1/videos", key="Bearer other")).json["data"] == []
        for wrong in ("limit=0", "limit=101", "limit=x", "order=up"):
            assert (await v.call("GET", f"/v1/videos?{wrong}")).status == 400
        assert v.ledger()["polls"] == 8
