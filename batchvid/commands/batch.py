"""A manifest and its batch's folder, opened from a file or from what an earlier run stored. Buys nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from batchvid import catalog, manifest
from batchvid.catalog import Models, Provider
from batchvid.catalog.wire_formats import WireFormat
from batchvid.commands import prompt_edits
from batchvid.commands.edit_reading import SheetEdits
from batchvid.commands.output_folder import choose_folder
from batchvid.commands.web_tables import WebTables
from batchvid.errors import UsageError
from batchvid.manifest import Manifest, ManifestModel
from batchvid.paths import BatchPaths, quoted
from batchvid.planning.availability import Availability
from batchvid.selection import EVERYTHING, Selection
from batchvid.state.readers import read_meta


class LazyManifest:
    """Expands a manifest to jobs when they are needed, and keeps them. Raises ManifestError with every problem.

    `expand` gives all jobs. `selection` takes some of them; the edits that `folder` holds, if there is one, are
    applied to them.
    """

    def __init__(
        self, expand: Callable[[], Manifest], *, folder: Path | None, selection: Selection = EVERYTHING
    ) -> None:
        self._expand = expand
        self._folder = folder
        self._selection = selection
        self._unedited: Manifest | None = None
        self._manifest: Manifest | None = None
        self._unsaved: Mapping[str, prompt_edits.Edit] = {}

    @property
    def unedited(self) -> Manifest:
        """All jobs as the manifest defines them, without edits."""
        if self._unedited is None:
            self._unedited = self._expand()
        return self._unedited

    @property
    def manifest(self) -> Manifest:
        """The selected jobs, with the edits of their prompts."""
        if self._manifest is None:
            self._manifest = self._edited_and_selected(self.unedited)
        return self._manifest

    def for_one_use(self) -> Manifest:
        """The same manifest, not kept unless it was kept before: a long run must not hold every job twice."""
        if self._manifest is None and self._unedited is None:
            return self._edited_and_selected(self._expand())
        return self.manifest

    @property
    def edits(self) -> Mapping[str, prompt_edits.Edit]:
        """The edits of prompts that are applied, by the id of their job."""
        saved = prompt_edits.load_saved(self._folder) if self._folder else {}
        return prompt_edits.merge(saved, self._unsaved)

    def save_edits(self, edits: Mapping[str, prompt_edits.Edit]) -> None:
        """Save edits in the folder, and apply them from now on."""
        assert self._folder is not None  # noqa: S101 - a saved plan takes no edits
        prompt_edits.save(self._folder, edits)
        self._manifest = None

    def use_edits(self, edits: Mapping[str, prompt_edits.Edit]) -> None:
        """Apply edits from now on, without saving them."""
        self._unsaved = edits
        self._manifest = None

    def _edited_and_selected(self, unedited: Manifest) -> Manifest:
        selected = manifest.select(unedited, self._selection)
        edits = self.edits
        if not edits:
            return selected
        # applied to all jobs: the edited parent of a selected job may not be selected itself
        edited = prompt_edits.apply_edits(unedited, edits)
        if not self._selection:
            return edited
        selected_ids = {placed.spec.id for placed in selected.jobs}
        return replace(selected, jobs=tuple(placed for placed in edited.jobs if placed.spec.id in selected_ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A manifest and the folder that its clips, report and state go to.

    The jobs are in `manifest`. Everything else is known before the manifest is expanded to jobs. `new_batch` allows a
    run to begin although the manifest was run into another folder; `notice` is empty or for the user.
    `formats` are the wire formats of the user's files. `edited` is what `edit` read from a file: then `retry` buys only
    those jobs.
    """

    path: Path
    name: str
    settings: ManifestModel
    folder: Path
    providers: Mapping[str, Provider]
    models: Models
    sets: tuple[str, ...] = ()
    selection: Selection = EVERYTHING
    new_batch: bool = False
    notice: str = ""
    edited: SheetEdits | None = None
    formats: Mapping[str, WireFormat] = field(default_factory=dict, repr=False)
    lazy_manifest: LazyManifest = field(repr=False)
    web_tables: WebTables | None = field(default=None, repr=False)

    @property
    def manifest(self) -> Manifest:
        """The manifest with its jobs, expanded on first access. Raises ManifestError with every problem."""
        return self.lazy_manifest.manifest

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know before anything is done."""
        edits = self.edited.notices if self.edited is not None else ()
        return tuple(filter(None, (self.notice, *edits)))

    @property
    def paths(self) -> BatchPaths:
        """The files of the batch's folder."""
        return BatchPaths(self.folder)

    @property
    def state_path(self) -> Path:
        """The state file."""
        return self.paths.state


def open_batch(
    path: str | Path,
    *,
    out: str | Path | None = None,
    sets: Sequence[str] = (),
    selection: Selection = EVERYTHING,
    many: bool = False,
    new_batch: bool = False,
) -> Batch:
    """Read a manifest without expanding it to jobs; `many` allows more than a million.

    Its folder is below `out`; else below BATCHVID_OUT, below the directory that a batchvid.toml sets, or below
    `outputs` beside the manifest. With `new_batch` it may begin there although it was run into another folder.
    Raises ManifestError for a problem outside the jobs, together with every problem of the jobs.
    """
    availability = Availability(Path(path).parent)
    parsed = manifest.parse(path, sets=sets, checks=availability)
    chosen = choose_folder(Path(path), parsed.batch, out)

    web_tables = WebTables(chosen.folder)

    def expand() -> Manifest:
        return manifest.expand(
            parsed,
            provider_of=lambda _model: catalog.DEFAULT_PROVIDER,
            checks=availability,
            max_jobs=None if many else manifest.MAX_JOBS,
            fetch_table=web_tables,
        )

    return Batch(
        path=parsed.path,
        name=parsed.batch,
        settings=parsed.settings if parsed.settings and not parsed.problems else expand().settings,  # which raises
        folder=chosen.folder,
        providers=availability.providers,
        models=availability.models,
        sets=tuple(sets),
        selection=selection,
        new_batch=new_batch,
        notice=chosen.notice,
        formats=availability.formats,
        lazy_manifest=LazyManifest(expand, folder=chosen.folder, selection=selection),
        web_tables=web_tables,
    )


def load(
    path: str | Path,
    *,
    out: str | Path | None = None,
    sets: Sequence[str] = (),
    only: Sequence[str] = (),
    sample: int | None = None,
    limit: int | None = None,
    new_batch: bool = False,
) -> Batch:
    """Read a manifest, expand it and apply saved edits of prompts. Raises ManifestError with every problem.

    `only` takes the jobs that fit a pattern, `sample` the first ones of each clip entry, `limit` the first ones in all.
    `out` and `new_batch` are as in `open_batch`.
    """
    batch = open_batch(path, out=out, sets=sets, selection=Selection(tuple(only), sample, limit), new_batch=new_batch)
    _ = batch.manifest
    return batch


def reopen(folder: Path, *, sets: Sequence[str] = (), selection: Selection = EVERYTHING, many: bool = False) -> Batch:
    """The batch that was run into this folder, with the options of that run, not expanded yet. `sets` are added.

    Without a selection, that of the last run is used.

    Raises UsageError when its manifest is gone, or when the manifest now names another folder.
    """
    meta = read_meta(BatchPaths(folder).state)
    source = Path(meta.get("manifest", ""))
    if not source.is_file():
        raise UsageError(f"{folder} came from {source}, which is not there: name its manifest, or use --collect-only")
    values = {one.partition("=")[0]: one for one in (*meta.get("sets", ()), *sets)}  # the last value of each key
    last = Selection(tuple(meta.get("only", ())), meta.get("sample") or None, meta.get("limit") or None)
    batch = open_batch(source, out=folder.parent, sets=list(values.values()), selection=selection or last, many=many)
    if batch.folder.resolve() != folder.resolve():
        raise UsageError(
            f"{folder} came from {source}, which now names the folder {batch.folder}: see what a run would buy there "
            f"with batchvid plan {quoted(source)}"
        )
    return batch


def folder_of(path: str | Path, *, out: str | Path | None = None) -> Path:
    """Where a manifest's batch goes. Raises ManifestError when it cannot be read."""
    return open_batch(path, out=out).folder
