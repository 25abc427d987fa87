"""The JSON beside a clip: where it comes from and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from batchvid.domain.clip_request import set_fields
from batchvid.domain.jobs import Job
from batchvid.redaction import strip_queries

NOT_KEPT = frozenset({"video", "audio"})  # they may be signed links, or a whole sound as a data URI


def build_sidecar(job: Job) -> dict[str, Any]:
    """What is stored beside a clip: its origin and its cost. No link keeps its query; the store hides keys."""
    spec, request = job.spec, job.spec.request
    values = {
        "job": spec.id,
        **{name: value for name, value in set_fields(request).items() if name not in NOT_KEPT},
        "options": _without_queries(request.options),
        "images": [{"role": i.role, "source": i.source.partition("?")[0], "sha256": i.sha256} for i in request.images],
        "provider": spec.provider,
        "model_asked": spec.instead_of.model if spec.instead_of else None,
        "model_returned": job.model_returned,
        "duration_s": job.billed_duration_s,
        "parent": spec.parent,
        "take": spec.take,
        "tags": list(spec.tags),
        "variables": {name: strip_queries(value) for name, value in spec.variables.items()},
        "fingerprint": spec.fingerprint,
        "attempt": job.attempts,
        "submitted_at": _iso(job.submitted_at),
        "finished_at": _iso(job.finished_at),
        "price_usd": None if job.price.usd is None else str(job.price.usd),
        "price_basis": job.price.basis,
        "actual_usd": job.actual_usd or None,
        "vendor": dict(job.vendor_metadata),
    }
    return {name: value for name, value in values.items() if value not in ("", [], {}, None)}


def _without_queries(value: Any) -> Any:
    """The user's options; a link among them may be a signed one."""
    if isinstance(value, Mapping):
        return {name: _without_queries(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_queries(inner) for inner in value]
    return strip_queries(value) if isinstance(value, str) else value


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
