"""The counts that progress displays show, updated by events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from batchvid.domain.events import Event
from batchvid.domain.jobs import IN_FLIGHT, Job, JobState

DONE = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.UNCERTAIN})


class RunCounters:
    """Jobs by provider and state, and the money committed."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._states: dict[str, Counter[JobState]] = {}
        self.committed_usd, self.unpriced = Decimal(0), 0
        for job in jobs:
            self._count(None, job)

    def __call__(self, _event: Event, before: Job | None, after: Job) -> None:
        """Count an event."""
        self._count(before, after)

    def _count(self, before: Job | None, after: Job) -> None:
        states = self._states.setdefault(after.spec.provider, Counter())
        if before is not None:
            self._states[before.spec.provider][before.state] -= 1
            self.committed_usd -= before.committed_usd
            self.unpriced -= before.unpriced_attempts
        states[after.state] += 1
        self.committed_usd += after.committed_usd
        self.unpriced += after.unpriced_attempts

    @property
    def providers(self) -> list[str]:
        """The providers that have jobs."""
        return sorted(self._states)

    def states(self, provider: str | None = None) -> Counter[JobState]:
        """Jobs by state, at one provider or at all."""
        if provider is not None:
            return self._states.get(provider, Counter())
        return sum(self._states.values(), Counter())

    def done(self, provider: str | None = None) -> int:
        """How many are finished: stored, failed or uncertain."""
        states = self.states(provider)
        return sum(states[state] for state in DONE)

    def line(self, provider: str | None = None) -> str:
        """`5 in flight, 12 stored, 1 failed`."""
        states = self.states(provider)
        parts = [f"{sum(states[state] for state in IN_FLIGHT)} in flight"]
        if states[JobState.READY]:
            parts.append(f"{states[JobState.READY]} downloading")
        parts.append(f"{states[JobState.SUCCEEDED]} stored")
        parts += [f"{states[s]} {s}" for s in (JobState.FAILED, JobState.UNCERTAIN) if states[s]]
        return ", ".join(parts)

    def money(self) -> str:
        """`$3.20 committed`, and how many attempts have no known price."""
        unknown = f" + {self.unpriced} of unknown price" if self.unpriced else ""
        return f"${self.committed_usd:.2f} committed{unknown}"
