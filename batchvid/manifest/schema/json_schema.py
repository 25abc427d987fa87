"""The manifest's JSON Schema, for completion and checks in an editor.

Editors read YAML 1.1: `16:9` is the number 969 there and `no` is false. Whatever batchvid reads as a text may be a
number or a switch in the schema. A null leaves a default out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from batchvid.manifest.schema import field_types
from batchvid.manifest.schema.models import CHECKS, ClipEntry, ClipFields, ManifestModel
from batchvid.renamed_keys import MANIFEST_KEYS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:batchvid:manifest"
EXTENSION = "^x-"  # keys that hold anchors
TEMPLATE = {"type": "string", "pattern": "\\{[{%]"}
WORDS: Mapping[str, tuple[str, ...]] = {"fit": field_types.FITS, "action": field_types.ACTIONS}
SCALAR = ["string", "number", "boolean", "null"]


def json_schema(models: Iterable[str] = (), providers: Iterable[str] = ()) -> dict[str, Any]:
    """The schema. `models` and `providers` are names that an editor suggests; others stay allowed."""
    schema = _tidy(ManifestModel.model_json_schema())
    for name in (ClipFields.__name__, ClipEntry.__name__):
        _complete_fields(schema["$defs"][name]["properties"], {"model": tuple(models), "provider": tuple(providers)})
    schema["patternProperties"] = {EXTENSION: {"description": "holds anchors (&name); nothing else reads it"}}
    schema["properties"] |= {
        old: schema["properties"][new] | {"deprecated": True} for old, new in MANIFEST_KEYS.items()
    }
    return {"$schema": DIALECT, "$id": ID, "title": "batchvid manifest", **schema}


def _complete_fields(properties: dict[str, Any], suggested: Mapping[str, tuple[str, ...]]) -> None:
    """Add to each field of a clip what YAML 1.1, a template or null may make of it, and the words it takes."""
    for name, field in properties.items():
        description = {"description": field["description"]} if "description" in field else {}
        if name in WORDS:
            properties[name] = {"anyOf": [{"enum": [*WORDS[name], None]}, TEMPLATE], **description}
        elif suggested.get(name):
            properties[name] = {"anyOf": [{"enum": list(suggested[name])}, {"type": ["string", "null"]}], **description}
        elif name in CHECKS or name == "id":
            properties[name] = {"type": SCALAR if name != "id" else SCALAR[:-1], **description}


def _tidy(node: Any) -> Any:
    """The schema without the titles and null defaults of pydantic, and with the bounds of the standard."""
    if isinstance(node, list):
        return [_tidy(one) for one in node]
    if not isinstance(node, dict):
        return node
    tidy = {}
    for key, value in node.items():
        if (key == "title" and isinstance(value, str)) or (key == "default" and value is None):
            continue
        tidy[{"gt": "exclusiveMinimum"}.get(key, key)] = _tidy(value)
    return tidy
