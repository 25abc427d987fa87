"""The meaning of a definition's status words. A word that it does not name is never a verdict."""

from __future__ import annotations

from batchvid.dialects.json_task.definition import Definition
from batchvid.domain.wire import Phase

PHASES: dict[str, Phase] = {
    "queued": Phase.QUEUED,
    "running": Phase.RUNNING,
    "succeeded": Phase.SUCCEEDED,
    "failed": Phase.FAILED,
    "moderated": Phase.FAILED,
    "cancelled": Phase.FAILED,
    "unseen": Phase.UNSEEN,
}
"""The keys of `words` with their phases."""


def key_of(definition: Definition, word: str) -> str:
    """Return the key of `words` that has this word, whatever its case; empty if none has."""
    folded = word.strip().casefold()
    return next(
        (key for key in PHASES if any(folded == known.strip().casefold() for known in getattr(definition.words, key))),
        "",
    )


def phase_of(definition: Definition, word: str) -> Phase:
    """Return the phase of a status word; `Phase.UNKNOWN` for one that is not named."""
    return PHASES.get(key_of(definition, word), Phase.UNKNOWN)
