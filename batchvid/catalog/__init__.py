"""What can be bought and from whom: models and providers as data, and their reader. Nothing here talks to anybody."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from batchvid.dialects import DIALECTS
from batchvid.errors import UsageError
from batchvid.specs import UNPRICED, Price

DEFAULT_PROVIDER = "cometapi"
POLL_EVERY_S = 10.0  # what CometAPI's own samples use; new-api refreshes only every 15 s (wire-cometapi 6.2)
TIMEOUT_S = 3600.0  # clips take 2-5 minutes; an hour is a stall, not a slow clip


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """What a clip costs, in USD: per second of the billed duration, or per clip (the upper end of a range)."""

    as_of: str
    source: str
    usd_per_s: Decimal | None = None
    usd_per_clip: Decimal | None = None
    lowest_usd_per_clip: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model: how it is spoken to, what it can do, what it costs. `name` is its id on the wire too.

    Empty tuples mean "not known here": the vendor decides. `images` is how many of each role a request may carry,
    None where that is not known either.
    """

    name: str
    dialect: str
    durations_s: tuple[float, ...] = ()
    default_duration_s: float | None = None
    aspect_ratios: tuple[str, ...] = ()
    images: Mapping[str, int] | None = None
    image_required: bool = False
    poll_every_s: float = POLL_EVERY_S
    price: ModelPrice | None = None

    def billed_duration_s(self, wish_s: float | None) -> float | None:
        """The step that a wish of so many seconds buys: the nearest one, the shorter of two equally near."""
        if wish_s is None:
            return self.default_duration_s
        if not self.durations_s:
            return wish_s
        return min(self.durations_s, key=lambda step: (abs(step - wish_s), step))

    def price_of(self, duration_s: float | None) -> Price:
        """The most that one clip of this billed duration may cost."""
        if self.price is None:
            return UNPRICED
        said = f"{self.price.source}, {self.price.as_of}"
        if self.price.usd_per_clip is not None:
            ranged = self.price.lowest_usd_per_clip is not None
            return Price(usd=self.price.usd_per_clip, basis=f"at most: {said}" if ranged else f"estimate: {said}")
        if self.price.usd_per_s is not None and duration_s is not None:
            return Price(usd=self.price.usd_per_s * Decimal(str(duration_s)), basis=f"estimate: {said}")
        return UNPRICED


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who holds the key, the limits and the bill.

    `routes` maps a dialect to its path prefix below `base_url`. Limits are counts, per minute and per second as named;
    `model_concurrency` narrows single models. `poll_every_s` overrules the models' cadence. `timeout_s` is how long a
    task may take from submit to verdict. `first_wait_s` is the first of the doubling waits after a refusal.
    `on_lost_submit` says what is done about an uncertain submit: hold it for a person, or buy again. `life` is the
    emulator's dial for how long its tasks take; `free` means that nothing is charged. An `emulator` without a base
    URL is started by the run itself.
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
    model_concurrency: Mapping[str, int] = field(default_factory=dict)
    first_wait_s: float = 2.0
    on_lost_submit: Literal["hold", "resubmit"] = "hold"
    life: str = ""
    free: bool = False

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @property
    def is_embedded(self) -> bool:
        """Whether the run has to start it: the emulator, when nobody says where one is running."""
        return self.name == "emulator" and not self.base_url


def find_model(name: str) -> Model:
    """The model of that name; `dialect/vendor-id` names any model of a known dialect, without limits or price.

    Raises UsageError, with near names, for anything else.
    """
    known = _models()
    if name in known:
        return known[name]
    dialect, slash, vendor_id = name.partition("/")
    if slash and vendor_id and dialect in DIALECTS:
        listed = known.get(vendor_id)
        return listed if listed and listed.dialect == dialect else Model(name=vendor_id, dialect=dialect)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known)
    raise UsageError(
        f"unknown model {name!r}; did you mean {', '.join(near)}? "
        f"Any other model of a known wire format is written {'|'.join(DIALECTS)}/its-id"
    )


def vendor_id(name: str) -> str:
    """The model's id on the wire, whether it was written with its dialect or without."""
    return name.partition("/")[2] or name


def poll_every_s(provider: Provider, model: str) -> float:
    """How often to ask this provider about a task of this model, in seconds; for models no longer known, too."""
    if provider.poll_every_s is not None:
        return provider.poll_every_s
    known = _models().get(model)
    return known.poll_every_s if known else POLL_EVERY_S


def model_names() -> tuple[str, ...]:
    """The models that have a row of their own."""
    return tuple(_models())


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
        row.update(wanted)
        missing = [key for key in ("routes", "base_url", "api_key_env") if key not in row]
        if missing:
            words = ", ".join("dialect" if key == "routes" else key for key in missing)
            raise UsageError(f"{name} is not built in, and a provider of your own needs {words} too")
    return {name: _as_provider(name, row) for name, row in rows.items()}


def _as_provider(name: str, row: Mapping[str, Any]) -> Provider:
    fields = {**row, "name": name, "base_url": str(row["base_url"]).rstrip("/")}
    try:
        return _PROVIDER.validate_python(fields)
    except ValidationError as fault:
        wrong = "; ".join(f"{error['loc'][-1]}: {error['msg']}" for error in fault.errors(include_input=False))
        raise UsageError(f"provider {name}: {wrong}") from None


@cache
def _models() -> dict[str, Model]:
    rows = tomllib.loads(_data("models.toml"), parse_float=Decimal)
    return {name: _MODEL.validate_python({**row, "name": name}) for name, row in rows.items()}


@cache
def _provider_rows() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_data("providers.toml"))


def _data(filename: str) -> str:
    return resources.files(__package__).joinpath(filename).read_text("utf-8")


_MODEL = TypeAdapter(Model)
_PROVIDER = TypeAdapter(Provider)
