"""Templates that would decide wrongly without a word, or fail in the words of the template engine."""

from __future__ import annotations

import pytest

from batchvid.manifest.schema.templates import TemplateProblem, Templates

ROW = {"name": "kite", "price": "12.5", "sale": "FALSE", "colours": "red;blue", "hole": "", "open": "1,234"}
REFUSED = {
    "{{ name|uppercase }}": "there is no filter uppercase; write upper",
    "{{ name is foo }}": "there is no test foo; remove it",
    "{{ price * 2 }}": "|float after its name: price|float",
    "{{ price + 1 }}": "|float after its name: price|float",
    "{% if price > 5 %}a{% endif %}": "|float after its name: price|float",
    "{{ name|float }}": "'kite' is no number; correct the cell, or write |float(0) to count it as 0",
    "{{ hole|int }}": "an empty cell is no number; correct the cell, or write |float(0) to count it as 0",
    "{{ open|float }}": "'1,234' may be 1234 or 1.234",
    "{% if price == 12.5 %}a{% endif %}": "compares price, a text, with a number; write price|float == 12.5",
    "{% if sale == true %}a{% endif %}": 'compares sale, a text, with true; write sale != "FALSE"',
    "{% if sale %}a{% endif %}": "and 'FALSE' is not empty; write {% if sale != \"FALSE\" %}",
    "{{ 'a' if not sale else 'b' }}": "and 'FALSE' is not empty; write {% if sale != \"FALSE\" %}",
    "{% for c in colours %}{{ c }}{% endfor %}": 'letter by letter; write colours.split(";")',
    "{{ colours|join(' ') }}": 'letter by letter; write colours.split(";")',
    "{% for c in colours %}{{ c }}": "{% for %} that is not closed; write {% endfor %}",
    "{{ name | default: 'x' }}": "write {{ name|default('x') }}",
    "{{ name ?? 'x' }}": "write {{ name or 'x' }}",
    "{{#if name}}a{{/if}}": "{{#if name}} is of another template language; write {% if name %}...{% endif %}",
    "{{ name | }}": "something is missing before the closing brackets",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_wrong_decision_is_refused_with_what_to_write(text: str) -> None:
    """And in the words of cells."""
    with pytest.raises(TemplateProblem) as raised:
        Templates().render(text, ROW)
    assert REFUSED[text] in str(raised.value)
    assert not any(word in str(raised.value) for word in ("Jinja", "jinja", "token", "str ", "'int'"))


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{ price|float * 2 }}", "25"),
        ("{{ price|round(1) }}", "12.5"),
        ("{{ '1,5'|float }}", "1.5"),
        ("{{ name|float(7) }}", "7"),
        ("{{ hole|int(3) }}", "3"),
        ("{{ open|float(decimal='.') }}", "1234"),
        ("{% if price|float == 12.5 %}a{% endif %}", "a"),
        ('{% if sale != "FALSE" %}a{% else %}b{% endif %}', "b"),
        ("{% for c in colours.split(';') %}{{ c }} {% endfor %}", "red blue "),
        ("{% if price %}for {{ price }}{% endif %}", "for 12.5"),
        ("{{ '-' * 3 }}", "---"),
    ],
)
def test_what_the_messages_recommend_works(text: str, filled: str) -> None:
    """The same templates, written so."""
    assert Templates().render(text, ROW) == filled
