"""`where` over a table or images: which are left out, how they are counted, and that an entry may be left empty."""

from __future__ import annotations

from batchvid.manifest import load
from tests.manifest.conftest import Write

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
