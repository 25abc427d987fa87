"""Case 5, in flight: memory a job, loop lag, and how soon a freed slot is refilled."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

from benchmarks import measure
from benchmarks.batch import rows_manifest
from benchmarks.cases import Options
from benchmarks.clip import make_clip
from benchmarks.figures import Chart, Figure, Report, Spread, spread

SLOTS = 1000
POLLED_FOR = 4  # ticks before the memory of what is in flight counts: until then few tasks were polled
LIFE_S, POLL_EVERY_S = (15.0, 30.0), 3.0  # a minute's clip in ten seconds: still several slots freed a second
MANY = 100_000


class Held(NamedTuple):
    """MB held with many jobs and with few; `jobs` is how many more the many are."""

    jobs: int
    many_mb: float
    few_mb: float


def run(options: Options) -> Report:
    """One batch that keeps SLOTS in flight; two that only wait."""
    clip = make_clip(options.folder / "clip.mp4")
    busy = [_busy(options, clip) for _ in range(options.rounds)]
    waiting = [_waiting(options, 2000 if options.quick else MANY) for _ in range(options.rounds)]
    flying = [_in_flight(options, 200 if options.quick else SLOTS) for _ in range(options.rounds)]
    memory = [_memory("waiting", waiting, bar_kb=2.0), _memory("in flight", flying, bar_kb=4.0)]
    values = {name: figure.value.median for name, figure in zip(("waiting", "in flight"), memory, strict=True)}
    chart = Chart(title="Memory a job, sockets included", unit="kB", values=values)
    return Report(case="scale", figures=[*memory, *_pace(busy)], charts=[chart])


def _busy(options: Options, clip: Path) -> Mapping[str, Any]:
    """A run whose slots are all taken until near its end, with 8 downloads: lag, refills, memory in flight."""
    slots = SLOTS // 10 if options.quick else SLOTS
    pace = options.pace / 2 if options.quick else options.pace
    every_s, life_s = POLL_EVERY_S * pace, [seconds * pace for seconds in LIFE_S]
    limits: dict[str, Any] = {"concurrency": slots, "poll_every_s": every_s, "top": "downloads: {concurrency: 8}"}
    with measure.vendor(clip=str(clip), lives_s={"model": life_s}, slots=slots) as base_url:
        output = _ours(options, slots * 2, base_url, **limits)
        books = measure.books(base_url)
    return {**output, "refills_s": books["refills_s"]}


def _waiting(options: Options, jobs: int) -> Held:
    """What jobs that wait weigh: so many of them against a hundredth; both stopped by Ctrl-C."""
    many, few = (_held_mb(options, size, in_flight=4, polled_for=0) for size in (jobs, jobs // 100))
    return Held(jobs - jobs // 100, many, few)


def _in_flight(options: Options, jobs: int) -> Held:
    """What jobs that are polled weigh, sockets included: so many of them against a tenth."""
    polled_for = 1 if options.quick else POLLED_FOR
    many, few = (_held_mb(options, jobs, in_flight=size, polled_for=polled_for) for size in (jobs, jobs // 10))
    return Held(jobs - jobs // 10, many, few)


def _held_mb(options: Options, jobs: int, *, in_flight: int, polled_for: int) -> float:
    end = {"stop_at": in_flight, "polled_for": polled_for}
    with measure.vendor(endless=True) as base_url:
        output = _ours(options, jobs, base_url, end, concurrency=in_flight, poll_every_s=1.0)
    return float(output["resident_mb"][-1])


def _ours(
    options: Options, jobs: int, base_url: str, end: Mapping[str, int] | None = None, *, top: str = "", **limits: Any
) -> dict[str, Any]:
    out = options.folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    manifest = rows_manifest(options.folder, jobs, base_url=base_url, top=top, **limits)
    arguments = {"manifest": str(manifest), "folder": str(out), **(end or {}), "looks": True}
    return dict(measure.client("batchvid_client", arguments).output)


def _memory(what: str, held: list[Held], *, bar_kb: float) -> Figure:
    return Figure(
        name=f"memory a job that is {what}, by {held[0].jobs:,} of them",
        value=spread([1024 * (one.many_mb - one.few_mb) / one.jobs for one in held]),
        unit="kB",
        bar=bar_kb,
        note="growth of the resident set; of those that wait, the manifest and its plan are included",
    )


def _pace(busy: list[Mapping[str, Any]]) -> list[Figure]:
    refills = [quantiles(output["refills_s"], n=100) for output in busy]
    lags = [1000 * output["lag_p99_s"] for output in busy if output["lag_p99_s"] is not None]
    figures = [
        Figure(name="freed slot to next submit on the wire, p50", value=_ms(refills, 49), unit="ms", bar=5.0),
        Figure(name="freed slot to next submit on the wire, p99", value=_ms(refills, 98), unit="ms", bar=50.0),
    ]
    if lags:
        figures.append(
            Figure(name="event-loop lag p99, all slots taken, 8 downloads", value=spread(lags), unit="ms", bar=20.0)
        )
    return figures


def _ms(percentiles: list[list[float]], index: int) -> Spread:
    return spread([1000 * of[index] for of in percentiles])
