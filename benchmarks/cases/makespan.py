"""Case 2: how long a night takes against the least that its limits allow: simulated, and a sample over HTTP."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Callable

from benchmarks import measure
from benchmarks.batch import two_models_manifest
from benchmarks.cases import Options
from benchmarks.clip import make_clip
from benchmarks.figures import Chart, Figure, Report, spread
from benchmarks.laws import lognormal, mixed, pareto
from benchmarks.policies import POLICIES, of_batchvid
from benchmarks.simulate import Site, night

SLOTS = 20
LONG, SHORT = "long", "short"
NIGHTS: dict[str, list[Site]] = {
    "uniform": [Site(slots=SLOTS, models=[("uniform", lambda rng: rng.uniform(60, 180))])],
    "lognormal": [Site(slots=SLOTS, models=[("lognormal", lognormal(120, 0.5))])],
    "heavy tail": [Site(slots=SLOTS, models=[("heavy", mixed((0.9, lognormal(100, 0.4)), (0.1, pareto(100, 1.5))))])],
    "two models": [Site(slots=SLOTS, models=[(SHORT, lognormal(60, 0.4)), (LONG, lognormal(180, 0.4))])],
    "four providers": [
        Site(slots=slots, models=[(SHORT, lognormal(60, 0.4)), (LONG, lognormal(180, 0.4))])
        for slots in (5, 10, 20, 40)
    ],
}
BAR = 1.06
SCALE = 60.0  # the HTTP sample runs a minute in a second


def run(options: Options) -> Report:
    """Every night with every policy; then one for real, sixty times as fast."""
    jobs = 300 if options.quick else 1000
    seeds = range(5, 5 + options.rounds)
    figures: list[Figure] = []
    values: dict[str, float] = {}
    for name, sites in NIGHTS.items():
        for failing in (0.0, 0.05):
            for order, rank in _orders(sites).items():
                made = [
                    night(sites, POLICIES["batchvid, every 5 s"], jobs=jobs, failing=failing, rank=rank, seed=s)
                    for s in seeds
                ]
                value = spread([one.makespan_s / one.bound_s for one in made])
                label = f"{name}{', 5 % fail' if failing else ''}{order}"
                is_the_bar = name == "two models" and bool(order) and not failing and not options.quick
                figures.append(
                    Figure(
                        name=f"makespan / bound, simulated: {label}",
                        value=value,
                        unit="x",
                        bar=BAR if is_the_bar else None,
                    )
                )
                values[label] = value.median
    lagless = night(NIGHTS["two models"], lambda: of_batchvid(0.01), jobs=jobs, rank=_long_first)
    figures.append(
        Figure(
            name="makespan / bound, simulated: two models, long first, no lag at all",
            value=spread([lagless.makespan_s / lagless.bound_s]),
            unit="x",
            note="what the tail alone costs",
        )
    )
    figures.append(_over_http(options, 120 if options.quick else 600))
    return Report(case="makespan", figures=figures, charts=[Chart(title="Makespan / bound", unit="x", values=values)])


def _long_first(model: str) -> float:
    return 0.0 if model == LONG else 1.0


def _orders(sites: list[Site]) -> dict[str, Callable[[str], float]]:
    orders: dict[str, Callable[[str], float]] = {"": lambda _model: 0.0}
    return orders | {", long first": _long_first} if len(sites[0].models) > 1 else orders


def _over_http(options: Options, jobs: int) -> Figure:
    """Two models whose times differ three-fold, as above, in real time but SCALE times as fast."""
    clip = make_clip(options.folder / "clip.mp4")
    lives = {"veo3.1": (180 * 0.6 / SCALE, 180 * 1.4 / SCALE), "model": (60 * 0.6 / SCALE, 60 * 1.4 / SCALE)}
    values = []
    for _ in range(options.rounds):
        shutil.rmtree(options.folder / "out", ignore_errors=True)
        with measure.vendor(clip=str(clip), lives_s=lives) as base_url:
            manifest = two_models_manifest(
                options.folder, jobs, base_url=base_url, concurrency=SLOTS, poll_every_s=5 / SCALE
            )
            asked = {"manifest": str(manifest), "folder": str(options.folder / "out")}
            said = measure.client("batchvid_client", asked).said
            with urllib.request.urlopen(f"{base_url}/books") as reply:
                books = json.load(reply)
        if said["counts"] != {"succeeded": jobs}:
            raise measure.ClientFailed(f"not all of {jobs} jobs succeeded: {said['reason']}")
        values.append(books["makespan_s"] * SLOTS / books["work_s"])
    return Figure(
        name=f"makespan / bound, over HTTP: two models, {SLOTS} slots, {jobs:,} jobs",
        value=spread(values),
        unit="x",
        note=f"a minute in {60 / SCALE:g} s, so that every millisecond of ours weighs {SCALE:g} times",
    )
