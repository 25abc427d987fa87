"""Why a task failed: by structure, by code, then by the vendor's own words, in English and Chinese."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from batchvid.dialects import DIALECTS
from batchvid.dialects.common.failure_rules import NO_REASON, failure_kind
from batchvid.dialects.common.vendor_text import own_words
from batchvid.domain.failures import MODERATION, Charged, FailureKind
from batchvid.domain.wire import Phase, Rejected, Response, Status
from tests.dialects import CODED

REFUSED_BY_A_FILTER = """
Veo could not generate 1 videos based on the prompt provided. Try rephrasing the prompt. Support codes: 42237218
This prompt contains sensitive words that violate Google's Responsible AI practices.
Failure to pass the risk control system
The request failed because the output video may contain sensitive information. Request id: 0217
The request failed because the input image may contain real person.
input new_sensitive
Input data may contain inappropriate content.
Your request was blocked by our moderation system.
This content may violate our guardrails concerning similarity to third-party content.
NSFW content detected
The input or output was flagged as sensitive. Please try again with different inputs. (E005)
Output was filtered
Prompt contains banned words
Your request was rejected as a result of our safety system
Possible copyright violation in the output
Generated video contains violence
Unable to generate: content is not allowed
The prompt is against our terms of service
The model refused to generate this content
内容审核未通过
內容審核未通過
提示词包含敏感内容
您的提示词涉及违规内容，请修改后重试
生成内容不合规
视频未通过安全审查
触发风控
图片涉及真人肖像
违反社区规范
输入的图片可能侵犯版权
抱歉，该内容无法生成，请更换提示词
"""
UNFIT_INPUT = """
Image pixel is invalid
image too small: the minimum is 300x300
Image too small, please see our guidelines
No face detected in the image
face not found
The picture could not be read
Prompt is too long
prompt exceeds the maximum length of 2000 characters
The aspect ratio of the image must be between 1:2.5 and 2.5:1
unsupported image type
Failed to download image from url
Image resolution is too low
cannot identify image file
Inpaint image must match the requested width and height
图片尺寸过小
未检测到人脸
提示词过长
图片无法识别
"""
VENDORS_TROUBLE = """
Service busy
upstream said no
CUDA out of memory
internal error, please retry
timed out while downloading the image
The video generation exceeded the time limit
upstream refused the picture
moderation service unavailable
审核服务超时
Segmentation fault: access violation
violates unique constraint tasks_pkey
failed to upload the result: access denied by bucket policy
系统繁忙，请稍后再试
"""
NO_EXPLANATION = """
failed
Task failed
Video generation failed.
unknown error
视频生成失败
"""


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


@pytest.mark.parametrize("message", lines(REFUSED_BY_A_FILTER))
def test_a_content_filter_is_recognised_by_its_words(message: str) -> None:
    """Sentences of vendors, in both languages."""
    kind = failure_kind(["failed"], "", message)
    assert kind in MODERATION - {FailureKind.MODERATION_SUSPECTED}


@pytest.mark.parametrize("message", lines(UNFIT_INPUT))
def test_unfit_input_is_recognised_by_its_words(message: str) -> None:
    """The vendor would find the same picture or prompt unfit again."""
    assert failure_kind(["failed"], "", message) is FailureKind.INVALID


@pytest.mark.parametrize("message", lines(VENDORS_TROUBLE))
def test_the_vendors_own_trouble_is_neither(message: str) -> None:
    """Words that a filter also uses mean nothing where the sentence is about a service, a database or the time."""
    assert failure_kind(["failed"], "", message) is FailureKind.UNAVAILABLE


@pytest.mark.parametrize("message", ["", *lines(NO_EXPLANATION)])
def test_a_failure_without_an_explanation_is_suspected_moderation(message: str) -> None:
    """That a task failed is no reason; the message says that there is none."""
    body = orjson.dumps({"id": "task_1", "status": "failed", "error": {"message": message, "code": "task_failed"}})
    read = DIALECTS["veo"].read_poll(Response(status=200, body=body), "task_1")
    assert isinstance(read, Status)
    assert read.kind is FailureKind.MODERATION_SUSPECTED
    assert NO_REASON in read.message


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("OutputVideoSensitiveContentDetected", "", FailureKind.MODERATION_OUTPUT),
        ("InputImageSensitiveContentDetected.PrivacyInformation", "", FailureKind.MODERATION_INPUT),
        ("OutputAudioSensitiveContentDetected.PolicyViolation", "your prompt", FailureKind.MODERATION_OUTPUT),
        ("DataInspectionFailed", "Input data may contain inappropriate content.", FailureKind.MODERATION_INPUT),
        ("DataInspectionFailed", "Output data may contain inappropriate content.", FailureKind.MODERATION_OUTPUT),
        ("CreationPolicyViolation", "", FailureKind.MODERATION_OUTPUT),
        ("AuditSubmitIllegal", "", FailureKind.MODERATION_INPUT),
        ("1026", "", FailureKind.MODERATION_INPUT),
        ("1027", "", FailureKind.MODERATION_OUTPUT),
        ("content_moderated", "", FailureKind.MODERATION_OUTPUT),
        ("moderation_error", "your prompt", FailureKind.MODERATION_INPUT),
        ("PROHIBITED_CONTENT", "", FailureKind.MODERATION_OUTPUT),
        ("moderation_service_unavailable", "", FailureKind.UNAVAILABLE),
        ("content_policy_violation", "", FailureKind.MODERATION_OUTPUT),
        ("SAFETY.INPUT.TEXT", "the generated clip", FailureKind.MODERATION_INPUT),
        ("INPUT_PREPROCESSING.SAFETY.TEXT", "", FailureKind.MODERATION_INPUT),
        ("INPUT_PREPROCESSING.INTERNAL", "", FailureKind.UNAVAILABLE),
        ("INPUT_PREPROCESSING.IMAGE_UNREADABLE", "", FailureKind.INVALID),
        ("image_too_small", "", FailureKind.INVALID),
        ("InvalidParameter.TaskTypeConstraint", "", FailureKind.INVALID),
        ("ImageDownloadFailure", "", FailureKind.INVALID),
        ("corrupt_input", "", FailureKind.INVALID),
        ("generation_failed", "", FailureKind.UNAVAILABLE),
        ("InternalServiceError", "", FailureKind.UNAVAILABLE),
    ],
)
def test_a_documented_code_decides(code: str, message: str, kind: FailureKind) -> None:
    """A code that names its side decides alone; where it does not, the sentence tells the side."""
    assert failure_kind(["failed"], code, message) is kind


@pytest.mark.parametrize(
    "word",
    [
        *("blocked", "moderated", "content_filtered", "nsfw", "NSFW", "Request Moderated", "Content Moderated"),
        *("moderation_blocked", "failed_moderation", "output-filtered", "flagged", "审核未通过"),
    ],
)
def test_a_status_word_for_blocked_output_ends_the_task(word: str) -> None:
    """It is a failure by the content filter, without a code or a message."""
    body = orjson.dumps({"id": "task_1", "status": word})
    read = DIALECTS["gateway"].read_poll(Response(status=200, body=body), "task_1")
    assert isinstance(read, Status)
    assert (read.phase, read.kind) == (Phase.FAILED, FailureKind.MODERATION_OUTPUT)
    assert word.casefold() in read.message.casefold()


@pytest.mark.parametrize(
    "word", ["moderating", "in_moderation", "moderation_pending", "unblocked", "rejected", "审核中"]
)
def test_a_check_that_still_runs_is_no_verdict(word: str) -> None:
    """An undocumented word keeps the task alive, even if it speaks of moderation."""
    body = orjson.dumps({"id": "task_1", "status": word})
    read = DIALECTS["gateway"].read_poll(Response(status=200, body=body), "task_1")
    assert isinstance(read, Status)
    assert read.phase is Phase.UNKNOWN


FILTERED: list[dict[str, Any]] = [
    {"raiMediaFilteredCount": 1},
    {"response": {"generateVideoResponse": {"raiMediaFilteredReasons": ["blocked"]}}},
    {"candidates": [{"finishReason": "SAFETY"}]},
    {"candidates": [{"finishReason": "IMAGE_PROHIBITED_CONTENT"}]},
    {"promptFeedback": {"blockReason": "OTHER"}},
    {"video": {"url": "", "respect_moderation": False}},
    {"output": {"has_nsfw_concepts": [True]}},
    {"moderation": {"flagged": True}},
    {"moderation_status": "rejected"},
    {"content_filter_results": {"violence": {"filtered": True, "severity": "high"}}},
]


@pytest.mark.parametrize("sign", FILTERED)
@pytest.mark.parametrize("dialect", CODED)
def test_a_finished_task_without_a_clip_and_with_a_filters_sign_is_refused(dialect: str, sign: dict[str, Any]) -> None:
    """Also where a content route is offered for every finished task, and inside a wrapper that says SUCCESS."""
    for body in (
        {"id": "task_1", "status": "completed", **sign},
        {"code": "success", "data": {"task_id": "task_1", "status": "SUCCESS", "data": {"done": True, **sign}}},
    ):
        read = DIALECTS[dialect].read_poll(Response(status=200, body=orjson.dumps(body)), "task_1")
        assert isinstance(read, Status)
        assert (read.phase, read.assets) == (Phase.FAILED, ())
        assert read.kind in MODERATION - {FailureKind.MODERATION_SUSPECTED}
        assert read.message


@pytest.mark.parametrize(
    "sign",
    [
        {"raiMediaFilteredCount": 0},
        {"candidates": [{"finishReason": "STOP"}]},
        {"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}},
        {"has_nsfw_concepts": [False]},
        {"input": {"options": {"nsfw": True}, "blocked": True}},
    ],
)
def test_a_finished_task_without_such_a_sign_is_not(sign: dict[str, Any]) -> None:
    """A count of zero is none, and what echoes the request says nothing about the clip."""
    body = orjson.dumps({"id": "task_1", "status": "completed", **sign})
    read = DIALECTS["kling"].read_poll(Response(status=200, body=body), "task_1")
    assert isinstance(read, Status)
    assert (read.phase, read.assets) == (Phase.SUCCEEDED, ())


@pytest.mark.parametrize("reason", ["内容违规，视频未通过审核", "Output was blocked by the safety filter"])
def test_a_filters_sentence_beside_a_success_without_a_clip_is_a_refusal(reason: str) -> None:
    """A gateway says SUCCESS around it; a sentence that greets is none."""
    refused = {"code": "success", "data": {"task_id": "task_1", "status": "SUCCESS", "fail_reason": reason}}
    read = DIALECTS["newapi"].read_poll(Response(status=200, body=orjson.dumps(refused)), "task_1")
    assert getattr(read, "kind", None) in MODERATION
    beside = {"task_id": "task_1", "status": "SUCCESS", "videos": [], "message": reason}
    read = DIALECTS["newapi"].read_poll(Response(status=200, body=orjson.dumps(beside)), "task_1")
    assert getattr(read, "kind", None) in MODERATION
    fine = {"task_id": "task_1", "status": "SUCCESS", "message": "the content check passed, no violation"}
    read = DIALECTS["newapi"].read_poll(Response(status=200, body=orjson.dumps(fine)), "task_1")
    assert getattr(read, "phase", None) is Phase.SUCCEEDED


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ("input_moderation", FailureKind.MODERATION_INPUT),
        ("output_moderation", FailureKind.MODERATION_OUTPUT),
        ("internal_error", FailureKind.UNAVAILABLE),
    ],
)
def test_a_reason_of_one_word_is_a_code(failure: str, kind: FailureKind) -> None:
    """Azure's Sora has only `failure_reason`."""
    body = orjson.dumps({"id": "task_1", "status": "failed", "failure_reason": failure})
    read = DIALECTS["openai-videos"].read_poll(Response(status=200, body=body), "task_1")
    assert getattr(read, "kind", None) is kind


def test_a_partly_filtered_task_keeps_its_clips() -> None:
    """One of two clips was filtered: the other one is paid for."""
    samples = [{"video": {"uri": "https://x.example/a.mp4"}}]
    response = {"raiMediaFilteredCount": 1, "generatedSamples": samples}
    body = orjson.dumps({"id": "task_1", "status": "completed", "done": True, "response": response})
    read = DIALECTS["kling"].read_poll(Response(status=200, body=body), "task_1")
    assert isinstance(read, Status)
    assert [asset.location for asset in read.assets] == ["https://x.example/a.mp4"]


PROMPT = "a boat keeps her balance while violence and 敏感内容违规 fill the policy guidelines of the harbour"


@pytest.mark.parametrize(
    "message",
    [
        'render node lost while working on "violence and policy guidelines"',
        "render node lost: violence and 敏感内容违规 fill the policy",
        "render node lost for 「敏感内容」",
        "render node lost (a boat keeps her balance while violence and 敏感内容违规 fill the policy guidelines)",
    ],
)
def test_what_the_vendor_quotes_of_the_prompt_is_not_its_meaning(message: str) -> None:
    """Quoted text, and words in the order of the prompt, are the user's."""
    assert failure_kind(["failed"], "", message, prompt=PROMPT) is FailureKind.UNAVAILABLE


def test_a_quoted_identifier_is_the_vendors_own_word() -> None:
    """Codes are quoted, too."""
    assert "content_policy_violation" in own_words("error 'content_policy_violation' for \"a wet kite\"")
    assert "kite" not in own_words("error 'content_policy_violation' for \"a wet kite\"")
    assert own_words("isn't allowed, can't do", "x") == "isn't allowed, can't do"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": {"code": "content_policy_violation", "message": "no"}}, FailureKind.MODERATION_OUTPUT),
        (422, {"detail": [{"loc": ["body"], "msg": "x", "type": "content_policy_violation"}]}, None),
        (400, {"error": {"message": "The prompt violates our usage policies"}}, FailureKind.MODERATION_INPUT),
        (403, {"code": "DataInspectionFailed", "message": "Output data may"}, FailureKind.MODERATION_OUTPUT),
        (
            200,
            {"base_resp": {"status_code": 1027, "status_msg": "output new_sensitive"}},
            FailureKind.MODERATION_OUTPUT,
        ),
        (
            422,
            {"detail": [{"loc": ["body", "image_url"], "msg": "small", "type": "image_too_small"}]},
            FailureKind.INVALID,
        ),
        (400, {"error": {"message": "Your request was blocked by our moderation system."}}, None),
        (400, {"candidates": [], "promptFeedback": {"blockReason": "SAFETY"}}, FailureKind.MODERATION_INPUT),
    ],
)
def test_a_verdict_that_comes_as_the_error_of_a_poll_ends_the_task(
    status: int, body: dict[str, Any], kind: FailureKind | None
) -> None:
    """Otherwise it would be polled until its deadline, and then be taken for an outage."""
    read = DIALECTS["openai-videos"].read_poll(Response(status=status, body=orjson.dumps(body)), "task_1")
    assert isinstance(read, Status)
    assert read.phase is Phase.FAILED
    assert read.kind is kind if kind else read.kind in MODERATION


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"error": {"message": "Your address is blocked by our usage policies"}}),
        (400, {"error": {"message": "This account violates our terms of service"}}),
        (429, {"error": {"message": "Too many prompts with sensitive content"}}),
        (500, {"error": {"message": "the content filter failed"}}),
        (400, {"error": {"code": "invalid_argument", "message": "the video id is not valid"}}),
        (404, {"error": {"message": "prompt blocked by moderation"}}),
    ],
)
def test_an_error_of_a_poll_that_is_not_about_the_content_ends_no_task(status: int, body: dict[str, Any]) -> None:
    """It may be about the caller, and then it would fail every task."""
    read = DIALECTS["openai-videos"].read_poll(Response(status=status, body=orjson.dumps(body)), "task_1")
    assert isinstance(read, Rejected) or read.phase is Phase.UNSEEN


def test_an_error_without_a_task_is_only_the_polls() -> None:
    """`error` with an HTTP status as its code, and no task named: nobody said that the task failed."""
    body = orjson.dumps({"status": "error", "error": {"code": 429, "message": "slow down"}})
    assert isinstance(DIALECTS["gateway"].read_poll(Response(status=200, body=body), "task_1"), Rejected)
    named = orjson.dumps({"id": "task_1", "status": "error", "error": {"code": 500, "message": "node lost"}})
    read = DIALECTS["gateway"].read_poll(Response(status=200, body=named), "task_1")
    assert getattr(read, "phase", None) is Phase.FAILED


@pytest.mark.parametrize(
    ("extra", "message", "charged"),
    [
        ({}, "You will not be charged for this request.", Charged.NO),
        ({}, "You have not been charged for this attempt.", Charged.NO),
        ({}, "Blocked. No charge.", Charged.NO),
        ({}, "credits have been refunded", Charged.NO),
        ({}, "This generation was not billed", Charged.NO),
        ({}, "生成失败，积分已退还", Charged.NO),
        ({}, "本次不扣费", Charged.NO),
        ({}, "credits will not be refunded", Charged.UNKNOWN),
        ({}, "node lost", Charged.UNKNOWN),
        ({"charged": False}, "node lost", Charged.NO),
        ({"refunded": True}, "node lost", Charged.NO),
        ({"billed": True}, "You will not be charged", Charged.YES),
        ({"usage": {"cost": 0.2, "is_byok": False}}, "node lost", Charged.YES),
    ],
)
def test_whether_a_failure_was_charged_is_read(extra: dict[str, Any], message: str, charged: Charged) -> None:
    """Fields first, then what was paid, then words."""
    body = orjson.dumps({"id": "task_1", "status": "failed", "error": {"message": message}, **extra})
    read = DIALECTS["openai-videos"].read_poll(Response(status=200, body=body), "task_1")
    assert getattr(read, "charged", None) is charged


@pytest.mark.parametrize(
    ("body", "phase"),
    [
        ({"name": "operations/1", "done": False}, Phase.RUNNING),
        (
            {"name": "operations/1", "done": True, "response": {"videos": [{"uri": "https://x.example/a"}]}},
            Phase.SUCCEEDED,
        ),
        ({"name": "operations/1", "done": True, "error": {"code": 13, "message": "node lost"}}, Phase.FAILED),
        ({"code": 200, "data": {"taskId": "1", "successFlag": 0}}, Phase.RUNNING),
        ({"code": 200, "data": {"taskId": "1", "successFlag": 3, "errorMessage": "node lost"}}, Phase.FAILED),
        ({"id": "1", "status": {"phase": "Running"}}, Phase.RUNNING),
        ({"id": "1", "state": "queueing"}, Phase.QUEUED),
        ({"output": {"task_id": "1", "task_status": "RUNNING"}}, Phase.RUNNING),
        ({"code": 0, "data": [{"id": "1", "status": "processing"}]}, Phase.RUNNING),
        ({"task": {"id": "1", "status": "queued"}}, Phase.QUEUED),
    ],
)
def test_a_status_is_read_in_every_documented_form(body: dict[str, Any], phase: Phase) -> None:
    """Words in other objects, flags and nested objects."""
    read = DIALECTS["gateway"].read_poll(Response(status=200, body=orjson.dumps(body)), "1")
    assert getattr(read, "phase", None) is phase, read
