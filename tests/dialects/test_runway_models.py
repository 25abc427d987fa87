"""Runway's models beyond the first two: what each takes, what costs money by default, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from batchvid.dialects import DIALECTS
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import ImageInput, Rejected, Response
from batchvid.errors import Unsupported
from tests.builders import generation

FRAME = ImageInput(role="first", filename="", media_type="", url="https://example.com/a.jpg", width=1280, height=720)
REFERENCE = ImageInput(role="reference", filename="", media_type="", url="https://example.com/a.jpg")
SOURCE = "https://example.com/a.mp4"


def body(model: str, **fields: Any) -> dict[str, Any]:
    return dict(DIALECTS["runway"].submit(generation(**{"model": model, "prompt": "a kite", **fields})).json or {})


def test_sound_is_always_said() -> None:
    """The vendor's default where it costs nothing, silence where sound is charged, and what the manifest says."""
    assert body("seedance2", aspect_ratio="16:9")["audio"] is True
    assert body("veo3.1", aspect_ratio="16:9")["audio"] is False
    assert body("veo3.1", aspect_ratio="16:9", sound=True)["audio"] is True
    assert "audio" not in body("gen4.5", aspect_ratio="16:9")
    assert body("wan3", options={"audio": True})["audio"] is True


def test_an_edit_by_seedance_has_the_length_of_its_source() -> None:
    """Runway wants the word for it; an extension has a length of its own."""
    assert body("seedance2_5", action="edit", video=SOURCE)["duration"] == "auto"
    assert body("seedance2_5", action="extend", video=SOURCE, duration_s=6)["duration"] == 6


def test_a_model_that_is_newer_than_the_table_is_sent() -> None:
    """Its options pass as they are: Runway knows them."""
    said = body("gen9", aspect_ratio="16:9", options={"newField": 1})
    assert said == {"model": "gen9", "promptText": "a kite", "ratio": "1280:720", "newField": 1}


REFUSED = [
    ("gen4.5", {"options": {"outputFormat": "prores"}}, "options", "costs more"),
    ("gen4.5", {"options": {"cfgScale": 1}}, "options", "contentModeration"),
    ("gen4.5", {"aspect_ratio": ""}, "aspect_ratio", "is required"),
    ("gen4.5", {"resolution": "4k"}, "resolution", "720p"),
    ("veo3.1", {"resolution": "1281x720"}, "resolution", "1280x720"),
    ("veo3.1", {"images": (REFERENCE,)}, "reference_images", "does not support"),
    ("klingO3_pro", {"images": (REFERENCE,)}, "reference_images", "need `image` too"),
    ("seedance2", {"images": (REFERENCE,) * 10}, "reference_images", "at most 9"),
    ("seedance2_5", {"action": "edit", "video": SOURCE, "duration_s": 5}, "duration_s", "length of its source"),
    ("seedance2_5", {"action": "extend", "video": SOURCE}, "aspect_ratio", "of its source"),
    ("seedance2_5", {"options": {"draftTaskId": "x"}}, "options", "draftTaskId"),
    ("aleph2", {}, "action", "is required"),
    ("aleph2", {"video": SOURCE}, "action", "edit"),
    ("aleph2", {"action": "extend", "video": SOURCE}, "action", "edit"),
    ("gen4.5", {"action": "edit", "video": SOURCE}, "action", "does not support"),
    ("grok_imagine_1_5", {"aspect_ratio": "21:9"}, "aspect_ratio", "16:9"),
    ("kling_4", {"images": (FRAME,), "aspect_ratio": "1:1"}, "aspect_ratio", "fit: cover"),
]


@pytest.mark.parametrize(("model", "fields", "field", "reason"), REFUSED)
def test_what_a_model_does_not_take_is_refused(model: str, fields: dict[str, Any], field: str, reason: str) -> None:
    """Before anything is sent, with the manifest's word for it."""
    with pytest.raises(Unsupported) as refused:
        body(model, **{"aspect_ratio": "16:9", **fields})
    assert (refused.value.field, reason in refused.value.reason) == (field, True), refused.value


def test_the_daily_cap_is_no_short_wait() -> None:
    """The run stops for the day; the user's own words do not make a day of another refusal."""
    read = DIALECTS["runway"].read_submit
    capped = read(Response(status=429, body=b'{"error": "You have reached your daily task limit."}'))
    assert isinstance(capped, Rejected)
    assert (capped.kind, capped.retry_after_s) == (FailureKind.RATE, 86_400.0)
    quoted = b'{"error": "Too many requests for \\"a daily walk\\""}'
    other = read(Response(status=429, body=quoted), sent=generation(model="gen4.5", prompt="a daily walk"))
    assert isinstance(other, Rejected)
    assert other.retry_after_s is None
