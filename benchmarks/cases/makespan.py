"""Case 2: how long a night takes against the least that its limits allow: simulated, and a sample over HTTP."""

from __future__ import annotations

import shutil
from typing import Any

from batchvid.runner.estimation.poll_schedule import BUSY_POLL_COST_S
from benchmarks import measure
from benchmarks.batch import rows_manifest
from benchmarks.cases import Options
from benchmarks.clip import make_clip
from benchmarks.distributions import lognormal, mixed, pareto
from benchmarks.figures import Chart, Figure, Report, Spread, spread
from benchmarks.policies import of_batchvid
from benchmarks.simulate import Site, night

SLOTS = 20
LONG, SHORT = "long", "short"
TWO = [(SHORT, lognormal(60, 0.4)), (LONG, lognormal(180, 0.4))]
NIGHTS: dict[str, list[Site]] = {
    "uniform": [Site(slots=SLOTS, models=[("uniform", lambda rng: rng.uniform(60, 180))])],
    "lognormal": [Site(slots=SLOTS, models=[("lognormal", lognormal(120, 0.5))])],
    "heavy tail": [Site(slots=SLOTS, models=[("heavy", mixed((0.9, lognormal(100, 0.4)), (0.1, pareto(100, 1.5))))])],
    "two models": [Site(slots=SLOTS, models=TWO)],
    "four providers": [Site(slots=slots, models=TWO) for slots in (5, 10, 20, 40)],
}
BAR = 1.06
FREE_POLL_COST_S = 1e-6  # polls cost nothing
SCALE = 60.0  # the HTTP sample runs a minute in a second


def run(options: Options) -> Report:
    """Every night as the runner would poll it; then one for real, sixty times as fast."""
    jobs = 300 if options.quick else 1000
    figures: list[Figure] = []
    values: dict[str, float] = {}
    for name, sites in NIGHTS.items():
        for failing in (0.0, 0.05):
            for order, long_first in _orders(sites).items():
                label = f"{name}{', 5 % fail' if failing else ''}{order}"
                value = _simulated(options, sites, jobs, failing, long_first=long_first)
                is_the_bar = name == "two models" and bool(order) and not failing
                bar = BAR if is_the_bar else None
                figures.append(Figure(name=f"makespan / bound, simulated: {label}", value=value, unit="x", bar=bar))
                values[label] = value.median
    lagless = night(NIGHTS["two models"], lambda: of_batchvid(0.2, 0.2, FREE_POLL_COST_S), jobs=jobs, long_first=True)
    figures.append(
        Figure(
            name="makespan / bound, simulated: two models, long first, a tenth of a second of lag",
            value=spread([lagless.makespan_s / lagless.bound_s]),
            unit="x",
            note="what the tail alone costs",
        )
    )
    figures.append(_over_http(options, 120 if options.quick else 1000))
    return Report(case="makespan", figures=figures, charts=[Chart(title="Makespan / bound", unit="x", values=values)])


def _simulated(options: Options, sites: list[Site], jobs: int, failing: float, *, long_first: bool) -> Spread:
    made = [
        night(
            sites,
            lambda: of_batchvid(10.0, 1.0, BUSY_POLL_COST_S),
            jobs=jobs,
            failing=failing,
            long_first=long_first,
            seed=seed,
        )
        for seed in range(5, 5 + options.rounds)
    ]
    return spread([one.makespan_s / one.bound_s for one in made])


def _orders(sites: list[Site]) -> dict[str, bool]:
    return {"": False, ", long first": True} if len(sites[0].models) > 1 else {"": False}


def _over_http(options: Options, jobs: int) -> Figure:
    """Two models whose times differ three-fold, as above, in real time but SCALE times as fast."""
    clip = make_clip(options.folder / "clip.mp4")
    lives = {LONG: (180 * 0.6 / SCALE, 180 * 1.4 / SCALE), SHORT: (60 * 0.6 / SCALE, 60 * 1.4 / SCALE)}
    values = []
    for _ in range(options.rounds):
        shutil.rmtree(options.folder / "out", ignore_errors=True)
        with measure.vendor(clip=str(clip), lives_s=lives) as base_url:
            limits: dict[str, Any] = {"concurrency": SLOTS, "poll_every_s": 5 / SCALE}
            manifest = rows_manifest(options.folder, jobs, base_url=base_url, models=(LONG, SHORT), **limits)
            arguments = {"manifest": str(manifest), "folder": str(options.folder / "out")}
            output = measure.client("batchvid_client", arguments).output
            books = measure.books(base_url)
        if output["counts"] != {"succeeded": jobs}:
            raise measure.ClientFailed(f"not all of {jobs} jobs succeeded: {output['reason']}")
        values.append(books["makespan_s"] * SLOTS / books["work_s"])
    return Figure(
        name=f"makespan / bound, over HTTP: two models, {SLOTS} slots, {jobs:,} jobs, polled every 5 s",
        value=spread(values),
        unit="x",
        note=f"a minute in {60 / SCALE:g} s, so that every millisecond of ours weighs {SCALE:g} times",
    )
