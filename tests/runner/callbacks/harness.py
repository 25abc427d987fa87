"""One run against an emulator that calls back, and what it took."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchvid.catalog import providers
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job
from batchvid.emulator import Emulator, Settings
from batchvid.net.credentials import Credentials
from batchvid.runner import Outcome, Recorder, RunConfig, RunRequest, run
from batchvid.runner.callbacks.addresses import CallbackSettings
from batchvid.runner.listeners import Listeners
from batchvid.state.state_file import StateFile, record_offline
from tests.builders import planned, spec
from tests.runner.servers import closed_port

MODEL = "ark/seedance-1-0-pro-250528"
LIMITS = {"concurrency": 25, "submits_per_min": 60_000, "polls_per_s": 1000, "poll_every_s": 0.04}


@dataclass(kw_only=True)
class Ran:
    """The outcome of a run, its polls by the vendor's count, the lag of each end, and the notices."""

    outcome: Outcome
    polls: int
    lags_s: list[float]
    notices: list[str]

    @property
    def mean_lag_s(self) -> float:
        """How long a finished task was not known to be finished."""
        return sum(self.lags_s) / len(self.lags_s)

    @property
    def counts(self) -> dict[str, int]:
        """The callbacks by what became of them, as the last notice has them."""
        lines = [line.removeprefix("callbacks: ") for line in self.notices if line.startswith("callbacks: ")]
        pairs = [part.partition(" ") for line in lines for part in line.split(", ")]
        return {name: int(count) for count, _, name in pairs}


class _Watcher:
    """Keeps notices, and when each task's end was seen."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.seen_at: dict[str, float] = {}

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        if isinstance(event, ev.TaskSucceeded):
            self.seen_at[after.task_id] = event.at.timestamp()

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def tick(self) -> None:
        """Nothing moves."""

    def close(self) -> None:
        """Nothing to close."""


def listening() -> CallbackSettings:
    """A free port of this machine, which the emulator reaches directly."""
    port = closed_port()
    return CallbackSettings(host="127.0.0.1", port=port, public_url=f"http://127.0.0.1:{port}/batch")


async def run_jobs(
    folder: Path, jobs: int, callbacks: CallbackSettings | None, settings: dict[str, Any], **row: Any
) -> Ran:
    """Buy so many clips from an emulator with these settings, at a provider with this row."""
    names = [f"kite-{number}" for number in range(jobs)]
    specs = [
        spec(name, provider="own", prompt=name, model="ark/seedance-1-0-pro-250528", duration_s=4.0) for name in names
    ]
    watcher = _Watcher()
    async with Emulator(Settings(render="shared", **settings)) as emulator:
        own = {"dialect": "ark", "prefix": "/ark/api/v3", "base_url": emulator.base_url, "api_key_env": "TEST_KEY"}
        if "callback_signature" in row:
            row = {"callback_keys_url": f"{emulator.base_url}/_emulator/jwks.json", **row}
        rows = providers({"own": {**own, **LIMITS, "send_key_to_own_links": False, **row}})
        with StateFile(folder / "state.sqlite3") as state:
            known = state.jobs() or record_offline(state, {}, [(one.id, planned(one)) for one in specs])
            request = RunRequest(exit_code_ids=frozenset(names), purchase_ids=frozenset(names))
            config = RunConfig(
                folder=folder, providers=rows, keys=Credentials(folder), request=lambda: request, callbacks=callbacks
            )
            listeners = Listeners([watcher])
            outcome = await run(state, Recorder(state, known, listeners), config, listeners)
        ended = {task.id: task.ended_at or 0.0 for task in emulator._service.store}
        polls = emulator.ledger()["polls"]
    lags_s = [seen_at - ended[task_id] for task_id, seen_at in watcher.seen_at.items()]
    return Ran(outcome=outcome, polls=polls, lags_s=lags_s, notices=watcher.notices)
