"""`on_mismatch` and `container`: for a whole manifest, its defaults, or one entry; they change no purchase."""

from __future__ import annotations

from tests.manifest.conftest import Mistakes, Specs

TOP = "defaults: {model: veo3-fast}\nclips:\n  - {id: kite, prompt: a kite}\n  - {id: boat, prompt: a boat"


def test_the_nearest_key_applies(specs: Specs) -> None:
    jobs = specs(f"on_mismatch: fail\ncontainer: mp4\n{TOP}, on_mismatch: warn}}\n")
    assert [(job.on_mismatch, job.container) for job in jobs.values()] == [("fail", "mp4"), ("warn", "mp4")]
    defaults = TOP.replace("{model: veo3-fast}", "{model: veo3-fast, on_mismatch: fail}")
    assert [job.on_mismatch for job in specs(f"{defaults}}}\n").values()] == ["fail", "fail"]


def test_without_a_key_every_playable_clip_is_stored(specs: Specs) -> None:
    assert [(job.on_mismatch, job.container) for job in specs(f"{TOP}}}\n").values()] == [("warn", "")] * 2


def test_they_are_not_paid_for(specs: Specs) -> None:
    """A clip that is stored already is not bought again because of them."""
    plain = {job.fingerprint for job in specs(f"{TOP}}}\n").values()}
    strict = {job.fingerprint for job in specs(f"on_mismatch: fail\ncontainer: mp4\n{TOP}}}\n").values()}
    assert plain == strict


def test_another_word_is_a_mistake(mistakes: Mistakes) -> None:
    (problem,) = mistakes(f"{TOP}, on_mismatch: ignore}}\n")
    assert problem.startswith("m.yaml:4: boat: on_mismatch: ")
    (problem,) = mistakes(f"container: avi\n{TOP}}}\n")
    assert problem.startswith("m.yaml:1: ")
