"""The rules for the pictures of each wire format and model. Behind a gateway those of the vendor hold."""

from __future__ import annotations

from batchvid.dialects.common.image_rules import ANY, ARK, KLING, RUNWAY, ImageRules

_BY_MODEL: dict[str, tuple[tuple[str, ImageRules], ...]] = {
    "kling": (("", KLING),),
    "runway": (("", RUNWAY),),
    "gateway": (("kling", KLING), ("doubao-seedance", ARK)),
    "newapi": (("kling", KLING), ("doubao", ARK)),
}
"""The rules by dialect and by the beginning of the model's name."""


def image_rules(dialect: str, model: str) -> ImageRules:
    """What is known of the pictures that this model takes."""
    return next((rules for start, rules in _BY_MODEL.get(dialect, ()) if model.startswith(start)), ANY)
