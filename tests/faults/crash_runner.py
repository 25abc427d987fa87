"""Runs that die at a chosen moment, each in a process of its own.

They are forked from a process that has imported all this already, so that hundreds of deaths are cheap. Nothing of
batchvid is replaced: death comes from a listener, from the interpreter's audit of file operations, or from the system's
own limit on the size of a file.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchvid import commands
from batchvid.catalog import Provider
from batchvid.cli.main import main
from batchvid.commands import Batch
from batchvid.paths import BatchPaths
from tests.end_to_end.kill_after_events import Killer
from tests.faults import all_formats

FILE_ACTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir"})
PART = ".part"
CAPABILITIES_V3 = 0x20080522  # linux/capability.h
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])

Target = Callable[..., None]


def start(target: Target, batch: Batch, *args: Any) -> multiprocessing.process.BaseProcess:
    """Start one of the runs below on this batch, which reads its manifest anew there."""
    process = _FORKS.Process(target=_child, args=(target, batch.manifest.path, batch.folder, batch.providers, args))
    process.start()
    return process


def death(target: Target, batch: Batch, *args: Any) -> int:
    """The signal that one of the runs below died of; 0 when all went well."""
    process = start(target, batch, *args)
    process.join()
    code = process.exitcode or 0
    process.close()
    return -code


def told_without_rights(args: Sequence[str], log: Path) -> tuple[int, str]:
    """The exit code of a command and what it says, for somebody who may only write where the mode of a file allows it.

    Root may write anywhere: these rights are given up first. `log` is where its words go.
    """
    process = _FORKS.Process(target=_command_without_rights, args=(list(args), log, dict(os.environ)))
    process.start()
    process.join()
    return process.exitcode or 0, log.read_text("utf-8")


def dies_after(batch: Batch, events: int) -> None:
    """Killed right after so many recorded events."""
    _run(batch, lambda jobs: Killer(jobs, events))


def dies_at_file_act(batch: Batch, count: int) -> None:
    """Killed right before the act of that number, from 0, on a file or folder below `clips/`."""
    left = count

    def at_each(_path: str) -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    _watch_clips(batch, at_each)
    _run(batch)


def dies_at_byte(batch: Batch, size: int) -> None:
    """Ended by the system when a file would grow beyond that size, once the first clip begins to arrive."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python would make an OSError of it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def at_each(path: str) -> None:
        if PART in path:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    _watch_clips(batch, at_each)
    _run(batch)


def lives(batch: Batch) -> None:
    """Runs to its end, unless somebody else kills it."""
    _run(batch)


def _child(
    target: Target, manifest: Path, folder: Path, providers: Mapping[str, Provider], args: tuple[Any, ...]
) -> None:
    os.environ.update(all_formats.ENVIRONMENT)
    target(replace(commands.load(manifest, new_batch=True), folder=folder, providers=providers), *args)


def _run(batch: Batch, display: commands.Display = all_formats.silent) -> None:
    sys.exit(commands.run(batch, allow_retired=True, display=display).exit_code)


def _command_without_rights(args: list[str], log: Path, environment: dict[str, str]) -> None:
    os.environ.update(environment | all_formats.ENVIRONMENT)  # the server of forks has that of an earlier test
    with log.open("wb") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    header, none = (ctypes.c_uint32 * 2)(CAPABILITIES_V3, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none):
        raise OSError(ctypes.get_errno(), "capset")
    main(args)


def _watch_clips(batch: Batch, at_each: Callable[[str], None]) -> None:
    """Be told before each act on a file or folder below `clips/`."""
    clips = str(BatchPaths(batch.folder).clips)

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event in FILE_ACTS and str(args[0]).startswith(clips):
            at_each(str(args[0]))

    sys.addaudithook(watch)
