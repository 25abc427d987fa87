"""The fingerprint: it moves with what is paid for and with nothing else, and means the same after an upgrade."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.domain.job_spec import ImageRef, fingerprint

SAID: dict[str, Any] = {
    "model": "veo3-fast",
    "prompt": "a paper kite",
    "negative_prompt": "rain",
    "images": (("first", "ab" * 32), ("last", "https://cdn.example/b.png")),
    "duration_s": 8.0,
    "aspect_ratio": "16:9",
    "resolution": "720p",
    "seed": 7,
    "sound": True,
    "mode": "pro",
    "options": {"camera_control": {"type": "down_back"}},
}
OTHERWISE: dict[str, Any] = {
    "model": "veo3.1",
    "prompt": "a paper kite.",
    "negative_prompt": "",
    "images": (("last", "ab" * 32), ("first", "https://cdn.example/b.png")),
    "duration_s": 6,
    "aspect_ratio": "9:16",
    "resolution": "",
    "seed": 0,
    "sound": False,
    "mode": "std",
    "options": {"camera_control": {"type": "up"}},
}
LATER: dict[str, Any] = {
    "fit": "cover",
    "action": "extend",
    "video": "https://cdn.example/a.mp4",
    "audio": "https://cdn.example/a.mp3",
}


@pytest.mark.parametrize("name", LATER)
def test_a_field_that_came_later_moves_it_only_when_it_is_said(name: str) -> None:
    """Clips that were bought before the field existed are still the same."""
    assert fingerprint(**SAID, **dict[str, Any]({name: ""})) == fingerprint(**SAID)
    assert fingerprint(**SAID, **{name: LATER[name]}) != fingerprint(**SAID)


@pytest.mark.parametrize("name", SAID)
def test_each_paid_field_moves_it(name: str) -> None:
    """A change of anything that is paid for is a change of the clip."""
    assert fingerprint(**SAID) != fingerprint(**{**SAID, name: OTHERWISE[name]})


def test_it_means_the_same_for_ever() -> None:
    """These digests were made once and stand: if one moves, every stored clip would look changed."""
    assert fingerprint(model="veo3-fast", prompt="a paper kite") == "f1:44d9214861171791357ba4035901e247"
    assert fingerprint(**SAID) == "f1:e61a70703bcd72c36e6840e40b4043b2"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(prompt=TEXTS, seed=st.integers(0, 2**63 - 1), pair=st.tuples(TEXTS, TEXTS), sound=st.booleans())
def test_it_is_the_digest_of_the_standard_librarys_json(
    prompt: str, seed: int, pair: tuple[str, str], sound: bool
) -> None:
    """Whatever writes the JSON, now or later: sorted keys, no blanks, no escapes but the needed ones."""
    said = {"model": "m", "prompt": prompt, "seed": seed, "images": [list(pair)], "sound": sound, "duration_s": "8"}
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = f"f1:{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    assert digest == fingerprint(model="m", prompt=prompt, seed=seed, images=(pair,), sound=sound, duration_s=8)


@pytest.mark.parametrize(
    "nothing",
    [
        {"negative_prompt": ""},
        {"images": ()},
        {"duration_s": None},
        {"seed": None},
        {"sound": None},
        {"action": "", "video": "", "audio": ""},
        {"options": {}},
        {"options": None},
    ],
)
def test_what_says_nothing_does_not_enter(nothing: dict[str, Any]) -> None:
    """A field that is empty and one that is not there are the same."""
    assert fingerprint(model="m", prompt="p") == fingerprint(model="m", prompt="p", **nothing)


@pytest.mark.parametrize(("name", "value"), [("seed", 0), ("sound", False), ("duration_s", 0.0)])
def test_a_zero_says_something(name: str, value: Any) -> None:
    """Seed 0 and sound off are wishes, not the absence of one."""
    assert fingerprint(model="m", prompt="p") != fingerprint(model="m", prompt="p", **{name: value})


@given(st.integers(1, 3600))
def test_a_duration_is_a_number_however_written(seconds: int) -> None:
    """8 and 8.0 seconds are one wish, and 80 is another than 8."""
    assert fingerprint(model="m", prompt="p", duration_s=seconds) == fingerprint(
        model="m", prompt="p", duration_s=float(seconds)
    )
    assert fingerprint(model="m", prompt="p", duration_s=seconds) != fingerprint(
        model="m", prompt="p", duration_s=seconds * 10
    )


@given(st.dictionaries(st.text(max_size=5), st.integers(), min_size=2, max_size=6))
def test_the_order_of_options_is_nothing(options: dict[str, int]) -> None:
    """A manifest that was tidied up asks for the same clip."""
    turned = dict(reversed(options.items()))
    assert fingerprint(model="m", prompt="p", options=options) == fingerprint(model="m", prompt="p", options=turned)


@pytest.mark.parametrize(
    ("source", "is_url"),
    [("https://cdn.example/a.png", True), ("http://localhost/a.png", True), ("/home/ann/a.png", False)],
)
def test_a_url_is_told_from_a_path(source: str, is_url: bool) -> None:
    """Only what stands on another machine is left for the vendor to fetch."""
    assert ImageRef(role="first", source=source).is_url is is_url
