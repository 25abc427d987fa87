"""Who can be asked: addresses, limits and wire formats as data, and a manifest's own laid over them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, TypeAdapter, ValidationError

from batchvid.catalog.models import data
from batchvid.dialects import DIALECTS
from batchvid.dialects.lookups import LOOKUP_METHODS
from batchvid.errors import UsageError

DEFAULT_PROVIDER = "cometapi"
TIMEOUT_S = 3600.0  # clips take 2-5 minutes; an hour is a stall, not a slow clip
GRACE_S = 60.0  # how long a provider may not know a task after it made it (wire-notes 6.3)
SUBMIT_READ_TIMEOUT_S = 180.0  # a gateway tries several channels behind one submit (wire-notes 4.6)
READ_TIMEOUT_S = 60.0  # of one reply or one download, not the whole of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who holds the key, the limits and the bill.

    `routes` maps a dialect to its path prefix below `base_url`. Limits are counts, per minute and per second as named;
    `model_concurrency` narrows single models. `poll_every_s` overrules the models' pace. `timeout_s` is how long a
    task may take from submit to verdict, `queue_timeout_s` how long it may wait to be begun (None: as long); the
    `model_` ones hold for single models (see timeouts.py). `cancel` is until when a task can be cancelled here.
    `wait_initial_s` is the first of the doubling waits after a refusal.
    `grace_s` is how long a new task may be unknown to it. A reply that is silent for `read_timeout_s`, a submit's for
    `submit_read_timeout_s`, is lost. `max_clip_bytes` bounds clips narrower than their length does. `on_lost_submit`
    says
    what is done about an uncertain submit: hold it for a person, or buy again; `lookup` how it is asked after first,
    by dialect, where that is served (dialects.lookups.LOOKUP_METHODS). With `allow_private_links` its links to clips
    may lead into a private network although it is not in one. `life` is the emulator's dial for how long its tasks
    take; `free` means that nothing is charged. An `emulator` without a base URL is started by the run itself.
    """

    name: str
    base_url: str
    api_key_env: str
    routes: Mapping[str, str]
    concurrency: int = 5
    submits_per_min: float = 60
    polls_per_s: float = 5
    poll_every_s: float | None = None
    timeout_s: float = TIMEOUT_S
    queue_timeout_s: float | None = None
    model_concurrency: Mapping[str, int] = field(default_factory=dict)
    model_timeout_s: Mapping[str, float] = field(default_factory=dict)
    model_queue_timeout_s: Mapping[str, float] = field(default_factory=dict)
    cancel: Literal["none", "queued", "running"] = "none"
    wait_initial_s: float = 2.0
    grace_s: float = GRACE_S
    read_timeout_s: float = READ_TIMEOUT_S
    submit_read_timeout_s: float = SUBMIT_READ_TIMEOUT_S
    max_clip_bytes: int | None = None
    on_lost_submit: Literal["hold", "resubmit"] = "hold"
    lookup: Mapping[str, Literal["external_id", "list"]] = field(default_factory=dict)
    allow_private_links: bool = False
    life: str = ""
    free: bool = False

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @property
    def is_rehearsal(self) -> bool:
        """Whether nobody is paid: the emulator, or any provider whose address is on this machine."""
        host = urlsplit(self.base_url).hostname or ""
        return self.free or host == "localhost" or host.startswith("127.") or host == "::1"

    @property
    def is_embedded(self) -> bool:
        """Whether the run has to start it: the emulator, when nobody says where one is running."""
        return self.name == "emulator" and not self.base_url


def providers(overrides: Mapping[str, Mapping[str, Any]]) -> dict[str, Provider]:
    """The built-in providers with a manifest's `providers:` section laid over them.

    An override may hold any field of Provider (limits, `base_url`, `api_key_env`), and `dialect` with `prefix` for a
    provider that is not built in. Raises UsageError for a provider that cannot be made of what is said.
    """
    rows: dict[str, dict[str, Any]] = {name: dict(row) for name, row in _provider_rows().items()}
    for name, said in overrides.items():
        row = rows.setdefault(name, {})
        wanted = {key: value for key, value in said.items() if value is not None}
        dialect, prefix = wanted.pop("dialect", None), wanted.pop("prefix", None)
        if dialect is not None:
            if dialect not in DIALECTS:
                raise UsageError(f"unknown dialect {dialect!r}; there are {', '.join(DIALECTS)}")
            row["routes"] = {dialect: prefix or ""}
            row.pop("lookup", None)
        if (way := wanted.pop("lookup", None)) is not None:
            row["lookup"] = _lookup(name, way, row.get("routes", {}))
        row.update(wanted)
        missing = [key for key in ("routes", "base_url", "api_key_env") if key not in row]
        if missing:
            words = ", ".join("dialect" if key == "routes" else key for key in missing)
            raise UsageError(f"{name} is not built in, and a provider of your own needs {words} too")
    return {name: _as_provider(name, row) for name, row in rows.items()}


def _lookup(name: str, way: str, routes: Mapping[str, str]) -> dict[str, str]:
    """The way of asking after a lost submit, for each route that knows it. Raises UsageError where none does."""
    able = LOOKUP_METHODS.get(way, {})
    if way != "none" and not able.keys() & routes.keys():
        raise UsageError(f"{name} cannot be asked by {way}: only {', '.join(able) or 'no wire format'} can")
    return {dialect: way for dialect in routes if dialect in able}


def _as_provider(name: str, row: Mapping[str, Any]) -> Provider:
    fields = {**row, "name": name, "base_url": str(row["base_url"]).rstrip("/")}
    try:
        return _PROVIDER.validate_python(fields)
    except ValidationError as exc:
        wrong = "; ".join(f"{error['loc'][-1]}: {error['msg']}" for error in exc.errors(include_input=False))
        raise UsageError(f"provider {name}: {wrong}") from None


@cache
def _provider_rows() -> dict[str, dict[str, Any]]:
    """The built-in rows, without routes in wire formats that this version does not speak."""
    rows = tomllib.loads(data("providers.toml"))
    for row in rows.values():
        row["routes"] = {dialect: prefix for dialect, prefix in row["routes"].items() if dialect in DIALECTS}
    return rows


_PROVIDER = TypeAdapter(Provider)
