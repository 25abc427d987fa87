"""Puts the manifest together: files to document to models to placed jobs, or all problems at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from batchvid import gc_control
from batchvid.errors import ManifestError
from batchvid.manifest.expansion.collisions import report_collisions
from batchvid.manifest.expansion.entry import Shared, entry_context
from batchvid.manifest.expansion.image_files import ImageCache
from batchvid.manifest.expansion.job_builder import build
from batchvid.manifest.expansion.matrix import MAX_JOBS, expand_entry
from batchvid.manifest.expansion.parents import Child, link_parents
from batchvid.manifest.expansion.selection import select_jobs
from batchvid.manifest.reading.includes import gather
from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.reading.yaml_reader import Map, mark_at
from batchvid.manifest.schema.models import ManifestModel
from batchvid.manifest.schema.templates import Templates
from batchvid.manifest.schema.validation import entry_name, validate
from batchvid.manifest.types import ExternalChecks, Manifest, ParsedManifest, PlacedJob


def outline(path: str | Path, *, sets: Sequence[str] = (), beyond: ExternalChecks | None = None) -> ParsedManifest:
    """Read a manifest as far as that costs the same for any number of rows. Raises nothing: `expand` does.

    `sets` are `key=value` texts laid over the file; `beyond` says what else may be wrong with a provider.
    """
    path = Path(path)
    problems = Problems(str(path))
    settings, kept, unsound = None, list[int](), frozenset[str]()
    with gc_control.gc_paused():
        document = gather(path, sets, problems)
        if document is not None:
            settings, kept = validate(document, problems)
            if settings is not None and beyond is not None:
                unsound = _unsound_providers(beyond, document, settings, problems)
    return ParsedManifest(
        path=path, document=document, settings=settings, kept=kept, unsound=unsound, problems=problems
    )


def _nobody(_model: str) -> str:
    """The provider of a model where none is asked for: none, as if the manifest had left it empty."""
    return ""


def expand(
    read: ParsedManifest,
    *,
    only: Sequence[str] = (),
    provider_of: Callable[[str], str] = _nobody,
    beyond: ExternalChecks | None = None,
) -> Manifest:
    """The manifest with its jobs. Opens the files it names (tables, images); no network, no key.

    `only` picks jobs by patterns on their ids, or `tag:NAME`; `provider_of` says who sells a model, for clips that name
    no provider; `beyond` what else may be wrong. Raises ManifestError with every problem, those of `read` among them.
    """
    problems, settings, jobs = read.problems, read.settings, []
    if read.document is not None and settings is not None:
        shared = Shared(
            document=read.document,
            settings=settings,
            folder=read.path.parent,
            templates=Templates(),
            pictures=ImageCache(),
            problems=problems,
            provider_of=provider_of,
        )
        with gc_control.gc_paused():
            jobs = _expand(shared, read.kept)
    if beyond is not None and problems:
        for job in jobs:
            if problem := beyond.job_problem(job.spec, read.unsound):
                problems.add(job.place, problem)
    report_collisions(jobs, problems)
    picked = jobs if problems or not only else select_jobs(jobs, only, problems)
    if problems or settings is None:
        raise ManifestError(problems.lines())
    return Manifest(
        path=read.path,
        folder=read.path.absolute().parent,
        batch=read.batch,
        settings=settings,
        jobs=tuple(picked),
        all_ids=frozenset(job.spec.id for job in jobs),
        only=bool(only),
    )


def load(
    path: str | Path,
    *,
    sets: Sequence[str] = (),
    only: Sequence[str] = (),
    provider_of: Callable[[str], str] = _nobody,
    beyond: ExternalChecks | None = None,
) -> Manifest:
    """Read a manifest and expand it: see `outline` and `expand`. Raises ManifestError with every problem."""
    return expand(outline(path, sets=sets, beyond=beyond), only=only, provider_of=provider_of, beyond=beyond)


def _unsound_providers(
    beyond: ExternalChecks, document: Map, settings: ManifestModel, problems: Problems
) -> frozenset[str]:
    said_providers = document.get("providers")
    unsound = set(said_providers or ()) - set(settings.providers) if isinstance(said_providers, Map) else set()
    for name, said in settings.providers.items():
        if problem := beyond.provider_problem(name, said):
            mark = mark_at(document, ("providers", name))
            problems.add(Place(mark.file, mark.line, f"providers.{name}"), problem)
            unsound.add(name)
    return frozenset(unsound)


def _expand(shared: Shared, kept: Sequence[int]) -> list[PlacedJob]:
    jobs: list[PlacedJob] = []
    children: dict[str, Child] = {}
    for said, index in zip(shared.settings.clips, kept, strict=True):
        mark = mark_at(shared.document, ("clips", index))
        place = Place(mark.file, mark.line, entry_name(shared.document, ("clips", index)))
        node = shared.document["clips"][index]
        entry = entry_context(said, node if isinstance(node, Map) else Map(mark), place, shared)
        for draft in expand_entry(entry) if entry else ():
            if len(jobs) >= MAX_JOBS:
                shared.problems.add(place, f"the manifest makes more than {MAX_JOBS:,} clips; split it")
                return jobs
            spec = build(entry, draft) if entry else None
            if entry is None or spec is None:
                continue
            jobs.append(PlacedJob(spec=spec, place=place))
            if spec.parent:
                children[spec.id] = Child(entry, draft.source.row)
    if not children:
        return jobs
    tied = link_parents([job.spec for job in jobs], children, shared.problems)
    return [PlacedJob(spec=spec, place=job.place) for spec, job in zip(tied, jobs, strict=True)]
