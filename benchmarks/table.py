"""Reports as a table for people and as JSON for scripts. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.figures import Figure, Report, short

WIDTH = 88  # of the first column


def as_text(report: Report) -> str:
    """The figures of one case, those with a bar first."""
    ordered = sorted(report.figures, key=lambda figure: figure.bar is None)
    lines = [f"== {report.case}", *map(_line, ordered)]
    lines += [f"skipped: {reason}" for reason in report.skipped]
    return "\n".join(lines) + "\n"


def _line(figure: Figure) -> str:
    bar = ""
    if figure.bar is not None:
        bar = f"  {'<=' if figure.best == 'low' else '>='} {short(figure.bar)}: {figure.verdict}"
    return f"{figure.name:<{WIDTH}} {figure.value!s:>28} {figure.unit:<5}{bar}".rstrip()


def as_json(reports: Sequence[Report], *, machine: str, rounds: int, quick: bool) -> str:
    """Everything, with the machine that it was measured on."""
    cases = [
        {**asdict(report), "figures": [{**asdict(figure), "reached": figure.verdict} for figure in report.figures]}
        for report in reports
    ]
    return json.dumps({"machine": machine, "rounds": rounds, "quick": quick, "cases": cases}, indent=1) + "\n"
