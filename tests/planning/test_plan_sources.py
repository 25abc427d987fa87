"""What only the plan finds names the row, the column and the picture; rows with one problem share a line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from batchvid import commands
from batchvid.errors import ManifestError

MANIFEST = """\
defaults: {model: kling-v2-6, duration_s: 5, prompt: x}
clips:
  - id: "{{ sku }}"
    rows: rows.csv
    model: "{{ Model_name }}"
    image: "pics/{{ pic }}"
  - {id: still, images: "pics/*.webp"}
"""
ROWS = """\
sku,Model name,pic
a,kling-v2-6,ok.png
b,kling-v9,ok.png
c,kling-v2-6,tiny.png
d,kling-v9,ok.png
e,kling-v2-6,photo.webp
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pics").mkdir()
    for name, size in (("ok.png", 800), ("tiny.png", 100), ("photo.webp", 800)):
        file = io.BytesIO()
        Image.new("RGB", (size, size)).save(file, Path(name).suffix[1:])
        Path("pics", name).write_bytes(file.getvalue())
    Path("m.yaml").write_text(MANIFEST, "utf-8")
    Path("rows.csv").write_text(ROWS, "utf-8")


def problems() -> list[str]:
    """What the plan finds."""
    with pytest.raises(ManifestError) as raised:
        commands.plan(commands.load("m.yaml"))
    return list(raised.value.problems)


def test_problems_of_models_name_rows_columns_and_pictures() -> None:
    """An unknown model in two rows, a picture that is too small, and one of a kind that the model does not take."""
    found = problems()
    rows = "(rows.csv:row 2 (line 3): column Model name, rows.csv:row 4 (line 5): column Model name)"
    assert found[0].endswith(rows)
    assert found[1].endswith("(rows.csv:row 3 (line 4): column pic: pics/tiny.png)")
    assert found[2].endswith("(rows.csv:row 5 (line 6): column pic: pics/photo.webp)")
    assert found[3].endswith(" (pics/photo.webp)")
    assert "unknown model 'kling-v9'" in found[0]
    assert "at least 300x300 pixels" in found[1]
    assert "not image/webp" in found[2]
    assert found[3].startswith("m.yaml:7: still: ")


def test_the_same_is_named_beside_other_problems() -> None:
    """The problems of the models are not hidden by those of the manifest, and read the same."""
    alone = problems()
    Path("m.yaml").write_text(f"{MANIFEST}  - {{id: z, prompt: '{{{{ nope }}}}'}}\n", "utf-8")
    with pytest.raises(ManifestError) as raised:
        commands.load("m.yaml")
    assert list(raised.value.problems)[: len(alone)] == alone


def test_long_names_of_models_are_shortened() -> None:
    """A prompt in the column of models."""
    Path("rows.csv").write_text(f"sku,Model name,pic\na,{'zebra ' * 500},ok.png\n", "utf-8")
    unknown = problems()[0]
    assert "unknown model 'zebra zebra" in unknown
    assert len(unknown) < 500


@pytest.mark.parametrize(
    "cell", ["zebra " * 800, "z" * 3000, "1" * 5000, f"https://x.example/{'a' * 3000}", "it's " * 700]
)
@pytest.mark.parametrize(
    "field",
    ["id", "image", "reference_images", "model", "provider", "duration_s", "seed", "aspect_ratio", "resolution",
     "sound", "action", "video", "audio", "parent", "takes"],
)  # fmt: skip
def test_no_message_repeats_a_long_cell(field: str, cell: str) -> None:
    """Whatever field reads the cell: either it can be bought, or a line names the row and stays readable."""
    fields = {"id": "{{ sku }}", "model": "veo3-fast", "prompt": "p", field: "{{ text }}"}
    lines = "".join(f'    {name}: "{value}"\n' for name, value in fields.items())
    Path("m.yaml").write_text(f"clips:\n  - rows: rows.csv\n{lines}", "utf-8")
    Path("rows.csv").write_text(f'sku,text\na,"{cell}"\n', "utf-8")
    found: list[str] = []
    try:
        commands.plan(commands.load("m.yaml"))
    except ManifestError as exc:
        found = list(exc.problems)
    assert all(len(problem) < 700 and "row 1 (line 2)" in problem for problem in found)
