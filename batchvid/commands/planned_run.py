"""`run --plan`: buys what a saved plan holds, if nothing that it rests on has changed."""

from __future__ import annotations

from pathlib import Path

from batchvid.commands.batch import Batch
from batchvid.commands.execution import Display
from batchvid.commands.plan_checks import check_folder, check_inputs, check_prices, with_links
from batchvid.commands.previews import preview
from batchvid.commands.purchases import Intent, choose, view_of
from batchvid.commands.run import run_intent
from batchvid.commands.saved_plan import SavedPlan, batch_of, read_plan
from batchvid.display.progress import progress_for
from batchvid.errors import UsageError
from batchvid.planning.plan_types import Plan
from batchvid.runner import Outcome, SpendingLimits
from batchvid.runner.callbacks.addresses import CallbackSettings


def open_saved(path: Path, *, out: str | Path | None = None) -> SavedPlan:
    """The saved plan in this file. Raises UsageError if it is none, or is for another directory than `out`."""
    saved = read_plan(path)
    if out is not None and (Path(out) / saved.batch).resolve() != Path(saved.folder).resolve():
        raise UsageError(f"{path}: is a plan for {saved.folder}, not for {Path(out) / saved.batch}: leave --out out")
    check_folder(saved)
    return saved


def plan_saved(saved: SavedPlan, *, limits: SpendingLimits | None = None) -> Plan:
    """What `run_saved` would buy now. Raises what that raises, and changes nothing."""
    batch, intent = _checked(saved)
    return preview(batch, intent, limits)


def run_saved(
    saved: SavedPlan,
    *,
    limits: SpendingLimits | None = None,
    wait: bool = True,
    try_now: bool = False,
    callbacks: CallbackSettings | None = None,
    display: Display = progress_for,
) -> tuple[Batch, Outcome]:
    """Buy what the plan holds, but for what was bought since; the options are as in `run`.

    Requests, limits and providers come from the plan, not from the manifest. Raises ManifestError when a price rose,
    or a picture or an address changed; then nothing is bought.
    """
    batch, intent = _checked(saved)
    outcome = run_intent(batch, intent, limits=limits, wait=wait, try_now=try_now, callbacks=callbacks, display=display)
    return batch, outcome


def _checked(saved: SavedPlan) -> tuple[Batch, Intent]:
    """The batch and the intent of a saved plan. Raises ManifestError with everything that changed."""
    view = view_of(batch_of(saved), Intent(saved=saved))
    remaining = saved.unbought(view.jobs)
    check_inputs(saved, remaining)
    saved = with_links(saved, remaining)
    batch = batch_of(saved)
    intent = Intent(allow_retired=saved.allow_retired, saved=saved)
    check_prices({job.spec.id: job for job in saved.jobs}, choose(batch, batch.manifest, view, intent).jobs)
    return batch, intent
