"""Templates: plain text is left alone, names are filled in, everything doubtful is refused in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.manifest.schema.templates import MAX_CHARS, TemplateProblem, Templates, is_template


def refused(text: str, **variables: object) -> str:
    with pytest.raises(TemplateProblem) as raised:
        Templates().render(text, variables)
    return str(raised.value)


@pytest.mark.parametrize("text", ["$19.99 off", '{"a": {"b": 1}}', "{name}", "100 %", "a } b", "", "tail\n"])
def test_plain_text_is_left_alone(text: str) -> None:
    """Money, JSON and single braces are text, to the last newline."""
    assert text == Templates().render(text, {})
    assert not is_template(text)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("a {{ name }} cup", "a red cup"),
        ("{{ name }}{{name}}", "redred"),
        ("{{ name|upper }} {{ n + 1 }}", "RED 6"),
        ("{% if wide %}wide{% else %}narrow{% endif %}", "wide"),
        ("{{ n }} {{ wide }} {{ whole }} {{ part }}", "5 true 5 0.5"),
        ("{{ row['Product Name'] }}", "Kite"),
        ("{% for c in colours %}{{ c }};{% endfor %}", "red;blue;"),
        ("{{ gone|default('x') }}", "x"),
    ],
)
def test_templates_are_filled_in(text: str, filled: str) -> None:
    """Names, filters, conditions and loops work; numbers look as they were written."""
    variables = {
        "name": "red",
        "n": 5,
        "wide": True,
        "whole": 5.0,
        "part": 0.5,
        "row": {"Product Name": "Kite"},
        "colours": ["red", "blue"],
    }
    templates = Templates()
    assert filled == templates.render(text, variables)
    assert filled == templates.render(text, variables)


def test_an_unknown_name_is_told_with_what_there_is() -> None:
    """Both ways of rendering name the variable that is missing, the closest one and all others."""
    expected = "nothing is called moood, did you mean mood? there is: mood, sku"
    assert expected == refused("{{ moood }}", mood="calm", sku="1")
    assert expected == refused("{{ moood|upper }}", mood="calm", sku="1")
    assert refused("{{ x }}") == "nothing is called x; there is: no variables"


@pytest.mark.parametrize(
    "text",
    [
        "{{ name",
        "{% if %}",
        "{% nothing %}",
        "{{ name|nofilter }}",
        "{{ name.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{% include 'x' %}",
        "{{ 1 / 0 }}",
        "{{ name.upper }}",
        "{{ nothing }}",
        "{{ nothing|d(1) }}{{ nothing }}",
        "{{ items }}",
        "{{ row.gone }}",
        "{{ 'a' * 10000000 }}",
        "{{ 9 ** 99999 }}",
        "{{ '%9999999d' % 1 }}",
        "{{ name|center(100000000) }}",
        "{{ items|random }}",
        "{{ lipsum() }}",
        "{% for i in range(90000) %}xxxx{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ ('a' * 9000) * 9000 }}",
    ],
)
def test_what_cannot_be_trusted_is_refused(text: str) -> None:
    """Syntax errors, ways out of the sandbox, chance, objects in a text and texts without end are problems."""
    assert refused(text, name="red", nothing=None, items=[1], row={"a": "b"})


@pytest.mark.parametrize(
    "text",
    [
        "{{ x.__init__ }}",
        "{{ x|attr('__class__') }}",
        "{{ x['__class__']['__mro__'] }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ namespace(a=1).__class__ }}",
        "{{ joiner.__call__ }}",
        "{{ x.upper.__self__ }}",
        "{{ x.format.__globals__ }}",
        "{{ '{0.__class__}'.format(x) }}",
        "{{ '{a.__class__}'.format_map({'a': x}) }}",
        "{{ [x]|map(attribute='__class__')|join }}",
        "{{ [x]|sum('__class__') }}",
        "{{ self._TemplateReference__context }}",
        "{{ self }}",
        "{{ xs.append(1) }}",
        "{{ xs.clear() }}",
        "{% set xs.a = 1 %}{{ xs }}",
        "{% import 'os' as os %}{{ os }}",
        "{% extends 'x' %}",
    ],
)
def test_nothing_of_the_program_can_be_reached(text: str) -> None:
    """No attribute, format string or filter leads out of the sandbox or changes what other jobs are filled in with."""
    xs = ["a"]
    refused(text, x="red", xs=xs)
    assert xs == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in range(999999999) %}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in x %}{% if a %}{% for b in x %}{% for c in x %}{% endfor %}{% endfor %}{% endif %}{% endfor %}",
        "{% for a in x %}{% else %}{% for b in x %}{% endfor %}{% endfor %}",
        "{% for a in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
        "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}",
        "{% call range(3) %}{% endcall %}",
    ],
)
def test_what_would_never_end_is_not_begun(text: str) -> None:
    """Loops in loops and macros that call themselves write nothing for years: refused when they are read."""
    said = refused(text, x="x" * 30_000)
    assert "too big" in said or "more than a prompt needs" in said


def test_plain_sums_have_no_limit() -> None:
    """The lid on * is for texts, not for numbers."""
    assert Templates().render("{{ 20000 * 100 }}", {}) == "2000000"
    assert Templates().render("{{ 12 % 5 }}", {}) == "2"


def test_the_length_is_capped() -> None:
    """A value that is too long for any prompt is refused where it lands."""
    assert "longer than 32,000 characters" in refused("{{ x }}", x="y" * (MAX_CHARS + 1))
    assert "longer than 32,000 characters" in refused("{{ x|upper }}", x="y" * (MAX_CHARS + 1))


def test_names_are_the_variables_of_a_text() -> None:
    """names() sees through filters and loops, and leaves jinja's own functions out."""
    templates = Templates()
    assert {"a", "b", "xs"} == templates.names("{{ a|upper }}{% for x in xs %}{{ x }}{{ b }}{{ range(2) }}{% endfor %}")
    assert frozenset() == templates.names("plain")
    with pytest.raises(TemplateProblem):
        templates.names("{{ a")


@given(st.text(alphabet="{}%#|()[]'\"_. abx19*+-", max_size=40))
def test_any_template_renders_or_is_refused(text: str) -> None:
    """Whatever is written: a text or a TemplateProblem, the same both times."""
    outcomes = []
    for _ in range(2):
        try:
            outcomes.append(Templates().render(text, {"a": "1", "b": 2}))
        except TemplateProblem as exc:
            outcomes.append(str(exc))
    assert outcomes[0] == outcomes[1]


@given(st.dictionaries(st.sampled_from("abc"), st.text(max_size=20), min_size=3))
def test_the_quick_way_equals_the_full_one(variables: dict[str, str]) -> None:
    """A template of names alone gives what jinja gives for it."""
    quick = Templates().render("x {{ a }}-{{ b }}\n{{ c }}\n", variables)
    full = Templates().render("x {{ a }}-{{ b }}\n{{ c }}{% if true %}{% endif %}\n", variables)
    assert full == quick


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a kite {{ field over", "has a {{ that is not closed; write {{ field }}"),
        ("a kite {{ field } over", "closed by a single }; write {{ field }}"),
        ("a kite {{ }} over", "nothing inside"),
        ("sale {% 50 %}", "write {% raw %}{% 50 %}{% endraw %}"),
        ("sale {%sale%}", "write {% raw %}{%sale%}{% endraw %}"),
        ("{{ a b }}", "write {{ a_b }}"),
        ("{% if a %}kite", "write {% endif %} where it ends"),
        ("{{ a + }}", "is not a valid template"),
    ],
)
def test_a_template_that_cannot_be_read_gets_the_text_to_write(text: str, words: str) -> None:
    """The engine's own words are for people who know it."""
    with pytest.raises(TemplateProblem) as raised:
        Templates().render(text, {"field": "wheat"})
    assert words in str(raised.value)
