"""Until when a clip can be fetched: whose word counts, what is feared where nobody says, and when it is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.catalog import built_in, providers
from batchvid.catalog.model_policies import link_lifetime_s
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job, JobState
from batchvid.runner.downloads.link_expiry import UNSAID_S, link_expires_at, urgency, warn_at
from tests.builders import ACCEPTED, at, job_in, life, planned, started

HOUR, DAY = 3600.0, 86400.0


def ready(expires_s: float | None) -> Job:
    """A job found finished after 90 seconds."""
    done = ev.TaskSucceeded(at=at(90), assets=(), expires_at=None if expires_s is None else at(expires_s))
    return life(planned(), started(), ACCEPTED, done)[-1].job


@pytest.mark.parametrize(
    ("said_s", "lifetime_s", "dies_s"),
    [(600, DAY, 600), (600, None, 600), (None, DAY, 90 + DAY), (None, None, None)],
)
def test_whose_word_counts(said_s: float | None, lifetime_s: float | None, dies_s: float | None) -> None:
    """The vendor's own, else the catalogue's from when the task was found finished, else nobody's."""
    assert link_expires_at(ready(said_s), lifetime_s) == (None if dies_s is None else at(dies_s))


def test_a_job_that_is_not_finished_has_no_end() -> None:
    """There is no clip yet that could die."""
    assert link_expires_at(job_in(JobState.RUNNING), HOUR) is None
    assert urgency(job_in(JobState.RUNNING), HOUR, at(5)) == at(5 + UNSAID_S)


def test_what_nobody_knows_is_feared() -> None:
    """For the order only: such a link goes before one that lives a day, and no alarm is made of it."""
    assert urgency(ready(None), None, at(1000)) == at(90 + UNSAID_S)
    assert urgency(ready(None), DAY, at(1000)) == at(90 + DAY)


@given(st.floats(min_value=1, max_value=40 * DAY), st.floats(min_value=0, max_value=DAY))
def test_the_alarm_leaves_time_to_act(left_s: float, now_s: float) -> None:
    """Before the end, not before now, and at most a quarter of an hour before the end."""
    dies, now = at(now_s + left_s), at(now_s)
    alarm = warn_at(dies, now)
    assert now < alarm < dies
    assert dies - alarm <= timedelta(minutes=15)


@pytest.mark.parametrize(("left_s", "before_s"), [(30 * DAY, 900), (DAY, 900), (HOUR, 900), (1200, 300), (60, 15)])
def test_a_short_life_has_a_late_alarm(left_s: float, before_s: float) -> None:
    """A quarter of an hour before the end, of a life of less than an hour a quarter of what is left."""
    assert warn_at(at(left_s), at(0)) == at(left_s - before_s)


@pytest.mark.parametrize(
    ("model", "lifetime_s"),
    [("sora-2", HOUR), ("gen3a_turbo", DAY), ("kling-v2-6", 30 * DAY), ("veo3-fast", None), ("kling/gone", None)],
)
def test_the_catalogues_word(model: str, lifetime_s: float | None) -> None:
    """What the wire facts say of each vendor (6.4); None for what nobody says and for models no longer listed."""
    assert link_lifetime_s(providers({})["cometapi"], model) == lifetime_s
    assert link_lifetime_s(providers({})["cometapi"], model, built_in()) == lifetime_s


def test_an_unknown_model_has_no_lifetime() -> None:
    """A job of an older catalogue is collected all the same."""
    assert link_lifetime_s(providers({})["cometapi"], "veo-1-preview") is None
