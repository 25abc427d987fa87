"""What the models on `/v1/videos` have in common: errors, images, ids."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from batchvid.emulator.rendering.input_images import InputImage
from batchvid.emulator.replies import ErrorResponse, Refuse, openai_error, task_error
from batchvid.emulator.routes.errors import refusals
from batchvid.emulator.routes.images import store_image
from batchvid.emulator.service import ClipSpec, Family, SubmitRequest
from batchvid.emulator.task import Task

_ALPHANUMERIC = str.maketrans("-_", "Zz")


def task_id() -> str:
    """`task_` and 32 letters or digits (wire-notes 3.5)."""
    return "task_" + secrets.token_urlsafe(24).translate(_ALPHANUMERIC)


def envelope(status: int, code: str, message: str) -> web.Response:
    """CometAPI's error; OpenAI's or the new-api family's for the codes where CometAPI shows none."""
    if code in ("insufficient_user_quota", "sensitive_words_detected"):
        return task_error(status, code, message)
    kind = "invalid_request_error" if code == "moderation_blocked" else "comet_api_error"
    return openai_error(status, message, kind=kind, code=code)


refuse = refusals("videos", envelope)


def bad_parameter(name: str, message: str, *, code: str = "InvalidParameter") -> ErrorResponse:
    """A 400 about one field."""
    return ErrorResponse(openai_error(400, message, kind="invalid_request_error", param=name, code=code))


def require_prompt(submit: SubmitRequest) -> None:
    """Raise ErrorResponse (400) when there is no prompt."""
    if not submit.prompt.strip():
        raise ErrorResponse(task_error(400, "invalid_request", "prompt is required"))


async def references(submit: SubmitRequest, *, max_count: int) -> list[InputImage]:
    """The `input_reference` images in their order. Raises ErrorResponse (400): too many, or not an image."""
    files = [file for file in submit.form.files if file.field in ("input_reference", "input_reference[]")]
    if len(files) > max_count:
        raise bad_parameter("input_reference", f"At most {max_count} input_reference files are allowed")

    invalid = partial(bad_parameter, "input_reference")
    return [await store_image(submit, file, file.field, invalid, label="The image") for file in files]


def own_task_id(task: Task) -> dict[str, Any]:
    """The second id that most objects on this path have."""
    return {"task_id": task.id}


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoModel:
    """One model family on the shared path; the setting `<name>_shape` is the shape of its finished object."""

    name: str
    takes: Callable[[str], bool]  # whether a (lower-case) model name belongs to it
    clip: Callable[[SubmitRequest], Awaitable[ClipSpec]]
    new_id: Callable[[], str] = task_id
    refuse: Refuse = refuse
    submitted: Callable[[Task], dict[str, Any]] = own_task_id  # fields of its objects beside the common ones
    polled: Callable[[Task], dict[str, Any]] = own_task_id

    @property
    def family(self) -> Family:
        """Its family."""
        return Family(self.name, self.new_id, self.refuse)
