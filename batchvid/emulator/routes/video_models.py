"""What the models behind `/v1/videos` have in common: their errors, their images, their numbers."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from batchvid.emulator.body_parsing import Form
from batchvid.emulator.rendering.input_images import BadImage, Still
from batchvid.emulator.replies import Refusal, x1, x2
from batchvid.emulator.routes.video_object import Failure
from batchvid.emulator.service import Ask, Desk, Family, Order
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import Outcome

MODERATED = "The prompt was refused by our content policy"
_ALPHANUMERIC = str.maketrans("-_", "Zz")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoModel:
    """One model family on the shared path.

    `takes` says whether a (lower-case) model name is its own; `shape` names the setting with its finished shape;
    `submitted` and `polled` are the fields its objects add to the common ones.
    """

    family: Family
    takes: Callable[[str], bool]
    shape: str
    order: Callable[[Desk, Ask, Form], Awaitable[Order]]
    submitted: Callable[[Task], dict[str, Any]]
    polled: Callable[[Task], dict[str, Any]]


def task_id() -> str:
    """`task_` and 32 letters or digits (3.5 of the wire notes)."""
    return "task_" + secrets.token_urlsafe(24).translate(_ALPHANUMERIC)


def refuse(kind: str, message: str) -> web.Response:
    """The named refusals on `/v1/videos`: CometAPI's own, and the new-api family's where CometAPI shows none."""
    said = message or _MESSAGES[kind]
    if kind == "balance":
        return x2(403, "insufficient_user_quota", said)
    if kind == "moderation":
        return x2(400, "sensitive_words_detected", said)
    status, error_type, code = _X1[kind]
    return x1(status, said, kind=error_type, code=code)


_MESSAGES = {
    "rate": "Rate limit reached, please slow down",
    "concurrency": "Too many concurrent tasks, please wait until one of them is finished",
    "balance": "user quota is not enough",
    "auth": "Invalid token",
    "unavailable": "The upstream service is temporarily unavailable",
    "invalid": "Invalid parameter",
    "moderation": MODERATED,
}
_X1 = {
    "rate": (429, "comet_api_error", "rate_limit_exceeded"),
    "concurrency": (429, "comet_api_error", "concurrency_limit_exceeded"),
    "auth": (401, "comet_api_error", ""),
    "unavailable": (503, "comet_api_error", ""),
    "invalid": (400, "comet_api_error", "InvalidParameter"),
}

_FAILURES = {
    Outcome.FAIL: Failure("generation_failed", "The video could not be generated"),
    Outcome.FAIL_SILENT: Failure("", ""),
    Outcome.MODERATION: Failure("prompt_blocked", MODERATED),
    Outcome.ERROR: Failure("internal_error", "Internal error of the provider"),
    Outcome.CANCELLED: Failure("cancelled", "The task was cancelled"),
    Outcome.EXPIRED: Failure("expired", "The task has expired"),
}


def failure(task: Task, *, moderation_code: str = "prompt_blocked") -> Failure:
    """What the task says when it has failed: the rule's words, else what the vendor would say."""
    usual = _FAILURES.get(task.outcome, Failure("", ""))
    if task.outcome is Outcome.MODERATION:
        usual = Failure(moderation_code, usual.message)
    return Failure(task.code or usual.code, task.message or usual.message)


def bad_parameter(name: str, message: str, *, code: str = "InvalidParameter") -> Refusal:
    """A 400 about one field."""
    return Refusal(x1(400, message, kind="invalid_request_error", param=name, code=code))


def required_prompt(form: Form) -> None:
    """Raise Refusal (400) when there is no prompt."""
    if not form.text("prompt").strip():
        raise Refusal(x2(400, "invalid_request", "prompt is required"))


async def references(desk: Desk, form: Form, *, at_most: int) -> list[Still]:
    """The `input_reference` images in their order. Raises Refusal (400): too many, or not an image."""
    files = [file for file in form.files if file.field in ("input_reference", "input_reference[]")]
    if len(files) > at_most:
        raise bad_parameter("input_reference", f"At most {at_most} input_reference files are allowed")
    try:
        return [await desk.stills.take(file.data, field=file.field, filename=file.filename) for file in files]
    except BadImage as error:
        raise bad_parameter("input_reference", f"The image cannot be read: {error}") from None
