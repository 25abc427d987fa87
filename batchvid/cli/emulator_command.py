"""`emulator`: serve the embedded provider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8787, show_default=True, help="The port to listen on; 0 uses any free one.")
@click.option("--api-key", help="The only key that is accepted. Default: any key.")
@click.option("--life", help="How long tasks take: instant, polls:N, seconds:S, seconds:A-B, lognormal:MEDIAN,SIGMA.")
@click.option("--concurrency", type=int, help="Tasks in flight that a vendor allows; 0 means no limit.")
@click.option("--faults", type=click.Path(exists=True, dir_okay=False), help="A JSON file with a list of fault rules.")
@click.option("--state", "state_file", type=click.Path(dir_okay=False), help="A file to store the tasks in.")
@click.option("--set", "options", multiple=True, metavar="NAME=VALUE", help="Any other setting, such as link_ttl_s=60.")
def emulator(host: str, port: int, faults: str | None, options: tuple[str, ...], **values: str | int | None) -> None:
    """Serve the embedded provider until Ctrl-C.

    It serves every route of every provider at one address, with real clips and without cost. Set the base_url of a
    provider to it. GET /_emulator/ledger lists what was bought; PUT /_emulator/faults sets fault rules.
    """
    from pydantic import ValidationError

    from batchvid.emulator import FaultError, Settings, serve

    fields: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    fields.setdefault("life", "seconds:1-3")
    if faults:
        fields["faults"] = _json(Path(faults).read_text("utf-8"), faults)
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise click.UsageError(f"--set {option}: write NAME=VALUE")
        fields[name] = _json(value, None)
    try:
        settings = Settings.model_validate(fields)
        serve(settings, host, port, lambda url: click.echo(f"{url}  (ledger: {url}/_emulator/ledger; Ctrl-C ends it)"))
    except ValidationError as exc:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors(include_input=False))
        raise click.UsageError(problems) from None
    except (FaultError, ValueError, OSError) as exc:
        raise click.UsageError(str(exc)) from None


def _json(text: str, file: str | None) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError as exc:
        if file is None:
            return text  # a plain word
        raise click.UsageError(f"{file}: not JSON: {exc}") from None
