"""What each version of Seedance takes on Ark's wire (wire-notes 15): fields, lengths, sizes, roles."""

from __future__ import annotations

from dataclasses import dataclass

RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
ADAPTIVE = "adaptive"
SHORTER_SIDE = {"480p": 480, "720p": 720, "1080p": 1080, "4k": 2160}
FRAMES = ("first_frame", "last_frame")
REFERENCES = ("reference_image", "reference_video", "reference_audio")

COMMON = frozenset(
    {
        *("model", "content", "callback_url", "return_last_frame", "service_tier", "execution_expires_after"),
        *("safety_identifier", "resolution", "ratio", "duration", "seed", "watermark", "framespersecond"),
    }
)
"""Fields that every version knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version. `fields` are those beside COMMON; `follows_image` refuses a ratio beside a first frame."""

    seconds: range
    tiers: tuple[str, ...] = ("480p", "720p", "1080p")
    fields: frozenset[str] = frozenset()
    references: bool = False
    has_sound: bool = False
    flex: bool = False
    follows_image: bool = False


_SECOND = frozenset({"generate_audio", "priority", "tools", "draft"})
VERSIONS = {
    "seedance-2-5": Version(
        seconds=range(4, 31),
        fields=_SECOND | {"output_format", "omni_reference_task_type"},
        references=True,
        has_sound=True,
        follows_image=True,
    ),
    "seedance-2-0-fast": Version(
        seconds=range(4, 16), tiers=("480p", "720p"), fields=_SECOND, references=True, has_sound=True
    ),
    "seedance-2-0-mini": Version(
        seconds=range(4, 16), tiers=("480p", "720p"), fields=_SECOND, references=True, has_sound=True
    ),
    "seedance-2-0": Version(
        seconds=range(4, 16), tiers=(*SHORTER_SIDE,), fields=_SECOND, references=True, has_sound=True
    ),
    "seedance-1-5-pro": Version(
        seconds=range(4, 13),
        fields=frozenset({"generate_audio", "camera_fixed", "draft"}),
        has_sound=True,
        flex=True,
    ),
    "seedance-1-0": Version(seconds=range(2, 13), fields=frozenset({"camera_fixed", "frames"}), flex=True),
}
"""By a part of the model's name; the first that fits."""


def version_of(model: str) -> Version | None:
    """The version that a model's name tells; None for a name without one."""
    return next((version for name, version in VERSIONS.items() if name in model.lower()), None)
