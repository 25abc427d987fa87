"""What reading a manifest gives."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from batchvid.domain.job_spec import JobSpec
from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.reading.safe_names import safe_name
from batchvid.manifest.reading.yaml_reader import Map
from batchvid.manifest.schema.models import ManifestModel, Provider


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


class ExternalChecks(Protocol):
    """Knows what a manifest alone cannot: providers and models. Each answer is what is wrong, or empty."""

    def provider_problem(self, name: str, said: Provider) -> str:
        """Whether such a provider can be; asked for each one, before any job."""

    def job_problem(self, spec: JobSpec, unsound: Collection[str]) -> str:
        """What the job asks in vain; asked only to show it beside other mistakes.

        `unsound` are providers that the manifest means to have, but wrongly: their jobs must not be told so again.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedManifest:
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
