"""The directory of all batches, and which folders a manifest was run into before."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from batchvid.catalog.user_files import find_project_out
from batchvid.errors import StateError
from batchvid.paths import DEFAULT_OUT, BatchPaths, find_batches, quoted, shown
from batchvid.state.readers import has_jobs, read_meta
from batchvid.state.user_index import ManifestFile, UserIndex

OUT_VARIABLE = "BATCHVID_OUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFolder:
    """The folder of a batch; a notice when it is not where a new batch would go."""

    folder: Path
    notice: str = ""


def named_out(out: str | Path | None) -> Path | None:
    """The directory of all batches that the user names: the argument, else the environment variable."""
    chosen = os.environ.get(OUT_VARIABLE, "") if out is None else out
    return Path(chosen) if str(chosen) else None


def has_no_place(manifest: Path) -> bool:
    """Whether the manifest comes from a pipe or a device: such a path names another text each time."""
    if manifest == Path("/dev/stdin") or manifest.is_relative_to("/dev/fd") or manifest.is_relative_to("/proc"):
        return True
    try:
        mode = manifest.stat().st_mode
        return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)
    except (OSError, ValueError):
        return False


def default_out(manifest: Path) -> Path:
    """The directory of all batches when the user names none.

    That of the nearest batchvid.toml which sets one, else `outputs` beside the manifest; for a manifest from a pipe,
    `outputs` in the working directory. A link counts where it is, not where it leads.
    """
    if has_no_place(manifest):
        return Path(DEFAULT_OUT)
    return find_project_out(manifest.parent) or manifest.parent / DEFAULT_OUT


def choose_folder(manifest: Path, name: str, out: str | Path | None) -> OutputFolder:
    """The folder of this manifest's batch.

    Older versions put a batch below `outputs` in the working directory. If this manifest was run into such a folder,
    and not into the one that is the default now, that batch is continued.
    """
    if (named := named_out(out)) is not None:
        return OutputFolder(folder=named / name)
    folder, old = default_out(manifest) / name, Path(DEFAULT_OUT) / name
    if not came_from(old, manifest) or old.resolve() == folder.resolve() or came_from(folder, manifest):
        return OutputFolder(folder=folder)
    place = shown(folder.parent)
    notice = (
        f"{quoted(old)} is continued: this manifest was run into it. New batches go to {place}. To move this one: "
        f"mkdir -p {quoted(place)} && mv {quoted(old)} {quoted(place)}/"
    )
    return OutputFolder(folder=old, notice=notice)


def came_from(folder: Path, manifest: Path) -> bool:
    """Whether the last run into this folder was of this manifest, which may be broken or missing."""
    if has_no_place(manifest):
        return False
    try:
        source = read_meta(BatchPaths(folder).state).get("manifest")
    except (StateError, OSError):
        return False
    return source is not None and ManifestFile.at(manifest).is_at(source)


def find_earlier(manifest: Path, index: UserIndex, *, name: str | None = None) -> list[Path]:
    """The folders with jobs that this manifest was run into by this user, absolute, the last one first.

    Only batches of that name, if one is given. The manifest may be broken or missing. Best effort: what the index and
    the folders here know.
    """
    if has_no_place(manifest):
        return []
    identity, uses = ManifestFile.at(manifest), index.uses()
    found = dict.fromkeys(use.folder for use in uses if name in (None, use.batch) and identity.is_of(use))
    noted = {use.folder for use in uses}
    unnoted = [folder for folder in index.all_folders() if folder not in noted]  # run by an older batchvid
    here = [paths.folder for paths in find_batches(Path(DEFAULT_OUT))]
    for folder in (*unnoted, *here):
        if name in (None, folder.name) and came_from(folder, manifest):
            found[folder.resolve()] = None
    return [folder for folder in found if may_hold_jobs(folder)]


def find_lost(manifest: Path, index: UserIndex) -> list[Path]:
    """The folders that this manifest was run into, and clips were bought for, that have no state file now."""
    if has_no_place(manifest):
        return []
    identity, bought = ManifestFile.at(manifest), set(index.all_folders())
    folders = dict.fromkeys(use.folder for use in index.uses() if identity.is_of(use) and use.folder in bought)
    return [folder for folder in folders if not may_hold_jobs(folder)]


def may_hold_jobs(folder: Path) -> bool:
    """Whether there is a state file with jobs. One that cannot be read may have some."""
    state = BatchPaths(folder).state
    try:
        return state.is_file() and has_jobs(state)
    except StateError:
        return True
    except OSError:
        return False
