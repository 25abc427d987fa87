"""Validates a document against the manifest's models; problems are reported with file, line and plain sentences.

The valid part is validated even if another part is invalid, so that all problems are reported at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from batchvid.catalog.authentication import Authentication
from batchvid.manifest.reading.marked_data import Map, mark_at
from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.reading.safe_names import text_of
from batchvid.manifest.reading.yaml_mistakes import quote
from batchvid.manifest.schema import models
from batchvid.manifest.schema.fallback import Fallback, OtherModel
from batchvid.manifest.schema.notations import plain_number
from batchvid.manifest.schema.rows import RowsField
from batchvid.manifest.schema.unknown_keys import explain_unknown_key, is_written

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

_REQUIRED = frozenset({"model", "prompt", "image"})  # a clip without one of them has a problem

_TEXTS = ("prompt", "negative_prompt")

Path = tuple[str | int, ...]


def validate(document: Map, problems: Problems) -> tuple[models.ManifestModel | None, list[int]]:
    """The model of the valid part, and the index in the document of each of its clip entries.

    None when the clips cannot be validated until the rest is fixed. Everything invalid is added to `problems`.
    """
    clips = document.get("clips")
    indexes = list(range(len(clips))) if isinstance(clips, list) else []
    details = [_missing_id(index) for index in indexes if _needs_id(document["clips"][index])]
    try:
        settings = models.ManifestModel.model_validate(document)
    except ValidationError as exc:
        details = [*exc.errors(include_url=False, include_input=False), *details]
    else:
        if not details:
            return settings, indexes
    _report(document, details, problems)
    rest, indexes = _valid_part(document, details)
    return (models.ManifestModel.model_validate(rest), indexes) if indexes else (None, [])


def _needs_id(entry: Any) -> bool:
    """Whether it is a clip entry without an id; one with rows can do without."""
    return isinstance(entry, Mapping) and entry.get("id") is None and entry.get("rows") is None


def _missing_id(index: int) -> ErrorDetails:
    return {"type": "missing", "loc": ("clips", index, "id"), "msg": "", "input": None}


def _valid_part(document: Map, details: Sequence[ErrorDetails]) -> tuple[dict[str, Any], list[int]]:
    """The document without invalid parts, and the indexes of the clips that remain; empty if nothing can be validated.

    Only a part that causes no other problem is removed alone: an unknown key, a fallback, a default that no clip
    needs. Otherwise the whole entry is removed.
    """
    paths = [_cut(detail["loc"]) for detail in details]
    removable = {
        path
        for path, detail in zip(paths, details, strict=True)
        if detail["type"] == "extra_forbidden" or "fallback" in path[2:3]
    }
    wrong_defaults = {path[1] for path in paths if path[0] == "defaults" and len(path) > 1}
    if any(path in (("clips",), ("defaults",)) or path[0] == "vars" for path in paths) or wrong_defaults & _REQUIRED:
        return {}, []
    wrong_clips = {path[1] for path in paths if path[0] == "clips" and not (path in removable and len(path) == 3)}
    indexes = [index for index in range(len(document["clips"])) if index not in wrong_clips]
    wrong_providers = {path[1] for path in paths if path[0] == "providers" and len(path) > 1}
    wrong_keys = {path[0] for path in paths if len(path) == 1 or path[0] not in ("clips", "defaults", "providers")}
    rest = {key: value for key, value in document.items() if key not in wrong_keys}
    rest["clips"] = [
        {key: value for key, value in document["clips"][index].items() if ("clips", index, key) not in removable}
        for index in indexes
    ]
    if wrong_providers and "providers" in rest:
        rest["providers"] = {
            name: fields for name, fields in document["providers"].items() if name not in wrong_providers
        }
    if wrong_defaults:
        rest["defaults"] = {key: value for key, value in document["defaults"].items() if key not in wrong_defaults}
    return rest, indexes


def _cut(path: Path) -> Path:
    """What is removed for a problem there: the whole fallback of a clip, otherwise that place."""
    return path[:3] if path[0] == "clips" and "fallback" in path[2:3] else path


def entry_name(document: Map, path: Sequence[str | int]) -> str:
    """The name of the part of the manifest at `path`: a clip entry's id, `providers.x`, `budget`."""
    if path[0] == "clips" and len(path) > 1 and isinstance(path[1], int):
        entry = document["clips"][path[1]]
        entry_id = entry.get("id") if isinstance(entry, Mapping) else None
        return str(entry_id)[:80] if isinstance(entry_id, str | int | float) and entry_id != "" else f"clips[{path[1]}]"
    if path[0] == "providers" and len(path) > 1:
        return f"providers.{path[1]}"
    return str(path[0])


def _report(document: Map, details: Sequence[ErrorDetails], problems: Problems) -> None:
    reported: set[Path] = set()
    for detail in details:
        path = _real_path(document, detail)
        if path in reported:  # a union has one error for each of its members
            continue
        reported.add(path)
        if detail["type"] == "missing" and is_written(str(path[-1]), _value_at(document, path[:-1])):
            continue  # reported as an unknown key
        mark = mark_at(document, path)
        entry = entry_name(document, path)
        inner = path[1 if len(path) == 1 or entry == path[0] else 2 :]
        label = ".".join(str(step) for step in inner)
        sentence = f"{_sentence(path, detail)}{_layout_hint(document, path, detail['type'])}"
        problems.add(Place(mark.file, mark.line, entry), f"{label}: {sentence}" if label else sentence)


def _real_path(document: Map, detail: ErrorDetails) -> Path:
    """The error's path without the steps that pydantic adds (members of a union, `[key]`)."""
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
    if kind == "extra_forbidden" and path[-1] == detail["loc"][-1]:
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


def _layout_hint(document: Map, path: Path, kind: str) -> str:
    """How it is written, for a value in another layout."""
    written = _value_at(document, path)
    if path == ("clips",) and kind == "list_type":
        return _clips_hint(written)
    if len(path) == 2 and path[0] == "clips" and kind == "model_type":
        if isinstance(written, str) and ":" in written:
            return "; write a space after each colon: - id: kite"
        return "; write it with keys, such as - id: kite, and below it prompt: ..."
    key = str(path[-1])
    if path == ("budget",) and isinstance(written, int | float | str):
        amount = plain_number(str(written))
        return f"; write budget: {{usd: {amount or 5}}}"
    if kind in ("decimal_parsing", "float_type", "int_type") and isinstance(written, str):
        amount = plain_number(written)
        return f"; write {key}: {amount}" if amount else ""
    if kind == "list_type" and isinstance(written, str) and written:
        words = [word.strip() for word in written.replace(" -", ",").removeprefix("-").split(",")]
        return f"; write {key}: [{', '.join(word for word in words if word)}]"
    if kind == "value_error" and len(path) == 3 and key in models.CHECKS and key not in _TEXTS:
        is_list = isinstance(written, list) and written and all(isinstance(part, str | int | float) for part in written)
        axis = ", ".join(text_of(part) for part in written) if is_list else ""
        return f"; for a clip of each, write matrix: {{{key}: [{axis}]}}" if axis else ""
    if kind == "value_error" and len(path) > 1 and key in _TEXTS:
        return _text_hint(document["clips"][path[1]] if path[0] == "clips" else {}, key, written)
    return ""


def _value_at(document: Map, path: Path) -> Any:
    node: Any = document
    for step in path:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return None
    return node


def _clips_hint(written: Any) -> str:
    if isinstance(written, Mapping) and written.get("id") is not None:
        return f"; write each clip as an item of its own: - id: {written['id']}"
    if isinstance(written, Mapping) and all(isinstance(clip, Mapping) for clip in written.values()) and written:
        return f"; write each clip as an item of its own: - id: {next(iter(written))}, and below it its keys"
    return "; write each clip as an item of its own: - id: kite"


def _text_hint(entry: Any, key: str, written: Any) -> str:
    """What to write for a text that is a list or a mapping of several texts."""
    if isinstance(written, list) and len(written) > 1 and all(isinstance(part, str) for part in written):
        name = str(entry.get("id") or "kite") if isinstance(entry, Mapping) else "kite"
        first, joined = quote(written[0]), quote(", ".join(written))
        clip = f"; for a clip of each, write - {{id: {name}-1, {key}: {first}}} and so on" if key == "prompt" else ""
        return f"; for one text, write {key}: {joined}{clip}"
    if isinstance(written, Mapping) and len(written) > 1:
        joined = ", ".join(f"{part}: {text}" if text is not None else str(part) for part, text in written.items())
        return f"; write {key}: {quote(joined)}"
    return ""


def _missing(path: Path) -> str:
    if path[-1] == "id":
        return "is missing; give every entry its own id, such as id: kite"
    if path[-1] in ("model", "models"):
        return "is missing; name the model to switch to"
    if path[-1] == "file":
        return "is missing; name the table, such as file: plan.xlsx"
    return "is missing; a manifest needs at least one entry under clips:"


def _unknown(path: Path) -> str:
    return explain_unknown_key(str(path[-1]), path[:-1], list(_model_at(path[:-1]).model_fields))


_MODELS: tuple[tuple[tuple[str | None, ...], type[BaseModel]], ...] = (
    ((), models.ManifestModel),
    (("clips", None), models.ClipEntry),
    (("clips", None, "rows"), RowsField),
    (("providers", None, "models", None), models.ModelLimits),
    (("providers", None, "auth"), Authentication),
    (("providers", None), models.Provider),
    (("clips", None, "fallback"), Fallback),
    (("defaults", "fallback"), Fallback),
    (("defaults",), models.ClipFields),
    (("output",), models.Output),
    (("downloads",), models.Downloads),
    (("budget",), models.BatchBudget),
)
"""The models by their paths; None stands for any step."""


def _model_at(path: Path) -> type[BaseModel]:
    """The model whose keys are allowed at a path."""
    for steps, model in _MODELS:
        if len(steps) == len(path) and all(step in (None, there) for step, there in zip(steps, path, strict=True)):
            return model
    if "fallback" in path:
        return OtherModel
    return models.BudgetLimits if path[-1] in ("per_day", "per_run") else models.Budget
