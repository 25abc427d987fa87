"""What vendors publish of pictures, prompts, seeds and closed sets of values: refused while planning, at no cost."""

from __future__ import annotations

from typing import Any

import pytest

from batchvid.dialects import DIALECTS
from batchvid.dialects.common.image_rules import ARK, KLING, RUNWAY
from batchvid.domain.wire import ImageInput
from batchvid.errors import Unsupported
from tests.builders import generation, with_fields

KLING_MODEL = {"model": "kling-v2-6", "duration_s": 5}
SEEDANCE = {"model": "doubao-seedance-2-0-260128", "duration_s": 5}
MB = 1024 * 1024


def image(**fields: Any) -> ImageInput:
    """A picture of a file, as planning knows it."""
    given = {"role": "first", "filename": "a.png", "media_type": "image/png", "size_bytes": 1000, **fields}
    return ImageInput(**{"width": 1280, "height": 720, **given})


def submit(dialect: str, fields: dict[str, Any]) -> None:
    """Build the request, as planning does."""
    DIALECTS[dialect].submit(with_fields(generation(), **fields))


PICTURES = [
    ({"media_type": "image/webp"}, "a.png: JPEG and PNG are allowed, not image/webp: write convert: true"),
    ({"size_bytes": 10 * MB + 1}, "a.png: at most 10 MB are allowed, not 10.5 MB: write convert: true"),
    ({"width": 299}, "a.png: at least 300x300 pixels are required, not 299x720"),
    ({"width": 1801}, "a.png: shapes from 1:2.5 to 2.5:1 are allowed, not 1801x720"),
]


@pytest.mark.parametrize("dialect", ["kling", "gateway", "newapi"])
@pytest.mark.parametrize(("fields", "reason"), PICTURES)
def test_kling_s_rules_hold_behind_every_gateway(dialect: str, fields: dict[str, Any], reason: str) -> None:
    """The gateway forwards the picture. The message names the picture and, where it helps, what to write."""
    with pytest.raises(Unsupported) as refused:
        submit(dialect, {**KLING_MODEL, "images": (image(**fields),)})
    assert refused.value.field == "image"
    assert refused.value.reason.startswith(reason)
    submit(dialect, {**KLING_MODEL, "images": (image(size_bytes=10 * MB, width=1800),)})


@pytest.mark.parametrize("dialect", ["gateway", "newapi"])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"size_bytes": 30_000_000}, "at most 30 MB"),
        ({"width": 6001, "height": 6000}, "at most 6000 pixels a side"),
        ({"width": 200, "height": 200}, "at least 300x300"),
        ({"width": 3000}, "shapes from 1:2.5"),
    ],
)
def test_ark_s_rules_hold_behind_every_gateway(dialect: str, fields: dict[str, Any], reason: str) -> None:
    """For frames and references alike."""
    for role, field in (("first", "image"), ("reference", "reference_images")):
        with pytest.raises(Unsupported, match=reason) as refused:
            submit(dialect, {**SEEDANCE, "images": (image(role=role, **fields),)})
        assert refused.value.field == field


def test_a_picture_of_the_highest_size_fits_runway_s_data_uri() -> None:
    """The limit is one of encoded bytes: at the limit the link has just so many characters, above it is refused."""
    limit = RUNWAY.max_bytes
    assert limit is not None
    fields = {"model": "gen4_turbo", "duration_s": 5, "prompt": "x"}
    whole = image(media_type="image/jpeg", data=b"x" * limit)
    request = DIALECTS["runway"].submit(with_fields(generation(), **fields, images=(whole,)))
    assert request.json is not None
    assert 5 * MB - 4 <= len(request.json["promptImage"]) <= 5 * MB
    with pytest.raises(Unsupported, match=r"at most 3\.9 MB"):
        submit("runway", {**fields, "images": (image(size_bytes=limit + 1),)})


def test_the_rules_by_model() -> None:
    """A route without a published limit has none."""
    assert DIALECTS["kling"].rules_for("kling-v1") is DIALECTS["gateway"].rules_for("kling-video-o1") is KLING
    assert DIALECTS["newapi"].rules_for("doubao-seedance-1-0-pro-250528") is ARK
    for dialect, model in (("veo", "veo3-fast"), ("openai-videos", "sora-2"), ("gateway", "grok-video-3")):
        rules = DIALECTS[dialect].rules_for(model)
        assert (rules.max_bytes, rules.max_side_px, rules.max_shape, rules.min_side_px) == (None, None, None, 0)


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("kling", {**KLING_MODEL, "options": {"cfg_scale": 7}}, "options", "cfg_scale: numbers from 0 to 1 are allowed"),
    ("kling", {**KLING_MODEL, "options": {"cfg_scale": "high"}}, "options", "cfg_scale: numbers from 0 to 1"),
    ("kling", {**KLING_MODEL, "options": {"cfg_scale": True}}, "options", "cfg_scale: numbers from 0 to 1"),
    ("kling", {**KLING_MODEL, "options": {"mode": "nonsense"}}, "options", "mode: std, pro are allowed, not nonsense"),
    ("kling", {**KLING_MODEL, "options": {"sound": "loud"}}, "options", "sound: on, off are allowed"),
    (
        "kling",
        {**KLING_MODEL, "options": {"camera_control": {"type": "zoom"}}},
        "options",
        "camera_control.type: simple, down_back",
    ),
    (
        "kling",
        {**KLING_MODEL, "options": {"camera_control": {"type": "simple", "config": {"zoom": 11}}}},
        "options",
        "camera_control.config.zoom: numbers from -10 to 10",
    ),
    (
        "kling",
        {**KLING_MODEL, "options": {"camera_control": {"type": "simple", "config": {"zoom": 1, "pan": 1}}}},
        "options",
        "exactly one value other than 0",
    ),
    (
        "kling",
        {**KLING_MODEL, "options": {"camera_control": {"type": "down_back", "config": {"zoom": 1}}}},
        "options",
        "for the type simple only",
    ),
    ("gateway", {**KLING_MODEL, "options": {"mode": "nonsense"}}, "options", "mode: t2v, i2v, multi_i2v, extend are"),
    ("gateway", {**KLING_MODEL, "options": {"cfg_scale": -1}}, "options", "cfg_scale: numbers from 0 to 1"),
    ("gateway", {**KLING_MODEL, "prompt": "k" * 2501}, "prompt", "at most 2500 characters"),
    ("gateway", {**KLING_MODEL, "negative_prompt": "k" * 2501}, "negative_prompt", "at most 2500 characters"),
    ("gateway", {**SEEDANCE, "seed": 2**32}, "seed", "0 to 4294967295"),
    ("gateway", {**SEEDANCE, "options": {"service_tier": "fast"}}, "options", "service_tier: default, flex"),
    ("gateway", {"model": "grok-video-3", "prompt": "k" * 4097}, "prompt", "at most 4096 characters"),
    ("gateway", {"model": "veo3.1", "options": {"mode": "nonsense"}}, "options", "mode: t2v, i2v, i2v_first_last"),
    ("newapi", {**KLING_MODEL, "options": {"metadata": {"cfg_scale": 7}}}, "options", "cfg_scale: numbers from 0 to 1"),
    ("newapi", {**KLING_MODEL, "options": {"mode": "nonsense"}}, "options", "mode: std, pro are allowed"),
    ("newapi", {**KLING_MODEL, "prompt": "k" * 2501}, "prompt", "at most 2500 characters"),
    ("newapi", {**SEEDANCE, "seed": 2**32}, "seed", "0 to 4294967295"),
    ("newapi", {**SEEDANCE, "options": {"watermark": "yes"}}, "options", "watermark: true, false are allowed"),
    ("newapi", {**SEEDANCE, "options": {"priority": 10}}, "options", "priority: whole numbers from 0 to 9"),
    (
        "runway",
        {"model": "gen4_turbo", "duration_s": 5, "images": (image(),), "options": {"watermark": 1}},
        "options",
        "watermark: true, false",
    ),
]


@pytest.mark.parametrize(("dialect", "fields", "field", "reason"), REFUSED)
def test_a_value_that_the_vendor_excludes_is_refused(
    dialect: str, fields: dict[str, Any], field: str, reason: str
) -> None:
    """With what is allowed."""
    with pytest.raises(Unsupported) as refused:
        submit(dialect, fields)
    assert (refused.value.field, reason in refused.value.reason) == (field, True), refused.value


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        ("kling", {**KLING_MODEL, "options": {"cfg_scale": 0}}),
        ("kling", {**KLING_MODEL, "options": {"cfg_scale": "0.5", "callback_url": "https://x.example"}}),
        ("kling", {**KLING_MODEL, "options": {"cfg_scale": None, "camera_control": "of tomorrow"}}),
        (
            "kling",
            {**KLING_MODEL, "options": {"camera_control": {"type": "simple", "config": {"zoom": -10, "pan": 0}}}},
        ),
        ("gateway", {**KLING_MODEL, "options": {"mode": "t2v"}}),
        ("gateway", {"model": "sora-2", "duration_s": 8, "options": {"mode": "anything"}}),
        ("gateway", {**SEEDANCE, "seed": 2**32 - 1, "options": {"service_tier": "flex", "seed": -1}}),
        ("newapi", {**SEEDANCE, "options": {"watermark": False, "of_tomorrow": "x"}}),
        ("newapi", {**KLING_MODEL, "prompt": "k" * 2500, "options": {"metadata": {"cfg_scale": 1}}}),
    ],
)
def test_what_no_source_excludes_passes(dialect: str, fields: dict[str, Any]) -> None:
    """Edges of the ranges, and options that nobody documents."""
    submit(dialect, fields)
