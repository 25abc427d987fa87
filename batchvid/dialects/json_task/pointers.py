"""JSON pointers (RFC 6901) with two additions: `*` is every item of a list, and a step leads into JSON in a string."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from batchvid.dialects.common.json_bodies import parse_value, read_json
from batchvid.dialects.common.json_values import text
from batchvid.domain.wire import Response

EVERY = "*"


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where a value stands in a reply; `steps` from the outside in."""

    steps: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in self.steps)


@dataclass(frozen=True, slots=True)
class Header:
    """A header of a reply, written `header Location`; `name` is in lower case."""

    name: str

    def __str__(self) -> str:
        return f"header {self.name}"


def parse_pointer(written: str) -> Pointer:
    """Read a pointer such as `/data/outputs/*/url`. Raises ValueError with what is wrong."""
    if not written.startswith("/") or written == "/":
        raise ValueError(f"must be the place of a value, such as /data/id, not {written!r}")
    if written.endswith("/") or "//" in written:
        raise ValueError(f"has an empty step: {written!r}")
    return Pointer(tuple(step.replace("~1", "/").replace("~0", "~") for step in written[1:].split("/")))


def find_values(document: object, pointer: Pointer | None) -> Iterator[object]:
    """Yield what stands there and is not null: one value, or several where the pointer has a `*`."""
    if pointer is not None:
        yield from _follow(document, pointer.steps)


def find(document: object, pointer: Pointer | None) -> object:
    """Return the first value that stands there, None where nothing does."""
    return next(find_values(document, pointer), None)


def find_word(document: object, pointer: Pointer | None) -> str | None:
    """Return a value as one printable word: `true` for True, `2` for 2.0; None where no plain value stands there."""
    return as_word(find(document, pointer))


def as_word(value: object) -> str | None:
    """Return a plain value as a word, None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str | int | float):
        return text(value, 80)
    return None


def document_of(response: Response) -> dict[str, object] | list[object] | None:
    """Read the one whole JSON document of a reply; None for anything else."""
    read = read_json(response.body)
    document = read.documents[0] if read.documents and read.is_whole and not read.is_behind_text else None
    return document if isinstance(document, dict | list) else None


def _follow(value: object, steps: tuple[str, ...]) -> Iterator[object]:
    if not steps:
        if value is not None:
            yield value
        return
    if isinstance(value, str):
        value = parse_value(value)
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        if step == EVERY:
            for inner in value.values():
                yield from _follow(inner, rest)
        else:
            yield from _follow(value.get(step), rest)
    elif isinstance(value, list):
        if step == EVERY:
            for inner in value:
                yield from _follow(inner, rest)
        elif step.isascii() and step.isdecimal() and int(step[:9]) < len(value):
            yield from _follow(value[int(step[:9])], rest)
