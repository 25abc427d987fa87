"""Checks everything a run depends on: keys, addresses, clock, disk, permissions. Changes nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path

from batchvid import commands
from batchvid.catalog import Provider, find_model, remote_listing
from batchvid.commands.batch_lookup import open_target, output_directories
from batchvid.commands.event_loop import run_coroutine
from batchvid.commands.provider_checks import CheckResult, check_own_provider, check_provider
from batchvid.domain.wire import Response
from batchvid.errors import ManifestError, MissingExtra, UsageError, WireError
from batchvid.net.balances import read_balance
from batchvid.net.credentials import Credentials
from batchvid.paths import quoted
from batchvid.planning.availability import Availability
from batchvid.redaction import redact
from batchvid.runner import utc_now
from batchvid.runner.callbacks.checks import missing_for_check
from batchvid.state.lock import locks_are_kept
from batchvid.state.user_index import open_user_index

MAX_CLOCK_OFFSET_S = 60  # signed links and timeouts tolerate about a minute
CLIP_BYTES = 30_000_000  # a long clip at 1080p; most are smaller
MIN_FREE_BYTES = 1_000_000_000  # even for a few clips
OTHERS_MAY_READ = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTargets:
    """What is checked: providers with their wire formats, the folder with keys, the output folder, how many clips.

    `models` are the vendors' ids of the models by provider, `planned_usd` is what the plan costs there at most, as far
    as prices are known.
    """

    routes: Sequence[tuple[Provider, Sequence[str]]]
    models: Mapping[str, Sequence[str]]
    folder: Path | None
    out: Path
    clips: int
    planned_usd: Mapping[str, Decimal] = field(default_factory=dict)


def examine(target: str | None, *, out: str | Path | None = None) -> Iterator[CheckResult]:
    """Check everything a run of this manifest or batch needs; without one, every provider that needs a key or is own.

    Each provider gets a few free requests, at most six for its first route and three for each other one; one of the
    user's own gets one more, for its list of models.
    """
    targets = _without_manifest(Path.cwd(), output_directories(out)[0])
    if target is not None:
        try:
            targets = _with_manifest(target, out)
            yield CheckResult(what="manifest", found=f"{targets.clips} clips to buy")
        except ManifestError as exc:
            found = f"{len(exc.problems)} problem(s)"
            yield CheckResult(what="manifest", found=found, fix=f"batchvid validate {quoted(target)} shows them")
    yield _list_age()
    yield from _env_files(targets.folder)
    yield from _disk(targets.out, targets.clips)
    keys = Credentials(targets.folder)
    for problem in keys.problems:
        yield CheckResult(what=".env", found=problem, fix="correct that line; the other lines are used")
    for provider, dialects in targets.routes:
        yield from _provider(provider, dialects, keys, targets.models.get(provider.name, ()))
        if provider.balance != "none" and not provider.is_embedded:
            yield from _balance(provider, keys, targets.planned_usd.get(provider.name))


def _without_manifest(folder: Path, out: Path) -> CheckTargets:
    providers = (row for row in Availability(folder).providers.values() if row.has_key or row.own_dialect)
    routes = [(row, list(row.routes)[:1]) for row in providers]
    return CheckTargets(routes=routes, models={}, folder=None, out=out, clips=0)


def _with_manifest(target: str, out: str | Path | None) -> CheckTargets:
    batch = open_target(target, out=out)
    to_buy = commands.plan(batch).to_buy
    dialects: dict[str, dict[str, None]] = {}  # by provider, in order, each once
    models: dict[str, dict[str, None]] = {}
    for spec in (placed.spec for placed in batch.manifest.jobs):
        for route in (spec.asked, *spec.fallback):
            provider = batch.providers[route.provider]
            model = find_model(batch.models, route.model, provider)
            dialects.setdefault(provider.name, {})[model.dialect] = None
            models.setdefault(provider.name, {})[model.name] = None
    routes = [(batch.providers[name], list(names)) for name, names in dialects.items()]
    names = {provider: list(of_provider) for provider, of_provider in models.items()}
    folder = batch.manifest.folder
    planned_usd: dict[str, Decimal] = {}
    for job in to_buy:
        if job.price.usd is not None:
            planned_usd[job.spec.provider] = planned_usd.get(job.spec.provider, Decimal(0)) + job.price.usd
    return CheckTargets(
        routes=routes, models=names, folder=folder, out=batch.folder, clips=len(to_buy), planned_usd=planned_usd
    )


def _list_age() -> CheckResult:
    saved = ", ".join(f"{one.provider} ({one.fetched_on})" for one in remote_listing.load_all_saved())
    found = "built-in; batchvid models --refresh fetches current ones"
    if saved:
        found = f"fetched lists override the built-in prices of {saved}"
    return CheckResult(what="prices", found=found)


def _env_files(folder: Path | None) -> Iterator[CheckResult]:
    for file in dict.fromkeys(place.absolute() / ".env" for place in (folder, Path.cwd()) if place):
        if not file.is_file():
            continue
        is_readable_by_others = os.name == "posix" and file.stat().st_mode & OTHERS_MAY_READ
        yield CheckResult(
            what=".env",
            found=f"{file} can be read by others" if is_readable_by_others else f"{file} can be read only by you",
            fix=f"chmod 600 {file}" if is_readable_by_others else "",
        )


def _disk(out: Path, clips: int) -> Iterator[CheckResult]:
    existing = next(place for place in (out.absolute(), *out.absolute().parents) if place.is_dir())
    try:
        with tempfile.NamedTemporaryFile(dir=existing, prefix=".batchvid-doctor-"):
            pass
    except OSError as exc:
        fix = "allow writing there, or choose another --out"
        yield CheckResult(what="outputs", found=f"{existing}: {exc.strerror}", fix=fix)
    else:
        yield CheckResult(what="outputs", found=f"{existing} is writable")
        yield _lock(existing)
        yield _index()
    free, needed = shutil.disk_usage(existing).free, max(MIN_FREE_BYTES, clips * CLIP_BYTES)
    is_short = free < needed
    yield CheckResult(
        what="disk",
        found=f"{free / 1e9:.1f} GB are free" + (f", {needed / 1e9:.1f} GB may be needed" if is_short else ""),
        fix="free space, or choose another --out" if is_short else "",
    )


def _lock(folder: Path) -> CheckResult:
    try:
        is_kept = locks_are_kept(folder)
    except OSError as exc:
        return CheckResult(what="lock", found=f"{folder}: {exc}", fix="choose another --out")
    return CheckResult(
        what="lock",
        found="a second run of a batch is refused" if is_kept else f"{folder}: its file system does not lock files",
        fix=""
        if is_kept
        else "choose an --out on a local disk; until then start each batch once at a time: a second "
        "run stops the first one",
    )


def _index() -> CheckResult:
    """No fault: the checks inside the batch's folder remain."""
    index = open_user_index()
    index.check()
    index.close()
    missing = "cannot be used: an older copy of a whole folder is not recognized"
    found = f"{index.path or 'index'} {missing} ({index.error})" if index.error else f"{index.path} is writable"
    return CheckResult(what="purchases", found=found)


def _provider(
    provider: Provider, dialects: Sequence[str], keys: Credentials, models: Sequence[str]
) -> Iterator[CheckResult]:
    name = provider.name
    if provider.is_embedded:
        yield CheckResult(what=name, found="is started by the run and needs nothing")
        return
    try:
        access = keys.way_to(provider)
        yield from _way(provider)
    except UsageError as exc:
        fix = f"correct ca_file, proxy or proxy_env of providers.{name}"
        yield CheckResult(what=f"{name} way", found=str(exc), fix=fix)
        return
    try:
        access = keys.of(provider)
        yield CheckResult(what=f"{name} key", found=_key(provider) if provider.has_key else _no_key(provider))
    except UsageError as exc:
        yield CheckResult(what=f"{name} key", found=str(exc), fix=_fix_key(provider, exc))
    yield from _callbacks(provider, keys)
    yield _address(provider)
    try:
        reply, results = run_coroutine(check_provider(provider, dialects, access))
    except WireError as exc:
        fix = "check the address, your network and its firewall"
        yield CheckResult(what=f"{name} reachable", found=redact(str(exc)), fix=fix)
    else:
        yield from results
        if provider.own_dialect and results[0].is_ok:
            yield from run_coroutine(check_own_provider(provider, models, access))
        yield from _clock(name, reply, utc_now())


def _balance(provider: Provider, keys: Credentials, planned_usd: Decimal | None) -> Iterator[CheckResult]:
    """The balance beside the known part of the plan's price. One that cannot be read is no fault."""
    what = f"{provider.name} balance"
    try:
        balance_usd = run_coroutine(read_balance(provider, keys.of(provider)))
    except UsageError:
        return  # the missing key is reported already
    except WireError as exc:
        yield CheckResult(what=what, found=f"could not be read: {redact(str(exc))}", is_open=True)
        return
    found = "unlimited" if balance_usd is None else f"${balance_usd:.2f}"
    if planned_usd is None:
        yield CheckResult(what=what, found=found)
        return
    is_short = balance_usd is not None and balance_usd < planned_usd
    yield CheckResult(
        what=what,
        found=f"{found}; the plan costs up to ${planned_usd:.2f} there",
        fix="top up the account, or limit the run: batchvid run --limit N" if is_short else "",
    )


def _way(provider: Provider) -> Iterator[CheckResult]:
    if provider.ca_file:
        yield CheckResult(what=f"{provider.name} ca_file", found=f"{provider.ca_file} is trusted too")
    if provider.proxy or provider.proxy_env:
        found = provider.proxy or f"calls go through the proxy in {provider.proxy_env}"
        yield CheckResult(what=f"{provider.name} proxy", found=found)


def _callbacks(provider: Provider, keys: Credentials) -> Iterator[CheckResult]:
    """No fault: callbacks that are not checked only have a task polled, and most runs do not listen."""
    if provider.callback_signature == "none":
        return
    how = missing_for_check(provider, keys.callback_secret(provider))
    found = f"cannot be checked: {how}" if how else f"are checked ({provider.callback_signature})"
    yield CheckResult(what=f"{provider.name} callbacks", found=found, is_open=bool(how))


def _key(provider: Provider) -> str:
    if not provider.key_variables:
        return "the machine's own Google credentials"
    return f"{' and '.join(provider.key_variables)} {'is' if len(provider.key_variables) == 1 else 'are'} set"


def _fix_key(provider: Provider, exc: UsageError) -> str:
    if isinstance(exc, MissingExtra):
        return exc.install
    return f"export {' '.join(f'{name}=...' for name in provider.key_variables)}, or put it into .env"


def _no_key(provider: Provider) -> str:
    where = "" if provider.is_private else ", although its host is public"
    return f"none is named in api_key_env: calls go without one{where}" if provider.own_dialect else "none is needed"


def _address(provider: Provider) -> CheckResult:
    return CheckResult(what=f"{provider.name} address", found=provider.base_url, fix=provider.http_problem)


def _clock(name: str, reply: Response, now: datetime) -> Iterator[CheckResult]:
    try:
        their_time = parsedate_to_datetime(reply.headers.get("date", ""))
        offset_s = (now - their_time).total_seconds()
    except (TypeError, ValueError):  # no date, or one without a time zone
        return
    if abs(offset_s) <= MAX_CLOCK_OFFSET_S:
        yield CheckResult(what="clock", found=f"agrees with {name}")
        return
    yield CheckResult(
        what="clock",
        found=f"{abs(offset_s):.0f} s {'ahead of' if offset_s > 0 else 'behind'} {name}",
        fix="set this machine's clock, for example with NTP",
    )
