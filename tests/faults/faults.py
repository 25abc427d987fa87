"""The faults of wire-notes 10, rules 9 to 11, and how a job must end that meets one: all as data.

`python -m tests.faults` tries every one in every wire format and writes docs/faults.md from what is said here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ending:
    """Where the job stands when the run has ended by itself, and how many tasks were sold."""

    word: str
    sold: int

    def __str__(self) -> str:
        if self.word == "uncertain":
            return "uncertain, bought" if self.sold else "uncertain, not bought"
        return self.word

    @property
    def exit_code(self) -> int:
        """What a run of this job alone ends with."""
        return EXIT_CODES.get(self.word, 1)


EXIT_CODES = {"stored": 0, "uncertain": 5, "pending": 6, "running": 6}
STORED = Ending("stored", 1)
UNSOLD, UNSEEN = Ending("uncertain", 0), Ending("uncertain", 1)
STOPPED, BLIND = Ending("pending", 0), Ending("running", 1)
"""The provider is stopped; the next run goes on."""
WAITS = Ending("ready", 1)
"""The clip is paid for and there; the next run fetches it."""


def refused(kind: str) -> Ending:
    """Failed by a clear no: nothing was sold."""
    return Ending(f"failed: {kind}", 0)


def failed(kind: str) -> Ending:
    """Failed with a task that was sold."""
    return Ending(f"failed: {kind}", 1)


LOST_AT_KLING = STORED
"""What becomes of a lost Kling submit that bought a task: it is looked up by the `external_task_id` that we chose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the vendor does, and how it must end: `ends`, but otherwise in the wire formats named in `but`.

    `dials` are fields of the provider's row that it takes to see the end soon.
    """

    name: str
    group: str
    rules: tuple[Rule, ...]
    ends: Ending
    but: Mapping[str, Ending] = field(default_factory=dict)
    dials: Mapping[str, float] = field(default_factory=dict)

    def ending(self, dialect: str) -> Ending:
        """How a job in that wire format must end."""
        return self.but.get(dialect, self.ends)


def _rules(steps: str, deed: Any, times: int = 0) -> tuple[Rule, ...]:
    """A rule for each of these steps; it strikes the first so many `times` of a job or task, 0 means forever."""
    limit = {"nth": list(range(1, times + 1))} if times else {}
    return tuple({"match": {"step": step, **limit}, "do": deed} for step in steps.split())


def _submit(name: str, deed: Any, ends: Ending, *, times: int = 0, **more: Any) -> Fault:
    return Fault(name=name, group="the paid call", rules=_rules("submit", deed, times), ends=ends, **more)


def _lost(name: str, deed: Mapping[str, Any], **more: Any) -> tuple[Fault, Fault]:
    """No verdict, once before the vendor acted and once after."""
    bought = {"kling": LOST_AT_KLING}
    return (
        _submit(f"{name}, before acting", deed, UNSOLD, **more),
        _submit(f"{name}, after acting", {**deed, "after": True}, UNSEEN, but=bought, **more),
    )


def _poll(name: str, deed: Any, ends: Ending = STORED, *, times: int = 2, **more: Any) -> Fault:
    return Fault(name=name, group="a poll", rules=_rules("poll", deed, times), ends=ends, **more)


def _task(name: str, deed: Any, ends: Ending, **more: Any) -> Fault:
    return Fault(name=name, group="the task", rules=_rules("submit", deed), ends=ends, **more)


def _clip(name: str, deed: Any, ends: Ending = STORED, *, times: int = 1, **more: Any) -> Fault:
    return Fault(name=name, group="the clip", rules=_rules("download content", deed, times), ends=ends, **more)


AT_ONCE = {"Retry-After": "0"}
QUOTING = "see https://cdn.example/a.mp4?X-Amz-Signature=s1gned for more; Bearer sk-test-key-that-must-not-leak"
"""A vendor's message that quotes what nobody may read."""


def _kling(code: int, message: str) -> dict[str, Any]:
    return {"status": 429, "json": {"code": code, "message": message, "request_id": "r-1"}, "headers": AT_ONCE}


def _embedded(upstream: str, status: int) -> dict[str, Any]:
    """X2: the gateway's message is the upstream's whole body, as text."""
    body = {"code": "fail_to_fetch_task", "message": upstream, "data": None}
    return {"status": status, "json": body, "headers": AT_ONCE}


NO_SLOT = '{"code":1303,"message":"parallel task over resource pack limit","request_id":"u-1"}'
SENSITIVE = '{"error":{"message":"the prompt violates our content policy","code":"moderation_blocked"}}'
ARREARS = '{"code":1101,"message":"account in arrears","request_id":"u-2"}'
DISGUISED = {"error": {"message": "duration is malformed", "code": "invalid_request"}}
NO_CHANNEL = {"error": {"message": "No available channel for model x under group y", "code": "model_not_found"}}
GUIDELINES = {"error": "the prompt may violate the community guidelines (CM_EXT.POther)"}
MANGLED = '{"id": "task_1", "status": "queued",, "progress": }'

NOT_THEIRS = {"runway": refused("rate"), "xai": refused("rate")}
"""Kling's numbers mean nothing in these wire formats; a relay may pass them on in all others."""

SUBMITS = (
    _submit("429 rate, once", "rate", STORED, times=1),
    _submit("429 rate with Retry-After", {"rate": True, "headers": AT_ONCE}, STORED, times=3),
    _submit("429 rate forever", {"rate": True, "headers": AT_ONCE}, refused("rate")),
    _submit("429 with an empty body", {"status": 429, "empty": True}, STORED, times=2),
    _submit("no slot, three times", {"concurrency": True, "headers": AT_ONCE}, STORED, times=3),
    _submit(
        "no slot forever",
        {"concurrency": True, "headers": AT_ONCE},
        refused("concurrency"),
        but={name: refused("rate") for name in ("xai", "gateway", "newapi")},  # their 429 does not say what for
    ),
    _submit("Kling 1302, too many requests", _kling(1302, "too many requests"), STORED, times=2),
    _submit("Kling 1303, no slot", _kling(1303, "parallel task over resource pack limit"), STORED, times=2),
    _submit("Kling 1102, package used up", _kling(1102, "resource pack exhausted"), STOPPED, but=NOT_THEIRS),
    _submit("Kling 1304, address not allowed", _kling(1304, "ip not in whitelist"), STOPPED, but=NOT_THEIRS),
    _submit("X2 around a 1303", _embedded(NO_SLOT, 429), STORED, times=2),
    _submit("X2 around arrears", _embedded(ARREARS, 400), STOPPED),
    _submit("X2 around a moderation", _embedded(SENSITIVE, 400), refused("moderation_input")),
    _submit("wrong key", {"auth": True, "message": QUOTING}, STOPPED),
    _submit("no balance", "balance", STOPPED),
    _submit("invalid parameter", {"invalid": True, "message": QUOTING}, refused("invalid")),
    _submit("prompt refused", "moderation", refused("moderation_input")),
    _submit("500 with community guidelines", {"status": 500, "json": GUIDELINES}, refused("moderation_input")),
    _submit("500 invalid_request", {"status": 500, "json": DISGUISED}, refused("invalid")),
    _submit("503 no channel forever", {"status": 503, "json": NO_CHANNEL}, refused("unavailable")),
    _submit("413 with HTML", {"html": True, "status": 413}, refused("invalid")),
    _submit("wrong path: HTML 404", {"html": True, "status": 404}, refused("invalid")),
    _submit("redirect", {"status": 301, "headers": {"Location": "https://cdn.example/x?sig=1"}}, refused("invalid")),
    *_lost("unavailable in the vendor's own form", {"unavailable": True, "message": QUOTING}),
    *_lost("500", {"status": 500}),
    *_lost("503", {"status": 503, "json": {"error": {"message": "try later"}}}),
    *_lost("524", {"status": 524, "html": True}),
    *_lost("408", {"status": 408}),
    *_lost("200 with an error object", {"error_200": True}),
    *_lost("200 with HTML", {"html": True}),
    *_lost("200 with an empty body", {"empty": True}),
    *_lost("200 with mangled JSON", {"status": 200, "body": MANGLED}),
    _submit("reset before acting", "reset_before", UNSOLD),
    _submit("reset after acting", "reset_after", UNSEEN, but={"kling": LOST_AT_KLING}),
    _submit("truncated JSON", "truncate_json", UNSEEN, but={"kling": LOST_AT_KLING}),
    _submit(
        "reply after the client's timeout",
        {"delay_s": 0.5},
        UNSEEN,
        but={"kling": LOST_AT_KLING},
        dials={"submit_read_timeout_s": 0.1},
    ),
)
POLLS = (
    _poll("429 rate", "rate"),
    _poll("429 with Retry-After", {"rate": True, "headers": AT_ONCE}),
    _poll("429 with an empty body", {"status": 429, "empty": True}),
    _poll("500", {"status": 500}),
    _poll("503 in the vendor's own form", "unavailable"),
    _poll("524", {"status": 524, "html": True}),
    _poll("503 forever", {"status": 503}, failed("timeout"), times=0, dials={"timeout_s": 0.2}),
    _poll("reset", "reset_before"),
    _poll("reply after the client's timeout", {"delay_s": 0.5}, times=1, dials={"read_timeout_s": 0.1}),
    _poll("truncated JSON", "truncate_json"),
    _poll("mangled JSON", {"status": 200, "body": MANGLED}),
    _poll("HTML", {"html": True}),
    _poll("HTML forever", {"html": True}, failed("unavailable"), times=0),
    _poll("200 with an error object", {"error_200": True}),
    _poll("X2 around a 1303", _embedded(NO_SLOT, 429)),
    _poll("wrong key", {"auth": True, "message": QUOTING}, BLIND, times=0),
    _poll("task_not_exist at first", {"status": 400, "json": {"code": "task_not_exist", "message": "task_not_exist"}}),
    _poll(
        "task_not_exist forever",
        {"status": 400, "json": {"code": "task_not_exist", "message": "task_not_exist"}},
        failed("lost_task"),
        times=0,
        dials={"grace_s": 0.05},
    ),
    _poll("200 with task_not_exist at first", {"json": {"id": "t", "status": "task_not_exist"}}),
    _poll("404 forever", {"status": 404, "json": {}}, failed("lost_task"), times=0, dials={"grace_s": 0.05}),
)
FILTERED = failed("moderation_output")
WORDLESS = {"kling": failed("unavailable"), "newapi": failed("unavailable")}
"""Wire formats without a word of their own for it: the task just failed."""
CODELESS = {"outcome": "fail", "code": "task_failed"}
TASKS = (
    _task("failed", {"outcome": "fail", "message": "the renderer broke"}, failed("unavailable")),
    _task("failed, quoting secrets", {"outcome": "fail", "message": QUOTING}, failed("unavailable")),
    _task("failed without a message", {"outcome": "fail_silent"}, failed("moderation_suspected")),
    _task(
        "moderated, in each vendor's own form",
        {"outcome": "moderation"},
        failed("moderation_input"),
        but={"kling": FILTERED, "xai": FILTERED},
    ),
    _task("moderated, in the message only", {**CODELESS, "message": "violates our content policy"}, FILTERED),
    _task(
        "no slot as a reason", {**CODELESS, "message": "parallel task over resource pack limit"}, failed("concurrency")
    ),
    _task("error", {"outcome": "error"}, failed("unavailable")),
    _task("cancelled", {"outcome": "cancelled"}, failed("cancelled"), but=WORDLESS),
    _task(
        "expired",
        {"outcome": "expired"},
        failed("expired"),
        but=WORDLESS | {"runway": failed("unavailable")},
    ),
    _task("stuck in the queue", {"outcome": "stuck"}, failed("timeout"), dials={"timeout_s": 0.2}),
    _task("an unknown word forever", {"outcome": "unknown_word"}, failed("timeout"), dials={"timeout_s": 0.2}),
    _task("progress going backwards", {"outcome": "progress_backwards"}, STORED),
    _task("progress 100 while running", {"outcome": "progress_100_running"}, STORED),
)
NOT_YET = {"error": {"message": "Task is not completed yet, current status: IN_PROGRESS"}}
GONE, NO_CLIP = failed("expired"), failed("bad_media")
CLIPS = (
    _clip("expired link (403), then a fresh one", "expired"),
    _clip("expired forever", "expired", WAITS, times=0),
    _clip("404 forever", {"status": 404}, WAITS, times=0),
    _clip("410 forever", {"status": 410}, GONE, times=0),
    _clip("401, then a fresh link", {"status": 401}),
    _clip("410, then a fresh link", {"status": 410}),
    _clip("400, not finished yet", {"status": 400, "json": NOT_YET}),
    _clip("valid once, then truncated", {"valid_once": True, "truncate": True}),
    _clip("truncated", "truncate"),
    _clip("truncated, and no ranges", {"truncate": True, "no_range": True}),
    _clip("truncated forever", "truncate", WAITS, times=0),
    _clip("wrong type", "wrong_type"),
    _clip("wrong type forever", "wrong_type", times=0),
    _clip("JSON forever", "json_200", WAITS, times=0),
    _clip("HTML forever", "html_200", WAITS, times=0),
    _clip("a clip that is there late", {"status": 403}, times=3),
    _clip("a playlist forever", {"status": 200, "body": "#EXTM3U"}, NO_CLIP, times=0),
    _clip("zero bytes", "zero"),
    _clip("zero bytes forever", "zero", WAITS, times=0),
    _clip("never ending", "endless"),
    _clip("never ending forever", "endless", NO_CLIP, times=0),
    Fault(name="redirect of the link", group="the clip", rules=_rules("download", "redirect"), ends=STORED),
    _clip("chunked, without a length", "chunked", times=0),
    _clip("reset", "reset_before"),
    _clip("503", {"status": 503}),
    _clip("502 forever", {"status": 502}, WAITS, times=0),
    Fault(
        name="only the link has expired",
        group="the clip",
        rules=_rules("download", "expired"),
        ends=STORED,
        but={"kling": WAITS, "runway": WAITS, "xai": WAITS},
    ),
)
FAULTS = {f"{fault.group}: {fault.name}": fault for fault in (*SUBMITS, *POLLS, *TASKS, *CLIPS)}
