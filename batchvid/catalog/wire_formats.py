"""Reads definitions of `json-task` wire formats from files, with file:line for every problem, and makes them known.

They stand as `[dialects.NAME]` in a batchvid.toml, or in a file of their own: `dialect = "acme.toml"` of a provider
names it, and its name without `.toml` is that of the wire format.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from batchvid.catalog.toml_lines import TomlLines
from batchvid.dialects import DIALECTS
from batchvid.dialects.json_task import Definition, read_definition
from batchvid.errors import DefinitionError, UsageError

SUFFIX = ".toml"
TABLE = "dialects"
EXAMPLES = ("wavespeed", "atlas", "kie", "vidu")
"""The definitions of data/dialects that ship with batchvid."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFormat:
    """A definition that was read: its name, its file, and the table as it is written there."""

    name: str
    file: str
    table: Mapping[str, Any]
    definition: Definition

    def as_fact(self) -> dict[str, Any]:
        """What a batch's state file keeps of it."""
        return {"file": self.file, "table": self.table}


def name_of(dialect: str) -> str:
    """The name of the wire format that a provider's `dialect` names, by its name or by its file."""
    return Path(dialect).name.removesuffix(SUFFIX) if dialect.endswith(SUFFIX) else dialect


def read_wire_formats(file: Path) -> dict[str, WireFormat]:
    """Read the definitions of a file: those of its `[dialects.NAME]`, else the one that the file itself is.

    Raises DefinitionError with every problem, UsageError for a file that cannot be read.
    """
    return _read_text(read_text(file), file)


def read_text(file: Path) -> str:
    """The text of a file. Raises UsageError."""
    try:
        return file.read_text("utf-8")
    except OSError as exc:
        raise UsageError(f"{file}: {exc.strerror}") from None
    except ValueError as exc:
        raise UsageError(f"{file}: {exc}") from None


def define_all(formats: Iterable[WireFormat]) -> dict[str, WireFormat]:
    """Make definitions known under their names. Raises UsageError for a name that is built in or in use."""
    found = {}
    for one in formats:
        try:
            DIALECTS.define(one.name, one.definition)
        except UsageError as exc:
            raise UsageError(f"{one.file}: {exc}") from None
        found[one.name] = one
    return found


def define_for(value: object, folder: Path, known: Mapping[str, WireFormat]) -> WireFormat | None:
    """Make the definition known that a provider's `dialect` names as a file; None for the name of a wire format.

    `known` are the other definitions of the same manifest or batchvid.toml. Raises UsageError, also for a name that one
    of them defines differently: two providers would share one of the two.
    """
    if not isinstance(value, str) or not value.endswith(SUFFIX):
        return None
    file, name = folder / value, name_of(value)
    formats = read_wire_formats(file)
    if name not in formats:
        raise UsageError(
            f"{file}: has no wire format {name}, only {', '.join(formats)}: write the keys at the file's top"
        )
    other = known.get(name)
    if other and other.definition != formats[name].definition:
        raise UsageError(f"{file}: {other.file} defines the wire format {name} differently: rename one of the two")
    return define_all([formats[name]])[name]


def define_saved(facts: Mapping[str, Any]) -> dict[str, WireFormat]:
    """Make the definitions of an earlier run known: as their files have them now, else as the run had them.

    What cannot be read is left out; a job that needs it names the wire format then.
    """
    found: dict[str, WireFormat] = {}
    for name, fact in facts.items():
        if not isinstance(fact, dict) or not isinstance(fact.get("table"), dict):
            continue
        definition, _ = read_definition(fact["table"])
        saved = definition and WireFormat(
            name=name, file=str(fact.get("file", "")), table=fact["table"], definition=definition
        )
        current: WireFormat | None = None
        with suppress(UsageError):
            current = read_wire_formats(Path(str(fact.get("file", "")))).get(name)
        with suppress(UsageError):
            found |= define_all([one for one in (current or saved,) if one])
    return found


def _read_text(text: str, file: Path) -> dict[str, WireFormat]:
    try:
        document = tomllib.loads(text)
    except ValueError as exc:
        raise DefinitionError([_syntax_problem(file, str(exc))]) from None
    except RecursionError:
        rows = text.splitlines()
        line = 1 + max(range(len(rows)), key=lambda number: rows[number].count("{") + rows[number].count("["))
        raise DefinitionError([f"{file}:{line}: is nested too deep: write fewer levels"]) from None
    lines, problems, found = TomlLines(text), [], {}
    tables = document.get(TABLE) if TABLE in document else {file.stem: document}
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise DefinitionError(
            [f"{file}:{lines.line_of((TABLE,))}: {TABLE}: must have a table for each name: [dialects.NAME]"]
        )
    for name, table in tables.items():
        start = (TABLE, name) if TABLE in document else ()
        if not _NAME.fullmatch(name) or name.endswith(SUFFIX):
            problems.append(
                (
                    lines.line_of(start),
                    f"{name}: a name has small letters, digits and - only, and begins with one of them",
                )
            )
            continue
        definition, wrong = read_definition(table)
        for problem in wrong:
            key = ".".join(map(str, problem.path))
            problems.append((lines.line_of((*start, *problem.path)), f"{key}: {problem.message}"))
        if definition is not None:
            found[name] = WireFormat(name=name, file=str(file.absolute()), table=table, definition=definition)
    if problems:
        raise DefinitionError([f"{file}:{line}: {words}" for line, words in sorted(problems, key=lambda one: one[0])])
    return found


def _syntax_problem(file: Path, message: str) -> str:
    found = re.search(r" \(at line (\d+), column (\d+)\)", message)
    return f"{file}:{found[1]}: {message.replace(found[0], '')}" if found else f"{file}: {message}"


@cache
def define_examples() -> None:
    """Make the definitions known that ship with batchvid."""
    folder = resources.files(__package__).joinpath("data", "dialects")
    for name in EXAMPLES:
        definition, problems = read_definition(tomllib.loads(folder.joinpath(f"{name}{SUFFIX}").read_text("utf-8")))
        if definition is None:
            raise DefinitionError(
                [f"{name}{SUFFIX}: {'.'.join(map(str, one.path))}: {one.message}" for one in problems]
            )
        DIALECTS.add_example(name, definition)


define_examples()
