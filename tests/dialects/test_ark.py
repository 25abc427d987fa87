"""Ark's wire: what it refuses before anything is sent, what it always states, and the list after a lost submit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from batchvid.dialects import DIALECTS
from batchvid.domain.wire import Candidate, ImageInput, Response
from batchvid.errors import Unsupported
from tests.builders import generation, with_fields
from tests.dialects.test_submit import picture

ARK = DIALECTS["ark"]
PLAIN = generation(model="doubao-seedance-2-0-260128", prompt="kite")
VIDEO = "https://example.com/source.mp4"
STORED = ImageInput(role="first", filename="", media_type="", url="asset://asset-1")
OLD = {"model": "doubao-seedance-1-5-pro-251215"}
FIRST_AND_REFERENCE = (picture(), picture("reference"))

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"prompt": ""}, "prompt", "empty"),
    ({"negative_prompt": "rain"}, "negative_prompt", "does not support"),
    ({"images": FIRST_AND_REFERENCE}, "reference_images", "`image`"),
    ({"images": (picture(),), "video": VIDEO}, "video", "`image`"),
    ({"audio": "https://example.com/a.mp3"}, "audio", "only together with"),
    ({"aspect_ratio": "2:3"}, "aspect_ratio", "21:9"),
    ({"resolution": "1280x720"}, "resolution", "480p, 720p, 1080p, 4k"),
    ({"duration_s": 5.5}, "duration_s", "whole"),
    ({"seed": 2**32}, "seed", "4294967295"),
    ({"mode": "flex"}, "mode", "1.x"),
    ({"options": {"service_tier": "flex"}}, "options", "1.x"),
    ({"options": {"draft": True}}, "options", "1.5"),
    ({"options": {"duration": -1}}, "options", "duration_s"),
    ({"options": {"content": []}}, "options", "prompt, image"),
    ({**OLD, "images": (picture("reference"),)}, "reference_images", "2.0"),
    ({**OLD, "video": VIDEO}, "video", "2.0"),
    ({"model": "seedance-1-0-pro-250528", "sound": True}, "sound", "without sound"),
    (
        {"model": "seedance-2-5", "aspect_ratio": "9:16", "images": (picture(),)},
        "aspect_ratio",
        "follows the image, which is 1280x720",
    ),
    ({"images": (picture(width=200),)}, "image", "300x300"),
]


@pytest.mark.parametrize(("changes", "field", "reason"), REFUSED)
def test_what_ark_would_refuse(changes: dict[str, Any], field: str, reason: str) -> None:
    """The refusal names the manifest's field and what is allowed instead."""
    with pytest.raises(Unsupported) as refused:
        ARK.submit(with_fields(PLAIN, **changes))
    assert (field, True) == (refused.value.field, reason in refused.value.reason), refused.value


def body(**changes: Any) -> dict[str, Any]:
    return dict(ARK.submit(with_fields(PLAIN, **changes)).json or {})


def test_the_sound_is_always_stated() -> None:
    """Ark's default is a clip with sound, for twice the price on 1.5; 1.0 refuses the field; an endpoint may be any."""
    assert body()["generate_audio"] is body(**OLD)["generate_audio"] is True
    assert body(**OLD, sound=False)["generate_audio"] is False
    assert "generate_audio" not in body(model="seedance-1-0-pro-250528", sound=False)
    assert "generate_audio" not in body(model="ep-20260101-abcde")


def test_a_frame_gives_the_shape() -> None:
    """Seedance 2.5 refuses a ratio beside a first frame, even the right one; older versions crop to it."""
    framed = {"images": (picture(),), "aspect_ratio": "16:9"}
    assert "ratio" not in body(model="dreamina-seedance-2-5-260628", **framed)
    assert body(**OLD, **framed)["ratio"] == "16:9"


def test_links_into_ark_s_own_store() -> None:
    """They are sent as they are; no other wire takes one."""
    assert body(images=(STORED,))["content"][1]["image_url"] == {"url": "asset://asset-1"}
    assert body(video="asset://asset-2")["content"][1]["video_url"] == {"url": "asset://asset-2"}
    for dialect, model in (("kling", "kling-v2-6"), ("xai", "grok-imagine-video"), ("gateway", "veo3.1")):
        with pytest.raises(Unsupported, match="another vendor's store"):
            DIALECTS[dialect].submit(with_fields(PLAIN, model=model, images=(STORED,)))


def test_the_list_after_a_lost_submit() -> None:
    """The newest 500; flex tasks are listed only on request. It has no prompts: a row proves nothing by itself."""
    listed = ARK.lookups["list"]
    assert listed.ask(PLAIN).path == "/contents/generations/tasks?page_num=1&page_size=500"
    flex = with_fields(PLAIN, **OLD, mode="flex")
    assert listed.ask(flex).path.endswith("&filter.service_tier=flex")
    row = {"id": "cgt-1", "model": "doubao-seedance-2-0-260128", "status": "queued", "created_at": 1773383500}
    read = listed.read(Response(status=200, body=orjson.dumps({"items": [row], "total": 1})))
    assert read == (
        Candidate(
            task_id="cgt-1",
            model="doubao-seedance-2-0-260128",
            created_at=datetime(2026, 3, 13, 6, 31, 40, tzinfo=UTC),
        ),
    )
