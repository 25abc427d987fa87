"""What a person sees: counts that agree with the jobs, plain lines that no vendor's message can abuse."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.display.progress import LineDisplay, progress_for
from batchvid.display.tally import DONE, RunCounters
from batchvid.domain import events as ev
from batchvid.domain.failures import FailureKind
from batchvid.domain.job_spec import UNPRICED
from batchvid.domain.jobs import Job, JobState, advance
from batchvid.errors import IllegalEvent
from tests.builders import ONE_OF_EACH, STORED, SUCCEEDED, at, job_in, planned, spec, started

JOB_IDS = ("kite", "boat", "lamp")
PROVIDERS = ("cometapi", "office")


def test_the_tally_counts_what_it_was_given() -> None:
    """A resumed run begins with what earlier ones left."""
    tally = RunCounters([job_in(state, f"kite-{state}") for state in JobState])
    assert tally.states() == Counter(dict.fromkeys(JobState, 1))
    assert tally.done() == len(DONE) == 3
    assert tally.line() == "2 in flight, 1 downloading, 1 stored, 1 failed, 1 uncertain"
    assert tally.money() == "$0.60 committed"
    assert tally.states("nobody") == Counter()


def test_unknown_prices_are_told_beside_the_sum() -> None:
    """A sum that leaves something out says so."""
    tally = RunCounters([job_in(JobState.PENDING)])
    before = job_in(JobState.PENDING)
    event = started(price=UNPRICED)
    tally(event, before, advance(before, event))
    assert tally.money() == "$0.00 committed + 1 of unknown price"


@given(
    st.lists(st.tuples(st.sampled_from(JOB_IDS), st.sampled_from(PROVIDERS), st.sampled_from(ONE_OF_EACH)), max_size=60)
)
def test_the_tally_agrees_with_a_recount(plays: list[tuple[str, str, ev.Event]]) -> None:
    """After any events, also a plan that moves a job to another provider, the counts are those of the jobs."""
    first = job_in(JobState.READY, "first")
    jobs: dict[str, Job] = {first.id: first}
    tally = RunCounters(jobs.values())
    for job_id, provider, event in plays:
        played = planned(spec(job_id, provider=provider)) if isinstance(event, ev.Planned) else event
        before = jobs.get(job_id)
        try:
            after = advance(before, played)
        except IllegalEvent:
            continue
        jobs[job_id] = after
        tally(played, before, after)
    assert tally.states() == Counter(job.state for job in jobs.values())
    for provider in PROVIDERS:
        own = [job for job in jobs.values() if job.spec.provider == provider]
        assert +tally.states(provider) == Counter(job.state for job in own)
        assert tally.done(provider) == sum(job.state in DONE for job in own)
    assert tally.committed_usd == sum((job.committed_usd for job in jobs.values()), Decimal(0))
    assert tally.unpriced == sum(job.unpriced_attempts for job in jobs.values())


def test_a_job_that_moves_is_counted_where_it_is() -> None:
    """A plan that asks another provider takes the job out of the first one's counts."""
    before = job_in(JobState.PENDING)
    tally = RunCounters([before])
    moved = planned(spec(provider="office"))
    tally(moved, before, advance(before, moved))
    assert (+tally.states("cometapi"), +tally.states("office")) == (Counter(), Counter({JobState.PENDING: 1}))


def line_for(before: Job, event: ev.Event) -> str:
    """What the lines say of one event, without the date."""
    out = io.StringIO()
    display = LineDisplay(RunCounters([before]), out)
    display(event, before, advance(before, event))
    display.close()
    text = out.getvalue()
    assert re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ .*\n)?", text)
    return text[21:-1]


@pytest.mark.parametrize(
    ("before", "event", "text"),
    [
        (JobState.READY, STORED, "kite: stored clips/kite.mp4 (8.0 s, 1280x720) [1/1, 0 in flight, 1 stored, $0.10"),
        (JobState.SUBMITTING, ev.SubmitLost(at=at(), message="reset"), "kite: uncertain: reset [1/1"),
        (
            JobState.UNCERTAIN,
            ev.SubmitLost(at=at(), message="reset", looked_up="nobody knows it"),
            "kite: still uncertain: nobody knows it [1/1",
        ),
        (
            JobState.RUNNING,
            ev.TaskFailed(at=at(), kind=FailureKind.MODERATION_OUTPUT, message="withheld"),
            "kite: failed (moderation_output): withheld [1/1",
        ),
        (
            JobState.SUBMITTING,
            ev.SubmitRefused(at=at(), kind=FailureKind.RATE, message="slow", retry_at=at(9)),
            "kite: retrying later (rate): slow [0/1",
        ),
        (
            JobState.PENDING,
            ev.GaveUp(at=at(), kind=FailureKind.INVALID, message="gone"),
            "kite: failed (invalid): gone",
        ),
        (JobState.READY, ev.LinkExpired(at=at(), message="403"), "kite: requesting a new link: 403 [0/1"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ev.Event) else None,
)
def test_a_line_for_each_result(before: JobState, event: ev.Event, text: str) -> None:
    """Each end and each delay is one dated line with its cause and how far the batch is."""
    assert line_for(job_in(before), event).startswith(text)


@pytest.mark.parametrize(("before", "event"), [(JobState.PENDING, started()), (JobState.RUNNING, SUCCEEDED)])
def test_nothing_is_said_of_mere_steps(before: JobState, event: ev.Event) -> None:
    """A cron log is not filled with what means nothing yet."""
    assert line_for(job_in(before), event) == ""


@given(st.text(st.characters(), max_size=60))
def test_no_message_gets_control_of_the_terminal(hostile: str) -> None:
    """Escapes, bells, line breaks and marks that turn the text around become blanks: one message is one line."""
    text = line_for(job_in(JobState.RUNNING), ev.GaveUp(at=at(), kind=FailureKind.TIMEOUT, message=hostile))
    assert text.isprintable()
    assert text.startswith("kite: failed (timeout): ")


def test_escapes_are_gone_and_scripts_stay() -> None:
    """What is printable is printed, in any script."""
    hostile = "\x1b[2J\x07夕阳\r\nINFO all is well \u202etxet"
    text = line_for(job_in(JobState.RUNNING), ev.GaveUp(at=at(), kind=FailureKind.TIMEOUT, message=hostile))
    assert " [2J 夕阳  INFO all is well  txet [1/1" in text


def test_a_sign_of_life_comes_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing happens, a line every half minute and none between; any other line puts it off."""
    now = [1000.0]
    monkeypatch.setattr("batchvid.display.progress.time", SimpleNamespace(monotonic=lambda: now[0]))
    out = io.StringIO()
    lines = LineDisplay(RunCounters([job_in(JobState.RUNNING)]), out)
    for second in range(1, 100):
        now[0] = 1000.0 + second
        lines.tick()
        if second == 50:
            lines.notice("office is stopped")
    shown = [line[21:] for line in out.getvalue().splitlines()]
    status_line = "0/1, 1 in flight, 0 stored, $0.10 committed"
    assert shown == [status_line, "office is stopped", status_line]


class Terminal(io.StringIO):
    """Says that a person is looking on."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("out", "err"), [(io.StringIO, io.StringIO), (io.StringIO, Terminal), (Terminal, io.StringIO)])
def test_bars_are_for_people_only(
    monkeypatch: pytest.MonkeyPatch, out: type[io.StringIO], err: type[io.StringIO]
) -> None:
    """Where output goes to a file, or errors do, there are lines: a bar in a log is rubbish."""
    monkeypatch.setattr("sys.stdout", out())
    monkeypatch.setattr("sys.stderr", err())
    assert isinstance(progress_for([]), LineDisplay)


def test_bars_show_every_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal: one bar for all and one a provider, with what failed above them and the money."""
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setattr("sys.stderr", screen)
    ready = job_in(JobState.READY)
    running = replace(job_in(JobState.RUNNING, "boat"), spec=spec("boat", provider="office"))
    bars = progress_for([ready, running])
    assert not isinstance(bars, LineDisplay)
    failed = ev.GaveUp(at=at(), kind=FailureKind.TIMEOUT, message="no verdict")
    bars(STORED, ready, advance(ready, STORED))
    bars(failed, running, advance(running, failed))
    bars.notice("office is stopped")
    before = len(screen.getvalue())
    bars.tick()
    assert "all clips" in screen.getvalue()[before:]
    bars.close()
    shown = screen.getvalue()
    for part in ("all clips", "cometapi", "office", "boat: failed (timeout): no verdict", "2/2", "office is stopped"):
        assert part in shown
    assert "1 stored, 1 failed, $0.20 committed" in shown


def test_no_message_gets_control_of_the_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal escapes would be obeyed: a vendor's words cannot rename the window or clear it."""
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setattr("sys.stderr", screen)
    running = job_in(JobState.RUNNING)
    bars = progress_for([running])
    hostile = "\x1b]0;owned\x07\x1b[2J夕阳"
    failed = ev.GaveUp(at=at(), kind=FailureKind.TIMEOUT, message=hostile)
    bars(failed, running, advance(running, failed))
    bars.notice(hostile)
    bars.close()
    shown = screen.getvalue()
    assert shown.count("]0;owned") == shown.count("[2J夕阳") == 2
    assert "\x1b]0" not in shown
    assert "\x1b[2J" not in shown
    assert "\x07" not in shown


def test_a_verbose_run_shows_every_step() -> None:
    """The price asked, the task and the vendor's request id, each word once, how long it took; else only the end."""
    lines = {}
    for verbose in (False, True):
        out = io.StringIO()
        display = LineDisplay(RunCounters([]), out, verbose=verbose)
        before: Job | None = None
        for event in (
            planned(),
            started(),
            ev.SubmitAccepted(at=at(2), task_id="t-1", request_id="r-9"),
            ev.Progressed(at=at(3), vendor_status="in_progress", progress=0.5),
            ev.Progressed(at=at(4), vendor_status="in_progress", progress=0.5),
            SUCCEEDED,
            STORED,
        ):
            after = advance(before, event)
            display(event, before, after)
            before = after
        lines[verbose] = [line.split(" ", 1)[1] for line in out.getvalue().splitlines()]
    assert lines[True][:-1] == [
        "kite: submitting veo3-fast to cometapi, at most $0.10",
        "kite: accepted as task t-1 (request r-9)",
        "kite: in_progress 50%",
        "kite: finished after 88 s; downloading",
    ]
    assert lines[True][-1] == lines[False][0]
    assert len(lines[False]) == 1
