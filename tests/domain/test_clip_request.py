"""The fingerprint: it moves with what is paid for and with nothing else, and means the same after an upgrade."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.domain.clip_request import CLIP_FIELDS, ClipRequest, ImageRef, fingerprint, set_fields
from batchvid.domain.job_spec import JobSpec

DIGEST = "ab" * 32
FIRST = ImageRef(role="first", source="/home/ann/a.png", sha256=DIGEST)
LAST = ImageRef(role="last", source="https://cdn.example/b.png")
FIRST_FIELDS: dict[str, Any] = {
    "model": "veo3-fast",
    "prompt": "a paper kite",
    "negative_prompt": "rain",
    "images": (FIRST, LAST),
    "fit": "contain",
    "duration_s": 8.0,
    "aspect_ratio": "16:9",
    "resolution": "720p",
    "seed": 2**63 - 1,
    "sound": True,
    "mode": "pro",
    "action": "extend",
    "video": "https://cdn.example/v.mp4",
    "audio": "data:audio/mp3;base64,AAAA",
    "options": {"camera_control": {"type": "down_back"}},
}
FULL: dict[str, Any] = {**FIRST_FIELDS}  # a field that comes later is added here: no fixed digest holds it
OTHER: dict[str, Any] = {
    "model": "veo3.1",
    "prompt": "a paper kite.",
    "negative_prompt": "",
    "images": (ImageRef(role="last", source="", sha256=DIGEST), ImageRef(role="first", source=LAST.source)),
    "fit": "",
    "duration_s": 6,
    "aspect_ratio": "9:16",
    "resolution": "",
    "seed": 0,
    "sound": False,
    "mode": "std",
    "action": "",
    "video": "https://cdn.example/w.mp4",
    "audio": "",
    "options": {"camera_control": {"type": "up"}},
}


def request(**given: Any) -> ClipRequest:
    return ClipRequest(**{"model": "m", "prompt": "p", **given})


def test_every_field_is_covered_and_none_is_a_job_specs() -> None:
    """The state file stores the fields of a spec and of its request in one flat object."""
    assert set(FULL) == set(OTHER) == set(CLIP_FIELDS)
    assert not set(CLIP_FIELDS) & {f.name for f in fields(JobSpec)}


@pytest.mark.parametrize("name", CLIP_FIELDS)
def test_each_field_moves_it(name: str) -> None:
    """A change of anything that is paid for is a change of the clip."""
    assert fingerprint(request(**FULL)) != fingerprint(request(**{**FULL, name: OTHER[name]}))


FIXED: list[tuple[dict[str, Any], str]] = [
    ({"model": "veo3-fast", "prompt": "a paper kite"}, "f1:44d9214861171791357ba4035901e247"),
    ({"model": "kling-v2-6", "prompt": "", "images": (FIRST,)}, "f1:d5e58cc5a44482e072669d044b37c7df"),
    (
        {
            "model": "kling-v2-6",
            "prompt": "Drachen über Köln 風箏",
            "images": (
                ImageRef(role="first", source="https://cdn.example/a.png?x=1&y=ü"),
                ImageRef(role="last", source="/b.png", sha256=DIGEST),
            ),
            "fit": "cover",
            "aspect_ratio": "9:16",
        },
        "f1:35d95de5f9fbe61d3288042738fe5750",
    ),
    (
        {
            "model": "veo3.1",
            "images": tuple(ImageRef(role="reference", source="/c.png", sha256=two * 32) for two in ("ab", "cd")),
            "mode": "pro",
        },
        "f1:dc0bbfa1b639f8eeeb62e0aaba36d606",
    ),
    ({"duration_s": 7.5, "resolution": "1280x720"}, "f1:8dbea8a3f56b22b53a92180824111cfe"),
    ({"duration_s": 10}, "f1:4dcac44ebe37e793f6bedb467d2c3c39"),
    ({"seed": 0, "sound": False, "duration_s": 5.0}, "f1:ad1a9f6477ab08c10b910a71c4d5f571"),
    (
        {"model": "grok", "action": "edit", "video": "https://cdn.example/v.mp4"},
        "f1:c7de4af1dd0f36e5b82c768307c70630",
    ),
    (
        {
            "model": "kling-v2-6",
            "prompt": "",
            "action": "lip-sync",
            "video": "https://cdn.example/v.mp4",
            "audio": "https://cdn.example/a.mp3",
        },
        "f1:21d962ef9b1bdf7bb5a719d1a6512e81",
    ),
    (
        {
            "prompt": 'Zoë "q"\n\u2028 line',
            "options": {"cfg_scale": 0.5, "b": [1, 2.0, 1e-7], "a": {"z": None, "y": True}, "ü": "é"},
        },
        "f1:fa9baa0e4196276fbe2cd5b8e6f747ff",
    ),
    (FIRST_FIELDS, "f1:44977dcb96efaafb6085762015c67553"),
    (
        {
            **{name: value for name, value in FIRST_FIELDS.items() if name not in ("fit", "action", "video", "audio")},
            "seed": 7,
        },
        "f1:e61a70703bcd72c36e6840e40b4043b2",
    ),
]


@pytest.mark.parametrize(("given", "digest"), FIXED)
def test_it_means_the_same_for_ever(given: dict[str, Any], digest: str) -> None:
    """These digests were made before ClipRequest existed: if one moves, every stored clip would look changed."""
    assert fingerprint(request(**given)) == digest


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(prompt=TEXTS, seed=st.integers(0, 2**63 - 1), source=TEXTS, sound=st.booleans())
def test_it_is_the_digest_of_the_standard_librarys_json(prompt: str, seed: int, source: str, sound: bool) -> None:
    """Whatever writes the JSON, now or later: sorted keys, no blanks, no escapes but the needed ones."""
    images = (ImageRef(role="first", source=source),)
    values = {
        "model": "m",
        "prompt": prompt,
        "seed": seed,
        "images": [["first", source]],
        "sound": sound,
        "duration_s": "8",
    }
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = f"f1:{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    assert digest == fingerprint(request(prompt=prompt, seed=seed, images=images, sound=sound, duration_s=8))


@pytest.mark.parametrize(("name", "value"), [("seed", 0), ("sound", False), ("duration_s", 0.0)])
def test_zero_and_false_are_values(name: str, value: Any) -> None:
    """Seed 0 and sound off are requests, not the absence of one."""
    assert fingerprint(request()) != fingerprint(request(**{name: value}))
    assert name in set_fields(request(**{name: value}))


@given(st.integers(1, 3600))
def test_a_duration_is_a_number_however_written(seconds: int) -> None:
    """8 and 8.0 seconds are the same, and 80 is another than 8."""
    one = fingerprint(request(duration_s=seconds))
    assert one == fingerprint(request(duration_s=float(seconds)))
    assert one != fingerprint(request(duration_s=seconds * 10))


@given(st.dictionaries(st.text(max_size=5), st.integers(), min_size=2, max_size=6))
def test_the_order_of_options_is_nothing(options: dict[str, int]) -> None:
    """A manifest that was tidied up asks for the same clip."""
    turned = dict(reversed(options.items()))
    assert fingerprint(request(options=options)) == fingerprint(request(options=turned))


@pytest.mark.parametrize(
    ("source", "is_url"),
    [("https://cdn.example/a.png", True), ("http://localhost/a.png", True), ("/home/ann/a.png", False)],
)
def test_a_url_is_told_from_a_path(source: str, is_url: bool) -> None:
    """Only what stands on another machine is left for the vendor to fetch."""
    assert ImageRef(role="first", source=source).is_url is is_url
