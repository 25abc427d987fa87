"""Calling a task off: the vendor's own words where there are any, and no guess where there are none."""

from __future__ import annotations

import pytest

from batchvid.dialects import DIALECTS
from batchvid.domain.wire import Request, Response
from tests.builders import generation


def _cancel(dialect: str, task_id: str) -> Request | None:
    build = DIALECTS[dialect].cancel
    return build(generation(), task_id) if build else None


def test_the_words_of_each_wire() -> None:
    """Runway names its version; ids are encoded like in every other path."""
    assert _cancel("runway", "a/b") == Request(
        method="DELETE", path="/v1/tasks/a%2Fb", headers={"X-Runway-Version": "2024-11-06"}
    )
    for dialect in ("openai-videos", "vllm-omni"):
        assert _cancel(dialect, "video_1") == Request(method="DELETE", path="/v1/videos/video_1")


@pytest.mark.parametrize(
    "dialect", ["veo", "kling", "xai", "gateway", "newapi", "sglang", "litellm", "llmgateway", "openrouter"]
)
def test_a_wire_without_a_cancellation(dialect: str) -> None:
    """Nothing is sent where no source documents one."""
    assert DIALECTS[dialect].cancel is None


@pytest.mark.parametrize(("status", "done"), [(204, True), (200, True), (404, False), (409, False), (500, False)])
def test_only_a_clear_yes_is_one(status: int, done: bool) -> None:
    """A task that is not found may be finished and deleted, or somebody else's: that is no yes."""
    assert DIALECTS["runway"].is_cancelled(Response(status=status)) is done
