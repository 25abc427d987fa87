"""Tells from the replies to free GET requests which wire formats a server speaks. Pure. Sources: wire-notes 14.

A reply proves that a path exists only if it differs from the reply to a path that cannot exist.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from batchvid.dialects import DIALECTS
from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import dig
from batchvid.dialects.server_hints import (
    MODEL_LIST,
    SELF_HOSTED,
    SERVERS,
    VIDEO_LIST,
    Hints,
    is_newapi_error,
    is_video_list,
)
from batchvid.domain.clip_request import ClipRequest
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import GenerationRequest, Phase, Request, Response, Status
from batchvid.errors import UnreadableReply

TASK_ID = "batchvid-probe-00000000"
NOWHERE = f"/v1/batchvid-probe-no-such-path/{TASK_ID}"
SHARED = ("openai-videos", "gateway", "veo", "seedance", "videos", "xai", *SERVERS)
"""The dialects that are polled at `/v1/videos/ID`: only their submits differ."""
COMETAPI = ("veo", "openai-videos", "seedance", "videos")
CUT_OFF = {"dashscope": ("/v1",)}
"""What is cut off the end of an address, as most wire formats begin with it, and belongs to the root of these."""
MAX_SHOWN_CHARS = 80

_NAMES = re.compile(r"[\w.:-]*(/[\w.:-]*)+|batchvid-(doctor|probe)[\w-]*|[0-9a-f]{8,}|\d+", re.IGNORECASE)
_GENERATION = GenerationRequest(request=ClipRequest(model="probe", prompt="probe"))


class Sureness(StrEnum):
    """How much the replies prove."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class _Answer(StrEnum):
    UNKNOWN_TASK = "does not know the task"
    EXISTS = "exists"
    NEEDS_KEY = "wants a key"
    ANYTHING = "claims to know a task that cannot exist"
    NOTHING = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognized:
    """One wire format that fits, the prefix of its paths, how sure that is, why, and whether its path wants a key."""

    dialect: str
    prefix: str
    sureness: Sureness
    evidence: tuple[str, ...]
    needs_key: bool = False


def probe_requests(relays: Mapping[str, Collection[str]]) -> dict[str, Request]:
    """The calls, by their path with the prefix: an unknown task of each dialect, and a path that cannot exist.

    Each dialect is tried without a prefix, and with those that relays are known to have for it. All are GET: they buy
    nothing and change nothing.
    """
    found = {NOWHERE: _get(NOWHERE), VIDEO_LIST: _get(VIDEO_LIST), MODEL_LIST: _get(MODEL_LIST)}
    return found | _polls(relays, DIALECTS.coded)


def more_requests(relays: Mapping[str, Collection[str]]) -> dict[str, Request]:
    """The calls for the wire formats that a definition states: for a server that speaks none in Python."""
    return _polls(relays, [name for name in DIALECTS if DIALECTS.is_declared(name)])


def _polls(relays: Mapping[str, Collection[str]], dialects: Iterable[str]) -> dict[str, Request]:
    found: dict[str, Request] = {}
    for dialect in dialects:
        poll = DIALECTS[dialect].poll(_GENERATION, TASK_ID)
        if poll.method != "GET":
            continue
        for prefix in _prefixes(dialect, relays):
            found[prefix + NOWHERE] = _get(prefix + NOWHERE)
            found[prefix + poll.path] = Request(method="GET", path=prefix + poll.path, headers=poll.headers)
    return found


def recognize(
    replies: Mapping[str, Response], relays: Mapping[str, Collection[str]], hints: Hints, *, base_path: str = ""
) -> list[Recognized]:
    """The wire formats that fit, the surest first. `base_path` is the path of the address, often a known prefix."""
    found = [
        one
        for dialect in DIALECTS
        for prefix in _prefixes(dialect, relays)
        if (one := _recognize_one(dialect, prefix, replies, relays, hints, base_path))
    ]
    order = list(Sureness)
    return sorted(found, key=lambda one: (order.index(one.sureness), bool(one.prefix)))


def _prefixes(dialect: str, relays: Mapping[str, Collection[str]]) -> Iterable[str]:
    return dict.fromkeys(("", *CUT_OFF.get(dialect, ()), *relays.get(dialect, ())))


def wants_key(replies: Mapping[str, Response]) -> bool:
    """Whether the server refuses even a path that cannot exist: without a right key it tells nothing."""
    nowhere = replies.get(NOWHERE)
    return nowhere is not None and (
        nowhere.status == 401 or (nowhere.status == 403 and parse(nowhere.body) is not None)
    )


def looks_alike(one: Response, other: Response) -> bool:
    """Whether two replies are the same, apart from numbers, ids and the paths that they repeat."""
    return one.status == other.status and _shape(one.body) == _shape(other.body)


def _get(path: str) -> Request:
    return Request(method="GET", path=path)


def _shape(body: bytes) -> str:
    return _NAMES.sub("", body.decode("utf-8", "replace"))


def _recognize_one(
    dialect: str,
    prefix: str,
    replies: Mapping[str, Response],
    relays: Mapping[str, Collection[str]],
    hints: Hints,
    base_path: str,
) -> Recognized | None:
    path = prefix + DIALECTS[dialect].poll(_GENERATION, TASK_ID).path
    reply, nowhere = replies.get(path), replies.get(prefix + NOWHERE)
    if reply is None or nowhere is None:
        return None
    answer = _answer(dialect, reply, nowhere)
    evidence = [f"GET {path} {_describe(reply)}; a path that does not exist {_describe(nowhere)}"]
    if answer is _Answer.NOTHING and not prefix and dialect in SHARED and _is_there(replies, nowhere):
        answer = _Answer.EXISTS
        evidence = [
            f"GET {VIDEO_LIST} {_describe(replies[VIDEO_LIST])}; a path that does not exist {_describe(nowhere)}"
        ]
    if answer in (_Answer.NOTHING, _Answer.ANYTHING):
        return None
    place = base_path + prefix
    if reply.is_emulator and any(place in prefixes for prefixes in relays.values()):
        if place not in relays.get(dialect, ()):
            return None
        evidence.append("the reply is marked as the emulator's, which serves it at this path")
        return Recognized(dialect=dialect, prefix=prefix, sureness=Sureness.CERTAIN, evidence=tuple(evidence))
    needs_key = answer is _Answer.NEEDS_KEY
    if needs_key:
        evidence.append("that path wants a key")
    sureness, reasons = _judge(dialect, answer, reply, hints, _named_places(dialect, place, relays))
    if sureness is None:
        return None
    return Recognized(
        dialect=dialect, prefix=prefix, sureness=sureness, evidence=(*evidence, *reasons), needs_key=needs_key
    )


def _named_places(dialect: str, place: str, relays: Mapping[str, Collection[str]]) -> tuple[bool, bool]:
    """Whether the path is one where relays are known to have this dialect, and whether it is one of another dialect."""
    owners = [name for name, prefixes in relays.items() if place and place in prefixes]
    return dialect in owners, bool(owners) and dialect not in owners


def _judge(
    dialect: str, answer: _Answer, reply: Response, hints: Hints, places: tuple[bool, bool]
) -> tuple[Sureness | None, list[str]]:
    """How sure it is that the server speaks this dialect at a path that it has, and the reasons."""
    is_known_place, is_other_place = places
    knows_tasks = answer is _Answer.UNKNOWN_TASK
    error = parse(reply.body) or {}
    if dialect in SHARED:
        if answer is not _Answer.NEEDS_KEY:
            sureness, reasons = _judge_shared(dialect, reply, hints, is_known_place=is_known_place)
            if sureness is Sureness.LIKELY and not knows_tasks and dialect != hints.server:
                sureness = Sureness.POSSIBLE
        elif dialect == hints.server:
            sureness, reasons = Sureness.LIKELY, [hints.named_by]
        else:
            sureness, reasons = (Sureness.POSSIBLE if dialect == "openai-videos" or is_known_place else None), []
        return (sureness and Sureness.POSSIBLE if is_other_place else sureness), reasons
    if not knows_tasks:
        return Sureness.POSSIBLE, []
    if DIALECTS.is_declared(dialect):
        return Sureness.LIKELY, []
    if dialect == "dashscope":  # others have `/tasks` too
        return (None if dig(error, ("output", "task_status")) is None else Sureness.CERTAIN), []
    if dialect == "newapi":
        certain = is_newapi_error(reply) or hints.is_newapi
        return (Sureness.CERTAIN if certain else Sureness.LIKELY), []
    if dialect == "runway":  # other servers have /v1/tasks too
        certain = is_known_place or isinstance(error.get("error"), str)
        return (Sureness.CERTAIN if certain else Sureness.POSSIBLE), []
    if dialect == "kling-new":  # and so have some `/tasks`: only Kling lists none of them as a success
        return (Sureness.CERTAIN if isinstance(error.get("data"), list) else Sureness.POSSIBLE), []
    return Sureness.CERTAIN, []


def _judge_shared(
    dialect: str, reply: Response, hints: Hints, *, is_known_place: bool
) -> tuple[Sureness | None, list[str]]:
    """The same for the dialects that are polled alike, by everything else that the server says."""
    if is_known_place:
        return Sureness.LIKELY, [f"the path is one where relays have {dialect}"]
    if hints.server:
        certain = hints.owner in SELF_HOSTED or hints.lists_videos
        fits = {hints.server: Sureness.CERTAIN if certain else Sureness.LIKELY, "openai-videos": Sureness.POSSIBLE}
        return fits.get(dialect), [hints.named_by]
    if dialect in SERVERS:
        return None, []
    if hints.lists_videos or hints.owner in SELF_HOSTED:
        reasons = [f"GET {VIDEO_LIST} lists videos, as OpenAI's API does"] if hints.lists_videos else []
        reasons += [f"{MODEL_LIST} says owned_by: {hints.owner}"] if hints.owner in SELF_HOSTED else []
        return (Sureness.CERTAIN, reasons) if dialect == "openai-videos" else (None, [])
    if hints.listed:
        reasons = ["its list GET /api/models names the endpoints of its models, as CometAPI's does"]
        return (Sureness.LIKELY, reasons) if dialect in COMETAPI else (None, [])
    document = parse(reply.body) or {}
    if isinstance(document.get("error"), str) and isinstance(document.get("code"), str):  # X5: xAI's error
        fits = {"xai": Sureness.LIKELY, "openai-videos": Sureness.POSSIBLE}
        return fits.get(dialect), ["its error is written as xAI's"]
    if hints.is_newapi or is_newapi_error(reply):
        fits = {"gateway": Sureness.LIKELY, "openai-videos": Sureness.POSSIBLE}
        return fits.get(dialect), ["it answers as servers of the new-api family do"]
    return (Sureness.LIKELY if dialect == "openai-videos" else None), []


def _answer(dialect: str, reply: Response, nowhere: Response) -> _Answer:
    if looks_alike(reply, nowhere) or 300 <= reply.status < 400:
        return _Answer.NOTHING
    try:
        read = DIALECTS[dialect].read_poll(reply, TASK_ID)
    except UnreadableReply:
        return _Answer.NOTHING
    if isinstance(read, Status):
        return _Answer.UNKNOWN_TASK if read.phase is Phase.UNSEEN else _Answer.ANYTHING
    if read.kind is FailureKind.AUTH:
        return _Answer.NEEDS_KEY
    return _Answer.NOTHING if read.provider_wide or parse(reply.body) is None else _Answer.EXISTS


def _is_there(replies: Mapping[str, Response], nowhere: Response) -> bool:
    """Whether the list's path exists, although unknown tasks get the reply of unknown paths: 405 says POST only."""
    listed = replies.get(VIDEO_LIST)
    return listed is not None and (listed.status == 405 or is_video_list(listed)) and not looks_alike(listed, nowhere)


def _describe(reply: Response) -> str:
    error = find_error(parse(reply.body))
    message = error.message or ("a web page" if b"<html" in reply.body[:500].lower() else "")
    shown = message[:MAX_SHOWN_CHARS] + ("..." if len(message) > MAX_SHOWN_CHARS else "")
    return f"answers HTTP {reply.status}{f' ({shown})' if shown else ''}"
