"""Whom a refusal concerns: the job, or the provider. And whose words decide: the vendor's, never the user's."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.dialects import DIALECTS
from batchvid.dialects.common.advice import with_advice
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import ImageInput, Rejected, Response, Uncertain
from tests.builders import generation
from tests.dialects import CODED
from tests.dialects.readers import READERS, SUBMIT_READERS, for_each
from tests.dialects.test_mangled import often

HTML = {"content-type": "text/html"}


def body_of(said: Any) -> bytes:
    return said.encode() if isinstance(said, str) else orjson.dumps(said)


@for_each(SUBMIT_READERS)
@pytest.mark.parametrize(
    ("status", "said", "headers"),
    [
        (403, "error code: 1010", {}),
        (403, "error code: 1020", {"server": "cloudflare"}),
        (403, {"title": "Error 1010: Access denied", "status": 403, "cloudflare_error": True}, {}),
        (403, "<title>Just a moment...</title>", {"cf-mitigated": "challenge", **HTML}),
        (403, "<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY>Reference #18.2</BODY></HTML>", HTML),
        (403, "<html><head><title>403 Forbidden</title></head><center>nginx</center></html>", HTML),
        (403, {"message": "Forbidden"}, {"x-amzn-waf-action": "block"}),
        (403, {"message": "Missing Authentication Token"}, {}),
        (403, "", {}),
        (400, "<html><center>nginx</center></html>", HTML),
        (400, "Client sent an HTTP request to an HTTPS server.", {}),
        (404, "404 page not found", {}),
        (404, {"detail": "Not Found"}, {}),
        (404, {"error": {"message": "Invalid URL (POST /v1/vidos)", "type": "invalid_request_error"}}, {}),
        (404, {"message": "Cannot POST /v1/videos", "error": "Not Found", "statusCode": 404}, {}),
        (404, {"timestamp": 1, "status": 404, "error": "Not Found", "path": "/v1/videos"}, {}),
        (404, {"message": "no Route matched with those values"}, {}),
        (404, "", {}),
        (405, {"detail": "Method Not Allowed"}, {}),
        (405, "<html></html>", HTML),
        (200, {"code": 404, "msg": "not found"}, {}),
        (301, "", {"location": "https://example.com/"}),
        (302, "<a href='/login'>", {"location": "/login", **HTML}),
        (401, "", {}),
        (401, "<html>401 Authorization Required</html>", HTML),
        (401, {"error": {"message": "Authentication Error, token not found", "type": "auth_error", "code": 401}}, {}),
        (400, {"error": {"message": "No connected db.", "type": "no_db_connection", "code": "400"}}, {}),
    ],
)
def test_what_every_call_meets_belongs_to_the_provider(
    dialect: str, status: int, said: Any, headers: dict[str, str]
) -> None:
    """A block at the edge, a wrong path, a redirect, a refused key: nothing was created, and no job is at fault."""
    read = DIALECTS[dialect].read_submit(Response(status=status, headers=headers, body=body_of(said)))
    assert isinstance(read, Rejected), read
    assert read.provider_wide, read


@for_each(SUBMIT_READERS)
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, {"error": {"message": "The model sora-9 does not exist", "code": "model_not_found"}}),
        (404, {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}),
        (403, {"error": {"message": "This token has no access to model veo3", "type": "new_api_error"}}),
        (422, {"detail": [{"loc": ["body", "seconds"], "msg": "Input should be '4'", "type": "literal_error"}]}),
        (400, {"error": {"message": "prompt is required", "type": "invalid_request_error"}}),
    ],
)
def test_an_error_in_the_vendors_own_shape_belongs_to_the_job(dialect: str, status: int, said: Any) -> None:
    """Another model or another prompt would get another reply."""
    read = DIALECTS[dialect].read_submit(Response(status=status, body=body_of(said)))
    assert isinstance(read, Rejected), read
    assert (read.kind, read.provider_wide) == (FailureKind.INVALID, False)


@for_each(SUBMIT_READERS)
@pytest.mark.parametrize("status", [200, 201, 500, 502, 503, 504])
@pytest.mark.parametrize("page", ["<html><body>Log in to the hotel's network</body></html>", "<!DOCTYPE html>\n<p>"])
def test_a_web_page_under_a_2xx_or_5xx_is_uncertain_and_stops_the_provider(
    dialect: str, status: int, page: str
) -> None:
    """A portal or a proxy replied: the API may have been called, or not."""
    read = DIALECTS[dialect].read_submit(Response(status=status, headers=HTML, body=page.encode()))
    assert isinstance(read, Uncertain)
    assert read.provider_wide
    assert "web page" in read.message


@for_each(SUBMIT_READERS)
@pytest.mark.parametrize("status", [400, 409, 418, 422])
@pytest.mark.parametrize("said", ["", "no", "{}", '{"ok":true}', "null"])
def test_a_4xx_without_an_error_of_the_vendor_is_uncertain(dialect: str, status: int, said: str) -> None:
    """Nothing says who refused what."""
    assert isinstance(DIALECTS[dialect].read_submit(Response(status=status, body=said.encode())), Uncertain)


PROMPTS = (
    "She keeps her balance on a tightrope while the crowd cheers",
    "A sign says insufficient credit, quota exhausted, and nobody cares",
    "An invalid token rolls over the floor, the key is disabled",
    "The parallel task of two concurrent dancers in a mirror",
)


@for_each(SUBMIT_READERS)
@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("status", [400, 403, 422, 429])
@pytest.mark.parametrize(
    "message",
    [
        "Invalid value for 'prompt': '{}'. At least 12 words are needed.",
        'the prompt "{}" is too long',
        "prompt {} has too many words",
        "提示词「{}」过长",
    ],
)
@pytest.mark.pitfall("the user's own words are read as the vendor's")
def test_the_users_words_decide_nothing(dialect: str, prompt: str, status: int, message: str) -> None:
    """A vendor repeats the prompt: the job is refused, and neither key nor account is suspected."""
    body = orjson.dumps({"error": {"message": message.format(prompt), "type": "invalid_request_error", "code": ""}})
    read = DIALECTS[dialect].read_submit(Response(status=status, body=body), sent=generation(model="m", prompt=prompt))
    assert isinstance(read, Rejected)
    assert read.kind is (FailureKind.RATE if status == 429 else FailureKind.INVALID), read


MONEY_WORDS = ("her", "balance", "quota", "credit", "key", "token", "invalid", "expired", "exhausted", "safety")


@often
@given(
    dialect=st.sampled_from(CODED),
    words=st.lists(st.sampled_from(MONEY_WORDS), min_size=3, max_size=8),
)
def test_no_quoted_prompt_stops_a_provider(dialect: str, words: list[str]) -> None:
    """Whatever the prompt says, the vendor's complaint about its length is about the job."""
    prompt = " ".join(words)
    body = orjson.dumps({"error": {"message": f"prompt {prompt}: too short", "code": ""}})
    read = DIALECTS[dialect].read_submit(Response(status=400, body=body), sent=generation(model="m", prompt=prompt))
    assert isinstance(read, Rejected)
    assert read.kind is FailureKind.INVALID


@for_each(SUBMIT_READERS)
@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"error": {"message": "insufficient balance", "code": "invalid_value", "param": "prompt"}}, "invalid"),
        ({"error": {"message": "Your balance is not enough", "type": "invalid_request_error"}}, "balance"),
        ({"error": {"message": "please check your plan and billing details", "code": "rate_limit_exceeded"}}, "rate"),
        ({"error": {"message": "please check your plan and billing details. Try again in 20s."}}, "rate"),
        ({"error": {"message": "please check your plan and billing details"}}, "balance"),
    ],
)
def test_words_decide_only_where_nothing_else_does(dialect: str, said: Any, kind: str) -> None:
    """A code, a named field or a time to wait is a reason; a standard sentence beside it is none."""
    read = DIALECTS[dialect].read_submit(Response(status=429 if kind == "rate" else 400, body=body_of(said)))
    assert getattr(read, "kind", None) == kind, read


BLOCK = {"error": {"message": "look again", "type": "invalid_request_error", "param": None, "code": "sentinel_block"}}


@for_each(SUBMIT_READERS)
@pytest.mark.parametrize("status", [200, 400, 500, 502])
@pytest.mark.parametrize(
    "message",
    [
        orjson.dumps(BLOCK).decode(),
        f"API request failed: 400 - {orjson.dumps(BLOCK, option=orjson.OPT_INDENT_2).decode()}",
        f"Error code: 400 - {BLOCK}",
        orjson.dumps({"error": {"message": f"upstream: {orjson.dumps(BLOCK).decode()}"}}).decode(),
        "upstream error: " + orjson.dumps(orjson.dumps(BLOCK).decode()).decode(),
    ],
)
@pytest.mark.pitfall("a refusal behind a gateway's prefix is uncertain")
def test_an_upstreams_refusal_is_read_behind_any_prefix(dialect: str, status: int, message: str) -> None:
    """Also in JSON inside a string, and as Python writes a dictionary."""
    body = orjson.dumps({"error": {"message": message, "type": "server_error", "param": None, "code": None}})
    read = DIALECTS[dialect].read_submit(Response(status=status, body=body))
    assert isinstance(read, Rejected), read
    assert (read.kind, read.message) == (FailureKind.MODERATION_INPUT, "look again")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            {"detail": [{"loc": ["body", "seconds"], "msg": "Field required", "type": "missing"}]},
            "seconds: Field required",
        ),
        ({"errors": [{"message": "a is wrong"}, {"message": "b is wrong"}]}, "a is wrong; b is wrong"),
        ({"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "no such ratio"}, "no such ratio"),
        ({"ResponseMetadata": {"Error": {"Code": "InvalidParameter", "Message": "no such size"}}}, "no such size"),
        (
            {"code": 1201, "message": "", "data": {"task_status_msg": "Image pixel is invalid"}},
            "Image pixel is invalid",
        ),
        ({"code": 1201, "message": "SUCCEED", "data": {"task_result": "picture too small"}}, "picture too small"),
        (
            {
                "error": {
                    "code": 400,
                    "message": "Invalid JSON payload",
                    "status": "INVALID_ARGUMENT",
                    "details": [{"fieldViolations": [{"field": "seconds", "description": "must be 8"}]}],
                }
            },
            "Invalid JSON payload; seconds: must be 8",
        ),
        (
            "<?xml version='1.0'?><Error><Code>InvalidArgument</Code><Message>no such bucket</Message></Error>",
            "no such bucket",
        ),
    ],
)
def test_the_vendors_words_are_found_wherever_they_stand(said: Any, message: str) -> None:
    """FastAPI, GraphQL, RFC 9457, Volcengine, Kling, Google and an object store."""
    read = DIALECTS["gateway"].read_submit(Response(status=400, body=body_of(said)))
    assert isinstance(read, Rejected), read
    assert read.message == message


def test_googles_refusal_of_a_key_under_a_400_is_about_the_key() -> None:
    """The finest reason stands in the details."""
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    error = {"code": 400, "message": "no", "status": "INVALID_ARGUMENT", "details": details}
    read = DIALECTS["veo"].read_submit(Response(status=400, body=orjson.dumps([{"error": error}])))
    assert isinstance(read, Rejected)
    assert read.kind is FailureKind.AUTH


@pytest.mark.parametrize(
    ("status", "said", "advice"),
    [
        (401, {"error": {"message": "Invalid token"}}, "batchvid doctor"),
        (402, {"error": {"message": "no credit"}}, "add credit"),
        (404, {"error": {"message": "no model x", "code": "model_not_found"}}, "https://gw.example/v1/videos"),
        (404, {"error": {"message": "no model x", "code": "model_not_found"}}, "sora-2"),
        (413, {"error": {"message": "too large"}}, "kite.png (3.0 MB)"),
        (415, {"error": {"message": "no webp"}}, "kite.png (3.0 MB)"),
        (422, {"error": {"message": "no"}}, "change the field"),
        (200, {"code": 422, "message": "no"}, "change the field"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, said: Any, advice: str) -> None:
    """One advice for each documented status, after the vendor's own words."""
    image = ImageInput(role="first", filename="kite.png", media_type="image/png", data=b"x" * 3_000_000)
    sent = generation(model="sora-2", prompt="p", images=(image,))
    read = DIALECTS["openai-videos"].read_submit(Response(status=status, body=orjson.dumps(said)), sent=sent)
    advised = with_advice(read, sent, "https://gw.example/v1/videos")
    assert isinstance(advised, Rejected)
    assert isinstance(read, Rejected)
    assert advised.message.startswith(read.message)
    assert advice in advised.message
    assert len(advised.message) <= 1000


@for_each(READERS)
@pytest.mark.parametrize(
    ("status", "said", "headers"),
    [
        (404, "404 page not found", {}),
        (404, {"error": {"message": "Invalid URL (GET /v1/vidos/1)", "type": "invalid_request_error"}}, {}),
        (404, "<html></html>", HTML),
        (403, "error code: 1010", {}),
        (301, "", {"location": "https://example.com/"}),
    ],
)
@pytest.mark.pitfall("a wrong path is read as an unknown task")
def test_a_poll_that_does_not_reach_the_api_says_nothing_of_the_task(
    dialect: str, status: int, said: Any, headers: dict[str, str]
) -> None:
    """The task is paid for: it is neither lost nor failed, and the provider is at fault."""
    read = DIALECTS[dialect].read_poll(Response(status=status, headers=headers, body=body_of(said)), "task_1")
    assert isinstance(read, Rejected), read
    assert read.provider_wide


@for_each(READERS)
def test_a_poll_reads_the_time_to_wait_as_a_submit_does(dialect: str) -> None:
    """Also where the sentence stands behind a long one."""
    message = f"You exceeded your current quota. {'See the page on limits. ' * 40}Please retry in 34.5s."
    body = orjson.dumps({"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}})
    for read in (
        DIALECTS[dialect].read_poll(Response(status=429, body=body), "task_1"),
        DIALECTS[dialect].read_submit(Response(status=429, body=body)),
    ):
        assert isinstance(read, Rejected)
        assert (read.kind, read.retry_after_s) == (FailureKind.RATE, 34.5)
