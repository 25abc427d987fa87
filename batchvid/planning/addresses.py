"""Where a plan's jobs are bought, with which key, and whether the way there is encrypted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from batchvid.catalog import Provider
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import PAID_AND_OPEN, Job, JobState
from batchvid.errors import ManifestError


def used_providers(specs: Iterable[JobSpec], providers: Mapping[str, Provider]) -> tuple[Provider, ...]:
    """The providers that these jobs may be bought from, also as a fallback."""
    names = dict.fromkeys(name for spec in specs for name in (spec.provider, *(to.provider for to in spec.fallback)))
    return tuple(providers[name] for name in names if name in providers)


def describe_provider(provider: Provider) -> str:
    """`cometapi: https://api.cometapi.com, key in COMETAPI_KEY`; of a public host without a key, that none is sent."""
    if provider.is_embedded:
        return f"{provider.name}: the emulator, which the run starts; no key"
    address = urlsplit(provider.base_url)
    key = f"key in {' and '.join(provider.key_variables)}" if provider.key_variables else "no key"
    if provider.has_key and not provider.key_variables:
        key = "Google's application default credentials"
    if not provider.has_key and not provider.is_private:
        key = f"no key: nothing is sent to this public host that shows who calls{_unencrypted(address.scheme)}"
    return f"{provider.name}: {address.scheme}://{address.netloc.rpartition('@')[2]}, {key}"


def _unencrypted(scheme: str) -> str:
    return ", and the network can read prompts and clips" if scheme == "http" else ""


def check_encryption(used: Iterable[Provider], jobs: Iterable[Job], manifest: str) -> tuple[str, ...]:
    """One line for each provider that would get its key unencrypted over a public network.

    Raises ManifestError with those lines, unless an earlier run left tasks there: they are collected in any case, and
    the run buys nothing more there.
    """
    problems = {provider.name: provider.http_problem for provider in used if provider.http_problem}
    to_collect = {job.spec.provider for job in jobs if job.state in PAID_AND_OPEN | {JobState.UNCERTAIN}}
    lines = {name: f"providers.{name}: base_url: {problem}" for name, problem in problems.items()}
    if refused := [f"{manifest}: {line}" for name, line in lines.items() if name not in to_collect]:
        raise ManifestError(refused)
    return tuple(f"{line}. Nothing is bought there" for line in lines.values())
