"""Tables that go through a spreadsheet and come back: the report joins to the sheet, edited prompts find their jobs."""

from __future__ import annotations

from tests.end_to_end.conftest import Bench

SHEET = '  - {id: "{{ sku }}", rows: rows.csv, prompt: "{{ name }}", model: veo3-fast, duration_s: 4}'


def test_a_sorted_sheet_changes_no_job(bench: Bench) -> None:
    """The report names the row; its number is no part of the request."""
    rows = bench.folder / "rows.csv"
    rows.write_text("sku,name,note\na,a kite,two\nb,a boat,\n", "utf-8")
    bench.write(SHEET)
    assert bench.run().code == 0
    found = {row["id"]: [row[name] for name in ("file", "row", "line", "var.note")] for row in bench.rows()}
    assert found == {"a": ["rows.csv", "1", "2", "two"], "b": ["rows.csv", "2", "3", ""]}
    rows.write_text("sku,name,note\nb,a boat,\na,a kite,two\n", "utf-8")
    assert "changed" not in bench.cli("plan", str(bench.manifest), "--all").out
    assert bench.run().code == 0
    assert bench.emulator.ledger()["purchases"] == 2
