"""The keys of a `json-task` definition: a wire format as data, as it stands in a TOML file. checks.py checks it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from batchvid.dialects.json_task.pointers import Header, Pointer, as_word, parse_pointer

Method = Literal["GET", "POST", "PUT", "DELETE"]
Word = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else as_word(value) or value)]
"""A status word, a code or a value of a table; numbers and true and false count as their words."""

_CALL = re.compile(r"(?:(GET|POST|PUT|DELETE)\s+)?(\S.*)")
_HEADER = re.compile(r"header\s+([A-Za-z][A-Za-z0-9-]*)")
_RULE = re.compile(r"([1-5]\d\d)\s+(\S.*)")


class Call(BaseModel):
    """A method and a path, written `POST /v1/tasks`."""

    model_config = ConfigDict(frozen=True)

    method: Method | None = None
    path: str


class Rule(BaseModel):
    """An HTTP status, a code, or both, written 429, "NO_CREDITS" or "200 402"."""

    model_config = ConfigDict(frozen=True)

    status: int | None = None
    code: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.status or ""), self.code)))

    def fits(self, status: int, codes: tuple[str, ...]) -> bool:
        """Whether a reply with this HTTP status and these codes is meant. A code alone is believed below 500 only."""
        if self.status is not None and self.status != status:
            return False
        if not self.code:
            return True
        return (self.status is not None or status < 500) and any(same_code(self.code, code) for code in codes)


def same_code(rule: str, code: str) -> bool:
    """Whether a rule's code is this one, also with a detail behind a dot."""
    return rule.casefold() in (code.casefold(), code.partition(".")[0].casefold())


def _call(value: Any) -> Any:
    found = _CALL.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or not found[2].startswith(("/", "{/")) or " " in found[2]:
        raise ValueError("must be a method and a path, such as POST /v1/tasks")
    return {"method": found[1], "path": found[2]}


def _content(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("/") or " " in value:
        raise ValueError("must be a path, such as /v1/tasks/{id}/file; for a link in the reply use clips")
    return value


def _rule(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).strip():
        raise ValueError('must be an HTTP status such as 429, a code such as "NO_CREDITS", or both: "400 NO_CREDITS"')
    if isinstance(value, int):
        if not 100 <= value < 600:
            raise ValueError(f'is no HTTP status: write "{value}" for a code')
        return Rule(status=value)
    both = _RULE.fullmatch(value.strip())
    return Rule(status=int(both[1]), code=both[2]) if both else Rule(code=value.strip())


def _pointer(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be the place of a value, such as /data/id")
    return parse_pointer(value)


def _pointer_or_header(value: Any) -> Any:
    found = _HEADER.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        return Header(found[1].lower())
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError("must be the place of a value, such as /data/id, or a header, such as header Location")
    return parse_pointer(value)


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


ContentPath = Annotated[str, BeforeValidator(_content)]
CallLine = Annotated[Call, BeforeValidator(_call)]
Rules = tuple[Annotated[Rule, BeforeValidator(_rule)], ...]
Place = Annotated[Pointer, BeforeValidator(_pointer), PlainSerializer(str)]
IdPlace = Annotated[Pointer | Header, BeforeValidator(_pointer_or_header), PlainSerializer(str)]
Places = Annotated[tuple[Place, ...], BeforeValidator(_listed)]
Words = Annotated[tuple[Word, ...], BeforeValidator(_listed)]
RuleList = Annotated[Rules, BeforeValidator(_listed)]


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True)


class Envelope(_Keys):
    """What every good reply has, also one with HTTP 200."""

    at: Place = Field(description="where the value stands, such as /code")
    is_: Words = Field(alias="is", description="the value or values of a good reply, such as 0 or [200, 0]")


class StatusWords(_Keys):
    """The vendor's status words with their meaning. Any other word keeps the task alive, with a warning.

    A number or true and false may stand here, too; `""` is a reply without a status.
    """

    queued: Words = Field((), description="accepted and waiting")
    running: Words = Field((), description="being made")
    succeeded: Words = Field((), description="finished, with a clip")
    failed: Words = Field((), description="ended without a clip")
    moderated: Words = Field((), description="ended without a clip by a content filter; also codes of failed tasks")
    cancelled: Words = Field((), description="ended by a cancellation; also codes of failed tasks")
    unseen: Words = Field((), description="not known (yet): status words, or codes of errors such as TASK_NOT_FOUND")


class Refusals(_Keys):
    """Which replies say that nothing was made: HTTP statuses, codes, or both. Anything else is uncertain."""

    rate: RuleList = Field((), description="too many calls: waits, then tries again")
    concurrency: RuleList = Field((), description="too many tasks at once: waits for a free slot")
    balance: RuleList = Field((), description="no credit: stops the provider")
    moderation: RuleList = Field((), description="refused by a content filter")
    invalid: RuleList = Field((), description="the request is wrong: the job fails, nothing was bought")
    auth: RuleList = Field((), description="the key is wrong: stops the provider")
    unavailable: RuleList = Field((), description="not served now, and surely nothing made: tried again")
    uncertain: RuleList = Field((), description="no refusal, although HTTP's own rules would make it one")


class Condition(_Keys):
    """What a finished task must show, besides its status word."""

    at: Place = Field(description="where the value stands")
    is_: Words | None = Field(None, alias="is", description="the value it must have; without it, it must not be empty")
    otherwise: Literal["failed", "moderated"] = Field("failed", description="what the task is if it does not")


class Pictures(_Keys):
    """What pictures the vendor takes."""

    types: tuple[Literal["image/jpeg", "image/png", "image/webp"], ...] = Field(
        (), description="media types; without it, all three"
    )
    max_mb: float | None = Field(None, gt=0, description="the largest picture in megabytes, before it is encoded")


class Variant(_Keys):
    """What differs for some inputs or an action; the rest is that of the definition."""

    submit: CallLine | None = Field(None, description="as `submit`")
    body: dict[str, Any] | None = Field(None, description="as `body`, in its place")
    poll: CallLine | None = Field(None, description="as `poll`")


class TaskList(_Keys):
    """A list of the account's tasks, to look for a task after a submit without an answer."""

    request: CallLine = Field(description="the call, such as GET /v1/tasks?limit=50")
    rows: Place | None = Field(None, description="where the list stands; without it, the reply is the one task")
    id: Place = Field(description="where the task's id stands in a row")
    model: Place | None = Field(None, description="where the model stands in a row")
    prompt: Place | None = Field(None, description="where the prompt stands in a row")
    created_at: Place | None = Field(None, description="where the time stands in a row: Unix time or ISO 8601")
    external_id: Place | None = Field(None, description="where our own id stands in a row")


class Idempotency(_Keys):
    """A header with our own id of the call."""

    header: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$", description="its name, such as Idempotency-Key")
    deduplicates: Literal[True] = Field(
        description="true: the vendor documents that a second call with the same value makes no second task"
    )


class Definition(_Keys):
    """One wire format."""

    submit: CallLine = Field(description="the call that buys: method (POST if left out) and path")
    body: dict[str, Any] = Field(description="the template of its body, see Variables")
    body_as: Literal["json", "multipart"] = Field("json", description="how the body is sent")
    headers: dict[str, str] = Field(default_factory=dict, description="headers of every call; never a key")
    values: dict[str, dict[str, str | int | float | bool]] = Field(
        default_factory=dict, description="by variable: the vendor's word for each value; another value is refused"
    )
    variants: dict[str, Variant] = Field(
        default_factory=dict,
        description="by inputs or action, such as image, image+end_image or extend: what differs for such a clip",
    )
    models: tuple[str, ...] = Field((), description="the only models it has; needed if no path or body names the model")
    prompt_chars: int | None = Field(None, gt=0, description="the longest prompt")
    pictures: Pictures = Field(default_factory=Pictures, description="what pictures the vendor takes")
    ok: Envelope | None = Field(
        None, description="what every good reply has, for vendors that answer errors with HTTP 200"
    )
    id: IdPlace = Field(
        description="where the task's id stands in the reply to `submit`. Of an address it is the "
        "part where `poll` has {id}, else the last step"
    )
    poll: CallLine = Field(description="the call that asks for a task (GET if left out); {id} is its id")
    poll_body: dict[str, Any] | None = Field(None, description="the body of a poll by POST; {id} is the task's id")
    poll_url: Place | None = Field(
        None,
        description="where the reply to `submit` names the address for polls, if it does; `poll` is used elsewhere",
    )
    pending_http: tuple[int, ...] = Field(
        (), description="HTTP statuses of a poll that mean: not finished, such as 202"
    )
    status: Place = Field(description="where the status word stands in the reply to `poll`")
    words: StatusWords = Field(description="the meaning of the status words")
    success: tuple[Condition, ...] = Field((), description="what a finished task must show, besides its status word")
    clips: Places = Field(
        (), description="where the links stand, one or a list; of several places the first with a link counts first"
    )
    inline: Place | None = Field(None, description="where the clip itself stands, as base64")
    content: ContentPath = Field("", description="a path that serves the clip, fetched with the key; {id} is its id")
    follow_up: CallLine | None = Field(
        None,
        description="a second GET that a finished task needs, where its clip stands; {/place} is a value or an "
        "address of the poll's reply",
    )
    expires_at: Place | None = Field(None, description="where the end of the links' life stands (Unix time)")
    error_code: Places = Field((), description="where an error's code stands, in replies of every kind")
    error_message: Places = Field((), description="where an error's sentence stands")
    refusals: Refusals = Field(default_factory=Refusals, description="which replies say that nothing was made")
    retry_after: Place | None = Field(
        None, description="where a refusal says how many seconds to wait, besides its headers"
    )
    cost: Place | None = Field(None, description="where the cost stands, in US dollars or in units")
    usd_per_unit: float | None = Field(None, ge=0, description="what one unit of `cost` costs in US dollars")
    progress: Place | None = Field(None, description="where the progress stands")
    progress_max: float = Field(100, gt=0, description="the progress of a finished task: 100 or 1")
    cancel: CallLine | None = Field(None, description="the call that cancels a task (POST if left out)")
    cancel_body: dict[str, Any] | None = Field(None, description="its body; {id} is the task's id")
    cancel_until: Literal["queued", "running"] | None = Field(
        None, description="until when that works; running includes queued"
    )
    list: TaskList | None = Field(None, description="a list of tasks, to look for a lost submit")
    find: TaskList | None = Field(None, description="the same by our own id: its `request` holds {external_id}")
    idempotency: Idempotency | None = Field(None, description="a header that makes a second call harmless")
