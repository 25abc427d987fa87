"""Loads a manifest: files, document, models, jobs with their places; or all problems at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from batchvid import gc_control
from batchvid.domain.job_spec import JobSpec
from batchvid.errors import ManifestError
from batchvid.manifest.expansion.collisions import report_collisions
from batchvid.manifest.expansion.entry import ClipEntryContext, Shared, entry_context
from batchvid.manifest.expansion.equal_clips import report_equal_clips
from batchvid.manifest.expansion.field_columns import field_columns
from batchvid.manifest.expansion.image_files import ImageCache
from batchvid.manifest.expansion.job_builder import build
from batchvid.manifest.expansion.job_count import MAX_JOBS, count_jobs, describe_count, find_largest
from batchvid.manifest.expansion.matrix import expand_entry
from batchvid.manifest.expansion.parents import Child, link_parents
from batchvid.manifest.expansion.selection import first_jobs, select_jobs
from batchvid.manifest.reading.includes import gather
from batchvid.manifest.reading.marked_data import Map, mark_at
from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.schema.models import ManifestModel
from batchvid.manifest.schema.templates import Templates
from batchvid.manifest.schema.validation import entry_name, validate
from batchvid.manifest.schema.written_numbers import warn_of_changed_numbers
from batchvid.manifest.source_names import source_name
from batchvid.manifest.types import (
    EntryCounts,
    ExternalChecks,
    Manifest,
    ParsedManifest,
    PlacedJob,
    TableFetcher,
)
from batchvid.quoting import with_short_values
from batchvid.selection import Selection


def parse(path: str | Path, *, sets: Sequence[str] = (), checks: ExternalChecks | None = None) -> ParsedManifest:
    """Read a manifest without its jobs, which costs the same for any number of rows. Problems are raised by `expand`.

    `sets` are `key=value` texts that override the file; `checks` knows what else may be wrong with a provider.
    """
    path = Path(path)
    problems = Problems(str(path))
    settings, valid_clips, bad_providers = None, list[int](), frozenset[str]()
    with gc_control.gc_paused():
        document = gather(path, sets, problems)
        if document is not None:
            settings, valid_clips = validate(document, problems)
            warn_of_changed_numbers(document, problems)
            if settings is not None and checks is not None:
                bad_providers = _register_providers(checks, document, settings, problems)
    return ParsedManifest(
        path=path,
        document=document,
        settings=settings,
        valid_clips=valid_clips,
        bad_providers=bad_providers,
        problems=problems,
    )


def _no_provider(_model: str) -> str:
    return ""


def expand(
    parsed: ParsedManifest,
    *,
    provider_of: Callable[[str], str] = _no_provider,
    checks: ExternalChecks | None = None,
    max_jobs: int | None = MAX_JOBS,
    fetch_table: TableFetcher | None = None,
) -> Manifest:
    """The manifest with all its jobs; they are counted first, at most `max_jobs` are allowed.

    Opens the files it names (tables, images), and fetches tables of the web with `fetch_table`; needs no key.

    `provider_of` gives the provider of a model, for clips that name none; `checks` knows what else may be wrong.
    Raises ManifestError with every problem, including those found by `parse`.
    """
    problems, settings, jobs = parsed.problems, parsed.settings, []
    entry_counts: list[EntryCounts] = []
    not_fetched: dict[str, str] = {}
    if parsed.document is not None and settings is not None:
        shared = Shared(
            document=parsed.document,
            settings=settings,
            folder=parsed.path.parent,
            templates=Templates(),
            pictures=ImageCache(),
            problems=problems,
            provider_of=provider_of,
            entry_counts=entry_counts,
            fetch_table=fetch_table,
            not_fetched=not_fetched,
        )
        with gc_control.gc_paused():
            jobs = _expand(shared, parsed.valid_clips, max_jobs)
    if checks is not None and problems:
        for job in jobs:
            if problem := checks.job_problem(job.spec, parsed.bad_providers):
                source = source_name(job, problem.fields, parsed.path.parent)
                problems.add(job.place, with_short_values(problem.text, job.spec.variables.values()), source)
    report_collisions(jobs, problems, parsed.path.parent)
    report_equal_clips(jobs, problems)
    if problems or settings is None:
        raise ManifestError(problems.lines(), problems.notes())
    return Manifest(
        path=parsed.path,
        folder=parsed.path.absolute().parent,
        batch=parsed.batch,
        settings=settings,
        jobs=tuple(jobs),
        all_ids=frozenset(job.spec.id for job in jobs),
        only=False,
        warnings=tuple(problems.warnings()),
        notes=tuple(problems.notes()),
        entries=tuple(entry_counts),
        is_complete=not set(not_fetched) - {job.row.file for job in jobs if job.row},
    )


def select(manifest: Manifest, selection: Selection) -> Manifest:
    """The manifest with the selected jobs only. Raises ManifestError when a pattern fits no job."""
    if not selection:
        return manifest
    problems = Problems(str(manifest.path))
    selected = select_jobs(manifest.jobs, selection.only, problems) if selection.only else manifest.jobs
    if problems:
        raise ManifestError(problems.lines())
    selected = first_jobs(selected, selection.sample, selection.limit)
    return replace(manifest, jobs=tuple(selected), only=True)


def load(
    path: str | Path,
    *,
    sets: Sequence[str] = (),
    only: Sequence[str] = (),
    provider_of: Callable[[str], str] = _no_provider,
    checks: ExternalChecks | None = None,
    max_jobs: int | None = MAX_JOBS,
) -> Manifest:
    """Read a manifest: see `parse`, `expand` and `select`. Raises ManifestError with every problem."""
    manifest = expand(parse(path, sets=sets, checks=checks), provider_of=provider_of, checks=checks, max_jobs=max_jobs)
    return select(manifest, Selection(tuple(only)))


def _placed(entry: ClipEntryContext, spec: JobSpec, columns: Mapping[str, tuple[str, ...]]) -> PlacedJob:
    reason = entry.shared.not_fetched.get(spec.row.file, "") if spec.row else ""
    return PlacedJob(spec=spec, place=entry.place, columns=columns, not_fetched=reason)


def _register_providers(
    checks: ExternalChecks, document: Map, settings: ManifestModel, problems: Problems
) -> frozenset[str]:
    """Register the manifest's providers; the names of those that are wrong."""
    written = document.get("providers")
    bad = set(written or ()) - set(settings.providers) if isinstance(written, Map) else set()
    for name, provider in settings.providers.items():
        if problem := checks.register_provider(name, provider):
            mark = mark_at(document, ("providers", name))
            problems.add(Place(mark.file, mark.line, f"providers.{name}"), problem)
            bad.add(name)
    return frozenset(bad)


def _entries(shared: Shared, valid_clips: Sequence[int]) -> list[ClipEntryContext]:
    entries = []
    for clip, index in zip(shared.settings.clips, valid_clips, strict=True):
        mark = mark_at(shared.document, ("clips", index))
        place = Place(mark.file, mark.line, entry_name(shared.document, ("clips", index)))
        node = shared.document["clips"][index]
        entries.append(entry_context(clip, node if isinstance(node, Map) else Map(mark), place, shared))
    return [entry for entry in entries if entry is not None]


def _expand(shared: Shared, valid_clips: Sequence[int], max_jobs: int | None) -> list[PlacedJob]:
    entries = _entries(shared, valid_clips)
    if max_jobs is not None and (count := count_jobs(entries, max_jobs)) > max_jobs:
        largest = find_largest(entries)
        shared.problems.add(largest.place, f"{describe_count(largest, count)}; more than {max_jobs:,} need --many")
        return []
    jobs: list[PlacedJob] = []
    children: dict[str, Child] = {}
    for entry in entries:
        read: dict[tuple[str, ...], Mapping[str, tuple[str, ...]]] = {}
        for draft in expand_entry(entry):
            if max_jobs is not None and len(jobs) >= max_jobs:  # of a table that cannot be read twice
                text = f"the manifest makes more than {max_jobs:,} clips; so many need --many"
                shared.problems.add(entry.place, text)
                return jobs
            spec = build(entry, draft)
            if spec is None:
                continue
            header = tuple(draft.source.columns)
            if header not in read:
                read[header] = field_columns(entry, draft.source)
            jobs.append(_placed(entry, spec, read[header]))
            if spec.parent:
                children[spec.id] = Child(entry, draft.source.row)
    if not children:
        return jobs
    linked = link_parents([job.spec for job in jobs], children, shared.problems)
    return [replace(job, spec=spec) for spec, job in zip(linked, jobs, strict=True)]
