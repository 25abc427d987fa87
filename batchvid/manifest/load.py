"""Puts the manifest together: files to document to models to placed jobs, or all problems at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from batchvid import gc_control
from batchvid.domain.job_spec import JobSpec
from batchvid.errors import ManifestError
from batchvid.manifest.expansion.entry import Shared, entry_of
from batchvid.manifest.expansion.image_files import Pictures
from batchvid.manifest.expansion.job_builder import build
from batchvid.manifest.expansion.matrix import MAX_JOBS, drafts
from batchvid.manifest.expansion.parents import Child, tie
from batchvid.manifest.reading.includes import gather
from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.reading.safe_names import safe_name
from batchvid.manifest.reading.yaml_reader import Map, mark_at
from batchvid.manifest.schema.models import ManifestModel, Provider
from batchvid.manifest.schema.templates import Templates
from batchvid.manifest.schema.validation import entry_name, validate

SHOWN_IDS = 5  # ids named when --only selects nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedJob:
    """A job and where the manifest asks for it; all jobs of an entry share the place."""

    spec: JobSpec
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest that holds: `settings` as written, and its jobs in the order of the file.

    `batch` names the output folder. `folder` is absolute. `all_ids` are the ids before `--only` picked among them,
    `only` says whether it did.
    """

    path: Path
    folder: Path
    batch: str
    settings: ManifestModel
    jobs: tuple[PlacedJob, ...]
    all_ids: frozenset[str]
    only: bool


class Beyond(Protocol):
    """Knows what a manifest alone cannot: providers and models. Each answer is what is wrong, or empty."""

    def provider_problem(self, name: str, said: Provider) -> str:
        """Whether such a provider can be; asked for each one, before any job."""

    def job_problem(self, spec: JobSpec, unsound: Collection[str]) -> str:
        """What the job asks in vain; asked only to show it beside other mistakes.

        `unsound` are providers that the manifest means to have, but wrongly: their jobs must not be told so again.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A manifest that is read, and not expanded yet: all it says but for its jobs.

    `problems` are those found so far, `settings` what holds all the same, None when nothing does; `kept` are the
    indexes of the clip entries in it, `unsound` the providers that the manifest means to have, but wrongly.
    """

    path: Path
    document: Map | None
    settings: ManifestModel | None
    kept: Sequence[int]
    unsound: frozenset[str]
    problems: Problems

    @property
    def batch(self) -> str:
        """The name of the output folder."""
        return (self.settings and self.settings.batch) or safe_name(self.path.stem)


def outline(path: str | Path, *, sets: Sequence[str] = (), beyond: Beyond | None = None) -> Outline:
    """Read a manifest as far as that costs the same for any number of rows. Raises nothing: `expand` does.

    `sets` are `key=value` texts laid over the file; `beyond` says what else may be wrong with a provider.
    """
    path = Path(path)
    problems = Problems(str(path))
    settings, kept, unsound = None, list[int](), frozenset[str]()
    with gc_control.at_rest():
        document = gather(path, sets, problems)
        if document is not None:
            settings, kept = validate(document, problems)
            if settings is not None and beyond is not None:
                unsound = _unsound_providers(beyond, document, settings, problems)
    return Outline(path=path, document=document, settings=settings, kept=kept, unsound=unsound, problems=problems)


def _nobody(_model: str) -> str:
    """The provider of a model where none is asked for: none, as if the manifest had left it empty."""
    return ""


def expand(
    read: Outline,
    *,
    only: Sequence[str] = (),
    provider_of: Callable[[str], str] = _nobody,
    beyond: Beyond | None = None,
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
            pictures=Pictures(),
            problems=problems,
            provider_of=provider_of,
        )
        with gc_control.at_rest():
            jobs = _expand(shared, read.kept)
    if beyond is not None and problems:
        for job in jobs:
            if problem := beyond.job_problem(job.spec, read.unsound):
                problems.add(job.place, problem)
    _tell_apart(jobs, problems)
    picked = jobs if problems or not only else _pick(jobs, only, problems)
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
    beyond: Beyond | None = None,
) -> Manifest:
    """Read a manifest and expand it: see `outline` and `expand`. Raises ManifestError with every problem."""
    return expand(outline(path, sets=sets, beyond=beyond), only=only, provider_of=provider_of, beyond=beyond)


def _unsound_providers(beyond: Beyond, document: Map, settings: ManifestModel, problems: Problems) -> frozenset[str]:
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
        entry = entry_of(said, node if isinstance(node, Map) else Map(mark), place, shared)
        for draft in drafts(entry) if entry else ():
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
    tied = tie([job.spec for job in jobs], children, shared.problems)
    return [PlacedJob(spec=spec, place=job.place) for spec, job in zip(tied, jobs, strict=True)]


def _tell_apart(jobs: Sequence[PlacedJob], problems: Problems) -> None:
    """Two jobs must never share an id or a file, on systems that take `A` and `a` for one name as well."""
    ids: dict[str, PlacedJob] = {}
    keys: dict[str, PlacedJob] = {}
    folders: dict[str, PlacedJob] = {}
    for job in jobs:
        same = ids.setdefault(job.spec.id.casefold(), job)
        if same is not job:
            problems.add(
                job.place, f"makes the id {job.spec.id} again, which {_whose(same)} makes already{_hint(same, job)}"
            )
            continue
        key = job.spec.key.casefold()
        same = keys.setdefault(key, job)
        if same is not job:
            problems.add(
                job.place, f"writes to {job.spec.key} as {_whose(same)} does; put {{{{ id }}}} into output.clips"
            )
        folders.setdefault(key.rpartition("/")[0], job)
    for folder, job in folders.items():
        while folder:
            if folder in keys:
                problems.add(job.place, f"needs a folder where {_whose(keys[folder])} writes the file {folder}")
            folder = folder.rpartition("/")[0]


def _whose(job: PlacedJob) -> str:
    return f"{job.place.entry} at {job.place.file}:{job.place.line}"


def _hint(first: PlacedJob, second: PlacedJob) -> str:
    if first.place != second.place:
        return ""
    said = [
        f"{name} {first.spec.variables[name]!r} and {value!r}"
        for name, value in second.spec.variables.items()
        if first.spec.variables.get(name, value) != value
    ]
    return f" (out of {', '.join(said[:3])})" if said else " (from two rows that are alike)"


def _pick(jobs: Sequence[PlacedJob], only: Sequence[str], problems: Problems) -> list[PlacedJob]:
    wanted = [False] * len(jobs)
    for pattern in only:
        tag, folded = pattern.removeprefix("tag:"), pattern.casefold()
        if tag != pattern:
            hits = [tag in job.spec.tags for job in jobs]
        else:
            hits = [fnmatchcase(job.spec.id.casefold(), folded) for job in jobs]
        if not any(hits):
            problems.add(Place(f"--only {pattern}", 0, ""), _nothing_picked(jobs, is_tag=tag != pattern))
        wanted = [before or hit for before, hit in zip(wanted, hits, strict=True)]
    return [job for job, is_wanted in zip(jobs, wanted, strict=True) if is_wanted]


def _nothing_picked(jobs: Sequence[PlacedJob], *, is_tag: bool) -> str:
    names = sorted({tag for job in jobs for tag in job.spec.tags}) if is_tag else [job.spec.id for job in jobs]
    shown = ", ".join(names[:SHOWN_IDS]) or "none"
    more = f" and {len(names) - SHOWN_IDS} more" if len(names) > SHOWN_IDS else ""
    return f"picks nothing; the {'tags' if is_tag else 'ids'} are: {shown}{more}"
