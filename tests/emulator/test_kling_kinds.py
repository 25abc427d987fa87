"""Kling's kinds beyond text and one image: several images, extend, both lip-syncs, omni."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import pytest

from tests.emulator.helpers import Vendor, picture, vendor

IMAGE = base64.b64encode(picture()).decode()
TALL = base64.b64encode(picture(480, 640)).decode()
LINK = "https://cdn.example/a"
SPEECH = {"mode": "text2video", "text": "hello", "voice_id": "genshin_vindi2", "voice_language": "en"}
FACE = {
    "face_id": "0",
    "sound_file": LINK,
    "sound_start_time": "0",
    "sound_end_time": "2000",
    "sound_insert_time": "0",
}


@dataclass(frozen=True)
class Parent:
    """A finished Kling task, by its two ids, and its link."""

    task_id: str
    video_id: str
    url: str


async def parent_of(v: Vendor, **fields: Any) -> Parent:
    task = (await v.kling(**fields)).json["data"]["task_id"]
    video = (await v.kling_poll(task)).json["data"]["task_result"]["videos"][0]
    return Parent(task, video["id"], video["url"])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multi-image2video", {"image_list": [{"image": IMAGE}, {"image": LINK}]}),
        ("lip-sync", {"input": {**SPEECH, "video_url": LINK}}),
        ("lip-sync", {"input": {"mode": "audio2video", "audio_url": LINK, "video_url": LINK}}),
        ("advanced-lip-sync", {"session_id": "s", "face_choose": [FACE]}),
        ("omni-video", {"image_list": [{"image_url": IMAGE}], "duration": "3"}),
    ],
)
async def test_polls_on_its_own_path(kind: str, body: dict[str, Any]) -> None:
    """Each kind is made and found below its own sub-resource only, and ends with a clip."""
    async with vendor() as v:
        reply = await v.kling(kind, **body)
        assert reply.status == 200, reply.body
        task = reply.json["data"]["task_id"]
        assert (await v.kling_poll(task)).json["code"] == 1203
        done = (await v.kling_poll(task, kind)).json["data"]
        assert done["task_status"] == "succeed"
        assert (await v.get(done["task_result"]["videos"][0]["url"])).status == 200
        assert v.ledger()["routes"][f"/kling/v1/videos/{kind}"]["purchases"] == 1


async def test_several_images() -> None:
    """The images are references in their order; only one model takes them, and no ratio beyond three."""
    body = {"image_list": [{"image": IMAGE}, {"image": TALL}]}
    async with vendor() as v:
        assert (await v.kling("multi-image2video", **body, aspect_ratio="1:1")).status == 200
        task = v.ledger()["tasks"][0]
        wrong: list[dict[str, Any]] = [
            {"model_name": "kling-v2-6"},
            {"aspect_ratio": "4:3"},
            {"image_list": [{"image": IMAGE}] * 5},
            {"image_list": [{"image": "data:image/png;base64," + IMAGE}]},
            {"image_list": [IMAGE]},
            {"image_list": []},
            {"prompt": ""},
        ]
        for fields in wrong:
            assert (await v.kling("multi-image2video", **{**body, **fields})).json["code"] == 1201
    assert (task["model"], task["width"], task["height"]) == ("kling-v1-6", 720, 720)
    assert [(one["width"], one["field"]) for one in task["references"]] == [(640, "image_list"), (480, "image_list")]


async def test_extend() -> None:
    """By the video's id, the task's, or both; the clip is the parent's and 5 s longer, and can be extended again."""
    async with vendor() as v:
        parent = await parent_of(v, duration="10", aspect_ratio="9:16", mode="pro")
        ids = {"video_id": parent.video_id, "task_id": parent.task_id}
        bodies = [{"video_id": parent.video_id}, ids, {"task_id": parent.task_id}]
        made = [(await v.kling("video-extend", **body)).json["data"]["task_id"] for body in bodies]
        done = (await v.kling_poll(made[0], "video-extend")).json["data"]["task_result"]["videos"][0]
        assert done["duration"] == "15.0"
        assert (await v.kling("video-extend", video_id=done["id"], task_id=made[0])).status == 200
        tasks = v.ledger()["tasks"][1:]
    assert [(task["width"], task["height"], task["seconds"]) for task in tasks] == [(1080, 1920, 15)] * 3 + [
        (1080, 1920, 20)
    ]


async def test_extend_needs_its_parent() -> None:
    """Unknown, contradicting, another key's and unfinished parents are a 400 with 1201, and are not bought."""
    async with vendor(life="polls:1") as v:
        one, two = await parent_of(v), await parent_of(v)
        open_task = (await v.kling()).json["data"]["task_id"]
        for body in (
            {},
            {"video_id": "f8b2"},
            {"task_id": "1", "video_id": one.video_id},
            {"task_id": two.task_id, "video_id": one.video_id},
            {"task_id": open_task},
        ):
            reply = await v.kling("video-extend", **body)
            assert (reply.status, reply.json["code"]) == (400, 1201)
        body = {"video_id": one.video_id}
        other = await v.call("POST", "/kling/v1/videos/video-extend", json=body, key="Bearer other")
        assert other.json["code"] == 1201
        assert v.ledger()["purchases"] == 3


async def test_lip_sync() -> None:
    """The source by id or by link keeps its shape and length; the spoken text becomes the caption."""
    async with vendor() as v:
        parent = await parent_of(v, duration="10", aspect_ratio="1:1")
        for source in ({"video_id": parent.video_id}, {"video_url": parent.url}):
            assert (await v.kling("lip-sync", prompt=None, input={**SPEECH, **source})).status == 200
        tasks = v.ledger()["tasks"][1:]
    assert [(task["width"], task["seconds"], task["prompt"]) for task in tasks] == [(720, 10, "hello")] * 2


@pytest.mark.parametrize(
    "speech",
    [
        None,
        {**SPEECH},
        {**SPEECH, "video_id": "f8b2"},
        {**SPEECH, "video_url": LINK, "text": "x" * 121},
        {**SPEECH, "video_url": LINK, "text": ""},
        {**SPEECH, "video_url": LINK, "voice_language": "vi"},
        {**SPEECH, "video_url": LINK, "mode": "song"},
        {"mode": "audio2video", "video_url": LINK},
    ],
)
async def test_lip_sync_refusals(speech: dict[str, Any] | None) -> None:
    """No source, no voice, too long a text or no sound: 1201."""
    async with vendor() as v:
        assert (await v.kling("lip-sync", input=speech)).json["code"] == 1201


@pytest.mark.parametrize(
    "body",
    [
        {"face_choose": [FACE]},
        {"session_id": "s"},
        {"session_id": "s", "face_choose": [{**FACE, "face_id": ""}]},
        {"session_id": "s", "face_choose": [{**FACE, "sound_file": ""}]},
        {"session_id": "s", "face_choose": [{**FACE, "sound_end_time": 2000}]},
        {"session_id": "s", "face_choose": [{**FACE, "sound_end_time": "1999"}]},
        {"session_id": "s", "face_choose": [{**FACE, "sound_end_time": "9" * 5000}]},
    ],
)
async def test_advanced_lip_sync_refusals(body: dict[str, Any]) -> None:
    """A session and faces with sound; times are strings of milliseconds, at least two seconds apart."""
    async with vendor() as v:
        assert (await v.kling("advanced-lip-sync", **body)).json["code"] == 1201


async def test_omni() -> None:
    """Frames by their type, the rest are references; a base video gives its shape; 3 to 10 s."""
    async with vendor() as v:
        frame = {"image_url": TALL, "type": "first_frame"}
        assert (await v.kling("omni-video", image_list=[{"image_url": IMAGE}, frame], duration="7")).status == 200
        parent = await parent_of(v, aspect_ratio="1:1")
        for refer_type in ("feature", "base"):
            video = {"video_url": parent.url, "refer_type": refer_type, "keep_original_sound": "no"}
            assert (await v.kling("omni-video", video_list=[video], duration="3")).status == 200
        framed, _, feature, base = v.ledger()["tasks"]
    assert (framed["model"], framed["seconds"], framed["width"], framed["height"]) == ("kling-video-o1", 7, 720, 960)
    assert [one["field"] for one in framed["images"] + framed["references"]] == ["first_frame", "image_list"]
    assert [(task["width"], task["height"], task["seconds"]) for task in (feature, base)] == [
        (1280, 720, 3),
        (720, 720, 5),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": ""},
        {"duration": "11"},
        {"duration": 5},
        {"image_list": [{"image_url": LINK}] * 8},
        {"image_list": [{"image_url": LINK}] * 5, "video_list": [{"video_url": LINK, "refer_type": "feature"}]},
        {"image_list": [{"image_url": LINK, "type": "middle_frame"}]},
        {"image_list": [{"image_url": "data:image/png;base64," + IMAGE}]},
        {"video_list": [{"video_url": LINK, "refer_type": "style"}]},
        {"video_list": [{"refer_type": "base"}]},
        {"video_list": LINK},
    ],
)
async def test_omni_refusals(body: dict[str, Any]) -> None:
    """At most seven images, four beside a video; frames and videos by their known types."""
    async with vendor() as v:
        reply = await v.kling("omni-video", **body)
        assert (reply.status, reply.json["code"]) == (400, 1201)


@pytest.mark.parametrize(
    ("control", "status"),
    [
        ({"type": "down_back"}, 200),
        ({"type": "simple", "config": {"pan": -10, "tilt": 0}}, 200),
        ({"type": "simple", "config": {"pan": 1, "tilt": 1}}, 400),
        ({"type": "simple", "config": {"zoom": 11}}, 400),
        ({"type": "simple", "config": {"zoom": "1"}}, 400),
        ({"type": "simple", "config": "pan"}, 400),
        ({"type": "simple"}, 400),
        ({"type": "down_back", "config": {"pan": 1}}, 400),
        ({"type": "spin"}, 400),
        ("down_back", 400),
    ],
)
async def test_camera(control: Any, status: int) -> None:
    """A move by its name, or `simple` with exactly one axis from -10 to 10."""
    async with vendor() as v:
        assert (await v.kling(camera_control=control)).status == status


async def test_what_excludes_each_other() -> None:
    """First and last frame with a camera move, and guidance outside 0 to 1, are 1201."""
    move = {"type": "down_back"}
    async with vendor() as v:
        for fields in ({"image": IMAGE, "image_tail": IMAGE, "camera_control": move}, {"image": IMAGE, "cfg_scale": 2}):
            assert (await v.kling("image2video", **fields)).json["code"] == 1201
