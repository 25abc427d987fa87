"""Case 1: CPU of the client a job: submit, so many polls, download of a small clip, against floors and peers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmarks import measure
from benchmarks.cases import Options
from benchmarks.figures import Chart, Figure, Report, Samples, Spread, ratios, spread
from benchmarks.trial import Contest, Program, contest, lacks

OURS, BARE = "batchvid", "batchvid without check"
FLOOR, PACED = "bare aiohttp", "bare aiohttp, paced"
TUTORIAL, SDK, LITELLM = "tutorial, threads", "OpenAI SDK", "LiteLLM"
BARS = {TUTORIAL: 5.0, SDK: 7.0, LITELLM: 8.0}
UVLOOP, ON_UVLOOP = "uvloop", "batchvid on uvloop"


def run(options: Options) -> Report:
    """batchvid first in every round; the others then make as many requests a job as it did."""
    with contest(options, jobs=300 if options.quick else 2000) as arena:
        others = programs(options.peer_python)
        more = {} if (no_uvloop := lacks(UVLOOP)) else {ON_UVLOOP: partial(arena.ours_on, UVLOOP)}
        samples, skipped = held_against(arena, others, options.rounds, more)
    if no_uvloop:
        skipped.append(f"{ON_UVLOOP}: {no_uvloop}")
    waiting = ratios(samples, PACED, FLOOR)
    figures = [
        Figure(
            name=f"client CPU a job / {FLOOR}, same requests, media check apart",
            value=ratios(samples, BARE, FLOOR),
            unit="x",
            bar=1.3,
            note="batchvid reads its manifest, checkpoints, hashes and syncs, and waits as long as tasks take; "
            "the floor does none of it",
        ),
        Figure(
            name=f"client CPU a job / {PACED} alike, same requests, media check apart",
            value=ratios(samples, BARE, PACED),
            unit="x",
            bar=1.3,
            note="one task per job, all in flight at once, with batchvid's time between two polls",
        ),
        Figure(name=f"client CPU a job: {PACED} / {FLOOR}: what waiting costs", value=waiting, unit="x"),
        *peers(samples, BARS),
        *_insides(arena),
    ]
    if ON_UVLOOP in samples:
        figures.append(Figure(name=f"{ON_UVLOOP} / on asyncio", value=ratios(samples, ON_UVLOOP, OURS), unit="x"))
    return Report(case="client", figures=figures + costs(samples), charts=[chart_of(samples)], skipped=skipped)


def programs(peer_python: str) -> dict[str, Program]:
    """The floors and the peers, by name; a peer is given as many jobs as it can make in seconds."""
    return {
        FLOOR: Program(module="aiohttp_client", package="aiohttp"),
        PACED: Program(module="aiohttp_client", package="aiohttp", paced=True),
        TUTORIAL: Program(module="tutorial_client", package="requests", part=0.3, python=peer_python),
        SDK: Program(module="openai_client", package="openai", part=0.2, python=peer_python),
        LITELLM: Program(module="litellm_client", package="litellm", part=0.2, python=peer_python),
    }


def held_against(
    arena: Contest,
    others: Mapping[str, Program],
    rounds: int,
    more: Mapping[str, Callable[[], float]] | None = None,
) -> tuple[dict[str, list[float]], list[str]]:
    """CPU a job, seconds, of batchvid, of the others that can run here and of `more`; and why some cannot."""
    skipped = {name: why for name, program in others.items() if (why := program.lacks)}
    candidates: dict[str, Callable[[], float]] = {OURS: arena.ours, **(more or {})}
    candidates |= {name: partial(arena.other, program) for name, program in others.items() if name not in skipped}
    samples = measure.alternate(candidates, rounds)
    checks_s = [float(night.output["check_s"]) for night in arena.nights]
    samples[BARE] = [all_s - check_s for all_s, check_s in zip(samples[OURS], checks_s, strict=True)]
    return samples, [f"{name}: {why}" for name, why in skipped.items()]


def peers(samples: Samples, bars: Mapping[str, float | None], over: str = "") -> list[Figure]:
    """How many times batchvid's CPU the peers need, with their bars."""
    return [
        Figure(
            name=f"client CPU a job{over}: {name} / batchvid, media check apart",
            value=ratios(samples, name, BARE),
            unit="x",
            bar=bar,
            best="high",
        )
        for name, bar in bars.items()
        if name in samples
    ]


def costs(samples: Samples, over: str = "") -> list[Figure]:
    """What each candidate costs, so that the ratios have a scale."""
    return [Figure(name=f"client CPU a job{over}: {name}", value=_ms(of), unit="ms") for name, of in samples.items()]


def chart_of(samples: Samples, over: str = "") -> Chart:
    """The costs side by side."""
    values = {name: _ms(of).median for name, of in samples.items() if name != OURS}
    return Chart(title=f"Client CPU a job{over}: submit, polls, download", unit="ms", values=values, floor=FLOOR)


def _insides(arena: Contest) -> list[Figure]:
    """How often batchvid polled, the cost of its media check, and where its CPU is used."""
    output = [night.output for night in arena.nights]
    spent = [{"loading": one["load_s"], **one["shares_s"]} for one in output]
    figures = [
        Figure(name="polls a job", value=spread([night.requests - 2 for night in arena.nights])),
        Figure(name="media check of a small clip, CPU", value=_ms([one["check_s"] for one in output]), unit="ms"),
    ]
    return figures + [
        Figure(name=f"of batchvid's CPU a job: {part}", value=_ms([of[part] / arena.jobs for of in spent]), unit="ms")
        for part in spent[0]
    ]


def _ms(values_s: Sequence[float]) -> Spread:
    return spread([1000 * value for value in values_s])
