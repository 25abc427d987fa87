"""Holds clients against each other, round by round: all make the requests that batchvid made, by the vendor's books.

Knows how a round is run, not what is made of it: bars and figures are the cases'.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.batch import rows_manifest
from benchmarks.cases import Options
from benchmarks.clip import make_clip
from benchmarks.tls import Trust

LIFE_S, REFRESH_S = (5.0, 25.0), 1.0  # a short night with about as many polls per job as a long one
QUICK_PACE = 0.2  # as many polls a second of a few hundred jobs as of the full run's thousands
AT_ONCE = 64  # requests under way of any client: as many polls as batchvid has out


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A client that is not batchvid: its module, the package that it needs, and which part of the jobs it is given.

    One that is `paced` has all its jobs in flight at once and pauses between two looks, as batchvid does; the others
    wait for nothing but their replies.
    """

    module: str
    package: str
    part: float = 1.0
    paced: bool = False
    python: str = sys.executable

    @property
    def lacks(self) -> str:
        """Why it cannot run here; empty when it can."""
        return lacks(self.package, self.python)


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A run of batchvid: its output, the polls of each task, seconds that all tasks took."""

    output: Mapping[str, Any]
    looks: Sequence[int]
    work_s: float

    @property
    def requests(self) -> float:
        """Requests a job: a submit, polls and a download."""
        return requests_of(self.looks)

    @property
    def pause_s(self) -> float:
        """The mean time between two looks at a task."""
        return self.work_s / sum(self.looks)


@dataclass(slots=True, kw_only=True)
class Contest:
    """So many jobs of one clip. `nights` grows by batchvid's every round; the last one is what the others repeat.

    `warm_up` is another vendor, where each client makes a job before its CPU is counted.
    """

    folder: Path
    clip: Path
    jobs: int
    pace: float
    warm_up: str
    trust: Trust | None
    nights: list[Night] = field(default_factory=list)

    def ours(self) -> float:
        """batchvid's round: CPU a job, seconds. Raises ClientFailed."""
        self.nights.append(self.night())
        return float(self.nights[-1].output["cpu_s"]) / self.jobs

    def ours_on(self, loop: str) -> float:
        """The same on another event loop, brought to the requests that it made on its own. Raises ClientFailed."""
        night = self.night(loop=loop)
        return float(night.output["cpu_s"]) / self.jobs * self.nights[-1].requests / night.requests

    def night(self, **more: Any) -> Night:
        """One run, all jobs in flight at once. Raises ClientFailed when the books do not say that all were made."""
        folder = _empty(self.folder / "batchvid")
        (folder / "warm-up").mkdir()
        limits: dict[str, Any] = {"concurrency": self.jobs, "poll_every_s": REFRESH_S * self.pace}
        life_s = [seconds * self.pace for seconds in LIFE_S]
        with measure.vendor(self.trust, clip=str(self.clip), lives_s={"model": life_s}) as base_url:
            arguments = {
                "manifest": str(rows_manifest(folder, self.jobs, base_url=base_url, **limits)),
                "warm_up": str(rows_manifest(folder / "warm-up", 1, base_url=self.warm_up, **limits)),
                "folder": str(folder / "out"),
            }
            output = measure.client("batchvid_client", {**arguments, **more}, trust=self.trust).output
            books = measure.books(base_url, self.trust)
        if output["counts"] != {"succeeded": self.jobs}:
            raise measure.ClientFailed(f"batchvid did not make all of them: {output['counts']} {output['reason']}")
        check_books("batchvid", books, books["looks"], self.jobs)
        return Night(output=output, looks=books["looks"], work_s=books["work_s"])

    def other(self, program: Program) -> float:
        """CPU a job, seconds, for as many requests as batchvid made in this round. Raises ClientFailed."""
        night = self.nights[-1]
        looks = part_of(night.looks, program.part)
        arguments = {
            "folder": str(_empty(self.folder / program.module)),
            "warm_up": self.warm_up,
            "jobs": len(looks),
            "at_once": len(looks) if program.paced else AT_ONCE,
            "connections": AT_ONCE,
            "pause_s": night.pause_s if program.paced else 0.0,
        }
        with measure.vendor(self.trust, clip=str(self.clip), looks_of=looks) as base_url:
            arguments["base_url"] = base_url
            output = measure.client(program.module, arguments, python=program.python, trust=self.trust).output
            check_books(program.module, measure.books(base_url, self.trust), looks, len(looks))
        return float(output["cpu_s"]) / len(looks) * night.requests / requests_of(looks)


@contextmanager
def contest(options: Options, jobs: int, trust: Trust | None = None, pace: float = 0.0) -> Iterator[Contest]:
    """A trial of so many jobs in the folder of the options; tasks take `pace` times LIFE_S, or no time."""
    pace = pace or (QUICK_PACE if options.quick else 1.0)
    clip = make_clip(options.folder / "clip.mp4")
    with measure.vendor(trust, clip=str(clip), looks=1) as warm_up:
        yield Contest(folder=options.folder, clip=clip, jobs=jobs, pace=pace, warm_up=warm_up, trust=trust)


def part_of(looks: Sequence[int], part: float) -> list[int]:
    """The polls of that part of the tasks, taken evenly from those with few and many polls.

    >>> part_of([9, 1, 5, 3, 7, 2], 0.5)
    [2, 5, 9]
    """
    if part >= 1:
        return list(looks)
    ordered, size = sorted(looks), max(1, round(len(looks) * part))
    return [ordered[int((number + 0.5) * len(ordered) / size)] for number in range(size)]


def requests_of(looks: Sequence[int]) -> float:
    """Requests a job: its polls, a submit and a download."""
    return sum(looks) / len(looks) + 2


def check_books(client: str, books: Mapping[str, Any], looks: Sequence[int], jobs: int) -> None:
    """Raises ClientFailed when the vendor saw other requests than one submit, these looks and one download a job."""
    seen = {name: books[name] for name in ("submits", "polls", "downloads")}
    due = {"submits": jobs, "polls": sum(looks), "downloads": jobs}
    if seen != due:
        raise measure.ClientFailed(f"{client} made {seen} where {due} were due: it cannot be compared")


def lacks(package: str, python: str = sys.executable) -> str:
    """Why that interpreter cannot import the package; empty when it can."""
    found = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    ended = subprocess.run([python, "-c", found], check=False).returncode
    return f"{package} cannot be imported by {python}" if ended else ""


def _empty(place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    return place
