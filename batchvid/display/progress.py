"""Progress displays: bars on a terminal, plain dated lines elsewhere."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO

from tqdm import tqdm

from batchvid.display.background_writer import BackgroundWriter
from batchvid.display.tally import RunCounters
from batchvid.domain import events as ev
from batchvid.domain.jobs import Job, JobState
from batchvid.redaction import hide_secrets

HEARTBEAT_S = 30.0  # a log without lines for longer looks dead
REDRAW_S = 0.1
SHOWN_DEAD_LINKS = 2  # of one clip; a clip that comes late is polled for many times
BAR = "{desc:>12} {percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]{postfix}"


class Progress(Protocol):
    """A display of a run: gets every event and every notice."""

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """Show an event."""

    def notice(self, text: str) -> None:
        """Show a line for people."""

    def tick(self) -> None:
        """Called every second."""

    def close(self) -> None:
        """Called at the end of the run."""


def progress_for(jobs: Iterable[Job], *, verbose: bool = False) -> Progress:
    """Bars on a terminal, otherwise lines without control characters; `verbose` shows every step."""
    tally = RunCounters(jobs)
    if sys.stdout is None or sys.stdout.closed:  # started without a standard output
        return LineDisplay(tally, io.StringIO(), verbose=verbose)
    if sys.stdout.isatty() and sys.stderr is not None and sys.stderr.isatty():
        return BarDisplay(tally, verbose=verbose)
    try:
        return LineDisplay(tally, BackgroundWriter(sys.stdout), verbose=verbose)
    except OSError:  # a stream without a file descriptor, such as a test's
        return LineDisplay(tally, sys.stdout, verbose=verbose)


class LineDisplay:
    """One dated line for each finished clip, and the counts every half minute."""

    def __init__(self, tally: RunCounters, out: TextIO | BackgroundWriter, *, verbose: bool = False) -> None:
        self._tally = tally
        self._out = out
        self._verbose = verbose
        self._last = time.monotonic()

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """Show a result, and with `verbose` every step."""
        self._tally(event, before, after)
        result = _describe_result(event, after)
        if result:
            self.notice(f"{after.id}: {result} [{self._summary()}]")
        elif self._verbose and (step := _describe_step(event, before, after)):
            self.notice(f"{after.id}: {step}")

    def tick(self) -> None:
        """Show the counts after half a minute without a line."""
        if time.monotonic() - self._last > HEARTBEAT_S:
            self.notice(self._summary())

    def notice(self, text: str) -> None:
        """Print a dated line."""
        self._last = time.monotonic()
        self._out.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {_printable(text)}\n")
        self._out.flush()

    def close(self) -> None:
        """Write what is queued. The stream itself stays open."""
        if isinstance(self._out, BackgroundWriter):
            self._out.close()

    def _summary(self) -> str:
        return f"{self._tally.done()}/{self._tally.states().total()}, {self._tally.line()}, {self._tally.money()}"


class BarDisplay:
    """One bar for all and one per provider: clips in flight, done and failed, the money and the time left."""

    def __init__(self, tally: RunCounters, *, verbose: bool = False) -> None:
        self._tally = tally
        self._verbose = verbose
        self._drawn = 0.0
        self._bars: dict[str | None, tqdm[Any]] = {}
        self._bar(None)

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """Move the bars; show failures above them."""
        self._tally(event, before, after)
        result = _describe_result(event, after)
        if result and (self._verbose or after.state in (JobState.FAILED, JobState.UNCERTAIN)):
            self.notice(f"{after.id}: {result}")
        elif self._verbose and not result and (step := _describe_step(event, before, after)):
            self.notice(f"{after.id}: {step}")
        if (now := time.monotonic()) - self._drawn >= REDRAW_S:
            self._drawn = now
            self._draw()

    def tick(self) -> None:
        """Update the clocks."""
        self._draw()

    def notice(self, text: str) -> None:
        """Print a line above the bars."""
        tqdm.write(_printable(text), file=sys.stderr)

    def close(self) -> None:
        """Draw the last state and leave it on the screen."""
        self._draw()
        for bar in reversed(self._bars.values()):
            bar.close()

    def _draw(self) -> None:
        for provider in (None, *self._tally.providers):
            bar = self._bar(provider)
            bar.total = self._tally.states(provider).total()
            bar.n = self._tally.done(provider)
            extra = f", {self._tally.money()}" if provider is None else ""
            bar.set_postfix_str(self._tally.line(provider) + extra, refresh=False)
            bar.refresh()

    def _bar(self, provider: str | None) -> tqdm[Any]:
        if provider not in self._bars:
            self._bars[provider] = tqdm(
                total=self._tally.states(provider).total(),
                initial=self._tally.done(provider),
                desc=provider or "all clips",
                position=len(self._bars),
                leave=provider is None,
                file=sys.stderr,
                dynamic_ncols=True,
                bar_format=BAR,
            )
        return self._bars[provider]


def _printable(text: str) -> str:
    """The text without secrets and control characters: a vendor's message must not move the cursor."""
    return "".join(c if c.isprintable() else " " for c in hide_secrets(text))


def _describe_result(event: ev.Event, after: Job) -> str:
    """The result of the event for the clip; empty if there is none."""
    match event:
        case ev.ClipStored(clip=clip):
            return f"stored clips/{clip.key} ({clip.duration_s:.1f} s, {clip.width}x{clip.height})"
        case ev.SubmitLost():
            return f"still uncertain: {event.looked_up}" if event.looked_up else f"uncertain: {event.message}"
        case ev.SubmitRefused() | ev.TaskFailed() | ev.GaveUp() if after.state is JobState.FAILED:
            return f"failed ({event.kind}): {event.message}"
        case ev.SubmitRefused() | ev.TaskFailed():
            return f"retrying later ({event.kind}): {event.message}"
        case ev.LinkExpired() if after.dead_links <= SHOWN_DEAD_LINKS:
            return f"requesting a new link: {event.message}"
        case _:
            return ""


def _describe_step(event: ev.Event, before: Job | None, after: Job) -> str:
    """A step before the result; empty if there is none."""
    match event:
        case ev.SubmitStarted():
            usd = "unknown" if event.price.usd is None else f"${event.price.usd}"
            return f"submitting {event.model} to {after.spec.provider}, at most {usd}"
        case ev.LinkExpired() if after.dead_links > SHOWN_DEAD_LINKS:
            return f"requesting a new link: {event.message}"
        case ev.SubmitAccepted():
            request = f" (request {event.request_id})" if event.request_id else ""
            return f"accepted as task {event.task_id}{request}"
        case ev.Progressed() if before is None or (event.vendor_status, event.progress) != (
            before.vendor_status,
            before.progress,
        ):
            share = "" if event.progress is None else f" {event.progress:.0%}"
            return f"{event.vendor_status or 'running'}{share}"
        case ev.TaskSucceeded():
            took = f" after {(event.at - after.accepted_at).total_seconds():.0f} s" if after.accepted_at else ""
            return f"finished{took}; downloading"
        case _:
            return ""
