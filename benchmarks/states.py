"""Makes state files as a long run leaves them: so many jobs, some stored, some in flight, the rest waiting."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from batchvid import commands
from batchvid.domain import events as ev
from batchvid.domain.job_spec import Clip, JobSpec, Price
from batchvid.domain.jobs import Job, advance
from batchvid.state.state_file import RecordedEvent, StateFile

PRICE = Price(usd=Decimal("0.40"), basis="estimate: a list")
IN_A_COMMIT = 5000


def make_state(manifest: Path, out: Path, *, in_flight: float, stored: float, origin: str) -> Path:
    """A state file of the manifest's batch, with these parts of its jobs in flight at `origin` and stored."""
    batch = commands.load(manifest, out=out)
    batch.folder.mkdir(parents=True, exist_ok=True)
    entries: list[RecordedEvent] = []
    with StateFile(batch.state_path) as state:
        for number, placed in enumerate(batch.manifest.jobs):
            part = number * 0.618034 % 1  # spread evenly over the file
            job: Job | None = None
            for event in _life(placed.spec, origin, part < in_flight + stored, part < stored):
                job = advance(job, event)
                entries.append(RecordedEvent(event, job))
            if len(entries) >= IN_A_COMMIT:
                state.commit(entries)
                entries.clear()
        state.commit(entries)
        state.set_meta(batch=batch.manifest.batch, manifest=str(manifest.absolute()))
    return batch.state_path


def _life(spec: JobSpec, origin: str, is_bought: bool, is_stored: bool) -> list[ev.Event]:
    at = datetime.now(UTC)
    events: list[ev.Event] = [ev.Planned(at=at, spec=spec)]
    if is_bought:
        events += [
            ev.SubmitStarted(
                at=at,
                origin=origin,
                dialect="veo",
                prefix="",
                model="veo3-fast",
                duration_s=8.0,
                price=PRICE,
                external_id=spec.id,
            ),
            ev.SubmitAccepted(at=at, task_id=f"task_{spec.id}"),
        ]
    if is_stored:
        clip = Clip(key=spec.key, size_bytes=1, sha256="0" * 64, duration_s=8.0, width=64, height=36)
        events += [ev.TaskSucceeded(at=at, assets=()), ev.ClipStored(at=at, clip=clip)]
    return events
