"""Looks at all that a run hangs on before it is started: keys, addresses, clock, disk, rights. Changes nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from batchvid import commands
from batchvid.catalog import Provider, remote_listing
from batchvid.domain.wire import Response
from batchvid.errors import ManifestError, UsageError, WireError
from batchvid.net.credentials import Credentials
from batchvid.net.provider_probe import ask
from batchvid.planning.availability import Availability
from batchvid.runner import utc_now

CLOCK_OFF_S = 60  # signed links and deadlines bear about a minute
CLIP_BYTES = 30_000_000  # a long clip at 1080p; most are smaller
FREE_BYTES = 1_000_000_000  # what should be free even for a handful of clips
OTHERS_MAY_READ = 0o077
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One thing looked at: whether it is well, what was found, and how to mend it where it is not."""

    what: str
    said: str
    mend: str = ""

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to mend."""
        return not self.mend


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTargets:
    """What is looked at: the providers that would be asked, where keys are looked for, where clips go."""

    providers: tuple[Provider, ...]
    folder: Path | None
    out: Path
    clips: int


def examine(manifest: str | None, *, out: str | Path = "outputs") -> Iterator[CheckResult]:
    """Look at everything a run of this manifest needs; without one, at every provider that wants a key.

    Each provider is asked one free question.
    """
    patient = _without_manifest(Path.cwd(), Path(out))
    if manifest is not None:
        try:
            patient = _with_manifest(manifest, out)
            yield CheckResult(what="manifest", said=f"{patient.clips} clips to buy")
        except ManifestError as exc:
            said = f"{len(exc.problems)} problem(s)"
            yield CheckResult(what="manifest", said=said, mend=f"batchvid validate {manifest} shows them")
    yield _list_age()
    yield from _env_files(patient.folder)
    yield from _disk(patient.out, patient.clips)
    keys = Credentials(patient.folder)
    for provider in patient.providers:
        yield from _provider(provider, keys)


def _without_manifest(folder: Path, out: Path) -> CheckTargets:
    providers = tuple(row for row in Availability(folder).providers.values() if row.api_key_env)
    return CheckTargets(providers=providers, folder=None, out=out, clips=0)


def _with_manifest(manifest: str, out: str | Path) -> CheckTargets:
    batch = commands.load(manifest, out=out)
    to_buy = commands.plan(batch).to_buy
    specs = [placed.spec for placed in batch.manifest.jobs]
    names = dict.fromkeys(
        [spec.provider for spec in specs] + [other.provider for spec in specs for other in spec.fallback]
    )
    providers = tuple(batch.providers[name] for name in names)
    return CheckTargets(providers=providers, folder=batch.manifest.folder, out=batch.folder, clips=len(to_buy))


def _list_age() -> CheckResult:
    kept = remote_listing.kept(remote_listing.cache_file())
    said = f"the list of {kept.fetched_on} lies over the built-in one" if kept else "built-in; --refresh fetches them"
    return CheckResult(what="prices", said=said)


def _env_files(folder: Path | None) -> Iterator[CheckResult]:
    for file in dict.fromkeys(place.absolute() / ".env" for place in (folder, Path.cwd()) if place):
        if not file.is_file():
            continue
        open_to_others = os.name == "posix" and file.stat().st_mode & OTHERS_MAY_READ
        yield CheckResult(
            what=".env",
            said=f"{file} can be read by others" if open_to_others else f"{file} is yours alone",
            mend=f"chmod 600 {file}" if open_to_others else "",
        )


def _disk(out: Path, clips: int) -> Iterator[CheckResult]:
    there = next(place for place in (out.absolute(), *out.absolute().parents) if place.is_dir())
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".batchvid-doctor-"):
            pass
    except OSError as exc:
        mend = "give yourself the right to write there, or choose another --out"
        yield CheckResult(what="outputs", said=f"{there}: {exc.strerror}", mend=mend)
    else:
        yield CheckResult(what="outputs", said=f"{there} can be written to")
    free, wanted = shutil.disk_usage(there).free, max(FREE_BYTES, clips * CLIP_BYTES)
    short = free < wanted
    yield CheckResult(
        what="disk",
        said=f"{free / 1e9:.1f} GB are free" + (f", {wanted / 1e9:.1f} GB may be needed" if short else ""),
        mend="make room, or choose another --out" if short else "",
    )


def _provider(provider: Provider, keys: Credentials) -> Iterator[CheckResult]:
    name = provider.name
    if provider.is_embedded:
        yield CheckResult(what=name, said="is started by the run itself and needs nothing")
        return
    key = ""
    try:
        key = keys.of(provider).get_secret_value()
        yield CheckResult(what=f"{name} key", said=f"{provider.api_key_env} is set" if key else "none is needed")
    except UsageError as exc:
        yield CheckResult(
            what=f"{name} key", said=str(exc), mend=f"export {provider.api_key_env}=..., or put it into .env"
        )
    yield _address(provider)
    try:
        reply = asyncio.run(ask(provider, key))
    except WireError as exc:
        mend = "check the address, your network and its firewall"
        yield CheckResult(what=f"{name} reachable", said=str(exc), mend=mend)
    else:
        yield _answer(provider, reply, has_key=bool(key))
        yield from _clock(name, reply, utc_now())


def _address(provider: Provider) -> CheckResult:
    parts = urlsplit(provider.base_url)
    mend = ""
    if parts.scheme != "https" and parts.hostname not in _LOCAL:
        mend = "use https://: the key would cross the network in the clear"
    elif "v1" in parts.path.split("/"):
        mend = "leave /v1 and what follows out of base_url: each wire format adds its own path"
    return CheckResult(what=f"{provider.name} address", said=provider.base_url, mend=mend)


def _answer(provider: Provider, reply: Response, *, has_key: bool) -> CheckResult:
    mend = ""
    if has_key and reply.status in (401, 403):
        mend = f"the key in {provider.api_key_env} is refused: copy it anew, or make a new one"
    elif 300 <= reply.status < 400:
        mend = "base_url points at something that sends us elsewhere: give the address of the API itself"
    elif reply.status >= 500:
        mend = "the provider has trouble of its own: try later"
    return CheckResult(what=f"{provider.name} reachable", said=f"answers HTTP {reply.status}", mend=mend)


def _clock(name: str, reply: Response, now: datetime) -> Iterator[CheckResult]:
    try:
        theirs = parsedate_to_datetime(reply.headers.get("date", ""))
        off_s = (now - theirs).total_seconds()
    except (TypeError, ValueError):  # it says no time, or one without a zone
        return
    wrong = abs(off_s) > CLOCK_OFF_S
    yield CheckResult(
        what="clock",
        said=f"{abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} {name}" if wrong else f"agrees with {name}",
        mend="set this machine's clock, best by a time service" if wrong else "",
    )
