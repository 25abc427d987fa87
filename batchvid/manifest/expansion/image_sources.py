"""The images that fit a pattern as sources of clips."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import PurePosixPath

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.image_hints import unmatched_pattern
from batchvid.manifest.expansion.path_matching import composed, matching
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.reading.safe_names import safe_name
from batchvid.manifest.schema.field_types import word


def image_sources(entry: ClipEntryContext, images: list[str]) -> Iterator[Source]:
    """All images of the patterns, each once. What cannot be read is added to the problems."""
    variables = entry.shared.settings.vars
    if "image" in entry.node or "image" in entry.clip.matrix:
        entry.add_problem("image", "is given with images, which sets it; keep one of them")
        return
    for name in _names(entry, images):
        try:
            path = PurePosixPath(composed(word(name)))  # macOS decomposes file names
        except ValueError as exc:
            entry.add_problem("images", f"the name of the file {name!r} {exc}")
            continue
        folder = "" if str(path.parent) == "." else str(path.parent)
        image_variables = {"image_folder": folder, **variables, "image_name": path.name, "image_stem": path.stem}
        suffix = "" if entry.id_names & {"image_name", "image_stem"} else f"_{safe_name(path.stem)}"
        yield Source(image_variables, {"image_name": path.name}, {"image": name}, suffix, name)


def count_images(entry: ClipEntryContext, images: list[str]) -> int:
    """How many images fit the patterns, at most. Raises ValueError for a wrong template."""
    templates, folder = entry.shared.templates, entry.folder_of("images")
    return sum(len(matching(templates.render(text, entry.shared.settings.vars), folder)) for text in images)


def _names(entry: ClipEntryContext, images: list[str]) -> Iterator[str]:
    """The files that fit, pattern by pattern; a file that fits two is taken once."""
    folder = entry.folder_of("images")
    seen: set[str] = set()
    for written in images:
        try:
            pattern = entry.shared.templates.render(written, entry.shared.settings.vars)
            names = matching(pattern, folder)
        except ValueError as exc:
            entry.add_problem("images", str(exc))
            continue
        if not names:
            entry.add_problem("images", unmatched_pattern(pattern, folder))
        for name in names:
            path = os.path.normpath(folder / name)
            if path not in seen:
                seen.add(path)
                yield name
