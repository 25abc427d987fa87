"""Opens a batch by its manifest, name or folder, and finds the folder of a batch. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from batchvid.catalog.user_files import find_project_out
from batchvid.commands.batch import Batch, open_batch, reopen
from batchvid.commands.output_folder import came_from, default_out, find_earlier, has_no_place, named_out
from batchvid.errors import ManifestError, UsageError
from batchvid.near_matches import MAX_SUGGESTIONS, near_matches
from batchvid.paths import DEFAULT_OUT, MANIFEST_SUFFIXES, STATE_NAME, BatchPaths, find_batches, quoted, shown
from batchvid.selection import EVERYTHING, Selection
from batchvid.state.user_index import open_user_index


def open_target(
    target: str,
    *,
    out: str | Path | None = None,
    sets: Sequence[str] = (),
    selection: Selection = EVERYTHING,
    many: bool = False,
    new_batch: bool = False,
) -> Batch:
    """The batch of a manifest, or the one of that name or folder, with the options of its last run.

    It is not expanded yet; `out` and the others are as in `open_batch`. Raises ManifestError or UsageError.
    """
    if not is_manifest(target):
        return reopen(find_batch(target, out=out), sets=sets, selection=selection, many=many)
    if not _is_there(target):
        raise ManifestError([f"{target}: there is no such file{suggest(target, out)}"])
    return open_batch(target, out=out, sets=sets, selection=selection, many=many, new_batch=new_batch)


def is_manifest(target: str) -> bool:
    """Whether the target is a manifest rather than a batch's folder, state file or name."""
    path = Path(target)
    if path.suffix in MANIFEST_SUFFIXES or has_no_place(path):
        return True
    try:
        return path.is_file() and path.name != STATE_NAME
    except (OSError, ValueError):
        return False


def _is_there(target: str) -> bool:
    """Whether something of that name exists; what may not be looked at is reported when it is read."""
    try:
        return Path(target).exists()
    except (OSError, ValueError):
        return True


def find_batch(target: str, *, out: str | Path | None = None) -> Path:
    """The folder of the batch with this name, folder or state file.

    A name is looked up below `out` or BATCHVID_OUT. If it is not there, all of these count: the directory that a
    batchvid.toml here or above sets, `outputs` here, and this user's index. Raises UsageError when there is none, or
    more than one.
    """
    path = Path(target)
    folder = path.parent if path.name == STATE_NAME else path
    if _has_state(folder):
        return folder
    named = named_out(out)
    if named is not None and _has_state(named / target):
        return named / target
    found = _distinct([*(place / target for place in output_directories(None)), *_indexed(target)])
    if len(found) > 1:
        raise UsageError(f"there are {len(found)} batches {target}; give the folder of one:\n{_listed(found)}")
    if not found:
        raise UsageError(
            f"{target}: neither a manifest (*.yaml) nor the name or folder of a batch{suggest(target, out)}"
        )
    return found[0]


def only_batch(*, out: str | Path | None = None) -> Path:
    """The only batch below `out`, or below the default directories here. Raises UsageError for none or several."""
    places = output_directories(out)
    found = _distinct(paths.folder for place in places for paths in find_batches(place))
    if len(found) == 1:
        return found[0]
    where = " and ".join(f"{shown(place)}/" for place in places)
    names = ", ".join(folder.name for folder in found) or "none yet"
    known = "" if found else _first_known()
    raise UsageError(f"which batch? below {where} there are: {names}{known}")


def find_by_manifest(manifest: Path, *, out: str | Path | None = None, name: str | None = None) -> list[Path]:
    """The folders that a manifest was run into, the last one first; it may be broken or missing.

    Those below `out` or BATCHVID_OUT, if there is one; else all that are known, or those of that name elsewhere.
    """
    named = named_out(out)
    places = [named] if named is not None else [default_out(manifest), Path(DEFAULT_OUT)]
    here = [paths.folder for place in places for paths in find_batches(place) if came_from(paths.folder, manifest)]
    if named is not None:
        return _distinct(here)
    with closing(open_user_index()) as index:
        return _distinct([*here, *find_earlier(manifest, index, name=name)])


def describe_choice(manifest: str, folders: Iterable[Path]) -> str:
    """The message for a manifest that was run into several folders."""
    return f"{manifest} was run into several folders; give one of them:\n{_listed(folders)}"


def suggest(target: str, out: str | Path | None = None) -> str:
    """At most five manifests here and batches that a mistyped target may mean, as the end of a message."""
    inside = [quoted(file) for file in manifests_below(Path(target))]
    if inside:
        return f"; did you mean {' or '.join(inside[:MAX_SUGGESTIONS])}?"
    names = {name: name for name in known_names(out)}
    for file in manifests_below(Path(target).parent):
        names |= {file.stem: quoted(file), file.name: quoted(file)}
    near = near_matches(Path(target).name, names)
    if near:
        return f"; did you mean {' or '.join(dict.fromkeys(names[name] for name in near))}?"
    others = list(dict.fromkeys(names.values()))[:MAX_SUGGESTIONS]
    return f"; there are, for example: {', '.join(others)}" if others else ""


def known_names(out: str | Path | None = None) -> list[str]:
    """The names of the batches that `find_batch` finds."""
    names = [paths.folder.name for place in output_directories(out) for paths in find_batches(place)]
    with closing(open_user_index()) as index:
        known = [*((use.batch, use.folder) for use in index.uses()), *((one.name, one) for one in index.all_folders())]
    return list(dict.fromkeys([*names, *(name for name, folder in known if _has_state(folder))]))


def manifests_below(folder: Path) -> list[Path]:
    """The manifests in a folder, by name."""
    try:
        return sorted(file for file in folder.iterdir() if file.suffix in MANIFEST_SUFFIXES)
    except (OSError, ValueError):
        return []


def output_directories(out: str | Path | None) -> list[Path]:
    """Where batches are looked for: `out` or BATCHVID_OUT, else the directory of the project, and `outputs` here."""
    named = named_out(out)
    if named is not None:
        return [named]
    project = find_project_out(Path())
    return [*([project] if project else []), Path(DEFAULT_OUT)]


def _indexed(name: str) -> Iterator[Path]:
    """The folders of this user's batches of that name."""
    with closing(open_user_index()) as index:
        yield from [use.folder for use in index.uses() if use.batch == name]
        yield from [folder for folder in index.all_folders() if folder.name == name]


def _distinct(folders: Iterable[Path]) -> list[Path]:
    """Those that hold a state file, each once."""
    found: dict[Path, Path] = {}
    for folder in folders:
        if _has_state(folder):
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


def _has_state(folder: Path) -> bool:
    with suppress(OSError, ValueError):
        return BatchPaths(folder).state.is_file()
    return False


def _listed(folders: Iterable[Path]) -> str:
    return "\n".join(f"  {quoted(shown(folder))}" for folder in folders)


def _first_known() -> str:
    names = known_names()[:MAX_SUGGESTIONS]
    return f"; elsewhere, for example: {', '.join(names)}" if names else ""
