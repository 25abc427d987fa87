"""Replies to a submit that have no JSON body: an id in a header or an address, a named status alone."""

from __future__ import annotations

from typing import Any

import pytest

from batchvid.dialects.json_task import read_definition
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Accepted, Rejected, Response, Status, Uncertain
from tests.dialects.test_json_task import BASE, OPTIONS, dialect, order, placed, reply, sent

LOCATION = {"id": "header Location", "poll": "/v2/renders/{id}"}


@pytest.mark.parametrize(
    ("changes", "response", "task_id"),
    [
        ({"id": "header X-Task-Id"}, reply({"ok": True}, 202, **{"x-task-id": "ab-1"}), "ab-1"),
        (LOCATION, reply(b"", 201, location="/v2/renders/ab1"), "ab1"),
        (LOCATION, reply(b"", 201, location="https://api.example/v2/renders/ab1?full=1"), "ab1"),
        (LOCATION, reply(b"", 201, location="/elsewhere/ab1/"), "ab1"),
        (LOCATION, reply(b"", 201, location="ab1"), "ab1"),
        ({"id": "header location", "poll": "/state?no={id}"}, reply(b"", 201, location="/state?no=17&x=2"), "17"),
        ({"id": "header location", "poll": "/r/{id}/state"}, reply(b"", 201, location="/r/a%3A1/state"), "a:1"),
        ({"id": "/links/self"}, reply({"links": {"self": "https://api.example/v2/renders/ab1"}}), "ab1"),
    ],
)
def test_an_id_in_a_header_or_an_address(changes: dict[str, Any], response: Response, task_id: str) -> None:
    """A header holds the id, or the task's address; the id is polled."""
    wire = dialect(**changes)
    found = wire.read_submit(response)
    assert isinstance(found, Accepted), found
    assert found.task_id == task_id
    assert "{id}" not in wire.poll(order(), task_id).path


@pytest.mark.parametrize(
    "response",
    [
        reply(b"", 201),
        reply(b"", 201, location="/"),
        reply(b"", 500, location="/v2/renders/ab12345678"),
        reply(b"", 409, location="/v2/renders/ab12345678"),
        reply(b"", 400, location="/v2/renders/ab12345678"),
    ],
)
def test_a_header_without_an_id_or_beside_an_error_proves_nothing(response: Response) -> None:
    """No id, or an error that names a task: uncertain, also with a status that the definition names."""
    assert isinstance(dialect(**LOCATION).read_submit(response), Uncertain)


@pytest.mark.parametrize("body", [b"", b"no such engine", b'{"oops": 1}', b'{"why": "new"}'])
def test_a_named_status_is_a_refusal_whatever_the_body(body: bytes) -> None:
    """Servers that write no JSON errors are named by their statuses alone."""
    found = dialect().read_submit(reply(body, 400))
    assert isinstance(found, Rejected), found
    assert found.kind is FailureKind.INVALID


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Bad Request</body></html>",
        b'{"oops": {"task_id": "task-12345678"}}',
        b"task task-12345678 exists",
        b"a duplicate request",
        b'{"why": "od',
    ],
)
def test_a_named_status_is_no_proof_beside_a_task_or_a_page(body: bytes) -> None:
    """A page may be somebody else's, and an id may be a task's."""
    assert not isinstance(dialect().read_submit(reply(body, 400)), Accepted | Rejected), body


def test_a_status_named_uncertain_is_uncertain_without_a_body() -> None:
    """`uncertain` outranks what HTTP says of a status, also with an empty reply."""
    refusals = {"uncertain": 429}
    assert isinstance(dialect(refusals=refusals).read_submit(reply(b"", 429)), Uncertain)
    assert isinstance(dialect(refusals={}).read_submit(reply(b"", 429)), Rejected)


def test_a_code_of_a_failed_task_may_name_a_filter_or_a_cancellation() -> None:
    """The status word says `failed`, the code beside it why; no word of a table's other codes decides."""
    words = {**BASE["words"], "moderated": "SAFE_7", "cancelled": "GONE_9"}
    kinds = {"SAFE_7": FailureKind.MODERATION_OUTPUT, "GONE_9": FailureKind.CANCELLED}
    for code, kind in kinds.items():
        failed = reply({"why": code, "job": {"state": "burnt", "no": 4711}})
        found = dialect(words=words).read_poll(failed, "4711")
        assert isinstance(found, Status)
        assert found.kind is kind


@pytest.mark.parametrize(
    ("changes", "response", "confirmed"),
    [
        ({}, reply(b"", 204), True),
        ({}, reply({"why": "too_late"}), False),
        ({}, reply({"why": "user", "job": {"state": "gone"}}), True),
        ({}, reply({"why": "too_late"}, 409), False),
        ({"ok": {"at": "/code", "is": 0}}, reply({"code": 41}), False),
        ({"ok": {"at": "/code", "is": 0}}, reply({"code": 0, "why": "user"}), True),
    ],
)
def test_a_cancellation_is_confirmed_by_a_good_reply(
    changes: dict[str, Any], response: Response, confirmed: bool
) -> None:
    """A vendor that answers errors with HTTP 200 has not cancelled the task then."""
    words = {**BASE["words"], "cancelled": "gone"}
    calls = {"cancel": "/x/{id}", "cancel_until": "queued", "words": words}
    assert dialect(**calls, **changes).is_cancelled(response) is confirmed


def test_sizes_are_written_as_the_table_writes_them() -> None:
    """W*H in the table is W*H in the request, for a tier and for exact pixels."""
    table = {"values": {"size": {"720p 16:9": "1280*720"}}}
    tier = order(resolution="720p", aspect_ratio="16:9")
    assert sent({"s": "{size}"}, tier, **table)["s"] == "1280*720"
    assert sent({"s": "{size}"}, order(resolution="640x480"), **table)["s"] == "640*480"
    assert sent({"w": "{width}", "h": "{height}"}, tier, **table) | {"w": 1280, "h": 720} == sent(
        {"w": "{width}", "h": "{height}"}, tier, **table
    )


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"submit": "/../x"}, "submit", "below the provider's base_url"),
        ({"submit": "/%2e%2e/x"}, "submit", "below the provider's base_url"),
        ({"poll": "//evil.example/{id}"}, "poll", "below the provider's base_url"),
        ({"content": "//evil.example/{id}"}, "content", "below the provider's base_url"),
        ({"content": "https://evil.example/{id}"}, "content", "must be a path, such as /v1/tasks/{id}/file"),
        ({"cancel": "/a/\\b/{id}", "cancel_until": "queued"}, "cancel", "no backslash"),
        ({"poll": "/x/{id}#a"}, "poll", "without #"),
        ({"submit": "/x?api_key=abcdef"}, "submit", "the key does not stand here"),
        ({"headers": {"Host": "evil.example"}}, "headers.Host", "belongs to the connection"),
        ({"headers": {"X-Thing": "Bearer abcdefghijklmnop"}}, "headers.X-Thing", "the key does not stand here"),
        (placed(k="sk-live-abcdefghijklmnop"), "body.k", "the key does not stand here"),
        (placed(k="{api_key}"), "body.k", "unknown variable {api_key}"),
        (placed(k="x" * 200_001), "body", "is too large"),
        ({"id": "job"}, "id", "or a header, such as header Location"),
    ],
)
def test_a_definition_stays_at_its_provider_and_holds_no_key(changes: dict[str, Any], place: str, message: str) -> None:
    """Another address, a key and a giant are refused, each at its key, and the key is not shown."""
    definition, problems = read_definition({**BASE, **changes})
    assert definition is None
    found = {".".join(map(str, one.path)): one.message for one in problems}
    assert message in found.get(place, ""), problems
    assert "abcdefghijklmnop" not in str(problems)


def test_a_definition_nested_too_deep_is_refused() -> None:
    """Neither a small depth above the limit nor a huge one ends in an error of batchvid itself."""
    for depth in (40, 5000):
        value: Any = "x"
        for _ in range(depth):
            value = {"a": value}
        _, problems = read_definition({**BASE, **OPTIONS, "body": value})
        assert [one.message for one in problems] == ["is nested deeper than 32 levels"]
