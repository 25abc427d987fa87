"""The life of jobs written down through the Recorder, in a state file that holds so many others."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

from batchvid.domain import events as ev
from batchvid.domain.job_spec import Clip, Price
from batchvid.domain.jobs import Job
from batchvid.runner import Recorder
from batchvid.state.state_file import StateFile
from benchmarks.clients import cpu_s, print_result, resident_mb, settings

AT_ONCE = 64
PRICE = Price(basis="unknown")


def life(job: Job) -> list[ev.Event]:
    """A clip that is bought and stored at the first try."""
    at = datetime.now(UTC)
    clip = Clip(key=job.spec.key, size_bytes=1, sha256="0" * 64, duration_s=8.0, width=64, height=36)
    return [
        ev.SubmitStarted(
            at=at,
            origin="https://vendor.example",
            dialect="veo",
            prefix="",
            model="veo3-fast",
            duration_s=8.0,
            price=PRICE,
            external_id=job.id,
        ),
        ev.SubmitAccepted(at=at, task_id=f"task_{job.id}"),
        ev.TaskSucceeded(at=at, assets=()),
        ev.ClipStored(at=at, clip=clip),
    ]


async def record(recorder: Recorder, jobs: list[Job]) -> list[float]:
    """All lives, so many jobs at once; seconds that each event waited for its acknowledgement."""
    waits: list[float] = []
    rest = iter(jobs)

    async def worker() -> None:
        for job in rest:
            for event in life(job):
                began = time.perf_counter()
                await recorder.record(job.id, event)
                waits.append(time.perf_counter() - began)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    await recorder.close()
    return waits


if __name__ == "__main__":
    arguments = settings()
    path = Path(arguments["state"])
    empty_mb, began = resident_mb(), cpu_s()
    with StateFile(path) as state:
        found = state.jobs()
        loaded, wall = cpu_s(), time.perf_counter()
        waits = asyncio.run(record(Recorder(state, found), list(found.values())[-arguments["writes"] :]))
        ended = cpu_s()
    print_result(
        cpu_s=(ended - loaded) / len(waits),
        wall_s=(time.perf_counter() - wall) / len(waits),
        load_s=loaded - began,
        wait_p50_s=sorted(waits)[len(waits) // 2],
        wait_p99_s=sorted(waits)[len(waits) * 99 // 100],
        file_mb=path.stat().st_size / 1e6,
    )
