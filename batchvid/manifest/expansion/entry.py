"""A clip entry and what is needed to expand it and to locate each of its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchvid.manifest.expansion.image_files import ImageCache
from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.reading.yaml_reader import Map, plain
from batchvid.manifest.schema.fallback import is_for_overdue
from batchvid.manifest.schema.models import FIELDS, ClipEntry, ClipFields, ManifestModel
from batchvid.manifest.schema.templates import Templates
from batchvid.manifest.types import EntryCounts
from batchvid.redaction import secret_option


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all entries of one manifest share. `folder` is the manifest's folder.

    `entry_counts` receives what each entry reads, when it is expanded.
    """

    document: Map
    settings: ManifestModel
    folder: Path
    templates: Templates
    pictures: ImageCache
    problems: Problems
    provider_of: Callable[[str], str]
    entry_counts: list[EntryCounts] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipEntryContext:
    """A clip entry: the validated `clip`, its `node` in the document, and its `fields` with the defaults merged in."""

    clip: ClipEntry
    node: Map
    place: Place
    fields: Mapping[str, Any]
    id_names: frozenset[str]
    shared: Shared

    def place_of(self, field: str) -> Place:
        """The place of the field: in the matrix, the entry or the defaults; otherwise the place of the entry."""
        matrix = self.node.get("matrix")
        defaults = self.shared.document.get("defaults")
        for holder in (matrix, self.node, defaults):
            if isinstance(holder, Map) and field in holder.marks:
                return Place(*holder.marks[field], self.place.entry)
        return self.place

    def folder_of(self, field: str) -> Path:
        """The folder of the file that sets the field; a path in the field is relative to it."""
        place = self.place_of(field)
        return Path(place.file).parent if place.line else self.shared.folder

    def add_problem(self, field: str, text: str, row: str = "") -> None:
        """Add a problem with one field."""
        self.shared.problems.add(self.place_of(field), f"{field}: {text}", row)


def entry_context(clip: ClipEntry, node: Map, place: Place, shared: Shared) -> ClipEntryContext | None:
    """The context of an entry; None when its id cannot be used."""
    fields = {**_set_fields(shared.settings.defaults), **_set_fields(clip)}
    if shared.settings.defaults.options and clip.options:
        fields["options"] = {**shared.settings.defaults.options, **clip.options}
    fields["options"] = plain(fields.get("options"))
    entry = ClipEntryContext(clip=clip, node=node, place=place, fields=fields, id_names=frozenset(), shared=shared)
    if name := secret_option(fields["options"] or {}):
        entry.add_problem(
            "options",
            f"{name}: a key or password is not allowed here, because it is stored with the job: remove it; "
            f"the provider's key comes from the variable that api_key_env names",
        )
    if clip.fallback_while_running and not is_for_overdue(fields.get("fallback")):
        entry.add_problem("fallback_while_running", "has no effect without a fallback on timeout or queue_stall")
    try:
        names = shared.templates.names(clip.id)
    except ValueError as exc:
        entry.add_problem("id", str(exc))
        return None
    return ClipEntryContext(clip=clip, node=node, place=place, fields=fields, id_names=names, shared=shared)


def _set_fields(fields: ClipFields) -> dict[str, Any]:
    """The fields that are written in the manifest; an explicit null removes a default."""
    return {name: getattr(fields, name) for name in FIELDS if name in fields.model_fields_set}
