"""No malformed body breaks the emulator: its crash would look like a fault of the client."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.helpers import VERSION, vendor

LINK = "https://cdn.example/a.png"
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0.5, 10**30, "", "x", "\ud800", "0" * 5000),
    *([], [None], [5], ["x"], [[]], [{}], {}, {"url": 5}, {"url": []}, {"image_url": {"url": {}}}, {"type": {}}),
)
CAMERA = {"type": "simple", "config": {"pan": 5}}
BODIES: list[tuple[str, dict[str, Any]]] = [
    *(
        ("/v1/videos", {"model": model, "prompt": "x", "seconds": "4", "size": "1280x720", "input_reference": LINK})
        for model in ("veo3", "sora-2", "doubao-seedance-2-0", "seedance-2-5", "wan")
    ),
    ("/v1/videos", {"model": "wan", "prompt": "x", "resolution": "720p", "aspect_ratio": "1:1", "duration": 4}),
    ("/v1/videos/video_1/remix", {"prompt": "x"}),
    ("/kling/v1/videos/text2video", {"prompt": "x", "mode": "std", "camera_control": CAMERA, "cfg_scale": 0.5}),
    ("/kling/v1/videos/text2video", {"prompt": "x", "duration": "5", "aspect_ratio": "1:1", "external_task_id": "x"}),
    ("/kling/v1/videos/image2video", {"model_name": "kling-v1", "image": LINK, "image_tail": LINK}),
    ("/kling/v1/videos/multi-image2video", {"prompt": "x", "image_list": [{"image": LINK}]}),
    ("/kling/v1/videos/video-extend", {"video_id": "x", "task_id": "x"}),
    ("/kling/v1/videos/lip-sync", {"input": {"mode": "audio2video", "audio_url": LINK, "video_url": LINK}}),
    ("/kling/v1/videos/advanced-lip-sync", {"session_id": "s", "face_choose": [{"face_id": "0"}]}),
    ("/kling/v1/videos/omni-video", {"prompt": "x", "image_list": [{"image_url": LINK}], "video_list": [{}]}),
    (
        "/runwayml/v1/image_to_video",
        {"model": "gen4_turbo", "promptImage": LINK, "promptText": "x", "duration": 5, "ratio": "1280:720"},
    ),
    ("/grok/v1/videos/generations", {"prompt": "x", "duration": 5, "aspect_ratio": "1:1", "resolution": "480p"}),
    ("/grok/v1/videos/generations", {"prompt": "x", "image": {"url": LINK}, "model": "grok-imagine-video"}),
    ("/grok/v1/videos/generations", {"prompt": "x", "reference_images": [{"url": LINK}]}),
    ("/grok/v1/videos/edits", {"prompt": "x", "video": {"url": LINK}}),
    ("/gateway/v1/videos", {"model": "veo3", "prompt": "x", "mode": "i2v", "image_url": LINK, "seconds": "4"}),
    ("/gateway/v1/videos", {"model": "kling-video", "model_name": "kling-v1", "mode": "extend", "video_id": "x"}),
    ("/gateway/v1/videos", {"model": "gemini-omni", "prompt": "x", "mode": "edit", "content": [], "video": LINK}),
    ("/gateway/v1/videos", {"model": "veo3", "prompt": "x", "size": "1:1", "resolution": "720p", "metadata": {}}),
    (
        "/gateway/v1/video/generations",
        {"model": "kling-v2-6", "prompt": "x", "image": LINK, "size": "1280x720", "mode": "pro", "metadata": {}},
    ),
    ("/gateway/v1/video/generations", {"model": "viduq2", "prompt": "x", "images": [LINK], "duration": 5}),
    (
        "/gateway/v1/video/generations",
        {"model": "doubao-seedance-2-0-260128", "prompt": "x", "metadata": {"content": [{"image_url": {}}]}},
    ),
    (
        "/gateway/v1/video/generations",
        {"model": "doubao-seedance-2-0-260128", "prompt": "x", "metadata": {"content": 5, "ratio": []}},
    ),
    (
        "/ark/api/v3/contents/generations/tasks",
        {
            "model": "ep-1",
            "content": [{"type": "text", "text": "x"}],
            "duration": 5,
            "ratio": "1:1",
            "resolution": "480p",
        },
    ),
    (
        "/ark/api/v3/contents/generations/tasks",
        {"model": "ep-1", "content": [{"type": "image_url", "image_url": {"url": LINK}}]},
    ),
]


@pytest.mark.parametrize(
    ("path", "body"), BODIES, ids=lambda value: value if isinstance(value, str) else ",".join(value)
)
async def test_malformed_bodies(path: str, body: dict[str, Any]) -> None:
    """Every field in turn is replaced by every odd value: the answer is a task or a refusal, in JSON."""
    async with vendor() as v:
        for field in body:
            for odd in ODD:
                reply = await v.call("POST", path, json={**body, field: odd}, headers=VERSION)
                assert reply.status in (200, 400, 404, 503), (field, odd, reply.body)
                assert isinstance(reply.json, dict)
        ledger = v.ledger()
    assert ledger["submits"] == len(body) * len(ODD) == ledger["purchases"] + ledger["refused"]
