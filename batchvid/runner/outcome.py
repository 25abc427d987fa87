"""How a run ended: the exit code that applies first, and the reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from batchvid.domain.jobs import Job, JobState, may_still_finish
from batchvid.paths import quoted
from batchvid.redaction import redact
from batchvid.runner.context import RunContext
from batchvid.runner.providers.submission_blocks import Block

STOPS = (Block.STOPPED, Block.UNAVAILABLE)
FAILED, BUDGET, UNCERTAIN, STOPPED, INTERRUPTED = 1, 3, 5, 6, 130  # docs/reference/exit-codes.md


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. `counts` are of the whole batch. If several exit codes apply, it is the most urgent.

    `price_lines` are what batchvid.toml needs, so that models of unknown price can be bought under a cap in dollars.
    """

    exit_code: int
    counts: Counter[JobState]
    reason: str = ""
    price_lines: tuple[str, ...] = ()


def build_outcome(context: RunContext, exit_code_ids: frozenset[str], *, interrupted: bool) -> Outcome:
    """The outcome of this run. Failed and open jobs count only if they are in `exit_code_ids`."""
    jobs = context.recorder.jobs
    ends = Counter(jobs[job_id].state for job_id in exit_code_ids if job_id in jobs)
    provider_states = context.provider_states.values()
    reasons = ((provider_state.name, provider_state.blocks.reason(*STOPS)) for provider_state in provider_states)
    stopped = [f"{name} was stopped: {reason}" for name, reason in reasons if reason]
    only_time_helps = all(
        provider_state.resume_at for provider_state in provider_states if provider_state.blocks.reason(*STOPS)
    )
    capped = context.blocks.cap_reasons
    reason, code = "", 0
    if interrupted:
        code, reason = INTERRUPTED, "interrupted; run again to go on"
    elif context.error:
        code, reason = getattr(context.error, "exit_code", FAILED), str(context.error)
    elif any(
        job.state is JobState.UNCERTAIN and (job.id in exit_code_ids or not job.is_rehearsal) for job in jobs.values()
    ):
        waiting = sum(
            len(provider_state.queue) + provider_state.delayed.total()
            for provider_state in provider_states
            if not provider_state.idle
        )
        held = f"; {waiting} jobs wait for the slots that these hold until their deadline" if waiting else ""
        also = f"; {'; '.join(stopped)}" if stopped else ""
        resolve = f"batchvid resolve --batch {quoted(context.recorder.folder)}"
        code, reason = UNCERTAIN, f"uncertain submits need a decision: {resolve}{held}{also}"
    elif stopped:
        what_next = "run again after that" if only_time_helps else "fix that and run again"
        code, reason = STOPPED, f"{'; '.join(stopped)}. Its jobs stay pending: {what_next}"
    elif capped:
        code, reason = BUDGET, "; ".join(capped)
    elif context.stop_reason:
        code, reason = FAILED, context.stop_reason
    elif ends[JobState.FAILED]:
        failed = [jobs[job_id] for job_id in exit_code_ids if job_id in jobs and jobs[job_id].state is JobState.FAILED]
        code, reason = FAILED, _describe_failed(failed)
    elif ends[JobState.SUCCEEDED] < ends.total():
        skipped = context.blocks.reason(Block.SKIPPED)
        detail = f" ({skipped})" if skipped else ""
        code, reason = FAILED, f"some jobs are not finished: run again to go on{detail}"
    counts = Counter(job.state for job in jobs.values())
    lines = tuple(context.blocks.price_lines) if code == BUDGET else ()
    # the reason may contain a vendor's message
    return Outcome(exit_code=code, counts=counts, reason=redact(reason), price_lines=lines)


def _describe_failed(failed: list[Job]) -> str:
    """What `retry` does with the failed jobs: it fetches what is paid for, and buys the others again."""
    paid = sum(map(may_still_finish, failed))
    subject, them = (f"{paid} clips are", "them") if paid > 1 else ("1 clip is", "it")
    clips = f"{subject} paid for: batchvid retry fetches {them} first"
    rules = "(refused by a content filter: only if changed; cancelled: only with --kind cancelled)"
    if paid == len(failed):
        return f"some jobs failed: {clips}"
    if paid:
        return f"some jobs failed: {clips}, and buys the others again {rules}"
    return f"some jobs failed: batchvid retry buys them again {rules}"
