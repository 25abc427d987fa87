"""What a model calls the manifest's words, for vendors that sell many models with fields of their own.

A table of a dialect has one row per family of models. What a model has no field for is refused: these vendors ignore a
field that they do not know, and bill all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from batchvid.dialects.common.option_words import paid_options
from batchvid.dialects.common.request_building import (
    FIELD_OF_ROLE,
    check_length,
    check_prompt,
    checked_options,
    data_uri,
    first_and_last,
    images_with_role,
    refuse_unsupported,
    source_video,
    whole_seconds,
)
from batchvid.domain.clip_request import set_fields
from batchvid.domain.wire import GenerationRequest, ImageInput
from batchvid.errors import Unsupported

Table = tuple[tuple[str, str], ...]
"""Rows of a pattern of model ids (`*` stands for any text) and the names of fields; the first that fits counts."""

WORDS = (
    *("image", "end_image", "reference_images", "video", "duration_s", "aspect_ratio", "resolution", "seed"),
    *("negative_prompt", "sound"),
)
"""The manifest's words that a row may name a field for. The prompt is `prompt` everywhere."""
SUPPORTED = ("prompt", "parent", "action", *WORDS)
MAX_PROMPT_CHARS = 32_000  # the vendors state none for the queue: the models refuse longer ones themselves

_SECONDS: Mapping[str, Callable[[int], object]] = {"": int, "text": str, "s": lambda seconds: f"{seconds}s"}


@dataclass(frozen=True, slots=True)
class ModelField:
    """A field of a model. `form` is how it writes a length: a number, `text` or `s` (as "5s").

    `tiers` are the vendor's spellings of a resolution, empty where it spells them as the manifest does.
    """

    name: str
    is_required: bool = False
    form: str = ""
    tiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelFields:
    """The fields of a model by the manifest's words; `action` is what it does with the source clip."""

    fields: Mapping[str, ModelField]
    action: str = ""


def find_fields(table: Table, model: str) -> ModelFields | None:
    """Return the fields of a model, None for one that the table does not know."""
    row = next((names for pattern, names in table if fnmatchcase(model, pattern)), None)
    return None if row is None else parse_row(row)


@lru_cache(maxsize=256)
def parse_row(row: str) -> ModelFields:
    """Parse the names of a row: `image!=start_image_url duration_s=duration:text seed action:edit`.

    A word alone is its own name; `!` marks a required field; behind the colon stand the form or the spellings.
    """
    fields: dict[str, ModelField] = {}
    action = ""
    for item in row.split():
        left, _, right = item.partition("=")
        word, _, own_form = left.partition(":")
        name, _, form = right.partition(":")
        if word == "action":
            action = own_form
            continue
        key = word.rstrip("!")
        form = form or own_form
        is_length = key == "duration_s"
        tiers = () if is_length or not form else tuple(form.split(","))
        fields[key] = ModelField(name or key, word.endswith("!"), form if is_length else "", tiers)
    return ModelFields(fields, action)


def build_fields(generation: GenerationRequest, table: Table, wire: str, *, model: str = "") -> dict[str, Any]:
    """Build the fields of the generation's model, the user's options over them. Raises Unsupported.

    `model` is its name in the table where that differs.
    """
    request = generation.request
    refuse_unsupported(generation, wire, SUPPORTED)
    check_prompt(generation, max_chars=MAX_PROMPT_CHARS, required=not (generation.images or request.action))
    check_length("negative_prompt", request.negative_prompt, MAX_PROMPT_CHARS)
    known = find_fields(table, model or request.model)
    if known is None:
        return _unknown_model(generation, wire)
    _check_action(generation, known)
    values = {word: value for word, value in _values(generation, known).items() if value is not None}
    for word, field in known.fields.items():
        if field.is_required and word not in values:
            raise Unsupported(word, f"is required: {request.model} makes no clip without it")
    sent: dict[str, Any] = {"prompt": request.prompt} if request.prompt else {}
    for word, value in values.items():
        if word not in known.fields:
            raise Unsupported(word, f"{request.model} has no field for it: leave it out, or choose another model")
        sent[known.fields[word].name] = value
    return sent | dict(checked_options(generation, {*sent, *values}))


def _values(generation: GenerationRequest, known: ModelFields) -> dict[str, Any]:
    """What the manifest asks for, in the model's spelling; None where it asks for nothing."""
    request = generation.request
    first, last = first_and_last(generation)
    references = [_picture(image) for image in images_with_role(generation, "reference")]
    length = known.fields.get("duration_s", ModelField("duration"))
    seconds = whole_seconds(generation)
    return {
        "image": _picture(first) if first else None,
        "end_image": _picture(last) if last else None,
        "reference_images": references or None,
        "video": source_video(generation) if request.action or request.video or generation.parent else None,
        "duration_s": None if seconds is None else _SECONDS[length.form](seconds),
        "aspect_ratio": request.aspect_ratio or None,
        "resolution": _tier(request.resolution, known) if request.resolution else None,
        "seed": request.seed,
        "negative_prompt": request.negative_prompt or None,
        "sound": request.sound,
    }


def _check_action(generation: GenerationRequest, known: ModelFields) -> None:
    request = generation.request
    if request.action != known.action:
        does = f"does {known.action}" if known.action else "makes new clips"
        raise Unsupported("action", f"{request.model} {does}: each model of this vendor does one thing")


def _tier(resolution: str, known: ModelFields) -> str:
    """Return a resolution in the vendor's spelling, such as `768P`. Raises Unsupported for one it does not list."""
    field = known.fields.get("resolution")
    if field is None or not field.tiers:
        return resolution
    spelled = {tier.casefold(): tier for tier in field.tiers}
    if resolution.casefold() not in spelled:
        raise Unsupported("resolution", f"allowed are {', '.join(field.tiers)}, not {resolution}")
    return spelled[resolution.casefold()]


def _unknown_model(generation: GenerationRequest, wire: str) -> dict[str, Any]:
    """The prompt and the options: the user names the model's fields, and the manifest's words must agree with them."""
    request = generation.request
    for image in generation.images:
        field = FIELD_OF_ROLE[image.role]
        raise Unsupported(
            field, f"{wire} does not know the fields of {request.model}: give a link under options, with its own name"
        )
    given = {option.path: option.value for option in paid_options(request.options)}
    agreed: set[str] = set()
    for word in ("duration_s", "aspect_ratio", "resolution", "seed", "negative_prompt", "sound", "action", "video"):
        if word not in set_fields(request):
            continue
        wanted = _plain(getattr(request, word))
        same = [name for name, value in {**request.options, **given}.items() if _plain(value) == wanted]
        if not same:
            raise Unsupported(
                word,
                f"{wire} does not know the fields of {request.model}: write the same value under options too, with "
                f"its own name, such as options: {{{_EXAMPLES.get(word, word)}: {getattr(request, word)}}}",
            )
        agreed.update(same)
    if generation.parent is not None:
        raise Unsupported("parent", f"{wire} does not know how {request.model} names a source clip")
    sent: dict[str, Any] = {"prompt": request.prompt} if request.prompt else {}
    return sent | dict(checked_options(generation, sent, of_wire=agreed))


_EXAMPLES = {"duration_s": "duration", "sound": "generate_audio", "video": "video_url"}


def _plain(value: object) -> object:
    """A value without its spelling: 5, 5.0, "5" and "5s" are equal, and so are `720p` and `720P`."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold()
    try:
        return float(text.removesuffix("s"))
    except ValueError:
        return text


def _picture(image: ImageInput) -> str:
    """A picture as these vendors take it: a link, or a data URI."""
    return image.url or data_uri(image)
