"""What a dialect is: the functions of one wire format, and the facts that other parts of the program need of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from batchvid.dialects.common.image_rules import ANY, ImageRules
from batchvid.domain.wire import (
    Accepted,
    Candidate,
    GenerationRequest,
    Rejected,
    Request,
    Response,
    Status,
    Uncertain,
)


class ReadSubmit(Protocol):
    """Reads the reply to a submit. Never raises: what cannot be read is `Uncertain`.

    `sent` is the request: a vendor's message may repeat its words and ids, and these prove nothing.
    """

    def __call__(self, response: Response, *, sent: GenerationRequest | None = None) -> Accepted | Rejected | Uncertain:
        """Return the verdict."""


class ReadPoll(Protocol):
    """Reads the reply to a poll: a `Status` describes the task, a `Rejected` only this one poll.

    A failed task is a value, too. What the reply quotes of the `prompt` is not searched for a meaning. Raises
    `errors.UnreadableReply` for a 2xx that is not of the dialect.
    """

    def __call__(self, response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
        """Return the state of the task, or why this poll shows none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupMethod:
    """One query for a submit whose reply was lost. `read` returns the tasks that may match, none if there are none.

    A `Rejected` describes this one query only. `where` states for people what was searched; `exact` means that the
    query names the one task that is meant. With `replays` the query is the paid call itself, sent again with the same
    idempotency key: the vendor documents that it makes no second task. `at_account` is a query below the provider's
    `account_url`, with the key of `account_key_env`. `kept_s` is how long after a call the vendor still knows of it,
    None where nothing is documented: later nobody is asked, as the reply would prove nothing.
    """

    ask: Callable[[GenerationRequest], Request]
    read: Callable[[Response], tuple[Candidate, ...] | Rejected]
    where: str
    exact: bool
    replays: bool = False
    at_account: bool = False
    kept_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollMany:
    """One call that polls several tasks of one provider and prefix.

    `build` takes the task ids, at most `max_tasks`. `read` returns a status for each task of the reply, given the
    prompts by task; it raises `errors.UnreadableReply` as `ReadPoll` does. A task that is missing is polled alone.
    """

    build: Callable[[Sequence[str]], Request]
    read: Callable[[Response, Mapping[str, str]], Mapping[str, Status] | Rejected]
    max_tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One wire format: pure functions from value to value. It knows no clock, random, file, socket or key.

    `submit` builds the paid request. Planning calls it too, with empty image data, for its checks. It raises
    `errors.Unsupported` for anything that the wire does not support: nothing is dropped silently. `poll` builds the
    poll of a task; its generation is the one submitted, because some paths depend on it. `read_result` reads the reply
    to `Status.follow_up`. `cancel` builds the cancellation of a task, `is_cancelled` states whether the reply confirms
    it; `cancel_until` is until when it works, where the wire format itself states that. `lookups` are the queries after
    a lost submit, by their name in a provider's `lookup`. `api_paths` are its paths below the prefix, without a task's
    id. `image_rules` are the limits of pictures, by the beginning of the model's
    name.
    """

    submit: Callable[[GenerationRequest], Request]
    read_submit: ReadSubmit
    poll: Callable[[GenerationRequest, str], Request]
    read_poll: ReadPoll
    api_paths: tuple[str, ...]
    read_result: ReadPoll | None = None
    poll_many: PollMany | None = None
    cancel: Callable[[GenerationRequest, str], Request] | None = None
    cancel_until: Literal["none", "queued", "running"] = "none"
    is_cancelled: Callable[[Response], bool] = lambda response: 200 <= response.status < 300
    lookups: Mapping[str, LookupMethod] = field(default_factory=dict)
    image_rules: tuple[tuple[str, ImageRules], ...] = ()

    def rules_for(self, model: str) -> ImageRules:
        """What is known of the pictures that this model takes."""
        return next((rules for start, rules in self.image_rules if model.startswith(start)), ANY)
