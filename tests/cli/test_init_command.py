"""`init`: a manifest that fits the sheet, and what belongs beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from batchvid.cli.main import group
from batchvid.commands.first_manifest import Sheet, find_roles


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*args: str) -> Result:
    return CliRunner().invoke(group, args)


def test_a_sheet_gets_a_manifest_that_plans() -> None:
    """Key, prompt and picture are found; headers with spaces are written as a template can read them."""
    Path("p.csv").write_text("SKU,Product name,Photo\nA1,Kite,a.jpg\nA2,Boat,b.jpg\n")
    for name in "ab":
        Image.new("RGB", (1280, 720)).save(f"{name}.jpg")
    result = run("init", "s", "--csv", "p.csv", "--provider", "cometapi", "--model", "kling-v2-6")
    assert (result.exit_code, result.output) == (0, "s.yaml is written. Next: batchvid plan s.yaml\n")
    text = Path("s.yaml").read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=batchvid.schema.json\n")
    for line in ("id: '{{ SKU }}'", "'{{ Product_name }} on a marble table", "image: '{{ Photo }}'", "duration_s: 5"):
        assert line in text
    planned = run("plan", "s.yaml")
    assert planned.exit_code == 0
    assert "to buy: 2 clips" in planned.output
    assert "becomes" not in planned.output


def test_pictures_in_a_folder_are_found_and_converted() -> None:
    """The sheet has bare names, the pictures are in a folder and of another shape, one of them TIFF."""
    Path("p.csv").write_text("SKU,Name,Photo\nA1,Kite,a.jpg\nA2,Boat,b.tiff\n")
    Path("my photos").mkdir()
    for name in ("a.jpg", "b.tiff"):
        Image.new("RGB", (800, 600)).save(Path("my photos", name))
    assert run("init", "s", "--csv", "p.csv", "--model", "kling-v2-6").exit_code == 0
    assert "image: 'my photos/{{ Photo }}'\n    fit: cover" in Path("s.yaml").read_text("utf-8")
    planned = run("plan", "s.yaml")
    assert planned.exit_code == 0
    assert "to buy: 2 clips" in planned.output


def test_a_folder_that_is_missing_is_named() -> None:
    """The message has the command that creates it."""
    result = run("init", "new folder/s.yaml")
    assert result.exit_code == 2
    assert "mkdir -p 'new folder'" in result.output


def test_a_table_in_place_of_a_manifest_gets_the_command() -> None:
    """`plan products.csv` is what newcomers try first."""
    Path("p.csv").write_text("SKU,Name\nA1,Kite\n")
    result = run("plan", "p.csv")
    assert "batchvid init clips.yaml --csv p.csv" in str(result.exception)


def test_what_belongs_beside_a_manifest_is_written_once() -> None:
    """An example of .env with the keys in use, and the schema that the first line names; both stay if they exist."""
    assert run("init").exit_code == 0
    assert "COMETAPI_KEY=\n" in Path(".env.example").read_text()
    assert json.loads(Path("batchvid.schema.json").read_text("utf-8"))["$id"] == "urn:batchvid:manifest"
    Path(".env.example").write_text("mine")
    assert run("init", "other").exit_code == 0
    assert Path(".env.example").read_text() == "mine"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--provider", "cometpi"], "unknown provider 'cometpi'; did you mean cometapi?"),
        (["--model", "veo3fast"], "did you mean veo3-fast"),
        (["--csv", "missing.csv"], "missing.csv"),
        (["--csv", "empty.csv"], "empty.csv"),
    ],
)
def test_nothing_is_written_for_a_mistake(args: list[str], words: str) -> None:
    """Unknown names and unreadable sheets end before the first file."""
    Path("empty.csv").write_text("a,b\n")
    result = run("init", "x", *args)
    assert result.exit_code == 2 or "veo3fast" in args
    assert words in (result.output or str(result.exception))
    assert not Path("x.yaml").exists()


@pytest.mark.parametrize(
    ("rows", "roles"),
    [
        ([{"prompt": "a red kite"}, {"prompt": "a boat"}], ("", "prompt", "")),
        ([{"Price": "9.90", "Name": "Kite"}, {"Price": "4.50", "Name": "Boat"}], ("", "Name", "")),
        ([{"n": "x", "EAN code": "400123"}, {"n": "x", "EAN code": "400124"}], ("EAN code", "n", "")),
        ([{"ref": "", "t": "a b"}, {"ref": "1", "t": "c d"}], ("", "t", "")),
        ([{"Shot type": "macro", "Name": "Tea"}, {"Shot type": "macro", "Name": "Oil"}], ("", "Name", "")),
        ([{"pic": "https://x.example/a.jpg?v=1", "t": "a"}], ("", "t", "pic")),
    ],
)
def test_columns_are_known_by_their_cells(rows: list[dict[str, str]], roles: tuple[str, str, str]) -> None:
    """A text or a price is never the key: it would change, and the clip be bought again."""
    found = find_roles(Sheet(file="p.csv", rows=rows))
    assert (found.key, found.prompt, found.picture) == roles
