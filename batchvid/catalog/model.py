"""One model as data: inputs, durations, shapes, prices. Knows no file and no job."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, NonNegativeInt

from batchvid.domain.clip_request import ClipRequest
from batchvid.domain.failures import Charged
from batchvid.domain.job_spec import UNPRICED, Price

POLL_EVERY_S = 10.0  # what CometAPI's own samples use (wire-notes 6.2)
MAX_USD_PER_S, MAX_USD_PER_CLIP = Decimal(100), Decimal(10_000)  # some hundred times the dearest model sold
MAX_STEP_S = 86_400  # a day; no vendor sells a clip of an hour
REFRESH_S = 2.0  # no page documents how often CometAPI refreshes a task's status; polling more often is impolite
DEFAULT_RESOLUTION = "default"  # of a tier: for clips that set none
SMALLEST_USD = Decimal("0.000001")  # of a price by tokens
MadeFrom = Literal["text", "image", "video"]
"""What a clip is made from: `video` for an action on another clip, or with one as reference."""
FREE, OWN_SOURCE = "free", "your price"
INPUTS = {"image": "first", "end-image": "last", "references": "reference"}
"""The kinds of input images, with the role of such an image in a request."""

ACTIONS = ("extend", "edit", "remix", "lip-sync")
KINDS = ("text", *INPUTS, *ACTIONS)
"""Everything that a model may be able to do."""


def _spread(value: Any) -> Any:
    """Every step of a range of whole seconds, such as `4-15`."""
    if not isinstance(value, str):
        return value
    first, dash, last = value.partition("-")
    try:
        start, end = int(first), int(last or first)
    except ValueError:
        start, end = 0, 0
    if not 0 < start <= end <= MAX_STEP_S or (dash and not last):
        raise ValueError(f"must be whole seconds from 1 to {MAX_STEP_S}, such as 4-15")
    return tuple(range(start, end + 1))


PositiveSeconds = Annotated[float, Field(gt=0, le=MAX_STEP_S, allow_inf_nan=False)]
Steps = Annotated[tuple[PositiveSeconds, ...], BeforeValidator(_spread)]
"""Durations that can be bought, in seconds, ascending; in a data file also a range of whole seconds, `4-15`."""

UsdPerS = Annotated[Decimal, Field(ge=0, le=MAX_USD_PER_S)]
UsdPerClip = Annotated[Decimal, Field(ge=0, le=MAX_USD_PER_CLIP)]

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A price in USD: per second of the billed duration, per clip (the upper end of a range), or per million tokens.

    It applies to jobs with the same resolution, mode and sound, as far as the tier sets them. The resolution `default`
    is for jobs that set none. `input` is for new clips without images (`text`), or with some (`image`). With a price
    per million tokens, `tokens_per_s` and `tokens_per_clip` state how many a clip costs at most.
    """

    resolution: str = ""
    mode: str = ""
    sound: bool | None = None
    input: Literal["", "text", "image"] = ""
    usd_per_s: UsdPerS | None = None
    usd_per_clip: UsdPerClip | None = None
    lowest_usd_per_clip: UsdPerClip | None = None
    usd_per_million_tokens: UsdPerClip | None = None
    tokens_per_s: NonNegativeInt = 0
    tokens_per_clip: NonNegativeInt = 0

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    @property
    def is_plain(self) -> bool:
        """Whether it applies to every job."""
        return not self.resolution and not self.mode and self.sound is None and not self.input

    @property
    def is_by_length(self) -> bool:
        """Whether a longer clip costs more."""
        return self.usd_per_s is not None or self.usd_per_million_tokens is not None

    def usd_of_tokens(self, tokens: Decimal) -> str:
        """What so many tokens cost; empty where the price is not per token."""
        if self.usd_per_million_tokens is None:
            return ""
        cost = (tokens * self.usd_per_million_tokens / 10**6).quantize(SMALLEST_USD, rounding=ROUND_CEILING)
        return f"{cost.normalize():f}"

    def usd_of_length(self, duration_s: float) -> str:
        """What a clip of this billed duration costs at most; empty where the price is not by length."""
        seconds = Decimal(str(duration_s))
        if self.usd_per_s is not None:
            return f"{self.usd_per_s * seconds:f}"
        return self.usd_of_tokens(self.tokens_per_s * seconds + self.tokens_per_clip)

    def fits(self, resolution: str, mode: str, sound: bool | None, given: str = "") -> bool:
        """Whether it applies to a job with these options; `given` is what it makes a clip from."""
        return (
            (not self.resolution or self.resolution.casefold() == (tier_word(resolution) or DEFAULT_RESOLUTION))
            and (not self.input or self.input == given)
            and (not self.mode or self.mode == mode)
            and (self.sound is None or self.sound == bool(sound))
        )


def _as_day(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """A model's price list with its date and source, if known; the first of `tiers` that fits a job applies."""

    as_of: Annotated[str, BeforeValidator(_as_day)] = ""
    source: str = ""
    tiers: tuple[Tier, ...]

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    def tier_of(self, resolution: str, mode: str, sound: bool | None, given: str = "") -> Tier | None:
        """The tier that applies to a job, or None."""
        return next((tier for tier in self.tiers if tier.fits(resolution, mode, sound, given)), None)


def _as_price(value: Any) -> Any:
    """A price list as a mapping: `free` and the fields of one tier are short for it."""
    if value == FREE:
        return {"source": FREE, "tiers": ({"usd_per_clip": 0},)}
    if isinstance(value, str | int | float | Decimal):
        raise ValueError('must be "free", or such as { usd_per_s = 0.05 } or { usd_per_clip = 0.40 }')
    if not isinstance(value, Mapping) or "tiers" in value:
        return value
    stated = {key: one for key, one in value.items() if key in ("as_of", "source")}
    return {"source": OWN_SOURCE, **stated, "tiers": ({key: one for key, one in value.items() if key not in stated},)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model: wire format, abilities, prices. `name` is also its id in requests.

    Empty means unknown: the vendor decides; so does None for `images` (how many of each role a request may have) and
    for `actions`. `needs` is a required input. A clip has the shape of its first frame if the model `follows_image`.
    `doubtful_*` are values that only some sources allow: they are sent, with a warning. Defaults are always sent.
    A clip has sound where the request does not say if `default_sound` says so; None: it has none, or it costs nothing.
    A job with a `video` has no known price if the model `bills_source_video`, whose length is not known.
    `sizes` has the exact pixels that are sent for a ratio. Some sources refuse a prompt longer than `prompt_chars`. The
    model is not sold from the day of `sunset`. `link_lifetime_s` is how long a finished clip can be fetched.
    `poll_every_s` is the poll interval until the duration of tasks is learned, `refresh_s` how often the vendor
    refreshes a status. `timeout_s` and `queue_timeout_s` are how long tasks may take and may be queued, if known.
    """

    name: str
    dialect: str
    aliases: tuple[str, ...] = ()
    actions: tuple[str, ...] | None = None
    images: Mapping[str, int] | None = None
    needs: Literal["", "image", "references", "action"] = ""
    follows_image: bool = False
    durations_s: Steps = ()
    doubtful_durations_s: Steps = ()
    default_duration_s: PositiveSeconds | None = None
    aspect_ratios: tuple[str, ...] = ()
    doubtful_ratios: tuple[str, ...] = ()
    default_ratio: str = ""
    sizes: Mapping[str, str] = field(default_factory=dict)
    resolutions: tuple[str, ...] = ()
    default_resolution: str = ""
    modes: tuple[str, ...] = ()
    default_sound: bool | None = None
    bills_source_video: bool = False
    prompt_chars: int | None = None
    price: Annotated[ModelPrice | None, BeforeValidator(_as_price)] = None
    charged_on_failure: Charged = Charged.UNKNOWN
    sunset: date | None = None
    sunset_source: str = ""
    link_lifetime_s: float | None = None
    poll_every_s: float = POLL_EVERY_S
    timeout_s: float | None = None
    queue_timeout_s: float | None = None
    refresh_s: float = REFRESH_S

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    @property
    def kinds(self) -> tuple[str, ...]:
        """Its abilities: `text`, the inputs of INPUTS, and its actions."""
        images = self.images or {}
        inputs = (kind for kind, role in INPUTS.items() if images.get(role))
        return (*(() if self.needs else ("text",)), *inputs, *(self.actions or ()))

    def billed_duration_s(self, requested_s: float | None) -> float | None:
        """The step that is bought for a requested duration: the nearest one, the shorter of two equally near.

        A doubtful step is bought only if it is requested exactly.
        """
        if requested_s is None:
            return self.default_duration_s
        if not self.durations_s or requested_s in self.doubtful_durations_s:
            return requested_s
        return min(self.durations_s, key=lambda step: (abs(step - requested_s), step))

    def tier_of(
        self, *, resolution: str = "", mode: str = "", sound: bool | None = None, given: MadeFrom = "text"
    ) -> Tier | None:
        """The tier that applies, None if none does, or if a source video costs something that is not known."""
        if self.price is None or (given == "video" and self.bills_source_video):
            return None
        return self.price.tier_of(resolution, mode, self.default_sound if sound is None else sound, given)

    def price_of(
        self,
        duration_s: float | None,
        *,
        resolution: str = "",
        mode: str = "",
        sound: bool | None = None,
        given: MadeFrom = "text",
    ) -> Price:
        """The maximum price of one clip with this billed duration; unknown if no tier applies."""
        tier = self.tier_of(resolution=resolution, mode=mode, sound=sound, given=given)
        if tier is None or self.price is None:
            return UNPRICED
        source = ", ".join(filter(None, (self.price.source, self.price.as_of)))
        if tier.usd_per_clip is not None:
            if source == FREE:
                return _price("0", FREE)
            ranged = tier.lowest_usd_per_clip is not None
            return _price(f"{tier.usd_per_clip:f}", f"at most: {source}" if ranged else f"estimate: {source}")
        if duration_s is not None and (usd := tier.usd_of_length(duration_s)):
            return _price(usd, f"estimate: {source}")
        return UNPRICED


@lru_cache(maxsize=1024)
def _price(usd: str, basis: str) -> Price:
    """One object for all jobs with the same price. A text as key: 0.20 and 0.200 are equal, and shown differently."""
    return Price(usd=Decimal(usd), basis=basis)


def made_from(request: ClipRequest) -> MadeFrom:
    """What the clip of this request is made from."""
    if request.action or request.video:
        return "video"
    return "image" if request.images else "text"


def is_exact(resolution: str) -> bool:
    """Whether it is a number of pixels, such as `1280x720`."""
    return re.fullmatch(r"[0-9]{1,5}x[0-9]{1,5}", resolution) is not None


def tier_word(resolution: str) -> str:
    """A resolution as price lists name it: `720p` for `1280x720` and `720P`, `4k` for 2160 lines.

    >>> tier_word("1280x720"), tier_word("2160x3840"), tier_word("720P")
    ('720p', '4k', '720p')
    """
    if not is_exact(resolution):
        return resolution.casefold()
    width, _, height = resolution.partition("x")
    lines = min(int(width), int(height))
    return "4k" if lines == 2160 else f"{lines}p"


def steps_words(steps: Iterable[float]) -> str:
    """Durations as text: steps of one second are written as a range.

    >>> steps_words((2, 4, 5, 6, 7, 10)), steps_words((4, 6, 8)), steps_words((5, 10))
    ('2, 4-7, 10', '4, 6, 8', '5, 10')
    """
    runs: list[list[float]] = []
    for step in steps:
        if runs and step == runs[-1][-1] + 1:
            runs[-1].append(step)
        else:
            runs.append([step])
    return ", ".join(f"{run[0]:g}" if len(run) == 1 else f"{run[0]:g}-{run[-1]:g}" for run in runs)
