"""Options that change what is paid for are found in every spelling and at any depth; all others are left alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.dialects.common.option_words import WORDS, Paid, paid_options

PAID = [
    ({"sampleCount": 4}, "sampleCount", Paid.COUNT),
    ({"num_outputs": 4}, "num_outputs", Paid.COUNT),
    ({"NUM-VIDEOS": "2"}, "NUM-VIDEOS", Paid.COUNT),
    ({"number_of_videos": 2}, "number_of_videos", Paid.COUNT),
    ({"n": 2.0}, "n", Paid.COUNT),
    ({"\uff4e": 2}, "\uff4e", Paid.COUNT),  # a full-width n
    ({"batchSize": 0}, "batchSize", Paid.COUNT),
    ({"parameters": {"sampleCount": 2}}, "parameters.sampleCount", Paid.COUNT),
    ({"parameters[sampleCount]": 2}, "parameters[sampleCount]", Paid.COUNT),
    ({"extra_body": {"input": [{"n": 3}]}}, "extra_body.input[0].n", Paid.COUNT),
    ({"metadata": '{"n": 3}'}, "metadata.n", Paid.COUNT),
    ({"durationSeconds": 60}, "durationSeconds", Paid.LENGTH),
    ({"input": {"duration": 10}}, "input.duration", Paid.LENGTH),
    ({"VIDEO_LENGTH": "10s"}, "VIDEO_LENGTH", Paid.LENGTH),
    ({"num_frames": 240}, "num_frames", Paid.FRAMES),
    ({"fps": 60}, "fps", Paid.FRAMES),
    ({"resolution": "4k"}, "resolution", Paid.SIZE),
    ({"outputResolution": "4k"}, "outputResolution", Paid.SIZE),
    ({"size": "3840x2160"}, "size", Paid.SIZE),
    ({"aspectRatio": "1:1"}, "aspectRatio", Paid.SHAPE),
    ({"generate_audio": True}, "generate_audio", Paid.SOUND),
    ({"sound": "on"}, "sound", Paid.SOUND),
    ({"mode": "pro"}, "mode", Paid.MODE),
    ({"extra_body": {"model": "veo3.1"}}, "extra_body.model", Paid.MODEL),
    ({"modelName": "kling-v2-master"}, "modelName", Paid.MODEL),
]

FREE: list[dict[str, Any]] = [
    {"cfg_scale": 0.5},
    {"n": 1},
    {"n": "1"},
    {"sampleCount": None},
    {"num_inference_steps": 50},
    {"videos": ["https://example.com/a.mp4"]},
    {"audio": "https://example.com/a.mp3"},
    {"audio": {"url": "https://example.com/a.mp3"}},
    {"audio_urls": ["https://example.com/a.mp3"]},
    {"frames": ["https://example.com/a.png"]},
    {"camera_control": {"mode": "down_back", "config": {"zoom": 4, "length": 3}}},
    {"watermark": {"size": 12}},
    {"multi_prompt": [{"index": 1, "prompt": "a kite", "duration": "5"}]},
    {"expires_after_seconds": 3600},
    {"start_seconds": 2},
    {"discount": 2, "account": 4711},
    {"person_generation": "allow_adult"},
    {"voice_id": "v", "voice_language": "en"},
    {"note": "{not JSON"},
]


@pytest.mark.parametrize(("options", "path", "meaning"), PAID)
def test_a_paid_option_is_found(options: dict[str, Any], path: str, meaning: Paid) -> None:
    """With its path from the outside in, and the manifest's key for it."""
    assert [(found.path, found.meaning) for found in paid_options(options)] == [(path, meaning)]


@pytest.mark.parametrize("options", FREE, ids=str)
def test_other_options_are_left_alone(options: dict[str, Any]) -> None:
    """A count of one, an input, a feature with settings of its own, and every other field of a vendor."""
    assert list(paid_options(options)) == []


COUNTS = st.sampled_from(sorted(WORDS[Paid.COUNT] | {"samplecount", "numresults", "videocount"}))


@given(COUNTS, st.data())
def test_no_spelling_hides_a_count(word: str, data: st.DataObject) -> None:
    """Upper and lower case, separators between any letters, and any generic container around it."""
    letters = [
        data.draw(st.sampled_from([char, char.upper()])) + data.draw(st.sampled_from(["", "_", "-", " "]))
        for char in word
    ]
    options: dict[str, Any] = {"".join(letters): data.draw(st.sampled_from([2, "4", 8.0]))}
    for container in data.draw(
        st.lists(st.sampled_from(["extra_body", "metadata", "input", "parameters"]), max_size=4)
    ):
        options = {container: [options] if data.draw(st.booleans()) else options}
    (found,) = paid_options(options)
    assert found.meaning is Paid.COUNT


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_any_options_can_be_searched(value: Any) -> None:
    """Nothing that JSON can hold raises."""
    list(paid_options({"x": value}))
