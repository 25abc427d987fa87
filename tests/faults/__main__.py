"""`python -m tests.faults`: tries every fault in every wire format, prints how each job ended, writes docs/faults.md.

Exits with 1 when something is wrong or not as faults.py expects it; then the page is left as it is.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.end_to_end.conftest import ServedEmulator
from tests.faults import all_formats, matrix
from tests.faults.conftest import SETTINGS
from tests.faults.faults import FAULTS, Ending

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
HEAD = """# What becomes of a job when a vendor misbehaves

Made by `python -m tests.faults`, which tries every row in every wire format against the emulator; the test suite does
so, too, and compares this page. In every cell the run ends by itself, what the emulator sold is exactly what the event
log shows and never more than was planned, and no file or log holds the key or a signed link.

`stored`: the clip is there. `failed`: with the kind that the README explains. `uncertain`: the paid call got no
verdict; it is not sent again by itself. `pending` and `running`: the provider was stopped (exit 6), and `ready`: the
clip could not be fetched yet (exit 1); the next run goes on there and stores it. Faults of the paid call and of the
task last as long as the run, other faults pass, unless their name says otherwise.
"""


def page(endings: Mapping[str, Mapping[str, Ending]]) -> str:
    """The whole page."""
    return f"{HEAD}\n{matrix.table(endings)}\n"


def main() -> int:
    """Try them all."""
    os.environ.update(all_formats.ENVIRONMENT)
    logging.disable(logging.CRITICAL)  # the emulator's server tells of every client that hangs up on purpose
    endings, wrong = {}, []
    with tempfile.TemporaryDirectory(prefix="batchvid-faults-") as scratch, ServedEmulator(SETTINGS) as emulator:
        everyone = all_formats.load(Path(scratch), emulator.base_url, list(all_formats.JOBS))
        for number, (name, fault) in enumerate(FAULTS.items()):
            trial = matrix.try_fault(emulator, everyone, fault, Path(scratch) / str(number))
            endings[name] = trial.endings
            wrong += [f"{name}: {line}" for line in trial.wrong]
            if trial.endings != matrix.expected(fault):
                wrong.append(f"{name}: not as expected")
    print(matrix.table(endings))
    print(*wrong, sep="\n", file=sys.stderr)
    if not wrong:
        PAGE.write_text(page(endings), "utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
