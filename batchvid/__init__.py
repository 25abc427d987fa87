"""batchvid: a batch job runner for AI video.

From Python: `load` a manifest, `plan` it, `run` it, `retry` what failed; `commands` says what each does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batchvid.commands.batch import Batch, load
    from batchvid.commands.previews import plan, plan_retry
    from batchvid.commands.resolve import resolve
    from batchvid.commands.run import collect, retry, run
    from batchvid.runner import SpendingLimits

__all__ = ["Batch", "SpendingLimits", "collect", "load", "plan", "plan_retry", "resolve", "retry", "run"]


def __getattr__(name: str) -> Any:
    # late, so that `batchvid --help` does not import what only a run needs
    if name not in __all__:
        raise AttributeError(f"module 'batchvid' has no attribute {name!r}")
    from batchvid import commands

    return getattr(commands, name)
