"""The folders from which a row of a table may name pictures: a sheet of somebody else must not send any file."""

from __future__ import annotations

from pathlib import Path

from batchvid.manifest.expansion.entry import ClipEntryContext, FieldValue
from batchvid.manifest.expansion.source import Source
from batchvid.manifest.reading.problems import Place


def allowed_folders(entry: ClipEntryContext, source: Source, given: FieldValue, written: str) -> tuple[Path, ...]:
    """The folders for the picture that `written`, a part of the `given` value, names.

    None if it may lie anywhere, because no row names it. They are the folder of the manifest, that of the file which
    sets the field, those of `images_from`, and the folder that the manifest itself writes before the first variable.
    """
    if not source.columns or not _is_named_by_row(entry, source, given, written):
        return ()
    beside = entry.folder_at(given.place)
    own = "" if given.column else written.partition("{")[0].rpartition("/")[0]
    return tuple(
        dict.fromkeys([entry.shared.folder, beside, *([beside / f"{own}/"] if own else []), *_images_from(entry)])
    )


def _is_named_by_row(entry: ClipEntryContext, source: Source, given: FieldValue, written: str) -> bool:
    return bool(given.column or entry.shared.templates.columns(written, tuple(source.columns)))


def _images_from(entry: ClipEntryContext) -> list[Path]:
    document, settings = entry.shared.document, entry.shared.settings
    folders = [entry.folder_of("images_from") / folder for folder in entry.clip.images_from]
    if settings.images_from:
        mark = document.marks.get("images_from")
        beside = Path(Place(*mark, "").file).parent if mark and mark.line else entry.shared.folder
        folders += [beside / folder for folder in settings.images_from]
    return [folder.expanduser() for folder in folders]
