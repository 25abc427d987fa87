"""Whatever an order says is bought or refused: no wire drops a wish, for the clip would be paid for and be wrong."""

from __future__ import annotations

from typing import Any

import pytest

from batchvid.dialects import DIALECTS
from batchvid.domain.wire import GenerationRequest, ImageInput, Parent, Request
from batchvid.errors import Unsupported
from tests.builders import with_fields
from tests.exchanges import Recording, load

SENT = [r for r in load(step="submit") if r.order]
LINK = "https://example.com/other.png"
WISHES: dict[str, Any] = {
    "prompt": "another prompt",
    "negative_prompt": "another rain",
    "duration_s": 6,
    "seed": 8,
    "sound": True,
    "mode": "pro",
    "action": "edit",
    "video": "https://example.com/other.mp4",
    "parent": Parent(task_id="other", vendor_metadata={"video_id": "other"}, link="https://example.com/parents.mp4"),
    "audio": "https://example.com/other.mp3",
}
ONE_FIELD = {("openrouter", "action")}
"""Wishes that a wire says with one field: `previous_job_id` edits or extends a clip, as the prompt asks."""


def more_than(order: GenerationRequest) -> dict[str, GenerationRequest]:
    """The order with one more wish, or with another value of one it has; one for every field and image role."""
    changed = {
        name: with_fields(order, **{name: value})
        for name, value in WISHES.items()
        if value != (order.parent if name == "parent" else getattr(order.request, name))
    }
    for role in ("first", "last", "reference"):
        for kind, image in {
            "link": ImageInput(role=role, filename="", media_type="", url=LINK),
            "file": ImageInput(
                role=role, filename="b.png", media_type="image/png", width=1280, height=720, data=b"other"
            ),
        }.items():
            changed[f"{role} {kind}"] = with_fields(order, images=(*order.images, image))
    return changed


def said_by(dialect: str, order: GenerationRequest) -> Request | None:
    """The request, None where it is refused."""
    try:
        return DIALECTS[dialect].submit(order)
    except Unsupported:
        return None


@pytest.mark.parametrize("recording", SENT, ids=lambda r: f"{r.dialect}/{r.case}")
def test_one_more_wish_is_refused_or_becomes_another_request(recording: Recording) -> None:
    """Every kind of order that was ever recorded, with anything else said as well, is never sent as it was."""
    assert recording.order is not None
    before = said_by(recording.dialect, recording.order)
    dropped = [
        wish
        for wish, order in more_than(recording.order).items()
        if (recording.dialect, wish) not in ONE_FIELD and said_by(recording.dialect, order) == before
    ]
    assert dropped == []
