"""Builds a JobSpec from a draft: renders and checks templates, reads images, names the clip.

An empty value means that the field is not given: the next value counts. A clip without a model or without any content
is a problem, and so is one that works on another clip and does not get it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchvid.domain.clip_request import CLIP_FIELDS, ClipRequest, ImageRef, fingerprint
from batchvid.domain.job_spec import JobSpec
from batchvid.manifest.expansion.entry import ClipEntryContext, FieldValue
from batchvid.manifest.expansion.field_values import EMPTY
from batchvid.manifest.expansion.filled_values import ROLES, fill
from batchvid.manifest.expansion.image_conversion import image_ref, notes
from batchvid.manifest.expansion.image_files import shown_name
from batchvid.manifest.expansion.matrix import JobDraft
from batchvid.manifest.expansion.row_labels import columns_read, row_of, with_columns
from batchvid.manifest.expansion.table_columns import name_columns
from batchvid.manifest.expansion.text_checks import Clip, check_texts
from batchvid.manifest.reading.marked_data import Map
from batchvid.manifest.reading.problems import Place
from batchvid.manifest.reading.safe_names import fit, safe_key, safe_name
from batchvid.manifest.schema.field_types import word
from batchvid.manifest.schema.models import ClipEntry
from batchvid.manifest.schema.variable_names import RowValues
from batchvid.quoting import with_short_values

_CONTENT = ("prompt", *ROLES, "action", "video", "parent")
_CONTENT_FIELDS = frozenset(_CONTENT)
_OF_ACTIONS = ("video", "parent", "audio")
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?E\+\d{2,3}")  # 1E5 may be an article number; no spreadsheet writes it
_KEEP_DIGITS = "its other digits are lost; format the column as text, and export it again"
_EMPTY = "is empty once it is filled in; give it a value, or leave the row out with where"


def build(entry: ClipEntryContext, draft: JobDraft) -> JobSpec | None:
    """The job; None when the entry has a problem with it."""
    names = _names(entry, draft)
    if names is None:
        return None
    base, job_id = names
    draft.variables["entry"] = base
    found = _fields(entry, draft)
    if found is None:
        return None
    fields, used = found
    if not _is_enough(entry, draft, fields):
        return None
    if "parent" in fields and "video" in fields:
        entry.add_problem("parent", "names the clip that is worked on, and so does video; keep one of them")
        return None
    check_texts(Clip(entry, draft, used), fields)
    model = fields["model"]
    provider = fields.get("provider") or entry.shared.provider_of(model)
    key = _key(entry, draft, fields, {"id": job_id, "entry": base, "provider": provider})
    if key is None:
        return None
    images = _images(entry, draft, fields)
    if images is None:
        return None
    settings = entry.shared.settings
    fields = {"on_mismatch": settings.on_mismatch, "container": settings.container or "", **fields}
    request = _request(draft, fields, images)
    return _spec(draft, fields, request, id=job_id, entry=base, provider=provider, key=key)


def _fields(entry: ClipEntryContext, draft: JobDraft) -> tuple[dict[str, Any], dict[str, FieldValue]] | None:
    """The value of each field that has one, and how it is written; None when one is not valid."""
    fields: dict[str, Any] = {}
    used: dict[str, FieldValue] = {}
    is_valid = True
    for field, values in draft.fields.items():
        try:
            for value in values:
                filled = fill(entry, draft, field, value)
                if filled not in EMPTY:
                    fields[field], used[field] = filled, value
                if filled not in EMPTY or value.is_final:
                    break
        except ValueError as exc:
            is_valid = False
            text = with_short_values(str(exc), draft.shown.values())
            hint = f"; the column sets the field; {field}: null in the entry prevents it" if value.column else ""
            entry.shared.problems.add(value.place, f"{field}: {text}{hint}", row_of(entry, draft, field, values))
    if not is_valid:
        return None
    for field, value in used.items():
        if value.column:
            entry.tables[tuple(draft.source.columns)].set_fields.add(field)
    return fields, used


def _spec(
    draft: JobDraft,
    fields: Mapping[str, Any],
    request: ClipRequest,
    *,
    id: str,  # noqa: A002
    entry: str,
    provider: str,
    key: str,
) -> JobSpec:
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
        row=draft.source.row_place,
        fingerprint=fingerprint(request),
    )


def _request(draft: JobDraft, fields: Mapping[str, Any], images: tuple[ImageRef, ...]) -> ClipRequest:
    """What is paid for: each field of a ClipRequest that the manifest has under the same name, and the images."""
    values: dict[str, Any] = {
        "prompt": "",
        **{name: fields[name] for name in CLIP_FIELDS if name in fields},
    }
    if "seed" in values:
        values["seed"] += draft.take - 1
    return ClipRequest(**values | {"images": images})


def _images(entry: ClipEntryContext, draft: JobDraft, fields: Mapping[str, Any]) -> tuple[ImageRef, ...] | None:
    """The images of all roles, with how each is changed; None if one cannot be sent. Unusual ones are a warning."""
    refs: list[ImageRef] = []
    is_valid = True
    background = fields.get("background", "")
    for field, role in ROLES.items():
        for image in fields.get(field, ()):
            place = entry.place_of("images" if entry.clip.images and field == "image" else field)
            name = shown_name(image.source, entry.shared.folder)
            row = row_of(entry, draft, field, draft.fields[field])
            try:
                ref = image_ref(
                    image,
                    role,
                    convert=bool(fields.get("convert")),
                    fit=fields.get("fit", ""),
                    background=background,
                )
            except ValueError as exc:
                is_valid = False
                entry.shared.problems.add(place, f"{field}: {exc}", name if row in ("", name) else f"{row}: {name}")
                continue
            refs.append(ref)
            for note in notes(image, ref, background=background):
                entry.shared.problems.warn(place, f"{field}: {note}", name if row in ("", name) else f"{row}: {name}")
    return tuple(refs) if is_valid else None


def _names(entry: ClipEntryContext, draft: JobDraft) -> tuple[str, str] | None:
    """The entry's name for this job, and the id of the job."""
    written = entry.clip.id
    try:
        name = word(draft.source.name if written is None else entry.shared.templates.render(written, draft.variables))
        if not name:
            raise ValueError("is empty")
    except ValueError as exc:
        columns = name_columns(entry, draft.source) if written is None else columns_read(entry, draft, [written])
        entry.add_problem("id", with_short_values(str(exc), draft.shown.values()), with_columns(draft, columns))
        return None
    if "E+" in name and (match := _SHORTENED.search(name)):
        columns = name_columns(entry, draft.source) if written is None else columns_read(entry, draft, [written])
        text = f"id: contains {match[0]}, a number that a spreadsheet shortened: {_KEEP_DIGITS}"
        entry.shared.problems.warn(entry.place_of("id"), text, with_columns(draft, columns))
    base = safe_name(name)
    return base, fit(base + draft.suffix, name + draft.suffix)


def _is_enough(entry: ClipEntryContext, draft: JobDraft, fields: Mapping[str, Any]) -> bool:
    """Whether there is a model and some content. Reported, unless a misspelled key may be the reason."""
    has_model, has_content = "model" in fields, not _CONTENT_FIELDS.isdisjoint(fields)
    if has_model and has_content and len(fields) == len(draft.fields) and not draft.source.field_columns:
        return True
    empty = [field for field in ("model", *_CONTENT, "audio") if field not in fields and _is_written(draft, field)]
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
        entry.add_problem(field, _EMPTY, row_of(entry, draft, field, draft.fields.get(field, ())))
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
        found = entry.shared.templates.complete(template, values)
        names = entry.shared.templates.names(template)
        safe = {name: _for_path(found[name]) for name in names if name in found}
        if len(safe) < len(names):
            safe = {**found, **safe}  # for a message with all names
        return safe_key(entry.shared.templates.render(template, safe))
    except ValueError as exc:
        output = entry.shared.document.get("output")
        mark = output.marks["clips"] if isinstance(output, Map) else entry.place
        place = Place(mark.file, mark.line, entry.place.entry)
        text = with_short_values(str(exc), draft.shown.values())
        entry.shared.problems.add(place, f"output.clips: {text}", draft.source.row)
        return None


def _for_path(value: Any) -> Any:
    if isinstance(value, Mapping):
        safe = {name: _for_path(inner) for name, inner in value.items()}
        return RowValues(safe) if isinstance(value, RowValues) else safe
    return safe_name(value) if isinstance(value, str) and value else value
