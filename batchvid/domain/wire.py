"""Plain values between the dialects and the transport. No socket, no clock, no rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import urljoin

from batchvid.domain.clip_request import ClipRequest, ImageRole
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.origins import path_below


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInput:
    """One input image, ready to be put into a request.

    `data` is empty while planning (nothing is sent then) and for an image given by `url`, which is passed on as
    it is. `size_bytes` is that of the file if it is sent as it is, 0 where that is not known. `width` and `height` are
    pixels, 0 when only a URL is known.
    """

    role: ImageRole
    filename: str
    media_type: str
    data: bytes = b""
    url: str = ""
    size_bytes: int = 0
    width: int = 0
    height: int = 0

    @property
    def sent_bytes(self) -> int:
        """The size of what is sent; 0 where that is not known yet."""
        return len(self.data) or self.size_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The stored clip of an earlier job, in the terms of its own provider.

    `task_id` and `vendor_metadata` (see `Status`) mean something in the wire format that they came from, and are empty
    for any other. `link` is an address that the vendor can fetch, empty where none is known: it is a secret, and
    requested only when needed.
    """

    task_id: str = ""
    vendor_metadata: Mapping[str, str] = field(default_factory=dict)
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """What to buy, and what the wire adds to it; a dialect translates it.

    `request` is resolved: its `model` is the vendor's id, its duration, ratio and resolution are those that are sent.
    `images` are its images with their bytes, in the same order. `parent` is the clip that an action works on, where
    `request.video` does not name it. `external_id` is ours and unique, for vendors that look a task up by it.
    `callback_url` is where the vendor may call when the task changes; empty while nothing listens. For a poll,
    `poll_path` is the path below the route that the reply to the submit named; empty where it named none. For a lookup,
    `submitted_at` is when the call was sent (UTC).
    """

    request: ClipRequest
    images: tuple[ImageInput, ...] = ()
    parent: Parent | None = None
    external_id: str = ""
    callback_url: str = ""
    poll_path: str = ""
    submitted_at: datetime | None = None


MAX_REPLY_BYTES = 32 * 1024 * 1024
"""Of a reply, where its request allows no more: it may carry a whole small clip as a `data:` URI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One field of a multipart body; a file part when it has a `filename`."""

    name: str
    value: bytes
    filename: str = ""
    content_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One API call. `path` begins with `/`, is percent-encoded, and stands below the route's base URL and prefix.

    At most one of `json` and `parts` is given. It contains no keys: the transport adds them. A POST buys something
    unless it `is_free`, such as a poll or a cancellation. `max_reply_bytes` limits its reply.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    parts: tuple[Part, ...] = ()
    is_free: bool = False
    max_reply_bytes: int = MAX_REPLY_BYTES

    @property
    def is_paid(self) -> bool:
        """Whether it may buy something."""
        return self.method == "POST" and not self.is_free

    def relative_to(self, other: Request) -> Request:
        """Return the request with its path resolved against that of `other`, as RFC 3986 resolves references."""
        return self if self.path.startswith("/") else replace(self, path=urljoin(other.path, self.path))

    def carries(self, value: str) -> bool:
        """Whether a field of the body, or a header, is exactly this text."""
        is_sent = value in self.headers.values() or _contains(self.json, value)
        return is_sent or any(part.value == value.encode() for part in self.parts)


def _contains(body: object, value: str) -> bool:
    if isinstance(body, Mapping):
        return any(_contains(inner, value) for inner in body.values())
    if isinstance(body, list | tuple):
        return any(_contains(inner, value) for inner in body)
    return body == value


EMULATOR_HEADER = "x-batchvid-emulator"
"""Every reply of the emulator has it, so that what it made is never taken for a provider's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One API reply, read whole. Header names are in lower case. `received_at` is UTC, None where nobody noted it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    received_at: datetime | None = None

    @property
    def is_emulator(self) -> bool:
        """Whether the emulator wrote it."""
        return EMULATOR_HEADER in self.headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A submit that made a task. `model` is what the vendor says it resolved the model to, else empty.

    `actual_usd` is the cost in the reply, empty where the vendor names none in US dollars. `poll_url` is the address
    that the reply names for polls, absolute or a path; it counts only below the route that the call went to. `units`
    are what the task may cost in the vendor's own units, by their name; a provider's row has their worth.
    """

    task_id: str
    model: str = ""
    request_id: str = ""
    actual_usd: str = ""
    poll_url: str = ""
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A clear refusal: of a submit (no task was made, nothing bought) or of a poll (the task is not affected).

    `retry_after_s` is the wait that the vendor requests, None when it requests none. `code` and `message` are the
    vendor's words. `provider_wide` means that any other call would get the same reply: a block at the edge, a wrong
    path, a web page instead of the API. Then the provider stops, and the job stays pending.
    """

    kind: FailureKind
    message: str
    code: str = ""
    http_status: int = 0
    retry_after_s: float | None = None
    request_id: str = ""
    provider_wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """A submit reply that is no verdict: a 5xx, or a 2xx that cannot be read. A task may have been made.

    `provider_wide` is as in `Rejected`: the provider stops, and this job stays uncertain.
    """

    message: str
    http_status: int = 0
    request_id: str = ""
    provider_wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A task in a provider's answer about a lost submit. Empty and None mean "not set"."""

    task_id: str
    model: str = ""
    prompt: str = ""
    external_id: str = ""
    created_at: datetime | None = None


class Phase(StrEnum):
    """Where a task stands, out of the vendors' many words."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNSEEN = "unseen"
    """The provider does not know the task (yet): normal for a while after a submit, fatal later."""
    UNKNOWN = "unknown"
    """An undocumented word: the job is kept alive and the word is logged once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """What a finished task offers.

    `location` is an absolute `http(s)` link or a `data:` URI (`keyed` false: fetched without any key), or a path
    below the route, like `/v1/videos/{id}/content` (`keyed` true: fetched with the key, from the provider's own
    origin only). `from_origin` marks a path that the vendor named: it begins at the origin, not below the route.
    A dialect leaves a link without a scheme (`//host/path`) as it is, see `Status.with_scheme`.
    `output` is the number of the clip, from 1, where a task makes several: assets with one number are the same clip.
    """

    location: str
    keyed: bool = False
    from_origin: bool = False
    output: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The result of a poll.

    `vendor_status` is the vendor's own status word. `progress` is 0.0-1.0. `assets` come in the order in which to try
    them. `kind`, `message` and `charged` describe a failure. `vendor_metadata` holds what later steps may need (a Kling
    video id, units deducted), as strings. `follow_up` is a second request that the verdict needs, sent before anything
    else happens to the task; `Dialect.read_result` reads its reply. Its path may be relative to that of the poll. A
    failed task is failed whatever comes of it: then it only explains more.
    """

    phase: Phase
    vendor_status: str = ""
    progress: float | None = None
    assets: tuple[Asset, ...] = ()
    expires_at: datetime | None = None
    model: str = ""
    kind: FailureKind | None = None
    message: str = ""
    code: str = ""
    charged: Charged = Charged.UNKNOWN
    actual_usd: str = ""
    vendor_metadata: Mapping[str, str] = field(default_factory=dict)
    follow_up: Request | None = None

    def at_route(self, route: str) -> Status:
        """Return the status for a task of this route: with the scheme of `with_scheme`, and a follow-up below it.

        An absolute address of a follow-up that is not below the route never gets the key: then the phase is unknown.
        """
        status = self.with_scheme(route.partition(":")[0])
        if status.follow_up is None or "://" not in status.follow_up.path:
            return status
        path = path_below(route, status.follow_up.path)
        if not path:
            return replace(status, phase=Phase.UNKNOWN, follow_up=None)
        return replace(status, follow_up=replace(status.follow_up, path=path))

    def with_scheme(self, scheme: str) -> Status:
        """Return the status with `scheme`, the provider's own, for every link that names none."""
        if not any(asset.location.startswith("//") for asset in self.assets):
            return self
        return replace(
            self,
            assets=tuple(
                replace(asset, location=f"{scheme}:{asset.location}") if asset.location.startswith("//") else asset
                for asset in self.assets
            ),
        )
