"""Replies that no honest vendor sends: whatever comes, money is neither lost nor spent twice by a misreading."""

from __future__ import annotations

import copy
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchvid.dialects import DIALECTS
from batchvid.dialects.common.status_words import read_phase
from batchvid.dialects.json_task.pointers import Pointer
from batchvid.domain.failures import Charged
from batchvid.domain.wire import Accepted, Phase, Rejected, Response, Status, Uncertain
from batchvid.errors import UnreadableReply
from tests.builders import generation
from tests.dialects import CODED
from tests.exchanges import Recording, load

often = settings(deadline=None, max_examples=300, database=None)  # no bound on the clock, no files left behind

RECORDINGS = [r for r in load() if r.response.body.startswith(b"{")]
WHOLE = [r for r in RECORDINGS if r.case not in ("submit-200-without-id", "poll-cut-short")]
ONLY_FOR_WANT_OF_A_CLIP = (  # their word is a success, or they have none: beside a link they would be one
    "poll-completed-with-error-and-no-link",
    "poll-failed-grok-blocked",
    "poll-failed-withheld",
    "poll-withheld",
    "poll-withheld-in-words",
    "poll-failed-withheld-wrapped",
    "poll-failed-rai-operation",
    "poll-failed-rai-audio-inside-success",
    "poll-report-veo-audio-filter",
    "poll-report-jimeng-text-risk",
    "poll-report-filter-code-under-500",
    "poll-failed-fal-content-checker-422",
    "poll-data-removed",
    "poll-succeeded-without-output",
)
FAILED = [
    r
    for r in WHOLE
    if r.dialect in CODED
    and r.means.get("status", {}).get("phase") == "failed"
    and r.case not in ONLY_FOR_WANT_OF_A_CLIP
]
ORDER = generation(model="m", prompt="p")
KEYS = (
    *("id", "task_id", "request_id", "status", "task_status", "data", "code", "message", "error", "output"),
    *("video_url", "url", "metadata", "content", "video", "task_result", "videos", "result_url", "fail_reason"),
    *("progress", "expires_at", "usage", "cost_in_usd_ticks", "issues", "failureCode", "cost", "credits", "object"),
    *("final_unit_deduction", "task_status_msg", "failure", "model", "detail", "cost", "respect_moderation"),
    *("response", "done", "raiMediaFilteredCount", "finishReason", "state", "outputs", "urls", "task", "successFlag"),
    *("error_code", "base_resp", "status_code", "quality", "watermark_url", "currency", "charged", "resultJson"),
)
ODD = (
    *(
        "",
        " ",
        "0",
        "null",
        "true",
        "success",
        "FAILED",
        "task_not_exist",
        "https://x.example/a.mp4",
        "data:,",
        "http://",
    ),
    *(
        "1e400",
        "..",
        "100%",
        "٣%",
        "{",
        '{"error":{"code":1303}}',
        "//x.example/a",
        "/v1/x",
        "blocked",
        "SAFETY",
        "\u202e\x00\x1b[2J",
        "sk-" + "a" * 40,
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(ODD),
    st.text(max_size=30),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)
STATUSES = st.sampled_from((200, 200, 200, 201, 202, 204, 301, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 524))
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(("application/json", "text/html", "")),
        "retry-after": st.sampled_from(("5", "-1", "", "²", "9" * 400, "Sat, 21 Nov 2026 08:00:00 GMT", "1.5")),
        "x-oneapi-request-id": st.text(max_size=20),
    },
)


def nodes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of every value inside a JSON value."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, child in children for found in ((*path, key), *nodes(child, (*path, key)))]


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of `document` with another value at `path`."""
    changed = copy.deepcopy(document)
    target = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return changed


@st.composite
def mangled_bodies(draw: st.DrawFn) -> bytes:
    """A recorded reply with some values replaced, wrapped in further layers, doubled keys, or cut short."""
    document = orjson.loads(draw(st.sampled_from(WHOLE)).response.body)
    for _ in range(draw(st.integers(0, 3))):
        if paths := nodes(document):
            document = replaced(document, draw(st.sampled_from(paths)), draw(JSON))
    for _ in range(draw(st.integers(0, 3))):
        document = draw(st.sampled_from(({"code": "success", "data": document}, {"data": document}, [document])))
    body = orjson.dumps(document)
    if draw(st.booleans()) and body.startswith(b"{") and len(body) > 2:
        doubled = {draw(st.sampled_from(KEYS)): draw(SCALARS)}
        body = orjson.dumps(doubled)[:-1] + b"," + body[1:]
    return body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body


BODIES = st.one_of(
    mangled_bodies(),
    JSON.map(orjson.dumps),
    st.binary(max_size=60),
    st.integers(0, 3000).map(lambda depth: b'{"data":' * depth + b"{}" + b"}" * depth),
    st.integers(0, 3000).map(lambda depth: b"[" * depth),
    st.sampled_from(
        (b"", b"null", b"NaN", b'{"id":1e999}', b"<html></html>", b"\xff\xfe", b'{"id":' + b"9" * 5000 + b"}")
    ),
)
RESPONSES = st.builds(Response, status=STATUSES, headers=HEADERS, body=BODIES)


def read_poll(
    dialect: str, response: Response, task_id: str = "task_1", step: str = "poll"
) -> Status | Rejected | None:
    """What the dialect reads of a poll, or of the second reply of a finished task; None for an unreadable reply."""
    value = DIALECTS[dialect]
    read = value.read_result if step == "result" and value.read_result else value.read_poll
    try:
        return read(response, task_id)
    except UnreadableReply:
        return None


def shown(dialect: str, *, status: str = "", task_id: str = "") -> dict[str, Any]:
    """A good reply with these values, where the dialect has them."""
    if not DIALECTS.is_declared(dialect):
        return {"status": status, "id": task_id}
    definition = DIALECTS.definition_of(dialect)
    assert isinstance(definition.id, Pointer)
    values = [(definition.status, status), (definition.id, task_id)]
    values += [(definition.ok.at, definition.ok.is_[0])] if definition.ok else []
    document: dict[str, Any] = {}
    for pointer, value in values:
        if value:
            inner = document
            for step in pointer.steps[:-1]:
                inner = inner.setdefault(step, {})
            inner[pointer.steps[-1]] = value
    return document


def check_words(*said: str) -> None:
    assert all(len(word) <= 500 and (word.isprintable() or not word) for word in said), said


@often
@given(dialect=st.sampled_from(list(DIALECTS)), response=RESPONSES)
def test_a_submit_reply_always_ends_in_one_of_three_verdicts(dialect: str, response: Response) -> None:
    """Whatever comes, a submit is accepted with an id, refused with a reason, or uncertain."""
    read = DIALECTS[dialect].read_submit(response)
    match read:
        case Accepted():
            assert read.task_id.strip(". ")
            assert read.task_id.isprintable()
            check_words(read.model, read.request_id)
        case Rejected():
            assert read.message
            assert read.retry_after_s is None or 0 <= read.retry_after_s <= timedelta(days=400).total_seconds()
            check_words(read.message, read.code, read.request_id)
        case Uncertain():
            assert read.message
            check_words(read.message, read.request_id)


@often
@given(dialect=st.sampled_from(list(DIALECTS)), response=RESPONSES)
def test_a_poll_reply_is_a_sound_status_or_a_refusal_or_unreadable(dialect: str, response: Response) -> None:
    """Whatever comes, only a success has assets, a failure has a kind, and nothing else claims either."""
    read = read_poll(dialect, response)
    if isinstance(read, Status):
        assert not read.assets or read.phase is Phase.SUCCEEDED
        assert (read.kind is not None) == (read.phase is Phase.FAILED)
        assert read.charged is Charged.UNKNOWN or read.phase is Phase.FAILED
        assert read.progress is None or 0.0 <= read.progress <= 1.0
        assert read.expires_at is None or read.expires_at.utcoffset() == timedelta(0)
        absolute = ("data:", "http:", "https")
        links = [asset for asset in read.with_scheme("https").assets if not asset.keyed]
        assert all(asset.location[:5].casefold() in absolute and not asset.from_origin for asset in links)
        assert all(asset.location.startswith("/") for asset in read.assets if asset.keyed)
        assert [a.output for a in read.assets] == sorted(a.output for a in read.assets)
        check_words(read.vendor_status, read.message, read.code, read.model, *read.vendor_metadata.values())
    elif isinstance(read, Rejected):
        assert not 200 <= response.status < 300 or orjson.loads(response.body)
        check_words(read.message, read.code, read.request_id)


@often
@given(data=st.data())
def test_a_failed_task_never_becomes_a_success(data: st.DataObject) -> None:
    """No link, no wrapper with a happy word and no progress turns a recorded failure into a success."""
    recording: Recording = data.draw(st.sampled_from(FAILED))
    document: Any = orjson.loads(recording.response.body)
    link = "https://x.example/clip.mp4"
    extras = {"video_url": link, "output": [link], "url": link, "result_url": link, "metadata": {"url": link}}
    chosen = data.draw(st.dictionaries(st.sampled_from(sorted(extras)), st.just(0), max_size=5))
    if isinstance(document.get("output"), dict):
        chosen.pop("output", None)  # DashScope's failure stands there
    document = {**document, **{key: extras[key] for key in chosen}, "progress": 100}
    for _ in range(data.draw(st.integers(0, 6 if recording.step == "poll" else 0))):  # no wrapper around a result
        word = data.draw(st.sampled_from(("success", "completed", "SUBMITTED", "unknown", "FAILURE")))
        document = {"code": "success", "status": word, "result_url": link, "data": document}
    status = recording.response.status if recording.step == "result" else 200  # there it is the verdict
    response = Response(status=status, body=orjson.dumps(document))
    read = read_poll(recording.dialect, response, recording.task_id, recording.step)
    assert isinstance(read, Status)
    assert read.phase is not Phase.SUCCEEDED


@often
@given(recording=st.sampled_from(FAILED), data=st.data())
def test_a_failure_cut_short_is_no_verdict(recording: Recording, data: st.DataObject) -> None:
    """A reply that breaks off says nothing of the task: it is unreadable, or only this poll is refused."""
    cut = recording.response.body[: data.draw(st.integers(0, len(recording.response.body) - 1))]
    read = read_poll(recording.dialect, Response(status=recording.response.status, body=cut), recording.task_id)
    assert not isinstance(read, Status)


@often
@given(
    dialect=st.sampled_from(list(DIALECTS)),
    word=st.text(min_size=1, max_size=20).filter(lambda w: w.strip() and read_phase(w) is Phase.UNKNOWN),
    extra=st.dictionaries(st.sampled_from(("url", "video_url", "progress", "error", "message")), SCALARS, max_size=3),
)
def test_a_word_nobody_documented_is_no_verdict(dialect: str, word: str, extra: dict[str, Any]) -> None:
    """An undocumented status word keeps the task alive, whatever links or errors stand beside it."""
    document = {"id": "task_1", **extra, **shown(dialect, status=word)}
    read = read_poll(dialect, Response(status=200, body=orjson.dumps(document)))
    assert isinstance(read, Status)
    assert read.phase is Phase.UNKNOWN


@often
@given(dialect=st.sampled_from(list(DIALECTS)), number=st.integers(1, 10**40))
@pytest.mark.pitfall("a task id is read as a number")
def test_a_numeric_id_keeps_every_digit(dialect: str, number: int) -> None:
    """A task id sent as a bare number arrives digit by digit, also beyond 64 bits."""
    body = b'{"code":0,"data":{"task_id":%d,"task_status":"submitted"}}' % number
    if DIALECTS.is_declared(dialect):
        body = orjson.dumps(shown(dialect, task_id="0")).replace(b'"0"', b"%d" % number)
    read = DIALECTS[dialect].read_submit(Response(status=200, body=body))
    assert isinstance(read, Accepted)
    assert read.task_id == str(number)


@pytest.mark.parametrize("dialect", [name for name in DIALECTS if name not in ("xai", "fal", "comfy-router")])
@pytest.mark.parametrize("said", [{}, {"code": 0, "data": {}}, {"object": "video", "status": "queued"}])
def test_a_trace_id_is_no_task_elsewhere(dialect: str, said: dict[str, Any]) -> None:
    """Only xAI, fal and Comfy Router call a task's id `request_id`: elsewhere it is a trace."""
    response = Response(status=200, body=orjson.dumps({**said, "request_id": "4b2cd27e"}))
    assert isinstance(DIALECTS[dialect].read_submit(response), Uncertain)


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 429, 500, 503])
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"Accepted", b"<html></html>"])
def test_nothing_said_is_pending_only_under_a_202(status: int, body: bytes) -> None:
    """xAI's pending task may answer an empty 202; under any other status the same body says nothing of the task."""
    read = read_poll("xai", Response(status=status, body=body))
    assert not isinstance(read, Status) or read.phase is Phase.UNSEEN


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("value", ["", " ", ".", "..", 0, -1, 1.5, True, None, [], {}, "a b", "x\x00y", "z" * 600])
def test_what_is_no_id_is_never_accepted(dialect: str, value: object) -> None:
    """An id that is empty, a fraction, a path step or a novel leaves the submit uncertain."""
    response = Response(status=200, body=orjson.dumps({"id": value, "object": "video", "status": "queued"}))
    assert isinstance(DIALECTS[dialect].read_submit(response), Uncertain)


@often
@given(dialect=st.sampled_from(list(DIALECTS)), body=st.binary(max_size=40), status=st.integers(500, 599))
def test_a_server_error_without_a_code_leaves_a_submit_uncertain(dialect: str, body: bytes, status: int) -> None:
    """A 5xx that names no documented code is no refusal: the task may have been made."""
    assert isinstance(DIALECTS[dialect].read_submit(Response(status=status, body=body)), Uncertain)


@often
@given(dialect=st.sampled_from(list(DIALECTS)), task_id=st.text(min_size=1, max_size=40))
def test_a_task_id_stays_one_step_of_the_path(dialect: str, task_id: str) -> None:
    """The poll's path or query holds any task id, encoded, and decodes to it again."""
    request = DIALECTS[dialect].poll(ORDER, task_id)
    if request.json is not None:  # Vertex AI takes it in the body
        assert task_id in request.json.values()
        return
    path = request.path
    if DIALECTS.is_declared(dialect):  # it may stand before other steps, or in the query
        assert quote(task_id, safe="") in re.split("[/=]", path)
        return
    for query in ("/tasks?task_ids=", "?task_id="):  # Kling's new wire, MiniMax's first version
        path = path.replace(query, "/", 1)
    assert task_id in map(unquote, path.rsplit("/", 2)[1:])
    assert not set(path) & set("?#%, ") - {"%"}


@pytest.mark.parametrize("dialect", CODED)
def test_a_reply_of_ten_megabytes_is_read(dialect: str) -> None:
    """A clip inside the reply comes out whole, and a huge message beside it is trimmed."""
    clip = "data:video/mp4;base64," + "A" * 10_000_000
    body = orjson.dumps({"id": "task_1", "status": "succeeded", "output": [clip], "message": "7" * 1_000_000})
    read = read_poll(dialect, Response(status=200, body=body))
    assert isinstance(read, Status)
    assert read.assets[0].location == clip
    assert len(read.message) == 500


def test_of_a_repeated_key_the_last_value_counts() -> None:
    """JSON with a key twice is read like every common parser reads it."""
    body = b'{"id":"task_1","status":"completed","status":"failed"}'
    read = read_poll("veo", Response(status=200, body=body))
    assert isinstance(read, Status)
    assert read.phase is Phase.FAILED
