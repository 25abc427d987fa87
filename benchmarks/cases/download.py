"""Case 7: MB/s and CPU per GB of 1, 8 and 64 streams of 20 MB, against curl; hash and media check in and out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import measure
from benchmarks.cases import Options
from benchmarks.clip import make_clip
from benchmarks.figures import Chart, Figure, Report, ratios, spread

CLIP_BYTES = 20 * 1024 * 1024
OURS, CURL = "batchvid", "curl -Z"
LAG_STREAMS = 8


def run(options: Options) -> Report:
    """Each number of streams in turn, batchvid and curl alternately."""
    clip = make_clip(options.folder / "clip.mp4", at_least_bytes=CLIP_BYTES)
    curl = shutil.which("curl")
    figures: list[Figure] = []
    values: dict[str, float] = {}
    with measure.vendor(clip=str(clip)) as base_url:
        for streams in (1, 8) if options.quick else (1, 8, 64):
            facts: list[dict[str, float]] = []
            candidates: dict[str, Callable[[], float]] = {
                OURS: partial(_ours, options.folder, base_url, streams, facts)
            }
            if curl:
                candidates[CURL] = partial(_curl, curl, options.folder, base_url, streams)
            samples = measure.alternate(candidates, options.rounds)
            figures += _figures(streams, samples, facts)
            bare = [used - fact["hash_s"] - fact["check_s"] for used, fact in zip(samples[OURS], facts, strict=True)]
            values[f"{OURS}, {streams}"] = spread(bare).median / _gb(streams)
            if curl:
                values[f"{CURL}, {streams}"] = spread(samples[CURL]).median / _gb(streams)
    chart = Chart(title="Download: CPU per GB, hash and check apart, by streams", unit="s/GB", values=values)
    skipped = () if curl else ("curl: is not installed here",)
    return Report(case="download", figures=figures, charts=[chart], skipped=skipped)


def _figures(streams: int, samples: dict[str, list[float]], facts: list[dict[str, float]]) -> list[Figure]:
    gb, what = _gb(streams), f"{streams} stream{'s' if streams > 1 else ''} of 20 MB"
    samples["bare"] = [all_s - f["hash_s"] - f["check_s"] for all_s, f in zip(samples[OURS], facts, strict=True)]
    figures = [
        Figure(name=f"{what}: CPU per GB, all in", value=spread([s / gb for s in samples[OURS]]), unit="s"),
        Figure(name=f"{what}: hash, CPU per GB", value=spread([f["hash_s"] / gb for f in facts]), unit="s"),
        Figure(name=f"{what}: media check, CPU per GB", value=spread([f["check_s"] / gb for f in facts]), unit="s"),
        Figure(name=f"{what}: speed", value=spread([1000 * gb / f["wall_s"] for f in facts]), unit="MB/s"),
        Figure(
            name=f"{what}: event-loop lag p99",
            value=spread([1000 * f["lag_p99_s"] for f in facts]),
            unit="ms",
            bar=20.0 if streams == LAG_STREAMS else None,
        ),
    ]
    if CURL in samples:
        figures.insert(
            0,
            Figure(
                name=f"{what}: CPU per GB / {CURL}, without hash and check",
                value=ratios(samples, "bare", CURL),
                unit="x",
                bar=1.25 if streams == LAG_STREAMS else None,
                note="batchvid syncs every file to the disk, curl does not",
            ),
        )
    return figures


def _gb(streams: int) -> float:
    return streams * CLIP_BYTES / 1e9


def _ours(folder: Path, base_url: str, streams: int, facts: list[dict[str, float]]) -> float:
    place = _empty(folder / "ours")
    arguments = {"base_url": base_url, "folder": str(place), "streams": streams}
    facts.append(dict(measure.client("catch_client", arguments).output))
    return facts[-1]["cpu_s"]


def _curl(curl: str, folder: Path, base_url: str, streams: int) -> float:
    place = _empty(folder / "curl")
    files = [part for n in range(streams) for part in ("-o", str(place / f"{n}.mp4"), f"{base_url}/clip/{n}.mp4")]
    return measure.run([curl, "-s", "-Z", "--parallel-max", str(streams), *files]).cpu_s


def _empty(place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    return place
