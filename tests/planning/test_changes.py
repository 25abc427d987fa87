"""What a plan says about a changed request: each field with both values, short, on one line and without secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from batchvid.domain.clip_request import ImageRef, ImageRole
from batchvid.domain.job_spec import FallbackTarget
from batchvid.planning.changes import HIDDEN_CHANGE, describe_changes
from batchvid.state.codec import dump_spec, load_spec
from tests.builders import spec


def image(name: str, sha256: str, role: ImageRole = "first") -> ImageRef:
    """A picture file."""
    return ImageRef(role=role, source=f"/pictures/{name}", sha256=sha256 * 32)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ({"prompt": "a red mug"}, {"prompt": "a blue mug"}, 'prompt: "a red mug" -> "a blue mug"'),
        ({"duration_s": 4.0}, {"duration_s": 8.0}, "duration_s: 4 -> 8"),
        ({}, {"negative_prompt": "rain"}, 'negative_prompt: not set -> "rain"'),
        ({"sound": True}, {"sound": None}, "sound: true -> not set"),
        ({"model": "veo3"}, {"model": "veo3-fast"}, "model: veo3 -> veo3-fast"),
        ({"images": (image("a.jpg", "aa"),)}, {"images": (image("b.jpg", "bb"),)}, "image: a.jpg -> b.jpg"),
        ({"images": (image("a.jpg", "aa"),)}, {"images": (image("a.jpg", "bb"),)}, "image: a.jpg (changed)"),
        (
            {"images": (image("a.jpg", "aa", "reference"), image("b.jpg", "bb", "reference"))},
            {"images": (image("a.jpg", "aa", "reference"),)},
            "reference_images: a.jpg, b.jpg -> a.jpg",
        ),
        ({"options": {"a": 1, "b": 2}}, {"options": {"a": 1, "b": 3}}, "options.b: 2 -> 3"),
        ({"parent": "kite"}, {"parent": "boat"}, "parent: kite -> boat"),
        (
            {"parent": "kite", "parent_fingerprint": "1"},
            {"parent": "kite", "parent_fingerprint": "2"},
            "parent: kite (changed)",
        ),
        ({"prompt": "one\nline"}, {"prompt": "one\x9bline"}, r'prompt: "one\nline" -> "one\x9bline"'),
        ({"prompt": "a", "seed": 1}, {"prompt": "b", "seed": 2}, 'prompt: "a" -> "b"; seed: 1 -> 2'),
        ({}, {}, HIDDEN_CHANGE),
    ],
)
def test_each_changed_field_has_both_values(before: dict[str, Any], after: dict[str, Any], shown: str) -> None:
    assert describe_changes(spec(**before), spec(**after)) == shown


def test_of_long_texts_the_part_that_differs_is_shown() -> None:
    """With the words around it, so that it can be found."""
    scene = "A slow pan over the harbour at dawn, {} boats on the water, gulls above, soft light, film grain, 35 mm."
    shown = describe_changes(spec(prompt=scene.format("red")), spec(prompt=scene.format("white")))
    assert shown == 'prompt: "…at dawn, red boats on the w…" -> "…at dawn, white boats on the w…"'


@pytest.mark.parametrize(("before", "after"), [("x" * 5000, "y" * 6000), ("x" * 300, "x" * 600), ("a", "b" * 500)])
def test_the_line_stays_short(before: str, after: str) -> None:
    """Also where everything differs, or the same text is longer."""
    shown = describe_changes(spec(prompt=before), spec(prompt=after))
    assert len(shown) < 260
    assert before[:10] in shown
    assert after[:10] in shown


def test_a_fallback_is_no_change_of_the_model() -> None:
    """The job switched to another model; the manifest asks for the same one as before."""
    switched = replace(spec(model="sora-2", prompt="a"), instead_of=FallbackTarget("veo3-fast", "cometapi"))
    assert describe_changes(switched, spec(prompt="b")) == 'prompt: "a" -> "b"'


def test_links_are_compared_as_the_state_file_has_them() -> None:
    """Without their queries, which may sign them: neither is shown, and a new signature alone is no visible change."""
    old = spec(video="https://a.example/clip.mp4?Signature=one-secret", prompt="a")
    new = spec(video="https://a.example/clip.mp4?Signature=two-secret", prompt="b")
    moved = spec(video="https://b.example/clip.mp4?Signature=two-secret", prompt="a")
    stored = load_spec(dump_spec(old))
    assert describe_changes(stored, new) == 'prompt: "a" -> "b"'
    assert describe_changes(stored, replace(new, request=replace(new.request, prompt="a"))) == HIDDEN_CHANGE
    assert describe_changes(stored, moved) == (
        'video: "https://a.example/clip.mp4?..." -> "https://b.example/clip.mp4?..."'
    )
