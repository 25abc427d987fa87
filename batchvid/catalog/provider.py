"""Providers as data: addresses, limits and wire formats, merged with those of a manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, TypeAdapter, ValidationError

from batchvid.catalog.account import Account, BalanceApi
from batchvid.catalog.authentication import Authentication
from batchvid.catalog.data_files import MODEL_DEFAULTS, MODEL_TABLES, provider_files
from batchvid.catalog.hosts import is_private_host
from batchvid.dialects import DIALECTS
from batchvid.dialects.api_paths import without_api_path
from batchvid.errors import UsageError
from batchvid.near_matches import did_you_mean

DEFAULT_PROVIDER = "cometapi"
DEFAULT_AUTH = Authentication()
CallbackSignature = Literal["none", "standard-webhooks", "openrouter", "llmgateway", "fal", "atlas"]
TIMEOUT_S = 3600.0  # clips take 2-5 minutes; after an hour a task is stalled
GRACE_S = 60.0  # how long a provider may not know a new task (wire-notes 6.3)
SUBMIT_READ_TIMEOUT_S = 180.0  # a gateway tries several channels behind one submit (wire-notes 4.6)
READ_TIMEOUT_S = 60.0  # without data, in a reply or a download
SUBMIT_TOTAL_TIMEOUT_S = 300.0  # the silence that is allowed, and two minutes for some kilobytes
TOTAL_TIMEOUT_S = 120.0  # the largest reply, 32 MB with an inline clip, at 2 Mbit/s


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider: it has the key, the limits and the bill.

    `routes` maps a dialect to its path prefix below `base_url`. `auth` is how calls are authenticated; without
    `api_key_env`, and without an `auth` that has variables of its own, no key is sent. `ca_file` holds further
    certificates to trust, as an absolute path; `proxy` is the address of an HTTP proxy, `proxy_env` the variable with
    one. `callback_signature` is how the provider signs callbacks, with the secret in the variable
    `callback_secret_env`, or with a key of the set at `callback_keys_url` (None: the vendor's).

    Limits are counts, per minute and per second as named; `model_concurrency` limits single models. `poll_every_s`
    overrides the poll interval of the models. `timeout_s` is how long a task may take, `queue_timeout_s` how long it
    may be queued (None: as long); the `model_` settings are for single models (see timeouts.py). `cancel` is until when
    a task can be cancelled. `wait_initial_s` is the first of the doubling waits after a refusal. `grace_s` is how long
    a new task may be unknown to the provider. A reply without data for `read_timeout_s`, for a submit
    `submit_read_timeout_s`, is lost; so is one that is not complete after `total_timeout_s`, for a submit
    `submit_total_timeout_s`. `max_clip_bytes` limits clips further than their duration does. `on_lost_submit`: hold an
    uncertain submit for a person, or buy again. `lookup` is the method for its lookup, by dialect
    (`Dialect.lookups`). With `allow_private_links` links to clips may lead into a private network.
    `moderates` is false for a server without a content filter: there an unexplained failure is no moderation.
    `send_key_to_own_links`: a link on the provider's own origin that refuses an anonymous request is tried again with
    the key. `allow_http` permits a public `base_url` without encryption. `unit_usd` is the worth of the
    vendor's own units, by the name that a dialect gives them (`Status.vendor_metadata`): only a provider that bills in
    them has it, not one that resells its tasks. `account` is how the pages of its account are reached, such as its bill
    or a list of tasks; `balance` is which pages tell the balance. `life` is the emulator's setting for the
    duration of tasks; `free` means that nothing is charged. An `emulator` without a base URL is started by the run.
    """

    name: str
    base_url: str
    routes: Mapping[str, str]
    api_key_env: str = ""
    auth: Authentication = DEFAULT_AUTH
    ca_file: str = ""
    proxy: str = ""
    proxy_env: str = ""
    callback_signature: CallbackSignature = "none"
    callback_secret_env: str = ""
    callback_keys_url: str = ""
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
    total_timeout_s: float = TOTAL_TIMEOUT_S
    submit_total_timeout_s: float = SUBMIT_TOTAL_TIMEOUT_S
    max_clip_bytes: int | None = None
    on_lost_submit: Literal["hold", "resubmit"] = "hold"
    lookup: Mapping[str, str] = field(default_factory=dict)
    allow_private_links: bool = False
    moderates: bool = True
    send_key_to_own_links: bool = True
    allow_http: bool = False
    unit_usd: Mapping[str, Decimal] = field(default_factory=dict)
    account: Account | None = None
    balance: BalanceApi = "none"
    life: str = ""
    free: bool = False

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @property
    def is_loopback(self) -> bool:
        """Whether its address is on this machine."""
        host = urlsplit(self.base_url).hostname or ""
        return host == "localhost" or host.startswith("127.") or host == "::1"

    @property
    def has_key(self) -> bool:
        """Whether its calls carry a key, or a token that is made of one."""
        return bool(self.api_key_env) or self.auth.type != "header"

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The names of the variables that hold its key."""
        return (self.api_key_env,) if self.api_key_env else self.auth.variables

    @property
    def is_private(self) -> bool:
        """Whether its address is certainly not in a public network."""
        return is_private_host(urlsplit(self.base_url).hostname or "")

    @property
    def is_elsewhere(self) -> bool:
        """Whether a built-in provider has an address in another public domain: what the vendor asks is unknown there.

        A private address is a proxy of the user's, or a rehearsal.
        """
        return _is_elsewhere(_provider_rows().get(self.name, {}).get("base_url", ""), self.base_url)

    @property
    def account_url(self) -> str:
        """The address of the account's pages."""
        return (self.account.url if self.account else "") or self.base_url

    @property
    def own_dialect(self) -> str:
        """The only wire format of a provider with exactly one: any model's name is an id there. Otherwise empty."""
        return next(iter(self.routes)) if len(self.routes) == 1 else ""

    @property
    def is_emulator(self) -> bool:
        """Whether it is the emulator by definition. Another provider may lead to one too: its replies show that."""
        return self.name == "emulator" and (self.is_loopback or not self.base_url)

    @property
    def is_rehearsal(self) -> bool:
        """Whether nothing is paid: the emulator, or any provider with an address on this machine."""
        return self.free or self.is_loopback

    @property
    def http_problem(self) -> str:
        """Why nothing is bought at this address: the key would cross a public network unencrypted; empty if fine.

        A proxy sees what is sent to an `http://` address.
        """
        addresses = [url for url in (self.base_url, self.account_url) if urlsplit(url).scheme == "http"]
        if self.allow_http or not addresses or not (self.has_key or (self.account and self.account.token_env)):
            return ""
        hops = [urlsplit(url) for url in (*addresses, self.proxy) if url]
        public = next((hop for hop in hops if not is_private_host(hop.hostname or "")), None)
        if public is None:
            return ""
        host = f"http://{public.netloc.rpartition('@')[2]}"
        return (
            f"{host} is a public host, and the key would be sent unencrypted: use https://, or write allow_http: true"
        )

    @property
    def is_embedded(self) -> bool:
        """Whether the run starts it: the emulator without an address."""
        return self.name == "emulator" and not self.base_url


def providers(overrides: Mapping[str, Mapping[str, Any]]) -> dict[str, Provider]:
    """The built-in providers, merged with a manifest's `providers:` section.

    An override may have any field of Provider (limits, `base_url`, `api_key_env`), and `dialect` with `prefix` for a
    provider that is not built in. `base_url` and `prefix` may end with what the paths of its wire formats begin with,
    `base_url` also with the prefix of a built-in provider, as in the address that its SDK takes.
    Raises UsageError for an invalid or incomplete provider.
    """
    rows: dict[str, dict[str, Any]] = {name: dict(row) for name, row in _provider_rows().items()}
    has_lookup: set[str] = set()
    for name, override in overrides.items():
        row = rows.setdefault(name, {})
        fields = {key: value for key, value in override.items() if value is not None}
        dialect, prefix = fields.pop("dialect", None), fields.pop("prefix", None)
        if dialect is not None:
            if dialect not in DIALECTS:
                hints = filter(None, (did_you_mean(dialect, DIALECTS), f"there are {', '.join(DIALECTS)}"))
                own = f"a wire format of your own is written as [dialects.{dialect}] in batchvid.toml"
                raise UsageError(f"unknown dialect {dialect!r}; {'; '.join((*hints, own))}")
            row["routes"] = {dialect: prefix or ""}
            row.pop("lookup", None)
        elif prefix is not None and "routes" in row:
            row["routes"] = {_only_route(name, row["routes"]): prefix}
        elif "base_url" in fields:
            fields["base_url"] = _without_prefix(str(fields["base_url"]), row.get("routes", {}))
        if (way := fields.pop("lookup", None)) is not None:
            row["lookup"] = _lookup(name, way, row.get("routes", {}))
            has_lookup.add(name)
        row = rows[name] = overridden(row, fields)
        missing = [key for key in ("routes", "base_url") if key not in row]
        if missing:
            words = ", ".join("dialect" if key == "routes" else key for key in missing)
            raise UsageError(f"{name} is not built in, and a provider of your own needs {words} too")
        if way == "account" and (row.get("account") or {}).get("api", "none") == "none":
            raise UsageError(f"{name}: lookup: account needs account: {{api: new-api, token_env: NAME}}")
    for name, row in rows.items():
        _add_stated(row, with_lookup=name not in has_lookup)
    return {name: _as_provider(name, row) for name, row in rows.items()}


def _only_route(name: str, routes: Mapping[str, str]) -> str:
    """The wire format that a prefix alone concerns. Raises UsageError if the provider speaks several."""
    if len(routes) > 1:
        raise UsageError(f"{name} speaks {', '.join(routes)}: write dialect beside prefix, to name the one you mean")
    return next(iter(routes))


def _without_prefix(base_url: str, routes: Mapping[str, str]) -> str:
    """The address without the prefix that all routes of a provider have.

    >>> _without_prefix("https://ark.example.com/api/v3/", {"ark": "/api/v3"})
    'https://ark.example.com'
    """
    prefixes = set(routes.values())
    return base_url.rstrip("/").removesuffix(prefixes.pop()) if len(prefixes) == 1 else base_url


def _add_stated(row: dict[str, Any], *, with_lookup: bool) -> None:
    """Add what the definition of a wire format states of its provider, unless the row states it itself."""
    for dialect in filter(DIALECTS.is_declared, row["routes"]):
        value = DIALECTS[dialect]
        if value.cancel_until != "none":
            row.setdefault("cancel", value.cancel_until)
        if with_lookup and value.lookups:
            row["lookup"] = {dialect: next(iter(value.lookups)), **row.get("lookup", {})}


def overridden(row: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The row with these fields, without what they replace: a way to authenticate, a proxy, a server's account.

    The account of a server with another address has no other `url`; in another public domain it has no known token.
    """
    kept = dict(row)
    replaced = set()
    if _is_token(fields.get("auth")):
        replaced.add("api_key_env")
    if "api_key_env" in fields and _is_token(row.get("auth")):
        replaced.add("auth")
    replaced |= {"proxy", "proxy_env"} if fields.keys() & {"proxy", "proxy_env"} else set()
    if (account := row.get("account")) and fields.get("base_url", row.get("base_url")) != row.get("base_url"):
        kept["account"] = {key: value for key, value in account.items() if key != "url"}
        if not kept["account"].get("token_env") or _is_elsewhere(row.get("base_url", ""), fields["base_url"]):
            replaced.add("account")
    return {key: value for key, value in kept.items() if key not in replaced} | dict(fields)


def _is_token(auth: Any) -> bool:
    """Whether this way to authenticate makes its own tokens, from other variables than `api_key_env`."""
    kind = auth.get("type", "header") if isinstance(auth, Mapping) else getattr(auth, "type", "header")
    return kind != "header"


def trim_base_url(base_url: str, dialects: Iterable[str]) -> str:
    """The address below which the paths of these dialects stand: without `/v1` or `/v1/videos` at its end.

    >>> trim_base_url("https://gw.example.com/v1/", ["openai-videos"])
    'https://gw.example.com'
    """
    scheme, separator, rest = base_url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host}{without_api_path(slash + path, dialects)}"


def _lookup(name: str, way: str, routes: Mapping[str, str]) -> dict[str, str]:
    """The lookup method after a lost submit, for each route that supports it. Raises UsageError if none does."""
    if way == "account":  # the account's list has no id of ours: the query by it is better
        return {one: "external_id" if "external_id" in DIALECTS[one].lookups else way for one in routes}
    able = [dialect for dialect, value in DIALECTS.items() if way in value.lookups]
    if way != "none" and not set(able) & routes.keys():
        raise UsageError(f"{name} does not support lookup by {way}: only {', '.join(able) or 'no wire format'} can")
    return {dialect: way for dialect in routes if dialect in able}


def _as_provider(name: str, row: Mapping[str, Any]) -> Provider:
    routes = {dialect: without_api_path(prefix, [dialect]) for dialect, prefix in row["routes"].items()}
    fields = {**row, "name": name, "base_url": trim_base_url(str(row["base_url"]), routes), "routes": routes}
    try:
        provider = _PROVIDER.validate_python(fields)
    except ValidationError as exc:
        wrong = "; ".join(f"{error['loc'][-1]}: {error['msg']}" for error in exc.errors(include_input=False))
        raise UsageError(f"provider {name}: {wrong}") from None
    if provider.auth.type != "header" and provider.api_key_env:
        raise UsageError(
            f"provider {name}: auth: type: {provider.auth.type} reads no api_key_env: remove one of the two"
        )
    if provider.proxy and provider.proxy_env:
        raise UsageError(f"provider {name}: has proxy and proxy_env: remove one of the two")
    if provider.is_elsewhere and row.get("unit_usd") == _provider_rows()[name].get("unit_usd"):
        return replace(provider, unit_usd={})  # what the vendor's units are worth there is as unknown as its prices
    return provider


@cache
def _provider_rows() -> dict[str, dict[str, Any]]:
    """The built-in rows, without routes in wire formats that this version does not support."""
    rows: dict[str, dict[str, Any]] = {}
    for name, table in provider_files().items():
        rows[name] = {key: value for key, value in table.items() if key not in (*MODEL_TABLES, *MODEL_DEFAULTS)}
        rows[name]["routes"] = {one: prefix for one, prefix in table["routes"].items() if one in DIALECTS}
    return rows


@lru_cache(maxsize=256)
def _is_elsewhere(built_in_url: str, base_url: str) -> bool:
    ours = urlsplit(built_in_url).hostname or ""
    host = urlsplit(base_url).hostname or ""
    return bool(ours) and host.split(".")[-2:] != ours.split(".")[-2:] and not is_private_host(host)


_PROVIDER = TypeAdapter(Provider)
