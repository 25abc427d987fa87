"""When the link of a clip expires: whose value counts, what is assumed if none is known, and when to warn."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.catalog import built_in, providers
from batchvid.catalog.model_policies import link_lifetime_s
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job, JobState
from batchvid.runner.downloads.link_expiry import ASSUMED_LIFETIME_S, link_expires_at, priority, warn_at
from tests.builders import ACCEPTED, at, job_in, life, planned, started

HOUR, DAY = 3600.0, 86400.0


def ready(expires_s: float | None) -> Job:
    """A job found finished after 90 seconds."""
    done = ev.TaskSucceeded(at=at(90), assets=(), expires_at=None if expires_s is None else at(expires_s))
    return life(planned(), started(), ACCEPTED, done)[-1].job


@pytest.mark.parametrize(
    ("vendor_s", "lifetime_s", "expires_s"),
    [(600, DAY, 600), (600, None, 600), (None, DAY, 90 + DAY), (None, None, None)],
)
def test_whose_value_counts(vendor_s: float | None, lifetime_s: float | None, expires_s: float | None) -> None:
    """The vendor's, else the catalogue's from when the task was found finished, else none."""
    assert link_expires_at(ready(vendor_s), lifetime_s) == (None if expires_s is None else at(expires_s))


def test_a_job_that_is_not_finished_has_no_end() -> None:
    """There is no clip yet whose link could expire."""
    assert link_expires_at(job_in(JobState.RUNNING), HOUR) is None
    assert priority(job_in(JobState.RUNNING), HOUR, at(5)) == at(5 + ASSUMED_LIFETIME_S)


def test_an_unknown_lifetime_is_assumed_short() -> None:
    """For the order only: such a link goes before one that lives a day, and causes no warning."""
    assert priority(ready(None), None, at(1000)) == at(90 + ASSUMED_LIFETIME_S)
    assert priority(ready(None), DAY, at(1000)) == at(90 + DAY)


@given(st.floats(min_value=1, max_value=40 * DAY), st.floats(min_value=0, max_value=DAY))
def test_the_warning_leaves_time_to_act(left_s: float, now_s: float) -> None:
    """Before the expiry, not before now, and at most a quarter of an hour before the expiry."""
    expires_at, now = at(now_s + left_s), at(now_s)
    warning = warn_at(expires_at, now)
    assert now < warning < expires_at
    assert expires_at - warning <= timedelta(minutes=15)


@pytest.mark.parametrize(("left_s", "before_s"), [(30 * DAY, 900), (DAY, 900), (HOUR, 900), (1200, 300), (60, 15)])
def test_a_short_lifetime_has_a_late_warning(left_s: float, before_s: float) -> None:
    """A quarter of an hour before the expiry; of less than an hour, a quarter of the time that is left."""
    assert warn_at(at(left_s), at(0)) == at(left_s - before_s)


@pytest.mark.parametrize(
    ("model", "lifetime_s"),
    [("sora-2", HOUR), ("gen3a_turbo", DAY), ("kling-v2-6", 30 * DAY), ("veo3-fast", None), ("kling/gone", None)],
)
def test_the_catalogues_lifetimes(model: str, lifetime_s: float | None) -> None:
    """What each vendor documents; None if it documents nothing, and for models no longer listed."""
    assert link_lifetime_s(providers({})["cometapi"], model) == lifetime_s
    assert link_lifetime_s(providers({})["cometapi"], model, built_in()) == lifetime_s


def test_an_unknown_model_has_no_lifetime() -> None:
    """A job of an older catalogue is still downloaded."""
    assert link_lifetime_s(providers({})["cometapi"], "veo-1-preview") is None
