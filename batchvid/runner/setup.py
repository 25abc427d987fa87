"""The request and the configuration of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchvid.catalog import Models, Provider, built_in
from batchvid.domain.jobs import Job
from batchvid.net.credentials import Credentials
from batchvid.runner.budget.caps import Cap
from batchvid.runner.callbacks.addresses import CallbackSettings
from batchvid.runner.downloads.disk_space_gate import WAIT_S
from batchvid.runner.downloads.downloader import PATIENCE_S
from batchvid.state.state_file import RecordedEvent
from batchvid.storage import SPARE_BYTES

DOWNLOADS = 6  # concurrent downloads: more are not faster, and each holds a megabyte and a file


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a run should do. It collects all open jobs, whatever is requested.

    `purchase_ids` are the pending jobs that it may pay for; of these `held_ids` are left to a later run, because the
    plan does not expect the clips of their parents. `retryable_ids` may be bought again after a failure.
    `planned_events` are recorded first, grouped by job. `exit_code_ids` are the jobs whose ends decide the exit code;
    uncertain jobs always count. `notices` are shown before anything is bought. `inputs` are those of jobs of earlier
    runs whose links the state file has without their queries, by field name. `adopted` are jobs that got a new id, or a
    parent with one, by their former id; the state file has them already.
    """

    exit_code_ids: frozenset[str]
    purchase_ids: frozenset[str] = frozenset()
    held_ids: frozenset[str] = frozenset()
    retryable_ids: frozenset[str] = frozenset()
    planned_events: Sequence[Sequence[RecordedEvent]] = ()
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notices: Sequence[str] = ()
    adopted: Mapping[str, Job] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """The configuration of a run. `request` may take long: it is called in a thread while open jobs are collected.

    `retries` is how often a failed task is bought again automatically, `moderation_retries` how often one whose clip
    was withheld. A run that `only_reconcile` looks for the tasks of lost submits and changes nothing else. A finished
    clip that cannot be fetched yet is tried again for `download_wait_s` seconds. `spare_bytes` of the disk stay free;
    a full disk may take `room_wait_s` seconds to be freed. `waits_for_slots` is as in RunContext. `try_now` submits
    even before the time that a provider requested in an earlier run. `callbacks`: where the run listens for vendors.
    """

    folder: Path
    providers: Mapping[str, Provider]
    keys: Credentials
    request: Callable[[], RunRequest]
    models: Models = field(default_factory=built_in)
    caps: tuple[Cap, ...] = ()
    retries: int = 0
    moderation_retries: int = 0
    downloads: int = DOWNLOADS
    download_wait_s: float = PATIENCE_S
    only_reconcile: bool = False
    spare_bytes: int = SPARE_BYTES
    room_wait_s: float = WAIT_S
    waits_for_slots: bool = True
    try_now: bool = False
    callbacks: CallbackSettings | None = None
