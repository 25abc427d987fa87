"""Merges a manifest, its includes and `--set` values to one document. Knows no field of a clip."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from batchvid.manifest.reading.marked_data import Map, Mark, Seq
from batchvid.manifest.reading.problems import Place, Problems
from batchvid.manifest.reading.set_names import explain_unknown
from batchvid.manifest.reading.yaml_reader import BadDocument, is_other_text, read, scalar
from batchvid.manifest.schema.models import ALL_KEYS, ManifestModel
from batchvid.renamed_keys import MANIFEST_KEYS

MAX_FILES = 200  # included files, all together
_SECRET_WORDS = ("key", "token", "secret", "password")


def gather(path: Path, sets: Sequence[str], problems: Problems) -> Map | None:
    """The manifest's document, merged with its includes and `sets`; None when it cannot be read."""
    document = _load(path, (), {}, problems)
    if document is None:
        return None
    for setting in sets:
        document = _set(document, setting, problems)
    return document


def _load(path: Path, above: tuple[Path, ...], seen: dict[Path, None], problems: Problems) -> Map | None:
    document = _read(path, problems)
    seen[path.resolve()] = None
    if document is None:
        return None
    names = document.get("include", [])
    names = [names] if isinstance(names, str) else names
    for index, name in enumerate(names if isinstance(names, list) else []):
        mark = names.marks[index] if isinstance(names, Seq) else document.marks["include"]
        place = Place(mark.file, mark.line, "include")
        if not isinstance(name, str) or not name:
            continue  # the schema reports it
        file = path.parent / name
        if not os.path.isfile(file):  # noqa: PTH113 - pathlib's method raises on impossible names
            problems.add(place, f"{name} is not there; it was looked for at {file}")
            continue
        inner = file.resolve()
        if inner in (path.resolve(), *above):
            problems.add(place, f"{name} includes itself, by way of {' and '.join(p.name for p in (*above, path))}")
        elif inner in seen:
            continue  # two files may share a third one; its clips count once
        elif len(seen) >= MAX_FILES:
            problems.add(place, f"more than {MAX_FILES} files are included")
            break
        else:
            seen[inner] = None
            part = _load(file, (*above, path.resolve()), seen, problems)
            if part is not None:
                merge_under(document, part)
    return document


_TABLES = frozenset({".csv", ".tsv", ".xlsx", ".xlsm", ".xls", ".ods", ".jsonl", ".ndjson"})
_INIT = "batchvid init clips.yaml --csv"


def _read(path: Path, problems: Problems) -> Map | None:
    file = str(path)
    if path.suffix.lower() in _TABLES:
        problems.add(Place(file, 0, ""), f"is a table, not a manifest; write one for it: {_INIT} {shlex.quote(file)}")
        return None
    try:
        found = read(
            path.read_bytes(),
            file,
            lambda mark, text: problems.add(Place(mark.file, mark.line, ""), text),
            lambda mark, text: problems.warn(Place(mark.file, mark.line, ""), text),
            keys=ALL_KEYS,
        )
    except OSError as exc:
        problems.add(Place(file, 0, ""), f"cannot be read: {exc.strerror or exc}")
    except BadDocument as exc:
        problems.add(Place(exc.mark.file, exc.mark.line, ""), str(exc))
    else:
        if isinstance(found, Map):
            _remove_extensions(found)
            _rename_keys(found, problems)
            return found
        problems.add(Place(file, 1, ""), f"{_what_it_is(found)}; a manifest begins with a key such as clips:")
    return None


_TOML = re.compile(r"(\w+)\s*=\s*(\"[^\"]*\"|'[^']*'|\w+)")


def _what_it_is(found: Any) -> str:
    if found is None:
        return "is empty"
    if isinstance(found, Seq) and any(isinstance(item, Map) for item in found):
        return "is a list: write a line clips: above it"
    if isinstance(found, str) and (line := _TOML.match(found)):
        return f"looks like TOML; YAML has a colon after each key: write {line[1]}: {line[2]}"
    return "is not a mapping"


def _remove_extensions(document: Map) -> None:
    """Keys such as `x-style` only hold anchors (`x-style: &style ...`), as in a compose file."""
    for key in [key for key in document if key.startswith("x-")]:
        del document[key]


def _rename_keys(document: Map, problems: Problems) -> None:
    """Gives renamed top-level keys their current names. A key that stands under both names is a problem."""
    for old in MANIFEST_KEYS.keys() & document.keys():
        new, mark = MANIFEST_KEYS[old], document.marks[old]
        value = document.pop(old)
        if new in document:
            problems.add(Place(mark.file, mark.line, old), f"is the old name of {new}, which is given too: remove one")
        else:
            document.put(new, value, mark)


def merge_under(top: Map, part: Map) -> None:
    """Add the keys of an included file that `top` does not have; its clips come after those of `top`."""
    for key, value in part.items():
        if key in ("include", "batch"):
            continue
        if key not in top:
            top.put(key, value, part.marks[key], part.written.get(key, ""))
        elif key == "clips" and isinstance(value, Seq) and isinstance(top[key], Seq):
            clips = Seq()
            clips.extend([*top[key], *value])
            clips.marks = [*top[key].marks, *value.marks]
            top[key] = clips
        else:
            top[key] = _merged(top[key], value, depth=2 if key == "providers" else 1)


def _merged(top: Any, under: Any, depth: int) -> Any:
    if not depth or not isinstance(top, Map) or not isinstance(under, Map):
        return top
    merged = _copy(top)
    for key, value in under.items():
        if key in merged:
            merged[key] = _merged(merged[key], value, depth - 1)
        else:
            merged.put(key, value, under.marks[key], under.written.get(key, ""))
    return merged


def _set(document: Map, setting: str, problems: Problems) -> Map:
    """The document with one `key=value` set. Aliased parts are copied: one change affects one place."""
    key, equals, text = setting.partition("=")
    key = key.strip()
    shown = f"--set {key}={'***' if any(word in key.lower() for word in _SECRET_WORDS) else text}"
    place = Place(shown, 0, "")
    if not equals or not all(part.strip() for part in key.split(".")):
        problems.add(place, "must be written key=value, such as budget.usd=10 or defaults.duration_s=5")
        return document
    if any("\ud800" <= character <= "\udfff" for character in text):
        problems.add(place, "contains bytes that are not UTF-8")
        return document
    allowed = [name for name in ManifestModel.model_fields if name not in ("include", "clips")]
    steps = key.split(".")
    steps[0] = MANIFEST_KEYS.get(steps[0], steps[0])
    if len(steps) == 1 and steps[0] not in ManifestModel.model_fields:
        steps = ["vars", key]
    if steps[0] == "providers" and "models" in steps[2:-2]:
        after = steps.index("models", 2) + 1
        steps = [*steps[:after], ".".join(steps[after:-1]), steps[-1]]  # a model's name (veo3.1) may contain dots
    if steps[0] not in (*allowed, "clips"):
        near = get_close_matches(steps[0], allowed, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        problems.add(
            place, f"there is no {steps[0]} to set; {hint}It begins with one of {', '.join(sorted(allowed))}, clips"
        )
        return document
    if steps[0] == "vars" and len(steps) == 2 and (unknown := explain_unknown(document, steps[1])):
        problems.add(place, unknown)
        return document
    changed = _with(document, steps, text.strip(), Mark(shown, 0))
    if changed is None:
        problems.add(place, "fits nothing: a part of the key before the last is not a mapping, or no entry has that id")
        return document
    assert isinstance(changed, Map)  # noqa: S101 - the copy of a Map
    return changed


def _with(node: Any, steps: list[str], text: str, mark: Mark) -> Map | Seq | None:
    if isinstance(node, Seq):
        index = next(
            (i for i, item in enumerate(node) if isinstance(item, Map) and str(item.get("id")) == steps[0]), None
        )
        inner = None if index is None or not steps[1:] else _with(node[index], steps[1:], text, mark)
        if index is None or inner is None:
            return None
        items = Seq()
        items.extend([*node[:index], inner, *node[index + 1 :]])
        items.marks = node.marks
        return items
    if not isinstance(node, Map):
        return None
    copy = _copy(node)
    size = _longest_key(node, steps)
    key, rest = ".".join(steps[:size]), steps[size:]
    if not rest:
        value = scalar(text)
        copy.put(key, value, mark, text if is_other_text(value, text) else "")
        return copy
    inner = _with(node[key] if node.get(key) is not None else Map(mark), rest, text, mark)
    if inner is None:
        return None
    copy.put(key, inner, node.marks.get(key, mark))
    return copy


def _longest_key(node: Map, steps: list[str]) -> int:
    """How many steps form the next key, if it exists already: an id or a name may contain dots."""
    sizes = range(len(steps), 1, -1)
    return next((size for size in sizes if ".".join(steps[:size]) in node), 1)


def _copy(node: Map) -> Map:
    copy = Map(node.start)
    copy.update(node)
    copy.marks = dict(node.marks)
    copy.written = dict(node.written)
    return copy
