"""The time of day, UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time, UTC and aware."""
    return datetime.now(UTC)
