"""Applies the waits that providers requested in earlier runs, such as a daily quota, before anything is submitted."""

from __future__ import annotations

from batchvid.clock import utc_now
from batchvid.domain.jobs import Job
from batchvid.runner.context import RunContext
from batchvid.runner.providers.retry_policy import MAX_RETRY_AFTER_S
from batchvid.runner.providers.submission_times import describe_time, is_too_long, requested_wait_s, resume_times


def apply_requested_waits(context: RunContext) -> None:
    """Stop each provider that takes no submits in this run's time; pause one whose wait is short by now."""
    now = utc_now()
    for name, at in resume_times(context.recorder.jobs.values(), now).items():
        provider_state = context.provider_states.get(name)
        if provider_state is None:
            continue
        wait_s = (at - now).total_seconds()
        if is_too_long(wait_s):
            reason = f"it requested no submits before {describe_time(at)}; --try-now submits all the same"
            provider_state.stop(reason, resume_at=at)
            context.notice(f"{name} is stopped: {reason}")
        else:
            provider_state.paused_until = max(provider_state.paused_until, context.now() + wait_s)
            context.notice(f"{name} requested no submits before {describe_time(at)}: they wait until then")


def retry_delay_s(job: Job, *, try_now: bool) -> float:
    """How long a pending job of an earlier run waits for its next submit."""
    if job.retry_at is None or (try_now and is_too_long(requested_wait_s(job))):
        return 0.0
    delay_s = (job.retry_at - utc_now()).total_seconds()
    return min(delay_s, MAX_RETRY_AFTER_S)  # not longer, even if the clock was set back
