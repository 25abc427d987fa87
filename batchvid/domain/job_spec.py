"""What is to be made: JobSpec, and the values around it. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from batchvid.domain.clip_request import ClipRequest, with_values


class Reason(StrEnum):
    """What may turn a job to another model. Never an uncertain submit: its task may exist."""

    OUTAGE = "outage"
    """The provider cannot be reached, refuses as unavailable, or broke the task by itself."""
    QUEUE_STALL = "queue_stall"
    """The task waited in the vendor's queue for longer than `queue_timeout_s`."""
    TIMEOUT = "timeout"
    """The task had no verdict within `timeout_s`."""
    SUNSET = "sunset"
    """The model is not sold any more."""
    MODERATION = "moderation"
    """A content filter refused it. Only where the manifest writes so."""


@dataclass(frozen=True, slots=True)
class FallbackTarget:
    """A model that may be bought in the place of another one, and from whom."""

    model: str
    provider: str


@dataclass(frozen=True, slots=True)
class RowPlace:
    """A row of a table: `file` as the manifest names it, its `number` among the rows that are not empty, from 1.

    `line` is the line of the file, or the row number that a spreadsheet shows; `sheet` is empty for a text file.
    """

    file: str
    number: int
    line: int
    sheet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """One clip to make, as the manifest states it. Immutable; stored in the state file with the job.

    `request` is what is paid for, `provider` is who sells it. `key` is the clip's path below the batch's `clips/`
    folder. `parent` is the id of the job whose clip this job works on, `parent_fingerprint` identifies that clip.
    `variables` are the manifest's own values for this job, for the report. `fingerprint` is that of the request as
    the manifest states it (see `clip_request.fingerprint`), combined with that of the parent.

    `fallback` are the models that remain to be tried, in order, `fallback_on` the reasons to do so,
    `fallback_while_running` whether also while a task may still finish. `instead_of` is the model and provider of the
    manifest, once the job was switched to another. The fingerprint does not change with a switch or another seed.

    `on_mismatch` is what happens to a clip that differs from its request: `warn` stores it, `fail` does not.
    `container` is the only container that is stored, empty for any. `row` is the row of a table that the job was made
    from when it was planned last, if any. None of these is paid for, nor in the fingerprint.
    """

    id: str
    entry: str
    provider: str
    key: str
    fingerprint: str
    request: ClipRequest
    take: int = 1
    parent: str = ""
    parent_fingerprint: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    fallback: tuple[FallbackTarget, ...] = ()
    fallback_on: tuple[Reason, ...] = ()
    fallback_while_running: bool = False
    instead_of: FallbackTarget | None = None
    on_mismatch: str = "warn"
    container: str = ""
    row: RowPlace | None = None

    @property
    def asked(self) -> FallbackTarget:
        """The model and provider of the manifest."""
        return self.instead_of or FallbackTarget(self.request.model, self.provider)

    def with_request(self, **changes: Any) -> JobSpec:
        """The same job with other values of these fields of its request; the fingerprint stays."""
        return replace(self, request=with_values(self.request, **changes))

    def with_next_fallback(self) -> JobSpec:
        """The same job with the next model of `fallback`, which must not be empty."""
        first, *rest = self.fallback
        switched = replace(self, provider=first.provider, fallback=tuple(rest), instead_of=self.asked)
        return switched.with_request(model=first.model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A stored clip: `key` below the batch's `clips/` folder, what was read out of the file, and its digest.

    `differs` lists the properties that the request has otherwise, such as `length: requested 4 s, got 8.0 s`.
    """

    key: str
    size_bytes: int
    sha256: str
    duration_s: float
    width: int
    height: int
    differs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one attempt costs at most. `usd` is None when unknown, which is never the same as 0.

    `basis` says how sure it is and where it comes from: `catalogue 2026-05-28`, `vendor`, `unknown`.
    """

    usd: Decimal | None = None
    basis: str = "unknown"


UNPRICED = Price()
