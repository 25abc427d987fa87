"""Builds the requests of a `json-task` dialect: submit, poll, cancellation, the second GET of a finished task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from batchvid.dialects.common.image_rules import ImageRules, check_image
from batchvid.dialects.common.option_words import paid_options
from batchvid.dialects.common.request_building import (
    check_length,
    checked_options,
    manifest_field,
    path_segment,
    refuse_option,
    refuse_unsupported,
)
from batchvid.dialects.json_task.definition import Call, Definition, Method, Variant
from batchvid.dialects.json_task.pointers import find, parse_pointer
from batchvid.dialects.json_task.template import (
    UNSET,
    Variable,
    fill,
    fill_path,
    keys_beside_options,
    variables_in,
)
from batchvid.dialects.json_task.variables import FIELDS, RequestValues
from batchvid.domain.clip_request import SENT_TYPES
from batchvid.domain.wire import GenerationRequest, Part, Request
from batchvid.errors import Unsupported

MEGABYTE = 1_000_000
_MODEL_PATH = {"model": "/:@"}
"""What stays as it is in a path: the ids of many models hold slashes."""


def build_submit(name: str, definition: Definition, generation: GenerationRequest) -> Request:
    """Build the submit request. Raises Unsupported for every field that its template does not place."""
    variant = find_variant(definition, generation)
    call, body = variant.submit or definition.submit, variant.body if variant.body is not None else definition.body
    placed = placed_fields(call.path, body)
    _refuse_dropped(name, definition, generation, placed)
    if definition.prompt_chars is not None:
        check_length("prompt", generation.request.prompt, definition.prompt_chars)
    for image in generation.images:
        check_image(image, image_rules(definition))
    _check_options(generation, body)
    names = {variable.name for variable in (*variables_in(call.path), *variables_in(body))}
    values = RequestValues(generation, definition.values, names, in_parts=definition.body_as == "multipart")
    filled = fill(body, values)
    sent: dict[str, Any] = {} if filled is UNSET else filled
    path = fill_path(call.path, values, safe=_MODEL_PATH)
    if "//" in path or "/../" in f"{path.partition('?')[0]}/":
        raise Unsupported("model", f"{generation.request.model} makes no path of {call.path}")
    headers = dict(definition.headers)
    if definition.idempotency and generation.external_id:
        headers[definition.idempotency.header] = generation.external_id
    request = Request(method="POST", path=path, headers=headers)
    if definition.body_as == "multipart":
        return replace(request, parts=tuple(part for key, value in sent.items() for part in _parts(key, value)))
    return replace(request, json=sent)


def build_poll(definition: Definition, generation: GenerationRequest, task_id: str) -> Request:
    """Build the poll request: at the address that the reply to the submit named, else at the definition's path."""
    call = find_variant(definition, generation, strict=False).poll or definition.poll
    request = of_task(definition, call, "GET", task_id, definition.poll_body)
    return replace(request, path=generation.poll_path) if generation.poll_path else request


def build_cancel(definition: Definition, task_id: str) -> Request:
    """Build the cancellation of a task."""
    assert definition.cancel is not None  # noqa: S101 - the dialect has this function only then
    return of_task(definition, definition.cancel, "POST", task_id, definition.cancel_body)


def build_follow_up(definition: Definition, document: object, task_id: str) -> Request | None:
    """Build the second GET of a finished task out of its poll's reply; None where the reply lacks what it needs."""
    assert definition.follow_up is not None  # noqa: S101 - called only then
    path = fill_from_reply(definition.follow_up.path, document, task_id)
    return Request(method="GET", path=path, headers=definition.headers) if path else None


def fill_from_reply(written: str, document: object, task_id: str) -> str:
    """Fill in `{id}` and `{/place}` of a path; empty where a place of the reply holds nothing.

    An address that the reply names, absolute or a path, stays as it is.
    """
    found = {v.name: _from_reply(v, document, task_id) for v in variables_in(written)}
    if any(not value for value in found.values()):
        return ""
    whole = written.partition("}")
    if written.startswith("{/") and not whole[2]:
        address = found[written[1:-1]]
        return address if address.startswith(("/", "https://", "http://")) else f"/{path_segment(address)}"
    return fill_path(written, lambda variable: found[variable.name])


def find_variant(definition: Definition, generation: GenerationRequest, *, strict: bool = True) -> Variant:
    """Return what differs for this clip's inputs or action. Raises Unsupported for an action without a variant."""
    request, roles = generation.request, {image.role for image in generation.images}
    inputs = [
        name
        for role, name in (("first", "image"), ("last", "end_image"), ("reference", "reference_images"))
        if role in roles
    ]
    keys = ["+".join(inputs)]
    if request.action:
        keys = ["+".join([request.action, *inputs]), request.action]
        if strict and not set(keys) & set(definition.variants):
            known = [key for key in definition.variants if key.partition("+")[0] not in FIELDS]
            raise Unsupported("action", f"this wire can {', '.join(known) or 'make new clips'}, not {request.action}")
    return next((definition.variants[key] for key in keys if key in definition.variants), Variant())


def placed_fields(path: str, body: object) -> frozenset[str]:
    """Return the manifest's fields that a template places."""
    found = {variable.name for source in (path, body) for variable in variables_in(source)}
    return frozenset(field for name in found for field in FIELDS.get(name, ()))


def image_rules(definition: Definition) -> ImageRules:
    """Return the limits of pictures."""
    pictures = definition.pictures
    if pictures.max_mb is None:
        return ImageRules(types=pictures.types or SENT_TYPES)
    return ImageRules(
        types=pictures.types or SENT_TYPES,
        max_bytes=int(pictures.max_mb * MEGABYTE),
        max_size=f"{pictures.max_mb:g} MB",
    )


def of_task(
    definition: Definition, call: Call, method: Method, task_id: str, body: Mapping[str, Any] | None
) -> Request:
    """Build a call about one task."""

    def value(variable: Variable) -> str | int:
        return int(task_id) if variable.form == "int" and task_id.isascii() and task_id.isdecimal() else task_id

    path = fill_path(call.path, value)
    request = Request(method=call.method or method, path=path, headers=definition.headers)
    return request if body is None else replace(request, json=fill(body, value))


def _refuse_dropped(name: str, definition: Definition, generation: GenerationRequest, placed: frozenset[str]) -> None:
    # find_variant refuses an action that the definition does not have
    refuse_unsupported(generation, f"the {name} wire", {*placed, "action"})
    request = generation.request
    if "model" not in placed and request.model not in definition.models:
        raise Unsupported("model", f"this wire has {', '.join(definition.models)} only, not {request.model}")
    if "model" in placed and definition.models and request.model not in definition.models:
        raise Unsupported("model", f"this wire has {', '.join(definition.models)}, not {request.model}")
    if "prompt" not in placed and request.prompt:
        raise Unsupported("prompt", f"the {name} wire does not place it here")
    if request.options and "options" not in placed:
        raise Unsupported("options", f"the {name} wire takes none: its definition has no place for {{options}}")
    if request.action and not request.video and generation.parent is None:
        raise Unsupported("video", f"the clip to {request.action} is required: a link, or `parent`")
    for image in generation.images:
        if manifest_field(image) not in placed:
            raise Unsupported(manifest_field(image), f"the {name} wire does not support it: leave it out")


def _check_options(generation: GenerationRequest, body: Mapping[str, Any]) -> None:
    """Raise Unsupported for options that change what is paid for, or replace what the template places."""
    checked_options(generation)
    placed = placed_fields("", body)
    for option in paid_options(generation.request.options):
        if option.meaning.value.partition(",")[0] in placed:
            refuse_option(option)
    taken = (keys_beside_options(body) or frozenset()) & generation.request.options.keys()
    if taken:
        raise Unsupported(
            "options", f"{', '.join(sorted(taken))}: the wire's definition sets it: use the manifest's own key"
        )


def _from_reply(variable: Variable, document: object, task_id: str) -> str:
    if variable.name == "id":
        return task_id
    value = find(document, parse_pointer(variable.name))
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _parts(key: str, value: Any) -> list[Part]:
    """Write one field of a form: files as they are, lists as repeated fields, objects as JSON, the rest as text."""
    if isinstance(value, Part):
        return [replace(value, name=key)]
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return [part for item in value for part in _parts(key, item)]
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return [Part(name=key, value=text.encode())]
