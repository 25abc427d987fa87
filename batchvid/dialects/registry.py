"""The dialects of this process by name: the built-in ones, and definitions of `json-task` that were read from files.

Two batches of one process may define one name differently: the definition that was read last counts, except while a
run uses the name: then another definition is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from batchvid.dialects.dialect import Dialect
from batchvid.dialects.json_task import Definition, as_dialect
from batchvid.errors import UsageError
from batchvid.near_matches import did_you_mean


class Dialects(dict[str, Dialect]):
    """The dialects by name. An unknown name raises UsageError with the lines that define it."""

    def __init__(self, built_in: Mapping[str, Dialect]) -> None:
        super().__init__(built_in)
        self._coded = frozenset(built_in)
        self._examples: dict[str, Definition] = {}
        self._definitions: dict[str, Definition] = {}
        self._in_use: Counter[str] = Counter()

    def __missing__(self, name: str) -> Dialect:
        """Raise UsageError: a job of an earlier run may have a wire format whose definition is gone."""
        hint = did_you_mean(name, self)
        raise UsageError(
            f"the wire format {name!r} is not known here{f'; {hint}' if hint else ''}: write its definition as "
            f"[dialects.{name}] in batchvid.toml beside the manifest (docs/how-to/new-vendor.md)"
        )

    @property
    def built_in(self) -> tuple[str, ...]:
        """The names that no file of the user defines."""
        return tuple(name for name in self if name in self._coded or name in self._examples)

    @property
    def coded(self) -> tuple[str, ...]:
        """The names of the wire formats in Python."""
        return tuple(name for name in self if name not in self._definitions)

    def is_declared(self, name: str) -> bool:
        """Whether a definition states this wire format."""
        return name in self._definitions

    def definition_of(self, name: str) -> Definition:
        """The definition of a wire format that one states."""
        return self._definitions[name]

    def add_example(self, name: str, definition: Definition) -> None:
        """Add a definition that ships with batchvid."""
        self._examples[name] = self._definitions[name] = definition
        self[name] = as_dialect(name, definition)

    def define(self, name: str, definition: Definition) -> None:
        """Add or replace a definition. Raises UsageError for a built-in name, and for one that a run uses."""
        if name in self._coded or (name in self._examples and definition != self._examples[name]):
            raise UsageError(f"dialects.{name}: this wire format is built in: choose another name")
        if self._definitions.get(name) == definition:
            return
        if self._in_use[name]:
            raise UsageError(
                f"dialects.{name}: another batch that runs in this process defines this name differently: choose "
                "another name"
            )
        self._definitions[name] = definition
        self[name] = as_dialect(name, definition)

    def forget_definitions(self) -> None:
        """Forget every definition that does not ship with batchvid."""
        for name in set(self._definitions) - set(self._examples):
            del self._definitions[name], self[name]

    @contextmanager
    def in_use(self, definitions: Mapping[str, Definition], names: Iterable[str] = ()) -> Iterator[None]:
        """Hold these definitions, and what these names mean now, while a run uses them. Raises UsageError."""
        for name, definition in definitions.items():
            self.define(name, definition)
        held = {*definitions, *names}
        self._in_use.update(held)
        try:
            yield
        finally:
            self._in_use.subtract(held)
