"""Detects a lost, emptied or outdated state file, which would cause everything to be bought again."""

from __future__ import annotations

from collections.abc import Mapping

from batchvid.domain.jobs import Job
from batchvid.errors import UsageError
from batchvid.paths import BatchPaths
from batchvid.report import last_attempt

REMEDY = "Put the newest state file back (with its -wal file, if there is one), or move the folder away"


def check_not_stale(jobs: Mapping[str, Job], paths: BatchPaths) -> None:
    """Raise UsageError when the log or the clips show more than `jobs`, the jobs of the state file.

    An event is written to the log after it is stored in the state file, so the log is never ahead of a current one.
    """
    name = paths.state.name
    if not jobs and any(paths.clips.glob("**/*.mp4")):
        raise UsageError(
            f"{paths.folder} holds clips but no {name} that knows them: a run would buy them all again. {REMEDY}"
        )
    last = last_attempt(paths.log)
    if last is None:
        return
    job_id, attempt = last
    if job_id not in jobs or jobs[job_id].attempts < attempt:
        raise UsageError(
            f"{paths.log} shows paid call {attempt} of job {job_id}, and {name} does not: {name} is lost or an older "
            f"copy, and a run would buy again what is already paid for. {REMEDY}"
        )
