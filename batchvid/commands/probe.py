"""Finds the wire format of a server by free requests, and the lines for `providers:` that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from batchvid import catalog
from batchvid.catalog import Provider, cometapi_listing, remote_listing
from batchvid.catalog.provider import trim_base_url
from batchvid.commands.event_loop import run_coroutine
from batchvid.dialects import DIALECTS
from batchvid.dialects.recognition import (
    NOWHERE,
    Recognized,
    Sureness,
    more_requests,
    probe_requests,
    recognize,
    wants_key,
)
from batchvid.dialects.server_hints import MODEL_LIST, hints_of, model_rows
from batchvid.domain.wire import Request, Response
from batchvid.errors import UnreadableReply, UsageError
from batchvid.manifest.schema.key_types import BaseUrl, KeyName
from batchvid.net.credentials import EMULATOR_KEY, Credentials
from batchvid.net.provider_probe import send_all
from batchvid.redaction import redact

PLACEHOLDER = "GW_KEY"
NAME = "own"
_BASE_URL: TypeAdapter[str] = TypeAdapter(BaseUrl)
_KEY_NAME: TypeAdapter[str] = TypeAdapter(KeyName)
_PRICES = Request(method="GET", path=cometapi_listing.PATH)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What a server was found to speak. `problem` says why nothing, or not more, could be found; empty if all could."""

    base_url: str
    calls: int
    formats: tuple[Recognized, ...]
    models: tuple[str, ...] = ()
    is_emulator: bool = False
    key_env: str = ""
    problem: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether a format fits certainly or likely."""
        return bool(self.formats) and self.formats[0].sureness is not Sureness.POSSIBLE

    @property
    def best(self) -> tuple[Recognized, ...]:
        """The formats that are as sure as the surest."""
        return tuple(one for one in self.formats if one.sureness is self.formats[0].sureness)

    def lines(self) -> list[str]:
        """The lines of a manifest for each of the best formats."""
        found = ["providers:"]
        for number, one in enumerate(self.best, 1):
            repeated = any(other.dialect == one.dialect for other in self.best[: number - 1])
            name = NAME if len(self.best) == 1 else f"{NAME}-{one.dialect}{f'-{number}' if repeated else ''}"
            found += [f"  {name}:", f"    dialect: {one.dialect}", f"    base_url: {self.base_url}"]
            found += [f"    prefix: {one.prefix}"] if one.prefix else []
            found += [f"    api_key_env: {self.key_env}"] if self.key_env else []
        return found


def probe_server(url: str, *, key_env: str = "") -> ProbeResult:
    """Ask a server what it speaks: only GET requests, which buy nothing. The key goes to that address only.

    `key_env` names the variable that holds the key. Raises UsageError for a wrong address or a missing key, WireError
    if the server does not reply.
    """
    base_url = trim_base_url(_checked(url, "URL", _BASE_URL), DIALECTS.coded)
    row = {"dialect": "openai-videos", "base_url": base_url}
    if key_env:
        row["api_key_env"] = _checked(key_env, "--key-env", _KEY_NAME)
    provider = catalog.providers({NAME: row})[NAME]
    if provider.http_problem:
        raise UsageError(f"{provider.http_problem.partition(': use')[0]}: use https://")
    access = Credentials().of(provider)
    relays = _known_prefixes()
    requests = {**probe_requests(relays), _PRICES.path: _PRICES}
    replies = run_coroutine(send_all(base_url, requests, access))
    calls = len(requests)
    if any(reply.is_emulator for reply in replies.values()):
        relays = _known_prefixes(of_emulator=True)
        requests = {**probe_requests(relays), _PRICES.path: _PRICES}
        if not access.has_key and provider.is_loopback:
            access = access.with_key(EMULATOR_KEY)
        replies = run_coroutine(send_all(base_url, requests, access))
        calls += len(requests)
    result = _result(provider, replies, calls, relays)
    if result.formats and result.formats[0].sureness is Sureness.CERTAIN and not result.is_emulator:
        return result
    more = more_requests(relays if result.is_emulator else {})
    requests = {path: request for path, request in more.items() if path not in replies}
    replies |= run_coroutine(send_all(base_url, requests, access))
    return _result(provider, replies, calls + len(requests), relays)


def _result(
    provider: Provider, replies: Mapping[str, Response], calls: int, relays: dict[str, list[str]]
) -> ProbeResult:
    hints = hints_of(replies, _listed(replies.get(_PRICES.path)))
    formats = recognize(replies, relays, hints, base_path=urlsplit(provider.base_url).path)
    key_env = provider.api_key_env
    wanting = [one.needs_key for one in formats]  # with a key, a format that takes another kind of key proves nothing
    refused = wants_key(replies) or (any(wanting) and (all(wanting) or not key_env))
    is_emulator = any(reply.is_emulator for reply in replies.values())
    if refused and not key_env and not is_emulator:
        key_env = PLACEHOLDER
    return ProbeResult(
        base_url=provider.base_url,
        calls=calls,
        formats=tuple(_redacted(one) for one in formats),
        models=tuple(redact(str(row["id"])) for row in model_rows(replies.get(MODEL_LIST))),
        is_emulator=is_emulator,
        key_env=key_env,
        problem=_problem(provider, replies, formats, refused=refused),
    )


def _problem(provider: Provider, replies: Mapping[str, Response], formats: list[Recognized], *, refused: bool) -> str:
    nowhere = replies[NOWHERE]
    if refused and provider.api_key_env:
        return f"the key in {provider.api_key_env} is refused: copy it again, or create a new one"
    if refused:
        return "the server wants a key: write its variable's name, --key-env NAME, and probe again"
    if formats:
        return ""
    if 300 <= nowhere.status < 400:
        return "the address redirects to another one, which probe does not follow: use the address of the API"
    if nowhere.status == 403:
        return "the server refuses every call with HTTP 403: something in front of it may block this machine"
    if nowhere.status >= 500 or nowhere.status == 429:
        return f"the server answers HTTP {nowhere.status}: try later"
    return "no wire format fits: check the address, and whether the server has an API for videos at all"


def _listed(reply: Response | None) -> list[str]:
    """The dialects of the endpoints that a price list like CometAPI's names."""
    if reply is None or reply.status != 200:
        return []
    try:
        page = remote_listing.read_page(reply.body)
    except UnreadableReply:
        return []
    return sorted({cometapi_listing.dialect_of(row) for row in cometapi_listing.video_rows(page.rows)})


def _known_prefixes(*, of_emulator: bool = False) -> dict[str, list[str]]:
    """Below which prefixes the built-in providers have each dialect: relays have taken them over.

    A vendor's own row has its dialect at the root, where others may have another. The emulator has a prefix of its own
    for each vendor, which nobody else has.
    """
    built_in = [row for row in catalog.providers({}).values() if of_emulator or not row.is_emulator]
    known = {
        dialect: dict.fromkeys(row.routes[dialect] for row in built_in if dialect in row.routes) for dialect in DIALECTS
    }
    return {dialect: [prefix for prefix in found if prefix] or list(found) for dialect, found in known.items()}


def _redacted(one: Recognized) -> Recognized:
    return replace(one, evidence=tuple(redact(reason) for reason in one.evidence))


def _checked(value: str, option: str, kind: TypeAdapter[str]) -> str:
    try:
        return kind.validate_python(value)
    except ValidationError as exc:
        message = exc.errors(include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"{option}: {message}") from None
