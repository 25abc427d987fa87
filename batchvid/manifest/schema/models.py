"""The manifest's shape: every key, what it may hold and what it is for. The editors' JSON Schema comes out of it.

Knows no file and no catalogue: whether a model exists, or can do what is asked, is said elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from batchvid.manifest.reading.safe_names import safe_name, text_of
from batchvid.manifest.reading.yaml_reader import plain
from batchvid.manifest.schema import fallback as fb
from batchvid.manifest.schema import field_types
from batchvid.manifest.schema.templates import is_template

MAX_TAKES = 100
RESERVED = frozenset({"take", "entry", "row", "image_name", "image_stem"})  # variables that batchvid sets itself
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class _UnlessTemplate:
    """The check of a field that holds one value; a template is checked once it is filled in."""

    check: Callable[[Any], Any]

    def __call__(self, value: Any) -> Any:
        if value is None or (isinstance(value, str) and is_template(value)):
            return value
        return self.check(value)


def _variable_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name in RESERVED:
        raise ValueError(
            f"must be letters, digits and _, for use as {{{{ name }}}}, and none of {', '.join(sorted(RESERVED))}"
        )
    return name


def _literal(value: Any) -> Any:
    """A variable's value, as plain data and without templates: they would land in a prompt as they are."""
    if isinstance(value, str) and is_template(value):
        raise ValueError("must be a plain value: templates are filled in in the clips, not here")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _literal(inner)
    return plain(value)


def _batch_name(value: Any) -> str:
    name = field_types.word(value)
    if safe_name(name) != name:
        raise ValueError(f"{name!r} cannot name a folder on every system; {safe_name(name)!r} can")
    return name


def _base_url(url: str) -> str:
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


def _key_name(name: str) -> str:
    """Never prints what it was given: it may be the key itself."""
    dense = len(name) >= 20 and "_" not in name and any(c.isdigit() for c in name)
    mixed = len(name) >= 20 and name not in (name.upper(), name.lower()) and any(c.isdigit() for c in name)
    if dense or mixed or name.startswith(("sk-", "Bearer ")):
        raise ValueError(
            "must be the NAME of an environment variable, such as GW_KEY, and this looks like the key itself: "
            "take it out of the file, and have a new one made if the file was shared"
        )
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", name):
        raise ValueError("must be the name of an environment variable, such as GW_KEY")
    return name


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


def _sized(values: list[Any]) -> list[Any]:
    written = [text_of(value) for value in values]
    twice = next((value for value in written if written.count(value) > 1), None)
    if twice is not None:
        raise ValueError(f"has {twice!r} twice")
    return values


_Text = Annotated[str | None, PlainValidator(_UnlessTemplate(field_types.text), json_schema_input_type=str | float)]
_Word = Annotated[str | None, PlainValidator(_UnlessTemplate(field_types.word), json_schema_input_type=str | float)]
_Ratio = Annotated[str | None, PlainValidator(_UnlessTemplate(field_types.ratio), json_schema_input_type=str)]
_Seconds = Annotated[
    float | str | None, PlainValidator(_UnlessTemplate(field_types.seconds), json_schema_input_type=float | str)
]
_Seed = Annotated[int | str | None, PlainValidator(_UnlessTemplate(field_types.seed), json_schema_input_type=int | str)]
_Switch = Annotated[
    bool | str | None, PlainValidator(_UnlessTemplate(field_types.switch), json_schema_input_type=bool | str)
]
_Fit = Annotated[str | None, PlainValidator(_UnlessTemplate(field_types.fit), json_schema_input_type=str)]
_Action = Annotated[str | None, PlainValidator(_UnlessTemplate(field_types.action), json_schema_input_type=str)]
_Video = Annotated[str | None, PlainValidator(_UnlessTemplate(field_types.video), json_schema_input_type=str)]
_Audio = Annotated[str | None, PlainValidator(_UnlessTemplate(field_types.audio), json_schema_input_type=str)]
_Item = Annotated[str, PlainValidator(_UnlessTemplate(field_types.word), json_schema_input_type=str)]
_Names = Annotated[list[str], BeforeValidator(_as_list, json_schema_input_type=str | list[str])]
_Count = Annotated[int, Field(strict=True, gt=0)]
_Number = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
_Variable = Annotated[str, AfterValidator(_variable_name)]
_Axis = Annotated[list[Scalar], Field(min_length=1), AfterValidator(_sized)]


class _Strict(BaseModel):
    """No key is taken that nobody asked for: a typing error must not be silently without effect."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, protected_namespaces=())


class BudgetLimits(_Strict):
    """What may be bought at most; each limit stands by itself."""

    usd: Annotated[Decimal, BeforeValidator(_not_bool), Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="US dollars, at the catalogue's prices"
    )
    clips: _Count | None = Field(None, description="bought clips")
    seconds: _Number | None = Field(None, description="bought seconds of video")


class Budget(BudgetLimits):
    """What may be spent at most: in all, a day and a run."""

    per_day: BudgetLimits = Field(
        default_factory=BudgetLimits, description="limits of each calendar day (UTC), over all runs"
    )
    per_run: BudgetLimits = Field(default_factory=BudgetLimits, description="limits of each single run")
    allow_unpriced: bool = Field(False, strict=True, description="buy models whose price nobody knows")


class BatchBudget(Budget):
    """What the batch may spend at most, and the clips of single tags in it."""

    tags: dict[_Item, Budget] = Field(default_factory=dict, description="tag: limits for the clips that have it")


class ModelLimits(_Strict):
    """Limits of one model at one provider."""

    concurrency: _Count | None = Field(None, description="tasks in flight at once")
    timeout_s: _Number | None = Field(None, description="seconds after which a task is overdue")
    queue_timeout_s: _Number | None = Field(None, description="seconds after which a task that still waits is overdue")


class Provider(_Strict):
    """Who is asked, with which key and under which limits. The key itself never stands in a manifest."""

    dialect: str | None = Field(
        None, description="the wire format it speaks, for a gateway the catalogue does not know"
    )
    base_url: Annotated[str, AfterValidator(_base_url)] | None = Field(None, description="its address")
    prefix: Annotated[str, AfterValidator(_prefix)] | None = Field(
        None, description="a path before every path of the dialect"
    )
    api_key_env: Annotated[str, AfterValidator(_key_name)] | None = Field(
        None, description="the name of the environment variable that holds the key"
    )
    concurrency: _Count | None = Field(None, description="tasks in flight at once")
    submits_per_min: _Number | None = Field(None, description="paid calls a minute")
    polls_per_s: _Number | None = Field(None, description="status questions a second")
    poll_every_s: _Number | None = Field(None, description="seconds between two questions about one task")
    timeout_s: _Number | None = Field(None, description="seconds after which a task is overdue")
    queue_timeout_s: _Number | None = Field(None, description="seconds after which a task that still waits is overdue")
    cancel: Literal["none", "queued", "running"] | None = Field(
        None, description="until when its tasks can be cancelled: never, while they wait, or also while they run"
    )
    on_lost_submit: Literal["hold", "resubmit"] | None = Field(
        None, description="hold: a submit without a verdict waits for a person; resubmit: it may be bought twice"
    )
    lookup: Literal["external_id", "list", "none"] | None = Field(
        None, description="how it can be asked after a submit without a verdict, where it can"
    )
    allow_private_links: bool | None = Field(
        None, strict=True, description="links to clips may lead to private addresses, for servers of your own"
    )
    life: Annotated[str, BeforeValidator(field_types.word)] | None = Field(
        None, description="the emulator's dial: how long its tasks take"
    )
    budget: Budget | None = Field(None, description="limits for this provider alone")
    models: dict[str, ModelLimits] = Field(default_factory=dict, description="limits of single models")


class ClipFields(_Strict):
    """What a clip is made from. Every text may be a template."""

    prompt: _Text = Field(None, description="what is to be seen")
    negative_prompt: _Text = Field(None, description="what is not to be seen")
    image: _Word = Field(None, description="first frame: a file beside this one, or an https:// address")
    end_image: _Word = Field(None, description="last frame")
    reference_images: list[_Item] | None = Field(None, description="pictures of what is to appear")
    fit: _Fit = Field(None, description="how image and end_image get the clip's shape: cover, contain or stretch")
    duration_s: _Seconds = Field(None, description="seconds")
    aspect_ratio: _Ratio = Field(None, description="width:height, such as 16:9")
    resolution: _Word = Field(None, description="such as 720p, or exactly 1280x720")
    seed: _Seed = Field(None, description="the first take's seed; each further take adds one")
    sound: _Switch = Field(None, description="with a sound track")
    mode: _Word = Field(None, description="a model's quality level, such as pro")
    action: _Action = Field(None, description="what is done to another clip: extend, edit, remix or lip-sync")
    video: _Video = Field(None, description="the https:// address of that clip")
    parent: _Word = Field(None, description="or the id of the job of this manifest that makes that clip")
    audio: _Audio = Field(None, description="an https:// address, or data: with a sound to speak or sing")
    model: _Word = Field(None, description="the catalogue's name of the model")
    provider: _Word = Field(None, description="who is asked, where several could be")
    options: dict[str, Any] | None = Field(None, description="the vendor's own fields, passed on as they are")
    tags: list[_Item] | None = Field(None, description="words to pick clips by: --only tag:NAME")
    fallback: fb.Said | None = Field(None, description="models to turn to where this one cannot be had")
    fallback_while_running: bool | None = Field(
        None, strict=True, description="turn to them also while an overdue task may still finish, and be billed"
    )


class ClipEntry(ClipFields):
    """One entry under `clips:`; it makes one clip, or one a row, an image, a matrix cell and a take."""

    id: Annotated[str, BeforeValidator(field_types.word), Field(min_length=1)] = Field(
        description="names the clip and its file, for ever; a template where rows make many clips"
    )
    takes: Annotated[int, Field(strict=True, ge=1, le=MAX_TAKES)] = Field(
        1, description="clips of the same to choose from"
    )
    matrix: dict[_Variable, _Axis] = Field(
        default_factory=dict, description="axis: values. One clip a combination; an axis named like a field sets it"
    )
    exclude: list[dict[str, Scalar]] = Field(
        default_factory=list, description="combinations of the matrix to leave out"
    )
    rows: _Word = Field(None, description="a CSV with a header line: one clip a row; columns are variables only")
    where: str | None = Field(None, description="a condition that a row or image must meet")
    images: _Word = Field(None, description="a pattern such as photos/*.jpg: one clip an image")


class Output(_Strict):
    """Where clips go below the batch's folder."""

    clips: Annotated[str, BeforeValidator(field_types.word), Field(min_length=1)] = Field(
        "{{ entry }}/{{ id }}.mp4", description="template of a clip's path below clips/; ends in .mp4"
    )


class Downloads(_Strict):
    """How finished clips are fetched."""

    concurrency: _Count | None = Field(None, description="clips fetched at once")


class ManifestModel(_Strict):
    """A batch of clips to make."""

    batch: Annotated[str, BeforeValidator(_batch_name)] | None = Field(
        None, description="names the output folder; the file's own name when it is left out"
    )
    include: _Names = Field(default_factory=list, description="other manifests to take in, beside this one")
    vars: dict[_Variable, Annotated[Any, AfterValidator(_literal)]] = Field(
        default_factory=dict, description="values for the templates"
    )
    budget: BatchBudget = Field(default_factory=BatchBudget, description="what may be spent at most")
    providers: dict[str, Provider] = Field(default_factory=dict, description="who is asked, and their limits")
    defaults: ClipFields = Field(default_factory=ClipFields, description="fields of every clip that does not say them")
    output: Output = Field(default_factory=Output, description="where clips go")
    retries: int = Field(
        0,
        strict=True,
        ge=0,
        description="times a job whose task failed for a passing reason is bought again by itself",
    )
    moderation_retries: int = Field(
        0, strict=True, ge=0, description="times a clip that was made and withheld is bought again with another seed"
    )
    downloads: Downloads = Field(default_factory=Downloads, description="how finished clips are fetched")
    clips: list[ClipEntry] = Field(min_length=1, description="what to make")


FIELDS = tuple(ClipFields.model_fields)
CHECKS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        name: validator.func.check
        for name, info in ClipFields.model_fields.items()
        for validator in info.metadata
        if isinstance(validator, PlainValidator) and isinstance(validator.func, _UnlessTemplate)
    }
)
"""The fields that hold one value, with their checks: each may be a template, and each may be an axis of a matrix."""
"""The names of the fields that `defaults` and every clip entry share."""


def json_schema() -> dict[str, Any]:
    """The manifest's JSON Schema, for completion and checks in an editor."""
    return ManifestModel.model_json_schema()
