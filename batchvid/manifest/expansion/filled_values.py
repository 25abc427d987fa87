"""Fills one field of a job: renders its template or takes its cell, checks it, and finds its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from batchvid.domain.clip_request import ImageRole
from batchvid.manifest.expansion.entry import ClipEntryContext, FieldValue
from batchvid.manifest.expansion.image_files import ImageFile
from batchvid.manifest.expansion.matrix import JobDraft
from batchvid.manifest.expansion.picture_folders import allowed_folders
from batchvid.manifest.schema.cell_lists import split_files, split_words
from batchvid.manifest.schema.field_types import word
from batchvid.manifest.schema.models import CHECKS
from batchvid.manifest.schema.templates import Templates, is_template

ROLES: Mapping[str, ImageRole] = {"image": "first", "end_image": "last", "reference_images": "reference"}
"""The fields that hold images."""


def fill(entry: ClipEntryContext, draft: JobDraft, field: str, given: FieldValue) -> Any:
    """The field's value for this job; images as a list of files. Raises ValueError with what is wrong."""
    value = given.value
    if field == "options":
        return _render_deep(entry.shared.templates, value, draft.variables)
    if field == "tags":
        return [word(item) for item, _ in _items(entry, draft, given, split_words)]
    if field == "reference_images":
        return [_picture(entry, draft, given, *item) for item in _items(entry, draft, given, split_files)]
    if field in ROLES:
        if field in draft.source.fields:
            return [entry.shared.pictures.find(value, (entry.folder_of("images"),))]  # a file's name, never a template
        name = _text(entry, draft, given, value)
        return [_picture(entry, draft, given, name, value)] if name else None
    if not isinstance(value, str) or not (given.column or is_template(value)):
        return value
    text = _text(entry, draft, given, value)
    return CHECKS[field](text) if text else None


def _text(entry: ClipEntryContext, draft: JobDraft, given: FieldValue, text: str) -> str:
    """The text rendered; a cell is used as it is."""
    return (text if given.column else entry.shared.templates.render(text, draft.variables)).strip()


def _items(
    entry: ClipEntryContext, draft: JobDraft, given: FieldValue, split: Callable[[str], list[str]]
) -> Iterator[tuple[str, str]]:
    """(item, the text that it is written in) of a list; a cell, or a text that is a template, may hold several."""
    for written in given.value if isinstance(given.value, list) else [given.value]:
        text = _text(entry, draft, given, written)
        for item in split(text) if given.column or is_template(written) else [text]:
            if item:
                yield item, written


def _picture(entry: ClipEntryContext, draft: JobDraft, given: FieldValue, name: str, written: str) -> ImageFile:
    """The image, searched beside the file that sets the field, then beside the table that names it."""
    folder = entry.folder_at(given.place)
    folders: tuple[Path, ...] = (folder,)
    if draft.source.row_folder is not None and draft.source.row_folder != folder:
        folders = (folder, draft.source.row_folder)
    return entry.shared.pictures.find(word(name), folders, allowed_folders(entry, draft.source, given, written))


def _render_deep(templates: Templates, value: Any, variables: Mapping[str, Any]) -> Any:
    """Options with their templates rendered; the same object if there are none."""
    if isinstance(value, str):
        return templates.render(value, variables)
    if isinstance(value, dict):
        filled = {key: _render_deep(templates, inner, variables) for key, inner in value.items()}
        return filled if any(filled[key] is not value[key] for key in value) else value
    if isinstance(value, list):
        items = [_render_deep(templates, inner, variables) for inner in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value
