"""Jobs that buy the same clip under two ids."""

from __future__ import annotations

from batchvid.manifest import load
from tests.manifest.conftest import Write

ROWS = 'defaults: {model: m}\nclips:\n  - {id: "{{ sku }}", rows: r.csv, prompt: "a {{ name }}"}\n'


def test_equal_rows(write: Write) -> None:
    """One warning for the entry, with ids and rows."""
    write("r.csv", "sku,name\nA1,cup\nA2,pot\nA3,cup\n")
    (found,) = load(write("m.yaml", ROWS)).warnings
    assert found.startswith(
        "m.yaml:3: {{ sku }}: the same request stands under several ids, and each is bought: "
        "A1 in r.csv:row 1 (line 2) = A3 in r.csv:row 3 (line 4); delete what is not wanted twice, or "
    )


def test_many_are_cut(write: Write) -> None:
    """Three groups, and three ids of each."""
    write("r.csv", "sku,name\n" + "".join(f"A{n},cup {n % 5}\n" for n in range(20)))
    (found,) = load(write("m.yaml", ROWS)).warnings
    assert found.count(" and 1 more") == 3
    assert "; and 2 more groups; delete " in found


def test_an_axis_that_no_text_uses(write: Write) -> None:
    """The remedy is to use it."""
    text = "clips: [{id: k, model: m, prompt: a kite, matrix: {color: [red, blue]}}]\n"
    (found,) = load(write("m.yaml", text)).warnings
    assert ": k_red = k_blue; " in found
    assert "use {{ color }} in the prompt" in found


def test_entries_of_two_names(write: Write) -> None:
    """A copied entry; another provider or seed makes another clip."""
    clip = "{model: m, prompt: a kite, id: "
    text = f"clips:\n- {clip}a}}\n- {clip}b}}\n- {clip}c, seed: 1}}\n- {clip}d, provider: p}}\n"
    (found,) = load(write("m.yaml", text)).warnings
    assert found.startswith("m.yaml:3: b: the same request stands under several ids, and each is bought: a = b; ")


def test_takes_are_meant_to_be_equal(write: Write) -> None:
    """That is what takes are."""
    assert load(write("m.yaml", "clips: [{id: k, model: m, prompt: a kite, takes: 3}]\n")).warnings == ()
