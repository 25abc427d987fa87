"""The benchmarks' own arithmetic: a ratio, a bound or a plot that is wrong would go into the README."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import mean
from xml.etree import ElementTree

import pytest

from benchmarks import plots, table
from benchmarks.distributions import DISTRIBUTIONS, KnownDistribution, best_plan, bound, cost_of, known, lag_at
from benchmarks.figures import Chart, Curves, Figure, Report, ratios, short, spread
from benchmarks.measure import ClientFailed
from benchmarks.policies import Policy, fixed, of_batchvid, planned, sqrt_hazard
from benchmarks.shared_budget import MostToLearn, OfBatchvid, RoundRobin, mean_lag_s
from benchmarks.simulate import Site, night, watch_all
from benchmarks.trial import check_books, part_of, requests_of

DISTRIBUTION = DISTRIBUTIONS["lognormal 60 s, 0.3"]


@pytest.fixture(scope="module")
def grid() -> KnownDistribution:
    """One distribution on the grid."""
    return known(DISTRIBUTION)


def test_ratios_are_taken_round_by_round() -> None:
    """A round in which the machine was twice as slow for both changes no ratio."""
    assert ratios({"ours": [2.0, 4.0, 2.2], "floor": [1.0, 2.0, 1.0]}, "ours", "floor") == spread([2.0, 2.0, 2.2])


def test_a_part_of_the_looks_is_like_the_whole() -> None:
    """A peer that is given a fifth of the jobs asks as often a job as batchvid did over all of them."""
    looks = [7 + number * 7 % 5 for number in range(500)]
    assert part_of(looks, 1.0) == looks
    assert len(part_of(looks, 0.2)) == 100
    assert requests_of(part_of(looks, 0.2)) == pytest.approx(requests_of(looks), rel=0.01)


@pytest.mark.parametrize("missing", ["submits", "polls", "downloads"])
def test_a_client_that_made_other_requests_is_no_figure(missing: str) -> None:
    """One submit, poll or download less than batchvid made, and the comparison is called off by its name."""
    books = {"submits": 2, "polls": 7, "downloads": 2}
    check_books("peer", books, [3, 4], 2)
    with pytest.raises(ClientFailed, match="peer made"):
        check_books("peer", {**books, missing: books[missing] - 1}, [3, 4], 2)


@pytest.mark.parametrize(
    ("value", "best", "reached"), [(1.3, "low", "yes"), (1.31, "low", "no"), (7.0, "high", "yes"), (6.9, "high", "no")]
)
def test_a_bar_is_reached_from_its_good_side(value: float, best: str, reached: str) -> None:
    """A cost must not be above its bar, a peer's multiple not below it."""
    bar = 1.3 if best == "low" else 7.0
    figure = Figure(name="x", value=spread([value]), bar=bar, best="low" if best == "low" else "high")
    assert reached == figure.verdict


def test_the_best_plan_is_the_best(grid: KnownDistribution) -> None:
    """No plan that is moved, thinned or thickened costs less than the dynamic programme's."""
    cost_s = 0.35
    plan = best_plan(grid, cost_s)

    def cost(ages: list[int]) -> float:
        requests, lag_s = cost_of(grid, ages)
        return lag_s + cost_s * requests

    others = [[step + by for step in plan] for by in (-3, -1, 1, 3)]
    others += [plan[:1] + plan[2:], sorted({*plan, (plan[0] + plan[1]) // 2}), [step for step in plan if step % 2]]
    assert all(cost(plan) <= cost(other) + 1e-9 for other in others)


def test_simulation_and_arithmetic_agree(grid: KnownDistribution) -> None:
    """The virtual clock finds the requests and the lag that the distribution gives for the same ages."""
    plan = best_plan(grid, 0.35)
    watched = watch_all(planned(plan), DISTRIBUTION, tasks=3000, slots=20)
    requests, lag_s = cost_of(grid, plan)
    assert mean(one.requests for one in watched) == pytest.approx(requests, rel=0.03)
    assert mean(one.lag_s for one in watched) == pytest.approx(lag_s, rel=0.05)


def test_nobody_gets_below_the_bound(grid: KnownDistribution) -> None:
    """A fixed pause costs more than the front at as many requests, the square-root rule almost nothing more."""
    front = bound(grid, (0.1, 0.35, 1.0, 4.0))
    assert all(few[0] < many[0] and few[1] > many[1] for few, many in pairwise(front))
    over = {}
    for name, policy in {"fixed": fixed(10.0), "rule": sqrt_hazard(grid, 0.35)}.items():
        watched = watch_all(policy, DISTRIBUTION, tasks=3000, slots=20)
        over[name] = mean(w.lag_s for w in watched) / lag_at(front, mean(w.requests for w in watched))
    assert over["fixed"] > 1.5
    assert 0.95 < over["rule"] < 1.1


def test_asking_where_most_is_to_be_learned_beats_taking_turns() -> None:
    """Under a budget that is short the square-root rule knows of the ends much sooner than round-robin."""
    ours, best, turns = (
        mean_lag_s(one, 60, 1.2, 2000, seed=3) for one in (OfBatchvid(1.2), MostToLearn(), RoundRobin())
    )
    assert best < 0.8 * turns
    assert best <= ours < 0.95 * turns


@pytest.mark.parametrize("failing", [0.0, 0.2])
def test_no_night_is_quicker_than_its_bound(failing: float) -> None:
    """The makespan stands above the bound of slots, rate and longest task; failures are bought again and paid for."""
    site = Site(slots=7, models=[("a", DISTRIBUTION), ("b", DISTRIBUTIONS["lognormal 180 s, 0.4"])], submits_per_min=20)
    result = night([site], lambda: of_batchvid(10.0, 1.0), jobs=120, failing=failing)
    assert 1.0 <= result.makespan_s / result.bound_s < 1.5


def test_a_night_learns_in_the_order_of_the_clock() -> None:
    """A task is known to have ended when it is looked at, not when it begins: the short ones first."""
    ends: list[float] = []

    def policy() -> Policy:
        return replace(fixed(1.0), ended=lambda _last_s, age_s: ends.append(age_s))

    site = Site(slots=2, models=[("long", lambda _rng: 9.5), ("short", lambda _rng: 2.5)])
    night([site], policy, jobs=4)
    assert ends == pytest.approx([3.0, 10.0, 3.0, 10.0])


def test_long_models_go_first_as_soon_as_they_are_known() -> None:
    """The queue is not given their duration; what it learns makes the night shorter."""
    site = Site(
        slots=20, models=[("b", DISTRIBUTIONS["lognormal 60 s, 0.3"]), ("a", DISTRIBUTIONS["lognormal 180 s, 0.4"])]
    )

    def over_bound(*, long_first: bool) -> float:
        nights = [
            night([site], lambda: of_batchvid(10.0, 1.0), jobs=300, long_first=long_first, seed=n) for n in range(4)
        ]
        return mean(result.makespan_s / result.bound_s for result in nights)

    assert over_bound(long_first=True) < 0.97 * over_bound(long_first=False)


def test_a_night_that_only_the_rate_limits_takes_what_the_rate_allows() -> None:
    """Slots without end: the bound is submits a minute, and the night is hardly longer."""
    site = Site(slots=500, models=[("a", lambda _rng: 5.0)], submits_per_min=30)
    result = night([site], lambda: fixed(1.0), jobs=90)
    assert result.bound_s == 120  # the first thirty go out at once, the others in the two minutes after
    assert result.makespan_s / result.bound_s == pytest.approx(1.06, abs=0.02)


REPORT = Report(
    case="client",
    figures=[
        Figure(name="plain", value=spread([1234.5]), unit="ms"),
        Figure(name="held", value=spread([2.0]), bar=1.3),
    ],
    charts=[
        Chart(title="CPU <a job>", unit="ms", values={"ours": 1.0, "theirs": 12.5}, floor="ours"),
        Curves(title="Lag", across="requests", upwards="s", lines={"one": [(1, 9), (5, 2)], "dot": [(3, 4)]}, most_y=8),
    ],
    skipped=["curl: is not installed here"],
)


def test_the_table_shows_bars_first_and_what_was_skipped() -> None:
    """What has a bar to reach is read first, with its verdict; a candidate that could not run is named."""
    lines = table.as_text(REPORT).splitlines()
    assert lines[1].startswith("held")
    assert lines[1].endswith("<= 1.3: no")
    assert "1,234" in lines[2]
    assert lines[3] == "skipped: curl: is not installed here"


def test_the_json_holds_every_figure() -> None:
    """A script reads medians, ranges and verdicts, and on which machine they were taken."""
    read = json.loads(table.as_json([REPORT], machine="a box", rounds=5, quick=False))
    assert read["machine"] == "a box"
    figure = read["cases"][0]["figures"][1]
    assert (figure["value"]["median"], figure["bar"], figure["reached"]) == (2.0, 1.3, "no")


def test_plots_are_drawings(tmp_path: Path) -> None:
    """Every chart becomes well-formed SVG that shows each label and each value."""
    plots.write([REPORT], tmp_path)
    first, second = (ElementTree.parse(tmp_path / f"client-{number}.svg") for number in (1, 2))
    words = {element.text for element in first.iter() if element.text and element.text.strip()}
    assert {"CPU <a job> (ms)", "ours", "theirs", short(12.5)} <= words
    assert len(list(second.iter("{http://www.w3.org/2000/svg}polyline"))) == 2
