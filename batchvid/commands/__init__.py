"""What each command does, without its output. Python users can do everything that the command line does.

`load` reads a manifest, `plan` compares it with earlier runs, `run` buys and collects, `retry` reopens failed jobs
and runs them, `resolve` decides about an uncertain job.
"""

from batchvid.commands.batch import (
    Batch,
    folder_of,
    load,
    open_batch,
    reopen,
)
from batchvid.commands.execution import Display, known_providers
from batchvid.commands.models import models, provider_and_pattern, refresh
from batchvid.commands.planned_run import open_saved, plan_saved, run_saved
from batchvid.commands.previews import plan, plan_collect, plan_retry, validate
from batchvid.commands.resolve import abandon, resolve, uncertain
from batchvid.commands.run import collect, edit, retry, run
from batchvid.commands.saved_plan import save_plan
from batchvid.domain.jobs import may_still_finish
from batchvid.runner import SpendingLimits

__all__ = [
    "Batch",
    "Display",
    "SpendingLimits",
    "abandon",
    "collect",
    "edit",
    "folder_of",
    "known_providers",
    "load",
    "may_still_finish",
    "models",
    "open_batch",
    "open_saved",
    "plan",
    "plan_collect",
    "plan_retry",
    "plan_saved",
    "provider_and_pattern",
    "refresh",
    "reopen",
    "resolve",
    "retry",
    "run",
    "run_saved",
    "save_plan",
    "uncertain",
    "validate",
]
