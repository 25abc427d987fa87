"""One lane a provider: who waits, who is inside, when the next call may go out, and whether it goes on at all."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from pydantic import SecretStr

from batchvid.catalog import Provider
from batchvid.runner.estimation.poll_schedule import BUSY_POLL_COST_S
from batchvid.runner.providers.adaptive_limit import AdaptiveLimit
from batchvid.runner.providers.circuit_breaker import ProviderHealth
from batchvid.runner.providers.fair_queue import FairQueue
from batchvid.runner.providers.rate_limits import ConcurrencySlots, RequestPacer, SlidingWindowRateLimiter
from batchvid.runner.providers.retry_policy import MAX_RETRY_AFTER_S, RetryBudget, RetryPolicy
from batchvid.runner.providers.submission_blocks import Block, SubmissionBlocks

RISES_SLOWER = 15.0  # one slot more after so many first waits: half a minute at a provider, quick on the emulator
MAX_PENDING_SUBMITS = (
    32  # submits under way: each holds a connection and its buffers, and what a thousand take is never given back
)
SUBMIT_SPACING_S = (
    0.003  # then at least from one to the next: a gateway that is slow to answer fills a thousand slots in 3 s
)
EMBEDDED_ORIGIN = "embedded"  # where tasks of the emulator live that a run starts by itself, on whatever port


@dataclass(slots=True, kw_only=True)
class ProviderState:
    """The run's view of a provider. Times are seconds on the event loop's clock.

    `blocks` say why nothing is submitted here. `paused_until` keeps submits back after a refusal that time heals;
    `consecutive_refusals` counts those. `pending_submits` have no verdict yet, the last began at `last_submit_at`.
    `delayed` counts the jobs that are queued again later, by model. `health` knows which models work here.
    `reduced_limits` are the models that refused more tasks at once; "" stands for all models together.
    `last_unavailable_message` is the vendor's, by model. `polling_stopped`: nothing can be polled. `poll_cost_s` is
    what one poll must save in seconds of lag, `min_poll_cost_s` its cost while the poll rate is no limit
    (poll_schedule.py). `poll_pacer` spaces out polls that come due together.
    """

    provider: Provider
    base_url: str
    key: SecretStr
    slots: ConcurrencySlots
    submits: SlidingWindowRateLimiter
    polls: SlidingWindowRateLimiter
    health: ProviderHealth = field(default_factory=ProviderHealth)
    reduced_limits: dict[str, AdaptiveLimit] = field(default_factory=dict)
    retries: RetryBudget = field(default_factory=RetryBudget)
    queue: FairQueue = field(default_factory=FairQueue)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    delayed: Counter[str] = field(default_factory=Counter)
    pending_submits: int = 0
    last_submit_at: float = -math.inf
    polls_under_way: int = 0
    poll_pacer: RequestPacer = field(default_factory=RequestPacer)
    paused_until: float = 0.0
    polls_paused_until: float = 0.0
    poll_cost_s: float = BUSY_POLL_COST_S
    min_poll_cost_s: float = BUSY_POLL_COST_S
    repriced_at: float = 0.0
    consecutive_refusals: int = 0
    blocks: SubmissionBlocks = field(default_factory=SubmissionBlocks)
    last_unavailable_message: dict[str, str] = field(default_factory=dict)
    polling_stopped: bool = False

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider.name

    @property
    def origin(self) -> str:
        """What a task bought here remembers as its home."""
        return EMBEDDED_ORIGIN if self.provider.is_embedded else self.provider.base_url

    @property
    def stop_reason(self) -> str:
        """Why nothing more is submitted here; empty while submits may go on."""
        return self.blocks.stop_reason

    @property
    def idle(self) -> bool:
        """Whether nothing waits here that could still be submitted."""
        return self.blocks.all_wait or (not self.queue and not self.delayed.total())

    def next_submit_at(self) -> float:
        """When the next submit may begin: after every pause, within the rate, and not in a herd.

        While many are out the next one waits a moment: a vendor that answers at once has answered some by then, and
        one that takes half a minute to answer has its slots filled all the same.
        """
        after_the_herd = (
            self.last_submit_at + SUBMIT_SPACING_S if self.pending_submits >= MAX_PENDING_SUBMITS else -math.inf
        )
        return max(self.paused_until, self.submits.next_available_at(), after_the_herd)

    def allows(self, now: float) -> Callable[[str], bool]:
        """Which models one more task of may be started now."""

        def can_start(model: str) -> bool:
            return self.slots.has_free(model) and self.health.allows(model, now) and self._has_room(model, now)

        return can_start

    def _has_room(self, model: str, now: float) -> bool:
        """Whether the provider has not refused as many of the model, or of all, at once."""
        limits = ((name, self.reduced_limits[name]) for name in ("", model) if name in self.reduced_limits)
        return all(self.slots.used_by(name) < elastic.limit_at(now) for name, elastic in limits)

    def available_in(self, now: float) -> float | None:
        """Seconds until more may be started than now by the clock alone, None when that is up to an event."""
        waits = [
            self.health.available_in(self.queue.models, now),
            *(one.increases_in(now) for one in self.reduced_limits.values()),
        ]
        return min((wait_s for wait_s in waits if wait_s is not None), default=None)

    def reduce_limit(self, model: str, words: str, inside: int, now: float) -> None:
        """The provider refused one more at once: of this model if its words name it, else of all together.

        `inside` are the tasks that it holds now. Calls that were out together are refused together: one refusal.
        """
        if now < self.paused_until:
            return
        name = model if model and model.casefold() in words.casefold() else ""
        if name not in self.reduced_limits:
            self.reduced_limits[name] = AdaptiveLimit(
                self.slots.limit_for(name), self.provider.wait_initial_s * RISES_SLOWER
            )
        self.reduced_limits[name].record_refusal(inside, now)

    def limits(self, now: float) -> dict[str, int]:
        """The limits that refusals have narrowed, by model; those that are wide again are forgotten."""
        now_at = {name: elastic.limit_at(now) for name, elastic in self.reduced_limits.items()}
        self.reduced_limits = {name: one for name, one in self.reduced_limits.items() if now_at[name] < one.max_limit}
        return now_at

    def is_stuck(self, active: Collection[str]) -> bool:
        """Whether what waits here waits only for slots of uncertain jobs, which nobody but a person can free soon.

        A delay that is waited out brings a job back to the very same slots.
        """
        waiting = self.queue.models | set(+self.delayed)
        if not waiting or not self.slots.holders.isdisjoint(active):
            return False
        return not any(map(self.slots.has_free, waiting))

    def pause(self, now: float, retry_after_s: float | None, jitter: float) -> float:
        """Hold submits back after a refusal; return until when."""
        wait_s = None if retry_after_s is None else min(retry_after_s, MAX_RETRY_AFTER_S)
        if wait_s is None:
            wait_s = RetryPolicy(self.provider.wait_initial_s).backoff_s(self.consecutive_refusals, jitter)
        if now >= self.paused_until:  # calls that were out together are refused together: one trouble, not twenty
            self.consecutive_refusals += 1
        self.paused_until = max(self.paused_until, now + wait_s)
        return self.paused_until

    def stop(self, reason: str) -> None:
        """Submit nothing more here in this run."""
        self.blocks.add(Block.STOPPED, reason)
        self.wake.set()
