"""The words for work on other clips, and for fitting frames: from the YAML to the spec and its fingerprint."""

from __future__ import annotations

import pytest

from tests.manifest.conftest import Mistakes, Specs

CLIP = "https://cdn.example/a.mp4"


def test_an_action_on_another_clip(specs: Specs) -> None:
    """It needs no prompt and no image; ids of the vendor's stand under options, untouched."""
    text = f"""
clips:
  - {{id: longer, model: kling-v1-6, action: extend, options: {{task_id: "87", video_id: "f8"}}}}
  - {{id: snow, model: grok-imagine-video, action: edit, video: "{CLIP}", prompt: add snow}}
  - {{id: song, model: kling-v2-6, action: lip-sync, video: "{CLIP}", audio: "data:audio/mpeg;base64,AAAA"}}
"""
    found = specs(text)
    assert (found["longer"].request.action, found["longer"].request.options) == (
        "extend",
        {"task_id": "87", "video_id": "f8"},
    )
    assert (found["snow"].request.video, found["snow"].request.prompt) == (CLIP, "add snow")
    assert (found["song"].request.action, found["song"].request.audio) == ("lip-sync", "data:audio/mpeg;base64,AAAA")


def test_they_can_be_templates_and_axes(specs: Specs) -> None:
    """Filled in before they are checked, and a matrix may run over them."""
    text = """
vars: {where: "https://cdn.example"}
clips:
  - id: a
    model: m
    prompt: p
    video: "{{ where }}/{{ n }}.mp4"
    matrix: {n: [1, 2], action: [edit, extend]}
"""
    found = specs(text)
    assert {(one.request.action, one.request.video[-5:]) for one in found.values()} == {
        *(("edit", "1.mp4"), ("edit", "2.mp4"), ("extend", "1.mp4"), ("extend", "2.mp4")),
    }


def test_each_of_them_is_paid_for(specs: Specs) -> None:
    """Another action, clip, sound or fit is another clip; a field that says nothing is none."""
    base = "id: a, model: m, prompt: p"
    ways = ["", ", action: edit", f', video: "{CLIP}"', f', audio: "{CLIP}"', ", fit: cover", ", fit: stretch"]
    prints = [specs(f"clips: [{{{base}{way}}}]")["a"].fingerprint for way in ways]
    assert len(set(prints)) == len(ways)
    assert specs(f"clips: [{{{base}, action: null, fit: ~}}]")["a"].fingerprint == prints[0]


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        ('action: "{{ x }}"', "action: must be extend, edit, remix or lip-sync, not 'http://cdn.example/a'"),
        ('fit: "{{ x }}"', "fit: must be cover, contain or stretch, not 'http://cdn.example/a'"),
        ('video: "{{ x }}"', "video: must be an https:// address"),
        ('audio: "{{ x }}"', "audio: must be an https:// address, or the sound itself"),
        ('action: edit\n    video: "{{ nothing }}"', "video: is empty once it is filled in"),
    ],
)
def test_what_a_template_makes_is_checked_too(mistakes: Mistakes, made: str, problem: str) -> None:
    """A wrong word out of a column is told with its field, before anything is sent."""
    variables = 'vars: {x: "http://cdn.example/a", nothing: ""}'
    (found,) = mistakes(f"{variables}\nclips:\n  - id: a\n    model: m\n    prompt: p\n    {made}\n")
    assert f"a: {problem}" in found
