"""One poll for many tasks: what is asked, and what a reply says of each."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given

from batchvid.dialects import DIALECTS
from batchvid.dialects.dialect import PollMany
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Phase, Rejected, Response, Status
from batchvid.errors import UnreadableReply
from tests.dialects.test_mangled import RESPONSES, often

EVERY = [dialect.poll_many for dialect in DIALECTS.values() if dialect.poll_many is not None]
PROMPTS = {"1": "a kite", "2": "a boat", "3": "a crane"}


def reply(*tasks: dict[str, Any], status: int = 200, code: int = 0) -> Response:
    return Response(status=status, body=orjson.dumps({"code": code, "message": "m", "data": tasks}))


def kling() -> PollMany:
    many = DIALECTS["kling-new"].poll_many
    assert many is not None
    return many


def test_the_ids_stand_in_one_query() -> None:
    """Separated by commas; an id that holds one, or anything else, stays one id."""
    assert kling().build(["1", "2"]).path == "/tasks?task_ids=1,2"
    assert kling().build(["a,b", "c/d&e"]).path == "/tasks?task_ids=a%2Cb,c%2Fd%26e"


def test_each_task_has_its_own_status() -> None:
    """Others are ignored, one that tells nothing is alive, and missing ones are not there."""
    read = kling().read(
        reply(
            {"id": "1", "status": "failed", "message": "a kite is not allowed"},
            {"id": "2"},
            {"id": "9", "status": "failed"},
        ),
        PROMPTS,
    )
    assert not isinstance(read, Rejected)
    assert {task: status.phase for task, status in read.items()} == {"1": Phase.FAILED, "2": Phase.UNKNOWN}


def test_a_refusal_is_of_the_whole_call() -> None:
    """Also under a 200; a reply of another form is no list."""
    for response in (reply(status=429, code=1302), reply(code=1302)):
        read = kling().read(response, PROMPTS)
        assert isinstance(read, Rejected)
        assert read.kind is FailureKind.RATE
    with pytest.raises(UnreadableReply):
        kling().read(Response(status=200, body=b'{"code": 0, "data": {"id": "1", "status": "failed"}}'), PROMPTS)


@pytest.mark.parametrize("many", EVERY)
def test_whatever_comes_is_read_or_refused(many: PollMany) -> None:
    """However a reply is mangled, it yields statuses of the polled tasks only, a refusal, or no reply."""

    @often
    @given(response=RESPONSES)
    def check(response: Response) -> None:
        try:
            read = many.read(response, PROMPTS)
        except UnreadableReply:
            return
        assert isinstance(read, Rejected) or read.keys() <= PROMPTS.keys()
        assert isinstance(read, Rejected) or all(isinstance(status, Status) for status in read.values())

    check()


def test_a_task_with_two_verdicts_has_none() -> None:
    """A list that names a task twice and contradicts itself decides nothing: it is polled alone, and stays alive."""
    both = reply({"id": "1", "status": "succeed"}, {"id": "2", "status": "failed"}, {"id": "1", "status": "failed"})
    read = kling().read(both, PROMPTS)
    assert not isinstance(read, Rejected)
    assert read.keys() == {"2"}
    alone = DIALECTS["kling-new"].read_poll(both, "1", prompt="a kite")
    assert isinstance(alone, Status)
    assert alone.phase is Phase.UNKNOWN
