"""`where` over a table or images: which are left out, how they are counted, and that an entry may be left empty."""

from __future__ import annotations

from batchvid.manifest import load
from tests.manifest.conftest import Mistakes, Specs, Write

TABLE = """\
defaults: {model: veo3-fast}
clips:
  - id: "{{ sku }}"
    rows: t.csv
    prompt: "{{ name }}"
"""


def test_rows_left_out_are_counted_and_named(write: Write) -> None:
    """Each entry has its counts: rows read, kept, left out, and the first ones left out. An entry alone has none."""
    rows = "".join(f"s{i},x,{'go' if i % 5 == 0 else 'wait'}\n" for i in range(10))
    write("t.csv", f"sku,name,status\n{rows}")
    kite = "  - {id: kite, prompt: a kite}\n"
    manifest = load(write("m.yaml", f'{TABLE}    where: status == "go"\n{kite}'))
    table, alone = manifest.entries
    assert (table.name, table.place.line, table.kind) == ("{{ sku }}", 3, "rows")
    assert (table.rows_read, table.kept, table.left_out) == (10, 2, 8)
    assert table.left_out_rows == tuple(f"t.csv:row {i} (line {i + 1})" for i in (2, 3, 4, 5, 7))
    assert (alone.name, alone.kind, alone.rows_read, alone.kept, alone.left_out) == ("kite", "", 0, 0, 0)


def test_rows_that_are_counted_twice_are_counted_once(write: Write) -> None:
    """The count that guards against a million clips reads the rows too, and leaves no trace."""
    write("t.csv", "sku,name\n" + "".join(f"s{i},x\n" for i in range(9)))
    (counts,) = load(write("m.yaml", f"{TABLE}    where: sku == 's7'\n"), max_jobs=5).entries
    assert (counts.rows_read, counts.kept, counts.left_out) == (9, 1, 8)


def test_an_entry_of_which_nothing_is_left_is_a_warning(write: Write) -> None:
    """Nothing is ready tonight: the other entries are made, and the warning says why this one is not."""
    write("t.csv", "sku,name,status\na,x,done\n")
    kite = "  - {id: kite, prompt: a kite}\n"
    manifest = load(write("m.yaml", f'{TABLE}    where: status == "ready"\n{kite}'))
    assert [job.spec.id for job in manifest.jobs] == ["kite"]
    assert manifest.warnings == ("m.yaml:6: {{ sku }}: where: leaves none of the 1 rows",)


def test_a_manifest_of_which_nothing_is_left_is_valid(write: Write) -> None:
    """A batch with no job at all tonight is no mistake."""
    write("t.csv", "sku,name,status\na,x,done\n")
    assert load(write("m.yaml", f'{TABLE}    where: status == "ready"\n')).jobs == ()


def test_an_ambiguous_number_is_decided_by_a_later_row(write: Write, specs: Specs) -> None:
    """The column writes decimals with a comma, which only its last row shows; the order stays."""
    rows = 'a,x,30\nb,x,"1,234"\nc,x,12\nd,x,"7,5"\n'
    write("t.csv", f"sku,name,price\n{rows}")
    assert list(specs(f"{TABLE}    where: price > 5\n")) == ["a", "c", "d"]


def test_all_bad_cells_are_reported_at_once(write: Write, mistakes: Mistakes) -> None:
    """Rows with the same cell share a line; a row that is fine does not hide the next one that is not."""
    write("t.csv", "sku,name,price\na,x,soon\nb,x,7\nc,x,5 each\nd,x,soon\n")
    ways = "correct it, or write price|float(0) to count it as 0"
    assert mistakes(f"{TABLE}    where: price > 5\n") == [
        f"m.yaml:6: {{{{ sku }}}}: where: column price: 'soon' is not a number; {ways} "
        "(t.csv:row 1 (line 2), t.csv:row 4 (line 5))",
        f"m.yaml:6: {{{{ sku }}}}: where: column price: '5 each' is not a number; {ways} (t.csv:row 3 (line 4))",
    ]


def test_a_mistake_in_the_condition_is_reported_once(write: Write, mistakes: Mistakes) -> None:
    """Not for each row, and without a row: it is wrong for all of them."""
    write("t.csv", "sku,name,In stock\na,x,yes\nb,x,no\n")
    assert mistakes(f'{TABLE}    where: In stock = "yes"\n') == [
        'm.yaml:6: {{ sku }}: where: \'In stock = "yes"\' is not a condition; write In_stock == "yes"'
    ]


def test_empty_cells_beside_a_number_are_counted_and_named(write: Write) -> None:
    """They meet no comparison with a number: the rows are left out, with a warning."""
    write("t.csv", "sku,name,price\na,kite,7\nb,boat,\nc,ship,\n")
    manifest = load(write("m.yaml", f"{TABLE}    where: price > 5\n"))
    assert [job.spec.id for job in manifest.jobs] == ["a"]
    assert manifest.warnings == (
        "m.yaml:6: {{ sku }}: where: column price is empty, and an empty cell meets no comparison with a number; "
        "price|float(0) counts it as 0 (t.csv:row 2 (line 3), t.csv:row 3 (line 4))",
    )


def test_a_column_may_be_named_like_a_word_of_python(write: Write, specs: Specs) -> None:
    """`self` and `range` are columns like any other."""
    write("t.csv", "sku,name,self,range\na,x,1,1\nb,x,2,1\n")
    assert list(specs(f"{TABLE}    where: self == 2 and range == 1\n")) == ["b"]
