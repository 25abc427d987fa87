"""Warns about a fallback that can never take effect, because the first task would have to be cancelled. Pure."""

from __future__ import annotations

from batchvid.catalog.timeouts import find_deadlines
from batchvid.dialects import DIALECTS
from batchvid.domain.job_spec import JobSpec, Reason
from batchvid.manifest.schema.fallback import DEFAULT_REASONS
from batchvid.planning.routing import Route


def unreachable_fallback(spec: JobSpec, route: Route) -> str:
    """Why a reason of the job's fallback never applies to this model at this provider; empty if each can.

    The default reasons are no request for each of them, unless the provider has a limit for its queue.
    """
    provider = route.provider
    is_requested = spec.fallback_on != DEFAULT_REASONS or provider.queue_timeout_s or provider.model_queue_timeout_s
    if not spec.fallback or not is_requested:
        return ""
    warnings = []
    overdue = [reason for reason in (Reason.QUEUE_STALL, Reason.TIMEOUT) if reason in spec.fallback_on]
    if Reason.QUEUE_STALL in overdue and find_deadlines(provider, spec.request.model, route.model).queue_s is None:
        overdue.remove(Reason.QUEUE_STALL)
        warnings.append(f"fallback on queue_stall never happens: set queue_timeout_s for {provider.name}")
    can_cancel = provider.cancel != "none" and DIALECTS[route.model.dialect].cancel is not None
    if overdue and not can_cancel and not spec.fallback_while_running:
        warnings.append(
            f"fallback on {' and '.join(overdue)} never happens: {provider.name} cancels no task. "
            f"fallback_while_running: true buys a second one beside it; both may be billed"
        )
    return "; ".join(warnings)
