"""From clip entries to jobs: counts, ids, fields, keys. Ids come from words, never from positions."""

from __future__ import annotations

import itertools
import json
import math
import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid.domain.clip_request import fingerprint
from batchvid.errors import ManifestError
from tests.builders import clip_request
from tests.manifest.conftest import Mistakes, Specs, Write

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)

KITE = (
    "defaults: {model: m}\nclips:\n  - id: kite\n    prompt: a {{ field }} field\n    matrix: {field: [wheat, poppy]}\n"
)


def one(entry: str) -> str:
    return f"clips: [{{id: k, model: m, prompt: p, {entry}}}]\n"


def test_matrix_times_takes(specs: Specs) -> None:
    """One job for each combination and take, named by the values: variables first, then fields."""
    found = specs(KITE.replace("poppy]", "poppy], aspect_ratio: [16:9, 9:16]") + "    takes: 2\n")
    assert list(found) == [f"kite_{f}_{r}_t{t}" for f in ("wheat", "poppy") for r in ("16x9", "9x16") for t in (1, 2)]
    job = found["kite_poppy_9x16_t2"]
    assert (job.request.prompt, job.request.aspect_ratio, job.take, job.entry) == ("a poppy field", "9:16", 2, "kite")
    assert job.variables == {"field": "poppy", "aspect_ratio": "9:16"}
    assert job.key == "kite/kite_poppy_9x16_t2.mp4"


def test_an_axis_in_the_id_is_not_added_again(specs: Specs) -> None:
    """What the id template uses, the id does not repeat; a take in it as well."""
    text = KITE.replace("id: kite", 'id: "{{ field }}-{{ take }}-kite"') + "    takes: 2\n"
    assert list(specs(text)) == ["wheat-1-kite", "wheat-2-kite", "poppy-1-kite", "poppy-2-kite"]


def test_axes_named_like_fields_set_them(specs: Specs) -> None:
    """Each such axis sets its field with the field's own type, over the defaults."""
    text = (
        "defaults: {model: base, sound: true, seed: 1}\nclips:\n  - id: k\n    prompt: '{{ model }} {{ duration_s }}'\n"
        "    matrix: {model: [a/b, veo3.1], duration_s: [4, '6.5'], sound: [no]}\n"
    )
    found = specs(text, provider_of=lambda model: f"sold-by-{model}")
    assert list(found) == ["k_4_a-b_no", "k_6.5_a-b_no", "k_4_veo3.1_no", "k_6.5_veo3.1_no"]
    job = found["k_6.5_a-b_no"]
    assert (job.request.model, job.request.duration_s, job.request.sound, job.provider) == (
        "a/b",
        6.5,
        False,
        "sold-by-a/b",
    )
    assert job.request.prompt == "a/b 6.5"


def test_the_order_of_axes_in_the_file_does_not_rename_clips(specs: Specs) -> None:
    """A formatter that sorts keys must not make every clip a new one: ids do not follow the file's order."""
    axes = {"field": "[wheat, poppy]", "aspect_ratio": "['16:9', '9:16']", "angle": "[low]"}
    named = [
        {
            job_id: spec.fingerprint
            for job_id, spec in specs(
                f"clips: [{{id: k, model: m, prompt: '{{{{ field }}}} {{{{ angle }}}}', matrix: "
                f"{{{', '.join(f'{axis}: {axes[axis]}' for axis in order)}}}}}]\n"
            ).items()
        }
        for order in itertools.permutations(axes)
    ]
    assert all(found == named[0] for found in named)
    assert "k_low_wheat_16x9" in named[0]


def test_an_axis_of_prompts_may_hold_templates(specs: Specs) -> None:
    """A list of prompts is filled in like any other prompt."""
    text = "vars: {x: hill}\nclips: [{id: k, model: m, matrix: {prompt: ['a {{ x }}', b]}}]\n"
    assert [job.request.prompt for job in specs(text).values()] == ["a hill", "b"]


def test_exclude_leaves_combinations_out(specs: Specs) -> None:
    """A partial assignment removes every combination that it fits; quotes do not matter."""
    text = KITE.replace("poppy]", "poppy], duration_s: [5, 10]") + "    exclude: [{field: wheat, duration_s: '10'}]\n"
    assert list(specs(text)) == ["kite_wheat_5", "kite_poppy_5", "kite_poppy_10"]


def test_takes_of_a_seed_count_up(specs: Specs) -> None:
    """Each take has its own seed, or they would all be the same clip; without a seed there is none."""
    assert [job.request.seed for job in specs(one("seed: 7, takes: 3")).values()] == [7, 8, 9]
    assert [job.request.seed for job in specs(one("takes: 2")).values()] == [None, None]


def test_fields_of_an_entry_go_over_the_defaults(specs: Specs) -> None:
    """Options are laid over key by key, lists are replaced, and null takes a default back."""
    text = (
        "defaults: {model: m, options: {a: 1, b: {c: 1}}, tags: [x], negative_prompt: n, aspect_ratio: '1:1',\n"
        "  provider: p1}\n"
        "clips: [{id: k, prompt: p, options: {b: {d: '{{ take }}'}}, tags: [y, z], negative_prompt: null,\n"
        "  provider: p2}]\n"
    )
    job = specs(text)["k"]
    assert (job.request.options, job.tags, job.request.negative_prompt) == ({"a": 1, "b": {"d": "1"}}, ("y", "z"), "")
    assert (job.request.aspect_ratio, job.provider) == ("1:1", "p2")


def test_options_are_passed_untouched(specs: Specs) -> None:
    """Vendor fields keep their types and shapes; they are plain data that every encoder takes."""
    options = {
        "cfg": 0.5,
        "n": 3,
        "on": True,
        "none": None,
        "list": [1, {"deep": "x"}],
        "price": "$5",
        "json": '{"a": 1}',
    }
    found = specs(f"clips: [{{id: k, model: m, prompt: p, options: {json.dumps(options)}}}]")["k"].request.options
    assert found == options
    assert type(found["list"]) is list


def test_templates_reach_into_options(specs: Specs) -> None:
    """Texts inside lists and mappings are filled in."""
    text = "vars: {x: 5}\n" + one("options: {a: ['{{ x }}', 1], b: {c: 'v{{ x }}'}}")
    assert specs(text)["k"].request.options == {"a": ["5", 1], "b": {"c": "v5"}}


def test_entry_and_vars_are_variables(specs: Specs) -> None:
    """Every text may use the manifest's variables, the entry's name and the take."""
    text = "vars: {tone: calm, list: [a, b]}\n" + one(
        "mode: '{{ entry }}-{{ take }}-{{ tone }}-{{ list|join(\"+\") }}'"
    )
    assert specs(text)["k"].request.mode == "k-1-calm-a+b"


def test_a_variable_may_be_a_mapping(specs: Specs) -> None:
    """Keys of a mapping are reached with a dot, whatever they are called."""
    text = "vars: {shop: {start: Berlin, marks: [a, b]}}\n" + one("mode: '{{ shop.start }} {{ shop.marks[1] }}'")
    assert specs(text)["k"].request.mode == "Berlin b"


def test_prompts_lose_the_space_around_them(specs: Specs) -> None:
    """A block's last newline does not change what is paid for, whether or not it is a template."""
    for prompt in ("a field", "'a field  '", "|\n      a field\n", "'{{ \"a field\" }} '"):
        text = f"clips:\n  - id: k\n    model: m\n    prompt: {prompt}\n"
        assert specs(text)["k"].request.prompt == "a field"


def test_long_ids_are_cut_and_stay_apart(specs: Specs) -> None:
    """Ids are at most 120 bytes, however long the words are, and two long ones stay two."""
    long = "x" * 118
    found = specs(f"clips: [{{id: {long}, model: m, prompt: '{{{{ v }}}}', matrix: {{v: [a, b]}}, takes: 2}}]")
    assert len(found) == 4
    assert all(len(job_id) <= 120 and len(job.key) <= 245 for job_id, job in found.items())


def test_foreign_ids_are_made_safe(specs: Specs) -> None:
    """An id in any script works, as a name that every system takes."""
    assert list(specs("clips: [{id: Été à Paris, model: m, prompt: p}, {id: CON, model: m, prompt: p}]")) == [
        "Ete-a-Paris",
        "CON_",
    ]


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("{{ id }}.mp4", "k_16x9_t2.mp4"),
        ("{{ model }}/{{ aspect_ratio }}/{{ id }}.mp4", "runway-gen4/16x9/k_16x9_t2.mp4"),
        (
            "Summer Sale/{{ tone }}/{{ provider }}_{{ entry }}_{{ duration_s }}s_{{ take }}.mp4",
            "Summer-Sale/a-b/gw_k_5s_2.mp4",
        ),
        ("{{ id }}_{{ resolution|default('any') }}.mp4", "k_16x9_t2_any.mp4"),
        ("aux/{{ id }}.mp4", "aux_/k_16x9_t2.mp4"),
    ],
)
def test_output_templates(specs: Specs, template: str, key: str) -> None:
    """Clips go where the template says; a value never adds a folder of its own."""
    text = (
        f'output: {{clips: "{template}"}}\nvars: {{tone: ../a/b}}\n'
        "clips: [{id: k, model: runway/gen4, provider: gw, prompt: p, duration_s: 5, takes: 2,\n"
        "  matrix: {aspect_ratio: [16:9]}}]\n"
    )
    assert specs(text)["k_16x9_t2"].key == key


def test_a_table_may_name_folders(write: Write, specs: Specs) -> None:
    """`row` works in the output template, and its values are made safe as well."""
    write("t.csv", "sku,Product Line\na,../x y\n")
    text = (
        "output: {clips: \"{{ row['Product Line'] }}/{{ id }}.mp4\"}\n"
        "clips: [{id: '{{ sku }}', rows: t.csv, model: m, prompt: p}]\n"
    )
    assert specs(text)["a"].key == "x-y/a.mp4"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("../{{ id }}.mp4", "'../k.mp4' has a part that is empty, made of dots, or has a space at its end"),
        ("/x/{{ id }}.mp4", "'/x/k.mp4' must be a path with / inside the clips folder, not an absolute one"),
        ("C:/{{ id }}.mp4", "'C:/k.mp4' must be a path with / inside the clips folder, not an absolute one"),
        ("{{ id }}.mov", "'k.mov' must end in .mp4"),
        (
            "{{ gone }}/{{ id }}.mp4",
            "nothing is called gone; there is: aspect_ratio, duration_s, entry, id, model, provider, take",
        ),
        (
            "{{ aspect_ratio }}/{{ id }}.mp4",
            "'/k.mp4' must be a path with / inside the clips folder, not an absolute one",
        ),
    ],
)
def test_output_templates_stay_in_the_tree(mistakes: Mistakes, template: str, problem: str) -> None:
    """A path out of the tree is told on the template's line."""
    text = f'clips: [{{id: k, model: m, prompt: p}}]\noutput:\n  clips: "{template}"\n'
    assert mistakes(text) == [f"m.yaml:3: k: output.clips: {problem}"]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "matrix: {options: [a]}",
            "matrix: options cannot be an axis; use another name and {{ name }} in the field",
        ),
        (
            "matrix: {id: [a]}",
            "matrix: id cannot be an axis; use another name and {{ name }} in the field",
        ),
        (
            "seed: 1, matrix: {seed: [1]}",
            "seed: is both a field of the entry and an axis of its matrix; keep one of them",
        ),
        (
            "matrix: {aspect_ratio: [16:9, wide]}",
            "aspect_ratio: matrix value 'wide' must be width:height such as 16:9 or 9:16, not 'wide'; write 16:9",
        ),
        (
            "matrix: {x: ['{{ y }}']}",
            "x: matrix value '{{ y }}' must be a plain value: only axes named like a field may contain templates",
        ),
        ("matrix: {x: [a]}, exclude: [{y: a}]", "exclude: y is not an axis of the matrix; its axes are: x"),
        ("exclude: [{y: a}]", "exclude: y is not an axis of the matrix; its axes are: none"),
        ("matrix: {x: [a, b]}, exclude: [{x: c}]", "exclude: x is never 'c'; its values are: a, b"),
        ("matrix: {x: [a]}, exclude: [{x: a}]", "exclude: excludes the whole matrix"),
        ("matrix: {x: [a]}, exclude: [{}]", "exclude: excludes the whole matrix"),
        ("where: a > 5", "where: selects rows or images, and the entry has neither"),
        ("rows: gone.csv", "gone.csv cannot be read: No such file or directory; it was looked for at HERE/gone.csv"),
        ("rows: '{{ gone }}'", "rows: nothing is called gone; there is: no variables"),
        ("duration_s: '{{ take }}h'", "duration_s: must be a number of seconds such as 8, not '1h'"),
        (
            "resolution: '{{ \"a\\tb\" }}'",
            "resolution: must stand on one line, without tabs or other invisible characters",
        ),
        ("options: {a: ['{{ gone }}']}", "options: nothing is called gone; there is: entry, take"),
        ("tags: ['{{ gone }}']", "tags: nothing is called gone; there is: entry, take"),
    ],
)
def test_entries_that_cannot_be_expanded(mistakes: Mistakes, entry: str, problem: str) -> None:
    """Each is told in a sentence with the entry's line."""
    (found,) = mistakes(one(entry))
    assert found.replace(str(Path.cwd()), "HERE") == f"m.yaml:1: k: {problem}"


@pytest.mark.parametrize("name", ["{{ x", "{{ gone }}", "{% if false %}x{% endif %}", "{{ entry }}"])
def test_ids_that_cannot_be_made(mistakes: Mistakes, name: str) -> None:
    """An id template that fails or leaves nothing over is a problem of the id."""
    (found,) = mistakes(f'clips: [{{id: "{name}", model: m, prompt: p}}]')
    assert found.startswith(f"m.yaml:1: {name}: id: ")


def test_an_axis_is_told_on_its_own_line(mistakes: Mistakes) -> None:
    """A wrong value of the matrix leads to the line of its axis, a wrong default to the default's."""
    text = (
        "defaults:\n  model: m\n  mode: '{{ gone }}'\nclips:\n  - id: k\n    prompt: p\n    mode: std\n    matrix:\n"
        "      field: [a]\n      duration_s: [soon]\n  - id: l\n    prompt: p\n"
    )
    assert [problem.partition(" matrix value")[0].partition(" nothing")[0] for problem in mistakes(text)] == [
        "m.yaml:3: l: mode:",
        "m.yaml:10: k: duration_s:",
    ]


def test_too_many_clips_are_refused_before_they_are_made(mistakes: Mistakes) -> None:
    """A slip of the pen in a matrix does not fill the memory."""
    axes = ", ".join(f"a{axis}: [{', '.join(str(value) for value in range(40))}]" for axis in range(5))
    assert mistakes(one(f"matrix: {{{axes}}}")) == [
        "m.yaml:1: k: the manifest makes 102,400,000 clips, most of them here (102,400,000 cells of the matrix); "
        "more than 1,000,000 need --many"
    ]


def test_ids_that_differ_in_case_only_collide(mistakes: Mistakes) -> None:
    """Two jobs that one file system would store in one file are told with both places."""
    text = "defaults: {model: m}\nclips:\n  - {id: Kite, prompt: p}\n  - {id: kite, prompt: p}\n"
    assert mistakes(text) == ["m.yaml:4: kite: makes the id kite again, which Kite at m.yaml:3 already makes"]


def test_values_that_read_alike_collide(mistakes: Mistakes) -> None:
    """Two values of an axis with one readable name are told by their values."""
    assert mistakes(one("matrix: {x: [C++, C--, 'C#']}")) == [
        "m.yaml:1: k: makes the id k_C 3 times (x 'C++', 'C--', 'C#'); "
        "give the values of the matrix names that differ in letters or digits",
    ]


def test_output_keys_collide(mistakes: Mistakes) -> None:
    """Two clips in one file are told, and so is a file where another clip needs a folder."""
    text = "output: {clips: '{{ model }}.mp4'}\n" + one("takes: 2")
    assert mistakes(text) == ["m.yaml:2: k: writes to m.mp4 as k at m.yaml:2 does; put {{ id }} into output.clips"]
    text = "output: {clips: '{% if take == 1 %}X.mp4{% else %}x.mp4/{{ id }}.mp4{% endif %}'}\n" + one("takes: 2")
    assert mistakes(text) == ["m.yaml:2: k: needs a folder where k at m.yaml:2 writes the file x.mp4"]


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: "{{" not in text and "{%" not in text
)
AXES = st.dictionaries(
    st.sampled_from(["field", "tone", "colour"]),
    st.lists(
        st.sampled_from(["red", "Blau", "一只猫", "16:9", "a/b", "🪁", "x" * 90, 7, 2.5, True]),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    max_size=3,
)


def manifest_of(axes: dict[str, list[object]], takes: int, exclude: list[dict[str, object]]) -> str:
    entry = {"id": "k", "model": "m", "prompt": "p", "matrix": axes, "takes": takes, "exclude": exclude}
    return json.dumps({"clips": [{"id": "other", "model": "m", "prompt": "q"}, entry]}, ensure_ascii=False)


@same_folder
@given(AXES, st.integers(1, 3), st.randoms(use_true_random=False))
def test_expansion(specs: Specs, axes: dict[str, list[object]], takes: int, chance: random.Random) -> None:
    """Count = combinations but the excluded ones, times takes; ids are apart and safe and know no position."""
    axis = next(iter(axes), None)
    exclude = [{axis: axes[axis][0]}] if axis and len(axes[axis]) > 1 else []
    count = math.prod(len(values) for values in axes.values())
    if axis and exclude:
        count -= count // len(axes[axis])
    found = specs(manifest_of(axes, takes, exclude))
    assert len(found) == count * takes + 1
    assert len({job_id.lower() for job_id in found}) == len(found)
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", job_id) for job_id in found)
    assert specs(manifest_of(axes, takes, exclude)) == found
    shuffled = {axis: chance.sample(values, len(values)) for axis, values in axes.items()}
    assert specs(manifest_of(shuffled, takes, exclude)) == found


@same_folder
@given(st.lists(WORDS, min_size=1, max_size=4, unique_by=str.casefold))
def test_any_words_expand_or_are_told(specs: Specs, words: list[str]) -> None:
    """Whatever the values of an axis, every job has an id of its own, or the collision or odd value is named."""
    text = json.dumps(
        {"clips": [{"id": "k", "model": "m", "prompt": "{{ x }}!", "matrix": {"x": words}}]}, ensure_ascii=False
    )
    try:
        found = specs(text)
    except ManifestError as exc:
        assert "makes the id" in exc.problems[0] or "prompt: " in exc.problems[0]  # noqa: PT017 - both are right
    else:
        assert len(found) == len(words)


def test_order_of_entries_and_rows_does_not_matter(write: Write, specs: Specs) -> None:
    """Ids, keys and fingerprints are the same wherever an entry or a row stands."""
    rows = ["a,red", "b,blue", "c,green"]
    entries = ["{id: k, model: m, prompt: p}", "{id: '{{ sku }}', rows: t.csv, model: m, prompt: '{{ colour }}'}"]
    outcomes = []
    for order, way in itertools.product(itertools.permutations(rows), itertools.permutations(entries)):
        write("t.csv", "\n".join(["sku,colour", *order]))
        found = specs(f"clips: [{', '.join(way)}]")
        outcomes.append({(job.id, job.key, job.fingerprint) for job in found.values()})
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_the_fingerprint_is_of_what_is_said(specs: Specs) -> None:
    """The job's fingerprint is the one of its own fields; tags, names and keys do not enter."""
    job = specs(one("duration_s: 5.0, sound: false, options: {a: 1}, tags: [x], seed: 3, mode: pro"))["k"]
    expected = fingerprint(
        clip_request(model="m", prompt="p", duration_s=5, sound=False, options={"a": 1}, seed=3, mode="pro")
    )
    assert job.fingerprint == expected
    assert (
        specs(one("tags: [y]"))["k"].fingerprint
        == specs("output: {clips: '{{ id }}.mp4'}\n" + one(""))["k"].fingerprint
    )
