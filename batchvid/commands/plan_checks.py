"""`run --plan`: whether everything that a saved plan rests on is still as it was when it was reviewed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from batchvid import manifest
from batchvid.catalog import Provider
from batchvid.commands.batch import open_batch
from batchvid.commands.saved_plan import SavedJob, SavedPlan, with_jobs
from batchvid.domain.clip_request import ImageRef, inputs_of
from batchvid.domain.job_spec import JobSpec, Price
from batchvid.errors import BatchvidError, ManifestError, UsageError
from batchvid.manifest import ManifestModel
from batchvid.paths import BatchPaths
from batchvid.planning.addresses import used_providers
from batchvid.planning.availability import Availability
from batchvid.planning.plan_types import PRICED, JobPlan
from batchvid.state.readers import read_batch_id
from batchvid.state.user_index import open_user_index


def check_folder(saved: SavedPlan) -> None:
    """Raises UsageError when the batch's state file is not the one that the plan was made with."""
    state = BatchPaths(Path(saved.folder)).state
    is_other = saved.batch_id and read_batch_id(state) != saved.batch_id
    if is_other or (not saved.batch_id and not state.exists() and _was_run_since(saved)):
        raise UsageError(
            f"{state} is not the state file that the plan was made with: it is lost or replaced, and the plan cannot "
            f"tell what is bought already. Put it back, or plan again"
        )


def _was_run_since(saved: SavedPlan) -> bool:
    """Whether something was run into the folder of the plan since it was saved, as far as this user's index knows."""
    folder = Path(saved.folder).resolve()
    with closing(open_user_index()) as index:
        times = [use.used_at for use in index.uses() if use.folder == folder]
    return any(datetime.fromisoformat(time) >= saved.created_at for time in times)


def check_inputs(saved: SavedPlan, jobs: Sequence[SavedJob]) -> None:
    """Raises ManifestError with every picture and address that changed since the plan was saved.

    `jobs` are those of the plan that are not bought yet.
    """
    problems = [*_changed_pictures(jobs), *_changed_addresses(saved, jobs)]
    if problems:
        raise ManifestError([*problems, "plan again to buy with these changes"])


def _changed_pictures(jobs: Sequence[SavedJob]) -> Iterator[str]:
    uses: dict[ImageRef, list[str]] = {}
    for job in jobs:
        for image in job.spec.request.images:
            if not image.is_url:
                uses.setdefault(image, []).append(job.spec.id)
    for image, ids in uses.items():
        more = f" and {len(ids) - 1} more jobs" if len(ids) > 1 else ""
        try:
            with Path(image.source).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as exc:
            yield f"{image.source}: {exc.strerror or exc} ({ids[0]}{more})"
        else:
            if digest != image.sha256:
                yield f"{image.source}: the picture changed since the plan was saved ({ids[0]}{more})"


def _changed_addresses(saved: SavedPlan, jobs: Sequence[SavedJob]) -> Iterator[str]:
    for provider in used_providers([job.spec for job in jobs], saved.providers):
        for now in _providers_now(saved):
            address = now[provider.name].base_url if provider.name in now else "no address"
            if address != provider.base_url:
                yield (
                    f"providers.{provider.name}: its address was {provider.base_url or 'the emulator'} when the plan "
                    f"was saved, and is {address} now"
                )
                break


def _providers_now(saved: SavedPlan) -> Iterator[Mapping[str, Provider]]:
    """The providers as the user's files have them now: with the saved settings, and with the manifest of today."""
    path = Path(saved.manifest)
    frozen = Availability(path.parent)
    settings = ManifestModel.model_validate({**saved.settings, "clips": [{"id": "frozen"}]})
    for name, provider in settings.providers.items():
        frozen.register_provider(name, provider)
    yield frozen.providers
    if path.is_file():
        today = Availability(path.parent)
        with suppress(BatchvidError):
            if not manifest.parse(path, sets=saved.sets, checks=today).problems:
                yield today.providers


def check_prices(jobs: Mapping[str, SavedJob], planned: Sequence[JobPlan]) -> None:
    """Raises ManifestError when the catalogue now sells something else than the plan states, or at a higher price."""
    problems: Counter[str] = Counter()
    for job in planned:
        if job.action not in PRICED:
            continue
        saved = jobs[job.spec.id]
        model = job.spec.request.model
        if job.spec != saved.spec and job.spec.request != saved.spec.request:
            problems[f"{saved.spec.request.model}: {model} would be bought in its place"] += 1
            continue
        prices = zip((saved.price, *saved.fallback_prices), (job.price, *job.fallback_prices), strict=False)
        for before, after in prices:
            if _is_higher(before, after):
                problems[f"{model}: the price rose from {_usd(before)} to {_usd(after)} ({after.basis})"] += 1
        for name in ("duration_s", "aspect_ratio", "resolution"):
            old, new = getattr(saved, name), getattr(job, name)
            if old != new:
                problems[f"{model}: {name} is {new or 'not set'} now, and {old or 'not set'} in the plan"] += 1
    if problems:
        lines = [f"{text} ({count} clips)" for text, count in problems.items()]
        raise ManifestError([*lines, "plan again to buy with these changes"])


def _is_higher(before: Price, after: Price) -> bool:
    return before.usd is not None and (after.usd is None or after.usd > before.usd)


def _usd(price: Price) -> str:
    return "unknown" if price.usd is None else f"${price.usd.normalize():f}"


def with_links(saved: SavedPlan, jobs: Sequence[SavedJob]) -> SavedPlan:
    """The plan with the whole input links of these jobs, which the file does not hold: they come from the manifest.

    Raises ManifestError for a job that the manifest does not describe any more as the plan has it.
    """
    hidden = [job for job in jobs if job.hides_inputs]
    if not hidden:
        return saved
    batch = open_batch(
        saved.manifest, out=Path(saved.folder).parent, sets=saved.sets, selection=saved.selection, many=True
    )
    today = {placed.spec.id: placed.spec for placed in batch.manifest.jobs}
    specs: dict[str, JobSpec] = {}
    problems = []
    for job in hidden:
        now = today.get(job.spec.id)
        if now is None or now.fingerprint != job.spec.fingerprint:
            problems.append(
                f"{job.spec.id}: the plan has no query of its input link, and {saved.manifest} does not describe this "
                f"job any more as it was planned: plan again"
            )
        else:
            specs[job.spec.id] = job.spec.with_request(**inputs_of(now.request))
    if problems:
        raise ManifestError(problems)
    return with_jobs(saved, specs)
