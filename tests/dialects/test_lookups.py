"""Asking after a lost submit, value to value: what a provider's answer is taken for, and what no answer may become."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given

from batchvid.dialects import DIALECTS
from batchvid.dialects.dialect import LookupMethod
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Candidate, Part, Rejected, Request, Response
from tests.builders import generation, with_fields
from tests.dialects.test_mangled import RESPONSES, often
from tests.exchanges import load

KLING, LIST = DIALECTS["kling"].lookups["external_id"], DIALECTS["openai-videos"].lookups["list"]
EVERY = [
    pytest.param(way, id=f"{name} of {dialect}")
    for dialect, value in DIALECTS.items()
    for name, way in value.lookups.items()
]
LISTS = [
    pytest.param(way, id=f"{name} of {dialect}")
    for dialect, value in DIALECTS.items()
    for name, way in value.lookups.items()
    if not way.exact
]


def reply(document: Any, status: int = 200) -> Response:
    return Response(status=status, body=orjson.dumps(document))


@pytest.mark.parametrize(("name", "always"), [("kling", True), ("veo", False), ("openai-videos", False)])
def test_our_id_is_known_to_be_sent(name: str, always: bool) -> None:
    """A request says whether it carries our id of the call, in JSON or in a form; a part of a text does not count."""
    for recording in load(name, "submit"):
        if recording.order:
            request = DIALECTS[name].submit(with_fields(recording.order, external_id="kite-1"))
            assert (request.carries("kite-1"), request.carries("kite")) == (always, False)


def test_a_field_of_a_form_is_carried() -> None:
    """Forms have parts instead of JSON."""
    form = Request(method="POST", path="/", parts=(Part(name="id", value=b"kite-1"),))
    assert form.carries("kite-1")
    assert not form.carries("kite-2")


def test_kling_is_asked_on_the_path_of_the_order_by_our_own_id() -> None:
    """As the recording of such a poll has it; blanks and slashes stay one step of the path."""
    assert KLING.ask(generation(model="kling-v2-6", prompt="p", external_id="kite/1 a")).path == (
        "/v1/videos/text2video/kite%2F1%20a"
    )


@pytest.mark.parametrize("recording", load("kling", "poll"), ids=lambda recording: recording.case)
def test_what_kling_says_of_a_task_names_it(recording: Any) -> None:
    """Every recorded poll that speaks of a task names it; one that does not know it finds none."""
    read = KLING.read(recording.response)
    expected = recording.means.get("status", {}).get("phase")
    if expected == "unseen":
        assert read == ()
    elif expected:
        assert not isinstance(read, Rejected)
        assert [candidate.task_id for candidate in read] != [""]
    else:
        assert isinstance(read, (Rejected, tuple))


def test_the_list_is_read_row_by_row() -> None:
    """What a row does not say stays unsaid; what is no row is passed over."""
    whole = {"id": "video_1", "model": "sora-2", "prompt": "a kite", "created_at": 1773383500, "status": "queued"}
    assert LIST.read(reply({"object": "list", "data": [whole, {"id": "video_2"}, {"id": ""}, "x", None]})) == (
        Candidate(
            task_id="video_1", model="sora-2", prompt="a kite", created_at=datetime(2026, 3, 13, 6, 31, 40, tzinfo=UTC)
        ),
        Candidate(task_id="video_2"),
    )


@pytest.mark.parametrize("way", LISTS)
def test_a_list_is_asked_for_with_a_get_and_no_body(way: LookupMethod) -> None:
    """Reading costs nothing, and no prompt leaves in a query; only a call with a key of its own may be sent again."""
    asked = way.ask(generation(model="owner/model", prompt="a secret kite", external_id="kite-1"))
    assert (asked.method, asked.json, asked.parts) == ("GET", None, ())
    assert "secret" not in asked.path
    assert way.where


def test_only_the_documented_call_is_repeated() -> None:
    """A lookup that is the paid call itself names its vendor's time limit, and carries the id of the call."""
    repeated = {dialect for dialect in DIALECTS for way in DIALECTS[dialect].lookups.values() if way.replays}
    assert repeated == {"comfy-router"}
    way = DIALECTS["comfy-router"].lookups["idempotency"]
    assert way.kept_s is not None
    assert way.kept_s < 24 * 3600
    assert way.ask(generation(model="acme/film", prompt="p", external_id="kite-1")).carries("kite-1")


@pytest.mark.parametrize("way", EVERY)
@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (reply({"error": {"message": "Invalid token", "code": ""}}, 401), FailureKind.AUTH),
        (reply({"error": {"message": "slow down", "code": ""}}, 429), FailureKind.RATE),
        (reply({"code": 5000, "message": "internal error"}, 500), FailureKind.UNAVAILABLE),
        (Response(status=200, body=b"<html></html>"), FailureKind.UNAVAILABLE),
        (Response(status=503), FailureKind.UNAVAILABLE),
    ],
)
def test_no_answer_is_no_knowledge(way: LookupMethod, response: Response, kind: FailureKind) -> None:
    """A question that was refused says nothing of the task: neither that it is there nor that it is not."""
    read = way.read(response)
    assert isinstance(read, Rejected)
    assert read.kind is kind
    assert read.message


@pytest.mark.parametrize("way", EVERY)
def test_whatever_comes_is_candidates_or_a_refusal(way: LookupMethod) -> None:
    """Mangled as it may be: never an exception, never a candidate without an id."""

    @often
    @given(response=RESPONSES)
    def check(response: Response) -> None:
        read = way.read(response)
        assert isinstance(read, Rejected) or all(candidate.task_id for candidate in read)

    check()
