"""Runs a coroutine of a command, in a thread that has no event loop yet."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from batchvid.errors import UsageError

T = TypeVar("T")


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of the coroutine. Raises UsageError where an event loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    coroutine.close()
    raise UsageError(
        "an event loop runs in this thread already, as in a notebook or a coroutine. Call batchvid in another thread: "
        "await asyncio.to_thread(batchvid.run, batch)"
    )
