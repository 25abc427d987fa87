"""The JSON beside a clip: where it comes from and what it cost."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from batchvid.domain.jobs import Job
from batchvid.redaction import strip_queries


def build_sidecar(job: Job) -> dict[str, Any]:
    """What is kept beside a clip: where it comes from and what it cost. Never a key, never a signed link."""
    spec = job.spec
    values = {
        "job": spec.id,
        "prompt": spec.prompt,
        "negative_prompt": spec.negative_prompt,
        "images": [{"role": i.role, "source": i.source.partition("?")[0], "sha256": i.sha256} for i in spec.images],
        "provider": spec.provider,
        "model": spec.model,
        "model_asked": spec.instead_of.model if spec.instead_of else None,
        "model_returned": job.model_returned,
        "duration_s": job.billed_s,
        "aspect_ratio": spec.aspect_ratio,
        "resolution": spec.resolution,
        "seed": spec.seed,
        "mode": spec.mode,
        "action": spec.action,
        "parent": spec.parent,
        "options": dict(spec.options),
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
        "vendor": dict(job.vendor),
    }
    return {name: value for name, value in values.items() if value not in ("", [], {}, None)}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
