"""`plan --save-plan`: a plan as a file, from which `run --plan` buys exactly what was reviewed.

The file holds requests, prices, providers and limits, but no secrets: input links are without their queries.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from batchvid.atomic_file import write_atomic
from batchvid.catalog import Provider, load_models
from batchvid.commands.batch import Batch, LazyManifest
from batchvid.domain.job_spec import JobSpec, Price
from batchvid.domain.jobs import Job, JobState
from batchvid.errors import UsageError
from batchvid.manifest import Manifest, ManifestModel, Place, PlacedJob
from batchvid.planning.plan_types import JobPlan, Plan
from batchvid.planning.rehearsals import is_only_rehearsed
from batchvid.redaction import hide_secrets, holds_secrets
from batchvid.runner import utc_now
from batchvid.selection import Selection
from batchvid.state.codec import without_links
from batchvid.state.readers import read_batch_id
from batchvid.version import __version__

FORMAT = "batchvid plan"
VERSION = 1
FROZEN_SETTINGS = {"budget", "providers", "retries", "moderation_retries", "downloads"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedJob:
    """A job that the plan buys: its request, what is sent, the price, and what the job was when the plan was made.

    `hides_inputs`: the queries of its input links are not in the file.
    """

    spec: JobSpec
    price: Price
    place: Place
    duration_s: float | None = None
    aspect_ratio: str = ""
    resolution: str = ""
    fallback_prices: tuple[Price, ...] = ()
    state: JobState | None = None
    paid_attempts: int = 0
    hides_inputs: bool = False

    def is_unbought(self, job: Job | None) -> bool:
        """Whether the job is still as it was when the plan was made: not bought, failed or lost since."""
        if job is None:
            return self.state is None
        is_same = job.state in (self.state, JobState.PENDING) or is_only_rehearsed(job)
        return job.committed_attempts == self.paid_attempts and is_same


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan as it is in a file.

    `folder` is the batch's, absolute; `batch_id` is that of its state file, empty if there was none.
    `settings` are the parts of the manifest that a run needs, as written; `providers` are the merged ones.
    """

    batch: str
    folder: str
    manifest: str
    created_at: datetime
    batchvid: str
    settings: dict[str, Any]
    providers: Mapping[str, Provider]
    jobs: tuple[SavedJob, ...]
    batch_id: str = ""
    sets: tuple[str, ...] = ()
    selection: Selection = field(default_factory=Selection)
    allow_retired: bool = False
    new_batch: bool = False

    def unbought(self, jobs: Mapping[str, Job]) -> list[SavedJob]:
        """The jobs that are still to buy. A request that was bought since under another id takes the place of one."""
        ids = {job.spec.id for job in self.jobs}
        others = Counter(
            job.spec.fingerprint
            for job in jobs.values()
            if job.id not in ids
            and job.submitted_at is not None
            and job.submitted_at >= self.created_at
            and not is_only_rehearsed(job)
        )
        remaining = []
        for saved in self.jobs:
            if not saved.is_unbought(jobs.get(saved.spec.id)):
                continue
            if others[saved.spec.fingerprint] > 0:
                others[saved.spec.fingerprint] -= 1
            else:
                remaining.append(saved)
        return remaining


_PLAN = TypeAdapter(SavedPlan)


def save_plan(path: Path, batch: Batch, planned: Plan, *, allow_retired: bool = False) -> None:
    """Write what the plan buys to a file, for `run --plan`. Raises OSError."""
    saved = SavedPlan(
        batch=batch.name,
        folder=str(batch.folder.absolute()),
        manifest=str(batch.path.absolute()),
        created_at=utc_now(),
        batchvid=__version__,
        settings=batch.settings.model_dump(mode="json", exclude_unset=True, include=FROZEN_SETTINGS),
        providers=batch.providers,
        jobs=tuple(_saved_job(job) for job in planned.to_buy),
        batch_id=read_batch_id(batch.state_path),
        sets=batch.sets,
        selection=batch.selection,
        allow_retired=allow_retired,
        new_batch=batch.new_batch,
    )
    plain = _PLAN.dump_python(saved, mode="json", exclude_defaults=True)
    document = {"format": FORMAT, "version": VERSION, "sha256": _digest(plain), "plan": plain}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    is_private = any(holds_secrets(json.dumps(job, ensure_ascii=False)) for job in plain["jobs"])
    write_atomic(path, text + "\n", is_private=is_private)


def _saved_job(job: JobPlan) -> SavedJob:
    assert job.place is not None  # noqa: S101 - a job that is bought is in the manifest
    shown = without_links(job.spec)
    return SavedJob(
        spec=shown,
        price=job.price,
        place=job.place,
        duration_s=job.duration_s,
        aspect_ratio=job.aspect_ratio,
        resolution=job.resolution,
        fallback_prices=job.fallback_prices,
        state=job.state,
        paid_attempts=job.paid_attempts,
        hides_inputs=shown.request != job.spec.request,
    )


def read_plan(path: Path) -> SavedPlan:
    """The plan in a file. Raises UsageError if it is none, is damaged or changed, or is of a newer version."""
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as exc:
        raise UsageError(f"{path}: {exc.strerror or exc}") from None
    except ValueError:
        raise UsageError(f"{path}: is no plan, or is damaged: batchvid plan MANIFEST --save-plan makes one") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UsageError(f"{path}: is no plan: batchvid plan MANIFEST --save-plan makes one")
    if document.get("version") != VERSION:
        raise UsageError(
            f"{path}: is a plan of version {hide_secrets(str(document.get('version')))}, and this batchvid reads "
            f"version {VERSION}: plan again"
        )
    plain = document.get("plan")
    if document.get("sha256") != _digest(plain):
        raise UsageError(f"{path}: was changed after it was saved, or is damaged: change the manifest and plan again")
    try:
        return _PLAN.validate_python(plain)
    except ValidationError as exc:
        where = ".".join(map(str, exc.errors(include_input=False)[0]["loc"]))
        raise UsageError(f"{path}: {where} cannot be read: plan again") from None


def _digest(plain: object) -> str:
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()


def batch_of(saved: SavedPlan) -> Batch:
    """The batch that the plan is for: its jobs, limits and providers come from the plan, not from the manifest."""
    path, folder = Path(saved.manifest), Path(saved.folder)
    clips = [{"id": "frozen"}]  # a manifest has at least one entry; the jobs are those of the plan
    settings = ManifestModel.model_validate({**saved.settings, "clips": clips})
    jobs = tuple(PlacedJob(spec=job.spec, place=job.place) for job in saved.jobs)
    frozen = Manifest(
        path=path,
        folder=path.parent,
        batch=saved.batch,
        settings=settings,
        jobs=jobs,
        all_ids=frozenset(job.spec.id for job in saved.jobs),
        only=True,
    )
    return Batch(
        path=path,
        name=saved.batch,
        settings=settings,
        folder=folder,
        providers=saved.providers,
        models=load_models(path.parent),
        sets=saved.sets,
        selection=saved.selection,
        new_batch=saved.new_batch,
        lazy_manifest=LazyManifest(lambda: frozen, folder=None),
    )


def with_jobs(saved: SavedPlan, specs: Mapping[str, JobSpec]) -> SavedPlan:
    """The same plan with these specs in the place of those of the same ids."""
    jobs = tuple(replace(job, spec=specs.get(job.spec.id, job.spec)) for job in saved.jobs)
    return replace(saved, jobs=jobs)
