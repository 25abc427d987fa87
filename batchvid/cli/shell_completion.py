"""What the shell completes: manifests, batches, job ids, kinds of failures, models. An error completes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import click
from click.shell_completion import CompletionItem

MAX_FOLDERS = 50  # that are searched for manifests one level deeper

_SHELL = "_BATCHVID_COMPLETE"  # set by the completion script of a shell
_NEEDS_ESCAPE = re.compile(r"[^\w./:@%+,=-]")

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _quiet(find: Callable[[click.Context, str], Iterator[CompletionItem]]) -> Completer:
    """A completer that keeps what fits, and shows no error: a shell would print it into the command line."""

    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        found: list[CompletionItem] = []
        with suppress(Exception):
            found += (item for item in find(context, incomplete) if str(item.value).startswith(incomplete))
        return [_escaped(item) for item in found] if os.environ.get(_SHELL) == "bash_complete" else found

    return complete


def _escaped(item: CompletionItem) -> CompletionItem:
    """The item as bash needs it: bash inserts the text as it is, other shells escape it themselves."""
    return CompletionItem(_NEEDS_ESCAPE.sub(r"\\\\\g<0>", str(item.value)), type=item.type, help=item.help)


def _manifests(_context: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    from batchvid.commands.batch_lookup import manifests_below

    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    found = manifests_below(folder)
    folders = (entry for entry in sorted(folder.iterdir()) if entry.is_dir() and not entry.name.startswith("."))
    for below in islice((entry for entry in folders if str(entry).startswith(incomplete)), MAX_FOLDERS):
        found += manifests_below(below)
    yield from (CompletionItem(str(file), help="manifest") for file in found)


def _targets(context: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    from batchvid.commands.batch_lookup import known_names

    yield from _manifests(context, incomplete)
    yield from (CompletionItem(name, help="batch") for name in known_names(context.params.get("out")))


def _jobs(context: click.Context, _incomplete: str) -> Iterator[CompletionItem]:
    from batchvid.cli.targets import folder_of
    from batchvid.paths import BatchPaths
    from batchvid.state.readers import read_jobs

    target = context.params.get("batch") or context.params.get("target")
    jobs = read_jobs(BatchPaths(folder_of(target, context.params.get("out"))).state)
    chosen = set(context.params.get("jobs") or ())
    yield from (CompletionItem(job.id, help=str(job.state)) for job in jobs if job.id not in chosen)


def _kinds(_context: click.Context, _incomplete: str) -> Iterator[CompletionItem]:
    from batchvid.domain.failures import FailureKind

    yield from (CompletionItem(str(kind)) for kind in FailureKind)


def _commands(context: click.Context, _incomplete: str) -> Iterator[CompletionItem]:
    group = context.find_root().command
    names = group.list_commands(context) if isinstance(group, click.Group) else []
    yield from (CompletionItem(name) for name in names)


def _models(_context: click.Context, _incomplete: str) -> Iterator[CompletionItem]:
    from batchvid.catalog import load_models

    yield from (CompletionItem(name, help=model.dialect) for name, model in load_models(Path.cwd()).rows.items())


complete_command = _quiet(_commands)
complete_target = _quiet(_targets)
complete_job = _quiet(_jobs)
complete_kind = _quiet(_kinds)
complete_model = _quiet(_models)


def complete_directory(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Directories, which the shell lists itself."""
    return [CompletionItem(incomplete, type="dir")]
