"""`fallback:` in all the forms in which it may be written, and what a job knows of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from batchvid.domain.job_spec import FallbackTarget, JobSpec, Reason
from batchvid.errors import ManifestError

Specs = Callable[[str], dict[str, JobSpec]]
USUAL = (Reason.OUTAGE, Reason.QUEUE_STALL, Reason.TIMEOUT, Reason.SUNSET)
B, C = FallbackTarget("b", "gw"), FallbackTarget("c", "gw")


def clip(more: str) -> str:
    """A manifest of one clip of model a at gw."""
    return f"clips:\n  - {{id: k, model: a, provider: gw, prompt: p, {more}}}\n"


@pytest.mark.parametrize(
    ("said", "models", "reasons"),
    [
        ("b", (B,), USUAL),
        ("[b, c]", (B, C), USUAL),
        ("{model: b, provider: there}", (FallbackTarget("b", "there"),), USUAL),
        ("[b, {model: c, provider: there}]", (B, FallbackTarget("c", "there")), USUAL),
        ("{models: b, on: [timeout, timeout]}", (B,), (Reason.TIMEOUT,)),
        ("{models: [b, c], on: moderation}", (B, C), (Reason.MODERATION,)),
        ("[]", (), USUAL),
    ],
)
def test_the_forms(specs: Specs, said: str, models: tuple[FallbackTarget, ...], reasons: tuple[Reason, ...]) -> None:
    """A model, a list, or both with reasons; without any, trouble of the vendor's counts and moderation does not."""
    job = specs(clip(f"fallback: {said}"))["k"]
    assert (job.fallback, job.fallback_on, job.fallback_while_running) == (models, reasons, False)


def test_it_stands_under_defaults_too(specs: Specs) -> None:
    """Every clip takes the defaults' fallback; an entry's own, also an empty one, stands above it."""
    text = "defaults: {fallback: b, fallback_while_running: true}\n" + clip("tags: [x]")
    assert (specs(text)["k"].fallback, specs(text)["k"].fallback_while_running) == ((B,), True)
    assert specs("defaults: {fallback: b}\n" + clip("fallback: []"))["k"].fallback == ()


@pytest.mark.parametrize("fallback", ["tags: []", "fallback: []", "fallback: {models: b, on: [outage, moderation]}"])
def test_a_permission_that_means_nothing_is_a_mistake(specs: Specs, fallback: str) -> None:
    """Who allows to buy elsewhere while a task runs counts on it: without a model for just that it is told."""
    with pytest.raises(ManifestError, match="fallback_while_running: has no effect without a fallback on timeout"):
        specs(clip(f"fallback_while_running: true, {fallback}"))
    assert specs("defaults: {fallback_while_running: true}\n" + clip(fallback))["k"].fallback_while_running


def test_it_is_no_part_of_what_is_paid_for(specs: Specs) -> None:
    """A fallback that is added or taken out changes no clip that is stored."""
    assert specs(clip("fallback: b"))["k"].fingerprint == specs(clip("tags: []"))["k"].fingerprint


def test_turning_keeps_what_was_asked_for(specs: Specs) -> None:
    """One model after the other, with the first one's fingerprint and name to the end."""
    asked = specs(clip("fallback: [b, {model: c, provider: there}]"))["k"]
    once, twice = asked.with_next_fallback(), asked.with_next_fallback().with_next_fallback()
    assert [(s.request.model, s.provider, len(s.fallback)) for s in (once, twice)] == [
        ("b", "gw", 1),
        ("c", "there", 0),
    ]
    assert {once.asked, twice.asked, asked.asked} == {FallbackTarget("a", "gw")}
    assert asked.fingerprint == twice.fingerprint
