"""Which failed jobs `retry` buys again, which tasks it polls again, and which jobs it leaves alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from batchvid.domain.failures import MODERATION, FailureKind
from batchvid.domain.jobs import Job, JobState, may_still_finish
from batchvid.manifest import Manifest
from batchvid.planning.rehearsals import describe_end

MAX_SHOWN_IDS = 5  # in a notice


@dataclass(slots=True)
class FailedJobs:
    """What `retry` does with failed jobs, by id. The last three lists are left alone."""

    reopened: set[str] = field(default_factory=set)
    resumed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def describe_skipped(self) -> str:
        """Which jobs are left alone and why; empty if there are none."""
        reasons = {
            "that a content filter refused are not bought again unchanged": self.refused,
            "that were cancelled are not bought, retry --kind cancelled buys them": self.cancelled,
            "whose task the provider does not know may be paid for, retry --kind lost_task buys them again": self.lost,
        }
        return "; ".join(f"{len(ids)} {reason}: {first_of(ids)}" for reason, ids in reasons.items() if ids)


def choose_failed(
    manifest: Manifest,
    jobs: Mapping[str, Job],
    kinds: Sequence[str],
    emulators: Collection[str] = (),
    *,
    new_task: bool,
) -> FailedJobs:
    """Sort the failed jobs of the manifest. `kinds` and `new_task` are as in `retry`.

    A rehearsal whose provider is none of the `emulators` has no task that is polled again.
    """
    chosen = FailedJobs()
    selected = {FailureKind(kind) for kind in kinds} or set(FailureKind)
    for placed in manifest.jobs:
        job = jobs.get(placed.spec.id)
        if job is None or job.state is not JobState.FAILED or job.kind not in selected:
            continue
        if may_still_finish(job) and not new_task and not describe_end(placed.spec, job, emulators):
            chosen.resumed.append(job.id)
        elif job.kind in MODERATION and not kinds and job.spec.fingerprint == placed.spec.fingerprint:
            chosen.refused.append(job.id)
        elif job.kind is FailureKind.CANCELLED and not kinds:
            chosen.cancelled.append(job.id)
        elif job.kind is FailureKind.LOST_TASK and not kinds:
            chosen.lost.append(job.id)
        else:
            chosen.reopened.add(job.id)
    return chosen


def first_of(ids: Sequence[str]) -> str:
    """The first ids, and how many more there are."""
    more = f" and {len(ids) - MAX_SHOWN_IDS} more" if len(ids) > MAX_SHOWN_IDS else ""
    return f"{', '.join(ids[:MAX_SHOWN_IDS])}{more}"
