"""Build requests from a generation, and refuse fields that a wire does not support. Knows no vendor."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection, Mapping
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

import orjson

from batchvid.dialects.common.option_words import EXACT_SIZE, Paid, PaidOption, paid_options
from batchvid.domain.clip_request import STORED_LINKS, ImageRole, set_fields
from batchvid.domain.wire import GenerationRequest, ImageInput, Part
from batchvid.errors import Unsupported

_TIER = frozenset({"resolution", "quality"})
_GEOMETRY = EXACT_SIZE | _TIER | {"ratio", "aspect_ratio"}
CHECKED_ELSEWHERE = frozenset({"model", "images", "fit", "options"})
"""Fields of a ClipRequest that every wire has, or that never reach one."""
FIELD_OF_ROLE: dict[ImageRole, str] = {"first": "image", "last": "end_image", "reference": "reference_images"}
"""The manifest's field for an image of each role."""

SHAPE_TOLERANCE = 0.02  # 1584:672 is sold as 21:9, 854x480 as 16:9

T = TypeVar("T")

_PIXELS = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")
_RATIO = re.compile(r"([1-9][0-9]{0,4}):([1-9][0-9]{0,4})")


def refuse_unsupported(generation: GenerationRequest, wire: str, spoken: Collection[str]) -> None:
    """Raise Unsupported if a field is set that `wire` does not support; `spoken` names the fields it supports.

    Every field of a ClipRequest is checked, so a new field is refused until a dialect supports it.
    """
    fields = [FIELD_OF_ROLE[image.role] for image in generation.images]
    fields += set_fields(generation.request)
    if generation.parent is not None:
        fields.append("parent")
    for field in fields:
        if field not in spoken and field not in CHECKED_ELSEWHERE:
            raise Unsupported(field, f"{wire} does not support it: leave it out, or choose another model")
    _refuse_stored_links(generation, wire, spoken)
    if generation.parent is not None and generation.request.video:
        raise Unsupported("video", "not allowed together with `parent`: both name the clip that is worked on")


def _refuse_stored_links(generation: GenerationRequest, wire: str, spoken: Collection[str]) -> None:
    """Raise Unsupported for a link into a vendor's own store, unless `spoken` has its beginning."""
    links = {manifest_field(image): image.url for image in generation.images}
    links |= {"video": generation.request.video, "audio": generation.request.audio}
    for field, link in links.items():
        store = next((start for start in STORED_LINKS if link.startswith(start)), "")
        if store and store not in spoken:
            raise Unsupported(field, f"{wire} does not support {store} links: they lead into another vendor's store")


def find_by_action(generation: GenerationRequest, wire: str, known: Mapping[str, T]) -> T:
    """Return what `known` holds for the action, empty for a clip of its own. Raises Unsupported."""
    if generation.request.action not in known:
        raise Unsupported(
            "action",
            f"{wire} can {', '.join(filter(None, known)) or 'make new clips'}, not {generation.request.action}",
        )
    return known[generation.request.action]


def images_with_role(generation: GenerationRequest, role: ImageRole) -> tuple[ImageInput, ...]:
    """Return the images of one role, in order."""
    return tuple(image for image in generation.images if image.role == role)


def first_and_last(generation: GenerationRequest) -> tuple[ImageInput | None, ImageInput | None]:
    """Return the first and the last frame. Raises Unsupported for two of a kind, or a last frame alone."""
    first, last = images_with_role(generation, "first"), images_with_role(generation, "last")
    if len(first) > 1:
        raise Unsupported("image", "one image is allowed, as the first frame")
    if len(last) > 1:
        raise Unsupported("end_image", "one image is allowed, as the last frame")
    if last and not first:
        raise Unsupported("end_image", "needs `image` too: a last frame is allowed only with a first one")
    return (first[0] if first else None), (last[0] if last else None)


def frames_or_references(generation: GenerationRequest) -> tuple[ImageInput, ...]:
    """Return the frames (first, last) or the references, for a wire that knows only an order of files.

    Raises Unsupported for both at once.
    """
    frames = tuple(image for image in first_and_last(generation) if image)
    references = images_with_role(generation, "reference")
    if frames and references:
        raise Unsupported("reference_images", "not allowed together with `image`: this wire cannot tell them apart")
    return frames or references


def manifest_field(image: ImageInput) -> str:
    """Return the manifest's word for an image of this role."""
    return FIELD_OF_ROLE[image.role]


def check_prompt(generation: GenerationRequest, *, max_chars: int, required: bool = True) -> None:
    """Raise Unsupported for an empty or overlong prompt. `max_chars` counts UTF-16 units, as the vendors do."""
    if required and not generation.request.prompt.strip():
        raise Unsupported("prompt", "must not be empty")
    check_length("prompt", generation.request.prompt, max_chars)


def check_length(field: str, value: str, max_chars: int) -> None:
    """Raise Unsupported if `value` is longer than `max_chars` UTF-16 units."""
    length = len(value.encode("utf-16-le", "surrogatepass")) // 2
    if length > max_chars:
        raise Unsupported(field, f"at most {max_chars} characters are allowed, not {length}")


def whole_seconds(generation: GenerationRequest) -> int | None:
    """Return the duration in seconds, None if none is given. Raises Unsupported unless it is 1, 2, 3..."""
    if generation.request.duration_s is None:
        return None
    if not 1 <= generation.request.duration_s <= 3600 or generation.request.duration_s != int(
        generation.request.duration_s
    ):
        raise Unsupported("duration_s", f"whole seconds from 1 are allowed, not {generation.request.duration_s:g}")
    return int(generation.request.duration_s)


def exact_size(generation: GenerationRequest) -> tuple[int, int] | None:
    """Return the pixels of a resolution written `1280x720`, None for a tier like `720p` or none.

    Raises Unsupported when an aspect ratio is given, too, of another shape.
    """
    found = _PIXELS.fullmatch(generation.request.resolution)
    if not found:
        return None
    width, height = int(found[1]), int(found[2])
    if generation.request.aspect_ratio and not same_shape(generation.request.aspect_ratio, width, height):
        raise Unsupported(
            "resolution",
            f"{generation.request.resolution} is not {generation.request.aspect_ratio}: say one of the two",
        )
    return width, height


def same_shape(aspect_ratio: str, width: int, height: int) -> bool:
    """Whether pixels have the shape of a ratio written `16:9`, to the tolerance that vendors allow themselves."""
    found = _RATIO.fullmatch(aspect_ratio)
    if not found or not width or not height:
        return False
    return abs(width * int(found[2]) / (height * int(found[1])) - 1) <= SHAPE_TOLERANCE


def one_of(field: str, value: str, allowed: Mapping[str, T]) -> T:
    """Translate `value` by a table. Raises Unsupported naming what is allowed."""
    if value not in allowed:
        raise Unsupported(field, f"allowed are {', '.join(allowed)}, not {value}")
    return allowed[value]


def form(fields: Mapping[str, str], files: Collection[ImageInput], generation: GenerationRequest) -> tuple[Part, ...]:
    """Make a multipart body: `fields` that are set, the user's options over them, then the files in order.

    Options go as text: strings as they are, everything else as JSON. An option named like the file part replaces
    it. Raises Unsupported as `checked_options` does.
    """
    sent = {name: value for name, value in fields.items() if value}
    options = checked_options(generation, sent)
    return multipart({**sent, **options}, () if "input_reference" in options else files)


def multipart(fields: Mapping[str, Any], files: Collection[ImageInput]) -> tuple[Part, ...]:
    """Make a multipart body: strings as they are, everything else as JSON, then the files as `input_reference`."""
    texts = {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in fields.items()}
    parts = [Part(name=name, value=text.encode()) for name, text in texts.items()]
    parts += [
        Part(name="input_reference", value=file.data, filename=file.filename, content_type=file.media_type)
        for file in files
    ]
    return tuple(parts)


def checked_options(
    generation: GenerationRequest, sent: Collection[str] = (), *, of_wire: Collection[str] = ()
) -> Mapping[str, Any]:
    """Return the user's options untouched. Raises Unsupported for one that JSON cannot say.

    None may name the model, ask for several clips, set the length, or replace a geometry that is already `sent`: what
    is paid for is planned, priced and capped by the manifest's own keys. `of_wire` are options that this wire needs
    although they have such a name. What else is priced depends on the model (planning/option_check.py).
    """
    try:
        orjson.dumps(dict(generation.request.options))
    except TypeError as exc:
        raise Unsupported("options", f"only what JSON can say is allowed: {exc}") from exc
    for option in paid_options(generation.request.options):
        if option.path not in of_wire and (
            option.meaning in (Paid.MODEL, Paid.COUNT, Paid.LENGTH) or not _replaces(option).isdisjoint(sent)
        ):
            refuse_option(option)
    return generation.request.options


def refuse_option(option: PaidOption) -> NoReturn:
    """Raise Unsupported with the option's path and the manifest's key for what it changes."""
    raise Unsupported("options", f"{option.path} would change what is paid for: write {option.meaning} instead")


def _replaces(option: PaidOption) -> frozenset[str]:
    """The fields of a body that an option replaces: a gateway has many names for one geometry."""
    if option.meaning is Paid.SHAPE:
        return frozenset({"ratio", "aspect_ratio", "size"})
    if option.meaning is not Paid.SIZE:
        return frozenset()
    return _GEOMETRY if option.word in EXACT_SIZE else _TIER


def option_id(generation: GenerationRequest, name: str, what: str) -> str:
    """Return the id that the options must name. Raises Unsupported if it is missing, or a number: ids are text."""
    value = generation.request.options.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Unsupported("options", f"{name} is required, as a text in quotes: {what}")
    return value


def clip_id(generation: GenerationRequest, name: str, what: str, *, is_task: bool = False) -> str:
    """Return an id of the clip that is worked on: its parent's own, else the one that the options name.

    `is_task` where the vendor calls a clip by the id of its task. Raises Unsupported where there is none, or both are
    given.
    """
    if generation.parent is None:
        return option_id(generation, name, what)
    if name in generation.request.options:
        raise Unsupported("options", f"{name} is not allowed together with `parent`: both name the clip")
    ids = {"task_id": generation.parent.task_id, **generation.parent.vendor_metadata}
    found = ids.get("task_id" if is_task else name, "")
    if not found:
        raise Unsupported("parent", f"its {name} is required: it must be a job of this very wire format")
    return found


def source_video(generation: GenerationRequest) -> str:
    """Return the link to the clip that is worked on. Raises Unsupported without one."""
    if generation.parent is not None:
        if not generation.parent.link:
            raise Unsupported("parent", "a link to its clip is required, and its provider offers none")
        return generation.parent.link
    if not generation.request.video.casefold().startswith("https://"):
        raise Unsupported("video", "an https:// link to the source clip is required: the vendor fetches it")
    return generation.request.video


def uploaded(image: ImageInput) -> ImageInput:
    """Return an image that can be sent as a file part. Raises Unsupported for one given by a link."""
    if image.url:
        raise Unsupported(manifest_field(image), "this wire takes an uploaded file, not a link: give a local path")
    return image


def bare_base64(image: ImageInput) -> str:
    """Return the image's bytes as base64 without any prefix."""
    return b64encode(image.data).decode()


def data_uri(image: ImageInput) -> str:
    """Return the image's bytes as a `data:` URI."""
    return f"data:{image.media_type};base64,{bare_base64(image)}"


def path_segment(task_id: str) -> str:
    """Encode a task id for a path: aggregators' ids hold colons and slashes."""
    return quote(task_id, safe="")
