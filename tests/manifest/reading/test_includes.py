"""Includes and --set: one document out of several, with every mistake led back to where it was written."""

from __future__ import annotations

from decimal import Decimal

import pytest

from batchvid.manifest import ManifestModel, load
from tests.manifest.conftest import Mistakes, Specs, Write

BASE = "defaults: {model: m, options: {a: 1}}\nclips:\n  - {id: k, prompt: p}\n"


def settings_of(write: Write, text: str, *sets: str) -> ManifestModel:
    return load(write("m.yaml", text), sets=sets).settings


def test_included_files_are_laid_under(write: Write, specs: Specs) -> None:
    """The including file wins key by key; clips come after its own; the batch of an included file is its own affair."""
    write(
        "team/base.yaml",
        "batch: team\nvars: {tone: calm, place: hill}\nretries: 2\nproviders: {gw: {concurrency: 2, timeout_s: 60}}\n"
        "defaults: {model: base, duration_s: 5, options: {x: 1}}\nclips: [{id: b, prompt: '{{ tone }} {{ place }}'}]\n",
    )
    text = (
        "include: team/base.yaml\nvars: {tone: loud}\nproviders: {gw: {concurrency: 9}}\n"
        "defaults: {model: top, options: {y: 2}}\nclips: [{id: a, prompt: p}]\n"
    )
    found = specs(text)
    assert list(found) == ["a", "b"]
    assert found["b"].request.prompt == "loud hill"
    assert (found["a"].request.model, found["a"].request.duration_s, found["a"].request.options) == (
        "top",
        5.0,
        {"y": 2},
    )
    settings = settings_of(write, text)
    assert (settings.providers["gw"].concurrency, settings.providers["gw"].timeout_s) == (9, 60.0)
    assert (settings.retries, settings.batch) == (2, None)


def test_an_include_of_includes(write: Write, specs: Specs) -> None:
    """Paths are relative to the file that says them, and a file that two others share counts once."""
    write("x/one.yaml", "include: [two.yaml, ../y/three.yaml]\nclips: [{id: one, prompt: p}]\n")
    write("x/two.yaml", "include: ../y/three.yaml\ndefaults: {model: m}\n")
    write("y/three.yaml", "clips: [{id: three, prompt: p}]\n")
    assert list(specs("include: [x/one.yaml]\n")) == ["one", "three"]


def test_problems_lead_to_the_included_file(write: Write, mistakes: Mistakes) -> None:
    """A mistake in an included file is told with that file and line."""
    write("sub/i.yaml", "clips:\n  - id: a\n    promt: p\n  - {id: b, model: m, prompt: '{{ x }}'}\n")
    found = mistakes("include: [sub/i.yaml]\nclips: [{id: c, model: m}]\n")
    assert found[0] == "m.yaml:2: c: prompt: is missing; a clip needs a prompt or an image"
    assert found[1].startswith("sub/i.yaml:3: a: promt: unknown key; did you mean prompt")
    assert found[2] == "sub/i.yaml:4: b: prompt: nothing is called x; there is: entry, take"


def test_cycles_and_missing_includes(write: Write, mistakes: Mistakes) -> None:
    """A file that includes itself by a detour is told, and so is one that is not there."""
    write("a.yaml", "include: m.yaml\nclips: [{id: a, model: m, prompt: p}]\n")
    found = mistakes("include:\n  - a.yaml\n  - gone.yaml\nclips: [{id: k, model: m, prompt: p}]\n")
    assert found == [
        "m.yaml:3: include: gone.yaml is not there; it was looked for at gone.yaml",
        "a.yaml:1: include: m.yaml includes itself, by way of m.yaml and a.yaml",
    ]


def test_a_broken_include(write: Write, mistakes: Mistakes) -> None:
    """An included file that cannot be read is told; the rest is still checked."""
    write("a.yaml", "x: [\n")
    found = mistakes("include: a.yaml\nclips: [{id: k, model: m}]\n")
    assert found[1].startswith("a.yaml:1: is not valid YAML")
    assert found[0] == "m.yaml:2: k: prompt: is missing; a clip needs a prompt or an image"


def test_too_many_includes(write: Write, mistakes: Mistakes) -> None:
    """The number of files is bounded."""
    for number in range(201):
        write(f"i/{number}.yaml", "vars: {}\n")
    names = ", ".join(f"i/{number}.yaml" for number in range(201))
    assert mistakes(f"include: [{names}]\nclips: [{{id: k, model: m, prompt: p}}]\n") == [
        "m.yaml:1: include: more than 200 files are included"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "m.yaml:1: is empty; a manifest begins with a key such as clips:"),
        ("[1]", "m.yaml:1: is not a mapping; a manifest begins with a key such as clips:"),
        ("vars: {}", "m.yaml:1: clips: is missing; a manifest needs at least one entry under clips:"),
        ("clips: []", "m.yaml:1: clips: must not be empty"),
        ("include: 5\nclips: []", "m.yaml:1: include: must be a list"),
        ("include: [5]\nclips: [{id: k}]", "m.yaml:1: include: 0: must be a text"),
    ],
)
def test_documents_without_clips(mistakes: Mistakes, text: str, problem: str) -> None:
    """What is no manifest is told in a sentence."""
    assert problem in mistakes(text)


def test_a_missing_manifest(write: Write, mistakes: Mistakes) -> None:
    """A path that leads nowhere is a problem of the manifest."""
    write("x", "")
    with pytest.raises(Exception, match=r"^gone.yaml: cannot be read: No such file or directory$"):
        load("gone.yaml")


def test_set_lays_values_over_the_file(write: Write) -> None:
    """Dotted paths reach every key, values have the types of YAML, and a bare name is a variable."""
    text = BASE.replace("prompt: p", "prompt: '{{ tone }}'") + "providers: {gw: {concurrency: 1}}\n"
    sets = (
        "defaults.duration_s=5",
        "providers.gw.concurrency=2",
        "budget.usd=10.5",
        "tone=a: b",
        "retries=1",
        "batch=x",
    )
    settings = settings_of(write, text, *sets)
    assert (settings.defaults.duration_s, settings.providers["gw"].concurrency, settings.retries) == (5.0, 2, 1)
    assert (settings.budget.usd, settings.vars, settings.batch) == (Decimal("10.5"), {"tone": "a: b"}, "x")
    assert settings.defaults.model == "m"


def test_set_knows_names_with_dots(write: Write) -> None:
    """A model's name holds dots, whether it stands in the file or not; so may an id."""
    text = (
        BASE.replace("id: k", "id: k.1") + "providers: {gw.x: {concurrency: 1, models: {veo3.1: {concurrency: 1}}}}\n"
    )
    sets = ("providers.gw.x.models.veo3.1.concurrency=3", "providers.cometapi.models.veo3.1-fast.concurrency=4")
    settings = settings_of(write, text, *sets)
    assert settings.providers["gw.x"].models["veo3.1"].concurrency == 3
    assert settings.providers["cometapi"].models["veo3.1-fast"].concurrency == 4
    assert settings_of(write, BASE, "clips.k.takes=3").clips[0].takes == 3
    assert settings_of(write, BASE, "clips.k.seed=1").clips[0].seed == 1


def test_set_changes_one_place_of_an_alias(write: Write, specs: Specs) -> None:
    """What two entries share by an alias is changed for the one that was named only."""
    text = "defaults: {model: m}\nclips:\n  - &k {id: k, prompt: p, options: &o {x: 1}}\n"
    text += "  - {id: l, prompt: p, options: *o}\n"
    found = specs(text, sets=["clips.k.options.x=2"])
    assert (found["k"].request.options, found["l"].request.options) == ({"x": 2}, {"x": 1})


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("tone", "--set tone=: must be written key=value, such as budget.usd=10 or defaults.duration_s=5"),
        ("=x", "--set =x: must be written key=value, such as budget.usd=10 or defaults.duration_s=5"),
        ("a..b=x", "--set a..b=x: must be written key=value, such as budget.usd=10 or defaults.duration_s=5"),
        ("tone=caf\udce9", "--set tone=caf?: contains bytes that are not UTF-8"),
        ("budgt.usd=5", "--set budgt.usd=5: there is no budgt to set; did you mean budget? It begins with one of "),
        ("include.x=5", "--set include.x=5: there is no include to set; It begins with one of "),
        ("defaults.model.x=5", "--set defaults.model.x=5: fits nothing: "),
        ("clips.gone.takes=5", "--set clips.gone.takes=5: fits nothing: "),
        ("clips.k=5", "--set clips.k=5: fits nothing: "),
        ("budget.usd=0", "--set budget.usd=0: budget: usd: must be more than 0"),
        ("budget.dollars=5", "--set budget.dollars=5: budget: dollars: unknown key; Allowed: allow_unpriced, clips, "),
        ("defaults.sound=maybe", "--set defaults.sound=maybe: defaults: sound: must be true or false, not 'maybe'"),
        ("clips.k.takes=x", "--set clips.k.takes=x: k: takes: must be a whole number"),
        ("take=3", "--set take=3: vars: take: must be letters, digits and _, for use as {{ name }}, and none of "),
    ],
)
def test_problems_of_set(mistakes: Mistakes, setting: str, problem: str) -> None:
    """A setting that makes no sense is told as it was written."""
    (found,) = mistakes(BASE, sets=[setting])
    assert found.startswith(problem)


def test_set_never_repeats_a_secret(mistakes: Mistakes) -> None:
    """A key given by mistake is not printed back into a log."""
    secret = "sk-0123456789abcdef"
    for key in ("api_key", "api_key_env", "token"):
        (found,) = mistakes(BASE, sets=[f"providers.gw.{key}={secret}"])
        assert found.startswith(f"--set providers.gw.{key}=***: providers.gw: {key}: ")
        assert secret not in found
