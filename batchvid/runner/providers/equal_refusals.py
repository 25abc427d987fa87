"""Whether equal replies to paid calls belong to the provider or to the jobs. Pure.

Two equal replies in a row are suspect. One more job is sent as a probe, of another line (clip entry and model) if one
waits. If the probe gets the same reply too, every call gets it: the provider stops. If it is accepted, the jobs
themselves were at fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Any

from batchvid.domain.failures import MODERATION, STOPS_PROVIDER
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.wire import Rejected, Uncertain
from batchvid.runner.providers.fair_queue import Line
from batchvid.runner.providers.reply_messages import describe_refusal, with_status
from batchvid.runner.providers.retry_policy import RETRYABLE_REFUSALS

SUSPECT_AFTER = 2
MAX_FORGOTTEN_WORDS = 2000  # of one job: a longer prompt is compared by its first words

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`|“[^”]*”|「[^」]*」")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply without a task. `words` are those of its message without quotes and ids, `own_words` those of its job.

    `is_uncertain` marks one whose task may exist: its job stays as it is.
    """

    job_id: str
    line: Line
    sort: tuple[object, ...]
    words: frozenset[str]
    own_words: frozenset[str]
    message: str
    is_uncertain: bool = False

    def equals(self, other: Reply) -> bool:
        """Whether another job got the same reply, apart from what each message repeats of its job."""
        own = self.own_words | other.own_words
        return self.sort == other.sort and self.words - own == other.words - own


def read_reply(spec: JobSpec, line: Line, reply: Rejected | Uncertain) -> Reply | None:
    """The reply in comparable form; None if its kind has a rule of its own (moderation, rate, account)."""
    if isinstance(reply, Uncertain):
        if not reply.provider_wide:
            return None
        sort: tuple[object, ...] = ("uncertain", reply.http_status)
        message = with_status(reply.message, reply.http_status)
    elif reply.kind in MODERATION | RETRYABLE_REFUSALS | STOPS_PROVIDER:
        return None
    else:
        sort = (reply.kind, reply.code, reply.http_status)
        message = describe_refusal(reply)
    return Reply(
        job_id=spec.id,
        line=line,
        sort=sort,
        words=frozenset(_words([_QUOTED.sub(" ", reply.message)])),
        own_words=frozenset(_own_words(spec)),
        message=message,
        is_uncertain=isinstance(reply, Uncertain),
    )


@dataclass(slots=True)
class EqualReplies:
    """The last equal replies of one provider, with no acceptance between them.

    `proven`: every call gets them, and the provider is stopped. `reopened` are the refused jobs that are pending again.
    """

    replies: list[Reply] = field(default_factory=list)
    proven: bool = False
    reopened: set[str] = field(default_factory=set)

    @property
    def suspect(self) -> bool:
        """Whether submits wait for the reply to one probe."""
        return len(self.replies) >= SUSPECT_AFTER

    @property
    def lines(self) -> Set[Line]:
        """The lines of the equal replies: a probe is of another one, if possible."""
        return {reply.line for reply in self.replies}

    def record(self, reply: Reply) -> None:
        """One more reply. A different one begins a new row, unless the last one is proven."""
        if self.proven:
            return
        if self.replies and not self.replies[-1].equals(reply):
            self.replies.clear()
        self.replies.append(reply)

    def clear(self) -> None:
        """The provider accepted a job, or it read one: the earlier refusals belong to their jobs."""
        if not self.proven:
            self.replies.clear()

    def proves_stop(self, waiting: Set[Line]) -> bool:
        """Whether every call gets this reply: a probe got it, of another line unless none of the `waiting` is one."""
        if len(self.replies) <= SUSPECT_AFTER:
            return False
        self.proven = self.proven or len(self.lines) > 1 or not waiting - self.lines
        return self.proven

    def includes(self, reply: Reply) -> bool:
        """Whether the reply equals the last one."""
        return bool(self.replies) and self.replies[-1].equals(reply)

    def refused_ids(self) -> list[str]:
        """The jobs that were clearly refused."""
        return [reply.job_id for reply in self.replies if not reply.is_uncertain]


def _words(texts: Iterable[str]) -> Iterable[str]:
    """The words of the texts without numbers and ids: whatever holds a digit is one."""
    for text in texts:
        for match in _WORD.finditer(text.casefold()):
            word = match.group()
            if not any(character.isdigit() for character in word):
                yield word


def _own_words(spec: JobSpec) -> list[str]:
    request = spec.request
    texts = [spec.id, spec.entry, request.model, request.prompt, request.negative_prompt, request.aspect_ratio]
    texts += [request.resolution, request.mode, request.action, request.video]
    texts += [image.source for image in request.images]
    texts += list(_leaves(request.options))
    texts += list(spec.variables.values())
    return list(_words(texts))[:MAX_FORGOTTEN_WORDS]


def _leaves(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)
