"""The prompts that content filters refused: written down to be edited, read back, kept, and laid over the manifest.

`edit-these.csv` is for people, `edits.json` is what came back. An edit holds for one job by its id, and only until the
manifest's own words for that job change: then the manifest counts again.
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
from batchvid.manifest import Manifest, PlacedJob
from batchvid.manifest.expansion.image_files import ImageCache
from batchvid.manifest.reading.csv_reader import BadTable, Row, read_rows
from batchvid.paths import BatchPaths
from batchvid.redaction import strip_queries
from batchvid.report.csv_table import FORMULA_STARTS, escape_formula, write_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a person says of one job instead of the manifest; None: as the manifest says it.

    `of` is the fingerprint of the manifest's own words that it was made for.
    """

    of: str
    prompt: str | None = None
    negative_prompt: str | None = None
    image: str | None = None


_KEPT = TypeAdapter(dict[str, Edit])

EDITED: dict[str, Callable[[JobSpec], str]] = {
    "prompt": lambda spec: spec.request.prompt,
    "negative_prompt": lambda spec: spec.request.negative_prompt,
    "image": lambda spec: next((strip_queries(one.source) for one in spec.request.images if one.role == "first"), ""),
}
"""The columns that may be edited, and what stands in them before."""

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
"""Every column of `edit-these.csv`; `asked` tells which words the row speaks of, and is left as it is."""


def write_refused(folder: Path, jobs: Iterable[Job]) -> None:
    """Write `edit-these.csv` anew, or take it away when nothing is refused any more.

    What a person has written into it and not brought back yet is kept. Raises OSError.
    """
    path = BatchPaths(folder).edit_these
    refused = [job for job in jobs if job.state is JobState.FAILED and job.kind in MODERATION]
    if not refused:
        path.unlink(missing_ok=True)
        return
    rows = [{name: read(job) for name, read in COLUMNS.items()} for job in refused]
    written = _written(path)
    for row in rows:
        if (said := written.get((row["id"], row["asked"]))) is not None:
            row |= {name: _plain(said[name]) for name in EDITED if name in said and _differs(said[name], row[name])}
    write_table(path, {name: itemgetter(name) for name in COLUMNS}, rows, is_for_excel=True)


def _written(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    """The rows that stand there; a file that is no table any more is laid aside, not overwritten."""
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
    """A cell as it was before it was made harmless; spreadsheets write their own line ends."""
    cell = cell.replace("\r\n", "\n")
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def _differs(cell: str, before: str) -> bool:
    """Whether a cell was edited. Blanks and line ends are not: spreadsheets have their own."""
    return cell.split() != escape_formula(before).split() and _plain(cell).split() != before.split()


def read_edits(path: Path, jobs: Mapping[str, Job], own: Manifest) -> dict[str, Edit]:
    """The edits that a file like `edit-these.csv` holds: the cells that differ from what was asked for.

    `own` is the manifest without edits. Raises ManifestError with every row that cannot be, or when nothing differs.
    """
    placed = {one.spec.id: one.spec for one in own.jobs}
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
                problems.append(f"{where}: no job of this batch is called so")
                continue
            changed = {
                name: _plain(cells[name])
                for name, read in EDITED.items()
                if name in cells and _differs(cells[name], read(job.spec))
            }
            if not changed or cells.get("asked") not in (None, "", job.spec.fingerprint):
                continue  # as it was, or of words that were edited once already
            problem = "is there twice" if job.id in edits else _problem(job, changed, pictures, own.folder)
            if problem:
                problems.append(f"{where}: {problem}")
            edits[job.id] = Edit(of=placed[job.id].fingerprint, **changed)
    except BadTable as exc:
        raise ManifestError([f"{path}: {exc}"]) from None
    if problems:
        raise ManifestError(problems)
    if not edits:
        raise ManifestError([f"{path}: nothing differs from what was asked for: change a prompt in it first"])
    return edits


def _problem(job: Job, changed: Mapping[str, str], pictures: ImageCache, folder: Path) -> str:
    """Why such a change cannot be, empty where it can."""
    if job.state not in (JobState.FAILED, JobState.PENDING):
        return f"is {job.state}: only what has failed can be edited"
    if changed.get("prompt") == "":
        return "prompt: is empty"
    if image := changed.get("image"):
        try:
            pictures.find(image, (folder,))
        except ValueError as exc:
            return f"image: {exc}"
    return ""


def save(folder: Path, edits: Mapping[str, Edit]) -> None:
    """Keep these edits beside the state file, over those of before. Raises OSError."""
    both = load_saved(folder)
    for job_id, edit in edits.items():
        before = both.get(job_id)
        both[job_id] = edit if before is None or before.of != edit.of else _over(before, edit)
    text = json.dumps(_KEPT.dump_python(both, exclude_none=True), indent=1, ensure_ascii=False)
    write_atomic(BatchPaths(folder).edits, text)


def _over(before: Edit, edit: Edit) -> Edit:
    said = {name: value for name in EDITED if (value := getattr(edit, name)) is not None}
    return replace(before, **said)


def load_saved(folder: Path) -> dict[str, Edit]:
    """The edits of a batch. Raises StateError when they cannot be read: without them other clips would be bought."""
    path = BatchPaths(folder).edits
    try:
        return _KEPT.validate_json(path.read_bytes()) if path.exists() else {}
    except (OSError, ValidationError) as exc:
        raise StateError(f"{path}: cannot be read; put it back, or take it away to buy by the manifest alone") from exc


def apply_edits(manifest: Manifest, edits: Mapping[str, Edit]) -> Manifest:
    """The manifest with the edits in the place of its own words, where it still says what they were made for.

    It must hold all its jobs: a child is made of what its parent was edited to. Raises ManifestError when an edit's
    image cannot be read.
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
                spec = _edited(spec, edit, pictures, manifest.folder)
            except ValueError as exc:
                problems.append(placed.place.problem(f"{spec.id}: edited image: {exc}"))
        jobs.append(PlacedJob(spec=spec, place=placed.place))
    if problems:
        raise ManifestError(problems)
    before = {placed.spec.id: placed.spec.fingerprint for placed in manifest.jobs}
    tied = relink_children({placed.spec.id: placed.spec for placed in jobs}, before)
    return replace(manifest, jobs=tuple(PlacedJob(spec=tied[job.spec.id], place=job.place) for job in jobs))


def relink_children(specs: Mapping[str, JobSpec], before: Mapping[str, str]) -> dict[str, JobSpec]:
    """The same jobs, those that work on an edited one's clip asking for that clip, and so on to their own children.

    `before` are the fingerprints without edits, by id.
    """
    children: dict[str, list[JobSpec]] = {}
    for spec in specs.values():
        children.setdefault(spec.parent, []).append(spec)
    tied = dict(specs)
    reached = deque(spec.id for spec in specs.values() if spec.parent not in specs)
    while reached:
        parent = tied[reached.popleft()]
        for child in children.get(parent.id, ()):
            reached.append(child.id)
            if parent.fingerprint != before[parent.id]:
                tied[child.id] = replace(
                    child,
                    parent_fingerprint=parent.fingerprint,
                    fingerprint=child_fingerprint(child.fingerprint, parent.fingerprint),
                )
    return tied


def _edited(spec: JobSpec, edit: Edit, pictures: ImageCache, folder: Path) -> JobSpec:
    """The job as it was edited. Its fingerprint is the manifest's with that of the edit behind it."""
    images, identity = spec.request.images, None
    if edit.image is not None:
        first: tuple[ImageRef, ...] = ()
        if edit.image:
            picture = pictures.find(edit.image, (folder,))
            identity = picture.identity
            first = (ImageRef(role="first", **picture._asdict()),)
        images = (*first, *(one for one in spec.request.images if one.role != "first"))
    said = json.dumps([edit.prompt, edit.negative_prompt, edit.image and identity], ensure_ascii=False)
    request = spec.request
    edited = spec.with_request(
        prompt=request.prompt if edit.prompt is None else edit.prompt,
        negative_prompt=request.negative_prompt if edit.negative_prompt is None else edit.negative_prompt,
        images=images,
    )
    return replace(edited, fingerprint=f"{spec.fingerprint}+{hashlib.sha256(said.encode()).hexdigest()[:16]}")
