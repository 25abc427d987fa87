"""Case 3: requests a job against detection lag: by simulation, under a shared budget, and a sample over HTTP."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from statistics import mean

from benchmarks import measure
from benchmarks.batch import rows_manifest
from benchmarks.cases import Options
from benchmarks.clip import make_clip
from benchmarks.distributions import DISTRIBUTIONS, KnownDistribution, bound, known, lag_at
from benchmarks.figures import Curves, Figure, Report, spread
from benchmarks.policies import POLICIES, Policy, of_batchvid, sqrt_hazard
from benchmarks.shared_budget import BATCHVID as SHARED
from benchmarks.shared_budget import CHOOSERS, ROUND_ROBIN, mean_lag_s
from benchmarks.simulate import watch_all

WARM_UP = 300  # jobs after which the bar counts
SLOTS = 20
BAR, SHARED_BAR = 1.2, 0.65
DRAWN = "lognormal 90 s, 0.5"
BATCHVID = "batchvid"
IN_FLIGHT, BUDGET_PER_S = 400, 8.0
HTTP_SCALE, QUICK_SCALE = 5.0, 20.0  # as many times as fast: the runner's own two seconds for a new price are not


def run(options: Options) -> Report:
    """Every policy and every distribution, against the exact optimum at the same number of requests."""
    tasks = WARM_UP + (500 if options.quick else 3000)
    distributions = dict(list(DISTRIBUTIONS.items())[:3]) if options.quick else DISTRIBUTIONS
    figures: list[Figure] = []
    over: dict[str, list[float]] = {name: [] for name in (*POLICIES, "sqrt-hazard, distribution known")}
    lines: dict[str, list[tuple[float, float]]] = {}
    for name_of_distribution, distribution in distributions.items():
        grid = known(distribution)
        front = bound(grid)
        for name, policy in _policies(grid).items():
            watched = watch_all(policy(), distribution, tasks=tasks, slots=SLOTS)[WARM_UP:]
            requests, lag_s = mean(w.requests for w in watched), mean(w.lag_s for w in watched)
            over[name].append(lag_s / lag_at(front, requests))
            if name_of_distribution == DRAWN:
                lines[name] = [(requests, lag_s)]
        if name_of_distribution == DRAWN:
            lines = {"bound, distribution known": front} | lines
    for name, values in over.items():
        figures.append(
            Figure(
                name=f"lag / bound at as many requests: {name}",
                value=spread(values),
                unit="x",
                bar=BAR if name == BATCHVID else None,
                note="over the distributions, from the 301st task on",
            )
        )
    figures += _shared(options)
    figures.append(_over_http(options, 100 if options.quick else 400))
    chart = Curves(
        title=f"Polling: {DRAWN}", across="requests a job", upwards="mean lag, s", lines=lines, most_x=40, most_y=20
    )
    return Report(case="polling", figures=figures, charts=[chart])


def _policies(grid: KnownDistribution) -> dict[str, Callable[[], Policy]]:
    return {**POLICIES, "sqrt-hazard, distribution known": lambda: sqrt_hazard(grid, 0.35)}


def _shared(options: Options) -> list[Figure]:
    seconds = 1200 if options.quick else 4000
    lags = {
        name: [
            mean_lag_s(chooser(BUDGET_PER_S), IN_FLIGHT, BUDGET_PER_S, seconds, seed)
            for seed in range(1, options.rounds + 1)
        ]
        for name, chooser in CHOOSERS.items()
    }
    figures = []
    for name, values in lags.items():
        what = f"{IN_FLIGHT} in flight, {BUDGET_PER_S:g} requests/s: mean lag of {name}"
        figures.append(Figure(name=what, value=spread(values), unit="s"))
        if name != ROUND_ROBIN:
            shares = [own / all_alike for own, all_alike in zip(values, lags[ROUND_ROBIN], strict=True)]
            bar = SHARED_BAR if name == SHARED else None
            figures.append(Figure(name=f"{what} / {ROUND_ROBIN}'s", value=spread(shares), unit="x", bar=bar))
    return figures


def _over_http(options: Options, jobs: int) -> Figure:
    """Mean lag of the program itself over the simulated one of its policy, so many times as fast as in earnest."""
    scale = QUICK_SCALE if options.quick else HTTP_SCALE
    clip = make_clip(options.folder / "clip.mp4")
    low_s, high_s, every_s = 40 / scale, 120 / scale, 5 / scale
    values = []
    for _ in range(options.rounds):
        shutil.rmtree(options.folder / "out", ignore_errors=True)
        with measure.vendor(clip=str(clip), lives_s={"model": (low_s, high_s)}) as base_url:
            manifest = rows_manifest(options.folder, jobs, base_url=base_url, concurrency=jobs, poll_every_s=every_s)
            measure.client("batchvid_client", {"manifest": str(manifest), "folder": str(options.folder / "out")})
            books = measure.books(base_url)
        policy = of_batchvid(every_s, every_s)
        simulated = watch_all(policy, lambda rng: rng.uniform(low_s, high_s), tasks=jobs, slots=jobs)
        values.append(mean(books["lags_s"]) / mean(w.lag_s for w in simulated))
    return Figure(
        name=f"mean lag over HTTP / simulated ({jobs} jobs, {scale:g} times as fast)",
        value=spread(values),
        unit="x",
    )
