"""Find the options that change what is paid for: model, number of clips, length, geometry, quality, sound. Pure.

An option is a field of the vendor's, at any depth: gateways merge `extra_body`, `metadata`, `parameters` and `input`
into the body. Its name counts in any spelling (`sampleCount`, `sample_count`, `SAMPLE-COUNT`). The words are those of
the wire formats in tests/exchanges, of OpenAI's, Google's, Kling's, Ark's, Runway's and xAI's API references, of
diffusers' pipelines, and of the relays in front of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson


class Paid(StrEnum):
    """What an option changes; the value is the manifest's key for it."""

    MODEL = "model"
    COUNT = "takes"
    LENGTH = "duration_s"
    SIZE = "resolution"
    SHAPE = "aspect_ratio"
    MODE = "mode"
    SOUND = "sound"
    FRAMES = "duration_s, and leave the frame rate to the vendor"


@dataclass(frozen=True, slots=True)
class PaidOption:
    """An option with its `path` from the outside in, as `parameters.sampleCount`; `word` is its bare name."""

    path: str
    word: str
    value: Any
    meaning: Paid


EXACT_SIZE = frozenset({"size", "width", "height"})
SHAPES = frozenset({"ratio", "aspectratio"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WORDS: Mapping[Paid, frozenset[str]] = {
    Paid.MODEL: _words("model modelname modelid modelkey modelslug modelversion videomodel engine engineid"),
    Paid.COUNT: _words(
        "n count quantity qty samples outputs videos clips results generations variations variants copies repeat"
        " repeats repetitions candidates takes batch batchsize batches bestof nsamples nvideos noutputs nclips"
        " nvariations videosperprompt imagesperprompt clipsperprompt samplesperprompt outputsperprompt"
    ),
    Paid.LENGTH: _words(
        "seconds secs sec dur length len videolength cliplength outputlength targetlength totallength extendlength"
        " lengthseconds lengthsec lengthms lengthinseconds extendby extensionlength"
    ),
    Paid.FRAMES: _words(
        "frames numframes nframes framenum framecount framescount numberofframes totalframes videoframes maxframes"
        " fps framerate framespersecond videofps outputfps targetfps"
    ),
    Paid.SIZE: EXACT_SIZE
    | _words(
        "resolutions videosize outputsize framesize targetsize sizes dimensions outputwidth outputheight videowidth"
        " videoheight targetwidth targetheight pixels megapixels quality videoquality outputquality qualitylevel"
        " definition hd uhd upscale upscaler upscalefactor upscaleto resolutiontier"
    ),
    Paid.SHAPE: SHAPES,
    Paid.MODE: _words("mode qualitymode generationmode videomode modelmode speedmode servicetier tier"),
    Paid.SOUND: _words(
        "sound audio mute muted silent noaudio nosound nativeaudio audioenabled soundenabled audiogeneration"
        " generateaudio generatesound withaudio withsound enableaudio enablesound hasaudio hassound includeaudio"
        " includesound addaudio addsound useaudio usesound"
    ),
}
"""The bare names (lower case, letters and digits only) with each meaning."""

PATTERNS: Mapping[Paid, re.Pattern[str]] = {
    Paid.COUNT: re.compile(
        r"(num|numberof|noof)(?!er|.*(steps|layers|beams|frames|threads)$).+|.*(?<!ac)(?<!dis)count"
    ),
    Paid.LENGTH: re.compile(r".*duration.*|(?!.*(timeout|expir|ttl|start|offset|poll|wait)).*(seconds|secs)"),
    Paid.SIZE: re.compile(r".*resolution"),
}
"""More names with a meaning, where no word above is the whole name."""

SHARES = re.compile(r"(^|\.)(multi_?prompt|multi_?shots?)(\[\d+\])?\.(duration|seconds)$", re.IGNORECASE)
"""Kling's shots divide the clip's own length among them; they do not add to it."""

BESIDES = re.compile(r"(camera|watermark|subtitle|caption|lora|callback|webhook|mask|voice).*")
"""Objects with a mode, size or length of their own, which are not the clip's."""

_LINK = re.compile(r"\s*(https?://|data:|asset://|gs://|s3://)", re.IGNORECASE)
_STEPS = re.compile(r"[.\[\]/:]+")  # `parameters[sampleCount]`, `parameters.sampleCount`: a path in one name


def paid_options(options: Mapping[str, Any]) -> Iterator[PaidOption]:
    """Find every option that changes what is paid for. One clip, a link and an empty value change nothing."""
    stack: list[tuple[str, Any]] = [("", options)]
    while stack:
        path, value = stack.pop()
        value = _parsed(value)
        if isinstance(value, Mapping):
            inner = []
            for name, child in value.items():
                child_path, word = f"{path}.{name}" if path else str(name), _word(str(name))
                if BESIDES.fullmatch(word):
                    continue
                inner.append((child_path, child))
                meaning = None if SHARES.search(child_path) else _meaning(word)
                if meaning and _MATTERS[meaning](child):
                    yield PaidOption(child_path, word, child, meaning)
            stack += inner[::-1]
        elif isinstance(value, list | tuple):
            stack += [(f"{path}[{number}]", child) for number, child in enumerate(value)][::-1]


def _word(name: str) -> str:
    """The bare name: its last step, in lower case, without anything but letters and digits."""
    last = next(filter(None, reversed(_STEPS.split(name))), name)
    return "".join(char for char in unicodedata.normalize("NFKC", last).casefold() if char.isalnum())


def _meaning(word: str) -> Paid | None:
    listed = next((meaning for meaning, words in WORDS.items() if word in words), None)
    return listed or next((meaning for meaning, pattern in PATTERNS.items() if pattern.fullmatch(word)), None)


def _parsed(value: Any) -> Any:
    """The JSON in a text: form fields hold objects that way."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except ValueError:
            return value
    return value


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _is_not_one(value: Any) -> bool:
    return _number(value) not in (None, 1.0)


def _is_number(value: Any) -> bool:
    return _number(value) is not None


def _is_setting(value: Any) -> bool:
    """Whether it is a word, a number or a switch; an object, a list or a link is an input of the clip."""
    return isinstance(value, str | int | float) and not (isinstance(value, str) and bool(_LINK.match(value)))


def _is_given(value: Any) -> bool:
    return value is not None


_MATTERS: Mapping[Paid, Callable[[Any], bool]] = {
    Paid.MODEL: _is_given,
    Paid.COUNT: _is_not_one,
    Paid.LENGTH: _is_given,
    Paid.FRAMES: _is_number,
    Paid.SIZE: _is_given,
    Paid.SHAPE: _is_given,
    Paid.MODE: _is_setting,
    Paid.SOUND: _is_setting,
}
