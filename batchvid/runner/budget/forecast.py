"""How many of the planned attempts the caps allow. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from batchvid.runner.budget.budget import Budget, Charge
from batchvid.runner.budget.caps import Cap


def count_allowed(budget: Budget, charges: Iterable[Charge]) -> int:
    """How many of these attempts a run would make, one after the other, if no money is given back.

    A reached cap ends the purchases that it covers; a cap of a tag skips only the clips that do not fit. The attempts
    are reserved in the budget.
    """
    allowed = 0
    reached: list[Cap] = []
    for number, charge in enumerate(charges):
        if any(cap.covers(charge.provider, charge.tags) for cap in reached):
            continue
        exceeded = budget.check(charge)
        if exceeded is None:
            budget.reserve(str(number), charge)
            allowed += 1
        elif exceeded.cap is not None and not exceeded.cap.tag:
            reached.append(exceeded.cap)
    return allowed
