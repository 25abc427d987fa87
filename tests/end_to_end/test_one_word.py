"""A model is one word of the manifest: changed, nothing else needs to change, and every clip is stored."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import PICTURES, Bench

CLIPS = f"""
  - id: kite
    prompt: A paper kite above a {{{{ field }}}} field
    matrix: {{field: [wheat, poppy], aspect_ratio: [16:9, 9:16], duration_s: [5, 8]}}
    exclude: [{{field: poppy, duration_s: 8}}, {{field: wheat, aspect_ratio: 9:16}}]
  - id: harbour
    prompt: slow push-in, morning light
    image: '{PICTURES / "harbour.jpg"}'
    fit: cover
    aspect_ratio: 16:9
"""
JOBS = 4 + 1


@pytest.mark.parametrize(
    ("model", "seconds"),
    [
        ("veo3-fast", {4, 6, 8}),
        ("kling-v2-6", {5, 10}),
        ("grok-imagine-video", {4, 5, 8}),
        ("sora-2", {4, 8}),
        ("doubao-seedance-2-0-fast", {4, 5, 8}),
    ],
)
def test_another_model_needs_no_other_change(bench: Bench, model: str, seconds: set[float]) -> None:
    """The same prompts, image, lengths and ratios with only `model` changed: all stored, at lengths that it sells."""
    bench.write(CLIPS)
    ended = bench.run("--set", f"defaults.model={model}", "--allow-retired")
    assert ended.code == 0, ended.out + ended.err
    rows = bench.rows()
    assert [(row["state"], row["model"]) for row in rows] == [("succeeded", model)] * JOBS
    assert {float(row["clip_s"]) for row in rows} <= seconds
    for row in rows:
        is_upright = int(row["height"]) > int(row["width"])
        assert is_upright == (row["var.aspect_ratio"] == "9:16")
    assert bench.emulator.ledger()["purchases"] == JOBS
