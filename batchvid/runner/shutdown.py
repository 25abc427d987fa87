"""Handles Ctrl-C, SIGTERM and a closed terminal: the first stops the run, the second exits at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

from batchvid.runner.context import RunContext
from batchvid.runner.outcome import INTERRUPTED

SIGNALS = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__)
OPEN_CALLS_S = 20.0  # longer than a connection may take: a call that was not sent must not count as lost


@contextlib.contextmanager
def handle_signals(context: RunContext, close_displays: Callable[[], None]) -> Iterator[list[str]]:
    """First signal: submit nothing more, finish downloads. Second: exit at once; the state is safe.

    SIGHUP stays ignored where it is, as under nohup.
    """
    interrupted: list[str] = []
    loop = asyncio.get_running_loop()

    def on_signal(name: str) -> None:
        if interrupted:
            context.notice("leaving at once; nothing is lost: run again to go on")
            close_displays()  # shows the queued lines first
            os._exit(INTERRUPTED)
        interrupted.append(name)
        context.notice(f"{name}: submitting nothing more, finishing downloads. A second signal leaves at once")
        context.transport.shorten_calls(OPEN_CALLS_S)
        context.stop("interrupted")

    restore: list[Callable[[], object]] = []
    for number in SIGNALS:
        before = signal.getsignal(number)
        if before is signal.SIG_IGN and number.name == "SIGHUP":
            continue
        try:
            loop.add_signal_handler(number, on_signal, number.name)
            restore.append(lambda number=number, before=before: _restore(loop, number, before))  # type: ignore[misc]
        except (NotImplementedError, RuntimeError):  # Windows, or a run in a thread
            with contextlib.suppress(ValueError):
                old = signal.signal(number, lambda n, _: loop.call_soon_threadsafe(on_signal, signal.Signals(n).name))
                restore.append(lambda number=number, old=old: signal.signal(number, old))  # type: ignore[misc]
    try:
        yield interrupted
    finally:
        for undo in restore:
            undo()


def _restore(loop: asyncio.AbstractEventLoop, number: signal.Signals, before: Any) -> None:
    """Put the caller's handler back: the loop would set the system's default."""
    loop.remove_signal_handler(number)
    if before is not None:  # None: it was not installed from Python
        signal.signal(number, before)
