"""Which value a field gets: axis, entry, column of that name, defaults; an empty value passes to the next."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid import commands
from batchvid.catalog import providers
from batchvid.cli.main import group
from batchvid.domain.clip_request import fingerprint
from batchvid.domain.jobs import JobState
from batchvid.errors import ManifestError
from batchvid.manifest import Manifest, load
from batchvid.planning.plan import make_plan
from batchvid.planning.plan_types import PlanAction
from tests.builders import job_in
from tests.manifest.conftest import Mistakes, Specs, Write
from tests.manifest.expansion.test_image_files import picture

FIELDS: dict[str, list[tuple[str, Any]]] = {
    "duration_s": [("4", 4.0), ("6", 6.0), ("8", 8.0)],
    "aspect_ratio": [("16:9", "16:9"), ("9:16", "9:16"), ("1:1", "1:1")],
    "negative_prompt": [("blur", "blur"), ("text", "text"), ("hands", "hands")],
    "seed": [("1", 1), ("2", 2), ("0", 0)],
    "mode": [("pro", "pro"), ("std", "std"), ("fast", "fast")],
    "sound": [("yes", True), ("no", False), ("true", True)],
    "image": [(f"https://c.example/{name}.png", f"https://c.example/{name}.png") for name in "abc"],
    "model": [("m1", "m1"), ("m2", "m2"), ("m3", "m3")],
}
NO_VALUE = {"duration_s": None, "seed": None, "sound": None}
HEADERS = {"duration_s": "Duration_s", "aspect_ratio": "Aspect ratio", "mode": "mode", "sound": "sound"}
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)


def table(*rows: dict[str, str]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def value_of(found: Any, field: str) -> Any:
    if field == "image":
        return found.request.images[0].source if found.request.images else ""
    return getattr(found.request, field)


LEVEL = st.sampled_from([None, "", " ", 0, 1, 2])  # not there, empty, blank, or one of the values


@same_folder
@given(
    field=st.sampled_from(list(FIELDS)), entry=LEVEL, column=LEVEL, default=LEVEL, is_null=st.booleans(), data=st.data()
)
def test_the_first_value_that_is_not_empty_counts(
    write: Write, specs: Specs, field: str, entry: Any, column: Any, default: Any, is_null: bool, data: st.DataObject
) -> None:
    """For every field and every way to leave its levels out; null in the entry leaves out all further ones."""

    def text(level: Any) -> str:
        return FIELDS[field][level][0] if isinstance(level, int) else level

    row = {"sku": "A1", "from_sheet": text(entry) if entry is not None else ""}
    if column is not None:
        row[data.draw(st.sampled_from([field, HEADERS.get(field, field.upper())]))] = text(column)
    write("t.csv", table(row))
    clip: dict[str, str | None] = {"id": "{{ sku }}", "rows": "t.csv", "prompt": "p"}
    if is_null:
        clip[field] = None
    elif entry is not None:
        clip[field] = "{{ from_sheet }}"
    defaults = {} if default is None else {field: text(default)}
    levels = [] if is_null else [entry, column, default]
    wanted = next((FIELDS[field][level][1] for level in levels if isinstance(level, int)), NO_VALUE.get(field, ""))
    if field == "model" and wanted == "":
        return
    if field != "model":
        defaults["model"] = "m"
    found = specs(json.dumps({"defaults": defaults, "clips": [clip]}))
    assert value_of(found["A1"], field) == wanted


ENTRY = 'defaults: {model: m}\nclips:\n  - id: "{{ sku }}"\n    rows: t.csv\n'


def test_an_axis_counts_before_all(write: Write, specs: Specs) -> None:
    """Its empty value is a value: the clip without a negative prompt is one of the two."""
    write("t.csv", "sku,Negative prompt\na,from the sheet\n")
    found = specs(
        "defaults: {model: m, negative_prompt: default}\nclips:\n  - {id: '{{ sku }}', rows: t.csv, prompt: p, "
        "matrix: {negative_prompt: ['', blur]}}\n"
    )
    assert [spec.request.negative_prompt for spec in found.values()] == ["", "blur"]


def test_cells_are_never_templates(write: Write, specs: Specs) -> None:
    """What stands in a sheet is text: a cell cannot read the manifest's variables."""
    write("t.csv", "sku,prompt\na,{{ secret }}\n")
    assert specs("vars: {secret: x}\n" + ENTRY)["a"].request.prompt == "{{ secret }}"


def test_a_column_named_like_a_variable(write: Write, specs: Specs) -> None:
    """An empty cell passes to the variable, also of a header that a template writes in another way."""
    write("t.csv", "sku,season,Sale name\na,,\nb,winter,Big\n")
    found = specs("vars: {season: autumn, Sale_name: Small}\n" + ENTRY + "    prompt: '{{ season }} {{ Sale_name }}'\n")
    assert [spec.request.prompt for spec in found.values()] == ["autumn Small", "winter Big"]
    assert found["a"].variables == {"sku": "a", "season": "", "Sale name": ""}


def test_everything_per_row(write: Write, specs: Specs) -> None:
    """Takes, tags and several pictures come from cells, as columns or through templates."""
    for name in ("a.png", "b.png", "c.png"):
        write(name, picture())
    write(
        "t.csv",
        table(
            {"sku": "A", "n": "2", "labels": "hero, summer", "shots": "a.png; b.png", "Tags": "", "takes": ""},
            {"sku": "B", "n": "", "labels": "", "shots": "", "Tags": "sale|new", "takes": "3"},
            {"sku": "C", "n": "", "labels": "", "shots": "c.png", "Tags": "", "takes": ""},
        ),
    )
    more = "    prompt: a kite\n    takes: '{{ n }}'\n    tags: '{{ labels }}'\n    reference_images: '{{ shots }}'\n"
    found = specs(ENTRY.replace("model: m", "model: m, tags: 'basic; all'") + more)
    assert {name: (spec.tags, len(spec.request.images)) for name, spec in found.items()} == {
        "A_t1": (("hero", "summer"), 2),
        "A_t2": (("hero", "summer"), 2),
        "B_t1": (("sale", "new"), 0),
        "B_t2": (("sale", "new"), 0),
        "B_t3": (("sale", "new"), 0),
        "C": (("basic", "all"), 1),
    }


def test_reference_images_and_tags_may_be_one_text(write: Write, specs: Specs) -> None:
    """A text is accepted where a list is; the items of a list that are no templates are not split."""
    write("a.png", picture())
    write("b.png", picture())
    spec = specs("clips: [{id: k, model: m, prompt: p, tags: 'x, y', reference_images: 'a.png, b.png'}]")["k"]
    assert (spec.tags, [Path(ref.source).name for ref in spec.request.images]) == (("x", "y"), ["a.png", "b.png"])
    assert specs("clips: [{id: k, model: m, prompt: p, tags: ['x, y']}]")["k"].tags == ("x, y",)


@pytest.mark.parametrize(
    ("header", "cells", "more", "problem"),
    [
        ("sku,model", "a,", "prompt: a kite\n    model: '{{ model }}'", "model: is empty once it is filled in"),
        ("sku,model", "a,", "prompt: p", "model: is empty once it is filled in"),
        ("sku,Prompt", "a,", "seed: 1", "prompt: is empty once it is filled in"),
        ("sku,image", "a,", "negative_prompt: p", "image: is empty once it is filled in"),
        ("sku,duration_s", "a,soon", "prompt: p", "duration_s: must be a number of seconds such as 8, not 'soon'"),
        ("sku,takes", "a,200", "prompt: p", "takes: must be at most 100, not '200'"),
        ("sku,takes", "a,1.5", "prompt: p", "takes: must be a whole number such as 2, not '1.5'"),
        ("sku,image", "a,gone.png", "prompt: p", "image: there is no file gone.png"),
        ("sku,Model,MODEL", "a,x,y", "prompt: p", 't.csv:line 1: model may be "Model" or "MODEL"'),
    ],
)
def test_what_a_cell_cannot_be(
    write: Write, mistakes: Mistakes, header: str, cells: str, more: str, problem: str
) -> None:
    """The message names the field, the row and the column."""
    write("t.csv", f"{header}\n{cells}\n")
    text = ENTRY.replace("{model: m}", "{}" if "sku,model" in header else "{model: m}")
    (found,) = mistakes(f"{text}    {more}\n")
    assert problem in found
    if "MODEL" not in header:
        assert "t.csv:row 1 (line 2)" in found
        assert header.split(",")[1] in found


def loaded(write: Write, text: str) -> Manifest:
    return load(write("m.yaml", text))


def test_plan_names_the_columns_that_set_fields(write: Write) -> None:
    """Once per entry, with both ways to prevent it; a column that no row uses is not named."""
    write("t.csv", "sku,Model,duration_s,mode,seed\na,x,4,,7\nb,,5,,\n")
    manifest = loaded(write, ENTRY + "    prompt: a kite\n    seed: 9\n")
    (note,) = manifest.notes
    assert note == (
        "m.yaml:3: {{ sku }}: columns of t.csv set fields of the clips: Model (model), duration_s; to prevent it, set "
        "the field in the entry (null for none), or rename the column: "
        "rows: {file: t.csv, columns: {sheet_model: Model}}"
    )
    assert [(job.spec.request.model, job.spec.request.seed) for job in manifest.jobs] == [("x", 9), ("m", 9)]
    assert loaded(write, ENTRY + "    prompt: a kite\n    model: m\n    duration_s: 4\n    seed: 9\n").notes == ()
    closed = loaded(write, ENTRY + "    prompt: a kite\n    model: m\n    duration_s: null\n    seed: null\n")
    assert closed.notes == ()
    assert [job.spec.request.duration_s for job in closed.jobs] == [None, None]


def test_rows_in_the_manifest_are_renamed_there(write: Write) -> None:
    """There is no file whose columns could be renamed."""
    text = "defaults: {model: m}\nclips: [{id: '{{ sku }}', prompt: a kite, rows: [{sku: a, seed: 7}]}]\n"
    (note,) = loaded(write, text).notes
    assert note.endswith(
        "seed; to prevent it, set the field in the entry (null for none), or give it another name in the rows"
    )


def test_plan_names_clips_without_the_picture_of_their_entry(write: Write) -> None:
    """An empty picture cell makes the clip from its prompt alone, and the note names the row."""
    write("t.csv", "sku,shot\na,https://c.example/a.png\nb,\n")
    (note,) = loaded(write, ENTRY + "    prompt: a kite\n    image: '{{ shot }}'\n").notes
    assert note == "m.yaml:6: {{ sku }}: image: is empty; the clip is made without it (t.csv:row 2 (line 3))"


@pytest.mark.parametrize(
    ("column", "cell", "more", "field"),
    [
        ("seconds", "5", "", "duration_s"),
        ("Duration", "5", "", "duration_s"),
        ("ratio", "9:16", "", "aspect_ratio"),
        ("size", "720p", "", "resolution"),
        ("size", "XL", "", ""),
        ("length", "120 cm", "", ""),
        ("picture", "a.png", "", "image"),
        ("picture", "framed", "", ""),
        ("photos", "a.png, b.png", "", "reference_images"),
        ("n", "2", "", "takes"),
        ("n", "250", "", ""),
        ("seconds", "5", "duration_s: 4", ""),
        ("seconds", "5", "duration_s: '{{ row.seconds }}'", ""),
        ("seconds", "5", "negative_prompt: '{{ seconds }}'", ""),
        ("seconds", "5", "where: seconds|int > 3", ""),
        ("seconds", "", "", ""),
        ("price", "5", "", ""),
    ],
)
def test_columns_with_other_names_of_fields(write: Write, column: str, cell: str, more: str, field: str) -> None:
    """One that nothing reads is a warning with the line to write, if its cells can be values of the field."""
    write("t.csv", table({"sku": "a", column: cell}))
    warnings = loaded(write, f"{ENTRY}    prompt: a kite\n    {more}\n").warnings
    line = f'column {column} of t.csv is not used; name it {field}, or write {field}: "{{{{ {column} }}}}"'
    assert warnings == ((f"m.yaml:3: {{{{ sku }}}}: {line}",) if field else ())


def test_an_optional_column(write: Write) -> None:
    """A column that the sheet lacks is empty; a near miss of one that it has is a warning."""
    write("t.csv", "sku,material\na,tin\n")
    text = '    prompt: \'a {{ row.colour|default("red") }} {{ colour|default("big") }} cup{{ row.note }}\'\n'
    manifest = loaded(write, ENTRY + text)
    assert (manifest.jobs[0].spec.request.prompt, manifest.warnings) == ("a red big cup", ())
    (warning,) = loaded(write, ENTRY + "    prompt: 'a {{ row.materiel }} cup'\n").warnings
    assert warning.endswith("row.materiel: t.csv has no such column, so it is empty; did you mean material?")


def test_a_stored_clip_that_these_rules_change_is_kept(write: Write) -> None:
    """Where an empty cell bought the model's own length, the clip is shown as changed and nothing is bought."""
    write("t.csv", "sku,seconds\na,\n")
    text = ENTRY.replace("model: m", "model: veo3-fast, duration_s: 4, provider: cometapi")
    manifest = loaded(write, text + "    prompt: a kite\n    duration_s: '{{ seconds }}'\n")
    spec = manifest.jobs[0].spec
    before = spec.with_request(duration_s=None)
    before = replace(before, fingerprint=fingerprint(before.request))
    job = replace(job_in(JobState.SUCCEEDED, "a"), spec=before)
    plan = make_plan(manifest, {"a": job}, providers({}))
    assert spec.request.duration_s == 4
    assert [(job.action, job.price) for job in plan.jobs] == [(PlanAction.CHANGED, job.price)]
    assert plan.to_buy == ()


def test_notes_are_shown_with_the_plan_and_with_its_problems(write: Write) -> None:
    """A model that nobody sells may be the model of a phone in the sheet: the note has the way out."""
    write("t.csv", "sku,Model,duration_s\na,,4\n")
    path = write("m.yaml", ENTRY.replace("model: m", "model: veo3-fast, provider: emulator") + "    prompt: a kite\n")
    note = "columns of t.csv set fields of the clips: "
    for command in ("plan", "validate"):
        result = CliRunner().invoke(group, [command, str(path)])
        assert (result.exit_code, f"note: m.yaml:3: {{{{ sku }}}}: {note}duration_s; " in result.output) == (0, True)
    write("t.csv", "sku,Model,duration_s\na,iPhone 12,4\n")
    with pytest.raises(ManifestError) as raised:
        commands.plan(commands.load(path))
    (problem,) = raised.value.problems
    assert "unknown model 'iPhone 12'" in problem
    assert "column Model" in problem
    assert note + "Model (model), duration_s; " in raised.value.notes[0]


def test_common_words_set_a_field_only_by_its_exact_name(write: Write, mistakes: Mistakes) -> None:
    """A shop's `Fit` and `Parent` mean something else; a wrong value of a column tells how to prevent it."""
    write("t.csv", "sku,Fit,Parent,mode\na,Slim,A0,pro\n")
    request = loaded(write, ENTRY + "    prompt: a kite\n").jobs[0].spec.request
    assert (request.fit, request.mode) == ("", "pro")
    write("t.csv", "sku,fit\na,Slim\n")
    (problem,) = mistakes(ENTRY + "    prompt: a kite\n")
    assert "not 'Slim'; the column sets the field; fit: null in the entry prevents it (t.csv:row 1 (line 2)" in problem
    assert loaded(write, ENTRY + "    prompt: a kite\n    fit: null\n").jobs[0].spec.request.fit == ""


def test_columns_in_a_path_add_no_folder(write: Write, specs: Specs) -> None:
    """Also under another spelling, and beside a column that the sheet lacks."""
    write("t.csv", "sku,Shop name\na,x/../y\n")
    output = "output: {clips: '{{ shop_name }}/{{ row.mood }}{{ mood|default(\"x/y\") }}/{{ id }}.mp4'}\n"
    (spec,) = specs(output.replace('"x/y"', '"z"') + ENTRY + "    prompt: a kite\n").values()
    assert spec.key == "x-..-y/z/a.mp4"
