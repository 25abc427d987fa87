"""Builds a JobSpec from a draft: renders and checks templates, reads images, names the clip.

An empty text means that the field is not set. An empty result of a template is a problem for a prompt, an image and a
model: the clip would be bought without something that it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchvid.domain.clip_request import CLIP_FIELDS, ClipRequest, ImageRef, ImageRole, fingerprint
from batchvid.domain.job_spec import JobSpec
from batchvid.manifest.expansion.entry import ClipEntryContext
from batchvid.manifest.expansion.image_files import ImageFile
from batchvid.manifest.expansion.matrix import JobDraft
from batchvid.manifest.expansion.text_checks import check_texts
from batchvid.manifest.reading.problems import Place
from batchvid.manifest.reading.safe_names import fit, safe_key, safe_name
from batchvid.manifest.reading.yaml_reader import Map
from batchvid.manifest.schema.field_types import word
from batchvid.manifest.schema.models import CHECKS, ClipEntry
from batchvid.manifest.schema.templates import Templates, is_template

_ROLES: Mapping[str, ImageRole] = {"image": "first", "end_image": "last", "reference_images": "reference"}
_CONTENT = ("prompt", *_ROLES, "action", "video", "parent")
_NEVER_EMPTY = frozenset({"prompt", *_ROLES, "video", "parent", "audio", "model"})
_EMPTY = "is empty once it is filled in; give it a value, or leave the row out with where"


def build(entry: ClipEntryContext, draft: JobDraft) -> JobSpec | None:
    """The job; None when the entry has a problem with it."""
    names = _names(entry, draft)
    if names is None:
        return None
    base, job_id = names
    draft.variables["entry"] = base
    fields: dict[str, Any] = {}
    is_valid = True
    for field, value in draft.fields.items():
        try:
            filled = _filled(entry, draft, field, value)
        except ValueError as exc:
            is_valid = False
            entry.add_problem(field, str(exc), _row(entry, draft, value))
        else:
            if filled not in (None, "", [], {}):
                fields[field] = filled
    if not is_valid or not _is_enough(entry, fields):
        return None
    if "parent" in fields and "video" in fields:
        entry.add_problem("parent", "names the clip that is worked on, and so does video; keep one of them")
        return None
    check_texts(entry, draft, fields)
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
    try:
        name = word(entry.shared.templates.render(entry.clip.id, draft.variables))
        if not name:
            raise ValueError("is empty")
    except ValueError as exc:
        entry.add_problem("id", str(exc), _row(entry, draft, entry.clip.id))
        return None
    base = safe_name(name)
    return base, fit(base + draft.suffix, name + draft.suffix)


def _filled(entry: ClipEntryContext, draft: JobDraft, field: str, value: Any) -> Any:
    """The field's value for this job; images as a list of files."""
    templates = entry.shared.templates
    if field == "options":
        return _render_deep(templates, value, draft.variables)
    if field == "tags":
        return [tag for tag in (word(templates.render(tag, draft.variables)) for tag in value or ()) if tag]
    if field == "reference_images":
        return [_picture(entry, draft, field, item) for item in value or ()]
    if field in _ROLES:
        return [_picture(entry, draft, field, value)] if value else None
    if not isinstance(value, str) or not is_template(value):
        return value
    text = templates.render(value, draft.variables).strip()
    if not text and field in _NEVER_EMPTY:
        raise ValueError(_EMPTY)
    return CHECKS[field](text) if text else None


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


def _picture(entry: ClipEntryContext, draft: JobDraft, field: str, written: str) -> ImageFile:
    """The image, searched beside the file that sets the field, then beside the table that names it."""
    if entry.clip.images and field == "image":
        return entry.shared.pictures.find(written, (entry.folder_of("images"),))  # a file's name, never a template
    text = word(entry.shared.templates.render(written, draft.variables))
    if not text:
        raise ValueError(_EMPTY)
    folder = entry.folder_of(field)
    folders: tuple[Path, ...] = (folder,)
    if draft.source.row_folder is not None and draft.source.row_folder != folder:
        folders = (folder, draft.source.row_folder)
    return entry.shared.pictures.find(text, folders)


def _is_enough(entry: ClipEntryContext, fields: Mapping[str, Any]) -> bool:
    """Whether there is a model and some content. Reported, unless a misspelled key may be the reason."""
    has_model, has_content = "model" in fields, any(field in fields for field in _CONTENT)
    if entry.node.keys() <= ClipEntry.model_fields.keys():
        if not has_model:
            entry.add_problem("model", "is missing; set it here or under defaults")
        if not has_content:
            entry.add_problem("prompt", "is missing; a clip needs a prompt or an image")
    return has_model and has_content


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
        return {name: _for_path(inner) for name, inner in value.items()}
    return safe_name(value) if isinstance(value, str) and value else value


def _row(entry: ClipEntryContext, draft: JobDraft, value: Any) -> str:
    """The row with a problem, and the columns that the field uses."""
    if not draft.source.row or not isinstance(value, str):
        return draft.source.row
    try:
        columns = sorted(entry.shared.templates.names(value) & draft.source.columns.keys())
    except ValueError:
        return ""  # the template itself is wrong, in every row
    return f"{draft.source.row}: column {', '.join(columns)}" if columns else draft.source.row
