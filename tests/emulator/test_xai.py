"""xAI's routes: generate, edit and poll."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from batchvid.emulator.rendering.scene import HUE_SHIFT, hue_shifted
from tests.emulator.helpers import picture, vendor
from tests.emulator.rendering.test_render import difference, frames

URI = "data:image/png;base64," + base64.b64encode(picture()).decode()
LINK = {"url": "https://cdn.example/a.mp4"}


async def test_life() -> None:
    """A request id; nothing but it while queued; words and progress; then the video and what it cost in ticks."""
    async with vendor(life="polls:3") as v:
        first = (await v.xai(duration=1, aspect_ratio="1:1", resolution="480p")).json
        assert first == {"request_id": str(UUID(first["request_id"]))}
        queued, running, done = [(await v.xai_poll(first["request_id"])).json for _ in range(3)]
        assert (await v.get(done["video"]["url"])).status == 200
        task = v.ledger()["tasks"][0]
    assert queued == first
    assert (running["status"], running["progress"]) == ("processing", 66)
    assert (done["status"], done["progress"], done["usage"]) == ("done", 100, {"cost_in_usd_ticks": 500_000_000})
    assert (done["video"]["duration"], done["video"]["respect_moderation"]) == (1, True)
    assert (task["width"], task["height"]) == (480, 480)


@pytest.mark.parametrize("pending", ["empty", "request_id"])
async def test_pending(pending: str) -> None:
    """While it runs, HTTP 202 with no body at all, or with nothing but the id."""
    async with vendor(life="polls:2", xai_pending=pending) as v:
        first = (await v.xai()).json
        reply = await v.xai_poll(first["request_id"])
        assert (reply.status, reply.body == b"" if pending == "empty" else reply.json == first) == (202, True)
        assert (await v.xai_poll(first["request_id"])).json["status"] == "done"


async def test_upstream_words() -> None:
    """As xAI itself says it: HTTP 202, and `pending` from the queue to the end."""
    async with vendor(life="polls:3", xai_pending="upstream") as v:
        task = (await v.xai()).json["request_id"]
        seen = [await v.xai_poll(task) for _ in range(3)]
    assert [(one.status, one.json["status"]) for one in seen] == [(202, "pending"), (202, "pending"), (200, "done")]


async def test_wrapped() -> None:
    """In the task wrapper the link of a success stands in fail_reason, and the own words are inside."""
    async with vendor(xai_shape="wrapped") as v:
        reply = (await v.xai_poll((await v.xai()).json["request_id"])).json
        assert (reply["code"], reply["data"]["status"], reply["data"]["data"]["status"]) == (
            "success",
            "SUCCESS",
            "done",
        )
        assert (await v.get(reply["data"]["fail_reason"])).status == 200


@pytest.mark.parametrize("shape", ["bare", "wrapped"])
async def test_moderation(shape: str) -> None:
    """What moderation took away is done, without a link, and says that moderation was not respected."""
    faults = ({"match": {"step": "submit"}, "do": {"outcome": "moderation"}},)
    async with vendor(faults=faults, xai_shape=shape) as v:
        reply = (await v.xai_poll((await v.xai()).json["request_id"])).json
    if shape == "wrapped":
        assert (reply["data"]["status"], reply["data"]["fail_reason"]) == ("SUCCESS", "")
        reply = reply["data"]["data"]
    assert (reply["status"], reply["video"]["url"], reply["video"]["respect_moderation"]) == ("done", "", False)


@pytest.mark.parametrize(
    ("outcome", "word", "code"),
    [
        ("fail", "failed", "internal_error"),
        ("fail_silent", "failed", None),
        ("expired", "expired", None),
        ("cancelled", "failed", "cancelled"),
    ],
)
async def test_failures(outcome: str, word: str, code: str | None) -> None:
    """A failed task has an error with a code; an expired one is just gone."""
    async with vendor(faults=({"match": {"step": "submit"}, "do": {"outcome": outcome}},)) as v:
        reply = (await v.xai_poll((await v.xai()).json["request_id"])).json
    assert (reply["status"], reply.get("error", {}).get("code")) == (word, code)


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": 16},
        {"duration": "8"},
        {"duration": True},
        {"resolution": "1080p"},
        {"aspect_ratio": "21:9"},
        {"prompt": ""},
        {"prompt": "x" * 4097},
        {"image": "https://cdn.example/a.png"},
        {"image": {"url": "http://cdn.example/a.png"}},
        {"image": {"url": "data:image/png;base64,AAAA"}},
        {"image": {"url": URI}, "reference_images": [{"url": URI}]},
        {"reference_images": [{"url": URI}] * 8},
    ],
)
async def test_refusals(fields: dict[str, Any]) -> None:
    """Wrong values are a 400 with a code and a text."""
    async with vendor() as v:
        reply = await v.xai(**fields)
        assert (reply.status, reply.json["code"], type(reply.json["error"])) == (
            400,
            "Client specified an invalid argument",
            str,
        )
        assert v.ledger()["purchases"] == 0


async def test_only_json() -> None:
    """A form is refused, and counted as a submit that bought nothing."""
    async with vendor() as v:
        assert (await v.call("POST", "/grok/v1/videos/generations", data={"prompt": "x"})).status == 400
        assert (v.ledger()["families"]["xai"]["refused"], v.ledger()["purchases"]) == (1, 0)


async def test_images() -> None:
    """The first frame, or references; links are taken on trust."""
    async with vendor() as v:
        assert (await v.xai(image={"url": URI})).status == 200
        assert (await v.xai(reference_images=[{"url": URI}, {"url": "https://cdn.example/a.png"}])).status == 200
        one, two = v.ledger()["tasks"]
    assert [len(entries) for entries in (one["images"], one["references"])] == [1, 0]
    assert [len(entries) for entries in (two["images"], two["references"])] == [0, 1]


async def test_edit() -> None:
    """An edit has the length and shape of its source and no say in them; foreign links are taken on trust."""
    async with vendor() as v:
        first = (await v.xai(duration=3, aspect_ratio="9:16", resolution="720p")).json["request_id"]
        source = (await v.xai_poll(first)).json["video"]["url"]
        edit = (await v.xai("edits", prompt="add snow", video={"url": source})).json["request_id"]
        done = (await v.xai_poll(edit)).json
        assert (done["video"]["duration"], done["usage"]["cost_in_usd_ticks"]) == (3, 2_100_000_000)
        assert (await v.xai("edits", video=LINK)).status == 200
        task, edited, _ = v.ledger()["tasks"]
        assert [edited[side] for side in ("width", "height", "seconds")] == [720, 1280, 3]
        assert edited["route"] == "/grok/v1/videos/edits" != task["route"]
        long = (await v.xai(duration=9)).json["request_id"]
        for fields in (
            {"video": {"url": (await v.xai_poll(long)).json["video"]["url"]}},
            {"video": {"url": "http://cdn.example/a.mp4"}},
            {"video": "https://cdn.example/a.mp4"},
            {},
            {"video": LINK, "duration": 5},
            {"video": LINK, "aspect_ratio": "1:1"},
        ):
            assert (await v.xai("edits", **fields)).status == 400


async def test_an_edit_shows_its_source() -> None:
    """The source's picture in another hue, so that a mix-up of sources can be seen."""
    async with vendor(render="full", fps=4) as v:

        async def shot(task: str) -> Image.Image:
            url = (await v.xai_poll(task)).json["video"]["url"]
            return frames((await v.get(url)).body)[0].crop((0, 0, 480, 200))

        first = (await v.xai(duration=1, aspect_ratio="1:1")).json["request_id"]
        link = (await v.xai_poll(first)).json["video"]["url"]
        edit = (await v.xai("edits", prompt="add snow", video={"url": link})).json["request_id"]
        other = (await v.xai(duration=1, aspect_ratio="1:1", prompt="add snow")).json["request_id"]
        source, edited, stranger = [await shot(task) for task in (first, edit, other)]
    expected = hue_shifted(source, HUE_SHIFT)
    assert difference(expected, edited) < 3 < min(difference(expected, source), difference(expected, stranger))


async def test_extension() -> None:
    """The source and what is added, in one clip of the source's shape; a shape of its own is refused."""
    async with vendor(render="shared") as v:
        link = (await v.xai_poll((await v.xai(duration=3)).json["request_id"])).json["video"]["url"]
        assert (await v.xai("extensions", video={"url": link}, duration=4)).status == 200
        assert (await v.xai("extensions", video={"url": link}, duration=11)).status == 400
        assert (await v.xai("extensions", video={"url": link}, aspect_ratio="1:1")).status == 400
        assert v.ledger()["tasks"][-1]["seconds"] == 7


async def test_unknown() -> None:
    """Tasks of nobody, and of another key, do not exist; a wrong kind is a wrong path."""
    async with vendor() as v:
        task = (await v.xai()).json["request_id"]
        foreign = await v.call("GET", f"/grok/v1/videos/{task}", key="Bearer other")
        for reply in (await v.xai_poll("x"), foreign):
            assert (reply.status, reply.json["code"]) == (400, "task_not_exist")
        assert (await v.xai("upscales")).headers["content-type"] == "text/html"


@pytest.mark.parametrize(("action", "status"), [("rate", 429), ("balance", 403), ("moderation", 400), ("auth", 401)])
async def test_named_refusals(action: str, status: int) -> None:
    """The named refusals in xAI's own envelope."""
    async with vendor(faults=({"match": {"step": "submit", "route": "xai"}, "do": action},)) as v:
        reply = await v.xai()
    assert (reply.status, sorted(reply.json)) == (status, ["code", "error"])
