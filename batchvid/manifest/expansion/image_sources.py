"""The images that fit a pattern as sources of clips."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.image_files import matching
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.reading.safe_names import safe_name
from batchvid.manifest.schema.field_types import word


def image_sources(entry: ClipEntryContext, images: str) -> Iterator[Source]:
    """All images of the pattern. What cannot be read is added to the problems."""
    variables = entry.shared.settings.vars
    if "image" in entry.node or "image" in entry.clip.matrix:
        entry.add_problem("image", "is given with images, which sets it; keep one of them")
        return
    try:
        pattern = entry.shared.templates.render(images, variables)
    except ValueError as exc:
        entry.add_problem("images", str(exc))
        return
    folder = entry.folder_of("images")
    names = matching(pattern, folder)
    if not names:
        entry.add_problem("images", f"no file matches {pattern}; it was looked for below {folder.absolute()}")
    for name in names:
        try:
            path = PurePosixPath(unicodedata.normalize("NFC", word(name)))  # macOS decomposes file names
        except ValueError as exc:
            entry.add_problem("images", f"the name of the file {name!r} {exc}")
            continue
        image_variables = {**variables, "image_name": path.name, "image_stem": path.stem}
        suffix = "" if entry.id_names & {"image_name", "image_stem"} else f"_{safe_name(path.stem)}"
        yield Source(image_variables, {"image_name": path.name}, {"image": name}, suffix, name)
