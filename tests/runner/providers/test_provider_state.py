"""The state of a provider: calls refused together count once, a pause is never shortened, a stop is final."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from batchvid.catalog import Provider, providers
from batchvid.domain.jobs import JobState
from batchvid.domain.origins import EMBEDDED_ORIGIN
from batchvid.net.access import bearer
from batchvid.runner.providers.provider_state import (
    MAX_PENDING_SUBMITS,
    SUBMIT_SPACING_S,
    ProviderState,
)
from batchvid.runner.providers.rate_limits import ConcurrencySlots, SlidingWindowRateLimiter
from batchvid.runner.providers.retry_policy import WAIT_MAX_S
from batchvid.runner.providers.submission_blocks import Block
from tests.builders import job_in

OFFICE = Provider(
    name="office", base_url="https://gw.example", api_key_env="GW_KEY", routes={"veo": ""}, wait_initial_s=2.0
)


def provider_state(provider: Provider = OFFICE) -> ProviderState:
    """A provider that was not used yet."""
    return ProviderState(
        provider=provider,
        base_url=provider.base_url or "http://127.0.0.1:9",
        access=bearer("sk-the-key"),
        slots=ConcurrencySlots(4),
        submits=SlidingWindowRateLimiter(60, 60.0),
        polls=SlidingWindowRateLimiter(5, 1.0),
    )


def test_refusals_in_a_row_wait_longer_each_time() -> None:
    """Each refusal after a pause has passed doubles the next wait, up to the longest."""
    one, now, waits = provider_state(), 100.0, []
    for _ in range(8):
        until = one.pause(now, None, 1.0)
        waits.append(until - now)
        now = until
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert waits[-1] == WAIT_MAX_S
    assert one.consecutive_refusals == 8


def test_calls_that_are_refused_together_count_once() -> None:
    """Twenty pending calls are refused: that is one refusal, not a wait of twenty doublings."""
    one = provider_state()
    untils = [one.pause(100.0 + number / 10, None, 1.0) for number in range(20)]
    assert one.consecutive_refusals == 1
    assert untils[0] == 102.0
    assert max(untils) <= 100.0 + 1.9 + 4.0
    assert one.pause(one.paused_until, None, 1.0) == one.paused_until
    assert one.consecutive_refusals == 2


def test_retry_after_takes_precedence() -> None:
    """Retry-After replaces our own schedule, whether it is shorter or longer."""
    assert provider_state().pause(100.0, 0.5, 1.0) == 100.5
    assert provider_state().pause(100.0, 600.0, 1.0) == 700.0
    assert provider_state().pause(100.0, 0.0, 1.0) == 100.0


def test_a_wait_is_an_hour_at_most() -> None:
    """A longer Retry-After is left to the next run."""
    assert provider_state().pause(100.0, 3600.0, 1.0) == provider_state().pause(100.0, 86_400.0, 1.0) == 3700.0


@given(st.lists(st.tuples(st.floats(0, 30), st.none() | st.floats(0, 90), st.floats(0, 1)), max_size=30))
def test_a_pause_is_never_shortened(refusals: list[tuple[float, float | None, float]]) -> None:
    """A later refusal cannot shorten the pause of an earlier one; refusals are not counted twice."""
    one, now, before = provider_state(), 0.0, 0.0
    for later_s, requested_s, jitter in refusals:
        now += later_s
        until = one.pause(now, requested_s, jitter)
        assert until == one.paused_until >= before
        assert until >= now + (requested_s or 0.0)
        before = until
    assert one.consecutive_refusals <= len(refusals)


def test_a_new_provider_is_idle() -> None:
    """It is idle until a job is queued or delayed."""
    one = provider_state()
    assert one.idle
    one.queue.push("kite", "kite", "veo3-fast")
    assert not one.idle
    assert one.queue.pop(one.slots.has_free) == "kite"
    assert one.idle
    one.delayed["veo3-fast"] = 1
    assert not one.idle


def test_many_pending_submits_are_spaced() -> None:
    """While many submits have no verdict, the next one waits a moment; pauses and rates apply as well."""
    one = provider_state()
    one.last_submit_at = 100.0
    one.pending_submits = MAX_PENDING_SUBMITS - 1
    assert one.next_submit_at() <= 100.0
    one.pending_submits = MAX_PENDING_SUBMITS
    assert one.next_submit_at() == 100.0 + SUBMIT_SPACING_S
    one.pause(100.0, 7.0, 0.0)
    assert one.next_submit_at() == 107.0
    one.submits = SlidingWindowRateLimiter(1, 60.0, [90.0])
    assert one.next_submit_at() == one.submits.next_available_at() > 150.0


async def test_a_stopped_provider_waits_for_nothing() -> None:
    """A sleeping submitter is woken; queued and delayed jobs are left to the next run."""
    one = provider_state()
    one.queue.push("kite", "kite", "veo3-fast")
    one.delayed["veo3-fast"] = 1
    assert not one.wake.is_set()
    one.stop("your balance is 0")
    assert one.idle
    assert one.wake.is_set()
    assert one.stop_reason == "your balance is 0"
    assert len(one.queue) == 1


def test_a_capped_provider_waits_for_nothing() -> None:
    """Its own budget is reached: queued and delayed jobs are left to the next run."""
    one = provider_state()
    one.queue.push("kite", "kite", "veo3-fast")
    one.delayed["veo3-fast"] = 1
    one.blocks.add(Block.CAP, "office: budget.clips is 1, and all are committed")
    assert one.idle


def stuck() -> ProviderState:
    """A provider with four slots, all held by uncertain jobs, and one waiting job."""
    one = provider_state()
    for number in range(4):
        one.slots.acquire(f"uncertain-{number}", "veo3-fast")
    one.queue.push("kite", "kite", "veo3-fast")
    return one


def test_it_is_stuck_if_no_job_of_this_run_can_free_a_slot() -> None:
    """All slots are held by other jobs: the waiting job cannot start."""
    assert stuck().is_stuck(active=())
    assert stuck().is_stuck(active={"kite", "elsewhere"})


def test_it_is_not_stuck_while_a_slot_may_become_free() -> None:
    """A job of this run will finish, or a slot is free."""
    assert not stuck().is_stuck(active={"uncertain-2"})
    freed, empty = stuck(), stuck()
    freed.slots.release("uncertain-0")
    assert empty.queue.pop(lambda _model: True) == "kite"
    for one in (freed, empty):
        assert not one.is_stuck(active=())


def test_a_delayed_job_waits_for_a_slot_like_a_queued_one() -> None:
    """It needs one of the same slots: without a free one the provider is stuck."""
    one = replace(provider_state(), slots=ConcurrencySlots(1))
    one.delayed["veo3-fast"] += 1
    assert not one.is_stuck(active=())
    one.slots.acquire("uncertain", "sora-2")
    assert one.is_stuck(active=())
    one.delayed["veo3-fast"] -= 1
    assert not one.is_stuck(active=())


def test_it_is_stuck_only_if_every_waiting_model_is_full() -> None:
    """A model's lower limit blocks only its own jobs."""
    one = replace(provider_state(), slots=ConcurrencySlots(4, {"sora-2": 1}))
    one.slots.acquire("uncertain", "sora-2")
    one.queue.push("crane", "crane", "sora-2")
    assert one.is_stuck(active=())
    one.queue.push("kite", "kite", "veo3-fast")
    assert not one.is_stuck(active=())


def test_a_task_records_where_it_was_bought() -> None:
    """The address of the manifest; a fixed word for the embedded emulator, whose port changes."""
    assert (provider_state().name, provider_state().origin) == ("office", "https://gw.example")
    emulator = providers({})["emulator"]
    assert provider_state(emulator).origin == EMBEDDED_ORIGIN
    assert provider_state(replace(emulator, base_url="http://127.0.0.1:8787")).origin == "http://127.0.0.1:8787"


def test_the_key_is_not_shown() -> None:
    """Its repr, in a traceback or a debugger, does not contain it."""
    assert "sk-the-key" not in repr(provider_state())


def test_a_refused_slot_reduces_the_limit() -> None:
    """Four are configured and two are held when one more is refused: the limit is two, and three after a quiet time."""
    one = provider_state()
    one.slots.acquire("a", "veo3-fast")
    one.slots.acquire("b", "veo3-fast")
    one.reduce_limit("veo3-fast", "too many tasks", 2, 100.0)
    assert [one.allows(now)("sora-2") for now in (100.0, 129.0, 130.0)] == [False, False, True]
    assert (one.limits(100.0), one.available_in(100.0)) == ({"": 2}, 30.0)
    assert (one.limits(160.0), one.reduced_limits) == ({"": 4}, {})


def test_a_refusal_that_names_its_model_reduces_only_that_limit() -> None:
    """The vendor's message decides which limit is reduced, starting from the model's own."""
    one = replace(provider_state(), slots=ConcurrencySlots(20, {"sora-2": 4}))
    one.slots.acquire("a", "sora-2")
    one.slots.acquire("b", "sora-2")
    one.reduce_limit("sora-2", "SORA-2 has too many tasks", 2, 100.0)
    assert one.limits(100.0) == {"sora-2": 2}
    assert (one.allows(100.0)("sora-2"), one.allows(100.0)("veo3-fast")) == (False, True)


def test_calls_that_are_refused_together_reduce_once() -> None:
    """Eight of twelve pending calls are refused: the limit is halved once, not eight times."""
    one = replace(provider_state(), slots=ConcurrencySlots(12))
    for _ in range(8):
        one.reduce_limit("veo3-fast", "too many tasks", 4, 100.0)
        one.pause(100.0, None, 1.0)
    assert one.limits(100.0) == {"": 6}


def test_a_model_that_does_not_work_is_not_started() -> None:
    """Slots are free, but no job starts until the pause is over; `available_in` gives the time."""
    one = provider_state()
    one.health.record_refusal(replace(job_in(JobState.SUBMITTING), model_sent="veo3-fast"), 100.0, 1.0, None)
    one.queue.push("kite", "kite", "veo3-fast")
    assert (one.allows(100.0)("veo3-fast"), one.allows(100.0)("sora-2"), one.allows(102.0)("veo3-fast")) == (
        *(False, True, True),
    )
    assert (one.available_in(100.0), one.is_stuck(active=())) == (2.0, False)
