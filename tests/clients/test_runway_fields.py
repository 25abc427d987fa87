"""What we know of Runway's models against the types of its SDK, and every request of ours against that knowledge."""

from __future__ import annotations

import importlib
import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typing_extensions

import batchvid.emulator
from batchvid.dialects import DIALECTS
from batchvid.dialects.runway_models import IMAGE, MODELS, TEXT, VIDEO, Fields
from batchvid.dialects.runway_shapes import _name
from batchvid.domain.clip_request import ClipRequest
from batchvid.domain.wire import GenerationRequest, ImageInput
from batchvid.emulator.routes.runway_requests import COMETAPI_MODELS, check_fields
from tests.emulator.helpers import VERSION, vendor

DATA = json.loads((Path(batchvid.emulator.__file__).parent / "data" / "runway.json").read_text("utf-8"))["routes"]
COMETAPI = {"gen3a_turbo"}
"""Sold by CometAPI only: no longer in Runway's SDK."""
UNSOLD = {"draftTaskId"}
"""Buys another clip than the manifest describes."""
LINK = "https://cdn.example/a.png"


def bare(annotation: Any) -> tuple[Any, str, bool]:
    """A type without its wrappers, its name on the wire, and whether it is required."""
    alias, required = "", False
    while True:
        origin = typing.get_origin(annotation)
        if str(origin).endswith("Required"):
            required = True
        elif origin is typing.Annotated:
            alias = next((one.alias for one in typing.get_args(annotation)[1:] if getattr(one, "alias", "")), alias)
        else:
            return annotation, alias, required
        annotation = typing.get_args(annotation)[0]


def kind(annotation: Any) -> str | list[Any]:
    """A type of the SDK in the words of the emulator's data."""
    plain, _, _ = bare(annotation)
    if typing.get_origin(plain) is typing.Literal:
        return list(typing.get_args(plain))
    if plain in (str, int, float, bool):
        return {str: "string", int: "integer", float: "number", bool: "boolean"}[plain]
    if typing.get_origin(plain) is typing.Union:
        kinds = [kind(one) for one in typing.get_args(plain)]
        return "string or array" if "array" in kinds else "integer or auto"
    return "object" if typing_extensions.is_typeddict(plain) else "array"


def sdk(route: str) -> dict[str, Any]:
    """The models of a route with their fields, as Runway's SDK types them."""
    module = importlib.import_module(f"runwayml.types.{route}_create_params")
    found = {}
    for model in typing.get_args(getattr(module, "".join(map(str.capitalize, route.split("_"))) + "CreateParams")):
        fields, required, name = {}, [], ""
        for field, annotation in typing.get_type_hints(model, include_extras=True).items():
            plain, alias, is_required = bare(annotation)
            if field == "model":
                name = typing.get_args(plain)[0]
                continue
            fields[alias or field] = kind(annotation)
            required += [alias or field] if is_required else []
        found[name] = {"required": sorted(required), "fields": fields}
    return found


def test_the_emulator_knows_the_fields_of_the_sdk() -> None:
    """Each model of each route has exactly the SDK's fields, with its types, values and requirements."""
    assert {route: sdk(route) for route in (TEXT, IMAGE, VIDEO)} == DATA


def test_the_table_has_the_models_and_routes_of_the_sdk() -> None:
    """No model and no route of it is missing, and every field without a word of the manifest is an option."""
    for route in (TEXT, IMAGE, VIDEO):
        assert {name for name, routes in MODELS.items() if route in routes} - COMETAPI == set(DATA[route])
    for name, routes in MODELS.items():
        for route, fields in routes.items() if name not in COMETAPI_MODELS else ():
            known = set(DATA[route][name]["fields"]) - {"ratio"}  # aleph2's is deprecated
            written = {"promptText", "promptImage", "duration", "resolution", "audio", "seed", "mode", "references"}
            written |= {"negativePrompt", "videoUri", "promptVideo", "targetAspectRatio"}
            assert known - written == set(fields.options or ()) | UNSOLD & known, (name, route)


def picture(role: Any) -> ImageInput:
    return ImageInput(role=role, filename="", media_type="", url=LINK)


def requests(model: str, route: str, fields: Fields) -> Iterator[GenerationRequest]:
    """A request with every ability, one for each shape and for each action; and one with the least."""
    given: dict[str, Any] = {"prompt": "a kite", "duration_s": 5.0 if fields.duration else None}
    if "veo" in model:
        given["duration_s"] = 8.0
    least = {"prompt": "a kite", "duration_s": given["duration_s"]}
    given |= {"seed": 7} if fields.seed else {}
    given |= {"negative_prompt": "rain"} if fields.negative_prompt else {}
    given |= {"sound": True} if fields.audio is not None else {}
    images = [picture("first")] if route == IMAGE else []
    images += [picture("last")] if route == IMAGE and fields.last and model != "gen4_turbo" else []
    references = [picture("reference")] if fields.references else []
    shapes = [
        {"resolution": tier, "aspect_ratio": _name(pair)}
        for tier, all_ in (fields.pairs or {}).items()
        for pair in all_
    ]
    shapes += [{"aspect_ratio": name} for name in fields.names] + [{"resolution": tier} for tier in fields.resolutions]
    shapes += [{"resolution": tier} for tier in fields.auto] if not fields.pairs or not fields.ratio_needed else []
    for action in fields.actions or ("",):
        source = {"action": action, "video": "https://cdn.example/a.mp4"} if action else {}
        needed = {"duration_s": None} if action == "edit" and fields.edit_duration else {}
        for shape in [{}, *shapes] if action not in fields.keeps_shape else [{}]:
            if fields.ratio_needed and not shape:
                continue
            if route == IMAGE and fields.ratio_needed is False and not fields.pairs and not fields.names:
                shape = {key: one for key, one in shape.items() if key != "aspect_ratio"}
            for ability in (given, least):
                request = ClipRequest(model=model, **{**ability, **source, **needed, **shape})
                pictures = (*images, *references) if ability is given else tuple(images[:1])
                yield GenerationRequest(request=request, images=pictures)


async def test_every_request_fits_the_sdk() -> None:
    """Each model on each route, with all that it can do and with the least, has only the SDK's fields and values."""
    count = 0
    async with vendor(render="shared") as v:
        for model, routes in MODELS.items():
            for route, fields in routes.items():
                sent = [DIALECTS["runway"].submit(generation) for generation in requests(model, route, fields)]
                for request in sent if model not in COMETAPI_MODELS else ():
                    check_fields(route, model, dict(request.json or {}))
                count += len(sent)
                reply = await v.call("POST", f"/runwayml{sent[0].path}", json=dict(sent[0].json or {}), headers=VERSION)
                assert reply.status == 200, (model, route, sent[0].json, reply.json)
                assert reply.json["estimatedCost"]["credits"] > 0
    assert count > 300
