"""The job's life: the table is exactly the one of the design, and no series of events gets around it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from decimal import Decimal

import pytest

from batchvid.domain import events as ev
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.jobs import TRANSITIONS, Job, JobState, advance
from batchvid.errors import IllegalEvent
from tests.builders import ACCEPTED, LINK, ONE_OF_EACH, STORED, SUCCEEDED, at, clip, job_in, planned, started

TABLE = """
Planned         -                                       pending
Planned         pending                                 pending
SubmitStarted   pending                                 submitting
SubmitAccepted  submitting uncertain                    running
SubmitRefused   submitting                              pending failed
SubmitLost      submitting uncertain                    uncertain
Progressed      running                                 running
TaskSucceeded   running                                 ready
TaskFailed      running                                 pending failed
LinkExpired     ready                                   running
ClipStored      ready                                   succeeded
GaveUp          pending submitting running ready        failed
Reopened        failed uncertain succeeded              pending
RehearsalEnded  pending running ready                   pending
RehearsalEnded  succeeded failed uncertain              pending
Adopted         pending                                 pending
Adopted         succeeded                               succeeded
Adopted         failed                                  failed
PollResumed     failed                                  running
Relocated       uncertain                               uncertain
Relocated       running                                 running
Relocated       ready                                   ready
Relocated       succeeded                               succeeded
Relocated       failed                                  failed
CostBilled      pending                                 pending
CostBilled      uncertain                               uncertain
CostBilled      running                                 running
CostBilled      ready                                   ready
CostBilled      succeeded                               succeeded
CostBilled      failed                                  failed
"""
"""The table of docs/explanation/architecture.md: a plan may change before it is bought."""


def table() -> dict[tuple[str, str], set[str]]:
    """Event and state before -> states after, read out of the text above."""
    states = {*(state.value for state in JobState), "-"}
    rows: dict[tuple[str, str], set[str]] = {}
    for line in TABLE.strip().splitlines():
        name, befores, afters = line[:16].strip(), line[16:56].split(), line[56:].split()
        assert states.issuperset([*befores, *afters])
        for before in befores:
            rows[name, before] = set(afters)
    return rows


def test_the_table_is_the_designs() -> None:
    """The package's transitions are those of the design and no others."""
    found = {
        (kind.__name__, "-" if before is None else before.value): {state.value for state in after}
        for kind, row in TRANSITIONS.items()
        for before, after in row.items()
    }
    assert table() == found


def test_every_kind_of_event_has_its_row() -> None:
    """No event is without a place in the life, and none goes by another name in the file than in the code."""
    assert set(TRANSITIONS) == set(ev.KINDS.values())
    assert {name: kind.__name__ for name, kind in ev.KINDS.items()} == {name: name for name in ev.KINDS}
    assert {type(event) for event in ONE_OF_EACH} == set(TRANSITIONS)


@pytest.mark.parametrize("before", [None, *JobState])
@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_what_the_table_does_not_allow_raises_and_changes_nothing(event: ev.Event, before: JobState | None) -> None:
    """Each event in each state either leads where the table says, or raises IllegalEvent naming both."""
    overdue = isinstance(event, ev.PollResumed) and before is JobState.FAILED
    job = given_up() if overdue else None if before is None else job_in(before)
    if isinstance(event, ev.RehearsalEnded) and job is not None:
        job = replace(job, rehearsal=True)
    unchanged = job
    allowed = table().get((type(event).__name__, "-" if before is None else before.value))
    if allowed:
        assert advance(job, event).state.value in allowed
        return
    with pytest.raises(IllegalEvent, match=type(event).__name__):
        advance(job, event)
    assert job == unchanged


@pytest.mark.parametrize("before", [state for state in JobState if state is not JobState.SUBMITTING])
def test_only_a_rehearsal_can_be_ended(before: JobState) -> None:
    """What a provider has, an uncertain submit above all, is never given up as a rehearsal."""
    with pytest.raises(IllegalEvent, match="a provider has it"):
        advance(job_in(before), ev.RehearsalEnded(at=at(500)))


@pytest.mark.parametrize("by_start", [False, True])
def test_a_rehearsal_counts_nothing(by_start: bool) -> None:
    """The emulator's reply takes the attempt out of the totals; its clip goes when the rehearsal ends."""
    running = advance(advance(advance(None, planned()), started(rehearsal=by_start)), replace(ACCEPTED, rehearsal=True))
    stored = advance(advance(running, replace(SUCCEEDED, actual_usd="9", cost_usd=Decimal(9))), STORED)
    for job in (running, stored):
        assert (job.committed_attempts, job.committed_usd, job.actual_usd, job.is_rehearsal) == (
            0,
            Decimal(0),
            "",
            True,
        )
    assert not stored.has_real_clip
    ended = advance(stored, ev.RehearsalEnded(at=at(500)))
    assert (ended.state, ended.clip, ended.is_rehearsal) == (JobState.PENDING, None, False)


def test_a_reply_of_a_provider_proves_that_it_is_no_rehearsal() -> None:
    """The emulator may be replaced by a provider during a run: what the last reply shows is true."""
    job = advance(advance(advance(None, planned()), started(rehearsal=True)), ACCEPTED)
    assert (job.committed_attempts, job.committed_usd, job.is_rehearsal) == (1, Decimal("0.10"), False)


def test_the_embedded_emulator_is_a_rehearsal_by_definition() -> None:
    """Also in files of older versions, whose events do not say so."""
    job = advance(advance(advance(None, planned()), started(origin="embedded")), ACCEPTED)
    assert (job.committed_attempts, job.is_rehearsal) == (0, True)


def given_up() -> Job:
    """A failed job whose task has no verdict: the deadline passed while it ran."""
    return advance(job_in(JobState.RUNNING), ev.GaveUp(at=at(200), kind=FailureKind.TIMEOUT, message="no verdict"))


def test_a_job_cannot_be_changed_by_hand() -> None:
    """Nothing but `advance` makes a job that differs."""
    with pytest.raises(FrozenInstanceError):
        job_in(JobState.RUNNING).state = JobState.FAILED  # type: ignore[misc]


@pytest.mark.parametrize("state", JobState)
def test_every_state_is_reached(state: JobState) -> None:
    """From a plan there is a way to each state."""
    assert job_in(state).state is state


def test_a_task_without_a_verdict_can_be_asked_again() -> None:
    """Its deadline counts anew from then on; nothing is paid."""
    job = given_up()
    again = advance(job, ev.PollResumed(at=at(400)))
    assert (again.state, again.task_id, again.watched_from) == (JobState.RUNNING, "t-1", at(400))
    assert again.accepted_at == job.accepted_at
    assert (again.kind, again.message, again.dead_links) == (None, "", 0)
    assert (again.attempts, again.tasks, again.committed_usd) == (job.attempts, job.tasks, job.committed_usd)


def test_only_a_task_that_is_known_can_be_asked_again() -> None:
    """PollResumed needs a task id: a job that failed before it was ever accepted has none."""
    job = advance(job_in(JobState.PENDING), ev.GaveUp(at=at(), kind=FailureKind.CANCELLED, message="by the user"))
    with pytest.raises(IllegalEvent, match="no task that may still give a clip"):
        advance(job, ev.PollResumed(at=at(9)))
    assert job.state is JobState.FAILED


@pytest.mark.parametrize("charged", Charged)
def test_a_task_that_failed_is_never_asked_again(charged: Charged) -> None:
    """The vendor said no: hearing it a second time would give the same money back twice."""
    no = ev.TaskFailed(at=at(90), kind=FailureKind.UNAVAILABLE, message="broke", charged=charged)
    job = advance(job_in(JobState.RUNNING), no)
    with pytest.raises(IllegalEvent, match="no task that may still give a clip"):
        advance(job, ev.PollResumed(at=at(400)))
    assert job.committed_attempts == (0 if charged is Charged.NO else 1)


@pytest.mark.parametrize("kind", [FailureKind.EXPIRED, FailureKind.BAD_MEDIA])
def test_a_task_that_succeeded_is_asked_again_although_its_clip_was_given_up(kind: FailureKind) -> None:
    """The clip is paid for and lies at the vendor's: asking is free, the dead links are forgotten."""
    lost = advance(job_in(JobState.READY), ev.GaveUp(at=at(200), kind=kind, message="403"))
    again = advance(lost, ev.PollResumed(at=at(400)))
    assert (again.state, again.task_id, again.dead_links) == (JobState.RUNNING, "t-1", 0)
    assert (again.committed_usd, again.committed_attempts) == (lost.committed_usd, lost.committed_attempts)
    no = ev.TaskFailed(at=at(410), kind=FailureKind.UNAVAILABLE, message="broke", charged=Charged.NO)
    refunded = advance(again, no)
    assert (refunded.committed_usd, refunded.committed_attempts) == (Decimal(0), 0)
    with pytest.raises(IllegalEvent, match="no task that may still give a clip"):
        advance(refunded, ev.PollResumed(at=at(500)))


def test_what_collecting_needs_is_frozen_with_the_attempt() -> None:
    """Where the task lives, how and for which model it is asked, how many seconds it has: of the last paid call."""
    job = job_in(JobState.RUNNING)
    frozen = (job.origin, job.dialect, job.prefix, job.model_sent, job.billed_duration_s)
    assert frozen == ("https://api.example", "veo", "", "veo3-fast", 8.0)
    again = advance(job_in(JobState.FAILED), ev.Reopened(at=at(300), reason="retry"))
    elsewhere = {"origin": "https://gw.example", "dialect": "kling", "prefix": "/kling", "model": "kling-v2-6"}
    again = advance(again, started(at=at(301), duration_s=None, **elsewhere))
    assert (again.origin, again.dialect, again.prefix, again.model_sent) == tuple(elsewhere.values())
    assert again.billed_duration_s is None


def test_the_vendors_own_words_last_as_long_as_the_attempt() -> None:
    """A fresh link without them does not take them away; another attempt begins without."""
    job = advance(
        job_in(JobState.RUNNING), ev.TaskSucceeded(at=at(90), assets=(LINK,), vendor_metadata={"video_id": "v-1"})
    )
    again = advance(advance(job, ev.LinkExpired(at=at(100), message="403")), SUCCEEDED)
    assert job.vendor_metadata == again.vendor_metadata == {"video_id": "v-1"}
    again = advance(again, ev.GaveUp(at=at(200), kind=FailureKind.BAD_MEDIA, message="no clip"))
    again = advance(again, ev.Reopened(at=at(300), reason="retry"))
    assert advance(again, started(at=at(301))).vendor_metadata == {}


def test_tasks_are_the_attempts_that_made_one() -> None:
    """A paid call that was refused, or lost and given up, made no task; one that was found by hand did."""
    refused = ev.SubmitRefused(at=at(3), kind=FailureKind.RATE, message="slow down", retry_at=at(60))
    job = advance(advance(job_in(JobState.PENDING), started()), refused)
    assert (job.attempts, job.tasks) == (1, 0)
    job = advance(advance(job, started()), ev.SubmitLost(at=at(3), message="reset"))
    assert (job.attempts, job.tasks) == (2, 0)
    assert advance(job, ACCEPTED).tasks == 1
    job = advance(advance(job, ev.Reopened(at=at(9), reason="resolve --abandon")), started())
    assert (job.attempts, advance(job, ACCEPTED).tasks) == (3, 1)


def test_a_new_attempt_forgets_the_last_one() -> None:
    """What the bars, the report and the poller read of an attempt is of the open one, never of the one before."""
    failed = job_in(JobState.FAILED)
    again = advance(failed, ev.Reopened(at=at(300), reason="retry"))
    again = advance(again, started(at=at(301), external_id="kite-2"))
    assert (again.attempts, again.external_id, again.submitted_at) == (2, "kite-2", at(301))
    assert (again.task_id, again.model_returned, again.kind, again.message) == ("", "", None, "")
    assert again.accepted_at is again.finished_at is again.retry_at is None
    assert again.committed_usd == 2 * Decimal("0.10")


def test_a_clip_stays_on_record_until_a_newer_one_takes_its_place() -> None:
    """Bought again and refused, a job still has its old clip; the times are those of the open attempt only."""
    stored = job_in(JobState.SUCCEEDED)
    again = advance(advance(stored, ev.Reopened(at=at(300), reason="regenerate")), started(at=at(301)))
    assert {again.stored_at, again.finished_at, again.expires_at, again.progress} == {None}
    no = ev.SubmitRefused(at=at(302), kind=FailureKind.INVALID, message="no")
    assert advance(again, no).clip == again.clip == stored.clip
    for event in (ACCEPTED, SUCCEEDED, ev.ClipStored(at=at(400), clip=clip("kite.mp4", sha256="cd" * 32))):
        again = advance(again, event)
    assert again.clip == clip("kite.mp4", sha256="cd" * 32)


def test_a_link_that_was_not_kept_speaks_against_nobody() -> None:
    """Links are not kept from run to run: however often a run ends during a download, none of them counts as dead."""
    job = job_in(JobState.READY)
    for _ in range(9):
        job = advance(advance(job, ev.LinkExpired(at=at(100), message="not kept", dead=False)), SUCCEEDED)
    assert (job.state, job.dead_links) == (JobState.READY, 0)


def test_a_resolved_job_keeps_its_money() -> None:
    """A task found for an uncertain job makes it running, at the price that was held for it."""
    found = advance(job_in(JobState.UNCERTAIN), ACCEPTED)
    assert (found.state, found.task_id, found.message) == (JobState.RUNNING, "t-1", "")
    assert found.committed_usd == Decimal("0.10")


def test_an_abandoned_one_stays_paid_for() -> None:
    """Giving an uncertain job up frees it to be bought again and takes nothing out of the books."""
    abandoned = advance(job_in(JobState.UNCERTAIN), ev.Reopened(at=at(9), reason="resolve --abandon"))
    assert abandoned.state is JobState.PENDING
    assert (abandoned.committed_usd, abandoned.committed_attempts) == (Decimal("0.10"), 1)


def test_dead_links_and_refusals_are_counted() -> None:
    """By them a job is given up. No link is kept that is dead, and the task's deadline runs anew."""
    job, waiting = job_in(JobState.READY), job_in(JobState.PENDING)
    for count in (1, 2, 3):
        job = advance(job, ev.LinkExpired(at=at(100), message="403"))
        assert (job.dead_links, job.assets, job.expires_at, job.finished_at) == (count, (), None, None)
        assert job.watched_from == at(100)
        job = advance(job, ev.TaskSucceeded(at=at(110), assets=(LINK,)))
        assert (job.dead_links, job.finished_at, job.assets) == (count, at(110), (LINK,))
        no = ev.SubmitRefused(at=at(3), kind=FailureKind.RATE, message="slow down", retry_at=at(60))
        waiting = advance(advance(waiting, started()), no)
        assert (waiting.refusals, waiting.committed_attempts) == (count, 0)
    assert advance(advance(waiting, started()), ACCEPTED).refusals == 0
