"""Rehearsals: what the emulator made does not count as made by a provider, and does not replace what one made. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from batchvid.catalog import Provider
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState

KEPT = "a rehearsal does not replace it"
_REASONS = {
    JobState.SUCCEEDED: "the stored clip is a rehearsal",
    JobState.FAILED: "it failed in a rehearsal",
    JobState.UNCERTAIN: "its uncertain submit was a rehearsal",
}


def emulators_among(providers: Mapping[str, Provider]) -> frozenset[str]:
    """The providers that are the emulator by definition."""
    return frozenset(name for name, provider in providers.items() if provider.is_emulator)


def is_only_rehearsed(job: Job) -> bool:
    """Whether the job has nothing but what the emulator made of it."""
    return (job.is_rehearsal or job.rehearsed_clip) and not job.has_real_clip


def describe_end(spec: JobSpec, job: Job, emulators: Collection[str]) -> str:
    """Why a job that was sent is bought all the same: only the emulator has it, and its provider is a real one now.

    Empty if it is not.
    """
    if job.state is JobState.PENDING or spec.provider in emulators or not is_only_rehearsed(job):
        return ""
    return _REASONS.get(job.state, "its task is a rehearsal")


def is_protected(spec: JobSpec, job: Job | None, emulators: Collection[str]) -> bool:
    """Whether a purchase would let the emulator replace the clip of a provider."""
    return job is not None and spec.provider in emulators and job.has_real_clip


def mark(reason: str, job: Job) -> str:
    """The reason of a plan; it names a rehearsal as one."""
    if not is_only_rehearsed(job):
        return reason
    is_fine = job.state not in (JobState.FAILED, JobState.UNCERTAIN)
    return f"{reason}, a rehearsal" if is_fine else f"in a rehearsal: {reason}"
