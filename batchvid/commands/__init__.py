"""One sitting with one batch: what each command does, without a word about how it is printed.

`load` reads a manifest, `plan` holds it against what was done, `run` buys and collects, `retry` reopens first,
`resolve` settles an uncertain job. Every function takes and returns plain values; a Python user can do all that
the command line does.
"""

from batchvid.commands.batch import (
    Batch,
    UnexpandedBatch,
    draft,
    folder_of,
    load,
    reopen,
    reopen_draft,
)
from batchvid.commands.execution import Display, known_providers
from batchvid.commands.models import models, refresh
from batchvid.commands.resolve import abandon, resolve, uncertain
from batchvid.commands.run import collect, edit, may_still_finish, plan, retry, run
from batchvid.runner import SpendingLimits

__all__ = [
    "Batch",
    "Display",
    "SpendingLimits",
    "UnexpandedBatch",
    "abandon",
    "collect",
    "draft",
    "edit",
    "folder_of",
    "known_providers",
    "load",
    "may_still_finish",
    "models",
    "plan",
    "refresh",
    "reopen",
    "reopen_draft",
    "resolve",
    "retry",
    "run",
    "uncertain",
]
