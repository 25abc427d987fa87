"""Detects a lost, emptied or outdated state file, which would cause everything to be bought again.

Two checks: the batch's folder may show paid calls that the state file does not know, and so may the user's index, which
is outside of the folder and not restored with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from batchvid.domain.jobs import Job
from batchvid.errors import UsageError
from batchvid.paths import BatchPaths
from batchvid.report.logged_purchases import logged_attempts
from batchvid.state.readers import read_batch_id
from batchvid.state.state_file import StateFile
from batchvid.storage.file_kind import Container

REMEDY = (
    "Put the newest state file back (with its -wal file, if there is one). Until then, batchvid run {folder} "
    "--collect-only fetches what this one knows and buys nothing. If the newest is lost, move the folder away: then a "
    "run buys every clip again"
)


def check_not_stale(jobs: Mapping[str, Job], paths: BatchPaths) -> None:
    """Raise UsageError when the log or the clips show more than `jobs`, the jobs of the state file.

    An event is written to the log after it is stored in the state file, so the log is never ahead of a current one.
    """
    name = paths.state.name
    if not jobs and any(path.is_file() for suffix in Container for path in paths.clips.glob(f"**/*.{suffix}")):
        raise UsageError(
            f"{paths.folder} holds clips but no {name} that knows them: a run would buy them all again. "
            f"{REMEDY.format(folder=paths.folder)}"
        )
    former = {name: job.attempts for job in jobs.values() for name in job.adopted_from}
    for job_id, attempt in logged_attempts(paths.log).items():
        known = max(jobs[job_id].attempts if job_id in jobs else -1, former.get(job_id, -1))
        if known < attempt:
            raise UsageError(
                f"{paths.log} shows paid call {attempt} of job {job_id}, and {name} does not: {name} is lost or an "
                f"older copy, and a run would buy again what is already paid for. {REMEDY.format(folder=paths.folder)}"
            )


def check_purchases(state: StateFile) -> str:
    """Raise UsageError when the user's index knows more paid calls of this batch than the state file.

    A folder that was moved keeps its number; a copy at another path has its own. Returns a notice, or nothing.
    """
    folder = state.path.parent.resolve()
    known = {batch.folder: batch.purchases for batch in state.index.folders(state.batch_id)}
    others = [other for other in known if other != folder]
    moved_from = [other for other in others if folder not in known and not _holds_batch(other, state.batch_id)]
    expected = max((known[place] for place in (folder, *moved_from) if place in known), default=0)
    if state.purchases < expected:
        raise UsageError(
            f"{state.path} is an older copy: it knows {state.purchases} paid calls of this batch, and {expected} were "
            f"made. A run would buy again what is already paid for. {REMEDY.format(folder=state.path.parent)}"
        )
    for place in moved_from:
        state.index.move(state.batch_id, place, folder)
    if state.purchases > expected or (state.purchases and folder not in known and not moved_from):
        state.raise_mark()
    if folder in known or moved_from or not others:
        return ""
    return f"{folder} is a copy of {others[0]}: each buys its own clips, and neither knows what the other buys"


def _holds_batch(folder: Path, batch_id: str) -> bool:
    return read_batch_id(BatchPaths(folder).state) == batch_id
