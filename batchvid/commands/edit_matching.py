"""Which job a row of an edited `edit-these.csv` means. Pure.

Spreadsheets rewrite ids that look like numbers or dates. They rewrite neither `job_key`, letters made from the id, nor
`asked`, the fingerprint of the request. A row whose columns name different jobs is a problem: no job is guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from batchvid.commands.cell_rewrites import is_rewritten, kind_of
from batchvid.commands.failed_jobs import first_of
from batchvid.domain.jobs import Job

_KEY_CHARS = 12
_LETTERS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst")  # no word, number or date of any language


class Match(NamedTuple):
    """The job of a row. `is_current` is false if its request was changed since the row was written."""

    job: Job
    is_current: bool = True


class JobIndex:
    """Finds the jobs of a batch by the columns `job_key`, `asked` and `id`."""

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self._jobs = jobs
        self._ids_by_key = {job_key(job_id): job_id for job_id in jobs}
        self._ids_by_request: dict[str, list[str]] = {}
        self._ids_by_manifest: dict[str, list[str]] = {}
        for job in jobs.values():
            self._ids_by_request.setdefault(job.spec.fingerprint, []).append(job.id)
            self._ids_by_manifest.setdefault(_unedited(job.spec.fingerprint), []).append(job.id)

    def find(self, cells: Mapping[str, str]) -> Match:
        """The job of a row. Raises ValueError with what is wrong in which column."""
        named, asked = cells.get("id", ""), cells.get("asked", "")
        candidates = self._ids_by_request.get(asked, [])
        keyed = self._ids_by_key.get(cells.get("job_key", "").casefold())
        found = keyed or (named if named in self._jobs else "")
        if found and not keyed:
            self._check_id(named, candidates if asked else self._jobs)
        if keyed and named and not is_rewritten(keyed, named):
            raise ValueError(f"column id: is {named!r}, and job_key is that of {keyed}; sort and copy whole rows")
        if found and (not asked or found in candidates):
            return Match(self._jobs[found])
        if found and not candidates:
            return Match(self._jobs[found], is_current=False)
        if found:
            raise ValueError(
                f"the columns name different jobs: {'job_key' if keyed else 'id'} is that of {found}, asked is that of "
                f"{first_of(candidates)}; sort and copy whole rows"
            )
        if len(candidates) == 1 and is_rewritten(candidates[0], named):
            return Match(self._jobs[candidates[0]])
        edited = self._ids_by_manifest.get(_unedited(asked), []) if asked and not candidates else []
        if len(edited) == 1 and is_rewritten(edited[0], named):
            return Match(self._jobs[edited[0]], is_current=False)
        raise ValueError(_not_found(named, candidates or edited))

    def _check_id(self, named: str, candidates: Iterable[str]) -> None:
        """Raise ValueError when a spreadsheet may have made the id from that of another job, too."""
        if not kind_of(named):
            return
        others = [job_id for job_id in candidates if job_id != named and is_rewritten(job_id, named)]
        if others:
            raise ValueError(
                f"column id: {named!r} is the id of a job, and a spreadsheet makes it from {first_of(others)}, too; "
                "keep the columns job_key and asked of edit-these.csv"
            )


def job_key(job_id: str) -> str:
    """Letters that identify a job, which no spreadsheet rewrites."""
    return hashlib.sha256(job_id.encode("utf-8", "surrogatepass")).hexdigest()[:_KEY_CHARS].translate(_LETTERS)


def _unedited(fingerprint: str) -> str:
    """The fingerprint of the request in the manifest, which that of an edit follows."""
    return fingerprint.partition("+")[0]


def _not_found(named: str, candidates: Sequence[str]) -> str:
    if not named and not candidates:
        return "column id: is empty, and no other column identifies a job"
    kind = kind_of(named)
    looks = f"; it looks like {kind} that a spreadsheet made from an id" if kind else ""
    if candidates:
        return (
            f"column id: {named!r} is no job of this batch{looks}; its request is that of {first_of(candidates)}: "
            "write the id"
        )
    return f"column id: no job of this batch has the id {named!r}{looks}"
