"""The variables of a template, the manifest's field that each of them places, and their values for one request."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from batchvid.dialects.common.request_building import (
    bare_base64,
    data_uri,
    exact_size,
    first_and_last,
    images_with_role,
    manifest_field,
    source_video,
    whole_seconds,
)
from batchvid.dialects.json_task.template import UNSET, Several, Variable
from batchvid.domain.wire import GenerationRequest, ImageInput, Part
from batchvid.errors import Unsupported

FIELDS: dict[str, tuple[str, ...]] = {
    "model": ("model",),
    "prompt": ("prompt",),
    "negative_prompt": ("negative_prompt",),
    "duration_s": ("duration_s",),
    "aspect_ratio": ("aspect_ratio",),
    "resolution": ("resolution",),
    "size": ("resolution", "aspect_ratio"),
    "width": ("resolution", "aspect_ratio"),
    "height": ("resolution", "aspect_ratio"),
    "seed": ("seed",),
    "sound": ("sound",),
    "mode": ("mode",),
    "image": ("image",),
    "end_image": ("end_image",),
    "reference_images": ("reference_images",),
    "video": ("video", "parent"),
    "parent_id": ("parent",),
    "audio": ("audio",),
    "external_id": (),
    "callback_url": (),
    "options": ("options",),
}
"""Each variable of a submit, with the fields of the manifest that it places."""

PICTURES = frozenset({"image", "end_image", "reference_images"})
NUMBERS = frozenset({"duration_s", "seed", "width", "height"})
PIXELS = frozenset({"size", "width", "height"})
PIXEL_SIZE = re.compile(r"[1-9]\d{0,4}[x*][1-9]\d{0,4}")
"""A value of the table of sizes."""
PICTURE_FORMS = ("base64", "uri", "link", "file", "type", "name")
NUMBER_FORMS = ("text", "float")
TABLED = frozenset({"model", "duration_s", "aspect_ratio", "resolution", "size", "seed", "sound", "mode"})
"""Variables that may have a table of values."""


def forms_of(name: str) -> tuple[str, ...]:
    """Return the forms in which a variable can be written, besides the plain one."""
    if name in PICTURES:
        return PICTURE_FORMS
    return NUMBER_FORMS if name in NUMBERS else ()


Table = Mapping[str, str | int | float | bool]
Reader = Callable[[GenerationRequest, str, Mapping[str, Table]], Any]
"""Reads the plain value of a variable: (request, form, tables) -> a value, None or empty if it is not set."""


class RequestValues:
    """The values of the variables for one request. Raises Unsupported for what a form or a table cannot express.

    In a template with both pixels and `resolution` (its `names`), exact pixels go to the former, a tier to the latter.
    """

    def __init__(
        self,
        generation: GenerationRequest,
        tables: Mapping[str, Table],
        names: Collection[str] = (),
        *,
        in_parts: bool = False,
    ) -> None:
        self._generation = generation
        self._tables = tables
        self._in_parts = in_parts
        self._has_both = "resolution" in names and not PIXELS.isdisjoint(names) and "size" not in tables
        self._known: dict[Variable, Any] = {}

    def __call__(self, variable: Variable) -> Any:
        """Return the value, `Several`, or UNSET."""
        if variable not in self._known:
            self._known[variable] = self._read(variable)
        return self._known[variable]

    def _read(self, variable: Variable) -> Any:
        if variable.name in PICTURES:
            return self._pictures(variable)
        if self._has_both and variable.name in ("resolution", *PIXELS):
            is_exact = exact_size(self._generation) is not None
            if is_exact == (variable.name == "resolution"):
                return UNSET
        value = _READERS[variable.name](self._generation, variable.form, self._tables)
        if value is None or value == "":
            return UNSET
        if (table := self._tables.get(variable.name)) and variable.name != "size":
            return _by_table(variable.name, value, table)
        return str(value) if variable.form == "text" else value

    def _pictures(self, variable: Variable) -> Any:
        if variable.name == "reference_images":
            found = [self._picture(image, variable.form) for image in images_with_role(self._generation, "reference")]
            return Several(tuple(found)) if found else UNSET
        first, last = first_and_last(self._generation) if variable.name == "end_image" else (self._first(), None)
        image = last if variable.name == "end_image" else first
        return UNSET if image is None else self._picture(image, variable.form)

    def _first(self) -> ImageInput | None:
        found = images_with_role(self._generation, "first")
        if len(found) > 1:
            raise Unsupported("image", "one image is allowed, as the first frame")
        return found[0] if found else None

    def _picture(self, image: ImageInput, form: str) -> Any:
        field = manifest_field(image)
        if form == "file" or (self._in_parts and not form and not image.url):
            if image.url:
                raise Unsupported(field, "this wire takes an uploaded file, not a link: give a local path")
            return Part(name="", value=image.data, filename=image.filename, content_type=image.media_type)
        if form == "type":
            return image.media_type or UNSET
        if form == "name":
            return image.filename or UNSET
        if form in ("base64", "uri") and image.url:
            raise Unsupported(field, "this wire takes the picture itself, not a link: give a local path")
        if form == "link" and not image.url:
            raise Unsupported(field, "this vendor fetches pictures by link: give an https:// address")
        return image.url or (bare_base64(image) if form == "base64" else data_uri(image))


def _by_table(name: str, value: object, table: Table) -> Any:
    word = str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
    if word not in table:
        field = (FIELDS[name] or (name,))[0]
        raise Unsupported(field, f"allowed are {', '.join(table)}, not {word}")
    return table[word]


def _duration(generation: GenerationRequest, form: str, _tables: Mapping[str, Table]) -> float | int | None:
    if form == "float":
        return generation.request.duration_s
    return whole_seconds(generation)


def _size(generation: GenerationRequest, tables: Mapping[str, Table]) -> tuple[int, int] | None:
    """Return the pixels: those of an exact resolution, or what the table of sizes has for resolution and ratio."""
    request = generation.request
    if exact := exact_size(generation):
        return exact
    word = " ".join(filter(None, (request.resolution, request.aspect_ratio)))
    if not word:
        return None
    table = tables.get("size", {})
    if word not in table:
        field = "aspect_ratio" if request.aspect_ratio else "resolution"
        allowed = ", ".join(table) or "exact pixels like 1280x720"
        raise Unsupported(field, f"allowed are {allowed}, not {word}")
    return _sides(table[word])


def _sides(word: object) -> tuple[int, int]:
    width, _, height = str(word).replace("*", "x").partition("x")
    return int(width), int(height)


def _size_word(generation: GenerationRequest, _form: str, tables: Mapping[str, Table]) -> str | None:
    """Return the pixels in the way that the table writes them, also for an exact resolution."""
    found = _size(generation, tables)
    sign = "*" if any("*" in str(word) for word in tables.get("size", {}).values()) else "x"
    return f"{found[0]}{sign}{found[1]}" if found else None


def _side(number: int) -> Reader:
    def read(generation: GenerationRequest, _form: str, tables: Mapping[str, Table]) -> int | None:
        found = _size(generation, tables)
        return found[number] if found else None

    return read


def _video(generation: GenerationRequest, _form: str, _tables: Mapping[str, Table]) -> str | None:
    return source_video(generation) if generation.request.video or generation.parent else None


def _parent_id(generation: GenerationRequest, _form: str, _tables: Mapping[str, Table]) -> str | None:
    if generation.parent is None:
        return None
    if not generation.parent.task_id:
        raise Unsupported("parent", "its task's id is required: it must be a job of this very wire format")
    return generation.parent.task_id


def _field(name: str) -> Reader:
    return lambda generation, _form, _tables: getattr(generation.request, name)


_PLAIN = ("model", "prompt", "negative_prompt", "aspect_ratio", "resolution", "seed", "sound", "mode", "audio")
_READERS: dict[str, Reader] = {
    **{name: _field(name) for name in _PLAIN},
    "duration_s": _duration,
    "size": _size_word,
    "width": _side(0),
    "height": _side(1),
    "video": _video,
    "parent_id": _parent_id,
    "external_id": lambda generation, _form, _tables: generation.external_id,
    "callback_url": lambda generation, _form, _tables: generation.callback_url,
    "options": lambda generation, _form, _tables: dict(generation.request.options) or None,
}
