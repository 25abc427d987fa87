"""The small bar: how long `batchvid --help` takes beside the import of click alone."""

from __future__ import annotations

import sys
from functools import partial

from benchmarks import measure
from benchmarks.cases import Options
from benchmarks.figures import Figure, Report, ratios, spread

HELP, FLOOR = "batchvid --help", "import click"
COMMANDS = {
    HELP: [sys.executable, "-m", "batchvid", "--help"],
    FLOOR: [sys.executable, "-c", "import click"],
    "import of the whole package": [sys.executable, "-c", "import batchvid.commands"],
}


def run(options: Options) -> Report:
    """Each command several times a round; the quickest counts, for the rest is the machine's."""
    tries = 3 if options.quick else 7
    samples = measure.alternate(
        {name: partial(_quickest, command, tries) for name, command in COMMANDS.items()}, options.rounds
    )
    figures = [Figure(name=f"{HELP} wall / {FLOOR}", value=ratios(samples, HELP, FLOOR), unit="x", bar=3.0)]
    figures += [
        Figure(name=f"wall of {name}", value=spread([1000 * s for s in of]), unit="ms") for name, of in samples.items()
    ]
    return Report(case="start-up", figures=figures)


def _quickest(command: list[str], tries: int) -> float:
    return min(measure.run(command).wall_s for _ in range(tries))
