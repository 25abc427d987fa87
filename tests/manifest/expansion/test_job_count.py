"""The jobs of a manifest are counted before they are made, also where each row has its own takes."""

from __future__ import annotations

import pytest

from batchvid.errors import ManifestError
from batchvid.manifest import load
from tests.manifest.conftest import Write

ENTRY = 'defaults: {model: m, prompt: "{{ sku }}"}\nclips:\n  - id: "{{ sku }}"\n    rows: t.csv\n'


@pytest.mark.parametrize(
    ("table", "more", "count"),
    [
        ("sku,takes\na,3\nb,\nc,4\n", "", 8),
        ("sku,Takes\na,3\nb,\nc,4\n", "    takes: null\n", 3),
        ("sku,n\na,3\nb,\nc,4\n", "    takes: '{{ n }}'\n", 8),
        ("sku,takes\na,3\nb,\nc,4\n", "    takes: 2\n    matrix: {x: [1, 2]}\n", 12),
        ("sku,takes\na,3\nb,50\nc,4\n", "    where: sku != 'b'\n", 7),
    ],
)
def test_takes_of_rows_are_counted(write: Write, table: str, more: str, count: int) -> None:
    """Exactly as many are allowed as there are; one less is refused before a job is made."""
    write("t.csv", table)
    path = write("m.yaml", ENTRY + more)
    assert len(load(path, max_jobs=count).jobs) == count
    with pytest.raises(ManifestError) as raised:
        load(path, max_jobs=count - 1)
    (problem,) = raised.value.problems
    assert f"the manifest makes {count} clips" in problem
    assert f"more than {count - 1} need --many" in problem


def test_counting_leaves_no_trace(write: Write) -> None:
    """The rows are read once more for the count; notes, warnings and counts of rows appear once."""
    write("t.csv", "sku,takes,seconds\ncup,2,4\ncan,1,4\n")
    manifest = load(write("m.yaml", ENTRY), max_jobs=3)
    assert len(manifest.jobs) == 3
    assert (len(manifest.notes), len(manifest.warnings), len(manifest.entries)) == (1, 1, 1)
