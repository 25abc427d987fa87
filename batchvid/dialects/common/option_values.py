"""Refuse options with a value that the vendor's documentation excludes. An option without a rule passes untouched.

Sources: Kling: apidoc.cometapi.com/api/video/kling (wire-notes 7.5). Ark: ModelArk's video generation API (wire-notes
13.4). Runway: OpenAPI 2024-11-06 (wire-notes 7.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchvid.errors import Unsupported


@dataclass(frozen=True, slots=True)
class OneOf:
    """A closed set of values."""

    values: tuple[str | bool, ...]

    def fits(self, value: object) -> bool:
        """Whether the value is one of them."""
        return any(value == one and type(value) is type(one) for one in self.values)

    def words(self) -> str:
        """What is allowed."""
        shown = ["true" if one is True else "false" if one is False else str(one) for one in self.values]
        return ", ".join(shown)


@dataclass(frozen=True, slots=True)
class Range:
    """A number from `low` to `high`; also written as text, because templates fill in text."""

    low: float
    high: float
    whole: bool = False

    def fits(self, value: object) -> bool:
        """Whether the value is such a number."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return False
        try:
            number = float(value)
        except ValueError:
            return False
        return self.low <= number <= self.high and (not self.whole or number.is_integer())

    def words(self) -> str:
        """What is allowed."""
        return f"{'whole numbers' if self.whole else 'numbers'} from {self.low:.10g} to {self.high:.10g}"


Rules = Mapping[str, OneOf | Range]
"""The rules by the path of the option, such as `camera_control.type`."""

YES_NO = OneOf((True, False))
MAX_ARK_SEED = 2**32 - 1

_CAMERA_MOVES = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")
_CAMERA_AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")

KLING: Rules = {
    "cfg_scale": Range(0, 1),
    "sound": OneOf(("on", "off")),
    "camera_control.type": OneOf(_CAMERA_MOVES),
    **{f"camera_control.config.{axis}": Range(-10, 10) for axis in _CAMERA_AXES},
    "watermark_info.enabled": YES_NO,
}
KLING_MODE: Rules = {"mode": OneOf(("std", "pro"))}
ARK: Rules = {
    "service_tier": OneOf(("default", "flex")),
    "generate_audio": YES_NO,
    "watermark": YES_NO,
    "camera_fixed": YES_NO,
    "return_last_frame": YES_NO,
    "seed": Range(-1, MAX_ARK_SEED, whole=True),
    "priority": Range(0, 9, whole=True),
    "output_format": OneOf(("mp4", "mov")),
    "execution_expires_after": Range(3600, 259_200, whole=True),
    "draft": YES_NO,
}
RUNWAY: Rules = {
    "watermark": YES_NO,
    "seed": Range(0, 4_294_967_295, whole=True),
    "contentModeration.publicFigureThreshold": OneOf(("auto", "low")),
}


def check_values(options: Mapping[str, Any], rules: Rules) -> None:
    """Raise Unsupported, with the option's path, for the first value that its rule excludes. None is no value."""
    for path, rule in rules.items():
        value: Any = options
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None and not rule.fits(value):
            raise Unsupported("options", f"{path}: {rule.words()} are allowed, not {value}")


def check_camera(options: Mapping[str, Any]) -> None:
    """Raise Unsupported for a move of Kling's camera with the wrong axes: `simple`, and only it, has exactly one."""
    control = options.get("camera_control")
    if not isinstance(control, Mapping) or not isinstance(axes := control.get("config") or {}, Mapping):
        return
    moved = [axis for axis in _CAMERA_AXES if axes.get(axis)]
    if control.get("type") == "simple" and len(moved) != 1:
        raise Unsupported("options", "camera_control.config: exactly one value other than 0 is required for simple")
    if control.get("type") != "simple" and moved:
        raise Unsupported("options", "camera_control.config: values are allowed for the type simple only")


def check_seed(seed: int | None, highest: int) -> None:
    """Raise Unsupported for a seed above the vendor's highest."""
    if seed is not None and seed > highest:
        raise Unsupported("seed", f"0 to {highest} are allowed, not {seed}")
