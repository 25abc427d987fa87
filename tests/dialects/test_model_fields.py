"""The fields of many models in one table: judged by what the vendors' own clients and schemas say of each model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchvid.dialects import fal_models
from batchvid.dialects.common.model_fields import build_fields, find_fields
from batchvid.domain.wire import ImageInput
from batchvid.errors import Unsupported
from tests.builders import generation

FIXTURES = Path(__file__).parents[1] / "fixtures"
FORMS = {"": "number", "text": "text", "s": "5s"}
LINK = ImageInput(role="first", filename="", media_type="", url="https://cdn.example/a.png")


def inputs_of(name: str) -> dict[str, dict[str, str]]:
    """Each model's fields with their forms, as its vendor publishes them."""
    rows = json.loads((FIXTURES / name).read_text())["inputs"]
    return {model: row["fields"] for row in rows for model in row["models"]}


def faults(model: str, fields: dict[str, str]) -> list[str]:
    """What the table says of a model and its vendor does not, and what it requires and the table does not name."""
    known = find_fields(fal_models.TABLE, model)
    if known is None:
        return [f"{model} is not in the table"]
    named = {field.name: (word, field) for word, field in known.fields.items()}
    found = [f"{model} has no {name}" for name in named if name not in fields]
    for name, form in fields.items():
        word, field = named.get(name, ("", None))
        is_required = form.startswith("!")
        if field is None:
            found += [f"{model} requires {name}"] if is_required and name != "prompt" else []
        elif field.is_required != is_required:
            found.append(f"{model}: whether {name} is required")
        elif word == "duration_s" and FORMS[field.form] != form.lstrip("!"):
            found.append(f"{model} writes a length as {form}")
    return found


def test_every_row_agrees_with_the_vendors_own_types() -> None:
    """No field is named that a model does not have, no required one is left out, and lengths are written its way."""
    published = inputs_of("fal_inputs.json")
    assert [fault for model, fields in published.items() for fault in faults(model, fields)] == []
    patterns = {
        next(pattern for pattern, row in fal_models.TABLE if find_fields(((pattern, row),), m)) for m in published
    }
    assert patterns == {pattern for pattern, _ in fal_models.TABLE}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"model": "fal-ai/veo3.1", "images": (LINK,)}, "image"),
        ({"model": "fal-ai/veo3.1/image-to-video"}, "image"),
        ({"model": "fal-ai/kling-video/v3/turbo/pro/text-to-video", "negative_prompt": "rain"}, "negative_prompt"),
        ({"model": "fal-ai/minimax/hailuo-2.3/pro/text-to-video", "duration_s": 6}, "duration_s"),
        ({"model": "minimax/h3/text-to-video", "resolution": "1080p"}, "resolution"),
        ({"model": "fal-ai/veo3.1", "action": "edit", "video": "https://cdn.example/a.mp4"}, "action"),
        ({"model": "xai/grok-imagine-video/edit-video"}, "action"),
        ({"model": "fal-ai/veo3.1", "options": {"duration": "8s"}}, "options"),
        ({"model": "acme/new/model", "duration_s": 5}, "duration_s"),
        ({"model": "acme/new/model", "duration_s": 5, "options": {"duration": "8"}}, "duration_s"),
        ({"model": "acme/new/model", "options": {"duration": "8"}}, "options"),
        ({"model": "acme/new/model", "sound": True}, "sound"),
        ({"model": "acme/new/model", "images": (LINK,)}, "image"),
    ],
)
def test_what_a_model_cannot_say_is_refused(fields: dict[str, Any], field: str) -> None:
    """The vendor would ignore it and bill the clip all the same."""
    with pytest.raises(Unsupported) as caught:
        build_fields(generation(prompt="a kite", **fields), fal_models.TABLE, "fal")
    assert caught.value.field == field


def test_of_an_unknown_model_the_user_names_the_fields() -> None:
    """The manifest's words say what is planned and priced; the options say how this model writes it."""
    order = generation(
        model="acme/new/model",
        prompt="a kite",
        duration_s=5,
        resolution="720p",
        sound=False,
        options={"length": "5s", "size": "720P", "audio": False, "style": "film"},
    )
    assert build_fields(order, fal_models.TABLE, "fal") == {"prompt": "a kite", **order.request.options}
