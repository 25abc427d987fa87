"""The budget: no order of reserving and settling exceeds a cap, and what is given back may be spent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from batchvid.domain import events as ev
from batchvid.domain.attempts import build_attempts
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.job_spec import UNPRICED, Price
from batchvid.domain.jobs import JobState, advance
from batchvid.runner.budget.budget import Budget, Charge
from batchvid.runner.budget.caps import Cap, Period, SpendingLimits
from tests.builders import ACCEPTED, DIME, SUCCEEDED, at, job_in, planned, spec, started

EVENING = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
JOBS = {
    "boat": spec("boat"),
    "kite": spec("kite", tags=("hero",)),
    "lamp": spec("lamp", provider="office", tags=("hero", "wide")),
    "moon": spec("moon", provider="office"),
}
CAPS = (
    Cap(prefix="budget.", limits=SpendingLimits(usd=Decimal("2.00"), clips=12, seconds=90), allow_unpriced=True),
    Cap(
        prefix="budget.per_day.",
        limits=SpendingLimits(usd=Decimal("0.90"), clips=6),
        period=Period.DAY,
        allow_unpriced=True,
    ),
    Cap(prefix="budget.per_run.", limits=SpendingLimits(clips=3), period=Period.RUN),
    Cap(prefix="providers.office.budget.", limits=SpendingLimits(usd=Decimal("0.70"), seconds=40), provider="office"),
    Cap(prefix="budget.tags.hero.", limits=SpendingLimits(clips=4), tag="hero"),
    Cap(prefix="budget.tags.hero.per_day.", limits=SpendingLimits(seconds=16), tag="hero", period=Period.DAY),
)
PRICES = [DIME, UNPRICED, Price(usd=Decimal("0.33"), basis="a list"), Price(usd=Decimal("0"), basis="free")]
LENGTHS_S = st.sampled_from([4.0, 5.0, 8.0, None])
JOB_IDS = st.sampled_from(sorted(JOBS))


@dataclass
class Bill:
    """One attempt in the test's own books."""

    charge: Charge
    run: int
    is_open: bool = True

    def counts_under(self, cap: Cap, now: datetime, run: int) -> bool:
        """Read straight from what a cap promises, not from how it is kept."""
        charge = self.charge
        return (
            (not cap.provider or cap.provider == charge.provider)
            and (not cap.tag or cap.tag in charge.tags)
            and (cap.period is not Period.DAY or charge.at.date() == now.date())
            and (cap.period is not Period.RUN or self.run == run)
        )


class Spending(RuleBasedStateMachine):
    """Jobs are bought as the submitter does it, over days and runs, while some of them turn to another provider."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.run = EVENING, 1
        self.events: dict[str, list[ev.Event]] = {name: [planned(spec)] for name, spec in JOBS.items()}
        self.jobs = {name: advance(None, planned(spec)) for name, spec in JOBS.items()}
        self.reserved: dict[str, Charge] = {}
        self.bills: list[tuple[str, Bill]] = []
        self.budget = Budget(CAPS)

    def play(self, job_id: str, event: ev.Event) -> None:
        """As the recorder does it."""
        before = self.jobs[job_id]
        self.jobs[job_id] = advance(before, event)
        self.events[job_id].append(event)
        came_back = self.budget.settle(before, self.jobs[job_id])
        assert (came_back is None) == (self.jobs[job_id].committed_attempts >= before.committed_attempts)

    def give_back(self, job_id: str) -> None:
        """The vendor says that the last attempt cost nothing."""
        self.bills.remove(next(entry for entry in reversed(self.bills) if entry[0] == job_id))

    def counted(self, cap: Cap) -> tuple[Decimal, int, float]:
        """What may be billed under the cap: what is written down, and what is about to go out."""
        charges = [bill.charge for _, bill in self.bills if bill.counts_under(cap, self.now, self.run)]
        charges += [charge for charge in self.reserved.values() if Bill(charge, self.run).counts_under(
            replace(cap, period=Period.ALWAYS), self.now, self.run
        )]  # fmt: skip
        usd = sum((charge.usd or Decimal(0) for charge in charges), Decimal(0))
        return usd, len(charges), sum(charge.seconds or 0.0 for charge in charges)

    @rule(job_id=JOB_IDS, price=st.sampled_from(PRICES), duration_s=LENGTHS_S)
    def reserve(self, job_id: str, price: Price, duration_s: float | None) -> None:
        job = self.jobs[job_id]
        if job.state is not JobState.PENDING or job_id in self.reserved:
            return
        charge = Charge.for_spec(job.spec, price, duration_s, self.now)
        fits = True
        for cap in CAPS:
            if not Bill(charge, self.run).counts_under(cap, self.now, self.run):
                continue
            usd, clips, seconds = self.counted(cap)
            limits = cap.limits
            fits &= limits.usd is None or (
                usd + (charge.usd or 0) <= limits.usd and (charge.usd is not None or cap.allow_unpriced)
            )
            fits &= limits.clips is None or clips + 1 <= limits.clips
            fits &= limits.seconds is None or (
                charge.seconds is not None and seconds + charge.seconds <= limits.seconds
            )
        assert (self.budget.check(charge) is None) == fits
        if fits:
            self.budget.reserve(job_id, charge)
            self.reserved[job_id] = charge

    @rule(job_id=JOB_IDS)
    def start(self, job_id: str) -> None:
        if job_id in self.reserved:
            charge = replace(self.reserved.pop(job_id), at=self.now)
            price, provider = Price(usd=charge.usd), charge.provider
            self.bills.append((job_id, Bill(charge, self.run)))
            self.play(job_id, started(at=self.now, price=price, duration_s=charge.seconds, provider=provider))

    @rule(job_id=JOB_IDS, price=st.sampled_from(PRICES))
    def buy(self, job_id: str, price: Price) -> None:
        """At once, and the vendor fails it and may have charged."""
        self.reserve(job_id, price, 4.0)
        self.start(job_id)
        self.accept(job_id)
        self.fail(job_id, Charged.UNKNOWN)

    @rule(job_id=JOB_IDS)
    def leave_it(self, job_id: str) -> None:
        if job_id in self.reserved:
            assert self.budget.cancel(job_id) == self.reserved.pop(job_id)

    @rule(job_id=JOB_IDS)
    def refuse(self, job_id: str) -> None:
        if self.jobs[job_id].state is JobState.SUBMITTING:
            self.give_back(job_id)
            self.play(job_id, ev.SubmitRefused(at=self.now, kind=FailureKind.RATE, message="", retry_at=at(9)))

    @rule(job_id=JOB_IDS)
    def accept(self, job_id: str) -> None:
        if self.jobs[job_id].state is JobState.SUBMITTING:
            self.play(job_id, ACCEPTED)

    @rule(job_id=JOB_IDS, charged=st.sampled_from(Charged))
    def fail(self, job_id: str, charged: Charged) -> None:
        if self.jobs[job_id].state is JobState.RUNNING:
            if charged is Charged.NO:
                self.give_back(job_id)
            no = ev.TaskFailed(at=at(), kind=FailureKind.UNAVAILABLE, message="", charged=charged, retry_at=at(9))
            self.play(job_id, no)

    @rule(job_id=JOB_IDS)
    def lose(self, job_id: str) -> None:
        if self.jobs[job_id].state is JobState.SUBMITTING:
            self.play(job_id, ev.SubmitLost(at=at(), message="reset"))
            self.play(job_id, ev.Reopened(at=at(), reason="resolve --abandon"))

    @rule(job_id=JOB_IDS, provider=st.sampled_from(["cometapi", "office"]))
    def turn_elsewhere(self, job_id: str, provider: str) -> None:
        if self.jobs[job_id].state is JobState.PENDING and job_id not in self.reserved:
            self.play(job_id, planned(replace(self.jobs[job_id].spec, provider=provider)))

    @rule(hours=st.sampled_from([1, 5, 23]))
    def time_goes_on(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(ends=st.sampled_from([True, False, False, False]))
    def the_next_run(self, ends: bool) -> None:
        """It knows only what the event log contains."""
        if not ends:
            return
        self.run += 1
        self.reserved.clear()
        rows = [row for name, job in self.jobs.items() for row in build_attempts(job.spec, self.events[name])]
        self.budget = Budget(CAPS, [Charge.from_attempt(row) for row in rows if row.counts])

    @invariant()
    def no_cap_is_crossed(self) -> None:
        """Of all that may be billed, nothing is over a cap."""
        for cap in CAPS:
            usd, clips, seconds = self.counted(cap)
            assert cap.limits.usd is None or usd <= cap.limits.usd
            assert cap.limits.clips is None or clips <= cap.limits.clips
            assert cap.limits.seconds is None or seconds <= cap.limits.seconds


TestSpending = Spending.TestCase
TestSpending.settings = settings(max_examples=80, stateful_step_count=60, deadline=None, database=None)


def cap(prefix: str = "budget.", **limits: Any) -> Cap:
    """A cap of the whole batch."""
    return Cap(prefix=prefix, limits=SpendingLimits(**limits))


def charge(price: Price = DIME, duration_s: float | None = 8, **of_spec: Any) -> Charge:
    """What an attempt of tonight counts as."""
    return Charge.for_spec(spec(**of_spec), price, duration_s, EVENING)


def reason(budget: Budget, of: Charge) -> str:
    """Why it is refused, which it must be."""
    refusal = budget.check(of)
    assert refusal is not None
    return refusal.reason


def test_without_caps_everything_fits() -> None:
    """A manifest without a budget has no limit, even for an unknown price."""
    assert Budget().check(charge(UNPRICED, 1e9)) is None
    assert Budget().check(charge(Price(usd=Decimal(10**9)), 0)) is None


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (cap(usd=Decimal("0.15")), "budget.usd is 0.15: 0.10 are committed, one more may cost 0.10"),
        (cap(clips=1), "budget.clips is 1: 1 are committed"),
        (cap(seconds=12.0), "budget.seconds is 12: 8 are committed, one more takes 8"),
        (
            replace(cap("budget.per_day.", clips=1), period=Period.DAY),
            "budget.per_day.clips is 1: 1 are committed today (UTC)",
        ),
        (replace(cap("--max-", clips=1), period=Period.RUN), "--max-clips is 1: 1 are committed in this run"),
    ],
)
def test_the_reason_names_the_cap_and_the_amount(of: Cap, reason: str) -> None:
    """The user sees which key of the manifest to raise."""
    budget = Budget([of])
    assert budget.check(charge()) is None
    budget.reserve("kite", charge())
    refusal = budget.check(charge())
    assert refusal is not None
    assert (refusal.reason, refusal.cap) == (reason, of)


def test_a_cap_may_be_reached_exactly() -> None:
    """Ten dimes are a dollar, and ten tenths of a second are one."""
    budget = Budget([cap(usd=Decimal("1.00"), clips=10, seconds=0.1)])
    assert budget.check(charge(DIME, 0.1)) is None
    for number in range(10):
        assert budget.check(charge(DIME, 0)) is None
        budget.reserve(f"kite-{number}", charge(DIME, 0))
    assert budget.check(charge(Price(usd=Decimal("0.01")), 0)) is not None


def test_an_unknown_price_under_a_cap_needs_permission() -> None:
    """Under a cap in USD a job of unknown price is bought only with `allow_unpriced`; other jobs are not affected."""
    dollars = cap(usd=Decimal(5))
    refusal = Budget([dollars]).check(charge(UNPRICED))
    assert refusal is not None
    assert refusal.reason == (
        "unknown price of veo3-fast at cometapi: budget.usd needs it in batchvid.toml, or budget.allow_unpriced"
    )
    assert refusal.cap is None
    assert Budget([dollars]).check(charge()) is None
    assert Budget([replace(dollars, allow_unpriced=True)]).check(charge(UNPRICED)) is None
    assert Budget([cap(clips=5)]).check(charge(UNPRICED)) is None


def test_an_unknown_length_fits_under_no_cap_of_seconds() -> None:
    """Such a job is not bought under that cap; other jobs are not affected."""
    budget = Budget([cap(seconds=40)])
    refusal = budget.check(charge(duration_s=None))
    assert refusal is not None
    assert refusal.reason == "unknown length: budget.seconds needs duration_s for it"
    assert refusal.cap is None
    assert budget.check(charge(duration_s=40)) is None
    assert Budget([cap(usd=Decimal(5), clips=5)]).check(charge(duration_s=None)) is None


def test_reserving_and_settling_are_one_purchase() -> None:
    """What was reserved is not counted again when the job says the same, however its life goes on."""
    budget, job = Budget([cap(clips=9)]), job_in(JobState.PENDING)
    budget.reserve(job.id, charge())
    for event in (started(), ACCEPTED, SUCCEEDED):
        before, job = job, advance(job, event)
        assert budget.settle(before, job) is None
    for number in range(8):
        budget.reserve(f"boat-{number}", charge())
    assert reason(budget, charge()) == "budget.clips is 9: 9 are committed"


def test_a_reservation_before_midnight_counts_after_it() -> None:
    """Three dimes are reserved in the last second of a day: until they are sent, the new day has room for less."""
    budget = Budget([replace(cap("budget.per_day.", usd=Decimal("0.30")), period=Period.DAY)])
    tomorrow = replace(charge(), at=EVENING + timedelta(hours=3))
    for job_id in ("boat", "kite", "lamp"):
        budget.reserve(job_id, charge())
    assert "0.30 are committed today" in reason(budget, tomorrow)
    job = job_in(JobState.PENDING)
    budget.settle(job, advance(job, started(at=EVENING)))
    assert budget.check(tomorrow) is None


def test_what_an_earlier_run_bought_is_not_given_back_to_this_one() -> None:
    """A task of last night fails uncharged: today's run has no more to spend for it, the batch has."""
    running = job_in(JobState.RUNNING)
    caps = [cap(clips=2), replace(cap("budget.per_run.", clips=1), period=Period.RUN)]
    budget = Budget(caps, [Charge.from_job(running)])
    budget.reserve("boat", charge())
    assert "budget.clips is 2: 2 are" in reason(budget, charge())
    no = ev.TaskFailed(at=at(90), kind=FailureKind.UNAVAILABLE, message="", charged=Charged.NO)
    assert budget.settle(running, advance(running, no)) == Charge.from_job(running)
    assert "budget.per_run.clips is 1: 1 are" in reason(budget, charge())


@pytest.mark.parametrize(("cost", "used"), [("1000", "1000.10"), ("0.04", "0.14")])
def test_a_cost_in_a_reply_counts_under_every_cap_at_once(cost: str, used: str) -> None:
    """Above the estimate nothing more is bought; below it the difference is there for the next attempt."""
    caps = [cap(usd=Decimal("0.15")), replace(cap("budget.per_run.", usd=Decimal("0.15")), period=Period.RUN)]
    budget, job = Budget(caps), job_in(JobState.PENDING)
    budget.reserve(job.id, charge())
    for event in (started(), ACCEPTED):
        before, job = job, advance(job, event)
        budget.settle(before, job)
    assert "0.10 are committed, one more may cost 0.10" in reason(budget, charge())
    done = advance(job, replace(SUCCEEDED, actual_usd=cost, cost_usd=Decimal(cost)))
    assert (budget.settle(job, done) is None) is (cost == "1000")
    if cost == "1000":
        assert "1000.00 are committed" in reason(budget, charge())
    else:
        assert budget.check(charge()) is None
    budget.reserve("boat", charge())
    assert f"{used} are committed" in reason(budget, charge())


def test_a_released_attempt_gives_back_what_it_counted() -> None:
    """A task whose cost counted, whose clip expired, and that then failed uncharged: all of it is given back."""
    budget, job = Budget([cap(usd=Decimal("0.30"))]), job_in(JobState.PENDING)
    budget.reserve(job.id, charge())
    no = ev.TaskFailed(at=at(120), kind=FailureKind.UNAVAILABLE, message="", charged=Charged.NO)
    costly = replace(SUCCEEDED, actual_usd="0.25", cost_usd=Decimal("0.25"))
    for event in (started(), ACCEPTED, costly, ev.LinkExpired(at=at(110), message=""), no):
        before, job = job, advance(job, event)
        budget.settle(before, job)
    for number in range(3):
        assert budget.check(charge()) is None
        budget.reserve(f"boat-{number}", charge())
    assert "0.30 are committed" in reason(budget, charge())


def test_a_cap_that_is_nearly_reached_is_reported_once() -> None:
    """At four fifths, with what is committed; not before, and never again."""
    budget = Budget([cap(usd=Decimal("1.00"), clips=100)])
    warnings = [budget.reserve(f"kite-{number}", charge()) for number in range(10)]
    assert warnings[7] == ["budget.usd is 1.00: 0.80 are committed, 80% of it"]
    assert [line for lines in (*warnings[:7], *warnings[8:]) for line in lines] == []


def test_a_forecast_names_the_caps_that_a_plan_exceeds() -> None:
    """More than a cap lets through, by measure; and clips that no cap can count, with how many they are."""
    of = cap(usd=Decimal("0.25"), clips=3)
    budget = Budget([of, replace(cap("budget.tags.hero.", clips=2), tag="hero")], [charge(tags=("hero",))])
    assert budget.forecast([charge()]) == []
    assert budget.forecast([charge(), charge(), charge(UNPRICED), charge(UNPRICED)]) == [
        "2 clips are not bought: unknown price of veo3-fast at cometapi: budget.usd needs it in batchvid.toml, "
        "or budget.allow_unpriced; write into batchvid.toml:\n[providers.cometapi.models.veo3-fast]\n"
        'price = { usd_per_s = N }  # N: US dollars; or { usd_per_clip = N }, or "free"',
        "budget.usd is 0.25: 0.10 are committed, and the plan takes 0.20 more: not all of it will be bought",
    ]
    assert budget.forecast([]) == []


def test_a_cap_on_a_tag_that_no_clip_has_is_reported() -> None:
    """A typing error in a tag would leave the clips without a cap."""
    budget = Budget([replace(cap("budget.tags.hreo.", clips=1), tag="hreo")])
    assert budget.forecast([charge(tags=("hero",))]) == [
        "budget.tags.hreo counts nothing: no clip to buy has the tag hreo"
    ]
    assert budget.forecast([charge(tags=("hreo",))]) == []


def test_a_submit_that_the_emulator_answers_counts_for_the_run_only() -> None:
    """Its reply gives the attempt back to the lasting caps; a refusal gives it back to the run, too."""
    caps = [cap(clips=2), replace(cap("budget.per_run.", clips=1), period=Period.RUN)]
    budget, job = Budget(caps), job_in(JobState.PENDING)
    budget.reserve(job.id, charge())
    sent = advance(job, started())
    budget.settle(job, sent)
    accepted = advance(sent, replace(ACCEPTED, rehearsal=True))
    assert budget.settle(sent, accepted) == Charge.from_job(sent)
    assert "budget.per_run.clips is 1: 1 are" in reason(budget, charge())
    failed = advance(accepted, ev.TaskFailed(at=at(90), kind=FailureKind.UNAVAILABLE, message="", charged=Charged.NO))
    assert budget.settle(accepted, failed) is not None
    assert budget.check(charge()) is None


def test_an_attempt_that_turns_out_to_be_a_providers_counts_after_all() -> None:
    """It was sent as a rehearsal, and the reply is not the emulator's."""
    budget, job = Budget([cap(clips=1)]), job_in(JobState.PENDING)
    budget.reserve(job.id, charge())
    sent = advance(job, replace(started(), rehearsal=True))
    budget.settle(job, sent)
    budget.settle(sent, advance(sent, replace(ACCEPTED, rehearsal=False)))
    assert "budget.clips is 1: 1 are" in reason(budget, charge())
