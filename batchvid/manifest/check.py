"""From a marked document to the manifest's models; what does not fit is told in the user's words, line by line.

The good part is still validated when another part is bad, so that one look shows all mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from batchvid.manifest import schema
from batchvid.manifest.document import Map, mark_at
from batchvid.manifest.places import Place, Problems

_SYNONYMS = {
    "seconds": "duration_s",
    "length": "duration_s",
    "size": "resolution",
    "ratio": "aspect_ratio",
    "count": "takes",
    "n": "takes",
    "variants": "takes",
    "csv": "rows",
    "audio_on": "sound",
    "name": "id",
    "last_frame": "end_image",
    "first_frame": "image",
}
_SENTENCES = {
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "decimal_parsing": "must be a number",
    "decimal_type": "must be a number",
    "finite_number": "must be a finite number",
}

Path = tuple[str | int, ...]


def validate(document: Map, problems: Problems) -> tuple[schema.ManifestModel | None, list[int]]:
    """The models of what fits, and the place in the document of each of its clip entries.

    None when nothing can be said about the clips until the rest is mended. Everything that does not fit goes to
    `problems`.
    """
    data: dict[str, Any] = dict(document)
    kept = list(range(len(data["clips"]))) if isinstance(data.get("clips"), list) else []
    for _attempt in range(2):
        try:
            return schema.ManifestModel.model_validate(data), kept
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        if not _attempt:
            _report(document, details, problems)
        bad_clips = {detail["loc"][1] for detail in details if detail["loc"][0] == "clips" and len(detail["loc"]) > 1}
        bad_keys = {detail["loc"][0] for detail in details if len(detail["loc"]) == 1 or detail["loc"][0] != "clips"}
        kept = [index for index in kept if index not in bad_clips]
        if bad_keys & {"clips", "defaults", "vars"} or not kept:
            return None, []
        data = {key: value for key, value in data.items() if key not in bad_keys}
        data["clips"] = [document["clips"][index] for index in kept]
    return None, []


def entry_name(document: Map, path: Sequence[str | int]) -> str:
    """What the user calls the part of the manifest at `path`: a clip entry's id, `providers.x`, `budget`."""
    if not path:
        return ""
    if path[0] == "clips" and len(path) > 1 and isinstance(path[1], int):
        entry = document["clips"][path[1]]
        said = entry.get("id") if isinstance(entry, Mapping) else None
        return str(said) if isinstance(said, str | int | float) and said != "" else f"clips[{path[1]}]"
    if path[0] == "providers" and len(path) > 1:
        return f"providers.{path[1]}"
    return str(path[0])


def _report(document: Map, details: Sequence[ErrorDetails], problems: Problems) -> None:
    told: set[Path] = set()
    for detail in details:
        path = _real_path(document, detail)
        if path in told:  # a union complains once for each of its members
            continue
        told.add(path)
        mark = mark_at(document, path)
        entry = entry_name(document, path)
        inner = path[1 if len(path) == 1 or entry == path[0] else 2 :]
        label = ".".join(str(step) for step in inner)
        sentence = _sentence(path, detail)
        problems.add(Place(mark.file, mark.line, entry), f"{label}: {sentence}" if label else sentence)


def _real_path(document: Map, detail: ErrorDetails) -> Path:
    """The error's path without pydantic's own steps (the members of a union, `[key]`)."""
    path: list[str | int] = []
    node: Any = document
    for step in detail["loc"]:
        inside = isinstance(node, Mapping) and step in node
        if not inside and not (isinstance(node, list) and isinstance(step, int) and step < len(node)):
            break
        path.append(step)
        node = node[step]
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    return tuple(path)


def _sentence(path: Path, detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(path)
    if kind == "missing":
        return _missing(path)
    if kind == "value_error":
        return str(context["error"])
    if kind in ("greater_than", "greater_than_equal", "less_than_equal"):
        words = {"greater_than": "more than", "greater_than_equal": "at least", "less_than_equal": "at most"}
        return f"must be {words[kind]} {next(iter(context.values()))}"
    if kind in ("too_short", "string_too_short"):
        return "must not be empty"
    if kind == "literal_error":
        return f"must be {context['expected']}"
    if ("matrix" in path or "exclude" in path) and kind not in ("dict_type", "list_type"):
        return "must be a word, a number, true or false"
    return _SENTENCES.get(kind, detail["msg"].replace("Input should", "should"))


def _missing(path: Path) -> str:
    if path[-1] == "id":
        return 'is missing; give every entry an id of its own, such as id: kite, or with rows id: "{{ sku }}"'
    return "is missing; a manifest needs at least one entry under clips:"


def _unknown(path: Path) -> str:
    key = str(path[-1])
    allowed = list(_model_at(path[:-1]).model_fields)
    near = [_SYNONYMS[key]] if _SYNONYMS.get(key) in allowed else get_close_matches(key, allowed, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown key; {hint}Allowed: {', '.join(sorted(allowed))}"


def _model_at(path: Path) -> type[BaseModel]:
    """The model whose keys are allowed at a path."""
    match path:
        case ():
            return schema.ManifestModel
        case ("clips", _):
            return schema.ClipEntry
        case ("providers", _, "models", _):
            return schema.ModelLimits
        case ("providers", _):
            return schema.Provider
        case ("defaults",):
            return schema.ClipFields
        case ("output",):
            return schema.Output
        case ("downloads",):
            return schema.Downloads
    return schema.Budget
