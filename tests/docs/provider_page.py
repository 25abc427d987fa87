"""docs/reference/providers.md: the built-in providers, made from their rows in the catalogue."""

from __future__ import annotations

from batchvid.catalog import Provider, built_in, providers
from batchvid.catalog.model_lookup import models_of
from tests.docs.markdown import GENERATED, table

INTRO = """# Providers

The built-in providers. `provider: NAME` in a manifest chooses one; its key is in the named variable or a `.env` file.
A manifest's `providers:` section and `batchvid.toml` change any field of a row, or add a provider of your own
([catalogue](catalogue.md), [your own server](../how-to/own-server.md), [a vendor that batchvid does not
know](../how-to/new-vendor.md)). Limits are defaults: an account may have others.

No row was tried with a paid account. The wire formats follow the vendors' own clients and pages, which [wire
notes](../wire-notes.md) name; start with one cheap clip.
"""
LOOKUPS = {
    "external_id": "by our own id",
    "list": "in its list of tasks",
    "idempotency": "by sending the same call again: the vendor makes no second task",
    "account": "in the account's list of tasks",
}


def page() -> str:
    """The whole page."""
    rows = [_row(provider) for provider in providers({}).values() if not provider.is_emulator]
    columns = (
        "provider", "address", "key", "wire formats", "at once", "submits a minute", "after a lost submit", "cancels",
        "models listed (with a price)",
    )  # fmt: skip
    return f"{GENERATED}\n\n{INTRO.strip()}\n\n{table(columns, rows)}\n"


def _row(provider: Provider) -> tuple[str, ...]:
    names = provider.auth.variables or filter(None, (provider.api_key_env,))
    lookups = {LOOKUPS[way] for way in provider.lookup.values()}
    sold = [model for model in models_of(built_in(), provider).rows.values() if model.dialect in provider.routes]
    return (
        f"`{provider.name}`",
        f"`{provider.base_url}`",
        ", ".join(f"`{name}`" for name in names),
        ", ".join(f"`{dialect}`" for dialect in provider.routes),
        str(provider.concurrency),
        f"{provider.submits_per_min:g}",
        "; ".join(sorted(lookups)) or "a person decides",
        {"none": "no", "queued": "queued tasks", "running": "queued and running tasks"}[provider.cancel],
        f"{len(sold)} ({sum(model.price is not None for model in sold)})",
    )
