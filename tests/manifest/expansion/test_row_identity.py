"""Ids of rows: a key, a column called id, or a hash of what the clip is made from; never a position or a guess."""

from __future__ import annotations

import csv
import io
import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid.manifest import load
from batchvid.manifest.expansion.key_columns import suggest_id
from tests.manifest.conftest import Mistakes, Specs, Write

ENTRY = 'defaults: {model: m}\nclips:\n  - rows: t.csv\n    prompt: "{{ name }}"\n'
HASH = re.compile(r"[b-df-hj-np-t]{12}")
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


def ids(specs: Specs, write: Write, table: str, more: str = "", entry: str = ENTRY) -> list[str]:
    write("t.csv", table)
    return list(specs(entry + more))


def test_a_declared_key_names_the_rows(specs: Specs, write: Write) -> None:
    """One column or several, in any spelling; axes and takes are added to it."""
    table = "sku,Sales market,name\n016,de,a\n016,fr,b\n"
    assert ids(specs, write, table, "    key: [SKU, Sales_market]\n") == ["016_de", "016_fr"]
    more = "    key: Sales market\n    takes: 2\n    matrix: {aspect_ratio: [16:9]}\n"
    assert ids(specs, write, table, more) == ["de_16x9_t1", "de_16x9_t2", "fr_16x9_t1", "fr_16x9_t2"]


def test_a_column_called_id_names_the_rows(specs: Specs, write: Write) -> None:
    """Only that one: a column called ID or sku may hold anything."""
    assert ids(specs, write, "id,name\nx1,a\n") == ["x1"]
    for name in ("ID", "sku", "Id"):
        (found,) = ids(specs, write, f"{name},name\nx1,a\n")
        assert HASH.fullmatch(found)


def test_a_hash_is_of_what_the_clip_is_made_from(specs: Specs, write: Write) -> None:
    """Other columns, their order, the spelling of a header, empty cells, takes and tags do not change it."""
    (first,) = ids(specs, write, "name,duration_s\ncup,4\n")
    for same in (
        "duration_s,name\n4,cup\n",
        "price,name,duration_s,note\n5,cup,4,x\n",
        "NAME,Duration_s\ncup,4\n",
        "name,duration_s,seed,tags\ncup,4,,a\n",
    ):
        assert ids(specs, write, same) == [first]
    assert ids(specs, write, "name,duration_s,takes\ncup,4,2\n") == [f"{first}_t1", f"{first}_t2"]
    others = [ids(specs, write, other)[0] for other in ("name,duration_s\ncup,5\n", "name,duration_s\ncan,4\n")]
    assert len({first, *others}) == 3


def test_a_hash_is_never_read_as_a_number(specs: Specs, write: Write) -> None:
    """A spreadsheet rewrites 12e45 and long numbers; letters stay."""
    table = "name\n" + "".join(f"clip {number}\n" for number in range(300))
    found = ids(specs, write, table)
    assert len(set(found)) == 300
    assert all(HASH.fullmatch(one) for one in found)


def test_a_hash_tells_transliterations_apart(specs: Specs, write: Write) -> None:
    """It covers the columns of the id, too; with a key, only the key."""
    entry = ENTRY.replace("  - rows", '  - id: "{{ sku }}-{{ hash }}"\n    rows')
    found = ids(specs, write, "sku,name\n石,x\n十,x\n时,x\n", entry=entry)
    assert len(set(found)) == 3
    assert all(one.startswith("Shi-") for one in found)
    keyed = [ids(specs, write, f"sku,name\n石,{name}\n", "    key: sku\n", entry) for name in "xy"]
    assert keyed[0] == keyed[1]


TEXTS = st.text(st.sampled_from("abcdefgh éü石🪁,;"), min_size=3, max_size=6).filter(
    lambda text: text.strip(" ,;") == text
)
ROWS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6, unique=True)


@same_folder
@given(rows=ROWS, chance=st.randoms(use_true_random=False))
def test_ids_do_not_depend_on_the_order(
    specs: Specs, write: Write, rows: list[tuple[str, str]], chance: random.Random
) -> None:
    """Sorting the rows or the columns, or more rows, renames no clip."""

    def made(order: list[tuple[str, str]], columns: list[int]) -> dict[str, str]:
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow([("name", "mood")[column] for column in columns])
        writer.writerows([row[column] for column in columns] for row in order)
        write("t.csv", file.getvalue())
        found = specs('defaults: {model: m}\nclips:\n  - {rows: t.csv, prompt: "x {{ name }} / {{ mood }}"}\n')
        return {name: spec.request.prompt for name, spec in found.items()}

    before = made(rows, [0, 1])
    assert len(before) == len(rows)
    assert made(chance.sample(rows, len(rows)), [1, 0]) == before
    assert made(rows[:1], [0, 1]).items() <= before.items()


@pytest.mark.parametrize(
    ("table", "more", "problem"),
    [
        ("id,name\n,a\n", "", "clips[0]: id: is empty (t.csv:row 1 (line 2): column id)"),
        ("sku,name\n,a\n", "    key: sku\n", "clips[0]: id: is empty (t.csv:row 1 (line 2): column sku)"),
        ("sku,name\n,a\n", "    key: skuu\n", "clips[0]: key: t.csv has no column skuu; its columns are: sku, name"),
        ("name\na\na\n", "", "makes the id"),
    ],
)
def test_rows_without_a_name(mistakes: Mistakes, write: Write, table: str, more: str, problem: str) -> None:
    """A key that a row lacks, or that the table lacks, is a problem with its column."""
    write("t.csv", table)
    (found,) = mistakes(ENTRY + more)
    assert problem in found


def test_an_id_is_needed_without_rows(mistakes: Mistakes) -> None:
    """All entries without one are named at once, beside other problems."""
    assert mistakes("clips:\n  - {prompt: p, model: m}\n  - {prompt: p, model: m, images: '*.png', takes: 0}\n") == [
        "m.yaml:2: clips[0]: id: is missing; give every entry its own id, such as id: kite",
        "m.yaml:3: clips[1]: takes: must be at least 1",
        "m.yaml:3: clips[1]: id: is missing; give every entry its own id, such as id: kite",
    ]
    assert mistakes("clips: [{id: k, prompt: p, model: m, key: sku}]") == [
        "m.yaml:1: k: key: names columns of rows, and the entry has none; remove it"
    ]


def test_a_row_number_in_an_id_is_a_warning(write: Write) -> None:
    """It works, and the plan says what sorting the sheet does. A column of that name is no number."""
    write("t.csv", "name\na cup\na can\n")
    entry = ENTRY.replace("  - rows", '  - id: "shot-{{ row_number }}"\n    rows')
    manifest = load(write("m.yaml", entry))
    assert [job.spec.id for job in manifest.jobs] == ["shot-1", "shot-2"]
    (warning,) = manifest.warnings
    assert "id: {{ row_number }} changes when rows are sorted or inserted" in warning
    write("t.csv", "name,row_number\na cup,x\n")
    manifest = load(write("m.yaml", entry))
    assert ([job.spec.id for job in manifest.jobs], manifest.warnings) == (["shot-x"], ())


def test_an_id_that_is_the_same_in_every_row(mistakes: Mistakes, write: Write) -> None:
    """The message has a column that looks like a key, never one of the prompt, or the hash."""
    entry = ENTRY.replace("  - rows", "  - id: kite\n    rows")
    write("t.csv", "name,mood,Art. Nr\ncup,calm,7\ncan,calm,8\n")
    (found,) = mistakes(entry)
    assert found.endswith('use a column that names it, such as id: "{{ Art_Nr }}"')
    write("t.csv", "name,mood\ncup,calm\ncan,calm\n")
    (found,) = mistakes(entry)
    assert found.endswith('write id: "kite-{{ hash }}"; the hash is made from the cells of the row')


@pytest.mark.parametrize(
    ("columns", "rows", "written", "hint"),
    [
        (("title", "sku"), ["cup 1", "can 2"], "k", "{{ sku }}"),
        (("code", "slug"), ["a x", "a y"], "k", "{{ slug }}"),
        (("title", "text"), ["a b", "c d"], "{{ gone }}", 'write id: "{{ hash }}"'),
        (("word", "n"), ["cup a", "can a"], "k", '"k-{{ hash }}"'),
    ],
)
def test_the_suggested_column(columns: tuple[str, str], rows: list[str], written: str, hint: str) -> None:
    """Short words that are never the same; a name such as sku before others; a column of the prompt only with one."""
    cells = [dict(zip(columns, row.split(), strict=True)) for row in rows]
    texts = {"title", "text", "word"}
    assert hint in suggest_id(columns, cells, texts, written)
