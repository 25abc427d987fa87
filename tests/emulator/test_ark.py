"""Ark's native route: strict bodies, its words and errors, the list with its filters, and DELETE by state."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.emulator.helpers import FakeClock, picture, vendor

TEXT = {"type": "text", "text": "a kite"}
PATH = "/ark/api/v3/contents/generations/tasks"
SEEDANCE_2 = "doubao-seedance-2-0-260128"


def part(url: str, role: str, kind: str = "image") -> dict[str, Any]:
    return {"type": f"{kind}_url", f"{kind}_url": {"url": url}, "role": role}


async def test_life() -> None:
    """The reply is a bare id, then Ark's words, then content, usage and the requested values."""
    async with vendor(life="polls:3") as v:
        first = (await v.ark(ratio="1:1", resolution="480p", duration=4)).json
        assert list(first) == ["id"]
        assert first["id"].startswith("cgt-")
        seen = [(await v.ark_poll(first["id"])).json for _ in range(3)]
        assert [one["status"] for one in seen] == ["queued", "running", "succeeded"]
        assert (await v.get(seen[2]["content"]["video_url"])).status == 200
        task = v.ledger()["tasks"][0]
        unknown = await v.ark_poll("cgt-0")
        relayed = await v.call("GET", "/volc/v3/contents/generations/tasks/cgt-0")
    assert (unknown.status, unknown.json["error"]["code"]) == (404, "ResourceNotFound")
    assert relayed.json["code"] == "task_not_exist"
    assert (task["family"], task["prompt"], task["width"], task["seconds"]) == ("ark", "a kite", 480, 4)
    assert (seen[2]["ratio"], seen[2]["resolution"], seen[2]["duration"]) == ("1:1", "480p", 4)
    assert seen[2]["usage"]["completion_tokens"] == 480 * 480 * (4 * 24 + 1) // 1024


async def test_media() -> None:
    """Pictures stand in the content by their role, links on trust; frames and references exclude each other."""
    uri = "data:image/png;base64," + base64.b64encode(picture()).decode()
    cut = "data:image/png;base64," + base64.b64encode(picture()[:99]).decode()
    taken = [
        [TEXT, part(uri, "first_frame"), part("https://a.example/x.png", "last_frame")],
        [TEXT, part(uri, "reference_image"), part("asset://a-1", "reference_video", "video")],
    ]
    refused = [
        [TEXT, part(uri, "background")],
        [TEXT, part("data:,x", "first_frame")],
        [TEXT, part(cut, "first_frame")],
        [TEXT, part(uri, "first_frame"), part(uri, "reference_image")],
        [TEXT, part(uri, "first_frame"), part(uri, "first_frame")],
        [TEXT, part("https://a.example/x.mp3", "reference_audio", "audio")],
    ]
    async with vendor() as v:
        for content in taken:
            assert (await v.ark(model=SEEDANCE_2, content=content)).status == 200
        for content in refused:
            assert (await v.ark(model=SEEDANCE_2, content=content)).status == 400
        assert (await v.ark(content=taken[1])).status == 400
        frames, references = v.ledger()["tasks"]
    assert [one["field"] for one in frames["images"]] == ["first_frame"]
    assert [one["field"] for one in references["references"]] == ["reference_image"]


async def test_strict_bodies() -> None:
    """A field that the version does not know, or another value, is Ark's error object; a null is no field."""
    refused: list[tuple[dict[str, Any], str]] = [
        ({"duration": 13}, "InvalidParameter"),
        ({"duration": "5"}, "InvalidParameter"),
        ({"ratio": "2:3"}, "InvalidParameter"),
        ({"resolution": "4k"}, "InvalidParameter"),
        ({"frames": 29}, "InvalidParameter"),
        ({"negative_prompt": "rain"}, "InvalidParameter"),
        ({"model": SEEDANCE_2, "service_tier": "flex"}, "InvalidParameter"),
        ({"model": "seedance-1-0-pro-250528", "generate_audio": True}, "InvalidParameter"),
        ({"content": []}, "MissingParameter"),
        ({"model": "gpt-4"}, "InvalidEndpointOrModel.NotFound"),
    ]
    async with vendor() as v:
        for fields, code in refused:
            reply = await v.ark(**fields)
            assert (reply.json["error"]["code"], reply.status >= 400) == (code, True), fields
        assert (await v.ark(frames=None, negative_prompt=None)).status == 200
        assert v.ledger()["purchases"] == 1


async def test_list() -> None:
    """The newest come first, in pages; flex tasks only on request; after seven days a task is unknown."""
    clock = FakeClock()
    async with vendor(clock, life="seconds:60") as v:
        ids = [(await v.ark(service_tier=tier)).json["id"] for tier in ("default", "default", "flex")]
        whole = (await v.call("GET", PATH)).json
        assert ([one["id"] for one in whole["items"]], whole["total"]) == ([ids[1], ids[0]], 2)
        page = (await v.call("GET", f"{PATH}?page_num=2&page_size=1")).json
        assert ([one["id"] for one in page["items"]], page["total"]) == ([ids[0]], 2)
        flex = (await v.call("GET", f"{PATH}?filter.service_tier=flex")).json
        assert [one["id"] for one in flex["items"]] == [ids[2]]
        some = (await v.call("GET", f"{PATH}?filter.task_ids={ids[0]}&filter.status=queued")).json
        assert [one["status"] for one in some["items"]] == ["queued"]
        assert (await v.call("GET", f"{PATH}?page_size=501")).status == 400
        assert (await v.call("GET", PATH, key="Bearer other")).json == {"items": [], "total": 0}
        clock.passes(7 * 86_400)
        assert (await v.call("GET", PATH)).json["total"] == 0
        assert (await v.ark_poll(ids[0])).status == 404


async def test_delete() -> None:
    """A queued task is cancelled and keeps its record, a running one is refused, a finished one is lost."""
    clock = FakeClock()
    async with vendor(clock, life="seconds:100") as v:
        first, second = [(await v.ark()).json["id"] for _ in range(2)]
        cancelled = await v.call("DELETE", f"{PATH}/{first}")
        assert (cancelled.status, cancelled.json) == (200, {})
        assert (await v.ark_poll(first)).json["status"] == "cancelled"
        assert (await v.call("DELETE", f"{PATH}/{first}")).status == 409
        clock.passes(50)
        running = await v.call("DELETE", f"{PATH}/{second}")
        assert (running.status, running.json["error"]["code"]) == (409, "InvalidAction.RunningTaskDeletion")
        clock.passes(60)
        link = (await v.ark_poll(second)).json["content"]["video_url"]
        assert (await v.call("DELETE", f"{PATH}/{second}")).status == 200
        assert (await v.ark_poll(second)).status == (await v.get(link)).status == 404
        assert v.ledger()["in_flight_now"] == 0


@pytest.mark.parametrize(
    ("outcome", "word", "code"),
    [
        ("moderation", "failed", "OutputVideoSensitiveContentDetected"),
        ("fail_silent", "failed", None),
        ("expired", "expired", None),
    ],
)
async def test_failures(outcome: str, word: str, code: str | None) -> None:
    """A failed task says why in its error object; a silent one has null there."""
    async with vendor(faults=({"match": {"step": "submit"}, "do": {"outcome": outcome}},)) as v:
        reply = (await v.ark_poll((await v.ark()).json["id"])).json
    assert (reply["status"], (reply["error"] or {}).get("code")) == (word, code)
