"""Where the vendors' pages contradict each other, both sides are recorded, and both judges read them.

The topics are those of the wire facts, in their order: what one source says, what another says, and the recordings.
"""

from __future__ import annotations

import pytest

from tests.emulator.reply_scripts import REPLY_SCRIPTS
from tests.emulator.test_recordings import alone
from tests.exchanges import load

Side = tuple[str, ...]

CONTRADICTIONS: dict[str, tuple[tuple[str, Side], tuple[str, Side]]] = {
    "success on /v1/videos": (
        ("succeeded", ("veo/poll-ready-output-list", "newapi/poll-ready-simple")),
        ("completed, SUCCESS", ("veo/poll-ready-video-url", "gateway/poll-ready", "seedance/poll-ready")),
    ),
    "failure words": (
        ("failed, cancelled", ("veo/poll-failed-without-message", "openai-videos/poll-cancelled")),
        (
            "error, FAILED, ERROR, FAILURE",
            (
                *("veo/poll-failed-error-word", "seedance/poll-failed", "seedance/poll-failed-internal"),
                "newapi/poll-failed-text-for-link",
            ),
        ),
    ),
    "Veo's result": (
        ("output[0]", ("veo/poll-ready-output-list",)),
        ("video_url", ("veo/poll-ready-video-url",)),
    ),
    "case of Runway's words": (
        ("lower", ("runway/poll-ready-lower-case",)),
        ("upper", ("runway/poll-ready", "runway/poll-running")),
    ),
    "polls of Runway and xAI": (
        ("bare", ("runway/poll-ready", "xai/poll-ready", "xai/poll-running")),
        (
            "wrapped",
            (
                *("runway/poll-queued-wrapped", "runway/poll-ready-wrapped", "xai/poll-running-wrapped"),
                "xai/poll-ready-wrapped-fail-reason",
            ),
        ),
    ),
    "task_not_exist": (
        ("a status under HTTP 200", ("runway/poll-unseen-status-200",)),
        ("a message under HTTP 400", ("openai-videos/poll-unseen-message-400", "runway/poll-unseen-message-400")),
    ),
    "encoding of /v1/videos": (
        ("multipart", ("veo/submit-text", "videos/submit-text")),
        ("urlencoded, JSON", ("veo/submit-urlencoded", "videos/submit-json")),
    ),
    "Sora's seconds": (
        ("4, 8, 12", ("openai-videos/submit-text",)),
        ("16, 20 too", ("openai-videos/submit-sixteen-seconds",)),
    ),
    "Sora's default size": (
        ("720x1280", ("openai-videos/submit-portrait",)),
        ("1280x720", ("openai-videos/submit-text",)),
    ),
    "Sora's clip": (
        ("content route only", ("openai-videos/poll-ready-content-only",)),
        ("a link in the object", ("openai-videos/poll-ready-link-then-content",)),
    ),
    "Seedance's size": (
        ("a ratio", ("seedance/submit-text",)),
        ("pixels", ("seedance/submit-exact-size", "seedance/submit-references-in-pixels")),
    ),
    "case of Seedance's words": (
        ("upper", ("seedance/poll-ready", "seedance/poll-running")),
        ("lower", ("seedance/poll-ready-lower-case",)),
    ),
    "Kling's number of images": (
        ("2 to 4", ("kling/submit-references",)),
        ("1 to 4", ("kling/submit-one-reference",)),
    ),
    "Kling's extend": (
        ("video_id", ("kling/submit-extend-by-video-id",)),
        ("task_id and video_id", ("kling/submit-extend",)),
    ),
    "Kling's prompts": (
        ("500 characters", ("kling/submit-refused-prompt-over-500",)),
        ("2500 characters", ("kling/submit-prompt-over-500",)),
    ),
    "Kling's ratios": (
        ("seven", ("kling/submit-ratio-of-cometapi",)),
        ("three", ("kling/submit-refused-ratio",)),
    ),
    "Kling's ids and durations": (
        ("text", ("kling/submit-text", "kling/poll-ready")),
        ("numbers", ("kling/submit-number-for-string", "gateway/submit-kling-text")),
    ),
    "xAI's default length": (("8", ("xai/submit-text",)), ("1", ("xai/submit-square",))),
    "xAI's default ratio": (("1:1", ("xai/submit-square",)), ("16:9", ("xai/submit-text",))),
    "remix": (
        ("there is one", ("openai-videos/submit-remix",)),
        ("not exposed", ("gateway/submit-remix-not-exposed",)),
    ),
    "HTTP of an accepted submit": (
        ("200", ("veo/submit-text", "gateway/submit-text")),
        ("201, 202", ("gateway/submit-accepted-201", "openai-videos/submit-portrait")),
    ),
    "HTTP of an unknown task": (
        ("400", ("veo/poll-unseen-400", "seedance/poll-unseen-400")),
        ("404", ("veo/poll-unseen-404", "runway/poll-unseen-404", "kling/poll-unseen-1203")),
    ),
    "a wrong path": (
        ("404", ("veo/submit-wrong-path-web-page", "openai-videos/poll-web-page-404")),
        ("301", ("veo/submit-redirected", "openai-videos/poll-redirected")),
    ),
    "a create after a 5xx": (
        ("to be retried", ("veo/submit-gateway-timeout-524", "kling/submit-maintenance-503")),
        ("may be bought twice", ("gateway/submit-do-request-failed", "seedance/submit-gateway-timeout-504")),
    ),
    "created_at": (
        ("seconds", ("openai-videos/submit-gateway-both-ids", "veo/submit-text")),
        ("milliseconds", ("openai-videos/submit-gateway-milliseconds", "gateway/submit-sora-text")),
    ),
}

SIDES = [
    pytest.param(said, names, id=f"{topic}: {said}") for topic, both in CONTRADICTIONS.items() for said, names in both
]


@pytest.mark.parametrize(("said", "names"), SIDES)
def test_each_side_is_recorded_and_judged(said: str, names: Side) -> None:
    """Its recordings exist, so that their dialects are judged by them, and the emulator is brought to answer so."""
    recorded = {f"{recording.dialect}/{recording.case}" for recording in load()}
    played = {*REPLY_SCRIPTS, *(f"{case.values[0]['dialect']}/{case.values[0]['case']}" for case in alone())}
    assert said
    assert names
    assert [name for name in names if name not in recorded] == []
    assert [name for name in names if name not in played] == []


def test_a_create_is_never_retried_after_a_5xx() -> None:
    """Whatever a page advises: the dialects read every such answer as uncertain, on both sides."""
    by_name = {f"{recording.dialect}/{recording.case}": recording for recording in load(step="submit")}
    names = [name for _, side in CONTRADICTIONS["a create after a 5xx"] for name in side]
    assert all("uncertain" in by_name[name].means for name in names)


@pytest.mark.parametrize("topic", CONTRADICTIONS)
def test_the_two_sides_are_not_the_same(topic: str) -> None:
    """No recording stands for both sides."""
    (_, one), (_, other) = CONTRADICTIONS[topic]
    assert set(one).isdisjoint(other)
