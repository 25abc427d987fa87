"""The shape of a manifest: every mistake in one go, each with its own line, in words that say what is allowed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from batchvid.errors import ManifestError
from batchvid.manifest import load
from batchvid.manifest.schema.field_types import MAX_SEED
from tests.manifest.conftest import Mistakes, Specs, Write

TEN = """\
batch: Spring Kites
budget: {usd: -4}
providers:
  gw: {dialect: d, base_url: "https://user:pw@gw.example.com"}
clips:
  - id: one
    prompt: p
    durations_s: 5
  - prompt: no id
  - id: three
    prompt: p
    takes: 500
  - id: four
    model: m
    prompt: "{{ nobody }}"
  - id: five
    model: m
    image: gone.png
  - id: six
    prompt: no model
  - id: seven
    model: m
    prompt: p
    aspect_ratio: 16x9
  - id: seven
    model: m
    prompt: p
    prompt: again
"""


def test_ten_mistakes_ten_lines(mistakes: Mistakes) -> None:
    """One look shows every mistake with its own line, from the YAML to the images."""
    starts = [
        "m.yaml:1: batch: 'Spring Kites' cannot name a folder on every system; 'Spring-Kites' can",
        "m.yaml:2: budget: usd: must be more than 0",
        "m.yaml:4: providers.gw: base_url: must be an address without a user name",
        "m.yaml:8: one: durations_s: unknown key; did you mean duration_s",
        "m.yaml:9: clips[1]: id: is missing; give every entry its own id, such as id: kite",
        "m.yaml:12: three: takes: must be at most 100",
        "m.yaml:15: four: prompt: nothing is called nobody; there is: entry, take",
        "m.yaml:18: five: image: there is no file gone.png; it was looked for at ",
        "m.yaml:19: six: model: is missing; set it here or under defaults",
        "m.yaml:24: seven: aspect_ratio: must be width:height such as 16:9 or 9:16, not '16x9'",
        "m.yaml:28: prompt is given twice; it is already in line 27",
    ]
    found = mistakes(TEN)
    assert len(found) == len(starts)
    for start, problem in zip(starts, found, strict=True):
        assert problem.startswith(start)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("seconds: 5", "seconds: unknown key; did you mean duration_s"),
        ("csv: x", "csv: unknown key; did you mean rows"),
        ("zzz: x", "zzz: unknown key; batchvid schema lists all keys"),
        ("Prompt: x", "Prompt: unknown key; write prompt:"),
        ("aspect ratio: x", "aspect ratio: unknown key; write aspect_ratio:"),
        ("Beschreibung: x", "Beschreibung: unknown key; did you mean prompt?"),
        ("vars: {a: b}", "vars: unknown key; vars belongs to the whole manifest"),
        ("in the golden: x", "in the golden: unknown key; if it belongs to the text above it"),
        ("duration_s: 0", "duration_s: must be more than 0 and at most 3600 seconds, not 0"),
        ("duration_s: .nan", "duration_s: must be a number of seconds such as 8, not '.nan'"),
        ("duration_s: 1.e400", "duration_s: must be a number of seconds such as 8, not '1.e400'"),
        ("duration_s: nan", "duration_s: must be a number of seconds such as 8, not 'nan'"),
        ("duration_s: '1e999'", "duration_s: must be a number of seconds such as 8, not '1e999'"),
        ("duration_s: true", "duration_s: must be a number of seconds such as 8, not 'true'"),
        ("duration_s: [5]", "duration_s: must be a number of seconds such as 8, not a list"),
        ("seed: 1.5", "seed: must be a whole number, not 1.5"),
        ("seed: -1", "seed: must be a whole number from 0 to 9e18; leave it out for a random one"),
        ("seed: x", "seed: must be a whole number such as 7, not 'x'"),
        ("sound: 1", "sound: must be true or false, not '1'"),
        ("aspect_ratio: 0:9", "aspect_ratio: must be width:height such as 16:9 or 9:16, not '0:9'"),
        ("aspect_ratio: 1.5", "aspect_ratio: must be width:height such as 16:9 or 9:16, not '1.5'"),
        ("negative_prompt: [a]", "negative_prompt: must be a text, not a list"),
        ("negative_prompt: {a: b}", "negative_prompt: must be a text, not a mapping"),
        ('mode: "a\\tb"', "mode: must stand on one line, without tabs or other invisible characters"),
        ("takes: 0", "takes: must be at least 1"),
        ("takes: true", "takes: must be a whole number"),
        ("takes: two", "takes: must be a whole number"),
        ("matrix: [a]", "matrix: must be a mapping of keys to values"),
        ("matrix: {x: []}", "matrix.x: must not be empty"),
        ("matrix: {x: 5}", "matrix.x: must be a list"),
        ("matrix: {x: [[1]]}", "matrix.x.0: must be a word, a number, true or false"),
        ("matrix: {x: [5, 5.0]}", "matrix.x: has '5' twice"),
        ("matrix: {a b: [1]}", "matrix.a b: must be letters, digits and _, for use as {{ name }}, and none of entry, "),
        (
            "matrix: {take: [1]}",
            "matrix.take: must be letters, digits and _, for use as {{ name }}, and none of entry, ",
        ),
        ("exclude: [5]", "exclude.0: must be a mapping of keys to values"),
        ("tags: {x: y}", "tags: must be a list"),
        ("options: x", "options: must be a mapping of keys to values"),
        ("where: 5", "where: must be a text"),
        ("video: a.mp4", "video: must be an https:// address that the vendor can fetch; a file cannot be sent"),
        ("audio: a.mp3", "audio: must be an https:// address, or the sound itself as data:audio/...;base64,..."),
        ("action: loop", "action: must be extend, edit, remix or lip-sync, not 'loop'"),
        ("fit: crop", "fit: must be cover, contain or stretch, not 'crop'"),
        ("fallback: {models: x, on: [blackout]}", "fallback.on: must be outage, queue_stall, timeout, sunset, modera"),
        ("fallback: {models: x, on: []}", "fallback.on: must be a list of outage, queue_stall, timeout, sunset, mode"),
        ("fallback: {on: [outage]}", "fallback.models: is missing; name the model to switch to"),
        ("fallback: {models: x, while: true}", "fallback.while: unknown key; Allowed: models, on"),
        ("fallback: [{provider: x}]", "fallback.model: is missing; name the model to switch to"),
        ("fallback_while_running: 1", "fallback_while_running: must be true or false"),
    ],
)
def test_mistakes_in_an_entry(mistakes: Mistakes, entry: str, problem: str) -> None:
    """Each wrong value is named with its key, what is allowed, and what stands there."""
    (found,) = mistakes(f"clips:\n  - id: k\n    model: m\n    prompt: p\n    {entry}\n")
    assert found.startswith(f"m.yaml:5: k: {problem}")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("clip: []", "clip: unknown key; did you mean clips"),
        ("batch: '..'", "batch: '..' cannot name a folder on every system; "),
        ("batch: CON", "batch: 'CON' cannot name a folder on every system; 'CON_' can"),
        ("budget: 5", "budget: must be a mapping of keys to values"),
        ("budget: {usd: yes}", "budget: usd: must be a number"),
        ("budget: {usd: true}", "budget: usd: must be a number"),
        ("budget: {clips: 1.5}", "budget: clips: must be a whole number"),
        ("budget: {seconds: 0}", "budget: seconds: must be more than 0"),
        ("budget: {allow_unpriced: 1}", "budget: allow_unpriced: must be true or false"),
        (
            "providers: {gw: {concurency: 1}}",
            "providers.gw: concurency: unknown key; did you mean concurrency",
        ),
        ("providers: {gw: {polls_per_s: 0}}", "providers.gw: polls_per_s: must be more than 0"),
        ("providers: {gw: {on_lost_submit: buy}}", "providers.gw: on_lost_submit: must be 'hold' or 'resubmit'"),
        ("providers: {gw: {models: {m: {x: 1}}}}", "providers.gw: models.m.x: unknown key; Allowed: concurrency"),
        ("providers: {gw: {budget: {usd: 0}}}", "providers.gw: budget.usd: must be more than 0"),
        ("providers: {gw: {budget: {eur: 1}}}", "providers.gw: budget.eur: unknown key; Allowed: "),
        ("providers: {gw: {life: [1]}}", "providers.gw: life: must be a text, not a list"),
        ("providers: {gw: {prefix: kling}}", "providers.gw: prefix: must be a path such as /kling, "),
        (
            "providers: {gw: {base_url: gw.example.com/v1}}",
            "providers.gw: base_url: must begin with https:// or http://",
        ),
        ("providers: {gw: {base_url: gw.example.com}}", "providers.gw: base_url: must begin with https:// or http://"),
        ("providers: {gw: {base_url: 'sk-abc'}}", "providers.gw: base_url: must be an address such as https://"),
        ('providers: {gw: {base_url: "https://[x"}}', "providers.gw: base_url: must be an address such as https://"),
        (
            'providers: {gw: {base_url: "http://x/?k=1"}}',
            "providers.gw: base_url: must be an address without a user name",
        ),
        (
            "providers: {gw: {api_key_env: GW KEY}}",
            "providers.gw: api_key_env: must be the name of an environment variable",
        ),
        ("defaults: {id: x}", "defaults: id: unknown key; "),
        ("defaults: {takes: 2}", "defaults: takes: unknown key; "),
        ("output: {clip: x}", "output: clip: unknown key; did you mean clips"),
        ("downloads: {concurrency: 0}", "downloads: concurrency: must be more than 0"),
        ("downloads: {x: 0}", "downloads: x: unknown key; Allowed: concurrency"),
        ("retries: -1", "retries: must be at least 0"),
        ("vars: {a b: 1}", "vars: a b: must be letters, digits and _, for use as {{ name }}, and none of "),
        ("vars: {a: '{{ b }}'}", "vars: a: must be a plain value: templates are rendered in clips, not here"),
        (
            "vars: {a: [{b: '{{ c }}'}]}",
            "vars: a: must be a plain value: templates are rendered in clips, not here",
        ),
        ("output: {clips: ''}", "output: clips: must not be empty"),
    ],
)
def test_mistakes_outside_of_the_clips(mistakes: Mistakes, line: str, problem: str) -> None:
    """Top-level keys are checked as strictly as clips."""
    found = mistakes(f"clips: [{{id: k, model: m, prompt: p}}]\n{line}\n")
    assert found[0].startswith(f"m.yaml:2: {problem}")


@pytest.mark.parametrize(
    "key",
    ["sk-abc", "AIzaSyD4x9Q1w2e3r4t5y6u7i8o9p0aBcDeFg", "0123456789abcdef0123456789abcdef", "Bearer x", "Sk_Aa0" * 5],
)
def test_a_key_in_the_manifest_is_refused_and_never_printed(mistakes: Mistakes, key: str) -> None:
    """What looks like a key is told as such, without a letter of it."""
    (found,) = mistakes(f"clips: [{{id: k, model: m, prompt: p}}]\nproviders: {{gw: {{api_key_env: {key}}}}}\n")
    assert "looks like the key itself: remove it from the file" in found
    assert key not in found


def test_a_key_under_an_unknown_name_is_never_printed(mistakes: Mistakes) -> None:
    """The value of an unknown key stays out of the message."""
    (found,) = mistakes("clips: [{id: k, model: m, prompt: p}]\nproviders: {gw: {api_key: sk-secret}}\n")
    assert found.startswith("m.yaml:2: providers.gw: api_key: unknown key; did you mean api_key_env? ")
    assert "secret" not in found


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("gw.example.com", "write https://gw.example.com"),
        ("'localhost:8000/v1'", "write http://localhost:8000/v1"),
        ("'192.168.1.5:4000'", "write http://192.168.1.5:4000"),
        ("'gpu-box:8000'", "write http://gpu-box:8000"),
    ],
)
def test_an_address_without_a_scheme_gets_one_to_write(mistakes: Mistakes, address: str, line: str) -> None:
    """Unencrypted only where the host is certainly private."""
    (found,) = mistakes(f"clips: [{{id: k, model: m, prompt: p}}]\nproviders: {{gw: {{base_url: {address}}}}}\n")
    assert found.endswith(line)


@pytest.mark.parametrize("key", ["sk-0123456789abcdef", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSM"])
def test_a_key_in_the_place_of_an_address_is_never_printed(mistakes: Mistakes, key: str) -> None:
    """Only what can be nothing but an address is repeated."""
    (found,) = mistakes(f"clips: [{{id: k, model: m, prompt: p}}]\nproviders: {{gw: {{base_url: {key}}}}}\n")
    assert key not in found


def test_everything_at_once_is_accepted(write: Write) -> None:
    """A manifest that says all there is, with values as they were meant."""
    text = """\
batch: all-1
include: []
vars: {tone: calm, list: [1, 2]}
budget: {usd: 40.10, clips: 9, seconds: 80.5, allow_unpriced: true}
providers:
  gw:
    {dialect: d, base_url: "http://127.0.0.1:8080/", prefix: /kling/, api_key_env: GW_KEY_2, concurrency: 4,
     budget: {clips: 1}, models: {m: {concurrency: 1}}, submits_per_min: 60,
     polls_per_s: 0.5, poll_every_s: 10, timeout_s: 900, on_lost_submit: resubmit}
  emulator: {life: 2}
defaults: {sound: off, resolution: 720p}
output: {clips: "{{ model }}/{{ id }}.mp4"}
retries: 2
downloads: {concurrency: 3}
clips:
  - {id: 2024, model: m, prompt: 7, fallback: [], video: null, audio: null, negative_prompt: null, tags: [a, 5],
     sound: Yes}
"""
    manifest = load(write("m.yaml", text))
    gateway, settings = manifest.settings.providers["gw"], manifest.settings
    assert (settings.budget.usd, settings.budget.clips, settings.budget.seconds) == (Decimal("40.1"), 9, 80.5)
    assert settings.budget.allow_unpriced
    assert (gateway.base_url, gateway.prefix, gateway.api_key_env) == ("http://127.0.0.1:8080", "/kling", "GW_KEY_2")
    assert (gateway.on_lost_submit, gateway.timeout_s, gateway.polls_per_s) == ("resubmit", 900.0, 0.5)
    assert settings.providers["emulator"].life == "2"
    (job,) = manifest.jobs
    assert (job.spec.id, job.spec.request.prompt, job.spec.request.sound, job.spec.tags) == (
        "2024",
        "7",
        True,
        ("a", "5"),
    )
    assert (job.spec.key, job.spec.request.resolution, settings.retries, settings.downloads.concurrency) == (
        "m/2024.mp4",
        "720p",
        2,
        3,
    )


@pytest.mark.parametrize(
    ("word", "sound"), [("yes", True), ("on", True), ("no", False), ("Off", False), ("'true'", True)]
)
def test_yes_and_no_are_understood_where_they_are_meant(specs: Specs, word: str, sound: bool) -> None:
    """`sound: no` means no, although no is a word to this YAML."""
    assert specs(f"clips: [{{id: k, model: m, prompt: p, sound: {word}}}]")["k"].request.sound is sound


def test_large_seeds_keep_every_digit(specs: Specs) -> None:
    """A seed beyond what a float can hold is not rounded."""
    assert specs(f"clips: [{{id: k, model: m, prompt: p, seed: {MAX_SEED}}}]")["k"].request.seed == MAX_SEED
    assert specs('clips: [{id: k, model: m, prompt: p, seed: "{{ 2 }}.0"}]')["k"].request.seed == 2


def test_a_long_prompt_is_refused(mistakes: Mistakes) -> None:
    """The cap on prompts holds for plain texts as well."""
    (found,) = mistakes(f"clips: [{{id: k, model: m, prompt: {'x' * 32_001}}}]")
    assert found == "m.yaml:1: k: prompt: is longer than 32,000 characters"


def test_the_error_carries_the_exit_code(write: Write) -> None:
    """A bad manifest ends a command with 2."""
    with pytest.raises(ManifestError) as raised:
        load(write("m.yaml", "x: 1"))
    assert raised.value.exit_code == 2
