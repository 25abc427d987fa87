"""Case 1: CPU of the client a job: submit, so many polls, download of a small clip, against floor and peers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.batch import rows_manifest
from benchmarks.cases import Options
from benchmarks.clip import make_clip
from benchmarks.figures import Chart, Figure, Report, Spread, ratios, spread

LOOKS = 15  # polls a job: a clip of 150 s asked for every 10 s
AT_ONCE = 64
FLOOR = "bare aiohttp"
OURS, CHECK = "batchvid", "its media check"
PEERS = {  # name: (program, package that it needs, bar of the issue, part of the jobs that it is given)
    "tutorial, threads": ("tutorial_client", "requests", 5.0, 0.3),
    "OpenAI SDK": ("openai_client", "openai", 7.0, 0.2),
    "LiteLLM": ("litellm_client", "litellm", 8.0, 0.2),
}


def run(options: Options) -> Report:
    """All candidates in turn, round after round, against one vendor."""
    jobs = 300 if options.quick else 2000
    clip = make_clip(options.folder / "clip.mp4")
    skipped = [
        f"{name}: {package} cannot be imported by {options.peer_python}"
        for name, (_, package, _, _) in PEERS.items()
        if not has_package(options.peer_python, package)
    ]
    checks: list[float] = []
    with measure.vendor(clip=str(clip), looks=LOOKS) as base_url:
        candidates: dict[str, Callable[[], float]] = {
            OURS: partial(_ours, options.folder, base_url, jobs, checks),
            FLOOR: partial(_other, options.folder, "aiohttp_client", base_url, jobs, sys.executable),
        }
        for name, (program, package, _, part) in PEERS.items():
            if has_package(options.peer_python, package):
                share = max(40, int(jobs * part))
                candidates[name] = partial(_other, options.folder, program, base_url, share, options.peer_python)
        samples = measure.alternate(candidates, options.rounds)
    samples["batchvid without check"] = [all_s - check_s for all_s, check_s in zip(samples[OURS], checks, strict=True)]
    return Report(case="client", figures=_figures(samples, checks), charts=[_chart(samples)], skipped=skipped)


def _ours(folder: Path, base_url: str, jobs: int, checks: list[float]) -> float:
    shutil.rmtree(folder / "out", ignore_errors=True)
    manifest = rows_manifest(folder, jobs, base_url=base_url, concurrency=AT_ONCE * 2)
    said = measure.client("batchvid_client", {"manifest": str(manifest), "folder": str(folder / "out")}).said
    if said["counts"] != {"succeeded": jobs}:
        raise measure.ClientFailed(f"batchvid did not make all of them: {said['counts']} {said['reason']}")
    checks.append(said["check_s"])
    return float(said["cpu_s"]) / jobs


def _other(folder: Path, program: str, base_url: str, jobs: int, python: str) -> float:
    target = folder / program
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    asked: dict[str, Any] = {"base_url": base_url, "jobs": jobs, "at_once": AT_ONCE, "folder": str(target)}
    return float(measure.client(program, asked, python=python).said["cpu_s"]) / jobs


def has_package(python: str, package: str) -> bool:
    """Whether that interpreter can import the package."""
    found = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return subprocess.run([python, "-c", found], check=False).returncode == 0


def _figures(samples: dict[str, list[float]], checks: list[float]) -> list[Figure]:
    bare = "batchvid without check"
    figures = [
        Figure(
            name=f"client CPU a job / {FLOOR}, {LOOKS} polls, media check apart",
            value=ratios(samples, bare, FLOOR),
            unit="x",
            bar=1.3,
            note="batchvid reads its manifest, checkpoints, hashes and syncs; the floor does none of it",
        ),
        Figure(name="media check of a small clip, CPU", value=_ms(checks), unit="ms"),
    ]
    for name, (_, _, bar, _) in PEERS.items():
        if name in samples:
            figures.append(
                Figure(
                    name=f"client CPU a job: {name} / batchvid, media check apart",
                    value=ratios(samples, name, bare),
                    unit="x",
                    bar=bar,
                    best="high",
                )
            )
    return figures + [
        Figure(name=f"client CPU a job: {name}", value=_ms(values), unit="ms") for name, values in samples.items()
    ]


def _chart(samples: dict[str, list[float]]) -> Chart:
    values = {name: _ms(of).median for name, of in samples.items() if name != OURS}
    return Chart(title=f"Client CPU a job: submit, {LOOKS} polls, download", unit="ms", values=values, floor=FLOOR)


def _ms(values_s: list[float]) -> Spread:
    return spread([1000 * value for value in values_s])
