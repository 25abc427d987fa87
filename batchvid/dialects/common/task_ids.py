"""Find a task's id anywhere in a reply: it proves that a task exists, whatever else the reply says.

An id that may be a trace id, the user's own or another thing's proves nothing in either direction: it is `doubtful`.
A trace id that the task's address in the same reply contains is the task's (fal's queue).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from batchvid.dialects.common.envelopes import ID_PLACES
from batchvid.dialects.common.error_parsing import is_error
from batchvid.dialects.common.json_bodies import embedded, values
from batchvid.dialects.common.json_values import Path, dig, identifier

IN_WORDS = "{}"  # the step into a document inside a string: there only a task object counts
MAX_DEPTH = 12
MAX_EMBEDDED = 3  # documents inside strings inside documents
MAX_SENTENCE = 20_000  # characters
MAX_PLACES = 20_000  # values looked at: a reply may hold a whole clip's description

TASK_KEYS = frozenset({"taskid", "taskids", "taskuuid"})
"""Keys that name a task in every envelope, without `_`, `-` and case (new-api, Kling, MiniMax, Vidu, kie)."""
TRACE_KEYS = frozenset({"requestid"})
"""Keys of a trace id, except where a dialect's places name one: xAI calls a task's id so."""
OTHER_KEYS = frozenset(
    {
        *("videoid", "jobid", "generationid", "predictionid", "operationid", "renderid", "promptid", "queueid"),
        *("uuid", "operation", "operationname", "pollingurl", "statusurl", "responseurl", "geturl"),
    }
)
"""Keys of a task's id or address at other vendors (OpenRouter, fal, Replicate, Luma, Google)."""
ADDRESS_KEYS = frozenset({"pollingurl", "statusurl", "responseurl", "cancelurl", "geturl"})
"""Keys of a task's own addresses."""
ENVELOPES = frozenset(
    {
        *("data", "result", "results", "task", "tasks", "output", "response", "video", "videos", "generation", "job"),
        *("prediction", "body", "payload", "item", "items", "list", "generations", "jobs"),
        "resp",  # PixVerse
    }
)
"""Keys of objects that are the task, or that wrap it."""
ERRORS = frozenset({"error", "errors", "detail", "details", "issues", "cause", "exception"})
"""Keys of objects whose `id` is the error's own."""
ECHOES = frozenset({"input", "inputs", "ctx", "request", "param", "params", "parameters", "headers", "loc", "metadata"})
"""Keys of objects that repeat what the user sent."""
BYSTANDERS = frozenset(
    {
        *("user", "account", "model", "channel", "token", "key", "team", "organization", "project", "workspace"),
        *("image", "images", "file", "files", "product", "plan", "group"),
    }
)
"""Keys of objects with an id of their own that is no task's."""

_TRACE_VALUE = re.compile(r"req(uest)?[-_]", re.I)
_TASK_VALUE = re.compile(
    r"(task|video|vid|cgt|gen|job|pred|vgen|grok)[-_]|(models|projects)/.{1,200}/operations/|operations/", re.I
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)  # xAI's task ids; new-api's traces are not
_ID_LIKE = re.compile(r"(?=\S*\d)[\w.:-]{8,512}")
_TASK_OBJECT = re.compile(r"video|task|generation|prediction|operation|job", re.I)
_NAMED_TASK = re.compile(
    r"\btask(?:[_ -]?id)?[\"']?\s*(?:is\b|was\b|[:=#])?\s*[\"'(\[]?(?=[\w.-]*\d)([A-Za-z0-9][\w.-]{7,200}\w)"
    r"|\b((?:task|cgt|vgen|pred)[-_](?=[\w-]*\d)[\w-]{8,200})|\b(video_[0-9a-f]{16,200})\b",
    re.I,
)
"""How a sentence names a task: "Timeout waiting for task cgt-20251130120000-abcde"."""
_TASK_ADDRESS = re.compile(
    r"/(?:videos?|tasks?|generations?|jobs?|predictions|requests|operations)/(?=[\w.-]*\d)([\w.-]{8,200})(?=[/?]|$)",
    re.I,
)
_SUCCESS = frozenset({"success", "succeed", "ok", "0", "1", "200"})


@dataclass(frozen=True, slots=True)
class TaskIds:
    """The ids of a reply: those that are a task's, and those that may be one's."""

    certain: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()


@dataclass(slots=True)
class _Search:
    own: Collection[str]
    certain: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    looked_at: int = 0
    traces: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def add(self, found: str, *, is_certain: bool) -> None:
        if found and found not in self.own:
            (self.certain if is_certain else self.doubtful).append(found)


def find_task_ids(
    documents: Sequence[object],
    places: Sequence[Path] = ID_PLACES,
    *,
    own_ids: Collection[str] = (),
    is_refused: bool = False,
) -> TaskIds:
    """Find the ids in the documents of a body. `places` are those of the dialect; `own_ids` are what was sent.

    `is_refused` says that the HTTP status is an error: then a `request_id` beside an error is a trace id, also at xAI,
    unless it has the form of xAI's task ids: then it proves nothing.
    """
    search = _Search(own=own_ids)
    traces = [place for place in places if _normal(str(place[-1])) in TRACE_KEYS]
    for document in documents:
        if isinstance(document, dict):
            _look_at_top(search, document, [place for place in places if place not in traces])
        _walk(search, document, (), 0)
        if isinstance(document, dict) and not search.certain:
            if not (is_refused and is_error(document)):
                _look_at_top(search, document, traces)
            for found in (identifier(dig(document, place)) for place in traces):
                search.add(found if _UUID.fullmatch(found) else "", is_certain=False)
        if not search.certain and not (isinstance(document, dict) and is_error(document)):
            addressed = [found for found in search.traces if any(found in address for address in search.addresses)]
            search.certain += addressed[:1]
    certain = tuple(dict.fromkeys(search.certain))
    return TaskIds(certain, tuple(found for found in dict.fromkeys(search.doubtful) if found not in certain))


def find_ids_in_words(sentence: str, location: str = "", own_texts: Iterable[str] = ()) -> tuple[str, ...]:
    """Find what a vendor's sentence, or the `Location` of a reply, names as a task.

    What the user sent, `own_texts`, names none.
    """
    own = " ".join(own_texts).casefold()
    matches = (*_NAMED_TASK.finditer(sentence[:MAX_SENTENCE]), *_TASK_ADDRESS.finditer(location[:MAX_SENTENCE]))
    found = (next(filter(None, match.groups())) for match in matches)
    return tuple(dict.fromkeys(name for name in found if name.casefold() not in own))


def _look_at_top(search: _Search, document: dict[str, object], places: Sequence[Path]) -> None:
    """Look where the dialect's ids stand. Beside an error an `id` needs a sign that it is a task's."""
    failed = is_error(document)
    for place in places:
        found = identifier(dig(document, place))
        is_plain = _normal(str(place[-1])) not in TASK_KEYS
        if found and not (is_plain and _TRACE_VALUE.match(found)):
            search.add(found, is_certain=not is_plain or not failed or _is_task(document, found))
    for key in ("data", "result"):  # new-api's Suno route and Midjourney proxies answer with the bare id
        value = document.get(key)
        if isinstance(value, str) and _ID_LIKE.fullmatch(value.strip()):
            agreed = str(document.get("code", "")).casefold() in _SUCCESS
            search.add(value.strip(), is_certain=agreed and not failed)


def _is_task(holder: dict[str, object], found: str) -> bool:
    """Whether the object around an `id` is a task: by its status word, its type, or the id's own beginning."""
    words = (holder.get("status"), holder.get("task_status"), holder.get("state"))
    kind = holder.get("object")
    return (
        any(isinstance(word, str) and word.strip() and word.casefold() not in ("error", "fail") for word in words)
        or (isinstance(kind, str) and _TASK_OBJECT.search(kind) is not None)
        or _TASK_VALUE.match(found) is not None
    )


def _walk(search: _Search, value: object, path: tuple[str, ...], opened: int) -> None:
    search.looked_at += 1
    if len(path) > MAX_DEPTH or search.looked_at > MAX_PLACES:
        return
    if isinstance(value, list):
        for item in value:
            _walk(search, item, path, opened)
    elif isinstance(value, str):
        if opened < MAX_EMBEDDED and (inner := embedded(value)) is not None:
            _walk(search, inner[1], (*path, IN_WORDS), opened + 1)
    elif isinstance(value, dict):
        for key, child in values(value):
            name = _normal(key)
            if name in ECHOES:
                continue
            for found in _identifiers(child):
                _judge(search, value, path, name, found)
            _walk(search, child, (*path, name), opened)


def _judge(search: _Search, holder: dict[str, object], path: tuple[str, ...], name: str, found: str) -> None:
    """Judge one value: by its own key, by the keys of the objects around it, and by what stands beside it."""
    if name in TASK_KEYS or (name == "videoid" and path == ("resp",)):  # PixVerse
        search.add(found, is_certain=True)
    elif name in ADDRESS_KEYS and "://" in found:
        search.addresses.append(found)
        search.add(found, is_certain=False)
    elif name in TRACE_KEYS and found not in search.own:
        search.traces.append(found)
    elif name == "id":
        if _TRACE_VALUE.match(found) or (path and path[-1] in ERRORS | BYSTANDERS):
            return
        row_number = bool(path) and found.isdecimal() and isinstance(holder.get("id"), int)
        inside = path[len(path) - path[::-1].index(IN_WORDS) :] if IN_WORDS in path else path
        wrapped = all(key in ENVELOPES for key in inside) and (inside is path or _is_task(holder, found))
        search.add(found, is_certain=wrapped and not row_number and (not is_error(holder) or _is_task(holder, found)))
    elif name in OTHER_KEYS and not (path and path[-1] in BYSTANDERS):
        search.add(found, is_certain=False)
    elif name == "name" and _TASK_VALUE.match(found) and "/" in found:
        search.add(found, is_certain=not path)


def _identifiers(value: object) -> Iterator[str]:
    items: Iterable[object] = value if isinstance(value, list) else (value,)
    yield from filter(None, map(identifier, items))


def _normal(key: str) -> str:
    return key.casefold().replace("_", "").replace("-", "")
