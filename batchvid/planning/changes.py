"""What changed between the request of an earlier run and the one that the manifest states now. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile
from operator import eq
from typing import Any

from batchvid.catalog.resolution import FIELDS as IMAGE_FIELDS
from batchvid.domain.clip_request import CLIP_FIELDS, ImageRef
from batchvid.domain.job_spec import JobSpec
from batchvid.redaction import hide_links, hide_secrets

MAX_CHARS = 60  # of a text that is shown whole
CONTEXT_CHARS = 15  # around the part of a long text that differs
NOT_SET = "not set"
HIDDEN_CHANGE = "a part that is not shown has changed (the query of a link, or a secret)"


def describe_changes(before: JobSpec, after: JobSpec) -> str:
    """Each changed field as `prompt: "a red mug" -> "a blue mug"`, without secrets.

    `before` comes from the state file, which has links without their queries.
    """
    return "; ".join(_changes(before, after)) or HIDDEN_CHANGE


def _changes(before: JobSpec, after: JobSpec) -> Iterator[str]:
    if before.asked.model != after.asked.model:
        yield f"model: {before.asked.model} -> {after.asked.model}"
    for name in CLIP_FIELDS:
        old, new = getattr(before.request, name), getattr(after.request, name)
        if name == "images":
            yield from _image_changes(old, new)
        elif name == "options":
            yield from _option_changes(old, new)
        elif name != "model":
            old, new = _without_secrets(name, old), _without_secrets(name, new)
            if old != new:
                yield f"{name}: {_change(old, new)}"
    if before.parent != after.parent:
        yield f"parent: {before.parent or NOT_SET} -> {after.parent or NOT_SET}"
    elif before.parent_fingerprint != after.parent_fingerprint:
        yield f"parent: {after.parent} (changed)"


def _without_secrets(name: str, value: Any) -> Any:
    """The value as the state file stores it, and as it may be shown."""
    if not isinstance(value, str) or value.startswith("data:"):
        return value
    return hide_links(value) if name in ("video", "audio") else hide_secrets(value)


def _change(old: Any, new: Any) -> str:
    if isinstance(old, str) and isinstance(new, str) and old and new and max(len(old), len(new)) > MAX_CHARS:
        old, new = _differing_parts(old, new)
    return f"{show(old)} -> {show(new)}"


def _differing_parts(old: str, new: str) -> tuple[str, str]:
    """The parts of two long texts that differ, with some characters around them."""
    start = _common_length(old, new)
    end = _common_length(old[start:][::-1], new[start:][::-1])
    begin = _word_start(new, max(0, start - CONTEXT_CHARS), start)

    def part(text: str) -> str:
        last = len(text) - max(0, end - CONTEXT_CHARS)
        shown = text[begin:last]
        if len(shown) > MAX_CHARS + 2 * CONTEXT_CHARS:
            shown, last = shown[: MAX_CHARS + CONTEXT_CHARS], -1
        return f"{'…' if begin else ''}{shown}{'' if last == len(text) else '…'}"

    return part(old), part(new)


def _common_length(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(bool, map(eq, one, other)))


def _word_start(text: str, at: int, until: int) -> int:
    """The start of the first whole word between two positions; the first position if there is none."""
    if at == 0:
        return 0
    found = text.find(" ", at, until)
    return at if found < 0 else found + 1


def show(value: Any) -> str:
    """A value on one line: a text in quotes, what is not printable escaped."""
    if value is None or value == "":
        return NOT_SET
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        if value.startswith("data:"):
            return f"a file of {len(value):,} characters"
        return f'"{escape_unprintable(value)}"'
    return str(value)


def escape_unprintable(text: str) -> str:
    """The text on one line: line ends and control characters as `\\n` and the like."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _image_changes(old: tuple[ImageRef, ...], new: tuple[ImageRef, ...]) -> Iterator[str]:
    for role, field in IMAGE_FIELDS.items():
        before = [image for image in old if image.role == role]
        after = [image for image in new if image.role == role]
        if [_identity(image) for image in before] == [_identity(image) for image in after]:
            continue
        names_before, names_after = _names(before), _names(after)
        if [image.sha256 for image in before] == [image.sha256 for image in after] and after and after[0].sha256:
            yield f"{field}: {names_after} (converted in another way)"
        elif names_before == names_after:
            yield f"{field}: {names_after} (changed)"
        else:
            yield f"{field}: {names_before} -> {names_after}"


def _identity(image: ImageRef) -> str:
    return str(hide_links(image.source)) if image.is_url else image.identity


def _names(images: list[ImageRef]) -> str:
    return ", ".join(image_name(image) for image in images) or NOT_SET


def image_name(image: ImageRef) -> str:
    """The file name of an image, or its link without its query."""
    return str(hide_links(image.source)) if image.is_url else image.source.replace("\\", "/").rpartition("/")[2]


def _option_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    old, new = hide_links(dict(old)), hide_links(dict(new))
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield f"options.{name}: {_change(old.get(name), new.get(name))}"
