"""Why nothing is submitted: one small object for the run, and one for each provider. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from batchvid.runner.budget.budget import CapExceeded


class Block(StrEnum):
    """What keeps submits back."""

    STOPPED = "stopped"
    """The run, or the provider, submits nothing more."""
    DISK_FULL = "disk full"
    """Submits wait until clips can be stored again."""
    CAP = "cap"
    """A cap of the batch, or of the provider, is reached."""
    UNAVAILABLE = "unavailable"
    """A model is given up at the provider; its jobs stay pending."""
    UNPRICED = "unpriced"
    """Some jobs have no known price, so no cap can count them."""
    SKIPPED = "skipped"
    """A single job cannot be sent as it is."""


SUBMITS_WAIT = (Block.STOPPED, Block.DISK_FULL, Block.CAP)
"""The blocks that keep every submit back, not only some jobs."""


@dataclass(slots=True)
class SubmissionBlocks:
    """The reasons in force, by block. `capped_jobs` are the jobs that wait for a cap, by id.

    The keys of `price_lines` are the lines of batchvid.toml that give a price to the models that have none.
    """

    _reasons: dict[Block, str] = field(default_factory=dict)
    capped_jobs: dict[str, CapExceeded] = field(default_factory=dict)
    price_lines: dict[str, None] = field(default_factory=dict)

    def add(self, block: Block, reason: str) -> None:
        """Adds a reason. The first reason of a block stays."""
        self._reasons.setdefault(block, reason)

    def remove(self, block: Block) -> None:
        """Removes a block, if it is in force."""
        self._reasons.pop(block, None)

    def reason(self, *blocks: Block) -> str:
        """The reason of the first of these blocks that is in force; empty if none is."""
        return next((self._reasons[block] for block in blocks if block in self._reasons), "")

    @property
    def stop_reason(self) -> str:
        """Why nothing more is submitted; empty while submits may go on."""
        return self._reasons.get(Block.STOPPED, "")

    @property
    def all_wait(self) -> bool:
        """Whether every submit waits."""
        return any(block in self._reasons for block in SUBMITS_WAIT)

    @property
    def cap_reasons(self) -> list[str]:
        """Why money keeps jobs back, each reason once."""
        reasons = (*map(str, self.capped_jobs.values()), self.reason(Block.UNPRICED))
        return [reason for reason in dict.fromkeys(reasons) if reason]
