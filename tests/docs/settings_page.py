"""docs/reference/emulator-settings.md: every setting of the emulator, from its model and the texts below its fields."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

from batchvid.emulator import Settings
from tests.docs.markdown import GENERATED, sentence, table

INTRO = """# Emulator settings

Every setting of [the emulator](emulator.md): `batchvid emulator --set NAME=VALUE`, or `Settings(NAME=VALUE)` in Python.
"""


def page() -> str:
    """The whole page."""
    texts = _field_texts()
    properties = Settings.model_json_schema()["properties"]
    rows = [
        (f"`{name}`", _values(properties[name]), _default(field.default), texts.get(name, field.description or ""))
        for name, field in Settings.model_fields.items()
    ]
    return f"{GENERATED}\n\n{INTRO.strip()}\n\n{table(('setting', 'values', 'default', 'meaning'), rows)}\n"


def _field_texts() -> dict[str, str]:
    """The string below each field of the class."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(Settings))).body
    assert isinstance(tree, ast.ClassDef)
    texts = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            texts[field.target.id] = sentence(str(below.value.value))
    return texts


def _values(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_values(one) for one in schema["anyOf"] if one.get("type") != "null")
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true`, `false`"}
    return words.get(schema.get("type", ""), {"array": "list", "object": "mapping"}.get(schema.get("type", ""), ""))


def _default(value: Any) -> str:
    return "" if value in (None, "", (), {}) else f"`{str(value).lower() if isinstance(value, bool) else value}`"
