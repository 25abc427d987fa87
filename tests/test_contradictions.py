"""Where the pages of the vendors contradict each other, both sides are recorded, and the dialects read both.

tests/emulator/test_recordings.py brings the emulator to answer like both.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from batchvid.dialects import DIALECTS
from batchvid.domain.wire import Rejected, Status
from tests.exchanges import Recording, load


class Side(NamedTuple):
    """What one page says, how a client must read it, and the recordings that show it."""

    claim: str
    verdict: str
    names: tuple[str, ...]


CONTRADICTIONS: dict[str, tuple[Side, Side]] = {
    "success on /v1/videos": (
        Side("succeeded", "succeeded", ("veo/poll-ready-output-list", "newapi/poll-ready-simple")),
        Side(
            "completed, SUCCESS", "succeeded", ("veo/poll-ready-video-url", "gateway/poll-ready", "seedance/poll-ready")
        ),
    ),
    "failure words": (
        Side("failed, cancelled", "failed", ("veo/poll-failed-without-message", "openai-videos/poll-cancelled")),
        Side(
            "error, FAILED, ERROR, FAILURE",
            "failed",
            (
                "veo/poll-failed-error-word",
                "seedance/poll-failed",
                "seedance/poll-failed-internal",
                "newapi/poll-failed-text-for-link",
            ),
        ),
    ),
    "Veo's result": (
        Side("output[0]", "succeeded", ("veo/poll-ready-output-list",)),
        Side("video_url", "succeeded", ("veo/poll-ready-video-url",)),
    ),
    "case of Runway's words": (
        Side("lower", "succeeded", ("runway/poll-ready-lower-case",)),
        Side("upper", "succeeded", ("runway/poll-ready",)),
    ),
    "polls of Runway and xAI": (
        Side("bare", "succeeded", ("runway/poll-ready", "xai/poll-ready")),
        Side("wrapped", "succeeded", ("runway/poll-ready-wrapped", "xai/poll-ready-wrapped-fail-reason")),
    ),
    "task_not_exist": (
        Side("a status under HTTP 200", "unseen", ("runway/poll-unseen-status-200",)),
        Side(
            "a message under HTTP 400",
            "unseen",
            ("openai-videos/poll-unseen-message-400", "runway/poll-unseen-message-400"),
        ),
    ),
    "encoding of /v1/videos": (
        Side("multipart", "accepted", ("veo/submit-text", "videos/submit-text")),
        Side("urlencoded, JSON", "accepted", ("veo/submit-urlencoded", "videos/submit-json")),
    ),
    "Sora's seconds": (
        Side("4, 8, 12", "accepted", ("openai-videos/submit-text",)),
        Side("16, 20 too", "accepted", ("openai-videos/submit-sixteen-seconds",)),
    ),
    "Sora's default size": (
        Side("720x1280", "accepted", ("openai-videos/submit-portrait",)),
        Side("1280x720", "accepted", ("openai-videos/submit-text",)),
    ),
    "Sora's clip": (
        Side("content route only", "succeeded", ("openai-videos/poll-ready-content-only",)),
        Side("a link in the object", "succeeded", ("openai-videos/poll-ready-link-then-content",)),
    ),
    "Seedance's size": (
        Side("a ratio", "accepted", ("seedance/submit-text",)),
        Side("pixels", "accepted", ("seedance/submit-exact-size", "seedance/submit-references-in-pixels")),
    ),
    "case of Seedance's words": (
        Side("upper", "succeeded", ("seedance/poll-ready",)),
        Side("lower", "succeeded", ("seedance/poll-ready-lower-case",)),
    ),
    "Kling's number of images": (
        Side("2 to 4", "accepted", ("kling/submit-references",)),
        Side("1 to 4", "accepted", ("kling/submit-one-reference",)),
    ),
    "Kling's extend": (
        Side("video_id", "accepted", ("kling/submit-extend-by-video-id",)),
        Side("task_id and video_id", "accepted", ("kling/submit-extend",)),
    ),
    "Kling's prompts": (
        Side("500 characters", "invalid", ("kling/submit-refused-prompt-over-500",)),
        Side("2500 characters", "accepted", ("kling/submit-prompt-over-500",)),
    ),
    "Kling's ratios": (
        Side("seven", "accepted", ("kling/submit-ratio-of-cometapi",)),
        Side("three", "invalid", ("kling/submit-refused-ratio",)),
    ),
    "Kling's ids and durations": (
        Side("text", "accepted", ("kling/submit-text",)),
        Side("numbers", "accepted", ("kling/submit-number-for-string", "gateway/submit-kling-text")),
    ),
    "xAI's default length": (
        Side("8", "accepted", ("xai/submit-text",)),
        Side("1", "accepted", ("xai/submit-square",)),
    ),
    "xAI's default ratio": (
        Side("1:1", "accepted", ("xai/submit-square",)),
        Side("16:9", "accepted", ("xai/submit-text",)),
    ),
    "remix": (
        Side("there is one", "accepted", ("openai-videos/submit-remix",)),
        Side("not exposed", "invalid", ("gateway/submit-remix-not-exposed",)),
    ),
    "HTTP of an accepted submit": (
        Side("200", "accepted", ("veo/submit-text", "gateway/submit-text")),
        Side("201, 202", "accepted", ("gateway/submit-accepted-201", "openai-videos/submit-portrait")),
    ),
    "HTTP of an unknown task": (
        Side("400", "unseen", ("veo/poll-unseen-400", "seedance/poll-unseen-400")),
        Side("404", "unseen", ("veo/poll-unseen-404", "runway/poll-unseen-404", "kling/poll-unseen-1203")),
    ),
    "a wrong path": (
        Side("404", "invalid", ("veo/submit-wrong-path-web-page", "openai-videos/poll-web-page-404")),
        Side("301", "invalid", ("veo/submit-redirected", "openai-videos/poll-redirected")),
    ),
    "a create after a 5xx": (
        Side("to be retried", "uncertain", ("veo/submit-gateway-timeout-524", "kling/submit-maintenance-503")),
        Side(
            "may be bought twice",
            "uncertain",
            ("gateway/submit-do-request-failed", "seedance/submit-gateway-timeout-504"),
        ),
    ),
    "created_at": (
        Side("seconds", "accepted", ("openai-videos/submit-gateway-both-ids", "veo/submit-text")),
        Side("milliseconds", "accepted", ("openai-videos/submit-gateway-milliseconds", "gateway/submit-sora-text")),
    ),
}

RECORDINGS = {f"{recording.dialect}/{recording.case}": recording for recording in load()}
SIDES = [pytest.param(side, id=f"{topic}: {side.claim}") for topic, both in CONTRADICTIONS.items() for side in both]


def verdict(recording: Recording) -> str:
    """The phase of a task, the kind of a refusal, else `accepted` or `uncertain`."""
    dialect = DIALECTS[recording.dialect]
    if recording.step == "submit":
        read = dialect.read_submit(recording.response)
        return read.kind.value if isinstance(read, Rejected) else type(read).__name__.casefold()
    polled = dialect.read_poll(recording.response, recording.task_id)
    return polled.phase.value if isinstance(polled, Status) else polled.kind.value


@pytest.mark.parametrize("side", SIDES)
def test_each_side_is_read(side: Side) -> None:
    """Whichever page is right, its replies have one meaning; a create after a 5xx is uncertain, whatever is advised."""
    assert {name: verdict(RECORDINGS[name]) for name in side.names} == dict.fromkeys(side.names, side.verdict)
