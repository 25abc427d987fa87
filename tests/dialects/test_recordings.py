"""Every recording, read and written by its dialect: the recordings are the truth, the code is judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from batchvid.dialects import DIALECTS
from batchvid.domain.wire import Accepted, Rejected, Status, Uncertain
from batchvid.errors import UnreadableReply
from tests.exchanges import Recording, as_recorded, load

RECORDINGS = load()
STEPS = ("submit", "poll")
"""Those that every dialect has; `result` is the reply to the second request of a finished task."""


def name(recording: Recording) -> str:
    return f"{recording.dialect}/{recording.case}"


def case(recording: Recording) -> Any:
    """A recording as a parameter, marked with the pitfall that it guards against."""
    marks = [pytest.mark.pitfall(recording.pitfall)] if recording.pitfall else []
    return pytest.param(recording, id=name(recording), marks=marks)


def verdict(recording: Recording) -> tuple[str, Accepted | Rejected | Uncertain | Status | None]:
    dialect = DIALECTS[recording.dialect]
    try:
        read: Accepted | Rejected | Uncertain | Status
        if recording.step == "submit":
            read = dialect.read_submit(recording.response)
        elif recording.step == "result":
            assert dialect.read_result is not None
            read = dialect.read_result(recording.response, recording.task_id)
        else:
            read = dialect.read_poll(recording.response, recording.task_id)
    except UnreadableReply:
        return "unreadable", None
    return type(read).__name__.casefold(), read


def plain(value: Any) -> Any:
    """A verdict's field as a recording writes it; a keyed asset is the one that is a path."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        assert all(asset.keyed == (asset.location[:1] == "/" != asset.location[1:2]) for asset in value)
        return [asset.location for asset in value]
    return dict(value) if isinstance(value, dict) else value


@pytest.mark.parametrize("recording", [case(r) for r in RECORDINGS])
def test_a_reply_means_what_its_recording_says(recording: Recording) -> None:
    """The dialect reads each recorded reply as the recording says, in every field that it names."""
    ((expected, fields),) = recording.means.items()
    kind, read = verdict(recording)
    assert expected == kind, read
    if isinstance(fields, dict):
        assert fields == {field: plain(getattr(read, field)) for field in fields}


@pytest.mark.parametrize("recording", [case(r) for r in RECORDINGS if r.order])
def test_an_order_becomes_the_recorded_request(recording: Recording) -> None:
    """The dialect writes exactly the recorded request: path, headers, each field and file in order."""
    dialect, order = DIALECTS[recording.dialect], recording.order
    assert order is not None
    request = dialect.submit(order) if recording.step == "submit" else dialect.poll(order, recording.task_id)
    assert recording.request == as_recorded(request)


@pytest.mark.parametrize("recording", [r for r in RECORDINGS if r.order and r.step == "submit"], ids=name)
def test_planning_needs_no_image_bytes(recording: Recording) -> None:
    """An order that can be sent is also accepted while planning, when the bytes of its images are not read yet."""
    order = recording.order
    assert order is not None
    planned = replace(order, images=tuple(replace(image, data=b"") for image in order.images))
    assert as_recorded(DIALECTS[recording.dialect].submit(planned))["path"] == (recording.request or {})["path"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_is_recorded_at_every_turn(dialect: str) -> None:
    """Each dialect has recordings of a submit and a poll request, and of every verdict that matters to a job."""
    recorded = load(dialect)
    assert {r.step for r in recorded if r.order} == set(STEPS)
    verdicts = {(r.step, next(iter(r.means))) for r in recorded}
    assert {("submit", "accepted"), ("submit", "rejected"), ("submit", "uncertain"), ("poll", "rejected")} <= verdicts
    phases = {r.means["status"]["phase"] for r in recorded if "status" in r.means}
    assert {"queued", "running", "succeeded", "failed", "unseen"} <= phases
    kinds = {r.means["rejected"]["kind"] for r in recorded if "rejected" in r.means}
    assert {"rate", "auth", "invalid"} <= kinds


@pytest.mark.parametrize("recording", RECORDINGS, ids=name)
def test_a_recording_names_its_source_and_holds_no_key(recording: Recording) -> None:
    """Each recording says where it comes from, when and how sure it is, and no request holds a key."""
    assert recording.source
    assert datetime.fromisoformat(recording.date)
    assert recording.confidence in ("firm", "plausible")
    assert recording.step in (*STEPS, "result")
    headers = {header.casefold() for header in (recording.request or {}).get("headers", {})}
    assert not headers & {"authorization", "x-api-key", "cookie"}
