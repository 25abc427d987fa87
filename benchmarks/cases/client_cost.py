"""Case 1: CPU of the client a job: submit, so many polls, download of a small clip, against floor and peers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.batch import rows_manifest
from benchmarks.cases import Options
from benchmarks.clip import make_clip
from benchmarks.figures import Chart, Figure, Report, Spread, ratios, spread

LIFE_S, REFRESH_S = (5.0, 25.0), 1.0  # a short night, asked about as often a job as a long one is
AT_ONCE = 64  # of those that know no pace and only wait for their own replies
FLOOR = "bare aiohttp"
OURS, BARE = "batchvid", "batchvid without check"
PEERS = {  # name: (program, package that it needs, bar of the issue, part of the jobs that it is given)
    "tutorial, threads": ("tutorial_client", "requests", 5.0, 0.3),
    "OpenAI SDK": ("openai_client", "openai", 7.0, 0.2),
    "LiteLLM": ("litellm_client", "litellm", 8.0, 0.2),
}


@dataclass(slots=True)
class Asked:
    """What batchvid's own rounds found: polls a job, and the cost of its media check. The last is what peers repeat."""

    polls: list[float] = field(default_factory=list)
    checks_s: list[float] = field(default_factory=list)


def run(options: Options) -> Report:
    """batchvid first in every round; the others then make as many requests a job as it did."""
    jobs = 300 if options.quick else 2000
    clip = make_clip(options.folder / "clip.mp4")
    skipped = [
        f"{name}: {package} cannot be imported by {options.peer_python}"
        for name, (_, package, _, _) in PEERS.items()
        if not has_package(options.peer_python, package)
    ]
    asked = Asked()
    candidates: dict[str, Callable[[], float]] = {
        OURS: partial(_ours, options, clip, jobs, asked),
        FLOOR: partial(_other, options.folder, clip, "aiohttp_client", jobs, sys.executable, asked),
    }
    for name, (program, package, _, part) in PEERS.items():
        if has_package(options.peer_python, package):
            share = max(40, int(jobs * part))
            candidates[name] = partial(_other, options.folder, clip, program, share, options.peer_python, asked)
    samples = measure.alternate(candidates, options.rounds)
    samples[BARE] = [all_s - check_s for all_s, check_s in zip(samples[OURS], asked.checks_s, strict=True)]
    return Report(case="client", figures=_figures(samples, asked), charts=[_chart(samples)], skipped=skipped)


def _ours(options: Options, clip: Path, jobs: int, asked: Asked) -> float:
    """CPU a job, seconds. All are in flight at once, as long as tasks take."""
    folder, every_s, life_s = options.folder, REFRESH_S * options.pace, [seconds * options.pace for seconds in LIFE_S]
    shutil.rmtree(folder / "out", ignore_errors=True)
    with measure.vendor(clip=str(clip), lives_s={"model": life_s}) as base_url:
        manifest = rows_manifest(folder, jobs, base_url=base_url, concurrency=jobs, poll_every_s=every_s)
        said = measure.client("batchvid_client", {"manifest": str(manifest), "folder": str(folder / "out")}).said
        books = measure.books(base_url)
    if said["counts"] != {"succeeded": jobs}:
        raise measure.ClientFailed(f"batchvid did not make all of them: {said['counts']} {said['reason']}")
    asked.checks_s.append(said["check_s"])
    asked.polls.append(books["polls"] / jobs)
    return float(said["cpu_s"]) / jobs


def _other(folder: Path, clip: Path, program: str, jobs: int, python: str, asked: Asked) -> float:
    """CPU a job, seconds, for as many requests as batchvid made in this round."""
    target = folder / program
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    polls = asked.polls[-1]
    looks = round(polls)
    with measure.vendor(clip=str(clip), looks=looks) as base_url:
        told: dict[str, Any] = {"base_url": base_url, "jobs": jobs, "at_once": AT_ONCE, "folder": str(target)}
        cpu_s = float(measure.client(program, told, python=python).said["cpu_s"])
    return cpu_s / jobs * (polls + 2) / (looks + 2)  # a submit and a download beside the polls


def has_package(python: str, package: str) -> bool:
    """Whether that interpreter can import the package."""
    found = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return subprocess.run([python, "-c", found], check=False).returncode == 0


def _figures(samples: dict[str, list[float]], asked: Asked) -> list[Figure]:
    figures = [
        Figure(
            name=f"client CPU a job / {FLOOR}, same requests, media check apart",
            value=ratios(samples, BARE, FLOOR),
            unit="x",
            bar=1.3,
            note="batchvid reads its manifest, checkpoints, hashes and syncs; the floor does none of it",
        ),
        Figure(name="polls a job", value=spread(asked.polls)),
        Figure(name="media check of a small clip, CPU", value=_ms(asked.checks_s), unit="ms"),
    ]
    for name, (_, _, bar, _) in PEERS.items():
        if name in samples:
            figures.append(
                Figure(
                    name=f"client CPU a job: {name} / batchvid, media check apart",
                    value=ratios(samples, name, BARE),
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
    return Chart(title="Client CPU a job: submit, polls, download", unit="ms", values=values, floor=FLOOR)


def _ms(values_s: list[float]) -> Spread:
    return spread([1000 * value for value in values_s])
