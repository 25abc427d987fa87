"""A task id anywhere in a reply means that a task exists, whatever stands around it and however it is written."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.dialects import DIALECTS
from batchvid.domain.wire import Accepted, Parent, Rejected, Response, Uncertain
from tests.builders import generation
from tests.dialects import CODED
from tests.dialects.readers import SUBMIT_READERS, for_each
from tests.dialects.test_mangled import often

IDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=6, max_size=40).filter(
    lambda found: found.strip("-_") and not found.startswith("req")
) | st.integers(10**6, 10**18)
STATUSES = st.sampled_from((200, 201, 202, 303, 400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504))
ERRORS: tuple[dict[str, Any], ...] = (
    {},
    {"error": {"message": "insufficient balance", "code": "insufficient_quota", "type": "invalid_request_error"}},
    {"error": "Not Found"},
    {"code": 1303, "message": "parallel task over resource pack limit"},
    {"code": "invalid_value", "message": "no"},
    {"detail": [{"loc": ["body", "prompt"], "msg": "Field required", "type": "missing"}]},
    {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
    {"success": False, "message": "no"},
)
WRAPPERS = ("", "data", "result", "task", "output", "response", "video")


@st.composite
def replies(draw: st.DrawFn) -> tuple[Response, str]:
    """A reply with an id under some key, somewhere, beside an error, under any status."""
    task_id = draw(IDS)
    holder: Any = {draw(st.sampled_from(("task_id", "taskId", "task-id", "id"))): task_id}
    if draw(st.booleans()):
        holder = {**holder, "message": "x", "model": "m"}
    for _ in range(draw(st.integers(0, 3))):
        key = draw(st.sampled_from(WRAPPERS))
        holder = {key: holder} if key else [holder]
    document: Any = {**draw(st.sampled_from(ERRORS)), **holder} if isinstance(holder, dict) else holder
    body = orjson.dumps(document)
    if draw(st.booleans()):
        text = draw(st.sampled_from(("upstream said: {}", "{}", "Error code: 400 - {}"))).replace("{}", body.decode())
        body = orjson.dumps({"error": {"message": text, "type": "server_error", "code": ""}})
    return Response(status=draw(STATUSES), body=body), str(task_id)


@often
@given(dialect=st.sampled_from(CODED), reply=replies())
@pytest.mark.pitfall("an acceptance is booked as refused and bought again")
def test_a_reply_with_an_id_is_never_refused(dialect: str, reply: tuple[Response, str]) -> None:
    """Accepted with the id, or uncertain with the id in the message."""
    response, task_id = reply
    read = DIALECTS[dialect].read_submit(response)
    assert not isinstance(read, Rejected), read
    if isinstance(read, Accepted):
        assert read.task_id == task_id


@for_each(SUBMIT_READERS)
@pytest.mark.parametrize("status", [200, 202, 400, 409, 429, 500, 504])
@pytest.mark.parametrize(
    "document",
    [
        {"task_id": "t-1000", "error": {"message": "prompt is required", "code": "invalid_request"}},
        {"error": {"message": "upstream timeout", "task_id": "t-1000"}},
        {"code": 1303, "message": "no", "data": {"task_id": "t-1000"}},
        {"data": [{"task_id": "t-1000"}]},
        [{"task_id": "t-1000"}],
        {"output": {"task_id": "t-1000", "task_status": "PENDING"}, "request_id": "r"},
        {"id": "t-1000", "status": "queued", "error": {"message": "x"}},
        {"code": "fail_to_fetch_task", "message": '400 - {"code":0,"data":{"task_id":"t-1000"}}', "data": None},
    ],
)
def test_a_task_id_is_accepted_under_any_status(dialect: str, status: int, document: Any) -> None:
    """Also beside an error, in a list, or in a document inside a message."""
    read = DIALECTS[dialect].read_submit(Response(status=status, body=orjson.dumps(document)))
    assert isinstance(read, Accepted)
    assert read.task_id == "t-1000"


TASK = '{"id":"task_1000","object":"video","status":"queued"}'


@for_each(SUBMIT_READERS)
@pytest.mark.parametrize(
    "body",
    [
        TASK.encode("utf-16"),
        TASK.encode("utf-16-le"),
        TASK.encode("utf-32-be"),
        b"\xef\xbb\xbf" + TASK.encode(),
        gzip.compress(TASK.encode(), mtime=0),
        zlib.compress(TASK.encode()),
        b'{"prompt":"\\ud83d","id":"task_1000","status":"queued"}',
        b'{"cost":1e400,"id":"task_1000","status":"queued"}',
        b'{"cost":NaN,"id":"task_1000","status":"queued"}',
        b'{"id":"task_1000","id":"","status":"queued"}',
        b'{"id":"task_1000","status":"queued","prompt":"a\nb"}',
        b'{"id":"task_1000","status":"queued","prompt":"a kite over the whe',
        b'{"id":"task_1000","status":"queued","cost":12',
        b'{"prompt":"\\ud83d","id":"task_1000","status":"queued","cost":1',
        b'"{\\"id\\":\\"task_1000\\",\\"status\\":\\"queued\\"}"',
        b"<br />\n<b>Warning</b>: x in y.php\n" + TASK.encode(),
        b"data: " + TASK.encode() + b"\n\ndata: [DONE]\n",
        b'{"ping":1}\n' + TASK.encode() + b"\n",
        TASK.encode() + b"\r\ngarbage",
        b"\xff" + TASK.encode(),
    ],
)
def test_no_way_of_writing_hides_the_id(dialect: str, body: bytes) -> None:
    """Encodings, compression, and JSON that a strict parser refuses."""
    read = DIALECTS[dialect].read_submit(Response(status=200, body=body))
    assert isinstance(read, Accepted), read
    assert read.task_id == "task_1000"


@pytest.mark.parametrize("body", [b'{"id":"task_10', b'{"object":"video","task_id":12345', b'{"id":"task_1'])
def test_half_an_id_is_no_id(body: bytes) -> None:
    """It would name another task: the submit is uncertain, and the message says why."""
    read = DIALECTS["videos"].read_submit(Response(status=200, body=body))
    assert isinstance(read, Uncertain)
    assert "cut off" in read.message


@for_each(SUBMIT_READERS)
@pytest.mark.parametrize(
    "document",
    [
        {"request_id": "4b2cd27e", "code": "InvalidParameter", "message": "no"},
        {"error": {"id": "err_1", "message": "no", "code": "invalid_value"}},
        {"id": "req_123", "error": {"message": "no", "code": "invalid_value"}},
        {"error": {"message": "no", "code": "invalid_value"}, "user": {"id": "u-1"}, "user_id": "u-2"},
        {"detail": [{"msg": "no", "type": "missing", "input": {"task_id": "sent-by-us"}}]},
    ],
)
def test_another_things_id_does_not_hide_a_refusal(dialect: str, document: Any) -> None:
    """A trace id, an error's own id, a user's id, and what the vendor repeats of the request."""
    read = DIALECTS[dialect].read_submit(Response(status=400, body=orjson.dumps(document)))
    assert isinstance(read, Rejected), read


@for_each(SUBMIT_READERS)
def test_an_id_that_may_be_a_tasks_leaves_the_submit_uncertain(dialect: str) -> None:
    """The message holds it, for the person who decides."""
    body = orjson.dumps({"id": "8c1f9e20", "error": {"message": "no", "code": "invalid_value"}})
    read = DIALECTS[dialect].read_submit(Response(status=400, body=body))
    assert isinstance(read, Uncertain)
    assert "8c1f9e20" in read.message


def test_an_id_of_ours_that_is_repeated_is_no_new_task() -> None:
    """The vendor names the parent that it does not know."""
    sent = generation(model="sora-2", prompt="p", parent=Parent(task_id="video_1"))
    body = orjson.dumps({"error": {"message": "no such video", "code": "invalid_value", "video_id": "video_1"}})
    assert isinstance(DIALECTS["openai-videos"].read_submit(Response(status=404, body=body), sent=sent), Rejected)


@for_each(SUBMIT_READERS)
@pytest.mark.parametrize(
    ("status", "sentence", "named"),
    [
        (400, "Timeout waiting for task cgt-20251130120000-abcde to finish", "cgt-20251130120000-abcde"),
        (429, "task_id: 878106242831892487 was created, but is throttled", "878106242831892487"),
        (422, "Task (id) task_01ABC8d9f2 is processing", "task_01ABC8d9f2"),
    ],
)
@pytest.mark.pitfall("an acceptance is booked as refused and bought again")
def test_a_task_that_a_sentence_names_leaves_the_submit_uncertain(
    dialect: str, status: int, sentence: str, named: str
) -> None:
    """In an error's message as in a plain text."""
    for body in (orjson.dumps({"error": {"message": sentence, "code": "invalid_value"}}), sentence.encode()):
        read = DIALECTS[dialect].read_submit(Response(status=status, body=body))
        assert isinstance(read, Uncertain)
        assert named in read.message


@pytest.mark.parametrize(
    "sentence",
    [
        "task parameter duration is not supported (request id: 20251130120000123456)",
        "Model task-video-01 was not found",
        "the source task video-12345678 cannot be extended",
        "task_not_exist: see https://example.com/docs/task-types",
    ],
)
def test_what_the_user_sent_and_other_words_name_no_task(sentence: str) -> None:
    """The request's own model and parent, a trace id and a word without digits."""
    sent = generation(model="task-video-01", prompt="kite", parent=Parent(task_id="video-12345678"))
    body = orjson.dumps({"error": {"message": sentence, "code": "invalid_value"}})
    read = DIALECTS["openai-videos"].read_submit(Response(status=400, body=body), sent=sent)
    assert isinstance(read, Rejected)


def test_a_redirect_to_a_task_is_no_refusal() -> None:
    """A server may answer a submit with the address of what it made; a login page is none."""
    for location, kind in (("/v1/videos/764cabcf-b745-4b3e", Uncertain), ("https://portal.example/login", Rejected)):
        read = DIALECTS["openai-videos"].read_submit(Response(status=302, headers={"location": location}))
        assert isinstance(read, kind)


def test_a_trace_id_in_the_tasks_own_address_is_the_tasks() -> None:
    """As in fal's queue; beside an error, or without such an address, it stays a trace id."""
    address = "https://queue.example/requests/764cabcf-b745/status"
    queued = {"status": "IN_QUEUE", "request_id": "764cabcf-b745", "status_url": address}
    read = DIALECTS["gateway"].read_submit(Response(status=200, body=orjson.dumps(queued)))
    assert isinstance(read, Accepted)
    assert read.task_id == "764cabcf-b745"
    for other in ({**queued, "status_url": ""}, {**queued, "error": {"message": "no"}}):
        read = DIALECTS["gateway"].read_submit(Response(status=200, body=orjson.dumps(other)))
        assert isinstance(read, Uncertain)
