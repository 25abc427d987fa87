"""Case 5: the whole program at growing sizes, at a vendor that answers at once: CPU, memory, what it writes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.batch import rows_manifest
from benchmarks.cases import Options
from benchmarks.clip import make_clip
from benchmarks.figures import Chart, Figure, Report, ratios, spread
from benchmarks.trial import lacks

SLOTS = 256
MANY = 100_000  # takes minutes: once is enough
UVLOOP = "uvloop"
FILES = ("state.sqlite3", "run.log", "report.csv")


def run(options: Options) -> Report:
    """Each size in turn; the sizes below MANY alternately."""
    clip = make_clip(options.folder / "clip.mp4")
    sizes = (200, 600) if options.quick else (1000, 10_000, MANY)
    outputs: dict[int, list[dict[str, Any]]] = {jobs: [] for jobs in sizes}
    candidates = {
        f"{jobs:,}": partial(_whole, options.folder, clip, jobs, outputs[jobs]) for jobs in sizes if jobs < MANY
    }
    no_uvloop = lacks(UVLOOP)
    if not no_uvloop:
        candidates[UVLOOP] = partial(_whole, options.folder, clip, sizes[1], [], loop=UVLOOP)
    samples = measure.alternate(candidates, options.rounds)
    if MANY in sizes:
        samples[f"{MANY:,}"] = [_whole(options.folder, clip, MANY, outputs[MANY])]
    figures = [figure for jobs in sizes for figure in _figures(jobs, samples[f"{jobs:,}"], outputs[jobs])]
    figures = [*_growth(samples, outputs, sizes[0], sizes[-1]), *figures]
    if UVLOOP in samples:
        value = ratios(samples, UVLOOP, f"{sizes[1]:,}")
        figures.append(
            Figure(name=f"whole run of {sizes[1]:,} jobs: CPU on uvloop / on asyncio", value=value, unit="x")
        )
    values = {f"{jobs:,} jobs": 1000 * spread(samples[f"{jobs:,}"]).median for jobs in sizes}
    chart = Chart(title="Whole run: CPU a job", unit="ms", values=values)
    skipped = [f"whole run on uvloop: {no_uvloop}"] if no_uvloop else []
    return Report(case="whole", figures=figures, charts=[chart], skipped=skipped)


def _whole(folder: Path, clip: Path, jobs: int, outputs: list[dict[str, Any]], **more: Any) -> float:
    """CPU per job in seconds; appends the output to `outputs`. Raises ClientFailed if not every job was made once."""
    place = folder / "whole"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    with measure.vendor(clip=str(clip), looks=1) as base_url:
        manifest = rows_manifest(place, jobs, base_url=base_url, concurrency=SLOTS)
        output = measure.client("batchvid_client", {"manifest": str(manifest), "folder": str(place), **more}).output
        books = measure.books(base_url)
    if output["counts"] != {"succeeded": jobs} or (books["submits"], books["downloads"]) != (jobs, jobs):
        raise measure.ClientFailed(f"not all of {jobs} jobs were made once: {output['counts']} {output['reason']}")
    sizes_mb = {name: (place / manifest.stem / name).stat().st_size / 1e6 for name in FILES}
    outputs.append({**output, "sizes_mb": sizes_mb})
    return float(output["cpu_s"]) / jobs


def _growth(
    samples: Mapping[str, Sequence[float]], outputs: Mapping[int, list[dict[str, Any]]], few: int, many: int
) -> list[Figure]:
    """What a job costs more among many than among few; of the memory, what each one more adds at the peak."""
    usual = spread(samples[f"{few:,}"]).median
    base_mb = spread([output["peak_mb"] for output in outputs[few]]).median
    grown_kb = [1024 * (output["peak_mb"] - base_mb) / (many - few) for output in outputs[many]]
    cpu = spread([used / usual for used in samples[f"{many:,}"]])
    return [
        Figure(name=f"whole run: CPU a job at {many:,} jobs / at {few:,}", value=cpu, unit="x"),
        Figure(name=f"whole run: memory of one more job, {few:,} to {many:,} jobs", value=spread(grown_kb), unit="kB"),
    ]


def _figures(jobs: int, used_s: list[float], outputs: list[dict[str, Any]]) -> list[Figure]:
    what = f"whole run of {jobs:,} jobs"
    figures = [
        Figure(name=f"{what}: CPU a job", value=spread([1000 * used for used in used_s]), unit="ms"),
        Figure(name=f"{what}: peak memory", value=spread([output["peak_mb"] for output in outputs]), unit="MB"),
    ]
    return figures + [
        Figure(name=f"{what}: {name}", value=spread([output["sizes_mb"][name] for output in outputs]), unit="MB")
        for name in FILES
    ]
