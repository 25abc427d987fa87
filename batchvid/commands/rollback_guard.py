"""Whether a state file is all that its folder has seen: a lost, emptied or older one would have all bought again.

Knows nothing of manifests and providers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from batchvid.domain.jobs import Job
from batchvid.errors import UsageError
from batchvid.report import last_attempt

REMEDY = "Put the newest state file back (with its -wal, where there is one), or move the folder away"


def check_not_stale(jobs: Mapping[str, Job], *, state: Path, log: Path, clips: Path) -> None:
    """Raise UsageError when `jobs`, all that the state file knows, are less than log and clips tell of.

    The log is written after the state file, so it can never rightly know more.
    """
    if not jobs and any(clips.glob("**/*.mp4")):
        raise UsageError(
            f"{state.parent} holds clips but no {state.name} that knows them: a run would buy them all again. {REMEDY}"
        )
    last = last_attempt(log)
    if last is None:
        return
    job_id, attempt = last
    if job_id not in jobs or jobs[job_id].attempts < attempt:
        raise UsageError(
            f"{log} tells of paid call {attempt} of job {job_id}, and {state.name} does not: it is lost or an older "
            f"copy, and a run would buy again what is paid for. {REMEDY}"
        )
