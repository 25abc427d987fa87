"""A wire format as data: what a definition sends, what it reads, and what is refused when it is read."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest

from batchvid.dialects.dialect import Dialect
from batchvid.dialects.json_task import Definition, as_dialect, read_definition
from batchvid.dialects.registry import Dialects
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.wire import (
    Accepted,
    Candidate,
    GenerationRequest,
    ImageInput,
    Phase,
    Rejected,
    Request,
    Response,
    Status,
    Uncertain,
)
from batchvid.errors import UnreadableReply, Unsupported, UsageError
from tests.builders import generation, with_fields

BASE: dict[str, Any] = {
    "submit": "/v2/renders",
    "id": "/job/no",
    "poll": "/v2/renders/{id}",
    "status": "/job/state",
    "clips": "/job/files/*/link",
    "words": {
        "queued": "in",
        "running": 2,
        "succeeded": ["out"],
        "failed": "burnt",
        "moderated": "banned",
        "unseen": "no_job",
    },
    "error_code": "/why",
    "refusals": {"balance": "no_coins", "invalid": [400, "200 bad"], "rate": "429 slow", "uncertain": ["400 odd"]},
    "body": {"engine": "{model}", "text": "{prompt}"},
}
OPTIONS = {"body": {**BASE["body"], "*": "{options}"}}
FILE = ImageInput(role="first", filename="a.png", media_type="image/png", width=64, height=64, data=b"abc")
LINK = ImageInput(role="first", filename="", media_type="", url="https://example.com/a.png")


def dialect(**changes: Any) -> Dialect:
    """The dialect of the base definition with these keys over it."""
    definition, problems = read_definition({**copy.deepcopy(BASE), **changes})
    assert definition is not None, problems
    return as_dialect("bakery", definition)


def placed(**body: str) -> dict[str, Any]:
    """A template with these fields more."""
    return {"body": {**BASE["body"], **body}}


def order(**fields: Any) -> GenerationRequest:
    return with_fields(generation(model="loaf-2", prompt="a kite"), **fields)


def reply(body: object, status: int = 200, **headers: str) -> Response:
    return Response(status=status, headers=headers, body=body if isinstance(body, bytes) else orjson.dumps(body))


def sent(body: dict[str, Any], asked: GenerationRequest, **changes: Any) -> Any:
    """The JSON that is sent with this template."""
    return dialect(body={**BASE["body"], **body}, **changes).submit(asked).json


@pytest.mark.parametrize(
    ("body", "asked", "found"),
    [
        ({"n": "{duration_s}"}, order(duration_s=5), {"n": 5}),
        ({"n": "{duration_s:text}"}, order(duration_s=5), {"n": "5"}),
        ({"n": "{duration_s}s"}, order(duration_s=5), {"n": "5s"}),
        ({"n": "{duration_s:float}"}, order(duration_s=2.5), {"n": 2.5}),
        ({"n": "{duration_s}", "o": {"seed": "{seed}"}}, order(), {}),
        ({"o": {"seed": "{seed}", "kind": "x"}}, order(seed=0), {"o": {"seed": 0, "kind": "x"}}),
        ({"quiet": "{sound}"}, order(sound=False), {"quiet": False}),
        ({"size": "{width}*{height}"}, order(resolution="1280x720"), {"size": "1280*720"}),
        ({"size": "{size}", "tier": "{resolution}"}, order(resolution="720p"), {"tier": "720p"}),
        ({"f": ["{image}", "{end_image}"]}, order(images=(LINK,)), {"f": [LINK.url]}),
        ({"f": "{image:base64}", "t": "{image:type}"}, order(images=(FILE,)), {"f": "YWJj", "t": "image/png"}),
        ({"f": "{image}"}, order(images=(FILE,)), {"f": "data:image/png;base64,YWJj"}),
        ({"c": [{"t": "text", "x": "{negative_prompt}"}, {"t": "pic", "u": "{image}"}]}, order(), {}),
        ({"fixed": {"a": 1}, "list": [1, 2]}, order(), {"fixed": {"a": 1}, "list": [1, 2]}),
        ({"o": {"*": "{options}", "k": 1}}, order(options={"cfg": 0.5}), {"o": {"k": 1, "cfg": 0.5}}),
        ({"hook": "{callback_url}"}, order(), {}),
    ],
)
def test_a_template_is_filled_in(body: dict[str, Any], asked: GenerationRequest, found: dict[str, Any]) -> None:
    """Types stay, text around a variable makes text, and what is not set is left out."""
    assert sent(body, asked) == {"engine": "loaf-2", "text": "a kite", **found}


def test_an_item_is_repeated_for_each_reference() -> None:
    """An object in a list with a variable of several values stands there once for each."""
    images = tuple(
        ImageInput(role="reference", filename="", media_type="", url=f"https://e.example/{n}") for n in (1, 2)
    )
    found = sent({"refs": [{"src": "{reference_images}", "w": 1}]}, order(images=images))["refs"]
    assert found == [{"src": "https://e.example/1", "w": 1}, {"src": "https://e.example/2", "w": 1}]


@pytest.mark.parametrize(
    ("changes", "asked", "field", "reason"),
    [
        ({}, order(seed=7), "seed", "the bakery wire does not support it"),
        ({}, order(options={"cfg": 1}), "options", "no place for {options}"),
        ({}, order(images=(LINK,)), "image", "does not support"),
        ({}, order(action="extend"), "action", "this wire can make new clips, not extend"),
        ({"values": {"mode": {"pro": "p"}}, **placed(m="{mode}")}, order(mode="std"), "mode", "allowed are pro"),
        ({**placed(f="{image:link}")}, order(images=(FILE,)), "image", "fetches pictures by link"),
        ({**placed(f="{image:base64}")}, order(images=(LINK,)), "image", "not a link"),
        (OPTIONS, order(options={"n": 4}), "options", "would change what is paid for"),
        (OPTIONS, order(options={"engine": "x"}), "options", "would change|sets it"),
        (OPTIONS, order(options={"text": "x"}), "options", "the wire's definition sets it"),
        ({"models": ["a"]}, order(), "model", "this wire has a, not loaf-2"),
        ({"prompt_chars": 3}, order(), "prompt", "at most 3 characters"),
        ({"variants": {"edit": {}}, **placed(v="{video}")}, order(action="edit"), "video", "is required"),
    ],
)  # fmt: skip
def test_what_a_definition_does_not_place_is_refused(
    changes: dict[str, Any], asked: GenerationRequest, field: str, reason: str
) -> None:
    """When the manifest is planned, with the manifest's own field: nothing is dropped."""
    with pytest.raises(Unsupported, match=reason) as raised:
        dialect(**changes).submit(asked)
    assert raised.value.field == field


def test_a_form_has_files_and_texts() -> None:
    """In a multipart body a picture is a file part; objects are JSON, lists are repeated fields."""
    body = {**BASE["body"], "pic": "{image}", "n": "{duration_s}", "tags": ["a", "b"], "o": {"x": 1}}
    request = dialect(body=body, body_as="multipart").submit(order(images=(FILE,), duration_s=5))
    assert request.json is None
    assert [(part.name, part.value, part.filename) for part in request.parts] == [
        ("engine", b"loaf-2", ""),
        ("text", b"a kite", ""),
        ("pic", b"abc", "a.png"),
        ("n", b"5", ""),
        ("tags", b"a", ""),
        ("tags", b"b", ""),
        ("o", b'{"x":1}', ""),
    ]


def test_calls_have_their_paths_and_bodies() -> None:
    """The model in a path keeps its slashes, an id does not; a poll by POST has its body."""
    made = dialect(
        submit="/m/{model}/run",
        poll="POST /q/{id}",
        poll_body={"no": "{id:int}"},
        cancel="/q/{id}/stop",
        cancel_until="running",
        headers={"X-Version": "1"},
    )
    assert made.submit(with_fields(order(), model="a/b c")).path == "/m/a/b%20c/run"
    assert made.poll(order(), "12") == Request(method="POST", path="/q/12", headers={"X-Version": "1"}, json={"no": 12})
    assert made.poll(order(), "a/b").path == "/q/a%2Fb"
    assert made.cancel is not None
    assert made.cancel(order(), "12").method == "POST"
    assert made.cancel_until == "running"


@pytest.mark.parametrize(
    ("response", "verdict"),
    [
        (reply({"job": {"no": 4711}}), Accepted(task_id="4711")),
        (reply({"job": {"no": 4711, "state": "in"}}, 500), Accepted(task_id="4711")),
        (reply({"why": "no_coins", "message": "m"}, 403), FailureKind.BALANCE),
        (reply({"why": "slow", "message": "m"}, 429), FailureKind.RATE),
        (reply({"why": "bad", "message": "m"}), FailureKind.INVALID),
        (reply({"why": "whatever", "message": "m"}, 400), FailureKind.INVALID),
        (reply({"error": "no"}, 401), FailureKind.AUTH),
        (reply({"error": "no"}, 402), FailureKind.BALANCE),
        (reply(b"", 429), FailureKind.RATE),
        (reply(b"<html>nginx</html>", 413), FailureKind.INVALID),
        (reply({"why": "odd", "message": "m"}, 400), None),
        (reply({"why": "unheard", "message": "m"}), None),
        (reply({"why": "unheard", "message": "insufficient credits"}, 422), None),
        (reply({"why": "no_coins", "message": "m"}, 500), None),
        (reply({"why": "no_coins", "message": "m", "job": {"no": 5}}, 400), None),
        (reply({"why": "no_coins", "message": "m", "task_id": "t-123456789"}, 400), None),
        (reply({"id": "an-id-elsewhere-1"}), None),
        (reply({"ok": True}), None),
        (reply(b'{"why": "no_coins", "message": "m', 400), None),
        (reply({"message": "the task already exists"}, 400), None),
        (reply({}, 503), None),
    ],
)
def test_a_submit_is_refused_only_where_that_is_named(response: Response, verdict: object) -> None:
    """Accepted with the id at its place; refused by the definition or by HTTP itself; everything else is uncertain."""
    read = dialect().read_submit(response)
    if verdict is None:
        assert isinstance(read, Uncertain), read
    elif isinstance(verdict, FailureKind):
        assert isinstance(read, Rejected), read
        assert read.kind is verdict
    else:
        assert read == verdict


def test_an_envelope_decides_before_anything_else() -> None:
    """With HTTP 200, a wrong value at its place is no success: an id beside it needs another sign of a task."""
    made = dialect(ok={"at": "/code", "is": [0, 200]})
    assert isinstance(made.read_submit(reply({"code": 0, "job": {"no": 1}})), Accepted)
    assert isinstance(made.read_submit(reply({"code": 7, "job": {"no": 1}})), Uncertain)
    assert isinstance(made.read_submit(reply({"code": 7, "job": {"no": 1, "state": "in"}})), Accepted)
    assert isinstance(made.read_poll(reply({"code": 7, "job": {"state": "out"}}), "1"), Rejected)


@pytest.mark.parametrize(
    ("job", "phase", "assets"),
    [
        ({"state": "in"}, Phase.QUEUED, []),
        ({"state": 2}, Phase.RUNNING, []),
        ({"state": "OUT", "files": [{"link": "https://c.example/1.mp4"}]}, Phase.SUCCEEDED, ["https://c.example/1.mp4"]),
        ({"state": "out", "files": [{"link": "reels/1"}]}, Phase.SUCCEEDED, ["/reels/1"]),
        ({"state": "out", "files": '[{"link": "https://c.example/1.mp4"}]'}, Phase.SUCCEEDED, ["https://c.example/1.mp4"]),
        ({"state": "out"}, Phase.SUCCEEDED, []),
        ({"state": "done", "files": [{"link": "https://c.example/1.mp4"}]}, Phase.UNKNOWN, []),
        ({"state": "burnt"}, Phase.FAILED, []),
        ({"state": "banned"}, Phase.FAILED, []),
    ],
)  # fmt: skip
def test_a_poll_is_read_by_the_words_of_the_definition(job: dict[str, Any], phase: Phase, assets: list[str]) -> None:
    """Also numbers and JSON in a string; a word that is not named is no verdict, and general words mean nothing."""
    read = dialect().read_poll(reply({"job": job}), "1")
    assert isinstance(read, Status)
    assert (read.phase, [asset.location for asset in read.assets]) == (phase, assets)
    assert (read.kind is FailureKind.MODERATION_OUTPUT) == (job["state"] == "banned")


def test_more_places_of_a_poll() -> None:
    """Progress, cost in units, conditions, a keyed path, and a clip as base64."""
    made = dialect(
        progress="/p", progress_max=1, cost="/coins", usd_per_unit=0.02, content="/v2/renders/{id}/file", inline="/b",
        success=[{"at": "/safe", "is": True, "otherwise": "moderated"}],
    )  # fmt: skip
    done = {"job": {"state": "out"}, "p": 1, "coins": 25, "safe": True, "b": "AAAAAAAAAAAAAAAAAAAA"}
    read = made.read_poll(reply(done), "7")
    assert isinstance(read, Status)
    assert (read.progress, read.actual_usd, read.phase) == (1.0, "0.5", Phase.SUCCEEDED)
    assert [(a.location[:20], a.keyed) for a in read.assets] == [
        ("data:video/mp4;base6", False),
        ("/v2/renders/7/file", True),
    ]
    withheld = made.read_poll(reply({**done, "safe": False}), "7")
    assert isinstance(withheld, Status)
    assert (withheld.phase, withheld.kind) == (Phase.FAILED, FailureKind.MODERATION_OUTPUT)
    failed = made.read_poll(reply({"job": {"state": "burnt"}, "coins": 0}), "7")
    assert isinstance(failed, Status)
    assert failed.charged is Charged.NO


def test_a_finished_task_may_need_a_second_get() -> None:
    """Its path holds places of the poll's reply, or is an address there; the clip is read in the reply to it."""
    made = dialect(follow_up="/files/{/job/file}", clips="/url")
    read = made.read_poll(reply({"job": {"state": "out", "file": "a/1"}}), "7")
    assert isinstance(read, Status)
    assert read.follow_up == Request(method="GET", path="/files/a%2F1")
    assert made.read_result is not None
    result = made.read_result(reply({"url": "https://c.example/1.mp4"}), "7")
    assert isinstance(result, Status)
    assert [asset.location for asset in result.assets] == ["https://c.example/1.mp4"]
    named = dialect(follow_up="{/job/at}", clips="/url")
    found = named.read_poll(reply({"job": {"state": "out", "at": "https://api.example/x/r/7?s=1"}}), "7")
    assert isinstance(found, Status)
    own, foreign = found.at_route("https://api.example/x"), found.at_route("https://other.example")
    assert (own.follow_up and own.follow_up.path, own.phase) == ("/r/7?s=1", Phase.SUCCEEDED)
    assert (foreign.follow_up, foreign.phase) == (None, Phase.UNKNOWN)


@pytest.mark.parametrize(
    ("response", "phase"),
    [
        (reply(b"", 202), Phase.QUEUED),
        (reply({"message": "task not found"}, 404), Phase.UNSEEN),
        (reply({"why": "no_job"}, 400), Phase.UNSEEN),
        (reply({"job": {"no": "7"}}), Phase.UNKNOWN),
        (reply({"job": {"no": "7", "state": "burnt"}}, 500), Phase.FAILED),
        (reply({"job": {"state": "burnt"}}, 500), None),
        (reply({"error": "x"}, 503), None),
    ],
)
def test_a_poll_that_fails_says_nothing_of_the_task(response: Response, phase: Phase | None) -> None:
    """Unless it is pending by its status, not known, or names the task and a failure."""
    read = dialect(pending_http=[202]).read_poll(response, "7")
    assert (read.phase if isinstance(read, Status) else None) is phase
    with pytest.raises(UnreadableReply):
        dialect().read_poll(reply({"hello": 1}), "7")


def test_lists_are_read_for_lost_submits() -> None:
    """Rows with an id; times as Unix time or ISO 8601."""
    made = dialect(
        list={"request": "/v2/renders?n=9", "rows": "/all", "id": "/no", "prompt": "/p", "created_at": "/at"},
        find={"request": "/v2/renders?ref={external_id}", "id": "/job/no"},
        body={**BASE["body"], "ref": "{external_id}"},
    )
    assert list(made.lookups) == ["external_id", "list"]
    assert made.lookups["external_id"].ask(order(external_id="job 1")).path == "/v2/renders?ref=job%201"
    rows = made.lookups["list"].read(
        reply({"all": [{"no": 7, "p": "a kite", "at": "2026-11-30T10:00:00Z"}, {"no": None}]})
    )
    assert isinstance(rows, tuple)
    assert [(row.task_id, row.prompt, row.created_at and row.created_at.hour) for row in rows] == [("7", "a kite", 10)]
    assert made.lookups["external_id"].read(reply({"job": {"no": 7}})) == (Candidate(task_id="7"),)
    assert made.lookups["external_id"].read(reply({"message": "not found"}, 404)) == ()


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"bdy": {}}, "bdy", "unknown key; did you mean body"),
        ({"words": {"succeded": "x", "failed": "y"}}, "words.succeded", "did you mean succeeded"),
        ({"id": "job.no"}, "id", "must be the place of a value"),
        ({"submit": "PATCH /x"}, "submit", "method and a path"),
        ({"submit": "GET /x"}, "submit", "must be a POST"),
        ({"poll": "/v2/renders"}, "poll", "must hold {id}"),
        ({"poll": "/v2/{no}"}, "poll", "must hold {id}"),
        ({"body": {"t": "{prompt}"}}, "body", "the model is nowhere"),
        ({"body": {"m": "{model}"}}, "body", "the prompt is nowhere"),
        ({"body": {**BASE["body"], "a": ["{imag}"]}}, "body.a.0", "did you mean image"),
        ({"body": {**BASE["body"], "a": "{seed:hex}"}}, "body.a", "unknown form in {seed:hex}"),
        ({"body": {**BASE["body"], "a": "{the prompt}"}}, "body.a", "is no variable"),
        ({"body": {**BASE["body"], "a": "{image:file}"}}, "body", 'body_as = "multipart"'),
        ({"words": {"succeeded": "x", "failed": ["y", "X"]}}, "words.failed", "two meanings"),
        ({"clips": []}, "clips", "is required"),
        ({"refusals": {"invalid": 503}}, "refusals.invalid", "no evidence that nothing was made"),
        ({"refusals": {"invalid": 409}}, "refusals.invalid", "no evidence"),
        ({"refusals": {"invalid": 1303}}, "refusals.invalid.0", 'write "1303" for a code'),
        ({"refusals": {"invalid": "a", "rate": "A"}}, "refusals.invalid", "two meanings"),
        ({"headers": {"X-Api-Key": "k"}}, "headers.X-Api-Key", "the key does not stand here"),
        ({"variants": {"end_image+image": {}}}, "variants.end_image+image", "write it image.end_image"),
        ({"variants": {"picture": {}}}, "variants.picture", "unknown input or action picture"),
        ({"cancel": "/x/{id}"}, "cancel", "cancel_until is required with it"),
        ({"idempotency": {"header": "Idempotency-Key", "deduplicates": False}}, "idempotency.deduplicates", "True"),
        ({"find": {"request": "/x", "id": "/id"}}, "find.request", "must hold {external_id}"),
        ({"values": {"prompt": {"a": "b"}}}, "values.prompt", "no table is possible"),
        ({"usd_per_unit": 1}, "usd_per_unit", "needs cost"),
        ({"follow_up": "/x"}, "follow_up", "must hold {id}"),
    ],
)
def test_a_definition_is_checked(changes: dict[str, Any], place: str, message: str) -> None:
    """Each problem names its key, and what is meant or allowed."""
    definition, problems = read_definition({**copy.deepcopy(BASE), **changes})
    assert definition is None
    assert any(
        ".".join(map(str, one.path)) == place and message in one.message.replace("+", ".") for one in problems
    ), problems


def test_a_header_makes_a_second_call_harmless() -> None:
    """Our id of the call goes out under the documented name, and the job remembers it."""
    made = dialect(idempotency={"header": "Idempotency-Key", "deduplicates": True})
    request = made.submit(order(external_id="job-1"))
    assert request.headers == {"Idempotency-Key": "job-1"}
    assert request.carries("job-1")


def test_two_definitions_of_one_name() -> None:
    """The last one counts, except while a run uses the name; a built-in name is never replaced."""
    one, _ = read_definition(BASE)
    other, _ = read_definition({**BASE, "poll": "/other/{id}"})
    assert isinstance(one, Definition)
    assert isinstance(other, Definition)
    known = Dialects({"veo": dialect()})
    known.define("bakery", one)
    with known.in_use({"bakery": one}):
        known.define("bakery", one)
        with pytest.raises(UsageError, match="defines this name differently"):
            known.define("bakery", other)
        assert known["bakery"].poll(order(), "1").path == "/v2/renders/1"
    known.define("bakery", other)
    assert known["bakery"].poll(order(), "1").path == "/other/1"
    with pytest.raises(UsageError, match="built in"):
        known.define("veo", one)
    with pytest.raises(UsageError, match=r"\[dialects\.gone\] in batchvid\.toml"):
        known["gone"]
