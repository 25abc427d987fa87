"""What a person or a cron log sees while a run goes on: bars on a terminal, plain dated lines elsewhere."""

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

HEARTBEAT_S = 30.0  # a log that is silent for longer looks dead
REDRAW_S = 0.1
BAR = "{desc:>12} {percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]{postfix}"


class Progress(Protocol):
    """A display of a run: hears every event and every notice."""

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """An event."""

    def notice(self, text: str) -> None:
        """A line for people."""

    def tick(self) -> None:
        """A second has passed, whether anything happened or not."""

    def close(self) -> None:
        """The run is over."""


def progress_for(jobs: Iterable[Job], *, verbose: bool = False) -> Progress:
    """Bars when a person is looking on, else lines without a single control character; `verbose` tells every step."""
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
    """One dated line for each clip that comes to rest, and a sign of life every half minute."""

    def __init__(self, tally: RunCounters, out: TextIO | BackgroundWriter, *, verbose: bool = False) -> None:
        self._tally = tally
        self._out = out
        self._verbose = verbose
        self._last = time.monotonic()

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """Say what came to rest."""
        self._tally(event, before, after)
        said = _sentence(event, after)
        if said:
            self.notice(f"{after.id}: {said} [{self._standing()}]")
        elif self._verbose and (step := _step(event, before, after)):
            self.notice(f"{after.id}: {step}")

    def tick(self) -> None:
        """Show that the run is alive."""
        if time.monotonic() - self._last > HEARTBEAT_S:
            self.notice(self._standing())

    def notice(self, text: str) -> None:
        """Print a dated line."""
        self._last = time.monotonic()
        self._out.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {_plain(text)}\n")
        self._out.flush()

    def close(self) -> None:
        """Writes out what is queued. The stream itself stays open."""
        if isinstance(self._out, BackgroundWriter):
            self._out.close()

    def _standing(self) -> str:
        return f"{self._tally.done()}/{self._tally.states().total()}, {self._tally.line()}, {self._tally.money()}"


class BarDisplay:
    """One bar for all and one a provider, with what is in flight, done and failed, the money and the time left."""

    def __init__(self, tally: RunCounters, *, verbose: bool = False) -> None:
        self._tally = tally
        self._verbose = verbose
        self._drawn = 0.0
        self._bars: dict[str | None, tqdm[Any]] = {}
        self._bar(None)

    def __call__(self, event: ev.Event, before: Job | None, after: Job) -> None:
        """Move the bars; say what failed above them."""
        self._tally(event, before, after)
        said = _sentence(event, after)
        if said and (self._verbose or after.state in (JobState.FAILED, JobState.UNCERTAIN)):
            self.notice(f"{after.id}: {said}")
        elif self._verbose and not said and (step := _step(event, before, after)):
            self.notice(f"{after.id}: {step}")
        if (now := time.monotonic()) - self._drawn >= REDRAW_S:
            self._drawn = now
            self._draw()

    def tick(self) -> None:
        """Let the clocks run on."""
        self._draw()

    def notice(self, text: str) -> None:
        """Print a line above the bars."""
        tqdm.write(_plain(text), file=sys.stderr)

    def close(self) -> None:
        """Draw the last state and leave it standing."""
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


def _plain(text: str) -> str:
    """Without control characters: a vendor's message must not move anybody's cursor."""
    return "".join(c if c.isprintable() else " " for c in text)


def _sentence(event: ev.Event, after: Job) -> str:
    """What the event means to somebody who waits for the clip, empty when it means nothing yet."""
    match event:
        case ev.ClipStored(clip=clip):
            return f"stored clips/{clip.key} ({clip.duration_s:.1f} s, {clip.width}x{clip.height})"
        case ev.SubmitLost():
            return f"still uncertain: {event.looked_up}" if event.looked_up else f"uncertain: {event.message}"
        case ev.SubmitRefused() | ev.TaskFailed() | ev.GaveUp() if after.state is JobState.FAILED:
            return f"failed ({event.kind}): {event.message}"
        case ev.SubmitRefused() | ev.TaskFailed():
            return f"again later ({event.kind}): {event.message}"
        case ev.LinkExpired():
            return f"asking for a fresh link: {event.message}"
        case _:
            return ""


def _step(event: ev.Event, before: Job | None, after: Job) -> str:
    """A step on the way, for whoever wants to see every one."""
    match event:
        case ev.SubmitStarted():
            usd = "unknown" if event.price.usd is None else f"${event.price.usd}"
            return f"asking {after.spec.provider} for {event.model}, at most {usd}"
        case ev.SubmitAccepted():
            request = f" (request {event.request_id})" if event.request_id else ""
            return f"accepted as task {event.task_id}{request}"
        case ev.Progressed() if before is None or (event.word, event.progress) != (before.word, before.progress):
            share = "" if event.progress is None else f" {event.progress:.0%}"
            return f"{event.word or 'running'}{share}"
        case ev.TaskSucceeded():
            took = f" after {(event.at - after.accepted_at).total_seconds():.0f} s" if after.accepted_at else ""
            return f"finished{took}; fetching it"
        case _:
            return ""
