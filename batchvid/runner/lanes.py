"""One lane a provider: who waits, who is inside, when the next call may go out, and whether it goes on at all."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from pydantic import SecretStr

from batchvid.catalog import Provider
from batchvid.failures import FailureKind
from batchvid.runner.cadence import SLOT_WAITED_FOR_S
from batchvid.runner.limits import Slots, Window
from batchvid.runner.queue import FairQueue
from batchvid.runner.retry import backoff_s

MOST_TROUBLES = 8  # in a row without one success: with the waits of retry.py about four minutes
LONGEST_WISH_S = 3600.0  # a vendor's wish for a longer pause is for the next run
EMBEDDED_ORIGIN = "embedded"  # where tasks of the emulator live that a run starts by itself, on whatever port


@dataclass(slots=True, kw_only=True)
class Lane:
    """The runner's side of a provider. Times are seconds on the event loop's clock.

    `paused_until` holds submits back after a refusal that passes by waiting; `troubles` counts those in a row.
    `stopped` is why nothing more is submitted, `blind` that nothing can be polled either, `capped` which cap of its
    own budget is reached. `poll_price_s` is what one question about a task must save in seconds of lag,
    `least_price_s` what it costs while the poll rate is no bound (cadence.py).
    """

    provider: Provider
    base_url: str
    key: SecretStr
    slots: Slots
    submits: Window
    polls: Window
    queue: FairQueue = field(default_factory=FairQueue)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    delayed: int = 0
    polls_under_way: int = 0
    paused_until: float = 0.0
    polls_paused_until: float = 0.0
    poll_price_s: float = SLOT_WAITED_FOR_S
    least_price_s: float = SLOT_WAITED_FOR_S
    repriced_at: float = 0.0
    troubles: int = 0
    capped: str = ""
    stopped: str = ""
    stopped_kind: FailureKind | None = None
    blind: bool = False

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider.name

    @property
    def origin(self) -> str:
        """What a task bought here remembers as its home."""
        return EMBEDDED_ORIGIN if self.provider.is_embedded else self.provider.base_url

    @property
    def idle(self) -> bool:
        """Whether nothing waits here that could still be submitted."""
        return bool(self.stopped or self.capped) or (not self.queue and not self.delayed)

    def is_stuck(self, active: Collection[str]) -> bool:
        """Whether what waits here waits only for slots of uncertain jobs, which nobody but a person can free soon."""
        if self.delayed or not self.queue or self.slots.holders & set(active):
            return False
        return not any(map(self.slots.has_free, self.queue.models))

    def pause(self, now: float, retry_after_s: float | None, jitter: float) -> float:
        """Hold submits back after a refusal; return until when."""
        wait_s = None if retry_after_s is None else min(retry_after_s, LONGEST_WISH_S)
        if wait_s is None:
            wait_s = backoff_s(self.troubles, jitter, first_s=self.provider.first_wait_s)
        if now >= self.paused_until:  # calls that were out together are refused together: one trouble, not twenty
            self.troubles += 1
        self.paused_until = max(self.paused_until, now + wait_s)
        return self.paused_until

    def stop(self, kind: FailureKind, reason: str) -> None:
        """Submit nothing more here in this run."""
        self.stopped, self.stopped_kind = reason, kind
        self.wake.set()
