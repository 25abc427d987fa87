"""docs/reference/manifest-keys.md: every manifest key, made from the models of the manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from batchvid.manifest import ManifestModel
from tests.docs.markdown import GENERATED, anchor, table

Schema = Mapping[str, Any]
INTRO = """# Manifest keys

Every key of a manifest. `batchvid schema` prints them as a JSON Schema, for an editor. [Manifest rules](manifest.md)
explains how they work together. An unknown key is an error.
"""
WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}


def page() -> str:
    """The whole page."""
    schema = ManifestModel.model_json_schema()
    writer = _Writer(schema.get("$defs", {}))
    writer.section("", schema)
    return "\n\n".join([GENERATED, INTRO.strip(), *writer.parts]) + "\n"


class _Writer:
    """Writes one section per object of the schema, in the order in which they are first used."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self.definitions = definitions
        self.parts: list[str] = []
        self.places: dict[str, str] = {}
        self.written: list[tuple[str, Schema]] = []

    def section(self, place: str, schema: Schema) -> None:
        """The table of an object's keys, then the sections of the objects inside."""
        heading = f"`{place}`" if place else "Top level"
        self.parts.append(f"## {heading}")
        if text := schema.get("description"):
            self.parts.append(text)
        keys: dict[str, Schema] = dict(schema["properties"])
        required = schema.get("required", ())
        if same := next((one for one in self.written if _shared(one[1], keys)), None):
            other, known = same
            more = [key for key in keys if key not in known]
            fewer = [key for key in known if key not in keys]
            except_for = f", except {', '.join(f'`{key}`' for key in fewer)}" if fewer else ""
            self.parts.append(f"The keys of [`{other}`](#{anchor(other)}){except_for}{', and:' if more else '.'}")
            shown = {key: keys[key] for key in more}
        else:
            shown = keys
        self.written.append((place, keys))
        inner: list[tuple[str, str]] = []
        rows = [
            (
                f"`{key}`",
                self._type(f"{place}.{key}" if place else key, one, inner),
                "required" if key in required else _default(one),
                one.get("description", ""),
            )
            for key, one in shown.items()
        ]
        if rows:
            self.parts.append(table(("key", "value", "default", "meaning"), rows))
        for name, inside in inner:
            self.section(inside, self.definitions[name])

    def _type(self, place: str, schema: Schema, inner: list[tuple[str, str]]) -> str:
        """What a key may hold, in words; objects that are met for the first time are added to `inner`."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            target = self.definitions[name]
            if "properties" not in target:
                return self._type(place, target, inner)
            if name not in self.places:
                self.places[name] = place
                inner.append((name, place))
            return f"[`{self.places[name]}`](#{anchor(self.places[name])})"
        if options := schema.get("anyOf"):
            words = [self._type(place, one, inner) for one in options if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(words))
        if "enum" in schema or "const" in schema:
            return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
        if schema.get("type") == "array":
            items = schema.get("items")
            return f"list of {self._type(f'{place}[N]', items, inner)}" if items else "list"
        if schema.get("type") == "object":
            values = schema.get("additionalProperties")
            if isinstance(values, Mapping) and values:
                return f"mapping of name to {self._type(f'{place}.NAME', values, inner)}"
            return "mapping"
        return WORDS.get(str(schema.get("type")), "any value")


def _shared(known: Schema, keys: Schema) -> bool:
    """Whether one of the two has all keys of the other, with the same meaning, so that a reference is enough."""
    common = [key for key in keys if key in known]
    return len(common) > 3 and len(common) in (len(known), len(keys)) and all(known[k] == keys[k] for k in common)


def _default(schema: Schema) -> str:
    value = schema.get("default")
    return f"`{json.dumps(value, ensure_ascii=False)}`" if value not in (None, {}, []) else ""
