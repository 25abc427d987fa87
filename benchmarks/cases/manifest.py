"""Case 6: parse, expand, validate and plan: rows of a CSV or a workbook, a matrix, entries written out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import measure
from benchmarks.batch import explicit_manifest, matrix_manifest, rows_manifest, sheet_manifest
from benchmarks.cases import Options
from benchmarks.figures import Chart, Figure, Report, ratios, spread

SHAPES: dict[str, Callable[[Path, int], Path]] = {
    "CSV rows": rows_manifest,
    "matrix": matrix_manifest,
    "entries": explicit_manifest,
}
ROWS_CPU_S, ROWS_MB = 10.0, 400.0
SHEET_ROWS, SHEET_RATIO = 10_000, 3.0


def run(options: Options) -> Report:
    """Every shape at every size; the floor reads the same files and does the least with them."""
    sizes = (1000, 10_000) if options.quick else (1000, 10_000, 100_000)
    figures: list[Figure] = []
    values: dict[str, float] = {}
    for jobs in sizes:
        for shape, write in SHAPES.items():
            folder = options.folder / f"{shape.split()[0]}-{jobs}"
            folder.mkdir()
            manifest = write(folder, jobs)
            peaks: list[float] = []
            candidates = {"plan": partial(_plan, manifest, folder, peaks), "floor": partial(_floor, manifest)}
            samples = measure.alternate(candidates, 1 if jobs == 100_000 and options.quick else options.rounds)
            is_the_bar = shape == "CSV rows" and jobs == 100_000
            figures += [
                Figure(
                    name=f"plan of {jobs:,} jobs ({shape}): CPU",
                    value=spread(samples["plan"]),
                    unit="s",
                    bar=ROWS_CPU_S if is_the_bar else None,
                ),
                Figure(
                    name=f"plan of {jobs:,} jobs ({shape}): peak memory",
                    value=spread(peaks),
                    unit="MB",
                    bar=ROWS_MB if is_the_bar else None,
                ),
            ]
            if shape != "matrix":
                figures.append(
                    Figure(
                        name=f"plan of {jobs:,} jobs ({shape}): CPU / the least to read it",
                        value=ratios(samples, "plan", "floor"),
                        unit="x",
                    )
                )
            values[f"{jobs:,} {shape}"] = 1e6 * spread(samples["plan"]).median / jobs
    figures.append(_sheet(options))
    chart = Chart(title="Plan: CPU a job", unit="us", values=values)
    return Report(case="manifest", figures=figures, charts=[chart])


def _sheet(options: Options) -> Figure:
    """The same table as XLSX and as CSV, in turns."""
    folder = options.folder / "sheet"
    folder.mkdir()
    sheet = sheet_manifest(folder, SHEET_ROWS)
    table = folder / "rows.yaml"
    candidates = {"xlsx": partial(_plan, sheet, folder, []), "csv": partial(_plan, table, folder, [])}
    return Figure(
        name=f"plan of {SHEET_ROWS:,} rows of an XLSX workbook: CPU / of a CSV",
        value=ratios(measure.alternate(candidates, options.rounds), "xlsx", "csv"),
        unit="x",
        bar=SHEET_RATIO,
    )


def _plan(manifest: Path, folder: Path, peaks: list[float]) -> float:
    cost = measure.client("plan_client", {"manifest": str(manifest), "folder": str(folder / "out")})
    peaks.append(float(cost.output["peak_mb"]))
    return float(cost.output["cpu_s"])


def _floor(manifest: Path) -> float:
    return float(measure.client("plan_client", {"manifest": str(manifest), "floor": True}).output["cpu_s"])
