"""The values that reading a manifest returns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from batchvid.domain.job_spec import JobSpec, RowPlace
from batchvid.manifest.reading.marked_data import Map
from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.reading.safe_names import safe_name
from batchvid.manifest.schema.models import ManifestModel, Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedJob:
    """A job and the place of its clip entry in the manifest.

    `columns` are the columns of the job's table that each field reads, and `id`. `not_fetched` says why the table could
    not be fetched now: the row is that of an earlier copy, and nothing is bought for it.
    """

    spec: JobSpec
    place: Place
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_fetched: str = ""

    @property
    def row(self) -> RowPlace | None:
        """The row of a table that it is made from, if any."""
        return self.spec.row


class JobProblem(NamedTuple):
    """Why a job cannot be bought, and the fields that cause it."""

    fields: tuple[str, ...]
    text: str


class EntryCounts(NamedTuple):
    """What one clip entry reads: rows of a table, or images.

    `name` and `place` are those of the entry. `kind` is `rows`, `images`, or empty for an entry with neither, which
    reads nothing. `kept` are those that meet `where`; `left_out_rows` are the labels of the first ones left out.
    """

    name: str
    place: Place
    kind: str
    rows_read: int
    kept: int
    left_out: int
    left_out_rows: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A valid manifest: `settings` as written, and its jobs in the order of the file.

    `batch` names the output folder. `folder` is absolute. `all_ids` are the ids of all jobs, selected or not; `only`
    is true when `jobs` is a selection. `warnings` are what is odd and stops nothing, each with its place. `notes` are
    what rules make of it, where the user may not expect it. `entries` are the counts of all clip entries, selected or
    not, in the order of the file.
    It is not complete where a table could not be fetched and there is no earlier copy: other jobs may exist.
    """

    path: Path
    folder: Path
    batch: str
    settings: ManifestModel
    jobs: tuple[PlacedJob, ...]
    all_ids: frozenset[str]
    only: bool
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    entries: tuple[EntryCounts, ...] = ()
    is_complete: bool = True


class FetchedTable(NamedTuple):
    """A table of the web: the file that holds it, and why that is an earlier copy, or why there is none.

    `note` says that it changed since the last run.
    """

    path: Path | None
    problem: str = ""
    note: str = ""


class TableFetcher(Protocol):
    """Fetches a table of the web. Each address is fetched once, however often it is called."""

    def __call__(self, address: str) -> FetchedTable:
        """The table. Raises ValueError for an address that cannot be fetched at all."""


class ExternalChecks(Protocol):
    """Checks that need the catalogue: providers and models."""

    def register_provider(self, name: str, provider: Provider) -> str:
        """Add a provider of the manifest, or what it says of a known one. Called for each provider, before any job.

        Returns what is wrong with it, or nothing.
        """

    def job_problem(self, spec: JobSpec, bad_providers: Collection[str]) -> JobProblem | None:
        """Why the job cannot be bought. Called only when the manifest has other problems to be reported.

        `bad_providers` are the providers that have a problem themselves: it is not repeated for their jobs.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedManifest:
    """A manifest that is read but not yet expanded to jobs.

    `settings` is the valid part, or None; `valid_clips` are the indexes of its clip entries in the document,
    `bad_providers` the names of providers that have a problem. `problems` are all problems so far.
    """

    path: Path
    document: Map | None
    settings: ManifestModel | None
    valid_clips: Sequence[int]
    bad_providers: frozenset[str]
    problems: Problems

    @property
    def batch(self) -> str:
        """The name of the output folder."""
        return (self.settings and self.settings.batch) or safe_name(self.path.stem)
