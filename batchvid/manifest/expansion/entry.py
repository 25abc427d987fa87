"""A clip entry with what is needed to expand it, and to tell where each of its fields was said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchvid.manifest.expansion.image_files import ImageCache
from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.reading.yaml_reader import Map, plain
from batchvid.manifest.schema.fallback import is_for_overdue
from batchvid.manifest.schema.models import FIELDS, ClipEntry, ClipFields, ManifestModel
from batchvid.manifest.schema.templates import Templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all entries of one manifest have in common. `folder` is the manifest's own."""

    document: Map
    settings: ManifestModel
    folder: Path
    templates: Templates
    pictures: ImageCache
    problems: Problems
    provider_of: Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipEntryContext:
    """A clip entry with what is needed to tell where each of its fields was said."""

    said: ClipEntry
    node: Map
    place: Place
    fields: Mapping[str, Any]
    id_names: frozenset[str]
    shared: Shared

    def place_of(self, field: str) -> Place:
        """Where the field stands: in the matrix, the entry, the defaults; the entry itself when nowhere."""
        matrix = self.node.get("matrix")
        defaults = self.shared.document.get("defaults")
        for holder in (matrix, self.node, defaults):
            if isinstance(holder, Map) and field in holder.marks:
                return Place(*holder.marks[field], self.place.entry)
        return self.place

    def folder_of(self, field: str) -> Path:
        """The folder of the file that says the field: what a path in it is relative to."""
        place = self.place_of(field)
        return Path(place.file).parent if place.line else self.shared.folder

    def complain(self, field: str, text: str, row: str = "") -> None:
        """Note a problem with one field."""
        self.shared.problems.add(self.place_of(field), f"{field}: {text}", row)


def entry_context(said: ClipEntry, node: Map, place: Place, shared: Shared) -> ClipEntryContext | None:
    """The entry, ready to be expanded; None when its id cannot be used."""
    fields = {**_said(shared.settings.defaults), **_said(said)}
    if shared.settings.defaults.options and said.options:
        fields["options"] = {**shared.settings.defaults.options, **said.options}
    fields["options"] = plain(fields.get("options"))
    entry = ClipEntryContext(said=said, node=node, place=place, fields=fields, id_names=frozenset(), shared=shared)
    if said.fallback_while_running and not is_for_overdue(fields.get("fallback")):
        entry.complain("fallback_while_running", "means nothing without a fallback on timeout or queue_stall")
    try:
        names = shared.templates.names(said.id)
    except ValueError as exc:
        entry.complain("id", str(exc))
        return None
    return ClipEntryContext(said=said, node=node, place=place, fields=fields, id_names=names, shared=shared)


def _said(fields: ClipFields) -> dict[str, Any]:
    """The clip fields that are written down; an explicit null takes a default back."""
    return {name: getattr(fields, name) for name in FIELDS if name in fields.model_fields_set}
