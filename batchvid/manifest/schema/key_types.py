"""The types of the manifest's keys: each with its check and its form in the JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from batchvid.catalog.authentication import VariableName
from batchvid.catalog.hosts import is_private_host
from batchvid.manifest.reading.marked_data import plain
from batchvid.manifest.reading.safe_names import safe_name, text_of
from batchvid.manifest.schema import field_types
from batchvid.manifest.schema.cell_lists import split_files, split_words
from batchvid.manifest.schema.templates import is_template

RESERVED = frozenset({"take", "entry", "row", "image_name", "image_stem"})  # variables that batchvid sets
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class UnlessTemplate:
    """The check of a field with one value; a template is checked after it is rendered."""

    check: Callable[[Any], Any]

    def __call__(self, value: Any) -> Any:
        """The checked value; a template and None are returned unchanged. A blank text is not given."""
        if value is None or (isinstance(value, str) and is_template(value)):
            return value
        if isinstance(value, str) and not value.strip():
            return ""
        return self.check(value)


def _variable_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name in RESERVED:
        other = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
        usable = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", other) and other not in RESERVED
        hint = f"; write {other}" if usable else ""
        raise ValueError(
            f"must be letters, digits and _, for use as {{{{ name }}}}, and none of {', '.join(sorted(RESERVED))}{hint}"
        )
    return name


def _literal(value: Any) -> Any:
    """A variable's value as plain data. A template is refused: it would be used as text, without rendering."""
    if isinstance(value, str) and is_template(value):
        raise ValueError("must be a plain value: templates are rendered in clips, not here")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _literal(inner)
    return plain(value)


def _batch_name(value: Any) -> str:
    name = field_types.word(value)
    if safe_name(name) != name:
        raise ValueError(f"{name!r} cannot name a folder on every system; {safe_name(name)!r} can")
    return name


def _base_url(url: str) -> str:
    if found := _NO_SCHEME.fullmatch(url.strip()):
        scheme = "http" if is_private_host(found["host"]) else "https"
        raise ValueError(f"must begin with https:// or http://: write {scheme}://{url.strip()}")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in url):
        raise ValueError("must be an address such as https://gw.example.com")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("must be an address without a user name, a ? or a #; keys come from the environment")
    return url.rstrip("/")


_NO_SCHEME = re.compile(
    r"(?P<host>localhost|([a-z0-9-]{1,40}\.)+([a-z]{2,24}|\d{1,3})|[a-z0-9-]{1,40}(?=:\d)|\[[0-9a-f:]+\])"
    r"(:\d{1,5})?(/[\w./~-]*)?"
)
"""An address without a scheme. A key, which no message may repeat, is none: it has no dot, or capital letters."""


def _proxy(url: str) -> str:
    """Never prints the value: it may hold a password."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "http" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if usable and (parts.username is not None or parts.password is not None):
        raise ValueError(
            "must not hold a user name or password: put the address into a variable, and write proxy_env: ITS_NAME"
        )
    if not usable or parts.path.strip("/") or parts.query or parts.fragment or any(map(str.isspace, url)):
        raise ValueError("must be the address of an HTTP proxy, such as http://proxy.example.com:3128")
    return url.rstrip("/")


def _prefix(path: str) -> str:
    if path and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+/?", path):
        raise ValueError("must be a path such as /kling, put before every path of the dialect")
    return path.rstrip("/")


def _not_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _unique(values: list[Any]) -> list[Any]:
    texts = [text_of(value) for value in values]
    repeated = next((text for text in texts if texts.count(text) > 1), None)
    if repeated is not None:
        raise ValueError(f"has {repeated!r} twice")
    return values


@dataclass(frozen=True, slots=True)
class ListOf:
    """The check of a list of words that may be written as one text; a template is split after it is rendered."""

    split: Callable[[str], list[str]]

    def __call__(self, value: Any) -> list[str] | str | None:
        """A list, or the text that is a template."""
        if value is None or (isinstance(value, str) and is_template(value)):
            return value
        if isinstance(value, str):
            return [field_types.word(part) for part in self.split(value)]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return [field_types.word(value)]
        if not isinstance(value, list):
            raise ValueError("must be a list")
        return [_item(part) for part in value]


_item = UnlessTemplate(field_types.word)

Text = Annotated[str | None, PlainValidator(UnlessTemplate(field_types.text), json_schema_input_type=str | float)]
Word = Annotated[str | None, PlainValidator(UnlessTemplate(field_types.word), json_schema_input_type=str | float)]
Ratio = Annotated[str | None, PlainValidator(UnlessTemplate(field_types.ratio), json_schema_input_type=str)]
Seconds = Annotated[
    float | str | None, PlainValidator(UnlessTemplate(field_types.seconds), json_schema_input_type=float | str)
]
Seed = Annotated[int | str | None, PlainValidator(UnlessTemplate(field_types.seed), json_schema_input_type=int | str)]
Switch = Annotated[
    bool | str | None, PlainValidator(UnlessTemplate(field_types.switch), json_schema_input_type=bool | str)
]
Fit = Annotated[str | None, PlainValidator(UnlessTemplate(field_types.fit), json_schema_input_type=str)]
Background = Annotated[str | None, PlainValidator(UnlessTemplate(field_types.background), json_schema_input_type=str)]
Action = Annotated[str | None, PlainValidator(UnlessTemplate(field_types.action), json_schema_input_type=str)]
Video = Annotated[str | None, PlainValidator(UnlessTemplate(field_types.video), json_schema_input_type=str)]
Audio = Annotated[str | None, PlainValidator(UnlessTemplate(field_types.audio), json_schema_input_type=str)]
Tags = Annotated[list[str] | str | None, PlainValidator(ListOf(split_words), json_schema_input_type=list[str] | str)]
Pictures = Annotated[
    list[str] | str | None, PlainValidator(ListOf(split_files), json_schema_input_type=list[str] | str)
]
Takes = Annotated[int | str | None, PlainValidator(UnlessTemplate(field_types.takes), json_schema_input_type=int | str)]
Item = Annotated[str, PlainValidator(UnlessTemplate(field_types.word), json_schema_input_type=str)]
Patterns = Annotated[list[Item], BeforeValidator(_as_list, json_schema_input_type=str | list[str]), Field(min_length=1)]
Names = Annotated[list[str], BeforeValidator(_as_list, json_schema_input_type=str | list[str])]
Count = Annotated[int, Field(strict=True, gt=0)]
Number = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Variable = Annotated[str, AfterValidator(_variable_name)]
Axis = Annotated[list[Scalar], Field(min_length=1), AfterValidator(_unique)]
BatchName = Annotated[str, BeforeValidator(_batch_name)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
ProxyAddress = Annotated[str, AfterValidator(_proxy)]
Prefix = Annotated[str, AfterValidator(_prefix)]
KeyName = VariableName
Usd = Annotated[Decimal, BeforeValidator(_not_bool), Field(gt=0, allow_inf_nan=False)]
Literals = dict[Variable, Annotated[Any, AfterValidator(_literal)]]
NonEmptyWord = Annotated[str, BeforeValidator(field_types.word), Field(min_length=1)]
