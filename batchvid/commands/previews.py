"""Plans a batch: what `run`, `retry` or a collection would buy, and which caps would stop it. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from batchvid.commands.batch import Batch
from batchvid.commands.caps import build_caps
from batchvid.commands.purchases import Intent, StateView, choose, read_view, retry_intent, view_of
from batchvid.commands.rollback_guard import check_same_folder
from batchvid.errors import UsageError
from batchvid.manifest import Manifest
from batchvid.paths import BatchPaths
from batchvid.planning.old_prices import old_prices
from batchvid.planning.plan import plan_collecting
from batchvid.planning.plan_types import Plan
from batchvid.runner import Budget, Charge, SpendingLimits, count_allowed, earlier_charges, utc_now


def plan(
    batch: Batch,
    *,
    regenerate: Sequence[str] = (),
    buy: bool = True,
    allow_retired: bool = False,
    limits: SpendingLimits | None = None,
) -> Plan:
    """What `run` with the same options would do and cost, and which caps would stop purchases.

    Reads the state file if there is one, and changes nothing. Raises UsageError when the manifest was run into another
    folder, as `run` does.
    """
    return preview(batch, Intent(buy=buy, regenerate=tuple(regenerate), allow_retired=allow_retired), limits)


def validate(batch: Batch, *, allow_retired: bool = False) -> Manifest:
    """The manifest, with every job checked against its model as if nothing was bought yet.

    Reads no state and no saved edits: the verdict is about the manifest. Raises ManifestError with every problem.
    """
    unedited = batch.lazy_manifest.unedited
    choose(batch, unedited, StateView(), Intent(allow_retired=allow_retired))
    return unedited


def plan_retry(
    batch: Batch,
    *,
    kinds: Sequence[str] = (),
    new_task: bool = False,
    allow_retired: bool = False,
    limits: SpendingLimits | None = None,
) -> Plan:
    """What `retry` with the same options would do and cost. Changes nothing."""
    check_same_folder(batch, command="retry")
    if not batch.state_path.exists():
        raise UsageError(f"{batch.folder} was never run: there is nothing to retry")
    intent = retry_intent(batch, kinds, new_task=new_task, allow_retired=allow_retired)
    return preview(batch, intent, limits)


def plan_collect(folder: Path) -> Plan:
    """What `collect` would do: it needs no manifest, and buys nothing."""
    return plan_collecting(read_view(BatchPaths(folder), buying=False).jobs.values())


def preview(batch: Batch, intent: Intent, limits: SpendingLimits | None = None) -> Plan:
    """What a command with this intent would buy, and what its caps allow. Changes nothing."""
    other_folder = check_same_folder(batch, command="retry" if intent.retry else "run")
    view = view_of(batch, intent)
    planned = choose(batch, batch.manifest, view, intent)
    caps = build_caps(batch.settings, limits)
    budget = Budget(caps, earlier_charges(batch.state_path, view.jobs.values()) if caps and view.jobs else ())
    now = utc_now()
    charges = [Charge.for_spec(job.spec, job.price, job.duration_s, now) for job in planned.to_buy]
    held_by = (f"another run is active ({view.holder}): until it ends, this command exits with 4",)
    notices = filter(None, (*batch.notices, other_folder))
    old = old_prices(planned.to_buy, now.date())
    cautions = (*notices, *planned.cautions, *budget.forecast(charges), *old, *(held_by if view.holder else ()))
    return replace(
        planned,
        cautions=cautions,
        caps=tuple(budget.uses(charges)),
        allowed=count_allowed(budget, charges) if caps else None,
    )
