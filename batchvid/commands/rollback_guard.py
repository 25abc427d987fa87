"""Detects a lost, emptied or outdated state file, or another folder, which would cause everything to be bought again.

The batch's folder may show paid calls that the state file does not know, and so may the user's index, which is outside
of the folder and not restored with it. The index also knows the folders that a manifest was run into.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from batchvid.commands.batch import Batch
from batchvid.commands.output_folder import came_from, default_out, find_earlier, find_lost, may_hold_jobs
from batchvid.domain.jobs import Job
from batchvid.errors import UsageError
from batchvid.paths import BatchPaths, quoted, shown
from batchvid.report.logged_purchases import logged_attempts
from batchvid.state.readers import read_batch_id, read_purchases
from batchvid.state.state_file import StateFile
from batchvid.state.user_index import UserIndex, open_user_index
from batchvid.storage.file_kind import Container

REMEDY = (
    "Put the newest state file back (with its -wal file, if there is one). Until then, batchvid run {folder} "
    "--collect-only fetches what this one knows and buys nothing. If the newest is lost, move the folder away: then a "
    "run buys every clip again"
)


def check_same_folder(batch: Batch, *, command: str = "run") -> str:
    """Raise UsageError when the manifest's batch would begin in another folder than the one it was run into.

    That folder must still have a state file with jobs: one that was moved away is no conflict, nor is a batch of
    another name. Of these a notice is returned. A batch that was opened with `new_batch` may begin anywhere.
    """
    holds_jobs = may_hold_jobs(batch.folder)
    if batch.new_batch or (holds_jobs and came_from(batch.folder, batch.path)):
        return ""
    with closing(open_user_index()) as index:
        earlier = find_earlier(batch.path, index, name=batch.name)
        if not earlier:
            return "" if holds_jobs else _describe_other_folders(batch, index)
    if batch.folder.resolve() in earlier:
        return ""
    manifest, out = quoted(batch.path), quoted(shown(batch.folder.parent))
    chosen = "" if (default_out(batch.path) / batch.name).resolve() == batch.folder.resolve() else f" --out {out}"
    lines = [
        f"{batch.path} was run into {shown(earlier[0])}. In {shown(batch.folder)} every clip would be bought again.",
        f"  to continue:             batchvid {command} {manifest} --out {quoted(shown(earlier[0].parent))}",
        f"  to start a second batch: batchvid run {manifest}{chosen} --new-batch",
    ]
    if len(earlier) > 1:
        lines.insert(1, f"  also run into: {', '.join(str(shown(folder)) for folder in earlier[1:])}")
    raise UsageError("\n".join(lines))


def _describe_other_folders(batch: Batch, index: UserIndex) -> str:
    """Says that a batch starts again although its manifest has clips: under another name, or with its folder lost."""
    again = f"In {shown(batch.folder)} every clip is bought, also what that run has bought already"
    if others := find_earlier(batch.path, index):
        old, new = others[0], batch.folder
        return (
            f"{batch.path} was run as batch {old.name} into {shown(old)}. {again}. To go on with that batch under the "
            f"new name: mv {quoted(shown(old))} {quoted(shown(new))}"
        )
    if lost := find_lost(batch.path, index):
        return (
            f"{batch.path} was run into {shown(lost[0])}, which has no state file any more. {again}. If that folder "
            f"was moved, name the directory that it is in now: --out DIRECTORY"
        )
    return ""


def check_not_stale(jobs: Mapping[str, Job], paths: BatchPaths) -> None:
    """Raise UsageError when the log or the clips show more than `jobs`, the jobs of the state file.

    An event is written to the log after it is stored in the state file, so the log is never ahead of a current one.
    """
    name, remedy = paths.state.name, REMEDY.format(folder=quoted(paths.folder))
    if not jobs and any(path.is_file() for suffix in Container for path in paths.clips.glob(f"**/*.{suffix}")):
        raise UsageError(
            f"{paths.folder} holds clips but no {name} that knows them: a run would buy them all again. {remedy}"
        )
    former: dict[str, int] = {}  # an id may have been given away more than once
    for job in jobs.values():
        former |= {name: max(job.attempts, former.get(name, 0)) for name in job.adopted_from}
    for job_id, attempt in logged_attempts(paths.log).items():
        known = max(jobs[job_id].attempts if job_id in jobs else -1, former.get(job_id, -1))
        if known < attempt:
            raise UsageError(
                f"{paths.log} shows paid call {attempt} of job {job_id}, and {name} does not: {name} is lost or an "
                f"older copy, and a run would buy again what is already paid for. {remedy}"
            )


def check_purchases(state: StateFile) -> str:
    """Raise UsageError when the user's index knows more paid calls of this batch than the state file.

    A folder that was moved keeps its number; a copy at another path has its own. Returns a notice, or nothing.
    """
    folder = state.path.parent.resolve()
    known, moved_from, expected = _known_purchases(state.index, state.batch_id, folder)
    _refuse_older_copy(state.path, state.purchases, expected)
    others = [other for other in known if other != folder]
    for place in moved_from:
        state.index.move(state.batch_id, place, folder)
    if state.purchases > expected or (state.purchases and folder not in known and not moved_from):
        state.raise_mark()
    if folder in known or moved_from or not others:
        return ""
    return f"{folder} is a copy of {others[0]}: each buys its own clips, and neither knows what the other buys"


def check_older_copy(path: Path) -> None:
    """Raise UsageError as `check_purchases` does, for a dry run: nothing is changed."""
    with closing(open_user_index()) as index:
        _, _, expected = _known_purchases(index, read_batch_id(path), path.parent.resolve())
    _refuse_older_copy(path, read_purchases(path), expected)


def _known_purchases(index: UserIndex, batch_id: str, folder: Path) -> tuple[dict[Path, int], list[Path], int]:
    """The paid calls of a batch that the index knows by folder; the folders it was moved from; the calls expected."""
    known = {batch.folder: batch.purchases for batch in index.folders(batch_id)}
    moved_from = [other for other in known if folder not in known and not _holds_batch(other, batch_id)]
    expected = max((known[place] for place in (folder, *moved_from) if place in known), default=0)
    return known, moved_from, expected


def _refuse_older_copy(path: Path, purchases: int, expected: int) -> None:
    if purchases < expected:
        raise UsageError(
            f"{path} is an older copy: it knows {purchases} paid calls of this batch, and {expected} were made. A run "
            f"would buy again what is already paid for. {REMEDY.format(folder=quoted(path.parent))}"
        )


def _holds_batch(folder: Path, batch_id: str) -> bool:
    return read_batch_id(BatchPaths(folder).state) == batch_id
