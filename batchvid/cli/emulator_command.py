"""`emulator`: serve the embedded provider by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback unless you know why not.")
@click.option("--port", default=8787, show_default=True, help="0 takes any free one.")
@click.option("--api-key", help="The only key it takes; without it any key will do.")
@click.option("--life", help="How long tasks take: instant, polls:N, seconds:S, seconds:A-B, lognormal:MEDIAN,SIGMA.")
@click.option("--concurrency", type=int, help="Tasks in flight that a vendor allows; 0 is no limit.")
@click.option("--faults", type=click.Path(exists=True, dir_okay=False), help="A JSON file with a list of fault rules.")
@click.option("--state", "state_file", type=click.Path(dir_okay=False), help="Keep tasks here, known after a restart.")
@click.option(
    "--set", "dials", multiple=True, metavar="DIAL=VALUE", help="Any other dial: link_ttl_s=60, render=shared."
)
def emulator(host: str, port: int, faults: str | None, dials: tuple[str, ...], **said: str | int | None) -> None:
    """Serve the embedded provider by hand.

    Every route of every provider stands on one address, with real clips and no bill, until Ctrl-C. Point the base_url
    of a provider at it. What was bought is told at GET /_emulator/ledger; fault rules are set at PUT
    /_emulator/faults.
    """
    from pydantic import ValidationError

    from batchvid.emulator import FaultError, Settings, serve

    wanted: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    wanted.setdefault("life", "seconds:1-3")
    if faults:
        wanted["faults"] = _json(Path(faults).read_text("utf-8"), faults)
    for dial in dials:
        name, equals, value = dial.partition("=")
        if not equals:
            raise click.UsageError(f"--set {dial}: say DIAL=VALUE")
        wanted[name] = _json(value, None)
    try:
        settings = Settings.model_validate(wanted)
        serve(settings, host, port, lambda url: click.echo(f"{url}  (ledger: {url}/_emulator/ledger; Ctrl-C ends it)"))
    except ValidationError as exc:
        said_wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors(include_input=False))
        raise click.UsageError(said_wrong) from None
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
