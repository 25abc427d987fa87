"""A clip entry and what is needed to expand it and to locate each of its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from batchvid.manifest.expansion.image_files import ImageCache
from batchvid.manifest.reading.marked_data import Map, plain
from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.schema.fallback import is_for_overdue
from batchvid.manifest.schema.models import FIELDS, ClipEntry, ClipFields, ManifestModel
from batchvid.manifest.schema.templates import Templates
from batchvid.manifest.types import EntryCounts, TableFetcher
from batchvid.redaction import secret_option


class FieldValue(NamedTuple):
    """A value that a field may have, and the place where it is written. A cell of `column` is text, never a template.

    After one that `is_final` the next ones do not count, even if it is empty.
    """

    value: Any
    place: Place
    column: str = ""
    is_final: bool = False


class Candidates(NamedTuple):
    """The values that a field may have: the entry's, then, after the column of that name, the default."""

    own: tuple[FieldValue, ...]
    default: tuple[FieldValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all entries of one manifest share. `folder` is the manifest's folder.

    `entry_counts` receives what each entry reads, when it is expanded. `not_fetched` receives the tables of the web
    that could not be fetched, with the reason.
    """

    document: Map
    settings: ManifestModel
    folder: Path
    templates: Templates
    pictures: ImageCache
    problems: Problems
    provider_of: Callable[[str], str]
    entry_counts: list[EntryCounts] = field(default_factory=list)
    fetch_table: TableFetcher | None = None
    not_fetched: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipEntryContext:
    """A clip entry: the validated `clip`, its `node` in the document, and its `fields` with the defaults merged in.

    `candidates` are the values that each field may have, `values` the same in one row. `closed` are the fields that
    the entry sets to null: nothing sets them. `tables` are what the columns of its tables mean, by their header.
    """

    clip: ClipEntry
    node: Map
    place: Place
    fields: Mapping[str, Any]
    candidates: Mapping[str, Candidates]
    values: Mapping[str, tuple[FieldValue, ...]]
    closed: frozenset[str]
    id_names: frozenset[str]
    shared: Shared
    tables: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def place_of(self, field: str) -> Place:
        """The place of the field: in the matrix, the entry or the defaults; otherwise the place of the entry."""
        return self._place_in(field, (self.node.get("matrix"), self.node, self.shared.document.get("defaults")))

    def default_place(self, field: str) -> Place:
        """The place of the field in the defaults."""
        return self._place_in(field, (self.shared.document.get("defaults"),))

    def _place_in(self, field: str, holders: Sequence[Any]) -> Place:
        for holder in holders:
            if isinstance(holder, Map) and field in holder.marks:
                return Place(*holder.marks[field], self.place.entry)
        return self.place

    def folder_of(self, field: str) -> Path:
        """The folder of the file that sets the field; a path in the field is relative to it."""
        return self.folder_at(self.place_of(field))

    def folder_at(self, place: Place) -> Path:
        """The folder of that file."""
        return Path(place.file).parent if place.line else self.shared.folder

    def add_problem(self, field: str, text: str, row: str = "") -> None:
        """Add a problem with one field."""
        self.shared.problems.add(self.place_of(field), f"{field}: {text}", row)


def entry_context(clip: ClipEntry, node: Map, place: Place, shared: Shared) -> ClipEntryContext | None:
    """The context of an entry; None when its id cannot be used."""
    own, defaults = _set_fields(clip), _set_fields(shared.settings.defaults)
    fields = {**defaults, **own}
    if defaults.get("options") and clip.options:
        fields["options"] = {**defaults["options"], **clip.options}
    fields["options"] = plain(fields.get("options"))
    closed = frozenset(name for name, value in own.items() if value is None)
    entry = ClipEntryContext(
        clip=clip,
        node=node,
        place=place,
        fields=fields,
        candidates={},
        values={},
        closed=closed,
        id_names=frozenset(),
        shared=shared,
    )
    if name := secret_option(fields["options"] or {}):
        entry.add_problem(
            "options",
            f"{name}: a key or password is not allowed here, because it is stored with the job: remove it; "
            f"the provider's key comes from the variable that api_key_env names",
        )
    if clip.fallback_while_running and not is_for_overdue(fields.get("fallback")):
        entry.add_problem("fallback_while_running", "has no effect without a fallback on timeout or queue_stall")
    if clip.key and not clip.rows:
        entry.add_problem("key", "names columns of rows, and the entry has none; remove it")
    try:
        names = shared.templates.names(clip.id or "")
    except ValueError as exc:
        entry.add_problem("id", str(exc))
        return None
    candidates = _candidates(entry, own, defaults)
    values = {name: (*found.own, *found.default) for name, found in candidates.items()}
    return replace(entry, id_names=names, candidates=candidates, values=values)


def _candidates(
    entry: ClipEntryContext, own: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Mapping[str, Candidates]:
    """Each field that is set, by name; the options of the entry and the defaults are one value."""
    found = {
        name: Candidates(_at(own.get(name), entry.place_of(name)), _at(defaults.get(name), entry.default_place(name)))
        for name in (*own, *defaults)
        if name not in entry.closed
    }
    if "options" in found:
        found["options"] = Candidates(_at(entry.fields["options"], entry.place_of("options")), ())
    return found


def _at(value: Any, place: Place) -> tuple[FieldValue, ...]:
    return () if value is None else (FieldValue(value, place),)


def _set_fields(fields: ClipFields) -> dict[str, Any]:
    """The fields that are written in the manifest; an explicit null removes a default."""
    return {name: getattr(fields, name) for name in FIELDS if name in fields.model_fields_set}
