"""How a task ends that the vendor accepted. These faults last as long as the run."""

from __future__ import annotations

from typing import Any

from tests.faults.fault import QUOTING, STORED, Ending, Fault, failed, rules

TASK = "the task"


def _task(name: str, action: Any, ends: Ending, **more: Any) -> Fault:
    return Fault(name=name, group=TASK, rules=rules("submit", action), ends=ends, **more)


FILTERED = failed("moderation_output")
SUSPECTED = failed("moderation_suspected")
WORDLESS = dict.fromkeys(
    ("kling", "kling-new", "newapi", "sglang", "vllm-omni", "gemini-veo", "luma", "vertex-veo"), failed("unavailable")
) | {"minimax-v1": SUSPECTED}
"""Wire formats without a word of their own for it: the task just failed, with a message or without one."""
NUMBERED = dict.fromkeys(("gemini-veo", "vertex-veo", "vllm-omni", "fal", "comfy-router"), failed("unavailable"))
"""Google's operations have a number, vLLM-Omni's polls an HTTP status, fal's results a type: that is a reason."""
CALLED_OFF = dict.fromkeys(("gemini-veo", "vertex-veo"), failed("cancelled"))
CODELESS = {"outcome": "fail", "code": "task_failed"}
TASKS = (
    _task("failed", {"outcome": "fail", "message": "the renderer broke"}, failed("unavailable")),
    _task("failed, quoting secrets", {"outcome": "fail", "message": QUOTING}, failed("unavailable")),
    _task("failed without a message", {"outcome": "fail_silent"}, SUSPECTED, but=NUMBERED),
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
        but=dict.fromkeys(
            (
                *("kling", "kling-new", "xai", "gemini-veo", "luma", "vertex-veo", "replicate"),
                *("ark", "minimax-v1", "dashscope"),
            ),
            FILTERED,
        )
        | {"gemini": SUSPECTED},
    ),
    _task("moderated, in the message only", {**CODELESS, "message": "violates our content policy"}, FILTERED),
    _task(
        "no slot as a reason", {**CODELESS, "message": "parallel task over resource pack limit"}, failed("concurrency")
    ),
    _task("the picture is unfit", {**CODELESS, "message": "the input image is too small"}, failed("invalid")),
    _task("error", {"outcome": "error"}, failed("unavailable")),
    _task(
        "cancelled",
        {"outcome": "cancelled"},
        failed("cancelled"),
        but=WORDLESS | CALLED_OFF,
    ),
    _task(
        "expired",
        {"outcome": "expired"},
        failed("expired"),
        but=WORDLESS
        | dict.fromkeys(("gemini", "minimax", "dashscope"), SUSPECTED)
        | dict.fromkeys(("runway", "ark", "fal", "comfy-router"), failed("unavailable"))  # it was not started in time
        | {"replicate": failed("cancelled")},  # aborted
    ),
    _task("stuck in the queue", {"outcome": "stuck"}, failed("timeout"), dials={"timeout_s": 0.2}),
    _task("an unknown word forever", {"outcome": "unknown_word"}, failed("timeout"), dials={"timeout_s": 0.2}),
    _task("progress going backwards", {"outcome": "progress_backwards"}, STORED),
    _task("progress 100 while running", {"outcome": "progress_100_running"}, STORED),
)
