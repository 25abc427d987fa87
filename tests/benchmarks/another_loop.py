"""A stand-in for an event loop that is installed beside batchvid: asyncio's own by another name."""

from __future__ import annotations

import asyncio


class EventLoopPolicy(asyncio.DefaultEventLoopPolicy):
    """What a benchmark client looks for in the given module."""
