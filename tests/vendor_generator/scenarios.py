"""Scenarios: strategies for vendors that are odd, and honest.

A sold task has its id in the reply, or its reply proves nothing: no vendor that takes money and answers with a clear
refusal is made, as nobody could tell. A refusal has a documented shape (tests/exchanges, dialects/.../outcome_rules).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.vendor_generator.vendor import BARE_ID, GZIP, Reply, SubmitScript, TaskScript, Truth

DIALECTS = ("openai-videos", "videos", "gateway", "newapi", "veo", "seedance", "kling", "xai", "runway")
ONE_VENDOR = frozenset({"xai", "runway"})  # another vendor's codes mean nothing there
JSON, HTML = ("Content-Type", "application/json"), ("Content-Type", "text/html; charset=utf-8")
PAGE = b"<!DOCTYPE html><html><head><title>One moment</title></head><body>Please wait</body></html>"


@dataclass(frozen=True)
class Scenario:
    """One vendor, and how many jobs there are for it. `ids` is the form of its task ids."""

    dialect: str
    jobs: int
    ids: str
    submits: tuple[SubmitScript, ...]
    rest: SubmitScript


OPEN_WORDS = ("queued", "submitted", "pending", "in_progress", "processing", "running", "PROCESSING", "NOT_START")
ODD_WORDS = ("accepted", "Preparing", "waiting_for_worker", "已提交", "dreaming", "status_7", "")
DONE_WORDS = ("completed", "succeeded", "succeed", "SUCCESS", "done", "SUCCEEDED")
FAILED_WORDS = ("failed", "FAILURE", "fail", "error", "expired", "cancelled", "FAILED")
IDS = (
    "task-{}",
    "video_6a1c{:08x}",
    "8781062418928924{:02d}",
    "99281062418928924000{:02d}",
    "cgt-2026{:04d}-x",
    "route:kling/v1:{}",
    "{:036d}",
    "T{}==",
)
ID_KEYS = ("id", "task_id", "taskId", "video_id", "job_id", "generation_id", "taskID")
EXTRAS: tuple[dict[str, Any], ...] = (
    {},
    {"object": "video", "created_at": 1773297229, "progress": 0},
    {"error": None},
    {"error": {}},
    {"error": ""},
    {"error": {"code": "", "message": ""}},
    {"errors": []},
    {"code": 0, "message": "SUCCEED"},
    {"code": "success", "message": ""},
    {"code": 200, "msg": "ok"},
    {"code": 10000, "msg": "Success"},
    {"code": "0", "message": "成功"},
    {"success": True},
    {"base_resp": {"status_code": 0, "status_msg": "success"}},
    {"request_id": "b7a9e6f2-3a0c-4d6e-9d5e-2f0f7f1f6c11"},
    {"estimated_cost": "0.30", "balance": 12.5},
)
GREETINGS = ("", "SUCCEED", "your task is queued behind 3 others", "no error", "rate limit: 3 of 10 used")


def _dump(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


@st.composite
def envelopes(draw: st.DrawFn, inner: dict[str, Any]) -> dict[str, Any]:
    """The object itself, or below `data` once or twice, with siblings."""
    document: dict[str, Any] = {**inner, **draw(st.sampled_from(EXTRAS))}
    for _ in range(draw(st.sampled_from((0, 0, 1, 1, 2)))):
        document = {**draw(st.sampled_from(EXTRAS)), "data": document}
    return document


@st.composite
def written(draw: st.DrawFn, document: dict[str, Any]) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """The bytes of a document and their headers: odd JSON, odd text, odd headers; all of it names what it names."""
    body, headers = _dump(document), [draw(st.sampled_from((JSON, JSON, JSON, HTML, ("Content-Type", "text/plain"))))]
    match draw(st.sampled_from(("plain",) * 6 + ("bom", "twice", "escape", "huge", "space", "gzip", "number"))):
        case "bom":
            body = b"\xef\xbb\xbf" + body
        case "twice":
            body = body[:-1] + b', "note": 1, "note": 2}'
        case "escape":
            body = body[:-1] + b', "note": "\\ud83d"}'  # half of a pair
        case "huge":
            body = body[:-1] + b', "eta": 1e400}'
        case "space":
            body = b"\r\n " + body + b"\n\n"
        case "number":
            body = body.replace(b'"%ID%"', BARE_ID)
        case "gzip":
            headers.append(GZIP)
    return body, tuple(headers)


ENDS = st.sampled_from(("whole",) * 8 + ("chunked", "drip"))


@st.composite
def with_id(draw: st.DrawFn) -> Reply:
    """A reply that names the task."""
    inner: dict[str, Any] = {draw(st.sampled_from(ID_KEYS[:2] * 4 + ID_KEYS)): "%ID%"}
    word = draw(st.sampled_from(OPEN_WORDS + ODD_WORDS + FAILED_WORDS[:1]))
    if word:
        inner[draw(st.sampled_from(("status", "status", "task_status", "state")))] = word
    if greeting := draw(st.sampled_from(GREETINGS)):
        inner["message"] = greeting
    if word == "failed" and draw(st.booleans()):
        inner["error"] = {"code": "internal_error", "message": "the worker crashed"}
    body, headers = draw(written(draw(envelopes(inner))))
    status = draw(st.sampled_from((200,) * 6 + (201, 202, 203, 409, 500, 503)))
    return Reply(status, body, headers, draw(ENDS))


TROUBLE = ("internal error", "upstream timed out", "bad gateway", "do request failed", "unexpected EOF")


@st.composite
def proof_of_nothing(draw: st.DrawFn) -> Reply:
    """A reply after which a task may have been made or not."""
    status = draw(st.sampled_from((500, 502, 503, 504, 520, 524, 408, 499)))
    bodies = (PAGE, b"", b"upstream connect error", _dump({"error": {"message": draw(st.sampled_from(TROUBLE))}}))
    kinds = (
        Reply(status, draw(st.sampled_from(bodies)), (draw(st.sampled_from((JSON, HTML))),), draw(ENDS)),
        Reply(200, draw(st.sampled_from((b"", PAGE, b"OK", b"{", b"[]", b"null", b"{}", b'{"ok":true}'))), (JSON,)),
        Reply(200, _dump({"id": "%ID%", "status": "queued"}), (JSON,), draw(st.sampled_from(("cut", "chunked cut")))),
        Reply(ends="reset"),
        Reply(ends="silent"),
    )
    return draw(st.sampled_from(kinds))


def _openai(code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


REFUSALS: tuple[tuple[int, dict[str, Any]], ...] = (
    (400, _openai("invalid_value", "size must be one of 1280x720, 720x1280")),
    (400, _openai("moderation_blocked", "Your request was blocked by our moderation system")),
    (401, _openai("invalid_api_key", "Incorrect API key provided")),
    (402, _openai("payment_required", "Payment required")),
    (422, _openai("invalid_value", "prompt is too long")),
    (429, _openai("rate_limit_exceeded", "Rate limit reached")),
    (429, _openai("insufficient_quota", "You exceeded your current quota")),
)
RELAYED_REFUSALS: tuple[tuple[int, dict[str, Any]], ...] = (
    *REFUSALS,
    (400, {"code": 1201, "message": "parameters are invalid", "request_id": "r-1"}),
    (200, {"code": 1201, "message": "parameters are invalid", "request_id": "r-1"}),
    (429, {"code": 1303, "message": "parallel task over resource pack limit", "request_id": "r-1"}),
    (403, {"code": "insufficient_user_quota", "message": "user quota is not enough", "data": None}),
    (400, {"code": "missing_model", "message": "model field is required", "data": None}),
)


@st.composite
def refusals(draw: st.DrawFn, dialect: str) -> Reply:
    """A documented refusal."""
    status, document = draw(st.sampled_from(REFUSALS if dialect in ONE_VENDOR else RELAYED_REFUSALS))
    headers = [draw(st.sampled_from((JSON, JSON, ("Content-Type", "text/plain"))))]
    if draw(st.booleans()):
        headers.append(("x-request-id", "b7a9e6f2-3a0c-4d6e-9d5e-2f0f7f1f6c11"))
    if status == 429 and draw(st.booleans()):
        headers.append(("Retry-After", "0"))
    return Reply(status, _dump(document), tuple(headers), draw(ENDS))


@st.composite
def states(draw: st.DrawFn, words: tuple[str, ...], more: dict[str, Any]) -> Reply:
    """A poll's reply with one of these words."""
    key = draw(st.sampled_from(("status", "status", "task_status")))
    inner = {"id": "%ID%", "task_id": "%ID%", key: draw(st.sampled_from(words)), **more}
    body, headers = draw(written(draw(envelopes(inner))))
    return Reply(200, body, headers, draw(ENDS))


LINK = "%BASE%/clips/%ID%?Signature=s1gned"
LINKS: tuple[dict[str, Any], ...] = (
    {"video_url": LINK},
    {"url": LINK},
    {"output": [LINK]},
    {"video": {"url": LINK}},
    {"task_result": {"videos": [{"id": "v", "url": LINK, "duration": "4"}]}},
    {"metadata": {"url": LINK}},
    {"content": {"video_url": LINK}},
    {"result_url": LINK},
    {},
)
FREE: dict[str, Any] = {"usage": {"cost_in_usd_ticks": 0}}
"""Beside a failure it says that nothing is charged."""
COSTS: tuple[dict[str, Any], ...] = (
    {},
    FREE,
    *({"usage": {"cost_in_usd_ticks": ticks}} for ticks in (10**9, 10**14, -1, 1e30, "4", True, None)),
)
FAILURES: tuple[dict[str, Any], ...] = (
    {},
    {"error": {"code": "internal_error", "message": "the worker crashed"}},
    {"error": {"code": "moderation_blocked", "message": "blocked by our moderation system"}},
    {"fail_reason": "upstream error"},
    {"task_status_msg": "risk control"},
    {"error": "no GPU"},
)
NOISE = (
    Reply(429, _dump(_openai("rate_limit_exceeded", "Rate limit reached"))),
    Reply(500, PAGE, (HTML,)),
    Reply(502, b"", (HTML,)),
    Reply(200, PAGE, (HTML,)),
    Reply(404, _dump({"error": {"message": "task not found", "code": "not_found"}})),
    Reply(200, _dump({"id": "%ID%", "status": "running"}), ends="cut"),
    Reply(ends="reset"),
)
SOON = (Reply(403, b"not yet"), Reply(404, b""), Reply(503, PAGE, (HTML,)), Reply(200, b"0123456789" * 10, ends="cut"))


@st.composite
def tasks(draw: st.DrawFn, dialect: str) -> TaskScript:
    """The life of a sold task."""
    polls = draw(st.lists(states(OPEN_WORDS + ODD_WORDS[:-1], {}) | st.sampled_from(NOISE), max_size=3))
    ends = draw(st.sampled_from(("done",) * 5 + ("failed",) * 3 + ("refunded", "never")))
    if ends == "done":
        polls.append(
            draw(states(DONE_WORDS, {"progress": 100, **draw(st.sampled_from(LINKS)), **draw(st.sampled_from(COSTS))}))
        )
    elif ends == "failed":
        cost = draw(st.sampled_from(COSTS))
        polls.append(draw(states(FAILED_WORDS, draw(st.sampled_from(FAILURES)) | cost)))
        if cost == FREE:
            return TaskScript(tuple(polls), refunded=True)
    elif ends == "refunded" and dialect == "kling":  # its replies name the units that were deducted
        failed = {"task_id": "%ID%", "task_status": "failed", "final_unit_deduction": "0"}
        polls.append(Reply(200, _dump({"code": 0, "message": "SUCCEED", "data": failed})))
        return TaskScript(tuple(polls), refunded=True)
    else:
        polls.append(draw(states(OPEN_WORDS, {})))
    return TaskScript(tuple(polls), tuple(draw(st.lists(st.sampled_from(SOON), max_size=2))))


@st.composite
def submits(draw: st.DrawFn, dialect: str) -> SubmitScript:
    """One paid call: about half of them are sold, most of these with the id of the task."""
    match draw(st.sampled_from(("named",) * 5 + ("nothing",) * 3 + ("refused",) * 4 + ("unclear",) * 2)):
        case "named":
            return SubmitScript(Truth.SOLD, draw(with_id()), draw(tasks(dialect)))
        case "nothing":
            return SubmitScript(Truth.SOLD, draw(proof_of_nothing()), draw(tasks(dialect)))
        case "refused":
            return SubmitScript(Truth.REFUSED, draw(refusals(dialect)))
        case _:
            status = draw(st.sampled_from((302, 400, 403, 404, 405)))
            return SubmitScript(Truth.UNCLEAR, draw(proof_of_nothing() | st.just(Reply(status, PAGE, (HTML,)))))


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """A vendor; any call after those of the script makes a task that is done at once."""
    dialect = draw(st.sampled_from(DIALECTS))
    link = {"video_url": LINK, "output": [LINK], "video": {"url": LINK}, "task_result": {"videos": [{"url": LINK}]}}
    done = Reply(200, _dump({"id": "%ID%", "status": "completed", "progress": 100, **link}))
    rest = SubmitScript(Truth.SOLD, Reply(200, _dump({"id": "%ID%", "status": "queued"})), TaskScript((done,)))
    return Scenario(
        dialect=dialect,
        jobs=draw(st.integers(1, 3)),
        ids=draw(st.sampled_from(IDS)),
        submits=tuple(draw(st.lists(submits(dialect), min_size=1, max_size=4))),
        rest=rest,
    )
