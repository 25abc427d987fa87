"""Writes lines to a stream in a separate thread, so that a reader that stops reading cannot stop the run."""

from __future__ import annotations

import os
import queue
import threading
from typing import TextIO

MAX_PENDING_LINES = 10_000  # about a megabyte; later lines are dropped, run.log has them all
CLOSE_TIMEOUT_S = 2.0


class BackgroundWriter:
    """A text stream. `write` returns at once; it raises the OSError of an earlier write, once."""

    def __init__(self, out: TextIO) -> None:
        self._fd = out.fileno()
        self._encoding = out.encoding or "utf-8"
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_PENDING_LINES)
        self._error: OSError | None = None
        self._broken = False
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="batchvid-display", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Queue text. Drop it when the reader is too far behind."""
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if not self._broken:
            try:
                self._lines.put_nowait(text)
            except queue.Full:
                self._dropped += 1
        return len(text)

    def flush(self) -> None:
        """Do nothing: the thread writes each text at once."""

    def close(self) -> None:
        """Write what is queued, as long as the reader reads."""
        if self._dropped:
            self._put_last(f"{self._dropped} lines were dropped: nothing read them; run.log has them\n")
        self._put_last(None)
        self._thread.join(CLOSE_TIMEOUT_S)

    def _put_last(self, text: str | None) -> None:
        try:
            self._lines.put(text, timeout=CLOSE_TIMEOUT_S)
        except queue.Full:
            self._broken = True

    def _run(self) -> None:
        while (text := self._lines.get()) is not None:
            data = memoryview(text.encode(self._encoding, "backslashreplace"))
            while data and not self._broken:
                try:
                    data = data[os.write(self._fd, data) :]
                except OSError as exc:  # a closed pipe, a full disk
                    self._error, self._broken = exc, True
