"""The files that `rows:` names: templates filled in, patterns looked up."""

from __future__ import annotations

from pathlib import Path

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.path_matching import has_wildcard, matching, resolve
from batchvid.manifest.reading.table_addresses import is_address, label_of
from batchvid.manifest.schema.rows import InlineRows, RowsField


def table_files(entry: ClipEntryContext, rows: RowsField) -> dict[str, Path]:
    """The tables by their names in messages; the files of a pattern are sorted. Raises ValueError."""
    folder = entry.folder_of("rows")
    found: dict[str, Path] = {}
    for written in rows.file:
        name = entry.shared.templates.render(written, entry.shared.settings.vars)
        if is_address(name):
            found.update(_fetched(entry, name))
            continue
        path = folder / name
        if _exists(path):
            found[name] = path
            continue
        if not has_wildcard(name):
            found[name] = Path(resolve(name, folder) or path)  # in another Unicode form, or with / for a backslash
            continue
        names = [one for one in matching(name, folder) if not Path(one).name.startswith("~$")]  # Excel's lock files
        if not names:
            raise ValueError(f"no file matches {name}; it was looked for below {folder.absolute()}")
        found.update((one, folder / one) for one in names)
    return found


def _fetched(entry: ClipEntryContext, address: str) -> dict[str, Path]:
    """The table of an address; none if it cannot be fetched and there is no earlier copy. Raises ValueError."""
    shared, label = entry.shared, label_of(address)
    if shared.fetch_table is None:
        raise ValueError(f"{label} is an address; download the table, and name the file")
    try:
        table = shared.fetch_table(address)
    except ValueError as exc:
        raise ValueError(f"{label} {exc}") from None
    place = entry.place_of("rows")
    if table.problem:
        shared.not_fetched[label] = f"its table cannot be fetched now: {table.problem}"
        copy = "; the rows are those of the last copy" if table.path else ""
        effect = "its entry buys nothing now, and what is paid for is collected"
        shared.problems.warn(place, f"rows: {label} cannot be fetched: {table.problem}; {effect}{copy}")
    if table.note:
        shared.problems.note(place, f"rows: {label} {table.note}")
    return {label: table.path} if table.path else {}


def is_rereadable(entry: ClipEntryContext) -> bool:
    """Whether its tables can be read twice: a pipe cannot."""
    rows = entry.clip.rows
    if rows is None or isinstance(rows, InlineRows):
        return True
    try:
        return all(path.is_file() for path in table_files(entry, rows).values())
    except (OSError, ValueError):
        return True


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False
