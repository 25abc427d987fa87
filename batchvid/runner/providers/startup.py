"""Starts each provider that has work: reads its key, starts the emulator if needed.

Submits and polls of earlier runs in the last minute count towards its rates.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from batchvid.catalog import Provider
from batchvid.clock import utc_now
from batchvid.domain.jobs import Job
from batchvid.errors import BatchvidError
from batchvid.net.credentials import Credentials
from batchvid.paths import BatchPaths
from batchvid.runner.providers.circuit_breaker import ProviderHealth
from batchvid.runner.providers.emulator_process import embedded_emulator
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.providers.rate_limits import ConcurrencySlots, SlidingWindowRateLimiter, on_loop_clock
from batchvid.state.readers import read_meta
from batchvid.state.state_file import StateFile

MAX_LOOK_BACK_MIN = 60.0 * 24 * 366  # a slower rate is no rate
POLLED = "polled"  # the name in the state file


class ProviderStartup(contextlib.AsyncExitStack):
    """The provider states of one run. More can be opened during the run; emulators end with the stack."""

    def __init__(self, state: StateFile, folder: Path, providers: Mapping[str, Provider], keys: Credentials) -> None:
        super().__init__()
        self.provider_states: dict[str, ProviderState] = {}
        self._state = state
        self._folder = folder
        self._providers = providers
        self._keys = keys

    async def open(self, names: Iterable[str]) -> list[ProviderState]:
        """Open the providers that are not open yet, and return their states.

        Raises BatchvidError for an unknown provider or a missing key; then none was opened.
        """
        new = sorted(set(names) - self.provider_states.keys())
        if unknown := set(new) - self._providers.keys():
            missing = ", ".join(sorted(unknown))
            raise BatchvidError(
                f"jobs of this batch belong to providers that are no longer known: {missing}. Name the manifest that "
                f"has them: batchvid run MANIFEST --collect-only"
            )
        if not new:
            return []
        access = {name: self._keys.of(self._providers[name]) for name in new}
        now, loop_now = utc_now(), asyncio.get_running_loop().time()
        slowest_per_min = min([1.0, *(self._providers[name].submits_per_min for name in new)])
        submitted = self._state.submit_times(now - timedelta(minutes=min(2 / slowest_per_min, MAX_LOOK_BACK_MIN)))
        polled = _last_polls(self._state)
        for name in new:
            provider = self._providers[name]
            base_url = provider.base_url
            if provider.is_embedded:
                emulator = embedded_emulator(provider.life, BatchPaths(self._folder).emulator_tasks)
                base_url = await self.enter_async_context(emulator)
            self.provider_states[name] = ProviderState(
                provider=provider,
                base_url=base_url,
                access=access[name],
                account=self._keys.of_account(provider) if self._keys.has_account(provider) else None,
                slots=ConcurrencySlots(provider.concurrency, provider.model_concurrency),
                health=ProviderHealth(provider.wait_initial_s),
                submits=SlidingWindowRateLimiter(
                    provider.submits_per_min, 60.0, on_loop_clock(submitted.get(name, ()), now, loop_now)
                ),
                polls=SlidingWindowRateLimiter(
                    provider.polls_per_s, 1.0, on_loop_clock(polled.get(name, ()), now, loop_now)
                ),
            )
            if provider.http_problem:  # its tasks are collected all the same
                self.provider_states[name].stop(provider.http_problem)
        return [self.provider_states[name] for name in new]


def _last_polls(state: StateFile) -> dict[str, list[datetime]]:
    """The last polls of the last run, by provider; none if it was killed."""
    saved = read_meta(state.path).get(POLLED, {})
    try:
        return {name: [datetime.fromisoformat(at).astimezone(UTC) for at in times] for name, times in saved.items()}
    except (TypeError, ValueError):  # a damaged row: the limits start empty
        return {}


def required_providers(jobs: Iterable[Job], retryable_ids: frozenset[str] = frozenset()) -> set[str]:
    """The providers of the jobs and of their fallback models."""
    specs = {job.id: job.spec for job in jobs}
    fallbacks = (
        target.provider for job_id, spec in specs.items() if job_id in retryable_ids for target in spec.fallback
    )
    return {*(spec.provider for spec in specs.values()), *fallbacks}
