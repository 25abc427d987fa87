"""How long a task may take: what is said of the model at the provider, then of the model, then of the provider."""

from __future__ import annotations

import pytest

from batchvid.catalog import Deadlines, Provider, built_in, timeouts_for

GW = {"name": "gw", "base_url": "https://gw.example", "api_key_env": "GW_KEY", "routes": {"veo": ""}}
OWN = built_in().merged_with(
    {"house": {"dialect": "veo", "aliases": ["home"], "timeout_s": 900.0, "queue_timeout_s": 60.0}}
)


def provider(**fields: object) -> Provider:
    """A provider with these limits."""
    return Provider(**{**GW, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limits", "model", "deadlines"),
    [
        ({}, "veo3-fast", Deadlines(3600.0, None)),
        ({"timeout_s": 50.0, "queue_timeout_s": 5.0}, "veo3-fast", Deadlines(50.0, 5.0)),
        ({"timeout_s": 50.0}, "house", Deadlines(900.0, 60.0)),
        ({"timeout_s": 50.0, "model_timeout_s": {"house": 70.0}}, "house", Deadlines(70.0, 60.0)),
        ({"model_timeout_s": {"home": 70.0}}, "house", Deadlines(70.0, 60.0)),
        ({"model_queue_timeout_s": {"house": 7.0}}, "home", Deadlines(900.0, 7.0)),
        ({"timeout_s": 50.0, "model_timeout_s": {"gone": 70.0}}, "gone", Deadlines(70.0, None)),
    ],
)
def test_the_most_special_word_counts(limits: dict[str, object], model: str, deadlines: Deadlines) -> None:
    """By name or alias, also for a model that the catalogue no longer knows."""
    assert timeouts_for(provider(**limits), model, OWN) == deadlines


@pytest.mark.parametrize(("age_s", "next_s"), [(0.0, 5.0), (4.9, 5.0), (5.0, 50.0), (80.0, 50.0)])
def test_the_next_deadline(age_s: float, next_s: float) -> None:
    """First that of the queue, then that of the verdict; the verdict's alone where it comes first."""
    assert Deadlines(50.0, 5.0).next_s(age_s) == next_s
    assert Deadlines(4.0, 5.0).next_s(0.0) == Deadlines(4.0).next_s(0.0) == 4.0
