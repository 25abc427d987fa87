"""Which variables of a template are written into its text."""

from __future__ import annotations

import pytest

from batchvid.manifest.schema.templates import Templates


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ a }} and {{ b|upper|trim }}", "a b"),
        ("{{ row.a }} {{ row['Product name'] }}", "a Product name"),
        ("{{ a ~ ' ' ~ b }}{{ c + d }}", "a b c d"),
        ("{{ a|default('x') }} {{ b|d }} {{ c or 'x' }} {{ c|length }}", ""),
        ("{{ a or b }}", "b"),
        ("{% if a %}{{ a }} {{ b }}{% else %}{{ c }}{% endif %}", "b c"),
        ("{% if not a %}none{% else %}{{ a }}{% endif %}", ""),
        ("{{ a if a else b }} {{ 'in ' ~ c if c }}", "b"),
        ("{% for x in a.split(',') %}{{ x }}{{ b }}{% endfor %}", "b"),
        ("{% set x = a %}{{ x }}", ""),
        ("{{ 5 }} {{ a == b }} {{ range(3) }}", ""),
    ],
)
def test_names(text: str, names: str) -> None:
    """What is tested, replaced or computed is not written as it is."""
    assert " ".join(Templates().outputs(text).names) == names


@pytest.mark.parametrize(
    ("text", "is_alone", "literal"),
    [
        ("{{ a }}", True, "0"),
        (" {{ row['a b'] }} ", True, " 0 "),
        ("a {{ b }}, {{ c }}", False, "a 0, 0"),
        ("{{ a }}{{ b }}", False, "00"),
        ("{{ a|upper }}", False, None),
        ("{% if a %}{{ a }}{% endif %}", False, None),
        ("a {# b #}", False, "a "),
    ],
)
def test_the_text_around_them(text: str, is_alone: bool, literal: str | None) -> None:
    """It is known when the template only inserts values."""
    outputs = Templates().outputs(text)
    assert (outputs.is_alone, outputs.literal) == (is_alone, literal)
