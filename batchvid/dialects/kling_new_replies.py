"""Reads the replies of Kling's new wire: a list of tasks, for polls of one or many and for look-ups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from batchvid.dialects.common import poll_replies, refusals, submit_replies
from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import Path, beginning, identifier, text
from batchvid.dialects.common.vendor_codes import TABLES
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.wire import Candidate, Phase, Rejected, Response, Status
from batchvid.errors import UnreadableReply

__all__ = ["read_lookup", "read_many", "read_poll"]

VENDOR: dict[str, Path] = {"video_id": ("outputs", 0, "id")}


def read_poll(response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
    """Read a poll reply. A list without the task means that Kling does not know it. Raises UnreadableReply."""
    listed = _listed(response)
    if listed is None:
        return _with_units(poll_replies.read_poll(response, task_id=task_id, prompt=prompt, vendor=VENDOR), {})
    found = [task for task in listed if task_id in (_id(task), text(task.get("external_id")))]
    reads = [_read_task(task, task_id, prompt) for task in found or (None,)]
    if len({read.phase if isinstance(read, Status) else None for read in reads}) > 1:
        return Status(phase=Phase.UNKNOWN, vendor_status="several at once")
    return reads[0]


def read_many(response: Response, prompts: Mapping[str, str]) -> Mapping[str, Status] | Rejected:
    """Read the reply to a poll of several tasks: a status for each that it names, without contradiction.

    Raises UnreadableReply.
    """
    listed = _listed(response)
    if listed is None:
        read = poll_replies.read_poll(response)
        if isinstance(read, Rejected):
            return read
        raise UnreadableReply("the reply lists no tasks", beginning(response.body))
    named: dict[str, Status] = {}
    contradicted: set[str] = set()
    for task in listed:
        if (task_id := _id(task)) in prompts:
            status = _read_named(task, task_id, prompts[task_id])
            if named.setdefault(task_id, status).phase is not status.phase:
                contradicted.add(task_id)
    return {task_id: status for task_id, status in named.items() if task_id not in contradicted}


def _read_named(task: dict[str, Any], task_id: str, prompt: str) -> Status:
    """Read a task of a list. One that is there and tells nothing is alive."""
    try:
        read = _read_task(task, task_id, prompt)
    except UnreadableReply:
        return Status(phase=Phase.UNKNOWN)
    return read if isinstance(read, Status) else Status(phase=Phase.UNKNOWN, vendor_status=read.code)


def read_lookup(response: Response) -> tuple[Candidate, ...] | Rejected:
    """Read the tasks under our own id: an empty list means that there is none."""
    listed = _listed(response)
    if listed is not None:
        return tuple(
            Candidate(task_id=_id(task), external_id=text(task.get("external_id"))) for task in listed if _id(task)
        )
    vendor_error = find_error(parse(response.body))
    if refusals.is_unseen(response, vendor_error):
        return ()
    read = submit_replies.read_submit(response, table=TABLES["kling"])
    if isinstance(read, Rejected):
        return read
    return refusals.build_rejection(response, vendor_error, FailureKind.UNAVAILABLE)


def _listed(response: Response) -> list[dict[str, Any]] | None:
    """Return the tasks of a reply that lists them, None for every other reply."""
    document = parse(response.body)
    listed = document.get("data") if document is not None and 200 <= response.status < 300 else None
    is_fine = document is not None and text(document.get("code", 0)) == "0"
    if not isinstance(listed, list) or not is_fine:
        return None
    return [task for task in listed if isinstance(task, dict)]


def _id(task: Mapping[str, Any]) -> str:
    return identifier(task.get("id")) or identifier(task.get("task_id"))


def _read_task(task: dict[str, Any] | None, task_id: str, prompt: str) -> Status | Rejected:
    """Read one task of a list as if the reply were of it alone."""
    if task is None:
        return Status(phase=Phase.UNSEEN, vendor_status="not found", message="the list of tasks is without it")
    alone = Response(status=200, body=orjson.dumps({"code": 0, "data": task}))
    return _with_units(poll_replies.read_poll(alone, task_id=task_id, prompt=prompt, vendor=VENDOR), task)


def _with_units(read: Status | Rejected, task: Mapping[str, Any]) -> Status | Rejected:
    """The status with the units of its bill. A failed task with a bill of none was not charged."""
    if isinstance(read, Rejected):
        return read
    units = _units(task.get("billing"))
    if units is None:
        return read
    metadata = {**read.vendor_metadata, "units": f"{units:f}"}
    if read.phase is Phase.FAILED and read.charged is Charged.UNKNOWN:
        read = replace(read, charged=Charged.YES if units else Charged.NO)
    return replace(read, vendor_metadata=metadata)


def _units(bills: object) -> Decimal | None:
    """Add up the charges in units of a package; None where one of them is in money, or no number."""
    if not isinstance(bills, list) or not bills:
        return None
    total = Decimal(0)
    for bill in bills:
        if not isinstance(bill, dict) or bill.get("charge_type") != "unit":
            return None
        try:
            total += Decimal(str(bill.get("amount"))[:32])
        except InvalidOperation:
            return None
    return total if total.is_finite() and total >= 0 else None
