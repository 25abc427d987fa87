"""Placeholders that nobody filled in, and what looks similar in good prompts."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.manifest.expansion.cell_checks import check_inside
from batchvid.manifest.expansion.leftovers import Leftover, find_leftovers, normal_name, normal_names
from batchvid.manifest.schema.templates import MAX_CHARS

NAMES = normal_names(("Product name", "city", "style", "1"))


def written(text: str) -> list[str]:
    return [leftover.written for leftover in find_leftovers(text, NAMES)]


@pytest.mark.parametrize(
    "placeholder",
    [
        *("{city}", "{{city}}", "{{ city }}", "[city]", "[[city]]", "(city)", "<city>", "<<city>>", "«city»"),
        "【city】",
        *("（city）", "「city」", "${city}", "$(city)", "$city", "$CITY", "%city%", "%%city%%", "##city##", "#city#"),
        *("@city@", "~city~", "*city*", "|city|", "*|CITY|*", ":city:", "__city__", "`city`", "{$city}", "{row.city}"),
        *("[Product name]", "{product_name}", "<PRODUCT NAME>", "{{Product-Name}}", "%productName%", "{city.upper}"),
        *("{city:>10}", "--city--", "/city/", ";city;", "?city?", ":city", "{city|upper}", "‹city›", "<city/>"),
    ],
)
def test_any_delimiter_around_a_known_name(placeholder: str) -> None:
    """The name in any spelling, whoever's template language it is."""
    (found,) = find_leftovers(f"a kite over {placeholder} at noon", NAMES)
    assert found.written == placeholder
    assert found.name in ("city", "Product name")


@pytest.mark.parametrize(
    "placeholder",
    [
        *("${SEASON}", "$SEASON", "$env:SEASON", "%SEASON%", "{mood}", "{main subject}", "{0}", "{}", "{{ mood }}"),
        *(
            "{% if x %}",
            "{# red? #}",
            "<%= mood %>",
            "#{mood}",
            "@{mood}",
            "%(mood)s",
            "%s",
            "%1$s",
            "*|MOOD|*",
            "[% mood %]",
        ),
        *("[product]", "[brand color]", "[insert mood]", "[your logo here]", "<your brand>", "(insert colour)"),
        "[...]",
        *("[brand_color]", "<MOOD>", "[COLOR]", "(COLOR)", "__mood__", "______", "TODO", "TBD", "FIXME", "XXX"),
        *("PLACEHOLDER", "lorem ipsum", "INSERT MOOD HERE", "{{", "##MOOD##", "@@MOOD@@"),
    ],
)
def test_placeholders_of_unknown_names(placeholder: str) -> None:
    """Clearly a placeholder, whatever it stands for."""
    assert find_leftovers(f"a kite, {placeholder}, at noon", NAMES) == [Leftover(placeholder)]


@pytest.mark.parametrize(
    "text",
    [
        *("[Wide shot] a kite", "[Pan left,Pedestal up] a man", "[0-3s] a kite", "[laughs] hello", "[Scene 1]"),
        "[Image 1]",
        *("(slow zoom)", "(masterpiece:1.2)", "(a) a kite (b) a boat", "<lora:film:0.8>", "<<<image_1>>> walks"),
        "I <3 you",
        *("<image_1> walks", "<Picture 1>", "<S>hello<E>", "@Image1 @anna", "#hashtag #city", "$19.99", "$USD 20"),
        "A$AP",
        *("50% off, 20%", "100% city", "5 > 3 and 1 < 2", "*sighs* softly", "**bold**", "~5 s~", "snake_case"),
        "4K | HDR",
        *('{"prompt": {"city": "Rome", "tags": ["x"]}}', "[1, 2]", "{shot: wide, lens: 35mm}", "TODO EL MUNDO"),
        "todo list",
        *("a city-style kite", "day/city/night", "kite - city - noon", "why city? yes", "(9:16) city; night", "-city"),
        *("[Style] Noir. [Character] A man runs.\n[Color]\n[City] 3 towers", "[Brand color]: red"),
        *("[Style]: cinematic", "Style: city: night", "the city of [Rome]", "Super Bowl LX", "XXL shirt", "__ and __"),
    ],
)
def test_what_prompts_contain_is_no_placeholder(text: str) -> None:
    """Camera instructions, references to images, weights, JSON, prices, smileys."""
    assert written(text) == []


def test_texts_inside_json_are_looked_at() -> None:
    """Only the values: keys and braces are JSON."""
    assert written('{"scene": "a kite over [city]", "list": ["{mood}"]}') == ["[city]", "{mood}"]


def test_wildcards_are_choices() -> None:
    """`{a|b}` is syntax of programs that choose before they send."""
    assert find_leftovers("a {red|blue} kite", NAMES) == [Leftover("{red|blue}", is_choice=True)]


def test_names_without_letters_do_not_count() -> None:
    """A column `1` would make every `[1]` and `(1)` a placeholder."""
    assert written("first (1) then [1]") == []


@given(st.text(max_size=200), st.lists(st.text(max_size=12), max_size=5))
def test_no_text_makes_it_raise(text: str, names: list[str]) -> None:
    """Each finding is a part of the text, or of a text inside JSON."""
    for leftover in find_leftovers(text, normal_names(tuple(names))):
        assert leftover.written in text or text[0] in "{["


@given(st.text(alphabet="ab{}[]()<>$%#@_|*~\"': .0TODOXcity\n", max_size=80))
def test_no_mixture_of_delimiters_makes_it_raise(text: str) -> None:
    """Also not the characters that it looks for."""
    assert all(normal_name(leftover.name) in NAMES or not leftover.name for leftover in find_leftovers(text, NAMES))


@pytest.mark.parametrize(
    "piece",
    ["[", "{{", "(a", "__a", "<a", "%a", "-a ", "{% ", "(your ", "{a|", "*|a", "{#", "[[", "[a here", "<!--", "{a "],
)
def test_no_text_takes_long(piece: str) -> None:
    """The longest text of a manifest, made of openings that nothing closes."""
    text = piece * (MAX_CHARS // len(piece))
    begun = time.process_time()
    find_leftovers(text, NAMES)
    check_inside(text)
    assert time.process_time() - begun < 3
