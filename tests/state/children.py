"""Other processes for these tests: each runs a few lines with the state file and is ended with the test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]

HOLD = """
import sys
from pathlib import Path
from batchvid.state.state_file import StateFile
with StateFile(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
"""Holds the file until its input ends."""

WRITE = """
import sys
from pathlib import Path
from batchvid.domain.jobs import JobState
from batchvid.state.state_file import StateFile
from tests.builders import steps
with StateFile(Path(sys.argv[1])) as state:
    print("begun", flush=True)
    for number in range(100_000):
        state.commit(steps(f"kite-{number}", JobState.RUNNING))
        print(f"kite-{number}", flush=True)
"""
"""Commits a job's way to running, three events in one transaction, says so, and goes on with the next."""


@contextmanager
def child(code: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the code on the file, and has said its first line."""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().strip() in ("held", "begun")
            yield process
        finally:
            process.kill()
