"""The gateway's own page, field by field: its examples and the least input of each of its modes, from a manifest."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from batchvid.dialects import DIALECTS
from batchvid.domain.wire import ImageInput
from tests.builders import generation, with_fields

LINK, LAST, CLIP, SOUND = (f"https://cdn.example/{name}" for name in ("a.png", "b.png", "c.mp4", "d.mp3"))
ALIASES = {"seconds": "duration", "ratio": "aspect_ratio", "quality": "resolution"}
"""What the page names as a second word for the same field."""

OPTIONS = {
    "fps": 24, "function_mode": "a", "watermark_info": {"enabled": False}, "cfg_scale": 0.5, "user": "user-1234",
    "response_format": "url", "camera_control": {"type": "down_back"},
}  # fmt: skip


def linked(url: str, role: Any = "first") -> ImageInput:
    return ImageInput(role=role, filename="", media_type="", url=url)


def body(**fields: Any) -> dict[str, Any]:
    """The JSON body, with the aliases of the page as one name."""
    request = DIALECTS["gateway"].submit(with_fields(generation(), **fields))
    assert (request.method, request.path) == ("POST", "/v1/videos")
    assert request.json is not None
    return {ALIASES.get(name, name): value for name, value in request.json.items()}


def test_the_grok_example() -> None:
    """Section 4.4; the mode is the one that the page lists for reference images."""
    sent = body(
        model="grok-imagine-1.0-video", prompt="雨夜霓虹街道上的电影感推镜,光影丰富,运动自然", duration_s=10,
        aspect_ratio="16:9", resolution="720P", images=(linked("https://example.com/ref-1.jpg", "reference"),),
    )  # fmt: skip
    assert sent == {
        "model": "grok-imagine-1.0-video",
        "prompt": "雨夜霓虹街道上的电影感推镜,光影丰富,运动自然",
        "reference_images": ["https://example.com/ref-1.jpg"],
        "duration": 10,
        "aspect_ratio": "16:9",
        "resolution": "720P",
        "mode": "reference_images",
    }


@pytest.mark.parametrize("named", ["model", "options"])
def test_the_kling_example(named: str) -> None:
    """Section 4.5, from the model's own name and from the bare `kling-video` with `model_name`."""
    model: dict[str, Any] = {"model": "kling-v2-6"}
    if named == "options":
        model = {"model": "kling-video", "options": {"model_name": "kling-v2-6"}}
    assert body(**model, prompt="海边日落镜头,电影感,风吹长发", duration_s=5, aspect_ratio="16:9") == {
        "model": "kling-video",
        "model_name": "kling-v2-6",
        "mode": "t2v",
        "prompt": "海边日落镜头,电影感,风吹长发",
        "duration": 5,
        "aspect_ratio": "16:9",
    }


VEO, KLING, OMNI = {"model": "veo3.1"}, {"model": "kling-v2-6"}, {"model": "gemini-omni"}
MATERIAL = {"mode": "reference_material"}
FRAMES, REFERENCE = (linked(LINK), linked(LAST, "last")), (linked(LINK, "reference"),)
MODES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("t2v", VEO, {}),
    ("i2v", {**VEO, "images": (linked(LINK),)}, {"image_url": LINK}),
    ("i2v_first_last", {**VEO, "images": FRAMES}, {"image_url": LINK, "end_image_url": LAST}),
    ("reference_images", {**VEO, "images": (linked(LINK, "reference"),)}, {"reference_images": [LINK]}),
    ("reference_material", {**VEO, "images": REFERENCE, "options": MATERIAL}, {"image_urls": [LINK]}),
    ("reference_material", {**VEO, "video": CLIP}, {"video_urls": [CLIP]}),
    ("reference_material", {**VEO, "audio": SOUND}, {"audio_urls": [SOUND]}),
    ("t2v", KLING, {}),
    ("i2v", {**KLING, "images": (linked(LINK),)}, {"image": LINK}),
    ("multi_i2v", {**KLING, "images": (linked(LINK, "reference"),)}, {"image_list": [{"image": LINK}]}),
    ("extend", {**KLING, "action": "extend", "prompt": "", "options": {"video_id": "v-1"}}, {"video_id": "v-1"}),
    ("t2v", OMNI, {}),
    ("r2v", {**OMNI, "images": (linked(LINK, "reference"),)}, {"reference_images": [LINK]}),
    ("edit", {**OMNI, "action": "edit", "video": CLIP}, {"video_url": CLIP}),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "fields", "least"), MODES)
def test_each_mode_has_its_least_input(mode: str, fields: dict[str, Any], least: dict[str, Any]) -> None:
    """Sections 4.5 and 5: model, prompt, mode and the inputs of that mode, and no other field."""
    sent = body(**{"prompt": "kite", **fields})
    kling = {"model": "kling-video", "model_name": "kling-v2-6"} if fields["model"].startswith("kling") else {}
    prompt = {"prompt": "kite"} if fields.get("prompt", "kite") else {}
    assert sent == {"model": fields["model"], **kling, **prompt, "mode": mode, **least}


def test_the_other_fields_of_the_page() -> None:
    """The manifest's own words arrive under a documented name; what it has no word for travels as an option."""
    common: dict[str, Any] = {"prompt": "kite", "seed": 20231234, "resolution": "512x512", "options": OPTIONS}
    sent = body(**{**common, "model": "hailuo-video"})
    assert (sent["size"], sent["seed"]) == ("512x512", 20231234)
    assert OPTIONS.items() <= sent.items()
    kling = body(model="kling-v2-6", prompt="kite", negative_prompt="rain", sound=True, mode="pro")
    assert (kling["negative_prompt"], kling["sound"]) == ("rain", "on")
    assert (kling["mode"], kling["metadata"]) == ("t2v", {"mode": "pro"})
    content = [{"type": "image_url", "image_url": {"url": LINK}}]
    assert body(model="doubao-seedance-2-0-260128", prompt="kite", options={"content": content})["content"] == content
    order = with_fields(
        generation(), model="veo3.1", prompt="kite", external_id="id-1", callback_url="https://cb.example/t"
    )
    request = DIALECTS["gateway"].submit(order)
    assert request.json is not None
    assert (request.json["external_task_id"], request.json["callback_url"]) == ("id-1", "https://cb.example/t")


def test_a_local_picture_is_the_file_input_reference() -> None:
    """The page takes `input_reference` as a file of a form; numbers and objects are JSON there."""
    file = ImageInput(role="first", filename="a.png", media_type="image/png", width=1280, height=720, data=b"png")
    order = with_fields(generation(), model="veo3.1", prompt="kite", duration_s=8, images=(file,))
    request = DIALECTS["gateway"].submit(with_fields(order, options={"metadata": {"enhance": True}}))
    fields = {part.name: part.value.decode() for part in request.parts}
    assert request.json is None
    assert fields["input_reference"] == "png"
    assert (fields["mode"], fields["duration"], orjson.loads(fields["metadata"])) == ("i2v", "8", {"enhance": True})
    assert request.parts[-1].filename == "a.png"
