"""A hundred vendors of the generator; `python -m tests.vendor_generator` tries as many as one likes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.vendor_generator import trial
from tests.vendor_generator.scenarios import Scenario, scenarios
from tests.vendor_generator.vendor import RecordingVendor


@pytest.fixture(scope="module")
def vendor() -> Iterator[RecordingVendor]:
    """One for all examples."""
    with trial.running_vendor() as served:
        yield served


@settings(max_examples=100, derandomize=True, suppress_health_check=list(HealthCheck))
@given(scenario=scenarios())
def test_the_ledger_says_what_the_vendor_sold(vendor: RecordingVendor, scenario: Scenario) -> None:
    """Whatever a vendor answers: what it sold is counted, and nothing is bought twice."""
    assert trial.disagreements(vendor, scenario) == []
