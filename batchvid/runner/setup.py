"""What a run is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from batchvid.catalog import Models, Provider, built_in
from batchvid.net.credentials import Credentials
from batchvid.runner.budget.caps import Cap
from batchvid.runner.downloads.disk_space_gate import WAIT_S
from batchvid.state.state_file import RecordedEvent
from batchvid.storage import SPARE_BYTES

DOWNLOADS = 6  # streams at once: more gain nothing, each holds a megabyte and a file


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What is asked of a run, by id. `buys` are the pending jobs it may pay for; everything open is collected anyway.

    `steps` is what is to be recorded first, the events of each job together. `scope` are the jobs whose ends make the
    exit code; uncertain ones count wherever they are. What fails may be bought again only for `retryable_ids`.
    """

    scope: frozenset[str]
    buys: frozenset[str] = frozenset()
    retryable_ids: frozenset[str] = frozenset()
    steps: Sequence[Sequence[RecordedEvent]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What a run is given. `asked` may take long: it is called in a thread while open jobs are collected already.

    `retries` is how often a failed task is bought again by itself, `moderation_retries` how often one whose clip was
    withheld is. A run that `only_reconcile` looks for the tasks of lost submits and leaves everything else as it
    is. `spare_bytes` of the disk stay free; when it is full, room is waited for `room_wait_s` seconds.
    """

    folder: Path
    providers: Mapping[str, Provider]
    keys: Credentials
    asked: Callable[[], RunRequest]
    models: Models = field(default_factory=built_in)
    caps: tuple[Cap, ...] = ()
    retries: int = 0
    moderation_retries: int = 0
    downloads: int = DOWNLOADS
    only_reconcile: bool = False
    spare_bytes: int = SPARE_BYTES
    room_wait_s: float = WAIT_S
