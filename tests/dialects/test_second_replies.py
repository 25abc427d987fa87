"""The second request of a finished task at MiniMax's first wire, and what queues confirm."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from batchvid.dialects import DIALECTS
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Phase, Rejected, Response, Status
from batchvid.errors import UnreadableReply

READ = DIALECTS["minimax-v1"].read_result
LINK = "https://cdn.example/clip.mp4"


def read(document: Any, status: int = 200) -> Status | Rejected:
    assert READ is not None
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return READ(Response(status=status, body=body), "t-1")


def test_the_file_of_a_finished_task() -> None:
    """Its id is a number of 64 bits, and stays a text."""
    found = read({"file": {"file_id": 205258526306433, "download_url": LINK}, "base_resp": {"status_code": 0}})
    assert isinstance(found, Status)
    assert (found.phase, found.assets[0].location) == (Phase.SUCCEEDED, LINK)
    assert found.vendor_metadata == {"file_id": "205258526306433"}


@pytest.mark.parametrize(
    ("document", "status", "kind"),
    [
        ({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, 200, FailureKind.RATE),
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, 200, FailureKind.AUTH),
        ({"file": {"file_id": 1}}, 200, FailureKind.UNAVAILABLE),
        ({"file": "none"}, 200, FailureKind.UNAVAILABLE),
        (b"", 502, FailureKind.UNAVAILABLE),
    ],
)
def test_a_reply_without_a_file_proves_nothing_of_the_task(document: Any, status: int, kind: FailureKind) -> None:
    """The task is polled again; it is paid for."""
    found = read(document, status)
    assert isinstance(found, Rejected)
    assert found.kind is kind


def test_a_page_is_unreadable() -> None:
    """A 200 that is no JSON."""
    with pytest.raises(UnreadableReply):
        read(b"<html>welcome</html>")


@pytest.mark.parametrize(
    ("status", "document", "done"),
    [(200, {"status": "CANCELLED"}, True), (202, {"status": "CANCELLATION_REQUESTED"}, False), (400, {}, False)],
)
def test_fal_confirms_a_cancellation(status: int, document: Any, done: bool) -> None:
    """A request that is only noted is confirmed by polls."""
    assert DIALECTS["fal"].is_cancelled(Response(status=status, body=orjson.dumps(document))) is done
