"""Unwrap a reply: its layers from the outside in, its task id and its status words. Shared by submits and polls.

The tags E1-E7 of the envelopes are those of tests/exchanges/README.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batchvid.dialects.common.json_values import Path, dig, identifier, text

ID_PLACES: tuple[Path, ...] = (("data", "task_id"), ("id",), ("task_id",))
"""Where a task id stands, in order. Kling's own `request_id` is a trace id and never the task's."""


def unwrap(document: dict[str, Any] | None) -> tuple[dict[str, Any], ...]:
    """List a reply's layers from the outside in: each `data` object stands inside the one before."""
    layers: list[dict[str, Any]] = []
    layer: object = document
    while isinstance(layer, dict):
        layers.append(layer)
        layer = layer.get("data")
    return tuple(layers)


def find_task_id(document: dict[str, Any] | None, places: Sequence[Path] = ID_PLACES) -> str:
    """Find the task id. `data.id` comes last and only as a string: as a number it is a gateway's database row."""
    found = next(filter(None, (identifier(dig(document, place)) for place in places)), "")
    row = dig(document, ("data", "id"))
    return found or (identifier(row) if isinstance(row, str) else "")


def status_words(layers: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Collect the status words from the outside in. A number in their place is some HTTP status, not ours."""
    values = (layer.get(key) for layer in layers for key in ("status", "task_status"))
    return tuple(text(word, 80) for word in values if isinstance(word, str) and word.strip())


def each(layers: Iterable[Mapping[str, Any]], path: Path) -> Iterable[object]:
    """Yield what stands at `path` in each layer, None where nothing does."""
    return (dig(layer, path) for layer in layers)
