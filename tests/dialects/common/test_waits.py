"""How long a reply asks to wait: every form of header, field and sentence that the vendors use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.dialects import DIALECTS
from batchvid.dialects.common.waits import requested_wait_s, wait_in_words
from batchvid.domain.wire import Rejected, Response
from tests.dialects.readers import SUBMIT_READERS, for_each
from tests.dialects.test_mangled import often

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "172800"}, 172_800.0),  # a quota of two days is not hidden
        ({"retry-after": "Mon, 30 Nov 2026 08:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 30 Nov 2026 07:00:30 GMT"}, 0.0),
        ({"retry-after": "Mon, 30 Nov 2026 08:00:30 GMT", "date": "Mon, 30 Nov 2026 08:00:20 GMT"}, 10.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"x-ratelimit-reset": "45"}, 45.0),
        ({"x-ratelimit-reset": str(EPOCH + 60)}, 60.0),
        ({"x-ratelimit-reset": str(1000 * EPOCH + 60_000)}, 60.0),
        ({"x-ratelimit-reset": "2026-11-30T08:01:00Z"}, 60.0),
        ({"x-ratelimit-reset-requests": "1m30s"}, 90.0),
        ({"x-ratelimit-reset-requests": "120ms"}, 0.12),
        (
            {
                "x-ratelimit-remaining-requests": "3",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            360.0,
        ),
        ({"ratelimit-reset": "9"}, 9.0),
        ({"ratelimit": "limit=5, remaining=0, reset=30"}, 30.0),
        ({"ratelimit": '"default";r=0;t=31'}, 31.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_a_header_names_the_wait(headers: dict[str, str], wait_s: float | None) -> None:
    """Seconds, milliseconds, dates, Unix times and durations; what is none of them requests nothing."""
    response = Response(status=429, headers=headers, received_at=NOW)
    assert requested_wait_s(response, None, "") == wait_s


def test_a_date_without_any_clock_is_no_wait() -> None:
    """Neither a Date header nor a time of receipt: a date says nothing."""
    response = Response(status=429, headers={"retry-after": "Mon, 30 Nov 2026 08:00:30 GMT"})
    assert requested_wait_s(response, None, "") is None


@pytest.mark.parametrize(
    ("document", "wait_s"),
    [
        ({"error": {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30s"}]}}, 30.0),
        ({"detail": "slow", "retry_after": 3}, 3.0),
        ({"error": {"metadata": {"headers": {"X-RateLimit-Reset": str(1000 * EPOCH + 5000)}}}}, 5.0),
        ({"retryAfterMs": 250}, 0.25),
        ({"retry_after": None}, None),
    ],
)
def test_a_field_of_the_body_names_the_wait(document: dict[str, Any], wait_s: float | None) -> None:
    """Google's RetryInfo, OpenRouter's headers inside the error, and plain fields."""
    assert requested_wait_s(Response(status=429, received_at=NOW), document, "") == wait_s


@pytest.mark.parametrize(
    ("message", "wait_s"),
    [
        ("Rate limit reached for requests. Limit: 3 / min. Please try again in 20s. Contact us", 20.0),
        ("Please retry in 34.074824224s.", 34.074824224),
        ("Request was throttled. Your rate limit resets in ~30s.", 30.0),
        ("Request was throttled. Expected available in 86399 seconds.", 86_399.0),
        ("Please try again in 6m0s.", 360.0),
        ("try again in 2 minutes", 120.0),
        ("retry after 1 hour", 3600.0),
        ("Please wait for 5 seconds", 5.0),
        ("当前请求过多，请30秒后重试", 30.0),
        ("try again later", None),
        ("duration must be 5 seconds", None),
    ],
)
def test_a_sentence_names_the_wait(message: str, wait_s: float | None) -> None:
    """As OpenAI, Google, Replicate and Django REST Framework write it."""
    assert wait_in_words(message) == wait_s


@for_each(SUBMIT_READERS)
def test_a_refusal_carries_the_wait_of_its_body(dialect: str) -> None:
    """Every dialect reads the delay, and a message about plan and billing does not make an empty account of it."""
    message = "You exceeded your current quota, please check your plan and billing details. Please retry in 34.5s."
    body = orjson.dumps({"error": {"code": 429, "message": message}})
    read = DIALECTS[dialect].read_submit(Response(status=429, body=body))
    assert isinstance(read, Rejected)
    assert (read.kind, read.retry_after_s) == ("rate", 34.5)


@often
@given(value=st.text(max_size=40), name=st.sampled_from(["retry-after", "x-ratelimit-reset", "retry-after-ms", "date"]))
def test_no_header_breaks_the_reading(value: str, name: str) -> None:
    """Any text gives a wait that is not negative, or none."""
    wait_s = requested_wait_s(Response(status=429, headers={name: value}, received_at=NOW), None, value)
    assert wait_s is None or wait_s >= 0
