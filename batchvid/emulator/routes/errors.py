"""The vendors' words for refusals and failures, as data/errors.json lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from batchvid.emulator.replies import Refuse
from batchvid.emulator.task import Task

_WORDS: dict[str, Any] = orjson.loads((Path(__file__).parents[1] / "data" / "errors.json").read_bytes())


@dataclass(frozen=True, slots=True)
class Failure:
    """The code and message of a failed task; both empty when it has none."""

    code: str
    message: str


def refusals(vendor: str, envelope: Callable[[int, Any, str], web.Response]) -> Refuse:
    """The named refusals of a vendor; `envelope` builds a reply from status, code and message."""

    def refuse(kind: str, message: str) -> web.Response:
        status, code, default = _WORDS[vendor]["refusals"][kind]
        return envelope(status, code, message or default)

    return refuse


def failure_of(task: Task) -> Failure:
    """The failure of a task: the texts of the fault rule, otherwise its family's default (or that of `videos`)."""
    defaults = _WORDS.get(task.family, {}).get("failures", _WORDS["videos"]["failures"])
    code, message = defaults.get(task.outcome, ("", ""))
    return Failure(task.code or code, task.message or message)
