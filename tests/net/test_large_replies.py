"""Replies that hold a clip: few at a time, and not while many clips wait to be stored."""

from __future__ import annotations

import asyncio

from batchvid.net.large_replies import LargeReplies


async def test_few_are_received_at_a_time() -> None:
    """A third reply waits until one of the two has been received."""
    replies, inside, most = LargeReplies(at_once=2), 0, 0

    async def receive() -> None:
        nonlocal inside, most
        async with replies.slot():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(receive() for _ in range(5)))
    assert most == 2


async def test_waiting_clips_count() -> None:
    """While the clips that wait fill the room, no further one is received; a stored one makes room."""
    replies = LargeReplies(max_held_bytes=10)
    replies.hold("a", 6)
    replies.hold("b", 6)
    entered = asyncio.Event()

    async def receive() -> None:
        async with replies.slot():
            entered.set()

    waiting = asyncio.create_task(receive())
    await asyncio.sleep(0.01)
    assert not entered.is_set()
    replies.hold("a", 0)
    await asyncio.wait_for(waiting, 5)


async def test_a_clip_that_nothing_fetches_stops_no_other() -> None:
    """After the wait a reply is received all the same."""
    replies = LargeReplies(max_held_bytes=1, wait_s=0.01)
    replies.hold("a", 5)
    async with asyncio.timeout(5), replies.slot():
        pass
