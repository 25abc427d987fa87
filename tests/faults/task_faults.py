"""How a task ends that the vendor accepted. These faults last as long as the run."""

from __future__ import annotations

from typing import Any

from tests.faults.fault import QUOTING, STORED, Ending, Fault, failed, rules

TASK = "the task"


def _task(name: str, action: Any, ends: Ending, **more: Any) -> Fault:
    return Fault(name=name, group=TASK, rules=rules("submit", action), ends=ends, **more)


FILTERED = failed("moderation_output")
WORDLESS = dict.fromkeys(("kling", "kling-new", "newapi"), failed("unavailable"))
"""Wire formats without a word of their own for it: the task just failed."""
CODELESS = {"outcome": "fail", "code": "task_failed"}
TASKS = (
    _task("failed", {"outcome": "fail", "message": "the renderer broke"}, failed("unavailable")),
    _task("failed, quoting secrets", {"outcome": "fail", "message": QUOTING}, failed("unavailable")),
    _task("failed without a message", {"outcome": "fail_silent"}, failed("moderation_suspected")),
    _task(
        "failed without a message, at a server without a filter",
        {"outcome": "fail_silent"},
        failed("unavailable"),
        dials={"moderates": False},
    ),
    _task(
        "moderated, in each vendor's own form",
        {"outcome": "moderation"},
        failed("moderation_input"),
        but=dict.fromkeys(("kling", "kling-new", "xai"), FILTERED),
    ),
    _task("moderated, in the message only", {**CODELESS, "message": "violates our content policy"}, FILTERED),
    _task(
        "no slot as a reason", {**CODELESS, "message": "parallel task over resource pack limit"}, failed("concurrency")
    ),
    _task("the picture is unfit", {**CODELESS, "message": "the input image is too small"}, failed("invalid")),
    _task("error", {"outcome": "error"}, failed("unavailable")),
    _task("cancelled", {"outcome": "cancelled"}, failed("cancelled"), but=WORDLESS),
    _task(
        "expired",
        {"outcome": "expired"},
        failed("expired"),
        but=WORDLESS | {"runway": failed("unavailable")},
    ),
    _task("stuck in the queue", {"outcome": "stuck"}, failed("timeout"), dials={"timeout_s": 0.2}),
    _task("an unknown word forever", {"outcome": "unknown_word"}, failed("timeout"), dials={"timeout_s": 0.2}),
    _task("progress going backwards", {"outcome": "progress_backwards"}, STORED),
    _task("progress 100 while running", {"outcome": "progress_100_running"}, STORED),
)
