"""How messages quote what the user wrote: on one line, and not longer than is needed to find it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

MAX_QUOTED_CHARS = 60
_LONG_CHARS = 200  # longer than most paths


def shortened(text: str, max_chars: int = MAX_QUOTED_CHARS) -> str:
    """The text, with `...` in the middle of a long one: the end of a name often tells what it is."""
    if len(text) <= max_chars:
        return text
    tail = max_chars // 4
    return f"{text[: max_chars - tail - 3]}...{text[-tail:]}"


def quoted(text: str, max_chars: int = MAX_QUOTED_CHARS) -> str:
    """The text in quotes, shortened."""
    return repr(shortened(text, max_chars))


def with_short_values(text: str, values: Iterable[str]) -> str:
    """The text of a message, in which each long one of these values is shortened."""
    for value in values:
        if len(value) > _LONG_CHARS:
            for written in (value, repr(value)[1:-1], " ".join(value.split())):
                text = text.replace(written, shortened(value, _LONG_CHARS // 2))
    return text
