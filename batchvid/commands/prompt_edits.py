"""Refused prompts: written to `edit-these.csv`, read back, saved in `edits.json` and applied to the manifest.

An edit applies to one job, until the manifest changes that job: then the manifest applies again.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from batchvid.atomic_file import write_atomic
from batchvid.domain.clip_request import ImageRef, child_fingerprint
from batchvid.domain.failures import MODERATION
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState
from batchvid.errors import ManifestError, StateError
from batchvid.known_keys import MASK
from batchvid.manifest import Manifest, PlacedJob
from batchvid.manifest.expansion.image_conversion import image_ref
from batchvid.manifest.expansion.image_files import ImageCache, ImageFile
from batchvid.manifest.expansion.text_checks import find_error
from batchvid.manifest.reading.table_reader import read_rows
from batchvid.manifest.reading.tables import BadTable, Row
from batchvid.paths import BatchPaths
from batchvid.redaction import hide_secrets, holds_secrets, strip_queries
from batchvid.report.csv_table import FORMULA_STARTS, escape_formula, write_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a person changed for one job; None: as in the manifest. `of` is the fingerprint before the edit."""

    of: str
    prompt: str | None = None
    negative_prompt: str | None = None
    image: str | None = None


_SAVED = TypeAdapter(dict[str, Edit])

EDITED: dict[str, Callable[[JobSpec], str]] = {
    "prompt": lambda spec: hide_secrets(spec.request.prompt),
    "negative_prompt": lambda spec: hide_secrets(spec.request.negative_prompt),
    "image": lambda spec: next(
        (hide_secrets(strip_queries(one.source)) for one in spec.request.images if one.role == "first"), ""
    ),
}
"""The columns that may be edited, with their values before the edit, without secrets."""

COLUMNS: dict[str, Callable[[Job], str]] = {
    "id": lambda job: job.id,
    "entry": lambda job: job.spec.entry,
    "kind": lambda job: str(job.kind),
    "message": lambda job: job.message,
    "prompt": lambda job: EDITED["prompt"](job.spec),
    "negative_prompt": lambda job: EDITED["negative_prompt"](job.spec),
    "image": lambda job: EDITED["image"](job.spec),
    "asked": lambda job: job.spec.fingerprint,
}
"""Every column of `edit-these.csv`; `asked` identifies the request of the row and is not edited."""


def write_refused(folder: Path, jobs: Iterable[Job]) -> None:
    """Write `edit-these.csv`, or delete it when no job is refused any more.

    Edits that were not read back yet are kept. Raises OSError.
    """
    path = BatchPaths(folder).edit_these
    refused = [job for job in jobs if job.state is JobState.FAILED and job.kind in MODERATION]
    if not refused:
        path.unlink(missing_ok=True)
        return
    rows = [{name: read(job) for name, read in COLUMNS.items()} for job in refused]
    written = _written(path)
    for row in rows:
        edited = written.get((row["id"], row["asked"]), {})
        row |= {name: _plain(edited[name]) for name in EDITED if name in edited and _differs(edited[name], row[name])}
    write_table(path, {name: itemgetter(name) for name in COLUMNS}, rows)


def _written(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    """The rows of the existing file. A file that is not a table is renamed, not overwritten."""
    try:
        rows = [cells for cells, _ in _cells(path)] if path.exists() else []
        return {(row.get("id", ""), row.get("asked", "")): row for row in rows}
    except BadTable:
        path.replace(path.with_suffix(".old.csv"))
        return {}


def _cells(path: Path) -> Iterable[tuple[dict[str, str], Row]]:
    for row in read_rows(path):
        yield {name.strip().casefold(): cell for name, cell in row.values.items()}, row


def _plain(cell: str) -> str:
    """A cell without the quote that escapes a formula, and with our line ends."""
    cell = cell.replace("\r\n", "\n")
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def _differs(cell: str, before: str) -> bool:
    """Whether a cell was edited. Spaces and line ends do not count: spreadsheets change them."""
    return cell.split() != escape_formula(before).split() and _plain(cell).split() != before.split()


def read_edits(path: Path, jobs: Mapping[str, Job], unedited: Manifest) -> dict[str, Edit]:
    """The edits in a file like `edit-these.csv`: the cells that differ from the request.

    `unedited` is the manifest without edits. Raises ManifestError with every invalid row, or when nothing differs.
    """
    placed = {one.spec.id: one.spec for one in unedited.jobs}
    edits: dict[str, Edit] = {}
    problems: list[str] = []
    pictures = ImageCache()
    try:
        for cells, row in _cells(path):
            where = f"{path}:{row.line}: {cells.get('id', '')}"
            if missing := [name for name in ("id", "prompt") if name not in cells]:
                raise ManifestError([f"{path}:1: there is no column {missing[0]}"])
            job = jobs.get(cells["id"])
            if job is None or job.id not in placed:
                problems.append(f"{where}: no job of this batch has that id")
                continue
            changed = {
                name: _plain(cells[name])
                for name, read in EDITED.items()
                if name in cells and _differs(cells[name], read(job.spec))
            }
            if not changed or cells.get("asked") not in (None, "", job.spec.fingerprint):
                continue  # unchanged, or for a request that was edited already
            problem = "exists twice" if job.id in edits else _problem(job, changed, pictures, unedited)
            if problem:
                problems.append(f"{where}: {problem}")
            edits[job.id] = Edit(of=placed[job.id].fingerprint, **changed)
    except BadTable as exc:
        raise ManifestError([f"{path}: {exc}"]) from None
    if problems:
        raise ManifestError(problems)
    if not edits:
        raise ManifestError([f"{path}: nothing differs from the request: change a prompt in it first"])
    return edits


def _problem(job: Job, changed: Mapping[str, str], pictures: ImageCache, unedited: Manifest) -> str:
    """Why such a change is not possible; empty if it is."""
    if job.state not in (JobState.FAILED, JobState.PENDING):
        return f"is {job.state}: only failed jobs can be edited"
    if changed.get("prompt") == "":
        return "prompt: is empty"
    if problem := find_error(changed.get("prompt", "")):
        return f"prompt: {problem}"
    for name, value in changed.items():
        if MASK in value and MASK in EDITED[name](job.spec):
            return f"{name}: {MASK} stands for a secret that is not shown: write it again, or change the manifest"
    if image := changed.get("image"):
        try:
            _find(pictures, image, unedited, job.spec)
        except ValueError as exc:
            return f"image: {exc}"
    return ""


def _find(pictures: ImageCache, name: str, manifest: Manifest, spec: JobSpec) -> ImageFile:
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
    if renamed.keys() != edits.keys():
        _write(folder, renamed)


def _write(folder: Path, edits: Mapping[str, Edit]) -> None:
    text = json.dumps(_SAVED.dump_python(dict(edits), exclude_none=True), indent=1, ensure_ascii=False)
    write_atomic(BatchPaths(folder).edits, text, is_private=holds_secrets(text))


def _merged(before: Edit, edit: Edit) -> Edit:
    values = {name: value for name in EDITED if (value := getattr(edit, name)) is not None}
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
            picture = _find(pictures, edit.image, manifest, spec)
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
