"""What a reply without a task says, for people. Pure."""

from __future__ import annotations

from batchvid.domain.wire import Rejected


def describe_refusal(refusal: Rejected) -> str:
    """The HTTP status, and the vendor's code and message."""
    message = refusal.message
    if refusal.code not in ("", str(refusal.http_status)) and refusal.code not in message:
        message = f"{refusal.code}: {message}"
    return with_status(message, refusal.http_status)


def with_status(message: str, http_status: int) -> str:
    """The message with the HTTP status, unless it names it or there is none."""
    if not http_status or f"HTTP {http_status}" in message:
        return message
    return f"HTTP {http_status}: {message}"
