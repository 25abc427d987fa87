"""What a plan says of a fallback: whether it can be bought, for how much, and in the place of what is retired."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from batchvid import catalog
from batchvid.cli.plan_output import print_plan
from batchvid.domain.job_spec import FallbackTarget, JobSpec, Reason
from batchvid.errors import ManifestError
from batchvid.manifest.schema.fallback import DEFAULT_REASONS
from batchvid.planning.plan import make_plan
from batchvid.planning.plan_types import Plan
from tests.builders import spec
from tests.planning.test_plan import PROVIDERS, manifest

SUNSET = date(2026, 9, 24)
EVERY = tuple(Reason)


def falling(*models: str, on: tuple[Reason, ...] = EVERY, **fields: Any) -> JobSpec:
    """A job with these models to turn to, at its own provider."""
    given = {"model": "veo3-fast", "duration_s": 8.0, "aspect_ratio": "16:9", **fields}
    substitutes = tuple(FallbackTarget(model, "cometapi") for model in models)
    return spec(fallback=substitutes, fallback_on=on, **given)


def plan(*specs: JobSpec, sold_on: date | None = None) -> Plan:
    """A first plan of these jobs."""
    return make_plan(manifest(*specs), {}, PROVIDERS, sold_on=sold_on)


def usd(job: JobSpec) -> Any:
    """The price of that job by itself."""
    return plan(job).to_buy[0].price.usd


def test_a_dearer_model_is_named_with_its_price() -> None:
    """A cheaper one needs no word; a dearer one is warned of, for which reasons it is bought."""
    (dearer,) = plan(falling("veo3.1", on=(Reason.OUTAGE, Reason.SUNSET))).to_buy
    assert dearer.warning == f"may switch to veo3.1 at ${usd(falling(model='veo3.1')).normalize():f} (outage, sunset)"
    (cheaper,) = plan(falling("veo3-fast", model="veo3.1", on=(Reason.OUTAGE, Reason.SUNSET))).to_buy
    assert cheaper.warning == ""
    assert [price.usd for price in cheaper.fallback_prices] == [usd(falling())]


def test_the_plan_tells_the_most_that_it_may_come_to(capsys: pytest.CaptureFixture[str]) -> None:
    """Each model of a fallback may be bought after another that was paid for in vain: the sum of all is said."""
    print_plan(plan(falling("veo3.1", "veo3.1-fast")), show_all=False)
    most = sum(usd(falling(model=model)) for model in ("veo3-fast", "veo3.1", "veo3.1-fast"))
    assert f"switches to every fallback: ${most:.2f}" in capsys.readouterr().out
    print_plan(plan(falling()), show_all=False)
    assert "fallback" not in capsys.readouterr().out


def test_a_model_that_cannot_do_it_is_refused_before_any_money() -> None:
    """Named as a fallback, with the field; so is one that nobody knows, and one that is retired."""
    with pytest.raises(ManifestError, match=r"fallback: kling-v2-6: veo3-fast: negative_prompt: "):
        plan(falling("veo3-fast", model="kling-v2-6", negative_prompt="rain"))
    with pytest.raises(ManifestError, match=r"fallback: unknown model 'veo9'"):
        plan(falling("veo9"))
    with pytest.raises(ManifestError, match=r"fallback: veo3-fast: sora-2 is sold until .*remove it"):
        plan(falling("sora-2"), sold_on=SUNSET)


def test_a_retired_model_is_planned_with_its_fallback() -> None:
    """From its sunset on the next model is bought in its place, at its own price; before, the model itself."""
    job = falling("veo3.1", model="sora-2")
    (before,) = plan(job, sold_on=SUNSET - timedelta(days=1)).to_buy
    (after,) = plan(job, sold_on=SUNSET).to_buy
    assert (before.spec, after.spec) == (job, job.with_next_fallback())
    assert after.price.usd == usd(falling(model="veo3.1"))
    assert "sora-2 is sold until 2026-09-24" in after.warning
    assert "bought as veo3.1" in after.warning


def test_a_retired_model_without_that_reason_stays_refused() -> None:
    """Who writes reasons down and leaves sunset out is asked again."""
    with pytest.raises(ManifestError, match=r"model: sora-2: .*--allow-retired"):
        plan(falling("veo3.1", model="sora-2", on=(Reason.OUTAGE,)), sold_on=SUNSET)


def test_every_dialect_has_a_model_that_can_stand_in() -> None:
    """A job of eight seconds in 16:9 may name any switchable model; nothing else of it must change."""
    names = [name for name in ("veo3.1", "kling-v2-6", "grok-imagine-video") if name in catalog.built_in().rows]
    assert len(plan(falling(*names)).to_buy[0].fallback_prices) == len(names)


@pytest.mark.parametrize(
    ("on", "settings", "while_running", "words"),
    [
        ((Reason.QUEUE_STALL,), {}, False, ["queue_stall never happens: set queue_timeout_s for cometapi"]),
        (
            (Reason.QUEUE_STALL,),
            {"queue_timeout_s": 60.0},
            False,
            ["queue_stall never happens: cometapi cancels no task"],
        ),
        (
            (Reason.TIMEOUT,),
            {},
            False,
            ["timeout never happens: cometapi cancels no task", "fallback_while_running: true"],
        ),
        (DEFAULT_REASONS, {"queue_timeout_s": 60.0}, False, ["fallback on queue_stall and timeout never happens"]),
        (DEFAULT_REASONS, {}, False, []),
        ((Reason.QUEUE_STALL,), {"queue_timeout_s": 60.0}, True, []),
        ((Reason.OUTAGE,), {}, False, []),
    ],
)
def test_a_fallback_that_never_happens_is_a_warning(
    on: tuple[Reason, ...], settings: dict[str, Any], while_running: bool, words: list[str]
) -> None:
    """A task that cannot be cancelled is not replaced, unless the manifest allows both; the plan says so."""
    rows = {**PROVIDERS, "cometapi": replace(PROVIDERS["cometapi"], **settings)}
    job = falling("veo3-fast", model="veo3.1", on=on, fallback_while_running=while_running)
    (planned,) = make_plan(manifest(job), {}, rows).to_buy
    assert all(word in planned.warning for word in words)
    assert bool(planned.warning) == bool(words)


def test_a_provider_that_cancels_makes_the_fallback_possible() -> None:
    """There a task that stands in the queue is cancelled before another one is bought."""
    rows = {**PROVIDERS, "cometapi": replace(PROVIDERS["cometapi"], cancel="queued", queue_timeout_s=60.0)}
    job = falling("sora-2", model="sora-2", duration_s=4.0, on=(Reason.QUEUE_STALL,))
    assert "never happens" not in make_plan(manifest(job), {}, rows).to_buy[0].warning
