"""Reads the edits of a file like `edit-these.csv`: which jobs its rows mean, what they change, what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from batchvid.commands.cell_rewrites import lost_letters
from batchvid.commands.edit_matching import JobIndex
from batchvid.commands.edit_sheet import EDITED, ENTRY, THIS, Cells, differs, is_refused, plain, read_table
from batchvid.commands.failed_jobs import first_of
from batchvid.commands.prompt_edits import Edit, find_picture
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState
from batchvid.errors import ManifestError
from batchvid.known_keys import MASK
from batchvid.manifest import Manifest
from batchvid.manifest.expansion.image_files import ImageCache
from batchvid.manifest.expansion.text_checks import find_error
from batchvid.manifest.reading.tables import BadTable, label
from batchvid.quoting import shortened
from batchvid.report.csv_table import escape_formula
from batchvid.selection import matches


@dataclass(frozen=True, slots=True)
class SheetEdits:
    """What a file like `edit-these.csv` changes: the edits of jobs, by id, and what the user should know of them.

    `pending` are jobs whose edit was saved by an earlier call with the same file and that were not bought since.
    """

    edits: Mapping[str, Edit]
    pending: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """The jobs that the file is about: these are bought, and no others."""
        return self.pending | self.edits.keys()


def read_edits(path: Path, jobs: Mapping[str, Job], unedited: Manifest, saved: Mapping[str, Edit]) -> SheetEdits:
    """The edits in a file like `edit-these.csv`: the cells that differ from the request.

    `unedited` is the manifest without edits, `saved` are the edits that were saved before. Raises ManifestError with
    every invalid row, or when nothing differs.
    """
    reader = _EditReader(jobs, {one.spec.id: one.spec for one in unedited.jobs}, unedited, saved)
    try:
        for cells, row in read_table(path):
            try:
                reader.add(cells)
            except ValueError as exc:
                named = f" {shortened(cells['id'])}:" if cells.get("id") else ""
                reader.problems.append(f"{label(str(path), row)}:{named} {exc}")
    except BadTable as exc:
        text = str(exc).partition(", or write encoding")[0]  # a manifest may name one, a file of edits has no place to
        raise ManifestError([f"{path}: {text}"]) from None
    found = reader.result()
    if reader.problems:
        raise ManifestError(reader.problems)
    if not found.ids:
        reason = reader.describe_stale() or "change a prompt in it first"
        raise ManifestError([f"{path}: nothing differs from the request: {reason}"])
    return found


class _EditReader:
    """Collects the edits of one file. A job's own row counts before another row that applies its edit to the job."""

    def __init__(
        self, jobs: Mapping[str, Job], placed: Mapping[str, JobSpec], unedited: Manifest, saved: Mapping[str, Edit]
    ) -> None:
        self.problems: list[str] = []
        self._stale: list[str] = []
        self._placed = placed
        self._unedited = unedited
        self._saved = saved
        self._reachable = [
            job for job in jobs.values() if job.id in placed and (is_refused(job) or self._is_pending(job))
        ]
        self._index = JobIndex(jobs)
        self._pictures = ImageCache()
        self._own: dict[str, Edit] = {}
        self._applied: dict[str, Edit] = {}
        self._pending: set[str] = set()
        self._notices: list[str] = []

    def add(self, cells: Cells) -> None:
        """The edits of a row. Raises ValueError with what is wrong, without the row."""
        match = self._index.find(cells)
        job = match.job
        if job.id not in self._placed:
            raise ValueError(f"column id: {job.id} is no job of this batch any more")
        if not match.is_current:
            self._add_stale(job, cells)
            return
        self._note_rewritten(job, cells)
        changed = {
            name: plain(cells[name])
            for name, read in EDITED.items()
            if name in cells and differs(cells[name], read(job.spec))
        }
        if not changed:
            return
        edit = self._checked(job, changed)
        if self._own.get(job.id, edit) != edit:
            raise ValueError(f"exists twice, with different edits of {job.id}; keep one row")
        self._own[job.id] = edit
        reached = self._apply(job, changed, cells.get("apply_to", ""))
        self._notices.append(
            f"{job.id}: edited {', '.join(changed)}{f', also for {first_of(reached)}' if reached else ''}"
        )

    def _add_stale(self, job: Job, cells: Cells) -> None:
        """A row for a request that was changed since: by an edit that waits to be bought, or otherwise."""
        if not any(name in cells and differs(cells[name], EDITED[name](job.spec)) for name in EDITED):
            if self._is_pending(job):
                reached = self._reached(job, cells.get("apply_to", ""), self._is_pending)
                edit = replace(self._saved[job.id], of="")
                self._pending |= {one.id for one in reached if replace(self._saved[one.id], of="") == edit} | {job.id}
            return
        self._stale.append(job.id)

    def _is_pending(self, job: Job) -> bool:
        return job.state is JobState.PENDING and job.id in self._saved

    def _note_rewritten(self, job: Job, cells: Cells) -> None:
        named = cells.get("id", "")
        if named and named != job.id:
            self._notices.append(f"the id {named} is read as {job.id}: a spreadsheet rewrites such ids")
        for name, read in EDITED.items():
            cell, before = plain(cells.get(name, "")), read(job.spec)
            is_same = cell.split() == before.split() or cells.get(name, "").split() == escape_formula(before).split()
            if name in cells and not is_same and not differs(cells[name], before):
                text = f"{shortened(cell)!r} is read as unchanged: a spreadsheet made it from {shortened(before)!r}"
                self._notices.append(f"{job.id}: {name}: {text}")

    def _checked(self, job: Job, changed: Mapping[str, str]) -> Edit:
        if problem := _problem(job, changed, self._pictures, self._unedited):
            raise ValueError(problem)
        return Edit(of=self._placed[job.id].fingerprint, **changed)

    def _apply(self, job: Job, changed: Mapping[str, str], apply_to: str) -> list[str]:
        """Apply the changes of a row to the other refused jobs that it names, as far as they had the same texts."""
        reached, others_texts = list[str](), list[str]()
        for other in self._reached(job, apply_to, is_refused):
            if any(EDITED[name](other.spec) != EDITED[name](job.spec) for name in changed):
                others_texts.append(other.id)
                continue
            edit = self._checked(other, changed)
            if self._applied.get(other.id, edit) != edit:
                raise ValueError(
                    f"column apply_to: another row applies a different edit to {other.id}; edit its own row"
                )
            self._applied[other.id] = edit
            reached.append(other.id)
        if others_texts:
            names = " or ".join(changed)
            text = f"not for {first_of(others_texts)}, whose {names} is another; edit those rows"
            self._notices.append(f"{job.id}: {text}")
        return reached

    def _reached(self, job: Job, apply_to: str, may_be: Callable[[Job], bool]) -> list[Job]:
        """The other jobs that a cell of `apply_to` names. Raises ValueError when a pattern fits none."""
        pattern = apply_to.strip()
        if pattern.casefold() in ("", THIS):
            return []
        is_entry = pattern.casefold() == ENTRY
        fit = [
            other
            for other in self._reachable
            if may_be(other)
            and (other.spec.entry == job.spec.entry if is_entry else matches(pattern, other.id, other.spec.tags))
        ]  # fmt: skip
        if not fit:
            raise ValueError(
                f"column apply_to: {pattern!r} fits no refused job; write this, entry, a pattern of ids, or tag:NAME"
            )
        return [other for other in fit if other is not job]

    def describe_stale(self) -> str:
        """The rows that are left out; empty if there are none."""
        stale = [job_id for job_id in self._stale if job_id not in self._pending]
        return f"the request changed since the row was written: {first_of(stale)}" if stale else ""

    def result(self) -> SheetEdits:
        """All edits, in the order of the rows."""
        notices = [*self._notices, *filter(None, [self.describe_stale()])]
        edits = {**self._applied, **self._own}
        return SheetEdits(edits, frozenset(self._pending), tuple(notices))


def _problem(job: Job, changed: Mapping[str, str], pictures: ImageCache, unedited: Manifest) -> str:
    """Why such a change is not possible; empty if it is."""
    if job.state not in (JobState.FAILED, JobState.PENDING):
        return f"is {job.state}: only failed jobs can be edited"
    if changed.get("prompt") == "":
        return "prompt: is empty"
    if problem := find_error(changed.get("prompt", "")):
        return f"prompt: {problem}"
    for name, value in changed.items():
        before = EDITED[name](job.spec)
        if MASK in value and MASK in before:
            return f"{name}: {MASK} stands for a secret that is not shown: write it again, or change the manifest"
        if name != "image" and (letters := lost_letters(before, value)):
            return (
                f'{name}: {shortened(value)!r} has lost letters ({letters}): save the file as "CSV UTF-8" or XLSX, and '
                "write them again"
            )
    if image := changed.get("image"):
        try:
            find_picture(pictures, image, unedited, job.spec)
        except ValueError as exc:
            return f"image: {exc}"
    return ""
