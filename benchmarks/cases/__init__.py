"""The cases, by the name that the command line knows. Each is a function from options to a report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of a case: `quick` for small sizes, the folder for its files, the Python that has the peers' packages."""

    quick: bool
    folder: Path
    peer_python: str
    rounds: int

    @property
    def pace(self) -> float:
        """What times that tasks take are multiplied by: a quick run does not wait for whole lives."""
        return 0.3 if self.quick else 1.0
