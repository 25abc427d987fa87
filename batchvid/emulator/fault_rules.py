"""Fault rules: what a rule may say, and which rule strikes when. It must not know how a fault is carried out.

A rule is `{"id"?, "match": {...}, "do": {...}}`; the first rule that matches and still may strikes, alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from batchvid.emulator.task_lifecycle import Outcome

Step = Literal["submit", "poll", "download", "content"]
Refusal = Literal["rate", "concurrency", "balance", "auth", "unavailable", "invalid", "moderation"]

REFUSALS: tuple[Refusal, ...] = (
    "rate",
    "concurrency",
    "balance",
    "auth",
    "unavailable",
    "invalid",
    "moderation",
)
DOWNLOAD_DEEDS = (
    "expired",
    "valid_once",
    "truncate",
    "chunked",
    "wrong_type",
    "json_200",
    "html_200",
    "zero",
    "redirect",
    "endless",
    "slow",
    "no_range",
)
"""What can go wrong with the bytes of a clip, and only with them."""


class Match(BaseModel):
    """When a rule strikes. What is not said matches everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    route: str = "*"
    """A family: `veo`, `sora`, `seedance`, `videos` (every other model on that path), `kling`, `runway`, `xai`,
    `gateway`, `newapi`, `ark`; `*`: all."""
    step: Step
    prompt: str = ""
    """A part of the prompt, in its own letter case."""
    model: str = ""
    """The model's exact name, as asked for."""
    nth: frozenset[int] = frozenset()
    """Attempt numbers, from 1: submits of the same prompt to the same family; polls or fetches of the same task."""
    nth_overall: frozenset[int] = frozenset()
    """Running numbers, from 1, of all requests that match the rule's other words."""
    times: int | None = Field(default=None, ge=1)
    """How often the rule may strike at all."""
    probability: float = Field(default=1.0, ge=0, le=1)
    """Of striking; thrown from the seed, the prompt or task, and the attempt number."""


class Deed(BaseModel):
    """What a rule does. Deeds may be combined: `{"status": 503, "after": true, "delay_s": 0.1}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: int | None = Field(default=None, ge=200, le=599)
    """Answer with this status, with `body` (text) or `json`, else with nothing."""
    body: str | None = None
    json_: Any = Field(default=None, alias="json")
    headers: dict[str, str] = {}
    """Laid over the headers of whatever is answered, e.g. Retry-After."""

    rate: bool = False
    concurrency: bool = False
    balance: bool = False
    auth: bool = False
    unavailable: bool = False
    invalid: bool = False
    moderation: bool = False

    error_200: bool = False
    """The vendor's error object under HTTP 200."""
    html: bool = False
    empty: bool = False
    truncate_json: bool = False
    """The honest answer, cut in the middle."""
    reset_before: bool = False
    """The connection is reset before the server acts."""
    reset_after: bool = False
    """The server acts (a task is made and billed), then the connection is reset."""
    after: bool = False
    """The server acts first, then answers with `status`, `html`, `empty`, `error_200` or a named refusal."""
    delay_s: float = Field(default=0.0, ge=0)
    """Seconds between acting and answering."""

    outcome: Outcome | None = None
    """How the task that this submit makes will end."""
    message: str = ""
    """The vendor's text in a failed task or a named refusal; empty: one that the vendor would write."""
    code: str = ""
    """The vendor's code in a failed task or a named refusal; left out: one that the vendor would write."""
    wrapper_says: str = ""
    """The status word of a task wrapper, whatever the task inside says."""

    expired: bool = False
    valid_once: bool = False
    truncate: bool = False
    """Half of what Content-Length says, then a reset."""
    chunked: bool = False
    wrong_type: bool = False
    json_200: bool = False
    html_200: bool = False
    zero: bool = False
    redirect: bool = False
    """To the same link under another host name."""
    endless: bool = False
    slow: float = Field(default=0.0, ge=0)
    """Bytes a second."""
    no_range: bool = False

    @property
    def refusal(self) -> Refusal | None:
        """The named refusal of this deed, if it has one."""
        return next((name for name in REFUSALS if getattr(self, name)), None)


class Rule(BaseModel):
    """One fault rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = ""
    match: Match
    do: Deed

    @field_validator("do", mode="before")
    @classmethod
    def _one_word(cls, value: Any) -> Any:
        return {value: True} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _deed_fits_the_step(self) -> Rule:
        if not self.do.model_fields_set:
            raise ValueError("do: says nothing to be done")
        if self.do.outcome is not None and self.match.step != "submit":
            raise ValueError("outcome: is set when the task is made, so the step must be submit")
        of_downloads = [name for name in DOWNLOAD_DEEDS if getattr(self.do, name)]
        if of_downloads and self.match.step not in ("download", "content"):
            raise ValueError(f"{of_downloads[0]}: is about bytes, so the step must be download or content")
        if self.do.wrapper_says and self.match.step != "poll":
            raise ValueError("wrapper_says: is about what a look shows, so the step must be poll")
        if self.do.truncate_json and self.match.step not in ("submit", "poll"):
            raise ValueError("truncate_json: is about an answer in JSON, so the step must be submit or poll")
        return self


class FaultError(ValueError):
    """The rules cannot be used; the message names the rule, the word and what is allowed."""


class Faults:
    """The rules in force and how often each struck."""

    def __init__(self, seed: int, families: Sequence[str]) -> None:
        self._seed = seed
        self._families = tuple(families)
        self._attempts: dict[tuple[str, str, str], int] = {}
        self.replace([])

    def replace(self, rules: Any) -> None:
        """Put these rules in the place of all others; counting starts anew. Raises FaultError."""
        self._rules = read_rules(rules, self._families)
        self._struck = [0] * len(self._rules)
        self._seen = [0] * len(self._rules)
        self._steps = {rule.match.step for rule in self._rules}
        self._attempts.clear()

    def as_list(self) -> list[dict[str, Any]]:
        """The rules, as they were said, each with how often it `struck`."""
        said = (rule.model_dump(mode="json", by_alias=True, exclude_unset=True) for rule in self._rules)
        return [{**rule, "struck": struck} for rule, struck in zip(said, self._struck, strict=True)]

    def strike(self, step: Step, *, family: str, prompt: str, model: str, subject: str) -> Deed | None:
        """The deed for this request, or None. `subject` is what attempts are counted by: a prompt or a task id."""
        if step not in self._steps:
            return None
        key = (step, family, subject)
        attempt = self._attempts[key] = self._attempts.get(key, 0) + 1
        for number, rule in enumerate(self._rules):
            if _matches(rule.match, step, family, prompt, model) and self._may(number, attempt, subject):
                self._struck[number] += 1
                return rule.do
        return None

    def _may(self, number: int, attempt: int, subject: str) -> bool:
        match = self._rules[number].match
        if match.nth and attempt not in match.nth:
            return False
        self._seen[number] += 1
        if match.nth_overall and self._seen[number] not in match.nth_overall:
            return False
        if match.times is not None and self._struck[number] >= match.times:
            return False
        return match.probability == 1 or self._dice(number, attempt, subject) < match.probability

    def _dice(self, number: int, attempt: int, subject: str) -> float:
        """From 0 to 1, the same for the same seed, rule, subject and attempt, whatever else is going on."""
        said = f"{self._seed}/{self._rules[number].id or number}/{subject}/{attempt}"
        return int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], "big") / 2**64


def read_rules(rules: Any, families: Sequence[str]) -> list[Rule]:
    """The rules, checked. Raises FaultError."""
    if not isinstance(rules, list | tuple):
        raise FaultError("fault rules are a list")
    checked = []
    for number, rule in enumerate(rules, start=1):
        try:
            checked.append(Rule.model_validate(rule))
        except ValidationError as error:
            raise FaultError(f"rule {number}: {'; '.join(_explain(error))}") from None
        if checked[-1].match.route not in ("*", *families):
            raise FaultError(f"rule {number}: match.route: is not one of: *, {', '.join(families)}")
    return checked


def _matches(match: Match, step: Step, family: str, prompt: str, model: str) -> bool:
    return match.step == step and match.route in ("*", family) and match.prompt in prompt and match.model in ("", model)


def _explain(error: ValidationError) -> list[str]:
    """One line a problem; an unknown word is answered with the known ones."""
    words: dict[str, type[BaseModel]] = {"": Rule, "match": Match, "do": Deed}
    lines = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            fields = words[where.rpartition(".")[0]].model_fields
            text = "is not one of: " + ", ".join(field.alias or name for name, field in fields.items())
        lines.append(f"{where}: {text}" if where else text)
    return lines
