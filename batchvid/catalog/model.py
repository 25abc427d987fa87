"""One model as data: what it takes, in which steps and shapes it is sold, what it costs. Knows no file and no job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict

from batchvid.domain.failures import Charged
from batchvid.domain.job_spec import UNPRICED, Price

POLL_EVERY_S = 10.0  # what CometAPI's own samples use (wire-notes 6.2)
REFRESH_S = 2.0  # no page says how often CometAPI's own view is renewed; asking more often than this is impolite
INPUTS = {"image": "first", "end-image": "last", "references": "reference"}
"""What a model can start from, by the role that such an image has on the wire."""

ACTIONS = ("extend", "edit", "remix", "lip-sync")
KINDS = ("text", *INPUTS, *ACTIONS)
"""All that a model may be able to do."""


def _spread(value: Any) -> Any:
    """Whole seconds written as a range, `4-15`, are every step between the two."""
    if not isinstance(value, str):
        return value
    first, _, last = value.partition("-")
    return tuple(range(int(first), int(last) + 1))


Steps = Annotated[tuple[float, ...], BeforeValidator(_spread)]
"""Lengths that can be bought, in seconds, rising; in a data file also a range of whole seconds, `4-15`."""

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What clips of one kind cost, in USD: per second of the billed duration, or per clip (the upper end of a range).

    It counts for jobs that say all that it says: a resolution, a mode, sound.
    """

    resolution: str = ""
    mode: str = ""
    sound: bool | None = None
    usd_per_s: Decimal | None = None
    usd_per_clip: Decimal | None = None
    lowest_usd_per_clip: Decimal | None = None

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    @property
    def is_plain(self) -> bool:
        """Whether it counts for every job."""
        return not self.resolution and not self.mode and self.sound is None

    def fits(self, resolution: str, mode: str, sound: bool | None) -> bool:
        """Whether a job that says this much belongs to the tier."""
        return (
            (not self.resolution or self.resolution.casefold() == tier_word(resolution))
            and (not self.mode or self.mode == mode)
            and (self.sound is None or self.sound == bool(sound))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """A model's price list with its date and source; the first of `tiers` that fits a job counts."""

    as_of: str
    source: str
    tiers: tuple[Tier, ...]

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    def tier_of(self, resolution: str, mode: str, sound: bool | None) -> Tier | None:
        """The line of the list that a job pays by; None where it has none."""
        return next((tier for tier in self.tiers if tier.fits(resolution, mode, sound)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model: how it is spoken to, what it can do, what it costs. `name` is its id on the wire too.

    Empty means "not known here": the vendor decides; so do None for `images` (how many of each role a request may
    carry) and for `actions`. `needs` is what no clip can be made without. A clip has the shape of its first frame
    where the model `follows_image`. `doubtful_*` are values that only some sources allow: sent, with a warning.
    Defaults are always sent. `sizes` gives the exact pixels that stand on the wire for a ratio.
    `prompt_chars` is a length from which on some sources refuse the prompt. From the day of `sunset` on the model is
    not sold any more. `link_lifetime_s` is how long a finished clip can be fetched. `poll_every_s` is how often a task
    is asked for while nothing is known of how long they take, `refresh_s` how often the vendor's own view is renewed.
    `timeout_s` and `queue_timeout_s` are how long its tasks may take and may wait, where that is known.
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
    default_duration_s: float | None = None
    aspect_ratios: tuple[str, ...] = ()
    doubtful_ratios: tuple[str, ...] = ()
    default_ratio: str = ""
    sizes: Mapping[str, str] = field(default_factory=dict)
    resolutions: tuple[str, ...] = ()
    default_resolution: str = ""
    modes: tuple[str, ...] = ()
    prompt_chars: int | None = None
    price: ModelPrice | None = None
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
        """What can be asked of it: `text`, the inputs of INPUTS, and its actions."""
        images = self.images or {}
        inputs = (kind for kind, role in INPUTS.items() if images.get(role))
        return (*(() if self.needs else ("text",)), *inputs, *(self.actions or ()))

    def billed_duration_s(self, requested_s: float | None) -> float | None:
        """The step that a wish of so many seconds buys: the nearest one, the shorter of two equally near.

        A doubtful step is bought only by whoever asks for exactly that.
        """
        if requested_s is None:
            return self.default_duration_s
        if not self.durations_s or requested_s in self.doubtful_durations_s:
            return requested_s
        return min(self.durations_s, key=lambda step: (abs(step - requested_s), step))

    def price_of(
        self, duration_s: float | None, *, resolution: str = "", mode: str = "", sound: bool | None = None
    ) -> Price:
        """The most that one clip of this billed duration may cost; unknown where the list has no line for it."""
        if self.price is None:
            return UNPRICED
        tier = self.price.tier_of(resolution, mode, sound)
        if tier is None:
            return UNPRICED
        said = f"{self.price.source}, {self.price.as_of}"
        if tier.usd_per_clip is not None:
            ranged = tier.lowest_usd_per_clip is not None
            return _price(tier.usd_per_clip, f"at most: {said}" if ranged else f"estimate: {said}")
        if tier.usd_per_s is not None and duration_s is not None:
            return _price(tier.usd_per_s * Decimal(str(duration_s)), f"estimate: {said}")
        return UNPRICED


@lru_cache(maxsize=1024)
def _price(usd: Decimal, basis: str) -> Price:
    """One object for all jobs that cost the same: a batch has many jobs and few prices."""
    return Price(usd=usd, basis=basis)


def tier_word(resolution: str) -> str:
    """A resolution as price lists name it: `720p` for `1280x720` and `720P`, `4k` for 2160 lines.

    >>> tier_word("1280x720"), tier_word("2160x3840"), tier_word("720P")
    ('720p', '4k', '720p')
    """
    width, cross, height = resolution.partition("x")
    if not cross:
        return resolution.casefold()
    lines = min(int(width), int(height))
    return "4k" if lines == 2160 else f"{lines}p"


def steps_words(steps: Iterable[float]) -> str:
    """Lengths for people: neighbours that are a second apart are written as a range.

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
