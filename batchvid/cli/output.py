"""The standard streams of the command line: they show no secret, and a closed one is harmless."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from typing import Any, TextIO

from batchvid.redaction import hide_secrets, strip_queries


class RedactedStream:
    """A text stream that hides secrets in what is written to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text without secrets."""
        self._stream.write(hide_secrets(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write each line without secrets."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def open_missing_streams() -> None:
    """Open the null device in place of standard streams that are closed.

    Otherwise the next file that is opened, such as the state file, gets the number of a standard stream, and what a
    library prints would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one


@contextlib.contextmanager
def redacted_streams() -> Iterator[None]:
    """Hide secrets on standard output and standard error. What an encoding cannot show is escaped."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = (stream and RedactedStream(stream) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def save_traceback() -> str:
    """Write the traceback of the current exception, without secrets, to a file of its own; its path, or empty."""
    text = hide_secrets(strip_queries(traceback.format_exc()))
    try:
        with tempfile.NamedTemporaryFile("w", prefix="batchvid-error-", suffix=".txt", delete=False) as file:
            file.write(text.encode("utf-8", "backslashreplace").decode())
    except (OSError, ValueError):
        return ""
    return file.name
