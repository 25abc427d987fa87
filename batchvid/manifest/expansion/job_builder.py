"""Builds a JobSpec from a draft: renders and checks templates, reads images, names the clip.

An empty value means that the field is not given: the next value counts. A clip without a model or without any content
is a problem, and so is one that works on another clip and does not get it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from batchvid.domain.clip_request import CLIP_FIELDS, ClipRequest, ImageRef, ImageRole, fingerprint
from batchvid.domain.job_spec import JobSpec
from batchvid.manifest.expansion.entry import ClipEntryContext, FieldValue
from batchvid.manifest.expansion.field_values import EMPTY
from batchvid.manifest.expansion.image_files import ImageFile
from batchvid.manifest.expansion.matrix import JobDraft
from batchvid.manifest.expansion.table_columns import name_columns, texts_in
from batchvid.manifest.expansion.text_checks import check_texts
from batchvid.manifest.reading.problems import Place
from batchvid.manifest.reading.safe_names import fit, safe_key, safe_name
from batchvid.manifest.reading.yaml_reader import Map
from batchvid.manifest.schema.cell_lists import split_files, split_words
from batchvid.manifest.schema.field_types import word
from batchvid.manifest.schema.models import CHECKS, ClipEntry
from batchvid.manifest.schema.templates import Templates, is_template
from batchvid.manifest.schema.variable_names import RowValues

_ROLES: Mapping[str, ImageRole] = {"image": "first", "end_image": "last", "reference_images": "reference"}
_CONTENT = ("prompt", *_ROLES, "action", "video", "parent")
_OF_ACTIONS = ("video", "parent", "audio")
_EMPTY = "is empty once it is filled in; give it a value, or leave the row out with where"


def build(entry: ClipEntryContext, draft: JobDraft) -> JobSpec | None:
    """The job; None when the entry has a problem with it."""
    names = _names(entry, draft)
    if names is None:
        return None
    base, job_id = names
    draft.variables["entry"] = base
    fields: dict[str, Any] = {}
    used: dict[str, FieldValue] = {}
    is_valid = True
    for field, values in draft.fields.items():
        for value in values:
            try:
                filled = _filled(entry, draft, field, value)
            except ValueError as exc:
                is_valid = False
                entry.shared.problems.add(value.place, f"{field}: {exc}", _row(entry, draft, field, values))
                break
            if filled not in EMPTY:
                fields[field], used[field] = filled, value
                if value.column:
                    entry.tables[tuple(draft.source.columns)].set_fields.add(field)
                break
            if value.is_final:
                break
    if not is_valid or not _is_enough(entry, draft, fields):
        return None
    if "parent" in fields and "video" in fields:
        entry.add_problem("parent", "names the clip that is worked on, and so does video; keep one of them")
        return None
    check_texts(entry, draft, fields, used)
    model = fields["model"]
    provider = fields.get("provider") or entry.shared.provider_of(model)
    key = _key(entry, draft, fields, {"id": job_id, "entry": base, "provider": provider})
    if key is None:
        return None
    settings = entry.shared.settings
    fields = {"on_mismatch": settings.on_mismatch, "container": settings.container or "", **fields}
    return _spec(draft, fields, id=job_id, entry=base, provider=provider, key=key)


def _spec(draft: JobDraft, fields: Mapping[str, Any], *, id: str, entry: str, provider: str, key: str) -> JobSpec:  # noqa: A002
    request = _request(draft, fields)
    fallback = fields.get("fallback")
    return JobSpec(
        id=id,
        entry=entry,
        provider=provider,
        key=key,
        request=request,
        take=draft.take,
        parent=fields.get("parent", ""),
        variables=draft.shown,
        tags=tuple(fields.get("tags", ())),
        fallback=fallback.substitutes(provider) if fallback else (),
        fallback_on=tuple(fallback.on) if fallback else (),
        fallback_while_running=bool(fields.get("fallback_while_running")),
        on_mismatch=fields["on_mismatch"],
        container=fields["container"],
        fingerprint=fingerprint(request),
    )


def _request(draft: JobDraft, fields: Mapping[str, Any]) -> ClipRequest:
    """What is paid for: each field of a ClipRequest that the manifest has under the same name, and the images."""
    values: dict[str, Any] = {
        "prompt": "",
        **{name: fields[name] for name in CLIP_FIELDS if name in fields},
    }
    if "seed" in values:
        values["seed"] += draft.take - 1
    values["images"] = tuple(
        ImageRef(role=role, **picture._asdict()) for field, role in _ROLES.items() for picture in fields.get(field, ())
    )
    return ClipRequest(**values)


def _names(entry: ClipEntryContext, draft: JobDraft) -> tuple[str, str] | None:
    """The entry's name for this job, and the id of the job."""
    written = entry.clip.id
    try:
        name = word(draft.source.name if written is None else entry.shared.templates.render(written, draft.variables))
        if not name:
            raise ValueError("is empty")
    except ValueError as exc:
        columns = name_columns(entry, draft.source) if written is None else _columns(entry, draft, [written])
        entry.add_problem("id", str(exc), _with_columns(draft, columns))
        return None
    base = safe_name(name)
    return base, fit(base + draft.suffix, name + draft.suffix)


def _filled(entry: ClipEntryContext, draft: JobDraft, field: str, given: FieldValue) -> Any:
    """The field's value for this job; images as a list of files."""
    templates, value = entry.shared.templates, given.value
    if field == "options":
        return _render_deep(templates, value, draft.variables)
    if field == "tags":
        return _items(entry, draft, given, split_words)
    if field == "reference_images":
        return [_picture(entry, draft, field, name, given.place) for name in _items(entry, draft, given, split_files)]
    if field in _ROLES:
        name = value if draft.source.fields.get(field) == value else _text(entry, draft, given, value)
        return [_picture(entry, draft, field, name, given.place)] if name else None
    if not isinstance(value, str) or not (given.column or is_template(value)):
        return value
    text = _text(entry, draft, given, value)
    return CHECKS[field](text) if text else None


def _text(entry: ClipEntryContext, draft: JobDraft, given: FieldValue, text: str) -> str:
    """The text rendered; a cell is used as it is."""
    return (text if given.column else entry.shared.templates.render(text, draft.variables)).strip()


def _items(entry: ClipEntryContext, draft: JobDraft, given: FieldValue, split: Callable[[str], list[str]]) -> list[str]:
    """The words of a list; a cell, or a text that is a template, may hold several."""
    items: list[str] = []
    for written in given.value if isinstance(given.value, list) else [given.value]:
        text = _text(entry, draft, given, written)
        items += split(text) if given.column or is_template(written) else [text]
    return [word(item) for item in items if item]


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


def _picture(entry: ClipEntryContext, draft: JobDraft, field: str, name: str, place: Place) -> ImageFile:
    """The image, searched beside the file that sets the field, then beside the table that names it."""
    if entry.clip.images and field == "image":
        return entry.shared.pictures.find(name, (entry.folder_of("images"),))
    folder = entry.folder_at(place)
    folders: tuple[Path, ...] = (folder,)
    if draft.source.row_folder is not None and draft.source.row_folder != folder:
        folders = (folder, draft.source.row_folder)
    return entry.shared.pictures.find(word(name), folders)


def _is_enough(entry: ClipEntryContext, draft: JobDraft, fields: Mapping[str, Any]) -> bool:
    """Whether there is a model and some content. Reported, unless a misspelled key may be the reason."""
    has_model, has_content = "model" in fields, any(field in fields for field in _CONTENT)
    empty = [field for field in ("model", *_CONTENT) if field not in fields and _is_written(draft, field)]
    needed = [field for field in empty if field in _OF_ACTIONS and "action" in fields]
    if entry.node.keys() <= ClipEntry.model_fields.keys():
        if not has_model and "model" not in empty:
            entry.add_problem("model", "is missing; set it here or under defaults")
        if not has_content and not empty:
            entry.add_problem("prompt", "is missing; a clip needs a prompt or an image")
    if not has_model:
        needed += [field for field in empty if field == "model"]
    if not has_content:
        needed += [field for field in empty if field != "model"][:1]
    for field in needed:
        entry.add_problem(field, _EMPTY, _row(entry, draft, field, draft.fields.get(field, ())))
    if needed or not has_model or not has_content:
        return False
    for field in empty:
        entry.shared.problems.note(
            entry.place_of(field), f"{field}: is empty; the clip is made without it", draft.source.row
        )
    return True


def _is_written(draft: JobDraft, field: str) -> bool:
    """Whether the entry, the defaults or a column could have given the field."""
    values = draft.fields.get(field, ())
    return field in draft.source.field_columns or bool(values and not values[0].is_final)


def _key(entry: ClipEntryContext, draft: JobDraft, fields: Mapping[str, Any], made: Mapping[str, str]) -> str | None:
    """The clip's path in the clips folder; values are made safe before they are inserted: none adds a folder."""
    template = entry.shared.settings.output.clips
    values: dict[str, Any] = {
        **draft.variables,
        **made,
        "model": fields["model"],
        "aspect_ratio": fields.get("aspect_ratio", ""),
        "duration_s": fields.get("duration_s", ""),
    }
    try:
        names = entry.shared.templates.names(template)
        if names <= values.keys():
            values = {name: _for_path(values[name]) for name in names}
        return safe_key(entry.shared.templates.render(template, values))
    except ValueError as exc:
        output = entry.shared.document.get("output")
        mark = output.marks["clips"] if isinstance(output, Map) else entry.place
        place = Place(mark.file, mark.line, entry.place.entry)
        entry.shared.problems.add(place, f"output.clips: {exc}", draft.source.row)
        return None


def _for_path(value: Any) -> Any:
    if isinstance(value, Mapping):
        safe = {name: _for_path(inner) for name, inner in value.items()}
        return RowValues(safe) if isinstance(value, RowValues) else safe
    return safe_name(value) if isinstance(value, str) and value else value


def _row(entry: ClipEntryContext, draft: JobDraft, field: str, values: Sequence[FieldValue]) -> str:
    """The row with a problem, and the columns that the field uses."""
    written = [value.value for value in values if not value.column]
    columns = _columns(entry, draft, written)
    if columns is None:
        return ""  # the template itself is wrong, in every row
    own = draft.source.field_columns.get(field)
    return _with_columns(draft, [*columns, own] if own and own not in columns else columns)


def _columns(entry: ClipEntryContext, draft: JobDraft, written: Sequence[Any]) -> list[str] | None:
    """The columns that the texts read; None when one of them is no template."""
    known = tuple(draft.source.columns)
    try:
        found = [entry.shared.templates.columns(text, known) for value in written for text in texts_in(value)]
    except ValueError:
        return None
    return sorted(frozenset().union(*found))


def _with_columns(draft: JobDraft, columns: Sequence[str] | None) -> str:
    if columns is None or not draft.source.row:
        return "" if columns is None else draft.source.row
    return f"{draft.source.row}: column {', '.join(columns)}" if columns else draft.source.row
