"""Reads the account pages of the new-api family, CometAPI's included: tasks with their quota, refunds, the balance.

Sources: cometapi-cli 0.3.10 (its client, tasks and logs), new-api's controllers of tasks, logs and billing.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import dig, identifier, moment, text
from batchvid.domain.bills import BillEntry
from batchvid.domain.wire import Candidate, Response
from batchvid.errors import UnreadableReply

TASKS, LOGS, STATUS = "/api/task/self", "/api/log/self", "/api/status"
QUOTA_PER_USD = Decimal(500_000)
REFUND = 6  # the type of a log row
UNLIMITED_USD = Decimal(10**8)
MAX_QUOTA = 10**15  # no task, and no dollar, is so many units

_WORD = re.compile(r"[\w-]{6,200}")


class AccountRefused(UnreadableReply):
    """The page is refused, most likely because of its token: another try does not help."""


@dataclass(frozen=True, slots=True)
class AccountPage:
    """The rows of one page, and how many rows all pages have; 0 where the reply does not say."""

    rows: tuple[Mapping[str, Any], ...]
    total: int


def read_page(response: Response, path: str) -> AccountPage:
    """Read one page: a list, or `items` or `data` inside `data`. Raises UnreadableReply, AccountRefused."""
    document = parse(response.body) or {}
    message = text(document.get("message")) or text(dig(document, ("error", "message")))
    if response.status != 200 or document.get("success") is False:
        refused = response.status in (200, 401, 403)  # new-api refuses a wrong token with a 200
        words = f"{path} answers HTTP {response.status}{f': {message}' if message else ''}"
        raise AccountRefused(words) if refused else UnreadableReply(words)
    data = document.get("data")
    inner = data if isinstance(data, list) else dig(data, ("items",)) or dig(data, ("data",))
    if inner is None and isinstance(data, dict):
        inner = []
    if not isinstance(inner, list):
        raise UnreadableReply(f"{path} answers HTTP {response.status} without a list")
    total = dig(data, ("total",))
    rows = tuple(row for row in inner if isinstance(row, dict))
    return AccountPage(rows, total if isinstance(total, int) and not isinstance(total, bool) else 0)


def read_quota_per_usd(response: Response) -> Decimal:
    """Read how many units are a dollar here; the family's default where the server does not say."""
    value = dig(parse(response.body) or {}, ("data", "quota_per_unit"))
    is_usable = isinstance(value, int | float) and 1 <= value <= MAX_QUOTA
    return Decimal(str(value)) if is_usable else QUOTA_PER_USD


def charges(rows: Collection[Mapping[str, Any]], per_usd: Decimal) -> Iterator[BillEntry]:
    """Yield what each task was charged: by the last of its rows, which may be on several pages while it runs."""
    found: dict[str, BillEntry] = {}
    for row in rows:
        task_id, quota = identifier(row.get("task_id")), _quota(row)
        if task_id and quota is not None and quota >= 0:
            found[task_id] = BillEntry(task_id=task_id, usd=quota / per_usd, model=_model(row))
    yield from found.values()


def refunds(rows: Collection[Mapping[str, Any]], per_usd: Decimal, known: Collection[str]) -> Iterator[BillEntry]:
    """Yield the refunds of `known` tasks: by the row's own field, else by a task id that its text names."""
    for row in rows:
        quota = _quota(row)
        if row.get("type") != REFUND or not quota:
            continue
        named = identifier(dig(parse(text(row.get("other"), 4000)) or {}, ("task_id",)))
        words = set(_WORD.findall(text(row.get("content"), 2000)))
        found = {named} if named else words & set(known)
        if len(found) == 1 and (task_id := found.pop()) in known:
            yield BillEntry(task_id=task_id, usd=-abs(quota) / per_usd)


def candidates(rows: Collection[Mapping[str, Any]]) -> tuple[Candidate, ...]:
    """Return the tasks, each once. new-api's own rows may have the prompt, as `properties.input`."""
    found: dict[str, Candidate] = {}
    for row in rows:
        if task_id := identifier(row.get("task_id")):
            created_at = moment(row.get("created_at")) or moment(row.get("submit_time"))
            prompt = text(dig(row, ("properties", "input")))
            found[task_id] = Candidate(task_id=task_id, model=_model(row), prompt=prompt, created_at=created_at)
    return tuple(found.values())


def _model(row: Mapping[str, Any]) -> str:
    return text(row.get("model_name")) or text(dig(row, ("properties", "origin_model_name")))


def _quota(row: Mapping[str, Any]) -> Decimal | None:
    value = row.get("quota")
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return Decimal(value) if abs(value) <= MAX_QUOTA else None
