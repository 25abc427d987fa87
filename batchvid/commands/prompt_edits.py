"""Edits of prompts: saved in `edits.json` and applied to the manifest.

An edit applies to one job, until the manifest changes that job: then the manifest applies again.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from batchvid.atomic_file import write_atomic
from batchvid.domain.clip_request import ImageRef, child_fingerprint
from batchvid.domain.job_spec import JobSpec
from batchvid.errors import ManifestError, StateError
from batchvid.manifest import Manifest, PlacedJob
from batchvid.manifest.expansion.image_conversion import image_ref
from batchvid.manifest.expansion.image_files import ImageCache, ImageFile
from batchvid.paths import BatchPaths
from batchvid.redaction import holds_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a person changed for one job; None: as in the manifest. `of` is the fingerprint before the edit."""

    of: str
    prompt: str | None = None
    negative_prompt: str | None = None
    image: str | None = None


EDITED_FIELDS = ("prompt", "negative_prompt", "image")
_SAVED = TypeAdapter(dict[str, Edit])


def find_picture(pictures: ImageCache, name: str, manifest: Manifest, spec: JobSpec) -> ImageFile:
    """The picture that a cell names. Like a row of the manifest it names only pictures below the manifest's folder.

    Those of `images_from` and those beside the pictures of the job are allowed, too. Raises ValueError.
    """
    folder = manifest.folder
    beside = [Path(image.source).parent for image in spec.request.images if not image.is_url]
    within = (folder, *(folder / one for one in manifest.settings.images_from), *beside)
    return pictures.find(name, (folder,), tuple(dict.fromkeys(within)))


def merge(saved: Mapping[str, Edit], edits: Mapping[str, Edit]) -> dict[str, Edit]:
    """The saved edits with these merged in."""
    merged = dict(saved)
    for job_id, edit in edits.items():
        before = merged.get(job_id)
        merged[job_id] = edit if before is None or before.of != edit.of else _merged(before, edit)
    return merged


def save(folder: Path, edits: Mapping[str, Edit]) -> None:
    """Save these edits, merged with earlier ones. Raises OSError."""
    _write(folder, merge(load_saved(folder), edits))


def rename(folder: Path, new_ids: Mapping[str, str]) -> None:
    """Give saved edits the new ids of their jobs. Raises OSError."""
    edits = load_saved(folder)
    renamed = {new_ids.get(job_id, job_id): edit for job_id, edit in edits.items()}
    if renamed != edits:
        _write(folder, renamed)


def _write(folder: Path, edits: Mapping[str, Edit]) -> None:
    text = json.dumps(_SAVED.dump_python(dict(edits), exclude_none=True), indent=1, ensure_ascii=False)
    write_atomic(BatchPaths(folder).edits, text, is_private=holds_secrets(text))


def _merged(before: Edit, edit: Edit) -> Edit:
    values = {name: value for name in EDITED_FIELDS if (value := getattr(edit, name)) is not None}
    return replace(before, **values)


def load_saved(folder: Path) -> dict[str, Edit]:
    """The saved edits of a batch. Raises StateError when they cannot be read: other clips would be bought."""
    path = BatchPaths(folder).edits
    try:
        return _SAVED.validate_json(path.read_bytes()) if path.exists() else {}
    except (OSError, ValidationError) as exc:
        raise StateError(f"{path}: cannot be read; restore it, or remove it to use only the manifest") from exc


def apply_edits(manifest: Manifest, edits: Mapping[str, Edit]) -> Manifest:
    """The manifest with edits applied; an edit is skipped if the manifest changed since it was made.

    The manifest must have all its jobs: the edit of a parent changes its children. Raises ManifestError when the image
    of an edit cannot be read.
    """
    if not edits:
        return manifest
    pictures, problems = ImageCache(), list[str]()
    jobs: list[PlacedJob] = []
    for placed in manifest.jobs:
        edit = edits.get(placed.spec.id)
        spec = placed.spec
        if edit is not None and edit.of == spec.fingerprint:
            try:
                spec = _edited(spec, edit, pictures, manifest)
            except ValueError as exc:
                problems.append(placed.place.problem(f"{spec.id}: edited image: {exc}"))
        jobs.append(replace(placed, spec=spec))
    if problems:
        raise ManifestError(problems)
    before = {placed.spec.id: placed.spec.fingerprint for placed in manifest.jobs}
    linked = relink_children({placed.spec.id: placed.spec for placed in jobs}, before)
    return replace(manifest, jobs=tuple(replace(job, spec=linked[job.spec.id]) for job in jobs))


def relink_children(specs: Mapping[str, JobSpec], before: Mapping[str, str]) -> dict[str, JobSpec]:
    """The same jobs; the children of an edited job are linked to the edited clip, and so are their children.

    `before` are the fingerprints without edits, by id.
    """
    children: dict[str, list[JobSpec]] = {}
    for spec in specs.values():
        children.setdefault(spec.parent, []).append(spec)
    linked = dict(specs)
    reached = deque(spec.id for spec in specs.values() if spec.parent not in specs)
    while reached:
        parent = linked[reached.popleft()]
        for child in children.get(parent.id, ()):
            reached.append(child.id)
            if parent.fingerprint != before[parent.id]:
                linked[child.id] = replace(
                    child,
                    parent_fingerprint=parent.fingerprint,
                    fingerprint=child_fingerprint(child.fingerprint, parent.fingerprint),
                )
    return linked


def _edited(spec: JobSpec, edit: Edit, pictures: ImageCache, manifest: Manifest) -> JobSpec:
    """The edited job. Its fingerprint is that of the manifest, followed by that of the edit."""
    images, identity = spec.request.images, None
    if edit.image is not None:
        first: tuple[ImageRef, ...] = ()
        if edit.image:
            picture = find_picture(pictures, edit.image, manifest, spec)
            before = next((one for one in images if one.role == "first"), None)
            first = (
                image_ref(
                    picture,
                    "first",
                    convert=any(one.convert for one in images),
                    fit=spec.request.fit,
                    background=before.background if before else "",
                ),
            )
            identity = first[0].identity
        images = (*first, *(one for one in spec.request.images if one.role != "first"))
    text = json.dumps([edit.prompt, edit.negative_prompt, edit.image and identity], ensure_ascii=False)
    request = spec.request
    edited = spec.with_request(
        prompt=request.prompt if edit.prompt is None else edit.prompt,
        negative_prompt=request.negative_prompt if edit.negative_prompt is None else edit.negative_prompt,
        images=images,
    )
    return replace(edited, fingerprint=f"{spec.fingerprint}+{hashlib.sha256(text.encode()).hexdigest()[:16]}")
