"""A manifest and the folder it is made in: read from a file, or from what an earlier run kept. Buys nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from batchvid import catalog, edits, manifest
from batchvid.catalog import Models, Provider
from batchvid.errors import UsageError
from batchvid.manifest import Manifest
from batchvid.market import Market
from batchvid.state import read_meta

STATE_NAME = "state.sqlite3"
REPORT_NAME = "report.csv"
LEDGER_NAME = "ledger.csv"
LOG_NAME = "run.log"
CLIPS_NAME = "clips"


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
        return self.folder / STATE_NAME


def load(path: str | Path, *, out: str | Path = "outputs", sets: Sequence[str] = (), only: Sequence[str] = ()) -> Batch:
    """Read a manifest, and lay over it what was edited since. Raises ManifestError with every problem."""
    market = Market(Path(path).parent)
    loaded = manifest.load(
        path, sets=sets, only=only, provider_of=lambda _model: catalog.DEFAULT_PROVIDER, beyond=market
    )
    folder = Path(out) / loaded.batch
    return Batch(
        manifest=edits.laid_over(loaded, edits.kept(folder)),
        folder=folder,
        providers=market.providers,
        models=market.models,
        sets=tuple(sets),
        only=tuple(only),
    )


def load_again(folder: Path, *, sets: Sequence[str] = (), only: Sequence[str] = ()) -> Batch:
    """The batch that was run into this folder, with all that it was run with; `sets` are laid over that.

    Raises UsageError when its manifest is gone, or names another folder by now: buying into that was not asked for.
    """
    meta = read_meta(folder / STATE_NAME)
    source = Path(meta.get("manifest", ""))
    if not source.is_file():
        raise UsageError(f"{folder} came from {source}, which is not there: name its manifest, or use --collect-only")
    said = {one.partition("=")[0]: one for one in (*meta.get("sets", ()), *sets)}  # the last word on each key
    batch = load(source, out=folder.parent, sets=list(said.values()), only=only or meta.get("only", ()))
    if batch.folder.resolve() != folder.resolve():
        raise UsageError(f"{folder} came from {source}, which names the folder {batch.folder} now: run the manifest")
    return batch


def folder_of(path: str | Path, *, out: str | Path = "outputs") -> Path:
    """Where a manifest's batch goes. Raises ManifestError when it cannot be read."""
    return load(path, out=out).folder
