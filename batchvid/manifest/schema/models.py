"""The manifest's models: every key with its type and description; also the source of the JSON Schema.

Knows no file and no catalogue: planning checks whether a model exists and can make the clip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from batchvid.catalog.account import Account, BalanceApi
from batchvid.catalog.authentication import Authentication
from batchvid.catalog.provider import CallbackSignature
from batchvid.manifest.schema import fallback as fb
from batchvid.manifest.schema import field_types
from batchvid.manifest.schema.condition_hints import condition_text
from batchvid.manifest.schema.key_types import (
    Action,
    Audio,
    Axis,
    Background,
    BaseUrl,
    BatchName,
    Count,
    Fit,
    Item,
    KeyName,
    Literals,
    Names,
    NonEmptyWord,
    Number,
    Patterns,
    Pictures,
    Prefix,
    ProxyAddress,
    Ratio,
    Scalar,
    Seconds,
    Seed,
    Switch,
    Tags,
    Takes,
    Text,
    UnlessTemplate,
    Usd,
    Variable,
    Video,
    Word,
)
from batchvid.manifest.schema.rows import Rows


class _Strict(BaseModel):
    """Unknown keys are refused: a typing error must not be ignored silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, protected_namespaces=())


class BudgetLimits(_Strict):
    """Upper limits; each one applies independently."""

    usd: Usd | None = Field(None, description="US dollars, at the catalogue's prices")
    clips: Count | None = Field(None, description="bought clips")
    seconds: Number | None = Field(None, description="bought seconds of video")


class Budget(BudgetLimits):
    """Upper limits: in total, per day and per run."""

    per_day: BudgetLimits = Field(
        default_factory=BudgetLimits, description="limits of each calendar day (UTC), over all runs"
    )
    per_run: BudgetLimits = Field(default_factory=BudgetLimits, description="limits of each single run")
    allow_unpriced: bool = Field(False, strict=True, description="buy models whose price is unknown")


class BatchBudget(Budget):
    """Upper limits of the batch, and of the clips with a tag."""

    tags: dict[Item, Budget] = Field(default_factory=dict, description="tag: limits for the clips with that tag")


class ModelLimits(_Strict):
    """Limits of one model at one provider."""

    concurrency: Count | None = Field(None, description="tasks in flight at once")
    timeout_s: Number | None = Field(None, description="seconds after which a task has timed out")
    queue_timeout_s: Number | None = Field(
        None, description="seconds after which a task that is still queued has timed out"
    )


class Provider(_Strict):
    """A provider: address, name of the key, limits. The key itself is never in a manifest."""

    dialect: str | None = Field(
        None, description="the wire format it speaks, for a gateway the catalogue does not know"
    )
    base_url: BaseUrl | None = Field(
        None, description="its address, with or without /v1 (a built-in one: its own prefix) at its end"
    )
    prefix: Prefix | None = Field(
        None, description="a path prefix for every path of the dialect; alone: of a built-in provider's only dialect"
    )
    api_key_env: KeyName | None = Field(
        None, description="the name of the environment variable that holds the key; a server of your own may need none"
    )
    auth: Authentication | None = Field(
        None, description="how calls are authenticated, if not by Authorization: Bearer KEY"
    )
    ca_file: NonEmptyWord | None = Field(
        None, description="a PEM file with certificates to trust too, such as your own CA; relative to this file"
    )
    proxy: ProxyAddress | None = Field(
        None, description="the HTTP proxy on the way to base_url, such as http://proxy.example.com:3128"
    )
    proxy_env: KeyName | None = Field(
        None, description="the name of the variable with the proxy's address, for one that needs a user and password"
    )
    callback_signature: CallbackSignature | None = Field(None, description="how it signs callbacks (run --listen)")
    callback_secret_env: KeyName | None = Field(
        None, description="the name of the variable with the secret that signs callbacks"
    )
    callback_keys_url: BaseUrl | None = Field(
        None, description="where its public keys for callbacks are, if not at the vendor's own address"
    )
    concurrency: Count | None = Field(None, description="tasks in flight at once")
    submits_per_min: Number | None = Field(None, description="paid calls per minute")
    polls_per_s: Number | None = Field(None, description="polls per second")
    poll_every_s: Number | None = Field(None, description="seconds between two polls of one task")
    timeout_s: Number | None = Field(None, description="seconds after which a task has timed out")
    queue_timeout_s: Number | None = Field(
        None, description="seconds after which a task that is still queued has timed out"
    )
    cancel: Literal["none", "queued", "running"] | None = Field(
        None, description="until when its tasks can be cancelled: never, while queued, or also while running"
    )
    on_lost_submit: Literal["hold", "resubmit"] | None = Field(
        None, description="after a submit without an answer; hold: a person decides; resubmit: it may be bought twice"
    )
    lookup: Literal["external_id", "list", "idempotency", "account", "none"] | None = Field(
        None, description="how a task is looked up after a submit without an answer"
    )
    allow_private_links: bool | None = Field(
        None, strict=True, description="links to clips may lead to private addresses, for your own servers"
    )
    moderates: bool | None = Field(
        None, strict=True, description="false for a server without a content filter: it fails for other reasons"
    )
    send_key_to_own_links: bool | None = Field(
        None, strict=True, description="send the key to a clip's link on base_url's own host if it refuses without"
    )
    allow_http: bool | None = Field(
        None, strict=True, description="allow an unencrypted http:// base_url of a public host"
    )
    account: Account | None = Field(
        None, description="how the pages of its account are reached: its bill (report --actuals), its list of tasks"
    )
    balance: BalanceApi | None = Field(None, description="the pages by which doctor reads the balance")
    life: Annotated[str, BeforeValidator(field_types.word)] | None = Field(
        None, description="emulator setting: how long its tasks take"
    )
    budget: Budget | None = Field(None, description="limits for this provider alone")
    models: dict[str, ModelLimits] = Field(default_factory=dict, description="limits of single models")


class ClipFields(_Strict):
    """What a clip is made from. Every text may be a template."""

    prompt: Text = Field(None, description="what the clip shows")
    negative_prompt: Text = Field(None, description="what the clip does not show")
    image: Word = Field(None, description="first frame: a file beside this one, or an https:// address")
    end_image: Word = Field(None, description="last frame")
    reference_images: Pictures = Field(None, description="images of what appears in the clip")
    fit: Fit = Field(None, description="how image and end_image get the clip's shape: cover, contain or stretch")
    convert: Switch = Field(
        None, description="send HEIC, AVIF, TIFF, GIF, BMP and unusual colours as JPEG, and shrink what is too large"
    )
    background: Background = Field(
        None, description="the colour behind transparent pixels and in the bars of contain, such as white or '#f0f0f0'"
    )
    duration_s: Seconds = Field(None, description="seconds")
    aspect_ratio: Ratio = Field(None, description="width:height, such as 16:9")
    resolution: Word = Field(None, description="such as 720p, or exactly 1280x720")
    seed: Seed = Field(None, description="seed of the first take; each further take adds one")
    sound: Switch = Field(None, description="with a sound track")
    mode: Word = Field(None, description="a model's quality level, such as pro")
    action: Action = Field(None, description="what is done to another clip: extend, edit, remix or lip-sync")
    video: Video = Field(None, description="the https:// address of that clip")
    parent: Word = Field(None, description="or the id of the job of this manifest that makes that clip")
    audio: Audio = Field(None, description="an https:// address, or data: with a sound to speak or sing")
    model: Word = Field(None, description="the catalogue's name of the model")
    provider: Word = Field(None, description="who makes the clip, if several providers have the model")
    options: dict[str, Any] | None = Field(None, description="fields of the vendor, sent unchanged")
    tags: Tags = Field(None, description="words to select clips with: --only tag:NAME")
    fallback: fb.FallbackField | None = Field(None, description="models to switch to when this one is not available")
    fallback_while_running: bool | None = Field(
        None, strict=True, description="switch even while a task that timed out may still finish and be billed"
    )
    on_mismatch: Literal["warn", "fail"] | None = Field(
        None, description="a clip of another length, shape or sound than requested; warn: it is stored; fail: it is not"
    )
    container: Literal["mp4"] | None = Field(
        None, description="mp4 refuses clips in other containers; without it a WebM clip is stored as .webm"
    )


class ClipEntry(ClipFields):
    """One entry under `clips:`; it makes one clip, or one for each row, image, matrix cell and take."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["id"]}, {"required": ["rows"]}]})

    id: NonEmptyWord | None = Field(
        None,
        description="permanent name of the clip and its file; a template if rows make many clips, which need none",
    )
    key: Names = Field(
        default_factory=list, description="columns that together name a row; without `id` they make the clip's name"
    )
    takes: Takes = Field(1, description="how many variants of the clip to make: 1 to 100")
    matrix: dict[Variable, Axis] = Field(
        default_factory=dict,
        description="axis: values. One clip per combination; an axis with a field's name sets it",
    )
    exclude: list[dict[str, Scalar]] = Field(
        default_factory=list, description="combinations of the matrix to leave out"
    )
    rows: Rows | None = Field(
        None, description="a table: one clip for each row; columns are variables. Or rows, written here"
    )
    where: Annotated[str | None, BeforeValidator(condition_text)] = Field(
        None, description="a condition that a row or image must meet"
    )
    images: Patterns | None = Field(
        None, description="a pattern such as photos/*.{jpg,png}, or several: one clip for each image"
    )
    images_from: Names = Field(
        default_factory=list, description="more folders from which the rows of this entry may name pictures"
    )


class Output(_Strict):
    """Where clips go below the batch's folder."""

    clips: NonEmptyWord = Field(
        "{{ entry }}/{{ id }}.mp4", description="template of a clip's path below clips/; ends in .mp4"
    )


class Downloads(_Strict):
    """How finished clips are fetched."""

    concurrency: Count | None = Field(None, description="clips fetched at once")
    wait_s: Number | None = Field(
        None, description="seconds to wait for a finished clip that cannot be fetched yet; default: 600"
    )


class ManifestModel(_Strict):
    """A batch of clips to make."""

    batch: BatchName | None = Field(None, description="name of the output folder; default: the name of the file")
    include: Names = Field(default_factory=list, description="other manifests to include, relative to this one")
    vars: Literals = Field(default_factory=dict, description="values for the templates")
    budget: BatchBudget = Field(default_factory=BatchBudget, description="upper limits of spending")
    providers: dict[str, Provider] = Field(default_factory=dict, description="providers and their limits")
    defaults: ClipFields = Field(default_factory=ClipFields, description="fields for every clip that does not set them")
    images_from: Names = Field(
        default_factory=list, description="folders outside the manifest's own from which rows may name pictures"
    )
    output: Output = Field(default_factory=Output, description="where clips go")
    retries: int = Field(
        0,
        strict=True,
        ge=0,
        description="how often a job is bought again automatically after a temporary failure",
    )
    moderation_retries: int = Field(
        0,
        strict=True,
        ge=0,
        description="how often a clip that was withheld is bought again with another seed",
    )
    downloads: Downloads = Field(default_factory=Downloads, description="how finished clips are fetched")
    on_mismatch: Literal["warn", "fail"] = Field(
        "warn", description="the same for every clip that does not set it: store a clip that differs, or not"
    )
    container: Literal["mp4"] | None = Field(None, description="the same for every clip that does not set it")
    clips: list[ClipEntry] = Field(min_length=1, description="what to make")


FIELDS = tuple(ClipFields.model_fields)
"""The fields that `defaults` and every clip entry share."""
ALL_KEYS = frozenset({*ManifestModel.model_fields, *ClipEntry.model_fields})
"""The keys at the top of a manifest and in a clip entry."""

CHECKS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        name: validator.func.check
        for name, info in ClipFields.model_fields.items()
        for validator in info.metadata
        if isinstance(validator, PlainValidator) and isinstance(validator.func, UnlessTemplate)
    }
)
"""The fields that have one value, with their checks: each may be a template, and each may be an axis of a matrix."""
