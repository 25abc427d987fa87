"""Finds the code and the sentence with which a vendor explains a failed task, wherever they stand in its reply."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.json_values import Path, dig, first_text, text
from batchvid.dialects.common.links import link
from batchvid.dialects.common.task_layers import task_words

MESSAGE_PLACES: tuple[Path, ...] = (
    ("error", "raw_message"),  # PiAPI
    ("error", "message"),
    ("error", "msg"),
    ("error", 0, "message"),
    ("error",),
    ("errors", 0, "message"),
    ("task_status_msg",),  # Kling
    ("task_result", "message"),  # Kling behind relays
    ("task_result",),
    ("failure",),  # Runway
    ("failure_reason",),  # Luma
    ("fail_reason",),  # task wrapper, and nested relays
    ("failMsg",),  # kie.ai
    ("errorMessage",),  # kie.ai
    ("error_message",),
    ("error_msg",),
    ("err_msg",),
    ("base_resp", "status_msg"),  # MiniMax
    ("detail",),
    ("details",),  # BFL
)
CODE_PLACES: tuple[Path, ...] = (
    ("error", "code"),
    ("error", 0, "code"),
    ("errors", 0, "code"),
    ("failureCode",),  # Runway
    ("failure_code",),  # Luma
    ("err_code",),  # Vidu
    ("failCode",),  # kie.ai
    ("error_code",),
    ("errorCode",),
    ("error_type",),  # fal
    ("base_resp", "status_code"),  # MiniMax
)
BESIDE_A_STATUS = ("message", "msg", "reason")
"""Keys that explain a task only beside its status word: in an envelope they greet like "SUCCEED"."""

GREETINGS = frozenset({"", "0", "200", "ok", "success", "succeed", "succeeded", "successful"})
"""What stands in the place of a code or a message where nothing is wrong."""

GRPC_CODES = {
    "1": "cancelled",
    "3": "invalid_argument",
    "7": "permission_denied",
    "8": "resource_exhausted",
    "13": "internal",
}
"""Google's numbers in the `error` of an operation (google.rpc.Code)."""

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*([_.-][A-Za-z0-9]+)+")


def find_reason(layers: Sequence[Mapping[str, Any]], fallback: str = "") -> tuple[str, str]:
    """Find the code and the message of a failure, the provider's own (innermost) first. A link is no message.

    A message of one word like `output_moderation` is also the code where there is no other.
    """
    inside_out = layers[::-1]
    values = [*_explanations(inside_out), *_beside_a_status(inside_out)]
    reason = find_error({"message": _first_sentence(values) or fallback})  # perhaps the upstream's whole body
    code = first_text(code for code in _codes(inside_out) if text(code).casefold() not in GREETINGS)
    if code in GRPC_CODES and any("done" in layer for layer in layers):
        code = GRPC_CODES[code]
    word = reason.message if _WORD.fullmatch(reason.message) else ""
    return code or reason.code or word, reason.message


def find_complaint(layers: Sequence[Mapping[str, Any]]) -> str:
    """Find a sentence in the place of a failure's, also of a task that is not failed; empty where there is none."""
    return _first_sentence(list(_explanations(layers[::-1])))


def _first_sentence(values: Sequence[object]) -> str:
    sentences = (
        value
        for value in values
        if isinstance(value, str) and value.strip().casefold() not in GREETINGS and not link(value)
    )
    return next(sentences, "")


def _explanations(inside_out: Sequence[Mapping[str, Any]]) -> Iterator[object]:
    return (dig(layer, place) for layer in inside_out for place in MESSAGE_PLACES)


def _beside_a_status(inside_out: Sequence[Mapping[str, Any]]) -> Iterator[object]:
    return (layer.get(key) for layer in inside_out if task_words([layer]) for key in BESIDE_A_STATUS)


def _codes(inside_out: Sequence[Mapping[str, Any]]) -> Iterator[object]:
    yield from (dig(layer, place) for layer in inside_out for place in CODE_PLACES)
    yield from (layer.get("code") for layer in inside_out if task_words([layer]))
    yield from (dig(layer, ("error", "type")) for layer in inside_out)
