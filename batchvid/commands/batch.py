"""A manifest and the folder it is made in: read from a file, or from what an earlier run kept. Buys nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from batchvid import catalog, manifest
from batchvid.catalog import Models, Provider
from batchvid.commands import prompt_edits
from batchvid.errors import UsageError
from batchvid.manifest import Manifest, ManifestModel
from batchvid.paths import BatchPaths
from batchvid.planning.availability import Availability
from batchvid.state.readers import read_meta


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A manifest and the folder that its clips, report and state go to."""

    manifest: Manifest
    folder: Path
    providers: Mapping[str, Provider]
    models: Models = field(default_factory=catalog.built_in)
    sets: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    @property
    def state_path(self) -> Path:
        """The state file."""
        return BatchPaths(self.folder).state


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexpandedBatch:
    """A manifest that holds so far and is not expanded yet: enough to collect by, too little to buy by.

    `expand` makes the batch of it; raises ManifestError with what is wrong with its jobs.
    """

    path: Path
    name: str
    settings: ManifestModel
    folder: Path
    providers: Mapping[str, Provider]
    models: Models
    sets: tuple[str, ...]
    only: tuple[str, ...]
    expand: Callable[[], Batch]

    @property
    def state_path(self) -> Path:
        """The state file."""
        return BatchPaths(self.folder).state


def draft_of(batch: Batch) -> UnexpandedBatch:
    """The batch as if it were not expanded yet."""
    return UnexpandedBatch(
        path=batch.manifest.path,
        name=batch.manifest.batch,
        settings=batch.manifest.settings,
        folder=batch.folder,
        providers=batch.providers,
        models=batch.models,
        sets=batch.sets,
        only=batch.only,
        expand=lambda: batch,
    )


def draft(
    path: str | Path, *, out: str | Path = "outputs", sets: Sequence[str] = (), only: Sequence[str] = ()
) -> UnexpandedBatch:
    """Read a manifest, but for its jobs. Raises ManifestError with every problem, those of its jobs among them."""
    market = Availability(Path(path).parent)
    read = manifest.outline(path, sets=sets, beyond=market)
    folder = Path(out) / read.batch

    def expand() -> Batch:
        loaded = manifest.expand(read, only=only, provider_of=lambda _model: catalog.DEFAULT_PROVIDER, beyond=market)
        return Batch(
            manifest=_as_edited(loaded, sets, market, prompt_edits.kept(folder)),
            folder=folder,
            providers=market.providers,
            models=market.models,
            sets=tuple(sets),
            only=tuple(only),
        )

    if read.problems or read.settings is None:
        return draft_of(expand())  # which raises, and tells what is wrong with the jobs, too
    return UnexpandedBatch(
        path=read.path,
        name=read.batch,
        settings=read.settings,
        folder=folder,
        providers=market.providers,
        models=market.models,
        sets=tuple(sets),
        only=tuple(only),
        expand=expand,
    )


def _as_edited(
    loaded: Manifest, sets: Sequence[str], market: Availability, kept: Mapping[str, prompt_edits.Edit]
) -> Manifest:
    """The manifest with its edits. One that `--only` picked from is read whole: an edited parent may be left out."""
    if not kept or not loaded.only:
        return prompt_edits.apply_edits(loaded, kept)
    whole = manifest.load(loaded.path, sets=sets, provider_of=lambda _model: catalog.DEFAULT_PROVIDER, beyond=market)
    picked = {placed.spec.id for placed in loaded.jobs}
    jobs = (placed for placed in prompt_edits.apply_edits(whole, kept).jobs if placed.spec.id in picked)
    return replace(loaded, jobs=tuple(jobs))


def load(path: str | Path, *, out: str | Path = "outputs", sets: Sequence[str] = (), only: Sequence[str] = ()) -> Batch:
    """Read a manifest, and lay over it what was edited since. Raises ManifestError with every problem."""
    return draft(path, out=out, sets=sets, only=only).expand()


def reopen(folder: Path, *, sets: Sequence[str] = (), only: Sequence[str] = ()) -> Batch:
    """The batch that was run into this folder: see `reopen_draft`."""
    return reopen_draft(folder, sets=sets, only=only).expand()


def reopen_draft(folder: Path, *, sets: Sequence[str] = (), only: Sequence[str] = ()) -> UnexpandedBatch:
    """The batch that was run into this folder, with all that it was run with; `sets` are laid over that.

    Raises UsageError when its manifest is gone, or names another folder by now: buying into that was not asked for.
    """
    meta = read_meta(BatchPaths(folder).state)
    source = Path(meta.get("manifest", ""))
    if not source.is_file():
        raise UsageError(f"{folder} came from {source}, which is not there: name its manifest, or use --collect-only")
    said = {one.partition("=")[0]: one for one in (*meta.get("sets", ()), *sets)}  # the last word on each key
    batch = draft(source, out=folder.parent, sets=list(said.values()), only=only or meta.get("only", ()))
    if batch.folder.resolve() != folder.resolve():
        raise UsageError(f"{folder} came from {source}, which names the folder {batch.folder} now: run the manifest")
    return batch


def folder_of(path: str | Path, *, out: str | Path = "outputs") -> Path:
    """Where a manifest's batch goes. Raises ManifestError when it cannot be read."""
    return draft(path, out=out).folder
