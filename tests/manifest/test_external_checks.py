"""What only the market knows stands among the manifest's own mistakes, with its line, and is not told twice."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from batchvid.domain.job_spec import JobSpec
from batchvid.manifest import JobProblem, Provider, load
from tests.manifest.conftest import Mistakes, Specs, Write


@dataclass
class Availability:
    """Sells everything but what it is told not to; writes down what it is asked."""

    bad_providers: Collection[str] = ()
    bad_models: Collection[str] = ()
    asked: list[str] = field(default_factory=list)
    reported: set[str] = field(default_factory=set)

    def register_provider(self, name: str, provider: Provider) -> str:
        self.asked.append(f"{name} at {provider.concurrency}")
        return f"there is no {name}" if name in self.bad_providers else ""

    def job_problem(self, spec: JobSpec, bad_providers: Collection[str]) -> JobProblem | None:
        self.asked.append(spec.id)
        self.reported = set(bad_providers)
        if spec.provider in bad_providers:
            return None
        is_bad = spec.request.model in self.bad_models
        return JobProblem(("model",), f"nobody sells {spec.request.model}") if is_bad else None


GOOD = """\
providers:
  cometapi: {concurrency: 8}
  office:
    concurrency: 4
defaults: {provider: office}
clips:
  - {id: a, model: m, prompt: p}
  - {id: b, model: n, prompt: p}
"""


def test_providers_are_asked_after_first_and_jobs_not_at_all(specs: Specs) -> None:
    """A manifest without a mistake is judged by the plan, job by job: here only who sells is looked at."""
    market = Availability(bad_models=["m"])
    assert list(specs(GOOD, checks=market)) == ["a", "b"]
    assert market.asked == ["cometapi at 8", "office at 4"]


def test_a_provider_that_cannot_be_is_told_with_its_line(mistakes: Mistakes) -> None:
    """Each at the line of its own name, in the order of the file."""
    assert mistakes(GOOD, checks=Availability(bad_providers=["office", "cometapi"])) == [
        "m.yaml:2: providers.cometapi: there is no cometapi",
        "m.yaml:3: providers.office: there is no office",
    ]


def test_a_provider_of_an_included_file_has_its_line_there(write: Write, mistakes: Mistakes) -> None:
    """The file that says it is the one to mend."""
    write("office.yaml", "vars: {a: b}\nproviders:\n  office: {concurrency: 4}\n")
    text = "include: office.yaml\nclips: [{id: a, model: m, prompt: p}]\n"
    assert mistakes(text, checks=Availability(bad_providers=["office"])) == [
        "office.yaml:3: providers.office: there is no office"
    ]


def test_jobs_are_told_beside_other_mistakes(mistakes: Mistakes) -> None:
    """Who mends one mistake must not meet the next one only then: all come at once, each with its line."""
    text = GOOD + "  - {id: c, model: m, image: gone.png}\n  - {id: d, model: o, promt: p}\n"
    found = mistakes(text, checks=Availability(bad_models=["m", "n"]))
    starts = [
        "m.yaml:7: a: nobody sells m",
        "m.yaml:8: b: nobody sells n",
        "m.yaml:9: c: image: there is no file gone.png",
        "m.yaml:10: d: promt: unknown key",
    ]
    assert [any(problem.startswith(start) for problem in found) for start in starts] == [True] * 4
    assert len(found) == len(starts)


def test_jobs_of_an_entry_that_ask_the_same_in_vain_are_told_once(mistakes: Mistakes) -> None:
    """A thousand rows with one wrong model are one mistake."""
    text = "oops: 1\nclips: [{id: a, model: m, prompt: 'p {{ n }}', matrix: {n: [1, 2, 3]}, takes: 2}]\n"
    found = mistakes(text, checks=Availability(bad_models=["m"]))
    assert [problem for problem in found if "nobody sells" in problem] == ["m.yaml:2: a: nobody sells m"]


def test_jobs_of_an_unsound_provider_are_not_told_again(mistakes: Mistakes) -> None:
    """The provider's own mistake is told; that its jobs cannot be bought there follows from it."""
    market = Availability(bad_providers=["office"], bad_models=["m", "n"])
    text = GOOD + "  - {id: c, model: m, prompt: p, provider: cometapi}\n"
    assert mistakes(text, checks=market) == [
        "m.yaml:3: providers.office: there is no office",
        "m.yaml:9: c: nobody sells m",
    ]
    assert market.reported == {"office"}


def test_a_provider_whose_section_is_wrong_is_unsound_too(mistakes: Mistakes) -> None:
    """Its limits cannot be read, so it is not asked after; its jobs are told nothing that follows from that."""
    market = Availability(bad_models=["m", "n"])
    found = mistakes(GOOD.replace("concurrency: 4", "concurrency: lots"), checks=market)
    assert len(found) == 1
    assert found[0].startswith("m.yaml:4: providers.office: concurrency: ")
    assert market.reported == {"office"}
    assert "office" not in "".join(market.asked)


def test_nobody_is_asked_about_what_cannot_be_read(mistakes: Mistakes) -> None:
    """A file that is no manifest has neither providers nor jobs."""
    market = Availability()
    assert mistakes("clips: [", checks=market)
    assert market.asked == []


def test_a_market_is_not_needed(write: Write) -> None:
    """Without one, a manifest is read for itself."""
    assert len(load(write("m.yaml", GOOD)).jobs) == 2
