"""A manifest as a whole: the example of the README, picking jobs, places, size, and fingerprints for ever."""

from __future__ import annotations

import gc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid.errors import ManifestError
from batchvid.manifest import Place, load

from .conftest import Mistakes, Specs, Write

CAMPAIGN = """\
batch: spring-kites
budget: {usd: 40}
providers:
  cometapi: {concurrency: 8, submits_per_min: 60}
defaults: {model: veo3-fast, duration_s: 8, aspect_ratio: "16:9"}
clips:
  - id: kite
    prompt: A paper kite drifting above a {{ field }} field
    matrix: {field: [wheat, poppy], aspect_ratio: [16:9, 9:16]}
    takes: 2
    tags: [spring]
  - id: "{{ sku }}"
    rows: products.csv
    prompt: "{{ name }} on a marble table, {{ mood }}"
    image: https://cdn.example.com/{{ sku }}.png
    model: kling-v2-6
    options: {mode: pro, camera_control: {type: down_back}}
    seed: 7
    sound: no
"""
SPICE = [b"{{ ", b" }}", b"{% if %}", b"- ", b": ", b"[", b"*x", b"&x ", b"<<: ", b"\n", b"null", b"!!str ", b"'"]
PRODUCTS = "sku;name;mood\n016;Kanne;warm\nB-2;Tasse;kühl\n"

GOLDEN = {
    "kite_wheat_16x9_t1": "f1:f08ab190636774c7b8deb12b964f0993",
    "kite_wheat_16x9_t2": "f1:f08ab190636774c7b8deb12b964f0993",
    "kite_wheat_9x16_t1": "f1:7f5901f1fa5b0e31daf1025ed2d2a05d",
    "kite_wheat_9x16_t2": "f1:7f5901f1fa5b0e31daf1025ed2d2a05d",
    "kite_poppy_16x9_t1": "f1:26c99f11dca0992eda5d842100082072",
    "kite_poppy_16x9_t2": "f1:26c99f11dca0992eda5d842100082072",
    "kite_poppy_9x16_t1": "f1:e26c567ed28309e067a7d272ff0cacb7",
    "kite_poppy_9x16_t2": "f1:e26c567ed28309e067a7d272ff0cacb7",
    "016": "f1:98b769049f0d1fa3ff14c44efc10b3bb",
    "B-2": "f1:24f14982004982fae4489de636f33001",
}


@pytest.fixture
def campaign(write: Write) -> Path:
    write("products.csv", PRODUCTS)
    return write("campaigns/../spring.yaml", CAMPAIGN)


def test_a_campaign(campaign: Path, tmp_path: Path) -> None:
    """Everything of the example lands in its place."""
    manifest = load(campaign, provider_of={"veo3-fast": "cometapi", "kling-v2-6": "kling"}.__getitem__)
    assert (manifest.path, manifest.batch, manifest.only) == (campaign, "spring-kites", False)
    assert len(manifest.jobs) == 10
    assert manifest.all_ids == {job.spec.id for job in manifest.jobs}
    assert manifest.jobs[0].place == Place(str(campaign), 7, "kite")
    cup = manifest.jobs[-1]
    assert cup.place == Place(str(campaign), 12, "{{ sku }}")
    assert (cup.spec.id, cup.spec.request.prompt, cup.spec.provider) == (
        "B-2",
        "Tasse on a marble table, kühl",
        "kling",
    )
    assert (cup.spec.request.duration_s, cup.spec.request.sound, cup.spec.request.seed) == (8.0, False, 7)
    assert cup.spec.request.images[0].is_url
    assert cup.place.problem("is too long") == f"{campaign}:12: {{{{ sku }}}}: is too long"


def test_fingerprints_never_move(campaign: Path) -> None:
    """These values stand in users' state files: a change here would buy every clip again."""
    assert {job.spec.id: job.spec.fingerprint for job in load(campaign).jobs} == GOLDEN


def test_ids_never_move(campaign: Path) -> None:
    """Ids and keys of the example, as they are joined back to spreadsheets."""
    manifest = load(campaign)
    assert [job.spec.key for job in manifest.jobs[::3]] == [
        "kite/kite_wheat_16x9_t1.mp4",
        "kite/kite_wheat_9x16_t2.mp4",
        "kite/kite_poppy_9x16_t1.mp4",
        "B-2/B-2.mp4",
    ]


def test_the_batch_is_the_file_s_name_when_nothing_is_said(write: Write, tmp_path: Path) -> None:
    """The output folder's name comes from the file; the folder is absolute, the path as given."""
    path = write("jobs/Frühling 2026.yaml", "clips: [{id: k, model: m, prompt: p}]")
    manifest = load(str(path))
    assert (manifest.batch, manifest.folder, manifest.path) == ("Fruhling-2026", tmp_path / "jobs", path)


@pytest.mark.parametrize(
    ("only", "count"),
    [(["KITE_*"], 8), (["*_t2"], 4), (["b-2", "016"], 2), (["tag:spring"], 8), (["tag:spring", "b-?"], 9), ([], 10)],
)
def test_only_picks_jobs(campaign: Path, only: list[str], count: int) -> None:
    """Patterns on ids and tags add up; the ids of all jobs stay known."""
    manifest = load(campaign, only=only)
    assert (len(manifest.jobs), len(manifest.all_ids), manifest.only) == (count, 10, bool(only))


def test_only_that_picks_nothing_is_told(campaign: Path, mistakes: Mistakes) -> None:
    """Each pattern without a hit is told, with ids or tags to choose from."""
    found = mistakes(CAMPAIGN, only=["kites", "tag:summer", "kite*"])
    assert found == [
        "--only kites: picks nothing; the ids are: kite_wheat_16x9_t1, kite_wheat_16x9_t2, kite_wheat_9x16_t1, "
        "kite_wheat_9x16_t2, kite_poppy_16x9_t1 and 5 more",
        "--only tag:summer: picks nothing; the tags are: spring",
    ]
    assert mistakes("clips: [{id: k, model: m, prompt: p}]", only=["tag:x"]) == [
        "--only tag:x: picks nothing; the tags are: none"
    ]


def test_the_collector_runs_again_after_a_load(campaign: Path) -> None:
    """The garbage collector is left as it was found, on or off."""
    load(campaign)
    assert gc.isenabled()
    gc.disable()
    try:
        load(campaign)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_many_rows_share_what_they_can(write: Write) -> None:
    """Jobs of one entry share model, options and take; a job keeps no copy of the entry."""
    write("t.csv", "sku\n" + "".join(f"s{i}\n" for i in range(3000)))
    text = "clips: [{id: '{{ sku }}', rows: t.csv, model: m, prompt: 'a {{ sku }}', options: {a: {b: 1}}, takes: 2}]"
    jobs = load(write("m.yaml", text)).jobs
    assert len(jobs) == 6000
    assert len({id(job.spec.request.options) for job in jobs}) == 1
    assert len({id(job.spec.variables) for job in jobs}) == 3000


def test_a_million_is_the_end(write: Write, mistakes: Mistakes) -> None:
    """Rows times takes are counted before anything is expanded, for the manifest as a whole."""
    write("t.csv", "sku\n" + "".join(f"s{i}\n" for i in range(11_000)))
    rows = "{id: '{{ sku }}{{ take }}', rows: t.csv, model: m, prompt: p, takes: 100}"
    assert mistakes(f"clips: [{rows}, {{id: a, model: m, prompt: p}}]") == [
        "m.yaml:1: {{ sku }}{{ take }}: the manifest makes 1,100,001 clips, most of them here "
        "(11,000 rows or images x 100 takes); more than 1,000,000 need --many"
    ]


@pytest.mark.parametrize("options", ["{api_key: sk-1}", "{headers: [{Authorization: x}]}", "{hook: {clientSecret: x}}"])
def test_a_key_in_options_is_refused(mistakes: Mistakes, options: str) -> None:
    """It would be stored with the job; the message does not show it."""
    (problem,) = mistakes(f"clips: [{{id: k, model: m, prompt: p, options: {options}}}]")
    assert "a key or password is not allowed here" in problem
    assert "sk-1" not in problem


def test_a_condition_counts(write: Write, specs: Specs) -> None:
    """Rows that a condition leaves out are not counted against the limit."""
    write("t.csv", "sku\n" + "".join(f"s{i}\n" for i in range(11_000)))
    row = "rows: t.csv, where: sku == 's7'"
    assert len(specs(f"clips: [{{id: '{{{{ sku }}}}', {row}, model: m, prompt: p, takes: 100}}]")) == 100


def test_an_astronomic_matrix_is_counted_at_once(mistakes: Mistakes) -> None:
    """A hundred billion cells are not built to be counted."""
    axes = ", ".join(f"a{axis}: {list(range(100))}" for axis in range(5))
    (problem,) = mistakes(f"clips: [{{id: k, model: m, prompt: p, matrix: {{{axes}}}, takes: 10}}]")
    assert "makes 100,000,000,000 clips" in problem
    assert "--many" in problem


def test_problems_hold_no_traceback_words(specs: Specs, mistakes: Mistakes) -> None:
    """An entry that is no mapping at all is told like any other mistake."""
    assert mistakes("clips: [5, {id: k, model: m, prompt: p}]") == [
        "m.yaml:1: clips[0]: must be a mapping of keys to values; "
        "write it with keys, such as - id: kite, and below it prompt: ..."
    ]
    assert mistakes("clips: 5") == [
        "m.yaml:1: clips: must be a list; write each clip as an item of its own: - id: kite"
    ]
    assert list(specs("clips: [{id: k, model: m, prompt: p}]")) == ["k"]


MORE_MISTAKES = """\
defaults:
  aspect_ratio: wide
  model: m
clips:
  - id: a
    promt: p
    image: gone.png
  - id: b
    prompt: "{{ gone }}"
    "odd\\nkey": 1
  - id: c
    image: missing.png
    fallback: {on: [never]}
"""


def test_mistakes_do_not_hide_each_other(mistakes: Mistakes) -> None:
    """An unknown key or a wrong default does not keep the rest of an entry from being looked at."""
    starts = [
        "m.yaml:2: defaults: aspect_ratio: must be width:height",
        "m.yaml:6: a: promt: unknown key; did you mean prompt?",
        "m.yaml:7: a: image: there is no file gone.png",
        "m.yaml:9: b: prompt: nothing is called gone",
        "m.yaml:10: b: odd?key: unknown key; ",
        "m.yaml:12: c: image: there is no file missing.png",
        "m.yaml:13: c: fallback.models: is missing; ",
        "m.yaml:13: c: fallback.on: must be outage, ",
    ]
    found = mistakes(MORE_MISTAKES)
    assert len(found) == len(starts)
    assert all(problem.startswith(start) for problem, start in zip(found, starts, strict=True))


def test_follow_up_mistakes_are_not_told(mistakes: Mistakes) -> None:
    """What is wrong only because of something else that is wrong is not told until that is mended."""
    clip = "clips: [{id: k, prompt: '{{ x }}'}]\n"
    assert len(mistakes("defaults: {model: [m]}\n" + clip)) == 1
    assert len(mistakes("defaults: {model: m}\nvars: {x: '{{ y }}'}\n" + clip)) == 1
    assert len(mistakes("defaults: 5\n" + clip)) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.integers(0, len(CAMPAIGN)), st.integers(0, 12), st.binary(max_size=6) | st.sampled_from(SPICE))
def test_a_mangled_manifest_never_crashes(write: Write, where: int, cut: int, put: bytes) -> None:
    """Whatever is cut out of or typed into a manifest, it loads or its problems are told."""
    text = CAMPAIGN.encode()
    write("products.csv", PRODUCTS)
    with suppress(ManifestError):
        load(write("m.yaml", text[:where] + put + text[where + cut :]))


@pytest.mark.parametrize(
    "line",
    [
        'include: ["a\\0b"]',
        f"include: [{'x' * 5000}]",
        'include: "."',
        "clips: [{id: k, model: m, prompt: p, rows: '{{ x }}'}]",
        "clips: [{id: k, model: m, prompt: p, images: '{{ x }}/*'}]",
        "clips: [{id: k, model: m, prompt: p, images: /}]",
        "clips: [{id: k, model: m, prompt: p, images: .}]",
        f"clips: [{{id: k, model: m, image: {'x' * 5000}}}]",
        "clips: [{id: k, model: m, image: '{{ x }}'}]",
        'clips: [{id: "{{ x }}", model: m, prompt: p}]',
        "providers: []",
        "vars: []",
        "matrix: 5",
    ],
)
def test_odd_names_are_told(mistakes: Mistakes, line: str) -> None:
    """Names that no file can have are problems, each on one line."""
    found = mistakes(f'vars: {{x: "a\\0b"}}\n{line}\n' if "vars" not in line else line)
    assert found
    assert all(problem.isprintable() for problem in found)
