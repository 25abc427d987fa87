"""Faults of the download: the link, the headers, the bytes. All are transient, unless their name says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.faults import media
from tests.faults.fault import READY, STORED, Ending, Fault, failed, rules
from tests.faults.wire_faults import (
    Change,
    Step,
    WireFault,
    body,
    finished,
    headers,
    is_link,
    links,
    page,
    task_layer,
)

NO_CONTENT_ROUTE = (
    *("kling", "kling-new", "runway", "xai", "ark", "minimax", "minimax-v1", "dashscope"),
    *("luma", "fal", "replicate", "comfy-router"),
)
STEPS: tuple[Step, Step] = ("link", "content")


def _clip(name: str, action: Any, ends: Ending = STORED, *, times: int = 1, **more: Any) -> Fault:
    return Fault(name=name, group="the clip", rules=rules("download content", action, times), ends=ends, **more)


def _refused(
    name: str, action: Any, ends: Ending = STORED, *, times: int = 0, steps: str = "download content"
) -> Fault:
    """A link on another host that is refused: there the key is never sent, which the emulator checks."""
    but = dict.fromkeys(NO_CONTENT_ROUTE, READY) if steps == "download" else {}
    made = rules(steps, action, times)
    return Fault(name=name, group="the clip", rules=made, wire=(ON_ANOTHER_HOST,), ends=ends, but=but)


def _wire(name: str, ends: Ending = STORED, *, times: int = 0, **more: Any) -> Fault:
    """A fault of the wire at both ways to a clip; what the matrix needs to know stands in `more` too."""
    about = {key: more.pop(key) for key in ("but", "dials", "shows") if key in more}
    wire = tuple(WireFault(step=step, times=times, **more) for step in STEPS)
    return Fault(name=name, group="the clip", wire=wire, ends=ends, **about)


def _bytes(name: str, data: Callable[[], bytes], ends: Ending = STORED, **more: Any) -> Fault:
    """Other bytes than the vendor's, under its own headers; clips are made when they are needed."""
    return _wire(name, ends, change=body(lambda _: data()), **more)


def _cut(layout: str) -> Callable[[], bytes]:
    return partial(media.cut, layout)


def _link(name: str, change: Change, **more: Any) -> Fault:
    return Fault(name=name, group="the clip", wire=(WireFault(step="poll", change=change),), ends=STORED, **more)


def _relative(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def _decorated(url: str) -> str:
    origin, _, path = url.partition("/_cdn/")
    return f"{origin}/my clips/naïve 风筝/_cdn/{path}"


def _second_output(document: Any) -> Any:
    """Another clip in the task's reply, beside the first."""
    if "file_id" in document:  # a poll on MiniMax's first wire names one file, and no link
        return document
    first = next((link for link in _links_of(document) if ".jpg" not in link), _content_path(document))
    if ":download?" in first:  # Google's: among the samples, or the parts of a step
        result = document.get("response", {}).get("generateVideoResponse")
        clips = result["generatedSamples"] if result else document["steps"][-1]["content"]
        clips.append({"video": {"uri": f"{first}&n=2"}} if result else {**clips[0], "uri": f"{first}&n=2"})
        return document
    task_layer(document)["videos"] = [{"url": first}, {"url": f"{first}&n=2"}]
    return document


def _content_path(document: Any) -> str:
    """Where OpenAI's own wire has the clip: its reply names no link."""
    return f"/v1/videos/{document.get('id')}/content?"


def _links_of(value: Any) -> Iterator[str]:
    """Every link in the JSON."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        if is_link(one):
            yield one
        yield from _links_of(one)


ON_ANOTHER_HOST = WireFault(step="poll", change=links(lambda url: url.replace("//127.0.0.1:", "//localhost:")))
NOT_YET = {"error": {"message": "Task is not completed yet, current status: IN_PROGRESS"}}
PLACEHOLDER = page(200, "Your video is being prepared", content_type="video/mp4")
GONE, NO_CLIP = failed("expired"), failed("bad_media")
LIES = {"content_type": "text/html; charset=utf-8", "content_disposition": 'attachment; filename="error.html"'}

LATE = (
    _refused("expired link (403), then a fresh one", "expired", times=1),
    _refused("403 at first", "expired", times=5),
    _clip("404 at first", {"status": 404}, times=5),
    _clip("503 at first", {"status": 503}, times=5),
    _clip("JSON at first", "json_200", times=5),
    _wire("a page as video/mp4 at first", instead=PLACEHOLDER, times=5),
    _clip("400, not finished yet", {"status": 400, "json": NOT_YET}),
    _refused("401, then a fresh link", {"status": 401}, times=1),
    _clip("410, then a fresh link", {"status": 410}),
    _refused("403 forever", "expired", READY),
    _clip("404 forever", {"status": 404}, READY, times=0),
    _clip("410 forever", {"status": 410}, GONE, times=0),
    _clip("JSON forever", "json_200", READY, times=0),
    _clip("HTML forever", "html_200", READY, times=0),
    _wire("a page as video/mp4 forever", READY, instead=PLACEHOLDER),
    _clip("502 forever", {"status": 502}, READY, times=0),
    _refused("the link is refused (403), the content route is not", "expired", steps="download"),
)
LINKS = (
    Fault(name="redirect of the link", group="the clip", rules=rules("download", "redirect"), ends=STORED),
    _link("a link relative to the provider", links(_relative)),
    _link("a link with spaces and non-ASCII letters", links(_decorated)),
    _link("a link with HTML entities", links(lambda url: url.replace("&", "&amp;"))),
    Fault(
        name="a link on the provider's own host needs the key",
        group="the clip",
        wire=(WireFault(step="link", needs_key=True),),
        ends=STORED,
        dials={"send_key_to_own_links": True},
    ),
    _link("two clips of one task", finished(_second_output), clips=2, one_clip=("minimax-v1",)),
)
BYTES = (
    _refused("valid once, then truncated", {"valid_once": True, "truncate": True}, times=1),
    _clip("truncated", "truncate"),
    _clip("truncated, and no ranges", {"truncate": True, "no_range": True}),
    _clip("truncated forever, and no ranges", {"truncate": True, "no_range": True}, READY, times=0),
    *(_bytes(f"cut off, but complete by its length: {name}", _cut(name), times=1) for name in media.LAYOUTS),
    _bytes("cut off forever, but complete by its length", _cut("MP4 in fragments"), READY),
    _clip("wrong type forever", "wrong_type", times=0),
    _wire("headers that name a web page", change=headers(**LIES)),
    _bytes("WebM", partial(media.clip, "WebM")),
    _bytes("another length than requested", partial(media.clip, "MP4, index first", 2.0), shows="got 2.0 s"),
    _bytes("a playlist forever", lambda: media.PLAYLIST, NO_CLIP),
    _bytes("an ffconcat list forever", lambda: media.CONCAT, NO_CLIP),
    _bytes("a still image forever", lambda: media.JPEG, NO_CLIP),
    _clip("zero bytes", "zero"),
    _clip("zero bytes forever", "zero", READY, times=0),
    _clip("never ending", "endless"),
    _clip("never ending forever", "endless", NO_CLIP, times=0),
    _clip("chunked, without a length", "chunked", times=0),
    _clip("reset", "reset_before"),
)
CLIPS = (*LATE, *LINKS, *BYTES)
