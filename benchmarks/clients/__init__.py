"""Programs that each make the same clips in their own way; one JSON object of settings in, one of costs out.

Every one runs in a process of its own and imports nothing of batchvid but the one that is batchvid.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIELDS = {"model": "veo3-fast", "prompt": "a paper kite above a wheat field", "size": "16x9", "seconds": "8"}
"""What every client submits, as batchvid's Veo dialect says it."""
KEY = "sk-bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a client is to make: these jobs into that folder, so many at once, with so many connections at most.

    `pause_s` is the mean time to wait before each look at a task, 0 for not at all.
    """

    base_url: str
    folder: Path
    jobs: Iterator[int | str]
    at_once: int
    connections: int
    pause_s: float


def count(make: Callable[[Work], None]) -> None:
    """Make all jobs and print their CPU. A first job at another vendor keeps one-time work out of it."""
    arguments = settings()
    limits = {"at_once": arguments["at_once"], "connections": arguments["connections"], "pause_s": arguments["pause_s"]}
    folder = Path(arguments["folder"])
    make(Work(base_url=arguments["warm_up"], folder=folder, jobs=iter(["warm-up"]), **limits))
    began = cpu_s()
    make(Work(base_url=arguments["base_url"], folder=folder, jobs=iter(range(arguments["jobs"])), **limits))
    print_result(cpu_s=cpu_s() - began, start_s=began)


def settings() -> dict[str, Any]:
    """What the benchmark asks for."""
    arguments: dict[str, Any] = json.loads(sys.argv[1])
    return arguments


def print_result(**facts: Any) -> None:
    """Say what was found out, and the peak of the memory, as the last line of standard output."""
    print(json.dumps({**facts, "peak_mb": peak_mb()}))


def cpu_s() -> float:
    """CPU of this process so far, all threads, seconds."""
    return time.process_time()


def peak_mb() -> float:
    """The most that this process ever held, MB (2**20 bytes)."""
    with contextlib.suppress(OSError):  # rusage includes the parent's memory, from before the exec
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident_mb() -> float:
    """What this process holds in memory now, MB (2**20 bytes); the peak where the system tells no more."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / 2**20
