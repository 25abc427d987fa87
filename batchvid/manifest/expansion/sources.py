"""What an entry makes clips from: the rows of a table, the images of a pattern, or just itself."""

from __future__ import annotations

from collections.abc import Iterator

from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.image_sources import image_sources
from batchvid.manifest.expansion.row_checks import check_rows
from batchvid.manifest.expansion.row_filter import count_entry, filter_sources
from batchvid.manifest.expansion.row_sources import row_sources
from batchvid.manifest.expansion.source import Source


def sources(entry: ClipEntryContext) -> Iterator[Source]:
    """All sources of an entry that meet its condition. What cannot be read is added to the problems."""
    clip = entry.clip
    if clip.rows and clip.images:
        entry.add_problem("images", "is given with rows; keep one of them (a column can name the image)")
    elif clip.rows:
        yield from check_rows(entry, filter_sources(entry, "rows", row_sources(entry, clip.rows)))
    elif clip.images:
        yield from filter_sources(entry, "images", image_sources(entry, clip.images))
    elif clip.where:
        entry.add_problem("where", "selects rows or images, and the entry has neither")
    else:
        count_entry(entry, "", 0, 0, [])
        yield Source(entry.shared.settings.vars, {}, {}, "")
