"""Names of columns in templates: which column a name finds, and which way to write it a message gives."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.manifest.schema.templates import TemplateProblem, Templates
from batchvid.manifest.schema.variable_names import AmbiguousName, RowValues, find_name, normalized, written_name

HEADERS = ("sku", "Product name", "product-id", "Name (EN)", "🎬 Shot", "价格", "Größe", "मूल्य नाम", "2nd", "in", "🪁")


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("sku", "sku"),
        ("SKU", "sku"),
        ("Product_name", "Product name"),
        ("product_name", "Product name"),
        ("product_id", "product-id"),
        ("Name_EN", "Name (EN)"),
        ("Shot", "🎬 Shot"),
        ("价格", "价格"),
        (unicodedata.normalize("NFD", "Größe"), "Größe"),
        ("मूल्य_नाम", "मूल्य नाम"),
        ("_2nd", "2nd"),
        ("name", None),
        ("_", None),
    ],
)
def test_the_column_of_a_name(name: str, column: str | None) -> None:
    """The same name, else the same but for what no name can have in it, else in another letter case."""
    assert find_name(name, HEADERS) == column


def test_the_nearest_form_wins() -> None:
    """An exact name hides the others; two of the same distance are an error that names both."""
    assert find_name("Product_name", ("Product name", "Product_name")) == "Product_name"
    assert find_name("Product_name", ("product name", "Product name")) == "Product name"
    with pytest.raises(AmbiguousName) as raised:
        find_name("Product_name", ("Product name", "Product-name"))
    assert str(raised.value) == (
        'Product_name may be "Product name" or "Product-name"; '
        'write {{ row["Product name"] }} or {{ row["Product-name"] }}'
    )
    with pytest.raises(AmbiguousName):
        find_name("SKU", ("sku", "Sku"))


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8), max_size=6, unique=True)
)
def test_every_hint_is_a_template_that_works(headers: list[str]) -> None:
    """The way to write a header gives that column's cell, whatever the other headers are."""
    cells = {header: f"cell {number}" for number, header in enumerate(headers)}
    for header in headers:
        text = f"{{{{ {written_name(header, (*headers, 'row'))} }}}}"
        if header != "row":
            assert Templates().render(text, {**cells, "row": RowValues(cells)}) == cells[header]


@given(st.text(max_size=12))
def test_a_normalized_name_is_stable(name: str) -> None:
    """It is empty or one that a template reads, and its own normalized form."""
    form = normalized(name)
    assert not form or form.isidentifier()
    assert normalized(form) == form


def fill(text: str, **cells: str) -> str:
    names = {"Product name": "tonic", "product-id": "7", "🎬 Shot": "push", "sku": "A1", **cells}
    return Templates().render(text, {**names, "row": RowValues(names), "row_number": 1})


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{ Product_name }}, {{ SKU }}", "tonic, A1"),
        ("{{ product_name|upper }}", "TONIC"),
        ("{{ row.Product_name }} {{ row['product-id'] }} {{ row.sku }}", "tonic 7 A1"),
        ("{{ row.colour }}.", "."),
        ("{{ row.colour|default('red') }} {{ colour|d('blue') }}", "red blue"),
        ("{{ mood|default('calm') }}", "calm"),
        ("{{ row.get('colour', 'red') }} {{ row.items()|length }}", "red 5"),
        ("{% if row.colour %}x{% else %}y{% endif %}", "y"),
    ],
)
def test_columns_in_texts(text: str, filled: str) -> None:
    """Headers with blanks are found; a column that the table does not have is an empty cell, for `default` as well."""
    assert fill(text, mood=" ") == filled


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ Product name }}", "{{ Product name }} is not read as one name; write {{ Product_name }}"),
        (
            "{{ product-id }} {{ 🎬 Shot|upper }}",
            "{{ product-id }} is not read as one name; write {{ product_id }}; "
            "{{ 🎬 Shot|upper }} is not read as one name; write {{ Shot |upper }}",
        ),
        ("{{ product-id }} on", "{{ product-id }} is not read as one name; write {{ product_id }}"),
        ("{{ colour }}", "nothing is called colour; there is: Product_name, Shot, product_id, row, row_number, sku"),
        ("{{ row.number }}", "{{ row.number }} is not read as one name; write {{ row_number }}"),
        ("{{ row.index }}", "the template cannot be filled in: there is no column index; the number of the row is "),
        ('a {{ "Product name" }}', '{{ "Product name" }} is only that text; write {{ Product_name }}'),
        ("{{ loop.index }}", "nothing is called loop; the number of the row is {{ row_number }}"),
        ("{{ rownum|int }}", "nothing is called rownum; the number of the row is {{ row_number }}"),
    ],
)
def test_names_that_no_template_reads(text: str, problem: str) -> None:
    """The message has the line to write, if the name is that of a column."""
    with pytest.raises(TemplateProblem) as raised:
        fill(text)
    assert str(raised.value).startswith(problem)


def test_a_hint_before_the_columns_are_known() -> None:
    """An id is read before its table; what cannot be a name keeps the parser's message."""
    with pytest.raises(TemplateProblem, match=r"write \{\{ Product_SKU \}\}"):
        Templates().names("{{ Product SKU }}")
    with pytest.raises(TemplateProblem, match="is not a valid template"):
        Templates().names("{{ a if b c }}")
