"""`python -m tests.vendor_generator --examples 2000`: whole runs against that many random vendors; exit 1 if one fails.

`--seed` repeats a series. A failure is printed with the smallest scenario that shows it.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import tempfile
import time

from hypothesis import HealthCheck, given, seed, settings

from tests.vendor_generator import trial
from tests.vendor_generator.scenarios import Scenario, scenarios


def main() -> int:
    """Try them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.vendor_generator")
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(f"{chosen.examples} vendors, --seed {chosen.seed}", flush=True)
    begun, tried = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="batchvid-vendors-") as state, trial.running_vendor() as vendor:
        os.environ["XDG_STATE_HOME"] = state  # not among the user's own batches

        @seed(chosen.seed)
        @settings(
            max_examples=chosen.examples, deadline=None, database=None, suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )  # fmt: skip
        @given(scenario=scenarios())
        def check(scenario: Scenario) -> None:
            nonlocal tried
            tried += 1
            assert trial.disagreements(vendor, scenario) == []

        try:
            check()
        except AssertionError as exc:
            print(exc, *getattr(exc, "__notes__", ()), sep="\n", file=sys.stderr)
            return 1
    print(f"{tried} vendors in {time.monotonic() - begun:.0f} s: the ledger says what each of them sold")
    return 0


if __name__ == "__main__":
    sys.exit(main())
