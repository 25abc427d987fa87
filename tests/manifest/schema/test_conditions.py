"""Conditions of `where`: what comparisons with cells mean, and what mistakes in them are called."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from batchvid.manifest.schema.cells import AmbiguousNumber, BadCell
from batchvid.manifest.schema.condition_hints import condition_text
from batchvid.manifest.schema.conditions import BadCondition, Condition

CELLS = {"sku": "A1", "status": "Ready ", "price": "12,50", "In stock": "yes", "done": "WAHR", "note": "", "qty": "3"}


def variables(**cells: str) -> dict[str, Any]:
    """The variables of a row."""
    row = {**CELLS, **cells}
    return {**row, "row": row, "limit": 10, "wanted": ["ready", "go"]}


def holds(condition: str, **cells: str) -> bool:
    """Whether a row alone meets the condition."""
    return Condition(condition, variables(**cells)).holds(variables(**cells), is_last=True)


@pytest.mark.parametrize(
    "condition",
    [
        'status == "ready"', '"READY" == status', 'status != "done"', 'status in ["go", "ready"]', "status in wanted",
        'status not in ["done"]', 'status in "ready, go"', 'row.status == "ready"', 'row["In stock"] == "YES"',
        'In_stock == "yes"', '"EAD" in status', 'status.startswith("re")', 'status|lower == "ready"',
        'status|trim == "READY"', 'sku ~ "-" ~ qty == "A1-3"', 'note == ""', "note is none", "not note", "note == none",
        "status is defined", "missing is not defined", 'missing|default("x") == "x"', 'note|default("x") == "x"',
        "done", "done == true", "true == done", "done != false", "done is true", "not (done is false)",
        "note == false", "note != true", "price > 5", "5 < price", "price == 12.5", "12 < price < 13", "price > limit",
        'price > "5"', "price|float > 5", "price|float == 12.5", "price|int == 12", "price|replace(',', '.')|float > 5",
        "note|float(0) == 0", "note|int(7) == 7", "sku|float(0) == 0", "price + 1 == 13.5", "price * 2 == 25",
        "price * qty == 37.5", "price + qty == 15.5", "price - qty == 9.5", "-qty == -3", "qty % 2 == 1", "qty is odd",
        "price > qty", "qty in [3]", "price|round == 12", "price is number", "sku is not number", "true",
        "sku|length == 2",
    ],
)  # fmt: skip
def test_conditions_that_hold(condition: str) -> None:
    """A cell is compared as a person means it: with a text, a number, a yes or no."""
    assert holds(condition) is True


@pytest.mark.parametrize(
    "condition",
    [
        'status == "done"', 'note in "ready"', "note > 5", "note < 5", "note == 0", "note != 0", "note|float < 5",
        "note|int == 0", "note * 2 < 5", "note + 1 > 0", "note % 2 == 0", "note is odd", "price < note",
        "done == false",
        "not done", "done is false", "note", "price > 20", "false",
    ],
)  # fmt: skip
def test_conditions_that_do_not_hold(condition: str) -> None:
    """An empty cell meets no comparison with a number."""
    assert holds(condition) is False


def test_the_text_of_a_number_is_not_changed() -> None:
    """Codes with leading zeros are texts, and two cells that are amounts are compared as such."""
    assert not holds('sku == "7"', sku="007")
    assert not holds("sku == qty", sku="007", qty="7")
    assert holds("price == qty", price="7,0", qty="7")


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("sku > 5", "column sku: 'A1' is not a number; correct it, or write sku|float(0) to count it as 0"),
        ("sku == 5", "column sku: 'A1' is not a number"),
        ("sku|int > 5", "column sku: 'A1' is not a number"),
        ("In_stock|float > 5", "column In stock: 'yes' is not a number; correct it, or write In_stock|float(0)"),
        ('row["In stock"] > 5', "column In stock: 'yes' is not a number; correct it, or write row[\"In stock\"]"),
        ("status == true", "column status: 'Ready ' is neither true nor false; correct it, or compare it as a text: "
         'status == "Ready "'),
        ("done > true", "column done: true and false are compared by == and != only"),
        ('status == ["ready"]', 'column status is one text, not a list: write status in ["a", "b"]'),
        ("price / 0 > 1", "cannot be evaluated: float division by zero"),
        ("price|replace(',', '.') > 5", "compares a text with a number; write |float after"),
    ],
)  # fmt: skip
def test_cells_that_cannot_be_compared(condition: str, problem: str) -> None:
    """The message names the column, and each way out works."""
    with pytest.raises(BadCell) as raised:
        holds(condition)
    assert str(raised.value).startswith(problem)


def test_long_cells_are_shortened() -> None:
    """A description in the column of numbers does not fill the screen."""
    with pytest.raises(BadCell) as raised:
        holds("price > 5", price="x" * 5000)
    assert len(str(raised.value)) < 200


def test_other_cells_of_a_column_decide_what_a_number_is() -> None:
    """`1,234` is 1234 beside 4.99, and 1.234 beside 4,99."""
    for other, is_kept in (("4.99", True), ("4,99", False), ("1,234,567", True)):
        condition = Condition("price > 5", variables())
        with pytest.raises(AmbiguousNumber):
            condition.holds(variables(price="1,234"))
        condition.observe(variables(price=other))
        assert condition.holds(variables(price="1,234")) is is_kept


def test_an_ambiguous_number_is_a_problem_only_if_it_matters() -> None:
    """Both readings of 1,234 are more than 1; only one is more than 5. The ways out work."""
    assert holds("price > 1", price="1,234")
    with pytest.raises(BadCell) as raised:
        holds("price > 5", price="1,234")
    assert str(raised.value) == (
        "column price: '1,234' may be 1234 or 1.234, and no other cell of the column decides; write "
        'price|float(decimal=".") for 1234 or price|float(decimal=",") for 1.234'
    )
    assert holds('price|float(decimal=".") > 5', price="1,234")
    assert not holds('price|float(decimal=",") > 5', price="1,234")


def test_empty_cells_are_reported() -> None:
    """Only those that were compared with a number, in the last row."""
    condition = Condition('price > 5 or sku == "x"', variables())
    assert not condition.holds(variables(price=" "))
    assert condition.empty_columns == {"price"}
    assert condition.holds(variables())
    assert condition.empty_columns == frozenset()


HINTS = [
    ('status = "ready"', 'status == "ready"'),
    ('status === "ready"', 'status == "ready"'),
    ('status == "ready" && done', 'status == "ready" and done'),
    ('status == "ready" || done', 'status == "ready" or done'),
    ("!done", "not done"),
    ('status <> "x"', 'status != "x"'),
    ("price => 5", "price >= 5"),
    ("price =< 5", "price <= 5"),
    ("price ≥ 5", "price >= 5"),
    ('status == "a" AND NOT done', 'status == "a" and not done'),
    ("done == TRUE", "done == true"),
    ("status != NULL", "status != none"),
    ('status LIKE "%rea%"', """'"rea" in status'"""),
    ("status NOT LIKE '%rea%'", 'not ("rea" in status)'),
    ("status like 're%'", 'status.startswith("re")'),
    ("status like '%dy'", 'status.endswith("dy")'),
    ("sku IS NOT NULL", 'sku != ""'),
    ("sku is null", 'sku == ""'),
    ("status is not empty", 'status != ""'),
    ("isempty(status)", 'status == ""'),
    ("In stock: yes", 'In_stock == "yes"'),
    ('[status] == "ready"', 'status == "ready"'),
    ('price|float > "5"', "price|float > 5"),
    ("isnotempty(status)", 'status != ""'),
    ("price > 5 and < 10", "price > 5 and price < 10"),
    ("price between 5 and 10", "5 <= price <= 10"),
    ('status is "ready"', 'status == "ready"'),
    ('status is not "ready"', 'status != "ready"'),
    ('status equals "ready"', 'status == "ready"'),
    ('status contains "rea"', """'"rea" in status'"""),
    ('status.contains("rea")', """'"rea" in status'"""),
    ('status.startsWith("re")', 'status.startswith("re")'),
    ('status.toLowerCase() == "ready"', 'status.lower() == "ready"'),
    ('lower(status) == "ready"', 'status|lower == "ready"'),
    ("len(sku) > 1", "sku|length > 1"),
    ('In stock == "yes"', 'In_stock == "yes"'),
    ("not in stock", "not In_stock"),
    ('"In stock" == "yes"', 'In_stock == "yes"'),
    ('[In stock] = "yes"', 'In_stock == "yes"'),
    ('`In stock` = "yes"', 'In_stock == "yes"'),
    ("In stock = yes and status = ready", 'In_stock == "yes" and status == "ready"'),
    ("status == ready", 'status == "ready"'),
    ("status == in progress", 'status == "in progress"'),
    ("status == 2nd", 'status == "2nd"'),
    ("status == ready or status == gone", 'status == "ready" or status == "gone"'),
    ("status in [ready, gone]", 'status in ["ready", "gone"]'),
    ("sku in A1, A2", 'sku in ["A1", "A2"]'),
    ("sku in (A1, 5)", 'sku in ["A1", 5]'),
    ('status == "ready" or "go"', 'status in ["ready", "go"]'),
    ("status == “ready”", 'status == "ready"'),
    ("status == ‘ready’", "status == 'ready'"),
    ('status == "ready', 'status == "ready"'),
    ('status == "ready";', 'status == "ready"'),
    ('{{ status == "ready" }}', 'status == "ready"'),
    ('{{ status }} == "ready"', 'status == "ready"'),
    ('{% if status == "ready" %}', 'status == "ready"'),
    ('if status == "ready"', 'status == "ready"'),
    ('WHERE status = "ready"', 'status == "ready"'),
    ('$status == "ready"', 'status == "ready"'),
    ('stauts == "ready"', 'status == "ready"'),
    ("price > 5 €", "price > 5"),
    ("price > €5", "price > 5"),
    ("price > 5,50", "price > 5.50"),
]


@pytest.mark.parametrize(("condition", "hint"), HINTS)
def test_mistakes_get_the_condition_to_write(condition: str, hint: str) -> None:
    """The message ends with a condition that YAML reads, and that works on this row."""
    with pytest.raises(BadCondition) as raised:
        holds(condition)
    assert f"; write {hint}" in str(raised.value)
    written = yaml.safe_load(f"where: {hint}")["where"]
    assert isinstance(written, str)
    assert holds(written) in (True, False)


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("zzz > 5", "no column is called 'zzz' (there is: sku, status, price, In_stock, "),
        ("price > 5 and", "'price > 5 and' cannot be read: it ends too early"),
        ("", "is empty; leave it out to keep all rows"),
        ("(" * 1000, "'(("),
        ("status.nope", "'status.nope' uses status.nope, and a text has no nope"),
    ],
)
def test_mistakes_without_a_hint(condition: str, problem: str) -> None:
    """They say what is wrong."""
    with pytest.raises(BadCondition) as raised:
        holds(condition)
    assert str(raised.value).startswith(problem)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ({"status": "ready", "qty": 3, "done": True}, 'status == "ready" and qty == 3 and done == true'),
        ({"In stock": ["yes", "soon"], "note": None}, 'In_stock in ["yes", "soon"] and note == ""'),
        (['status == "ready"', "qty > 1"], 'status == "ready" and qty > 1'),
        ([], 'status == "ready"'),
    ],
)
def test_a_mapping_or_a_list_is_no_condition(written: object, hint: str) -> None:
    """The message has the text to write instead."""
    with pytest.raises(ValueError, match="must be one text, not a") as raised:
        condition_text(written)
    assert str(raised.value).endswith(f"; write where: {hint}")
    assert holds(hint) in (True, False)


ANY_CONDITION = st.one_of(
    st.sampled_from([condition for condition, _ in HINTS]),
    st.text(alphabet="abprice status<>=!&|()[]\"'0123456789,.%+-*/~ \n{}", max_size=40),
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["price", "status|float", "row.sku", "note", "qty|int", "not done", "sku|default(1)"]),
        st.sampled_from(
            ["==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or", "+", "-", "*", "/", "%", "~", "is"]
        ),
        st.sampled_from(["5", "'x'", "true", "none", "[1, 'a']", "status", "qty", "odd", "number", "{}", "1e9", "'5'"]),
    ),
)


@given(condition=ANY_CONDITION, cell=st.one_of(st.text(max_size=20), st.sampled_from(["1,234", "TRUE", "", "5"])))
def test_any_condition_over_any_cell_has_a_result(condition: str, cell: str) -> None:
    """True, false, or one of the two problems; the same both times."""
    outcomes = []
    for _ in range(2):
        try:
            row = dict.fromkeys(CELLS, cell)
            outcomes.append(str(holds(condition, **row)))
        except (BadCell, BadCondition) as exc:
            outcomes.append(str(exc))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("qty == 1 or 2", "write qty in [1, 2]"),
        ("qty == 1 and 2", "has a number alone beside and / or"),
        ("name ~ 'mug'", "write '\"mug\" in name'"),
        ("name is ready", 'write name == "ready"'),
        ("day > 2026-10-15", 'write day > "2026-10-15"'),
        ("day >= 15.10.2026", "has a date without quotes"),
        ("hero in name", "write '\"hero\" in name'"),
        ("qty > 1; name", "write qty > 1 and name"),
        ("qty|flot > 1", "there is no filter flot; write float"),
        ("(name == 'x'", "cannot be read: a ) is missing"),
    ],
)
def test_what_is_the_same_for_every_row_is_refused(text: str, problem: str) -> None:
    """It would keep or leave out all of them without a word; and no message has the words of the template engine."""
    with pytest.raises(BadCondition) as raised:
        holds(text, name="a mug", day="2026-01-01")
    assert problem in str(raised.value)
