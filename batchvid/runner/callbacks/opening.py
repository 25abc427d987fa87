"""Starts what receives the callbacks of a run, if it is to listen for them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from batchvid.catalog import Provider
from batchvid.known_keys import known_keys
from batchvid.net.credentials import Credentials
from batchvid.net.transport import Transport
from batchvid.runner.callbacks.addresses import SECRET_BYTES, CallbackAddresses, CallbackSettings
from batchvid.runner.callbacks.checks import SignatureCheck
from batchvid.runner.callbacks.receiver import CallbackReceiver
from batchvid.runner.callbacks.server import serving
from batchvid.state.readers import read_meta
from batchvid.state.state_file import StateFile

SECRET = "callback_secret"  # the name in the state file  # noqa: S105


@asynccontextmanager
async def open_callbacks(
    settings: CallbackSettings | None,
    state: StateFile,
    providers: Mapping[str, Provider],
    keys: Credentials,
    transport: Transport,
    notice: Callable[[str], None],
) -> AsyncIterator[CallbackReceiver | None]:
    """The receiver of the run's callbacks; None if it does not listen. Raises UsageError if it cannot listen there."""
    if settings is None:
        yield None
        return
    addresses = CallbackAddresses(settings.public_url, _secret(state))
    known_keys.add(addresses.beginning)  # no writer shows an address from now on

    def check_of(provider: str) -> SignatureCheck:
        row = providers[provider]
        return SignatureCheck(row, keys.callback_secret(row), transport)

    receiver = CallbackReceiver(addresses, check_of, notice)
    async with serving(receiver, settings):
        yield receiver
    if receiver.counts:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(receiver.counts.items()))
        notice(f"callbacks: {counts}")


def _secret(state: StateFile) -> bytes:
    """The secret of the batch's addresses, which a later run needs to know the tasks of this one."""
    stored = read_meta(state.path).get(SECRET)
    try:
        secret = bytes.fromhex(stored or "")
    except (TypeError, ValueError):
        secret = b""
    if len(secret) != SECRET_BYTES:
        secret = secrets.token_bytes(SECRET_BYTES)
        state.set_meta(**{SECRET: secret.hex()})
    return secret
