"""Refuses a definition that leaves the provider's address, holds a key, or is too large to be one.

A definition may come from somebody else. Every call goes to the provider's own address, and no key stands in a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from batchvid.dialects.json_task.definition import Definition
from batchvid.dialects.json_task.problems import KeyPath, Problem

MAX_DEPTH = 32
MAX_VALUES = 10_000
MAX_CHARS = 200_000
"""The size of one key of a definition, far above that of any vendor's call."""
SECRET_HEADERS = re.compile(r"authorization|cookie|.*(api|access|secret)[-_]?(key|token)|x-key|.*[-_]token", re.I)
FIXED_HEADERS = frozenset(
    {"host", "connection", "content-length", "content-type", "transfer-encoding", "upgrade", "te", "trailer", "expect"}
)
"""Headers that belong to the connection and to the form of the body."""
NO_KEY_HERE = "the key does not stand here: the provider's api_key_env names its variable, auth its header"
_SECRET = re.compile(r"(?:sk|pk|rk|key)-[^\s{}]{16,}|(?:bearer|basic|token|key)\s+[^\s{}]{12,}", re.I)
_SECRET_QUERY = re.compile(r"[?&](?:[\w-]*key|[\w-]*token|secret)=[^&{}]+", re.I)


def oversized(table: Mapping[str, object]) -> Iterator[Problem]:
    """Yield the keys that are too large or nested too deep to be read."""
    for key, top in table.items():
        waiting: list[tuple[object, int]] = [(top, 1)]
        values = chars = 0
        while waiting:
            value, depth = waiting.pop()
            values += 1
            chars += len(value) if isinstance(value, str) else 0
            if depth > MAX_DEPTH:
                yield Problem((key,), f"is nested deeper than {MAX_DEPTH} levels")
                break
            if values > MAX_VALUES or chars > MAX_CHARS:
                yield Problem((key,), f"is too large: at most {MAX_VALUES} values and {MAX_CHARS} characters")
                break
            inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
            waiting += [(item, depth + 1) for item in inner]


def _paths(definition: Definition) -> Iterator[Problem]:
    for place, written in _written_paths(definition):
        if _SECRET_QUERY.search(written):
            yield Problem(place, NO_KEY_HERE)
            continue
        path = unquote(re.sub(r"\{[^{}]*\}", "x", written).partition("?")[0])
        if "//" in path or "\\" in path or {".", ".."} & set(path.split("/")):
            yield Problem(place, "must be a path below the provider's base_url: no //, no backslash, no .. step")
        elif "#" in written or not written.isprintable():
            yield Problem(place, "must be a path without # and control characters")


def _written_paths(definition: Definition) -> Iterator[tuple[KeyPath, str]]:
    for name in ("submit", "poll", "cancel", "follow_up"):
        if call := getattr(definition, name):
            yield (name,), call.path
    for key, variant in definition.variants.items():
        for name in ("submit", "poll"):
            if call := getattr(variant, name):
                yield ("variants", key, name), call.path
    for name, tasks in (("list", definition.list), ("find", definition.find)):
        if tasks:
            yield (name, "request"), tasks.request.path
    if definition.content:
        yield ("content",), definition.content


def _headers(definition: Definition) -> Iterator[Problem]:
    for name, value in definition.headers.items():
        if SECRET_HEADERS.fullmatch(name) or _SECRET.fullmatch(value.strip()):
            yield Problem(("headers", name), NO_KEY_HERE)
        elif name.lower() in FIXED_HEADERS:
            yield Problem(("headers", name), "belongs to the connection and cannot be set")
        elif not re.fullmatch(r"[A-Za-z0-9-]+", name) or not value.isprintable():
            yield Problem(("headers", name), "is no header")


def _bodies(definition: Definition) -> Iterator[Problem]:
    yield from _keys_in(("body",), definition.body)
    yield from _keys_in(("poll_body",), definition.poll_body)
    yield from _keys_in(("cancel_body",), definition.cancel_body)
    for key, variant in definition.variants.items():
        yield from _keys_in(("variants", key, "body"), variant.body)


def _keys_in(path: KeyPath, written: object) -> Iterator[Problem]:
    if isinstance(written, Mapping):
        for key, value in written.items():
            yield from _keys_in((*path, key), value)
    elif isinstance(written, list):
        for number, value in enumerate(written):
            yield from _keys_in((*path, number), value)
    elif isinstance(written, str) and _SECRET.fullmatch(written.strip()):
        yield Problem(path, NO_KEY_HERE)


SAFETY_CHECKS = (_paths, _headers, _bodies)
