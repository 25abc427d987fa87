"""What Runway's routes take for each model: its own models, and those of other vendors that it sells.

Source: the request types of Runway's SDK (runwayml 5.24.0: text_to_video, image_to_video, video_to_video). Runway
refuses a field that a model does not have. tests/clients/test_runway_fields.py compares this table with the SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

TEXT, IMAGE, VIDEO = "text_to_video", "image_to_video", "video_to_video"

Pairs = Mapping[str, tuple[str, ...]]
"""The pixel pairs of `ratio` by resolution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What one route takes for one model; empty and false: it has no such field.

    `pairs` and `names` are the values of `ratio`, `auto` the resolutions of `auto_720p` and its like, `resolutions`
    the values of `resolution`. `ratio_field` has another name at aleph2. `ratio_needed` and `prompt_needed`: it is
    required. `frame_sets_shape`: without a ratio the clip has the shape of its first frame. `last`: a last frame is
    taken. `references` is the number of reference images, `source` the name of the field for the source clip,
    `actions` maps what is done to it to its `mode` (empty: no such field). In `keeps_shape` are the actions without a
    `ratio`, `edit_duration` is the word for the length of an edit. `audio` is the value that is sent where the
    manifest does not set `sound`: the vendor's default where sound costs nothing, else silence. `options` are fields of
    the vendor without a word of the manifest; None: they are not known.
    """

    pairs: Pairs | None = None
    names: tuple[str, ...] = ()
    auto: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    ratio_field: str = "ratio"
    ratio_needed: bool = False
    frame_sets_shape: bool = False
    prompt_needed: bool = False
    prompt_chars: int | None = None
    duration: bool = True
    last: bool = False
    references: int = 0
    source: str = ""
    actions: Mapping[str, str] | None = None
    keeps_shape: tuple[str, ...] = ()
    edit_duration: str = ""
    audio: bool | None = None
    negative_prompt: bool = False
    seed: bool = False
    options: tuple[str, ...] | None = ()


def _pairs(**tiers: str) -> Pairs:
    """`p720="1280:720 720:1280"` as a mapping from `720p`."""
    return {"4k" if tier == "k4" else f"{tier[1:]}p": tuple(pairs.split()) for tier, pairs in tiers.items()}


_HD = _pairs(p720="1280:720 720:1280")
_GEN4 = _pairs(p720="1280:720 720:1280 1104:832 960:960 832:1104 1584:672")
_VEO = _pairs(p720="1280:720 720:1280", p1080="1920:1080 1080:1920")
_KLING = {
    "standard": _pairs(p720="1280:720 720:1280 960:960"),
    "pro": _pairs(p1080="1920:1080 1080:1920 1440:1440"),
    "4k": _pairs(k4="3840:2160 2160:3840 2880:2880"),
}
_SEEDANCE_480 = "992:432 864:496 752:560 640:640 560:752 496:864"
_SEEDANCE_720 = "1470:630 1280:720 1112:834 960:960 834:1112 720:1280"
_SEEDANCE_1080 = "2206:946 1920:1080 1664:1248 1440:1440 1248:1664 1080:1920"
_SEEDANCE_FAST = _pairs(p480=_SEEDANCE_480, p720=_SEEDANCE_720)
_SEEDANCE = _pairs(
    p480=_SEEDANCE_480,
    p720=_SEEDANCE_720,
    p1080=_SEEDANCE_1080,
    k4="3840:1646 3840:2160 3840:2880 3840:3840 2880:3840 2160:3840",
)
_SEEDANCE_2_5 = _pairs(p480="992:432 854:480 752:560 640:640 560:752 480:854", p720=_SEEDANCE_720, p1080=_SEEDANCE_1080)
_WAN = _pairs(
    p480="832:480 720:544 624:624 544:720 480:832",
    p720="1280:720 1104:832 960:960 832:1104 720:1280",
    p1080="1920:1080 1648:1248 1440:1440 1248:1648 1080:1920",
)
_OMNI = _pairs(p360="640:360 360:640", p720="1280:720 720:1280", p1080="1920:1080 1080:1920", k4="3840:2160 2160:3840")
_HORSE = _pairs(
    p720="1280:720 720:1280 960:960 1108:832 832:1108", p1080="1920:1080 1080:1920 1440:1440 1662:1248 1248:1662"
)
_KLING_2_5 = _pairs(p720="1280:720 720:1280 720:720", p1080="1920:1080 1080:1920 1440:1440")
_KLING_4 = _pairs(p720="1280:720 720:1280 940:940 1460:624", p1080="1920:1080 1080:1920 1440:1440 2200:940")
_GROK_LITE = _pairs(
    p480="848:480 480:848 480:480 640:480 480:640 720:480 480:720",
    p720="1280:720 720:1280 720:720 960:720 720:960 1088:720 720:1088",
    p1080="1904:1072 1072:1904 1424:1424 1648:1232 1232:1648 1744:1152 1152:1744",
)
_GROK_NAMES = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")
_HAILUO_NAMES = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "adaptive")
_TARGETS = ("16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "21:9")

_FORMATS = ("outputFormat", "proresProfile")
_MODERATION = ("contentModeration",)
_AUDIO, _AUDIO_VIDEO = ("referenceAudio",), ("referenceAudio", "referenceVideos")
_EDIT, _EDIT_OR_GUIDE = {"edit": ""}, {"edit": "", "remix": ""}
BY_MODE = {"edit": "edit", "extend": "extend", "remix": "reference"}

Routes = Mapping[str, Fields]
"""The fields of a model, by its route."""


def _text_and_image(text: Fields, **image: Any) -> Routes:
    """A model of both routes whose image route differs in these fields, and takes no references unless they say so."""
    return {TEXT: text, IMAGE: replace(text, **{"references": 0, **image})}


def _kling(generation: str, tier: str) -> Routes:
    """Kling 3.0 and O3: the frame sets the shape, unless a ratio is given."""
    is_o3 = generation == "O3"
    options = ("providerSettings", *(() if is_o3 else ("cfgScale",)))
    text = Fields(pairs=_KLING[tier], ratio_needed=True, audio=False, options=options)
    image = replace(text, ratio_needed=False, frame_sets_shape=True, last=True, references=7 if is_o3 else 0)
    if not is_o3:
        return {TEXT: text, IMAGE: image}
    video = Fields(
        source="promptVideo", actions=_EDIT, prompt_needed=True, references=4, duration=False,
        options=("providerSettings",),
    )  # fmt: skip
    return {TEXT: text, IMAGE: image, VIDEO: video}


def _seedance(pairs: Pairs) -> Routes:
    text = Fields(
        pairs=pairs, prompt_needed=True, prompt_chars=3500, audio=True, seed=True, references=9, options=_AUDIO_VIDEO
    )
    video = replace(text, source="promptVideo", actions=_EDIT_OR_GUIDE, prompt_needed=False)
    return {**_text_and_image(text, last=True, prompt_needed=False, options=_AUDIO), VIDEO: video}


def _seedance_2_5() -> Routes:
    options = (*_AUDIO_VIDEO, "draft", "outputFormat")
    text = Fields(pairs=_SEEDANCE_2_5, prompt_chars=15_000, audio=True, seed=True, references=30, options=options)
    image_options = (*_AUDIO, "draft", "outputFormat")
    video = replace(text, source="promptVideo", actions=BY_MODE, keeps_shape=("edit", "extend"), edit_duration="auto")
    return {**_text_and_image(text, last=True, options=image_options), VIDEO: video}


def _hailuo() -> Routes:
    text = Fields(
        names=_HAILUO_NAMES, resolutions=("768p", "2k"), prompt_needed=True, references=9, options=_AUDIO_VIDEO
    )
    video = replace(text, source="promptVideo", actions=_EDIT_OR_GUIDE)
    return {**_text_and_image(text, last=True, options=_AUDIO), VIDEO: video}


def _wan() -> Routes:
    text = Fields(pairs=_WAN, auto=tuple(_WAN), prompt_needed=True, audio=False, references=10, options=_AUDIO_VIDEO)
    return _text_and_image(text, last=True)


def _gen4_5() -> Routes:
    text = Fields(
        pairs=_HD, ratio_needed=True, prompt_needed=True, prompt_chars=1000, seed=True,
        options=(*_MODERATION, *_FORMATS),
    )  # fmt: skip
    return _text_and_image(text, pairs=_GEN4)


def _veo() -> Routes:
    text = Fields(
        pairs=_VEO, ratio_needed=True, prompt_needed=True, prompt_chars=1000, audio=False, negative_prompt=True,
        seed=True,
    )  # fmt: skip
    return _text_and_image(text, prompt_needed=False, last=True)


_GEMINI = Fields(pairs=_HD, prompt_needed=True)
_GEMINI_1_1 = Fields(pairs=_OMNI, prompt_needed=True, references=10, options=("referenceVideos",))
_GEMINI_VIDEO = Fields(source="videoUri", actions=_EDIT, prompt_needed=True, references=10, duration=False)
_GROK = Fields(
    names=_GROK_NAMES, resolutions=("480p", "720p", "1080p"), prompt_needed=True, references=7,
    options=("referenceAudio",),
)  # fmt: skip
_KLING_4_TEXT = Fields(
    pairs=_KLING_4, auto=tuple(_KLING_4), prompt_needed=True, references=10, options=("referenceVideos",)
)
_H3_MAX = Fields(resolutions=("480p", "768p"), prompt_needed=True, seed=True, options=("promptExpansionMode",))
_ALEPH = Fields(
    names=_TARGETS, ratio_field="targetAspectRatio", source="videoUri", actions=_EDIT, duration=False, seed=True,
    options=("keyframes", *_MODERATION, *_FORMATS),
)  # fmt: skip

_OLD = Fields(
    pairs={"720p": (*_GEN4["720p"], "1280:768", "768:1280")}, prompt_chars=1000, seed=True, last=True, options=None
)

UNLISTED: Routes = {TEXT: _OLD, IMAGE: _OLD}
"""For a model that is newer than this table: what Runway's own models take."""

MODELS: Mapping[str, Routes] = {
    "gen3a_turbo": {IMAGE: _OLD},
    "gen4.5": _gen4_5(),
    # any option passes: CometAPI's page has some that the SDK has not; the schema of 2024-11-06 has a last frame
    "gen4_turbo": {IMAGE: Fields(pairs=_GEN4, prompt_chars=1000, seed=True, last=True, options=None)},
    "aleph2": {VIDEO: _ALEPH},
    "veo3.1": _veo(),
    "veo3.1_fast": _veo(),
    "kling3.0_standard": _kling("3.0", "standard"),
    "kling3.0_pro": _kling("3.0", "pro"),
    "kling3.0_4k": _kling("3.0", "4k"),
    "klingO3_standard": _kling("O3", "standard"),
    "klingO3_pro": _kling("O3", "pro"),
    "klingO3_4k": _kling("O3", "4k"),
    "kling2.5_turbo_pro": _text_and_image(
        Fields(pairs=_KLING_2_5, prompt_needed=True, options=("cfgScale",)), pairs=None, last=True
    ),
    "kling_4": {
        **_text_and_image(_KLING_4_TEXT, pairs=None, prompt_needed=False, last=True, references=10),
        VIDEO: replace(
            _KLING_4_TEXT, pairs=None, source="videoUri", actions=_EDIT, duration=False, options=()
        ),
    },
    "seedance2": _seedance(_SEEDANCE),
    "seedance2_fast": _seedance(_SEEDANCE_FAST),
    "seedance2_mini": _seedance(_SEEDANCE_FAST),
    "seedance2_5": _seedance_2_5(),
    "hailuo3": _hailuo(),
    "h3_max": _text_and_image(_H3_MAX, last=True),
    "wan3": _wan(),
    "wan3_prime": _wan(),
    "grok_imagine_1_5": _text_and_image(_GROK, names=(), prompt_needed=False, options=()),
    "grok_imagine_1_5_lite": _text_and_image(
        Fields(pairs=_GROK_LITE, prompt_needed=True), pairs=None, auto=tuple(_GROK_LITE), prompt_needed=False
    ),
    "gemini_omni_flash": {**_text_and_image(_GEMINI, prompt_needed=False), VIDEO: _GEMINI_VIDEO},
    "gemini_omni_flash_1.1": {
        **_text_and_image(_GEMINI_1_1, last=True, options=()),
        VIDEO: replace(
            _GEMINI_1_1, source="videoUri", actions=BY_MODE, options=()
        ),
    },
    "happyhorse_1_0": _text_and_image(
        Fields(pairs=_HORSE, prompt_needed=True, prompt_chars=2500), pairs=None, resolutions=("720p", "1080p"),
        prompt_needed=False,
    ),
}  # fmt: skip
