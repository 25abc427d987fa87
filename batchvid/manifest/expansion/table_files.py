"""The files that `rows:` names: templates filled in, patterns looked up."""

from __future__ import annotations

import re
from pathlib import Path

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.path_matching import matching
from batchvid.manifest.schema.rows import InlineRows, RowsField

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def table_files(entry: ClipEntryContext, rows: RowsField) -> dict[str, Path]:
    """The tables by their names in messages; the files of a pattern are sorted. Raises ValueError."""
    folder = entry.folder_of("rows")
    found: dict[str, Path] = {}
    for written in rows.file:
        name = entry.shared.templates.render(written, entry.shared.settings.vars)
        if _ADDRESS.match(name):
            raise ValueError(f"{name[:100]} is an address; download the table, and name the file")
        path = folder / name
        if not re.search(r"[*?\[]", name) or _exists(path):
            found[name] = path
            continue
        names = [one for one in matching(name, folder) if not Path(one).name.startswith("~$")]  # Excel's lock files
        if not names:
            raise ValueError(f"no file matches {name}; it was looked for below {folder.absolute()}")
        found.update((one, folder / one) for one in names)
    return found


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
