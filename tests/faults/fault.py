"""What a fault is, and how a job must end that meets one. The rows themselves stand in the modules beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests import key_encodings
from tests.faults.all_formats import KEY
from tests.faults.wire_faults import WireFault

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ending:
    """Where the job stands when the run has ended, and how many tasks were sold."""

    word: str
    sold: int

    def __str__(self) -> str:
        if self.word == "uncertain":
            return "uncertain, bought" if self.sold else "uncertain, not bought"
        return self.word if self.sold < 2 else f"{self.word}, sold {self.sold} times"

    @property
    def exit_code(self) -> int:
        """What a run of this job alone ends with."""
        return EXIT_CODES.get(self.word, 1)


CLIP = "the clip"
INLINE = frozenset({"vertex-veo"})
"""Wire formats whose polls hold the clip: nothing is downloaded, so no fault of a clip's bytes meets them."""
EXIT_CODES = {"stored": 0, "uncertain": 5, "pending": 6, "running": 6}
STORED = Ending("stored", 1)
UNSOLD, UNSEEN = Ending("uncertain", 0), Ending("uncertain", 1)
STOPPED, BLIND = Ending("pending", 0), Ending("running", 1)
"""The provider is stopped; the next run goes on."""
READY = Ending("ready", 1)
"""The clip is paid for; the next run fetches it."""
FOUND = {"kling": STORED, "kling-new": STORED}
"""A lost Kling submit that bought a task is looked up by the `external_task_id` that we chose."""


def refused(kind: str) -> Ending:
    """Failed by a clear refusal: nothing was sold."""
    return Ending(f"failed: {kind}", 0)


def failed(kind: str) -> Ending:
    """Failed with a task that was sold."""
    return Ending(f"failed: {kind}", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the vendor (`rules`) or the wire (`wire`) does, and how it must end: `ends`, but otherwise in `but`.

    `dials` are fields of the provider's row that it takes to see the end soon. `wait_s`: the second paid call must
    come so much later than the first. `shows` must stand in the output or in a file of the batch. `moves`: the vendor's
    address changes before the second run. `clips` is how many each stored task makes, but one in the formats of
    `one_clip`. `extra_sold` counts the tasks of each job that somebody between us and the vendor bought.
    """

    name: str
    group: str
    rules: tuple[Rule, ...] = ()
    wire: tuple[WireFault, ...] = ()
    ends: Ending
    but: Mapping[str, Ending] = field(default_factory=dict)
    dials: Mapping[str, Any] = field(default_factory=dict)
    wait_s: float = 0.0
    shows: str = ""
    moves: bool = False
    clips: int = 1
    one_clip: tuple[str, ...] = ()
    extra_sold: int = 0

    def clips_of(self, dialect: str) -> int:
        """How many clips a stored task of this wire format makes."""
        return 1 if dialect in self.one_clip or dialect in INLINE else self.clips

    def ending(self, dialect: str) -> Ending:
        """How a job in that wire format must end."""
        if self.group == CLIP and dialect in INLINE:
            return STORED
        return self.but.get(dialect, self.ends)


def rules(steps: str, action: Any, times: int = 0) -> tuple[Rule, ...]:
    """A rule for each of these steps; it applies to the first so many `times` of a job or task, 0 means always.

    Without an action there is none: then the fault is one of the wire.
    """
    if action is None:
        return ()
    limit = {"nth": list(range(1, times + 1))} if times else {}
    return tuple({"match": {"step": step, **limit}, "do": action} for step in steps.split())


ENCODED = " ".join(key_encodings.ENCODINGS[name](KEY) for name in ("base64 of a header", "URL", "hex"))
QUOTING = f"see https://cdn.example/a.mp4?X-Amz-Signature=s1gned for more; Bearer {KEY}; {ENCODED}"
"""A vendor's message that quotes what nobody may read."""
AT_ONCE = {"Retry-After": "0"}
NO_SLOT = '{"code":1303,"message":"parallel task over resource pack limit","request_id":"u-1"}'
MANGLED = '{"id": "task_1", "status": "queued",, "progress": }'


def embedded(upstream: str, status: int) -> dict[str, Any]:
    """X2: the gateway's message is the upstream's whole body, as text."""
    body = {"code": "fail_to_fetch_task", "message": upstream, "data": None}
    return {"status": status, "json": body, "headers": AT_ONCE}
