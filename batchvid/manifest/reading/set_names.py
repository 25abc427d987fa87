"""Whether a name that `--set` gives a value is a variable of the manifest. Knows no values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from batchvid.manifest.reading.marked_data import Map
from batchvid.manifest.schema.key_types import RESERVED
from batchvid.manifest.schema.models import BatchBudget, ClipEntry, ClipFields
from batchvid.manifest.schema.templates import TemplateProblem, Templates

MAX_NEAR = 3


def explain_unknown(document: Map, name: str) -> str:
    """Why setting the variable has no effect, with what to write; empty if it is known or has another problem."""
    written = document.get("vars")
    known = set(written) if isinstance(written, Mapping) else set()
    if name in known or name in RESERVED or name in (used := set(_used(document))):
        return ""
    path = _path_of(name)
    if path:
        return f"there is no variable {name}, and the key {name} needs its path: --set {path}=..."
    near = get_close_matches(name, sorted(map(str, known | used)), MAX_NEAR)
    names = ", ".join(sorted(map(str, known | used))) or "none"
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return (
        f"nothing uses a variable {name}; {hint}Variables: {names}. A key needs its path, such as defaults.duration_s"
    )


def _path_of(key: str) -> str:
    if key in ClipFields.model_fields:
        return f"defaults.{key}"
    if key in ClipEntry.model_fields:
        return f"clips.ID.{key}"
    return f"budget.{key}" if key in BatchBudget.model_fields else ""


def _used(document: Map) -> Iterator[str]:
    """The variables of all templates and conditions; a text that is no valid template is reported later."""
    templates = Templates()
    clips = document.get("clips")
    conditions = [clip.get("where") for clip in clips if isinstance(clip, Mapping)] if isinstance(clips, list) else []
    for text in (*_texts(document), *("{{ " + where + " }}" for where in conditions if isinstance(where, str))):
        try:
            yield from templates.names(text)
        except TemplateProblem:
            continue


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping | list):
        for inner in node.values() if isinstance(node, Mapping) else node:
            yield from _texts(inner)
