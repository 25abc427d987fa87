"""Fault rules: what a rule may contain, and which rule matches a request. fault_injection.py applies them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal, Protocol, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from batchvid.emulator.task_lifecycle import Outcome

Step = Literal["submit", "poll", "download", "content"]
RefusalKind = Literal["rate", "concurrency", "balance", "auth", "unavailable", "invalid", "moderation"]
REFUSAL_KINDS: tuple[RefusalKind, ...] = get_args(RefusalKind)
ABOUT_BYTES = (  # actions on the bytes of a clip
    *("expired", "valid_once", "truncate", "chunked", "wrong_type", "json_200"),
    *("html_200", "zero", "redirect", "endless", "slow", "no_range"),
)
STEPS_OF: tuple[tuple[tuple[str, ...], tuple[Step, ...]], ...] = (  # other actions are for every step
    (("outcome",), ("submit",)),
    (ABOUT_BYTES, ("download", "content")),
    (("set", "truncate_json"), ("submit", "poll")),
)


class Subject(Protocol):
    """What a request is about: a submit, or a task."""

    model: str
    prompt: str


class Match(BaseModel):
    """Which requests a rule matches. A field that is left out matches everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    route: str = "*"  # a family, such as `kling`; `videos`: every other model on that path; `*`: all
    step: Step
    prompt: str = ""  # a part of the prompt, case-sensitive
    model: str = ""  # the exact model name of the request
    nth: frozenset[int] = frozenset()  # attempt numbers, from 1: submits of the same prompt, fetches of the same task
    nth_overall: frozenset[int] = frozenset()  # numbers, from 1, among all requests that match the other fields
    times: int | None = Field(default=None, ge=1)  # maximum number of applications
    probability: float = Field(default=1.0, ge=0, le=1)  # drawn from the seed, the prompt or task, and the attempt


class FaultAction(BaseModel):
    """What a rule does. Fields combine: `{"status": 503, "after": true, "delay_s": 0.1}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: int | None = Field(default=None, ge=200, le=599)  # with `body` (text) or `json`, else without a body
    body: str | None = None
    json_: Any = Field(default=None, alias="json")
    headers: dict[str, str] = {}  # added to the headers of the reply, for example Retry-After

    rate: bool = False  # this and the next six: the vendor's refusal of that kind
    concurrency: bool = False
    balance: bool = False
    auth: bool = False
    unavailable: bool = False
    invalid: bool = False
    moderation: bool = False

    error_200: bool = False  # the vendor's error object under HTTP 200
    html: bool = False
    empty: bool = False
    truncate_json: bool = False  # the honest reply, cut in the middle
    set: dict[str, Any] = {}  # values of the JSON reply by their paths: `{"data.status": "SUCCESS"}`
    reset_before: bool = False  # reset the connection before the server acts
    reset_after: bool = False  # the server acts (creates and bills a task), then resets the connection
    after: bool = False  # the server acts first, then answers with `status`, `html`, `empty` or a refusal
    delay_s: float = Field(default=0.0, ge=0)  # seconds between acting and answering

    outcome: Outcome | None = None  # how the task of this submit ends
    message: str = ""  # the vendor's text in a failed task or a named refusal; empty: a default text
    code: str = ""  # the vendor's code in a failed task or a named refusal; left out: a default code

    expired: bool = False
    valid_once: bool = False
    truncate: bool = False  # half of what Content-Length announces, then a reset
    chunked: bool = False
    wrong_type: bool = False
    json_200: bool = False
    html_200: bool = False
    zero: bool = False
    redirect: bool = False  # to the same link under another host name
    endless: bool = False
    slow: float = Field(default=0.0, ge=0)  # bytes per second
    no_range: bool = False

    @property
    def refusal(self) -> RefusalKind | None:
        """The named refusal of this action, if it has one."""
        return next((name for name in REFUSAL_KINDS if getattr(self, name)), None)


class Rule(BaseModel):
    """One fault rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = ""
    match: Match
    do: FaultAction

    @field_validator("do", mode="before")
    @classmethod
    def _one_word(cls, value: Any) -> Any:
        return {value: True} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _action_fits_the_step(self) -> Rule:
        if not self.do.model_fields_set:
            raise ValueError("do: contains no action")
        for names, steps in STEPS_OF:
            for name in names:
                if getattr(self.do, name) and self.match.step not in steps:
                    raise ValueError(f"{name}: the step must be {' or '.join(steps)}")
        return self


class FaultError(ValueError):
    """The rules are invalid; the message names the rule, the word and what is allowed."""


class Faults:
    """The current rules and how often each was applied."""

    def __init__(self, seed: int, families: Sequence[str]) -> None:
        self._seed, self._families = seed, tuple(families)
        self._attempts: dict[tuple[str, str, str], int] = {}
        self.replace([])

    def replace(self, rules: Any) -> None:
        """Replace all rules and reset the counters. Raises FaultError."""
        if not isinstance(rules, list | tuple):
            raise FaultError("fault rules are a list")
        self._rules = [self._checked(number, rule) for number, rule in enumerate(rules, start=1)]
        self._applied = [0] * len(self._rules)
        self._matched = [0] * len(self._rules)
        self._steps = {rule.match.step for rule in self._rules}
        self._attempts.clear()

    def as_list(self) -> list[dict[str, Any]]:
        """The rules as they were given, each with how often it `struck`."""
        given = (rule.model_dump(mode="json", by_alias=True, exclude_unset=True) for rule in self._rules)
        return [{**rule, "struck": applied} for rule, applied in zip(given, self._applied, strict=True)]

    def match_fault(self, step: Step, family: str, about: Subject, counted_by: str) -> FaultAction | None:
        """The fault action of this request, or None. Attempts count by the prompt or by the task id."""
        if step not in self._steps:
            return None
        key = (step, family, counted_by)
        attempt = self._attempts[key] = self._attempts.get(key, 0) + 1
        for number, rule in enumerate(self._rules):
            if _matches(rule.match, step, family, about) and self._applies(number, attempt, counted_by):
                self._applied[number] += 1
                return rule.do
        return None

    def _checked(self, number: int, rule: Any) -> Rule:
        try:
            checked = Rule.model_validate(rule)
        except ValidationError as exc:
            raise FaultError(f"rule {number}: {'; '.join(_explain(exc))}") from None
        if checked.match.route not in ("*", *self._families):
            raise FaultError(f"rule {number}: match.route: is not one of: *, {', '.join(self._families)}")
        return checked

    def _applies(self, number: int, attempt: int, subject: str) -> bool:
        match = self._rules[number].match
        if match.nth and attempt not in match.nth:
            return False
        self._matched[number] += 1
        if match.nth_overall and self._matched[number] not in match.nth_overall:
            return False
        if match.times is not None and self._applied[number] >= match.times:
            return False
        return match.probability == 1 or self._draw(number, attempt, subject) < match.probability

    def _draw(self, number: int, attempt: int, subject: str) -> float:
        """A number from 0 to 1 that depends only on the seed, the rule, the subject and the attempt."""
        text = f"{self._seed}/{self._rules[number].id or number}/{subject}/{attempt}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def _matches(match: Match, step: Step, family: str, about: Subject) -> bool:
    if match.step != step or match.route not in ("*", family):
        return False
    return match.prompt in about.prompt and match.model in ("", about.model)


def _explain(exc: ValidationError) -> list[str]:
    """One line per problem; an unknown word is answered with the known ones."""
    models: dict[str, type[BaseModel]] = {"": Rule, "match": Match, "do": FaultAction}
    lines = []
    for problem in exc.errors():
        where = ".".join(str(part) for part in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            fields = models[where.rpartition(".")[0]].model_fields
            text = "is not one of: " + ", ".join(field.alias or name for name, field in fields.items())
        lines.append(f"{where}: {text}" if where else text)
    return lines
