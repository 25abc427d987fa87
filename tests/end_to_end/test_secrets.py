"""What a vendor or a spreadsheet says goes to files and screens without signed links and without control characters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.conftest import Bench

SIGNED = "s1gned-and-worth-m0ney"
LINK = f"https://cdn.example/clip.mp4?X-Amz-Signature={SIGNED}"
OWNED = "\x1b[2J\x1b]0;owned\x07"


def told(bench: Bench, *commands: str) -> bytes:
    """What these commands print on the manifest, as it lands in a file."""
    return b"".join(bench.logged(command, str(bench.manifest))[1] for command in commands)


def holders(bench: Bench, secret: bytes) -> list[str]:
    """The files of the batch that hold these bytes."""
    return [path.name for path in bench.batch.rglob("*") if path.is_file() and secret in path.read_bytes()]


@pytest.mark.parametrize(
    ("step", "deed"),
    [
        ("submit", {"outcome": "fail", "message": f"{OWNED} see {LINK} for more"}),
        ("submit", {"invalid": True, "message": f"{OWNED} see {LINK} for more"}),
        ("download", {"status": 200, "json": {"url": LINK}}),
        ("download", {"status": 200, "body": f"{OWNED} see {LINK} for more"}),
    ],
    ids=["failed", "refused", "JSON instead of a clip", "text instead of a clip"],
)
def test_a_vendors_words(bench: Bench, step: str, deed: dict[str, Any]) -> None:
    """A signed link in them lands nowhere, an escape is obeyed by nobody, and the words themselves are kept."""
    bench.write("  - {id: boat, model: kling-v2-6, duration_s: 5, prompt: a boat}")
    bench.emulator.set_faults({"match": {"step": step}, "do": deed})
    said = told(bench, "run", "status", "report")
    assert b"https://cdn.example/clip.mp4?..." in said
    assert "https://cdn.example/clip.mp4?..." in bench.rows()[0]["message"]
    assert SIGNED.encode() not in said
    assert holders(bench, SIGNED.encode()) == []
    assert b"\x1b" not in said
    assert holders(bench, b"\x1b]0;") == []
    assert bench.rows()[0]["message"].isprintable()


def test_a_signed_link_in_a_spreadsheet(bench: Bench) -> None:
    """A picture's address with its signature is sent to the vendor, and neither sidecar, report nor log shows it."""
    (bench.folder / "rows.csv").write_text(f"sku,picture\nK-1,https://cdn.example/p.png?Signature={SIGNED}\n", "utf-8")
    picture = "prompt: a boat, model: kling-v2-6, duration_s: 5, image: '{{ picture }}'"
    bench.write(f"  - {{id: '{{{{ sku }}}}', rows: rows.csv, {picture}}}")
    bench.manifest.write_text(bench.manifest.read_text("utf-8").replace(", aspect_ratio: 16:9", ""), "utf-8")
    said = told(bench, "run", "status", "report", "plan")
    (row,) = bench.rows()
    assert (row["state"], row["var.picture"]) == ("succeeded", "https://cdn.example/p.png?...")
    assert SIGNED.encode() not in said
    assert {name for name in holders(bench, SIGNED.encode()) if not name.startswith("state.sqlite3")} == set()
