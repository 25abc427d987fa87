"""The JSON Schema: complete, and of use in an editor, which reads YAML 1.1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from batchvid.cli.main import group
from batchvid.manifest.reading.marked_data import plain
from batchvid.manifest.reading.yaml_reader import read

EXAMPLES = sorted(Path("manifests").glob("*.yaml"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """As the command prints it."""
    result = CliRunner().invoke(group, ["schema"], catch_exceptions=False)
    return dict(json.loads(result.output))


def problems(schema: dict[str, Any], document: Any) -> list[str]:
    errors = Draft202012Validator(schema).iter_errors(document)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]


def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    """It names its standard and itself, and is valid."""
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "urn:batchvid:manifest"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_accepted(schema: dict[str, Any], path: Path) -> None:
    """As batchvid reads them, and as an editor does, for which 16:9 is 969."""
    assert problems(schema, plain(read(path.read_bytes(), path.name, lambda *_: None))) == []
    assert problems(schema, yaml.safe_load(path.read_text("utf-8"))) == []


def test_every_key_has_a_description(schema: dict[str, Any]) -> None:
    """An editor shows it beside the key."""
    for name, definition in {"": schema, **schema["$defs"]}.items():
        for key, field in definition.get("properties", {}).items():
            assert field.get("description") or "$ref" in field or field.get("deprecated"), f"{name}.{key}"


def entry(**fields: Any) -> dict[str, Any]:
    return {"clips": [{"id": "a", "model": "veo3-fast", "prompt": "p", **fields}]}


@pytest.mark.parametrize(
    "document",
    [
        entry(fit="cover"), entry(fit="{{ fit }}"), entry(fit=None), entry(model="kling/my-own"), entry(seed="{{ n }}"),
        entry(aspect_ratio=969, sound=False, takes=2), entry(id=16), {"x-style": {"model": "m"}, **entry()},
        {"moderation_rerolls": 1, **entry()},
    ],
)  # fmt: skip
def test_what_batchvid_reads_is_accepted(schema: dict[str, Any], document: Any) -> None:
    """Templates, nulls, other models, anchors, old names."""
    assert problems(schema, document) == []


@pytest.mark.parametrize(
    "document",
    [
        entry(fit="coverr"), entry(action="melt"), entry(modell="x"), entry(prompt=["a"]), entry(on_mismatch="ignore"),
        {"clip": []}, {"clips": {}}, {"budget": {"usd": 0}, **entry()},
        {"providers": {"x": {"cancel": "no"}}, **entry()},
    ],
)  # fmt: skip
def test_mistakes_are_refused(schema: dict[str, Any], document: Any) -> None:
    """Unknown keys, words and bounds."""
    assert problems(schema, document)


def test_models_and_providers_are_suggested(schema: dict[str, Any]) -> None:
    """The names of the catalogue, with any other name allowed."""
    fields = schema["$defs"]["ClipEntry"]["properties"]
    assert "veo3-fast" in fields["model"]["anyOf"][0]["enum"]
    assert "cometapi" in fields["provider"]["anyOf"][0]["enum"]
    assert schema["$defs"]["ClipEntry"]["additionalProperties"] is False
