"""What each wire cannot say is refused by the manifest's own word, with what is allowed instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from batchvid.dialects import DIALECTS
from batchvid.errors import Unsupported
from batchvid.wire import ImageInput, Order


def picture(role: Any = "first", **changes: Any) -> ImageInput:
    image = ImageInput(role=role, filename="a.png", media_type="image/png", width=1280, height=720, data=b"png")
    return replace(image, **changes)


def linked(url: str, role: Any = "first") -> ImageInput:
    return ImageInput(role=role, filename="", media_type="", url=url)


BASE = {
    "veo": Order(model="veo3-fast", prompt="kite"),
    "openai-videos": Order(model="sora-2", prompt="kite", aspect_ratio="16:9"),
    "kling": Order(model="kling-v2-6", prompt="kite"),
    "runway": Order(model="gen4_turbo", prompt="kite", images=(picture(),)),
}
LINK = linked("https://example.com/a.png")
TWO_FIRST = (picture(), picture())
TWO_LAST = (picture(), picture("last"), picture("last"))

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("veo", {"prompt": "  "}, "prompt", "empty"),
    ("veo", {"prompt": "k" * 32_001}, "prompt", "32000"),
    ("veo", {"seed": 0}, "seed", "no word"),
    ("veo", {"sound": False}, "sound", "no word"),
    ("veo", {"mode": "pro"}, "mode", "no word"),
    ("veo", {"negative_prompt": "rain"}, "negative_prompt", "no word"),
    ("veo", {"images": (picture("reference"),)}, "reference_images", "no word"),
    ("veo", {"images": TWO_FIRST}, "image", "one image"),
    ("veo", {"images": TWO_LAST}, "end_image", "one image"),
    ("veo", {"images": (picture("last"),)}, "end_image", "`image`"),
    ("veo", {"images": (LINK,)}, "image", "local path"),
    ("veo", {"images": (picture(), linked("https://example.com/a.png", "last"))}, "end_image", "local path"),
    ("veo", {"aspect_ratio": "1:1"}, "aspect_ratio", "16:9, 9:16"),
    ("veo", {"resolution": "720p"}, "resolution", "1280x720"),
    ("veo", {"resolution": "1280x720", "aspect_ratio": "9:16"}, "resolution", "9:16"),
    ("veo", {"duration_s": 5.5}, "duration_s", "whole"),
    ("veo", {"duration_s": 0}, "duration_s", "from 1"),
    ("veo", {"duration_s": float("inf")}, "duration_s", "whole"),
    ("veo", {"options": {"when": {1, 2}}}, "options", "JSON"),
    ("openai-videos", {"seed": 7}, "seed", "no word"),
    ("openai-videos", {"aspect_ratio": "1:1"}, "aspect_ratio", "16:9, 9:16, 7:4, 4:7"),
    ("openai-videos", {"aspect_ratio": "7:4", "resolution": "720p"}, "aspect_ratio", "16:9, 9:16"),
    ("openai-videos", {"resolution": "4k"}, "resolution", "720p"),
    ("openai-videos", {"resolution": "720p", "aspect_ratio": ""}, "aspect_ratio", "beside"),
    ("openai-videos", {"images": (picture(), picture("last"))}, "end_image", "one image"),
    ("openai-videos", {"images": (picture(width=720, height=1280),)}, "image", "1280x720"),
    ("openai-videos", {"images": (picture(),), "aspect_ratio": ""}, "image", "say the resolution"),
    ("openai-videos", {"images": (LINK,)}, "image", "local path"),
    ("kling", {"prompt": ""}, "prompt", "empty"),
    ("kling", {"prompt": "\U0001fa81" * 1251}, "prompt", "2500"),
    ("kling", {"negative_prompt": "k" * 2501}, "negative_prompt", "2500"),
    ("kling", {"seed": 7}, "seed", "no word"),
    ("kling", {"resolution": "1080p"}, "resolution", "pro is 1080p"),
    ("kling", {"mode": "turbo"}, "mode", "std, pro"),
    ("kling", {"aspect_ratio": "21:9"}, "aspect_ratio", "16:9"),
    ("kling", {"aspect_ratio": "9:16", "images": (picture(),)}, "aspect_ratio", "1280x720"),
    ("kling", {"aspect_ratio": "16:9", "images": (LINK,)}, "aspect_ratio", "behind a link"),
    ("kling", {"images": (picture(media_type="image/webp"),)}, "image", "JPEG and PNG"),
    ("kling", {"images": (picture(), picture("last", media_type=""))}, "end_image", "JPEG and PNG"),
    ("kling", {"images": (picture(width=200, height=300),)}, "image", "300x300"),
    ("kling", {"images": (picture(width=2000, height=300),)}, "image", "2.5:1"),
    ("kling", {"images": (picture(data=b"x" * (10 * 1024 * 1024 + 1)),)}, "image", "10 MB"),
    ("kling", {"images": (picture(), picture("reference"))}, "reference_images", "no word"),
    (
        "kling",
        {"images": (picture(), picture("last")), "options": {"camera_control": {"type": "simple"}}},
        "end_image",
        "camera_control",
    ),
    ("runway", {"images": ()}, "image", "required"),
    ("runway", {"prompt": "k" * 1001}, "prompt", "1000"),
    ("runway", {"seed": -1}, "seed", "4294967295"),
    ("runway", {"seed": 2**32}, "seed", "4294967295"),
    ("runway", {"sound": True}, "sound", "no word"),
    ("runway", {"negative_prompt": "rain"}, "negative_prompt", "no word"),
    ("runway", {"mode": "pro"}, "mode", "no word"),
    ("runway", {"aspect_ratio": "2:1"}, "aspect_ratio", "16:9"),
    ("runway", {"resolution": "1080p"}, "resolution", "720p"),
    ("runway", {"resolution": "720p"}, "aspect_ratio", "beside"),
    ("runway", {"images": (picture(media_type="image/gif"),)}, "image", "WebP"),
    ("runway", {"images": (picture(data=b"x" * 4_000_000),)}, "image", "3.3 MB"),
    ("runway", {"images": (linked("http://example.com/a.png"),)}, "image", "https"),
    ("runway", {"images": (linked("https://93.184.216.34/a.png"),)}, "image", "domain"),
    ("runway", {"images": (linked("https://[2001:db8::1]/a.png"),)}, "image", "domain"),
    ("runway", {"images": (linked("https://[broken/a.png"),)}, "image", "domain"),
    ("runway", {"images": (linked("https://example.com/" + "a" * 2048),)}, "image", "2048"),
    ("runway", {"images": (picture(), linked("ftp://example.com/a", "last"))}, "end_image", "https"),
]


@pytest.mark.parametrize(("dialect", "changes", "field", "reason"), REFUSED)
def test_what_the_wire_cannot_say_is_refused(dialect: str, changes: dict[str, Any], field: str, reason: str) -> None:
    """The refusal names the manifest's field and what is allowed instead; nothing is dropped silently."""
    with pytest.raises(Unsupported) as refused:
        DIALECTS[dialect].submit(replace(BASE[dialect], **changes))
    assert (field, True) == (refused.value.field, reason in refused.value.reason), refused.value


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_bare_order_can_be_said(dialect: str) -> None:
    """The order from which every refused one above differs is itself accepted."""
    assert DIALECTS[dialect].submit(BASE[dialect]).method == "POST"


@pytest.mark.parametrize(
    ("dialect", "changes", "field", "said"),
    [
        ("kling", {"aspect_ratio": "16:9", "images": (picture(),)}, "aspect_ratio", None),
        ("kling", {"aspect_ratio": "21:9", "images": (picture(width=1584, height=672),)}, "aspect_ratio", None),
        ("kling", {"duration_s": 10.0}, "duration", "10"),
        ("kling", {}, "duration", None),
        ("kling", {}, "sound", None),
        ("runway", {"aspect_ratio": "21:9"}, "ratio", "1584:672"),
        ("runway", {"aspect_ratio": "9:16", "resolution": "720p"}, "ratio", "720:1280"),
        ("runway", {"resolution": "1104x832", "aspect_ratio": "4:3"}, "ratio", "1104:832"),
        ("runway", {}, "ratio", None),
        ("runway", {"seed": 0}, "seed", 0),
        ("runway", {"duration_s": 10.0}, "duration", 10),
        ("runway", {"options": {"ratio": "16:9"}, "aspect_ratio": "16:9"}, "ratio", "16:9"),
    ],
)
def test_a_json_wire_says_a_field_its_own_way(dialect: str, changes: dict[str, Any], field: str, said: object) -> None:
    """Each field is translated, left out when the order says nothing, and overlaid by the user's options."""
    body = DIALECTS[dialect].submit(replace(BASE[dialect], **changes)).json
    assert body is not None
    assert said == body.get(field)


@pytest.mark.parametrize(
    ("dialect", "changes", "said"),
    [
        ("openai-videos", {"resolution": "1080p"}, [("size", b"1920x1080")]),
        ("openai-videos", {"aspect_ratio": "4:7"}, [("size", b"1024x1792")]),
        ("openai-videos", {"aspect_ratio": ""}, []),
        ("veo", {"resolution": "854x480", "aspect_ratio": "16:9"}, [("size", b"854x480")]),
        ("veo", {"options": {"size": "1x1", "n": 2, "on": True, "o": {"a": None}}}, [
            ("size", b"1x1"), ("n", b"2"), ("on", b"true"), ("o", b'{"a":null}'),
        ]),
        ("veo", {"images": (picture(),), "options": {"input_reference": "file-1"}}, [("input_reference", b"file-1")]),
        ("veo", {"options": {"day": date(2026, 11, 21)}}, [("day", b'"2026-11-21"')]),
    ],
)  # fmt: skip
def test_a_multipart_wire_says_everything_as_text(dialect: str, changes: dict[str, Any], said: object) -> None:
    """Beside model and prompt, the parts are those of the order, then the user's options as text or JSON."""
    parts = DIALECTS[dialect].submit(replace(BASE[dialect], **changes)).parts
    assert said == [(part.name, part.value) for part in parts if part.name not in ("model", "prompt")]
