"""`--set` of a name that nothing reads is refused; a variable that only templates use can be set."""

from __future__ import annotations

import pytest

from tests.manifest.conftest import Mistakes, Specs, Write

BASE = "vars: {season: autumn}\ndefaults: {model: m}\nclips: [{id: a, prompt: 'a kite in {{ season }}'}]\n"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("seson=winter", "nothing uses a variable seson; did you mean season? Variables: season. "),
        ("vars.seson=winter", "nothing uses a variable seson; did you mean season? Variables: season. "),
        ("xyz=1", "nothing uses a variable xyz; Variables: season. A key needs its path, such as defaults.duration_s"),
        (
            "duration_s=5",
            "there is no variable duration_s, and the key duration_s needs its path: --set defaults.duration_s=...",
        ),
        ("usd=5", "there is no variable usd, and the key usd needs its path: --set budget.usd=..."),
        ("takes=5", "there is no variable takes, and the key takes needs its path: --set clips.ID.takes=..."),
    ],
)
def test_unknown_names(setting: str, words: str, mistakes: Mistakes) -> None:
    """With near misses, and with the path of a key."""
    (found,) = mistakes(BASE, sets=[setting])
    assert found.startswith(f"--set {setting}: {words}")


@pytest.mark.parametrize(
    "clip",
    [
        "{id: a, prompt: 'a {{ tone }} kite'}",
        "{id: 'a-{{ tone }}', prompt: a kite}",
        "{id: a, prompt: a kite, options: {x: ['{% if tone %}y{% endif %}']}}",
        "{id: a, prompt: a kite, image: 'https://x.example/{{ tone }}.jpg'}",
    ],
)
def test_a_variable_that_only_a_template_uses(clip: str, specs: Specs) -> None:
    """As before: its first value may come from the command."""
    assert specs(f"defaults: {{model: m}}\nclips: [{clip}]\n", sets=["tone=calm"])


def test_a_variable_that_only_where_uses(write: Write, specs: Specs) -> None:
    """A condition is an expression without braces."""
    write("r.csv", "sku,n\nA1,1\nA2,5\n")
    clip = "{id: '{{ sku }}', prompt: a kite, rows: r.csv, where: n|int > least}"
    assert list(specs(f"defaults: {{model: m}}\nclips: [{clip}]\n", sets=["least=3"])) == ["A2"]


def test_a_variable_of_an_included_file(write: Write, specs: Specs) -> None:
    """The merged document counts."""
    write("more.yaml", "vars: {tone: calm}\nclips: [{id: b, prompt: 'a {{ mood }} boat'}]\n")
    text = "include: more.yaml\n" + BASE
    assert specs(text, sets=["tone=loud", "mood=sad"])["b"].request.prompt == "a sad boat"
