"""Tables that are drawn: as chats write them in Markdown, and as databases print them."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchvid.manifest.reading.table_reader import read_rows
from batchvid.manifest.reading.tables import BadTable

TABLES = {
    "markdown": "| id | prompt |\n|:---|:---:|\n| A1 | a kite |\n| A2 | a \\| boat |\n",
    "in a chat": "Here they are:\n\n| id | prompt |\n|----|----|\n| A1 | a kite |\n| A2 | a \\| boat |\n\nEnjoy!\n",
    "no outer bars": "id | prompt\n---|---\nA1 | a kite\nA2 | a \\| boat\n",
    "psql": " id | prompt\n----+--------\n A1 | a kite\n A2 | a \\| boat\n(2 rows)\n\n",
    "mysql": "+----+----+\n| id | prompt |\n+----+----+\n| A1 | a kite |\n| A2 | a \\| boat |\n+----+----+\n"
    "2 rows in set (0.00 sec)\n",
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("file", ["t.csv", "t.md", "t.txt"])
def test_a_drawn_table_is_read(tmp_path: Path, name: str, file: str) -> None:
    """Its lines are no cells; what stands around it is named."""
    path = tmp_path / file
    path.write_text(TABLES[name], "utf-8")
    warnings: list[str] = []
    rows = list(read_rows(path, warn=lambda text, place: warnings.append(f"{text} ({place})")))
    assert [row.values for row in rows] == [{"id": "A1", "prompt": "a kite"}, {"id": "A2", "prompt": "a | boat"}]
    rest = ["line 1", "line 8"] if name == "in a chat" else []
    assert warnings == [f"stands outside the table, and is left out ({place})" for place in rest]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("id    prompt\n----- ------\nA1    a kite\n", r"columns are held apart by blanks.*sqlcmd -s \",\" -W"),
        ("```csv\nid,prompt\nA1,a kite\n```\n", "code fence of Markdown, not a table; delete the lines"),
        ("| id | prompt |\n|---|---|\n| A1 | a | kite |\n", r"row 1 \(line 3\): has 3 cells where the header has 2"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """With what to do."""
    path = tmp_path / "t.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(BadTable, match=problem):
        list(read_rows(path))
