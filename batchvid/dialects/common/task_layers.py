"""Unwraps a poll reply: its layers, and the words in them that tell where the task stands.

Beside the `data` of every envelope it knows the objects that hold a task: DashScope's `output`, MiniMax's `task`,
Google's `response`, Kling's new wire with its list of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from batchvid.dialects.common.json_values import text

INNER = ("data", "task", "output", "response", "generateVideoResponse", "result", "Resp")
"""Where a layer stands inside another, in order."""

STATUS_KEYS = ("status", "task_status", "state", "taskStatus")
NESTED_STATUS_KEYS = ("phase", "state", "status", "value", "name", "status_str")  # a Kubernetes-like server, ComfyUI
SUCCESS_FLAGS = {0: "generating", 1: "success", 2: "failed", 3: "failed"}  # kie.ai's `successFlag`
PIXVERSE_STATUSES = {1: "success", 5: "generating", 6: "deleted", 7: "content_moderated", 8: "failed"}  # in its `Resp`
MAX_LAYERS = 4000


def task_layers(document: dict[str, Any] | None) -> tuple[dict[str, Any], ...]:
    """List a reply's layers from the outside in."""
    layers: list[dict[str, Any]] = []
    waiting: list[object] = [document]
    while waiting and len(layers) < MAX_LAYERS:
        layer = waiting.pop()
        if isinstance(layer, list) and len(layer) == 1:
            layer = layer[0]
        if isinstance(layer, dict):
            layers.append(layer)
            waiting += [layer.get(key) for key in reversed(INNER)]
    return tuple(layers)


def task_words(layers: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Collect the status words from the outside in. A number in their place is some HTTP status, but PixVerse's."""
    found = list(layers)
    if any("ErrCode" in layer for layer in found):
        return tuple(word for layer in found for word in _words(layer) or _pixverse(layer))
    return tuple(word for layer in found for word in _words(layer))


def _pixverse(layer: Mapping[str, Any]) -> list[str]:
    status = layer.get("status")
    return [PIXVERSE_STATUSES[status]] if isinstance(status, int) and status in PIXVERSE_STATUSES else []


def _words(layer: Mapping[str, Any]) -> list[str]:
    words_found: list[str] = []
    for key in STATUS_KEYS:
        value = layer.get(key)
        if isinstance(value, dict):
            value = next((value[inner] for inner in NESTED_STATUS_KEYS if isinstance(value.get(inner), str)), None)
        if isinstance(value, str) and value.strip():
            words_found.append(text(value, 80))
    return words_found or _flags(layer)


def _flags(layer: Mapping[str, Any]) -> list[str]:
    """Read a layer without a word: Google's `done` with or without an `error`, kie.ai's `successFlag`."""
    done, flag = layer.get("done"), layer.get("successFlag")
    if isinstance(done, bool):
        return ["failed" if done and layer.get("error") else "done" if done else "running"]
    if isinstance(flag, int) and not isinstance(flag, bool) and flag in SUCCESS_FLAGS:
        return [SUCCESS_FLAGS[flag]]
    return []
