"""The plan as plain values for JSON, and as a table for a spreadsheet: one row per job, without secrets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from batchvid.catalog.resolution import FIELDS as IMAGE_FIELDS
from batchvid.planning.addresses import describe_provider
from batchvid.planning.changes import image_name
from batchvid.planning.plan_types import BUYS, JobPlan, Plan
from batchvid.redaction import hide_all, hide_links, may_hold_secrets, strip_queries
from batchvid.report.csv_table import format_table

Values = dict[str, Any]

COLUMNS = (
    "file", "sheet", "row", "line", "variables", "id", "entry", "take", "tags", "action", "reason", "warning",
    "is_bought", "provider", "model", "duration_s", "aspect_ratio", "resolution", "mode", "sound", "seed", "prompt",
    "negative_prompt", "image", "end_image", "reference_images", "fit", "request_action", "parent", "video",
    "audio", "options", "price_usd", "price_basis", "price_as_of", "price_source",
    "fallback",
)  # fmt: skip
"""The keys of a job, in the order of the table."""


def plan_facts(plan: Plan, *, batch: str, folder: str) -> Values:
    """The plan as plain values without secrets. docs/reference/plan-output.md describes the keys."""
    prices = [job.price.usd for job in plan.to_buy]
    lengths = [job.duration_s for job in plan.to_buy]
    facts: Values = {
        "batch": batch,
        "folder": folder,
        "to_buy": {
            "clips": len(prices),
            "seconds": sum(length for length in lengths if length is not None),
            "unknown_lengths": lengths.count(None),
            "usd": str(sum((usd for usd in prices if usd is not None), Decimal(0))),
            "unknown_prices": prices.count(None),
            "allowed_by_caps": len(prices) if plan.allowed is None else plan.allowed,
        },
        "caps": [
            {"key": cap.key, "limit": cap.limit, "used": cap.used, "planned": cap.planned, "allowed": cap.allowed}
            for cap in plan.caps
        ],
        "providers": [describe_provider(provider) for provider in plan.providers],
        "entries": [
            {
                "entry": entry.name,
                "file": entry.place.file,
                "line": entry.place.line,
                "reads": entry.kind,
                "read": entry.rows_read,
                "kept": entry.kept,
                "left_out": entry.left_out,
                "left_out_rows": list(entry.left_out_rows),
            }
            for entry in plan.entries
        ],
        "counts": {action.value: count for action, count in plan.counts.items()},
        "notices": list(plan.notices),
        "cautions": list(plan.cautions),
        "warnings": list(plan.warnings),
        "notes": list(plan.notes),
    }
    shown: Values = hide_all(facts)
    return shown | {"jobs": [_without_secrets(job_values(job)) for job in plan.jobs]}


def _without_secrets(values: Values) -> Values:
    shown: Values = hide_all(values) if may_hold_secrets(json.dumps(values, ensure_ascii=False)) else values
    return shown


def job_values(job: JobPlan) -> Values:
    """One job as plain values; input links are without their queries. A value that is not set is empty or None."""
    spec, request, row = job.spec, job.spec.request, job.row
    pictures = {
        field: [image_name(image) for image in request.images if image.role == role]
        for role, field in IMAGE_FIELDS.items()
    }
    return {
        "file": row.file if row else "",
        "sheet": row.sheet if row else "",
        "row": row.number if row else None,
        "line": row.line if row else None,
        "variables": hide_links(spec.variables),
        "id": spec.id,
        "entry": spec.entry,
        "take": spec.take,
        "tags": list(spec.tags),
        "action": job.action.value,
        "reason": job.reason,
        "warning": job.warning,
        "is_bought": job.action in BUYS,
        "provider": spec.provider,
        "model": request.model,
        "duration_s": request.duration_s if job.duration_s is None else job.duration_s,
        "aspect_ratio": job.aspect_ratio or request.aspect_ratio,
        "resolution": job.resolution or request.resolution,
        "mode": request.mode,
        "sound": request.sound,
        "seed": request.seed,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "image": next(iter(pictures["image"]), ""),
        "end_image": next(iter(pictures["end_image"]), ""),
        "reference_images": pictures["reference_images"],
        "fit": request.fit,
        "request_action": request.action,
        "parent": spec.parent,
        "video": strip_queries(request.video),
        "audio": "a file" if request.audio.startswith("data:") else strip_queries(request.audio),
        "options": hide_links(request.options),
        "price_usd": None if job.price.usd is None else f"{job.price.usd:f}",
        "price_basis": job.price.basis,
        "price_as_of": job.price_as_of,
        "price_source": job.price_source,
        "fallback": [target.model for target in spec.fallback],
    }


def plan_table(plan: Plan) -> str:
    """The plan as CSV text for a spreadsheet: it begins with a byte order mark, formulas are escaped."""
    jobs = [job_values(job) for job in plan.jobs]
    columns: dict[str, Callable[[Values], object]] = {}
    for name in COLUMNS:
        if name == "variables":
            columns |= _variable_columns(jobs)
        else:
            columns[name] = partial(_cell, name=name)
    return "\ufeff" + format_table(columns, jobs)


def _variable_columns(jobs: Sequence[Values]) -> dict[str, Callable[[Values], object]]:
    names = dict.fromkeys(name for job in jobs for name in job["variables"])
    return {f"var.{name}": partial(_variable, name=name) for name in names}


def _variable(job: Values, *, name: str) -> object:
    return job["variables"].get(name, "")


def _cell(job: Values, *, name: str) -> object:
    """A value as a cell. None is empty, a list has one name after the other."""
    value = job[name]
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else value
