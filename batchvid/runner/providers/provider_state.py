"""State per provider: its queue, tasks in flight, the next allowed call, and whether submits are blocked."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from batchvid.catalog import Provider
from batchvid.clock import utc_now
from batchvid.domain.jobs import Job
from batchvid.domain.origins import EMBEDDED_ORIGIN
from batchvid.net.access import Access
from batchvid.runner.estimation.poll_schedule import BUSY_POLL_COST_S
from batchvid.runner.providers.adaptive_limit import AdaptiveLimit
from batchvid.runner.providers.callback_trust import CallbackTrust
from batchvid.runner.providers.circuit_breaker import ProviderHealth
from batchvid.runner.providers.equal_refusals import EqualReplies
from batchvid.runner.providers.fair_queue import FairQueue
from batchvid.runner.providers.rate_limits import ConcurrencySlots, RequestPacer, SlidingWindowRateLimiter
from batchvid.runner.providers.retry_policy import MAX_RETRY_AFTER_S, WAIT_MAX_S, RetryBudget, RetryPolicy
from batchvid.runner.providers.submission_blocks import Block, SubmissionBlocks

INCREASE_AFTER_WAITS = 15.0  # one more slot after so many initial waits: half a minute at a provider
MAX_PENDING_SUBMITS = 32  # without spacing: each holds a connection and buffers whose memory is never returned
SUBMIT_SPACING_S = 0.003  # above that: a gateway that answers slowly still fills a thousand slots in 3 s


@dataclass(slots=True, kw_only=True)
class ProviderState:
    """The run's view of a provider. Times are seconds on the event loop's clock.

    `account` is how its account is reached, None without a key for it. `blocks` say why nothing is submitted here.
    `paused_until` delays submits after a temporary refusal;
    `consecutive_refusals` counts those, `consecutive_poll_refusals` the refused polls. `pending_submits` have no
    verdict yet, the last began at `last_submit_at`; `awaited` are their jobs until the reply is read.
    `delayed` counts the jobs that are queued again later, by model. `health` is by model.
    `reduced_limits` are the models that refused more tasks at once; "" stands for all models together.
    `last_unavailable_message` is the vendor's, by model. `polling_stopped`: nothing can be polled. `poll_cost_s` is
    what one poll must save in seconds of lag, `min_poll_cost_s` its cost while the poll rate is no limit
    (poll_schedule.py). `poll_pacer` spaces out polls that come due together. `resume_at`: stopped until then (UTC).
    `repliers`: whether replies to submits and lookups were the emulator's (True) or a provider's (False).
    """

    provider: Provider
    base_url: str
    access: Access
    account: Access | None = None
    slots: ConcurrencySlots
    submits: SlidingWindowRateLimiter
    polls: SlidingWindowRateLimiter
    health: ProviderHealth = field(default_factory=ProviderHealth)
    reduced_limits: dict[str, AdaptiveLimit] = field(default_factory=dict)
    retry_budget: RetryBudget = field(default_factory=RetryBudget)
    queue: FairQueue = field(default_factory=FairQueue)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    delayed: Counter[str] = field(default_factory=Counter)
    pending_submits: int = 0
    awaited: set[str] = field(default_factory=set)
    last_submit_at: float = -math.inf
    pending_polls: int = 0
    poll_pacer: RequestPacer = field(default_factory=RequestPacer)
    paused_until: float = 0.0
    polls_paused_until: float = 0.0
    poll_cost_s: float = BUSY_POLL_COST_S
    min_poll_cost_s: float = BUSY_POLL_COST_S
    repriced_at: float = 0.0
    consecutive_refusals: int = 0
    consecutive_poll_refusals: int = 0
    blocks: SubmissionBlocks = field(default_factory=SubmissionBlocks)
    last_unavailable_message: dict[str, str] = field(default_factory=dict)
    polling_stopped: bool = False
    resume_at: datetime | None = None
    equal_replies: EqualReplies = field(default_factory=EqualReplies)
    repliers: set[bool] = field(default_factory=set)
    callback_trust: CallbackTrust = field(default_factory=CallbackTrust)

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider.name

    @property
    def origin(self) -> str:
        """The origin that is recorded for a task bought here."""
        return EMBEDDED_ORIGIN if self.provider.is_embedded else self.provider.base_url

    @property
    def is_emulator(self) -> bool:
        """Whether the server is the emulator: the one that the run started, or one that every reply shows to be one."""
        return self.provider.is_embedded or self.repliers == {True}

    @property
    def stop_reason(self) -> str:
        """Why nothing more is submitted here; empty while submits may go on."""
        return self.blocks.stop_reason

    @property
    def idle(self) -> bool:
        """Whether no waiting job can be submitted."""
        return self.blocks.all_wait or (not self.queue and not self.delayed.total())

    def next_submit_at(self) -> float:
        """When the next submit may begin: after every pause, within the rate, and spaced while many are pending.

        A fast vendor answers some of them within the spacing; the slots of a slow one are still filled.
        """
        is_crowded = self.pending_submits >= MAX_PENDING_SUBMITS
        spaced_at = self.last_submit_at + SUBMIT_SPACING_S if is_crowded else -math.inf
        return max(self.paused_until, self.submits.next_available_at(), spaced_at)

    def allows(self, now: float) -> Callable[[str], bool]:
        """The test whether one more task of a model can start now."""

        def can_start(model: str) -> bool:
            return (
                self.slots.has_free(model)
                and self.health.allows(model, now)
                and self._is_below_reduced_limits(model, now)
            )

        return can_start

    def _is_below_reduced_limits(self, model: str, now: float) -> bool:
        """Whether one more task stays within the reduced limits."""
        limits = ((name, self.reduced_limits[name]) for name in ("", model) if name in self.reduced_limits)
        return all(self.slots.used_by(name) < limit.limit_at(now) for name, limit in limits)

    def available_in(self, now: float) -> float | None:
        """Seconds until time alone allows more submits; None if that depends on an event."""
        waits = [
            self.health.available_in(self.queue.models, now),
            *(limit.increases_in(now) for limit in self.reduced_limits.values()),
        ]
        return min((wait_s for wait_s in waits if wait_s is not None), default=None)

    def reduce_limit(self, model: str, message: str, running: int, now: float) -> None:
        """The provider refused one more concurrent task: of this model if its message names it, else of all together.

        `running` is how many tasks it holds now. Calls that were pending together count as one refusal.
        """
        if now < self.paused_until:
            return
        name = model if model and model.casefold() in message.casefold() else ""
        if name not in self.reduced_limits:
            self.reduced_limits[name] = AdaptiveLimit(
                self.slots.limit_for(name), self.provider.wait_initial_s * INCREASE_AFTER_WAITS
            )
        self.reduced_limits[name].record_refusal(running, now)

    def limits(self, now: float) -> dict[str, int]:
        """The reduced limits, by model. Those that are back at their maximum are dropped."""
        now_at = {name: limit.limit_at(now) for name, limit in self.reduced_limits.items()}
        self.reduced_limits = {
            name: limit for name, limit in self.reduced_limits.items() if now_at[name] < limit.max_limit
        }
        return now_at

    @property
    def waits_for_probe(self) -> bool:
        """Whether a pending call decides if more may be sent."""
        return self.equal_replies.suspect and self.pending_submits > 0

    def is_stuck(self, active: Collection[str]) -> bool:
        """Whether waiting jobs need slots that uncertain jobs hold until their deadline.

        After its delay a job needs the same slots again.
        """
        waiting = self.queue.models | set(+self.delayed)
        if not waiting or not self.slots.holders.isdisjoint(active):
            return False
        return not any(map(self.slots.has_free, waiting))

    def next_release_at(self, holders: Iterable[Job]) -> datetime:
        """When the first of these uncertain jobs releases its slot: at the deadline of the task that it may have."""
        timeout = timedelta(seconds=self.provider.timeout_s)
        return min((job.submitted_at + timeout for job in holders if job.submitted_at), default=utc_now())

    def pause(self, now: float, retry_after_s: float | None, jitter: float, *, slower: float = 1.0) -> float:
        """Delay submits after a refusal; return until when. Our own waits are `slower` times as long."""
        wait_s = None if retry_after_s is None else min(retry_after_s, MAX_RETRY_AFTER_S)
        if wait_s is None:
            policy = RetryPolicy(self.provider.wait_initial_s * slower, WAIT_MAX_S * slower)
            wait_s = policy.backoff_s(self.consecutive_refusals, jitter)
        if now >= self.paused_until:  # calls that were pending together count as one refusal
            self.consecutive_refusals += 1
        self.paused_until = max(self.paused_until, now + wait_s)
        return self.paused_until

    def pause_polls(self, now: float, retry_after_s: float | None, every_s: float, jitter: float) -> float:
        """Delay all polls after one was refused for its rate; return for how long. A successful poll resets it."""
        wait_s = retry_after_s
        if wait_s is None:
            wait_s = RetryPolicy(every_s).backoff_s(self.consecutive_poll_refusals, jitter)
        if now >= self.polls_paused_until:  # polls that were pending together count as one refusal
            self.consecutive_poll_refusals += 1
        self.polls_paused_until = max(self.polls_paused_until, now + wait_s)
        return self.polls_paused_until - now

    def pop_next(self, now: float, expected_duration_s: Callable[[str], float | None]) -> str | None:
        """Remove and return the next job that can start, or None. While equal replies are suspect, it is the probe."""
        allows = self.allows(now)
        if self.equal_replies.suspect and (probe := self.queue.pop_other(allows, self.equal_replies.lines)):
            return probe
        return self.queue.pop(allows, expected_duration_s)

    def stop(self, reason: str, *, resume_at: datetime | None = None) -> None:
        """Submit nothing more here in this run; a later run does from `resume_at` on."""
        if not self.stop_reason:
            self.resume_at = resume_at
        self.blocks.add(Block.STOPPED, reason)
        self.wake.set()
