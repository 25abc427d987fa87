"""What a manifest's finished texts are checked for, with the field, the row and the column in the message."""

from __future__ import annotations

import contextlib
import string

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from batchvid.errors import ManifestError
from batchvid.manifest import load
from batchvid.manifest.expansion.cell_checks import check_inside
from batchvid.manifest.expansion.leftovers import find_leftovers, normal_names
from batchvid.manifest.expansion.odd_characters import find_odd_characters
from batchvid.manifest.expansion.text_checks import is_plain
from tests.manifest.conftest import Mistakes, Write

ROWS = 'defaults: {model: m}\nclips:\n  - {id: "{{ sku }}", rows: r.csv, prompt: "PROMPT"}\n'
ONE = "defaults: {model: m}\nclips: [{id: a, ENTRY}]\n"

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


def warnings(write: Write, text: str, rows: str = "", **arguments: object) -> list[str]:
    if rows:
        write("r.csv", rows)
    return list(load(write("m.yaml", text), **arguments).warnings)  # type: ignore[arg-type]


def of_rows(write: Write, prompt: str, rows: str) -> list[str]:
    return warnings(write, ROWS.replace("PROMPT", prompt.replace('"', '\\"')), rows)


def test_a_placeholder_in_a_cell(write: Write) -> None:
    """A cell is never a template: the message has the row, the column, and the template to write."""
    found = of_rows(write, "{{ text }}", "sku,Product name,text\nA1,cup,a [Product name] in {{ sku }}\nA2,pot,a pot\n")
    assert found == [
        "m.yaml:3: {{ sku }}: prompt: contains [Product name] and {{ sku }}, and there is a column Product name: only "
        "{{ Product_name }} is filled in, in the manifest and not in a cell; write it so, or write out the text "
        "(r.csv:row 1 (line 2): column text)"
    ]


def test_a_placeholder_in_the_manifest(write: Write) -> None:
    """It is in every row, so no row is named; each kind of text is looked at."""
    found = of_rows(write, "a {name} in {{ name }}, [your city]", "sku,name\nA1,cup\nA2,pot\n")
    assert [one.split("; ")[0] for one in found] == [
        "m.yaml:3: {{ sku }}: prompt: contains {name}, and there is a column name: only {{ name }} is filled in, in "
        "the manifest and not in a cell",
        "m.yaml:3: {{ sku }}: prompt: contains [your city], which looks like a placeholder and is sent as written",
    ]


@pytest.mark.parametrize(
    ("entry", "start"),
    [
        ("prompt: 'a kite over ${CITY}'", "prompt: contains ${CITY}, which looks like a placeholder"),
        ("prompt: p, negative_prompt: no $PEOPLE", "negative_prompt: contains $PEOPLE"),
        ("prompt: p, options: {a: [{b: 'x [insert logo]'}]}", "options: a[0].b: contains [insert logo]"),
        ("prompt: p, image: 'https://x.example/{sku}.jpg'", "image: contains {sku}"),
        ("prompt: p, mode: '{mood}'", "mode: contains {mood}"),
        ("prompt: 'a {red|blue} kite'", "prompt: contains {red|blue}, of which nothing chooses one"),
        (
            "prompt: 'caf\u00c3\u00a9 in rain'",
            "prompt: contains 'caf\u00c3\u00a9 in rain', which is probably 'caf\u00e9 in rain'",
        ),
        ('prompt: "a\\vkite"', "prompt: contains U+000B"),
        ("prompt: a &amp; b", "prompt: contains HTML codes (&amp; for &)"),
        ("prompt: kite.jpg", "prompt: is nothing but the name of a file: kite.jpg"),
        ("prompt: p, negative_prompt: none", 'negative_prompt: is "none", which stands for a missing value'),
    ],
)
def test_each_kind_of_text(entry: str, start: str, write: Write) -> None:
    """One warning with its field."""
    (found,) = warnings(write, ONE.replace("ENTRY", entry))
    assert found.startswith(f"m.yaml:2: a: {start}")


def test_an_option_that_becomes_empty(write: Write) -> None:
    """It is sent as an empty text: vendors refuse it, or take their default."""
    text = ROWS.replace('prompt: "PROMPT"', 'prompt: a {{ sku }}, options: {camera: "{{ cam }}"}')
    (found,) = warnings(write, text.replace("prompt: a {{ sku }}", "prompt: 'a {{ sku }}'"), "sku,cam\nA1,\nA2,pan\n")
    assert ": options: camera: is empty once it is filled in, and is sent so; " in found
    assert found.endswith("(r.csv:row 1 (line 2): column cam)")


def test_headings_of_a_template_are_no_placeholders(write: Write) -> None:
    """`[Style] {{ style }}`: who writes the template knows how to fill it in."""
    assert of_rows(write, "[Style] {{ style }}, (mood) {{ mood }}", "sku,style,mood\nA1,noir,calm\n") == []


def test_holes(write: Write) -> None:
    """An empty cell inside a longer text; not where the template handles it."""
    rows = "sku,season,mood\nA1,,calm\nA2,winter,\n"
    (found,) = of_rows(write, "a kite in {{ season }}", rows)
    assert found == (
        "m.yaml:3: {{ sku }}: prompt: column season is empty and leaves a hole in the text; fill it in, or write "
        '{{ season|default("...") }} or {% if season %}...{% endif %} (r.csv:row 1 (line 2): column season)'
    )
    assert len(of_rows(write, "a kite in {{ season|upper }}, {{ row.mood }}", rows)) == 2
    assert of_rows(write, "a kite{% if season %} in {{ season }}{% endif %}, {{ mood|default('x') }}", rows) == []
    assert of_rows(write, "a kite {{ 'in ' ~ season if season }}, {{ mood or 'x' }}", rows) == []


def test_the_hint_about_a_hole_works(write: Write) -> None:
    """Also for a header that is no name."""
    rows = "sku,The season\nA1,\n"
    (found,) = of_rows(write, "a kite in {{ The_season }}", rows)
    template = found.partition("or write ")[2].partition(" or ")[0].replace("...", "autumn")
    assert of_rows(write, f"a kite in {template}", rows) == []


def test_cells_that_are_no_text(write: Write, mistakes: Mistakes) -> None:
    """A formula and an error are problems, a word for a missing value inside a text is a warning."""
    write("r.csv", 'sku,mood\nA1,"=CONCAT(A2,B2)"\nA2,#NAME?\nA3,calm\n')
    found = mistakes(ROWS.replace("PROMPT", "a kite, {{ mood }}"))
    assert [one.partition("column mood ")[2] for one in found] == [
        "is the formula =CONCAT(A2,B2), not its result; paste the values into the sheet "
        "(r.csv:row 1 (line 2): column mood)",
        "is #NAME?, an error of the spreadsheet; correct the cell, or leave the row out with where "
        "(r.csv:row 2 (line 3): column mood)",
    ]
    (word,) = of_rows(write, "a kite, {{ mood }}", "sku,mood,n\nA1,nan,1\nA2,calm,nan\n")
    assert 'prompt: column mood is "nan", which stands for a missing value; ' in word


def test_a_prompt_that_is_no_prompt(write: Write, mistakes: Mistakes) -> None:
    """A whole prompt that is an error or a word for a missing value is never bought."""
    write("r.csv", "sku,text\nA1,#REF!\nA2,NaN\nA3,=A1&B1\n")
    found = mistakes(ROWS.replace("PROMPT", "{{ text }}"))
    assert [one.partition("prompt: is ")[2].split(";")[0] for one in found] == [
        "#REF!, an error of the spreadsheet",
        'nothing but "NaN"',
        "the formula =A1&B1, not its result",
    ]


def test_rows_with_the_same_finding_share_a_line(write: Write) -> None:
    """Also with takes: each row counts once."""
    rows = "sku,text\n" + "".join(f"A{n},a [city] {n}\n" for n in range(5))
    text = ROWS.replace("PROMPT", "{{ text }}").replace("rows:", "takes: 3, rows:")
    (found,) = warnings(write, text, rows)
    assert found.endswith(
        "column text, r.csv:row 2 (line 3): column text, r.csv:row 3 (line 4): column text and 2 more)"
    )


def test_a_comment_is_removed(write: Write) -> None:
    """`{# #}` in the manifest is a comment, also in a text without `{{`; without its end it is text."""
    path = write("m.yaml", ONE.replace("ENTRY", "prompt: 'a kite {# the client wants red #}'"))
    assert load(path).jobs[0].spec.request.prompt == "a kite"
    path = write("m.yaml", ONE.replace("ENTRY", "prompt: 'a kite {#1 of 2'"))
    assert load(path).jobs[0].spec.request.prompt == "a kite {#1 of 2"


@same_folder
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=60))
def test_no_cell_makes_it_raise(write: Write, cell: str) -> None:
    """Whatever stands in a cell: the manifest loads, or its problems are listed."""
    quoted = '"' + cell.replace('"', '""') + '"'
    with contextlib.suppress(ManifestError):
        of_rows(write, "{{ text }}, {{ text|upper }}", f"sku,text,x\nA1,{quoted},y\n")


@same_folder
@given(st.lists(st.text(string.ascii_lowercase + "ABCäéßжд猫", min_size=2, max_size=9), min_size=2, max_size=12))
def test_plain_words_never_warn(write: Write, words: list[str]) -> None:
    """Without a special character, and not a word for a missing value, there is nothing to report."""
    assume(not {"nan", "null", "undefined"} & set(words))
    assert (
        of_rows(write, 'a kite: {{ text }}, at noon - (slow), "quiet"; 5 s!', f"sku,text\nA1,the {' '.join(words)}\n")
        == []
    )


WORDS = (
    "city Product TODO TBD XXX FIXME PLACEHOLDER INSERT HERE lorem ipsum nan None NaN null undefined Err:502 N/A #REF!"
    " <b> &amp; , . - -- / : ; ? ! _ __ ___ $ % # @ | ~ ^ * ` & = + ( ) [ ] { } < > « » 【 】 “ ” 5 x é"
    " Ã© â€™ \u200b \x0b \n"
)
FRAGMENTS = st.sampled_from(WORDS.split(" "))


@settings(max_examples=300)
@given(st.lists(st.one_of(FRAGMENTS, st.just(" "), st.text(max_size=3)), max_size=8).map("".join))
def test_the_fast_search_misses_nothing(text: str) -> None:
    """A text that it passes over has no finding of any kind."""
    if is_plain(text):
        assert find_leftovers(text, normal_names(("city", "Product name", "product"))) == []
        assert check_inside(text) == []
        assert find_odd_characters(text) == []
