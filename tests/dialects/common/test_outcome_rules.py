"""How a submit ends: every line of the vendors' error tables, played through the dialect that meets it."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from batchvid.dialects import DIALECTS
from batchvid.dialects.common.error_parsing import VendorError, find_error
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.outcome_rules import (
    ACCOUNT_WORDS,
    CODE_WORDS,
    DUPLICATES,
    HTTP,
    REQUEST_WORDS,
    OutcomeRule,
    Table,
    classify_missing_reply,
)
from batchvid.dialects.common.refusals import classify_reply
from batchvid.dialects.common.vendor_codes import RELAYED, TABLES, VENDORS
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Rejected, Response, Uncertain
from batchvid.errors import NotSent, ReplyLost, ReplyTooLarge, UnreadableReply, WireError
from tests.dialects.readers import SUBMIT_READERS

AUTH, BALANCE, RATE, SLOT = FailureKind.AUTH, FailureKind.BALANCE, FailureKind.RATE, FailureKind.CONCURRENCY
INVALID, MODERATION, DOWN = FailureKind.INVALID, FailureKind.MODERATION_INPUT, FailureKind.UNAVAILABLE

Case = tuple[int, str, FailureKind | None]
"""HTTP status, body (`code message` stands for the dialect's own envelope), verdict; None: uncertain."""

HTTP_TABLE: tuple[Case, ...] = (  # wire-notes 4.1
    (400, "- model name is required", INVALID),
    (401, "- Invalid token", AUTH),
    (402, "-", BALANCE),
    (403, "- blocked", INVALID),
    (407, "-", AUTH),
    (403, "- user quota is not enough: insufficient balance", BALANCE),
    (403, "- flagged by our moderation", MODERATION),
    (404, "- no such route", INVALID),
    (301, "-", INVALID),
    (303, "-", None),
    (400, "-", None),
    (418, "-", None),
    (422, "- seconds must be one of 4, 8", INVALID),
    (408, "-", None),
    (409, "- conflict", None),
    (425, "-", None),
    (413, "-", INVALID),
    (414, "-", INVALID),
    (415, "-", INVALID),
    (431, "-", INVALID),
    (429, "- slow down", RATE),
    (429, "-", RATE),
    (499, "-", None),
    (500, "- upstream error", None),
    (500, "invalid_request malformed", INVALID),
    (502, "invalid_request malformed", None),
    (503, "- overloaded", None),
    (504, "-", None),
    (524, "-", None),
    (200, "- upstream timeout", None),
    (200, "- prompt is required", None),
    (200, "x17 no", None),
    *((200, f"{code} no", AUTH) for code in (401,)),
    (200, "402 no", BALANCE),
    (200, "404 model x is not there", INVALID),
    (200, "422 no", INVALID),
    (200, "429 no", RATE),
    (200, "409 no", None),
    (200, "500 no", None),
    (400, "503 no", None),
    (429, "queued Your task has been queued, queue position: 5", None),
    (429, "- Too many requests have been submitted", RATE),
    (403, "NOT_ENOUGH_BALANCE no", BALANCE),  # Novita
    (403, "FAILED_TO_AUTH no", AUTH),
    (403, "ip_not_allowed no", AUTH),
    (403, "- Not authenticated", AUTH),  # FastAPI, for a call without a key it reads
    (403, "Forbidden You've run out of credits.", BALANCE),  # AI/ML API
    (406, "- Insufficient credits", BALANCE),  # Segmind
    (429, "monthly_limit_reached no", BALANCE),
    (403, "- 用户已被封禁", AUTH),  # new-api
    (403, "- 该令牌无权访问模型 sora-2", INVALID),
    (429, "4711 Insufficient balance, please recharge", BALANCE),  # a number of no list is no reason
    (400, "- external_task_id already exists", None),
    (400, "duplicate_request no", None),
    (409, "idempotency_conflict no", None),
)
KLING_TABLE: tuple[Case, ...] = (  # 4.2
    *((401, f"{code} no", AUTH) for code in range(1000, 1005)),
    *((429, f"{code} no", BALANCE) for code in (1100, 1101, 1102)),
    (403, "1103 no", INVALID),
    *((400, f"{code} no", INVALID) for code in (1200, 1201)),
    *((404, f"{code} no", INVALID) for code in (1202, 1203)),
    *((400, f"{code} no", MODERATION) for code in (1300, 1301)),
    (429, "1302 no", RATE),
    (429, "1303 parallel task over resource pack limit", SLOT),
    (429, "1304 no", AUTH),
    *((status, f"{code} no", None) for status, code in ((500, 5000), (503, 5001), (504, 5002))),
    (200, "1303 no", SLOT),
    (200, "5000 no", None),
    (500, "1303 no", None),
    (500, "- violates the community guidelines (CM_EXT.POther)", MODERATION),
    (503, "- violates the community guidelines (CM_EXT.POther)", None),
    (400, "task_failed parallel task over resource pack limit", SLOT),
)
RUNWAY_TABLE: tuple[Case, ...] = (  # 4.3
    (400, "- Validation of body failed", INVALID),
    (401, "- The API key was not found.", AUTH),
    (404, "- not found", INVALID),
    (429, "- You have reached your daily task limit.", RATE),
    *((status, "- Bad gateway", None) for status in (502, 503, 504)),
)
ARK_TABLE: tuple[Case, ...] = (  # 4.4
    *((400, f"{code} no", INVALID) for code in ("MissingParameter", "InvalidParameter")),
    (401, "AuthenticationError no", AUTH),
    (403, "AccountOverdueError no", BALANCE),
    (403, "AccessDenied no", INVALID),
    (404, "InvalidEndpoint.NotFound no", INVALID),
    (429, "QuotaExceeded no", BALANCE),
    (429, "QuotaExceeded quota exceeded", SLOT),  # Vidu
    (429, "QuotaExceeded The request has exceeded the quota. Request id: 0217", SLOT),
    (429, "QuotaExceeded You have exceeded the weekly usage quota. It will reset at 2026-12-01.", BALANCE),
    (429, "InflightBatchsizeExceeded no", SLOT),
    (401, "InvalidAccountStatus no", AUTH),
    *((429, f"RateLimitExceeded.Endpoint{which}Exceeded no", RATE) for which in ("RPM", "TPM")),
    *((429, f"ModelAccount{which}RateLimitExceeded no", RATE) for which in ("Rpm", "Tpm", "Ipm")),
    *((429, f"{code} no", RATE) for code in ("APIAccountRpmRateLimitExceeded", "AccountRateLimitExceeded")),
    *((429, f"{code} no", DOWN) for code in ("ModelLoadingError", "ServerOverloaded")),
    (404, "InvalidEndpoint.ClosedEndpoint no", DOWN),
    *((400, f"Input{what}SensitiveContentDetected no", MODERATION) for what in ("Text", "Image", "Video", "Audio")),
    (400, "InputImageSensitiveContentDetected.PrivacyInformation no", MODERATION),
    (400, "SensitiveContentDetected no", MODERATION),
    *((400, f"Input{what}RiskDetection no", MODERATION) for what in ("Text", "Image")),
    (400, "ContentSecurityDetectionError no", DOWN),
    (400, "InvalidParameter.TaskTypeConstraint no", INVALID),
    (404, "ModelNotOpen no", INVALID),
    (404, "InvalidEndpointOrModel.NotFound no", INVALID),
    (429, "SetLimitExceeded no", BALANCE),
    (403, "OperationDenied.ServiceOverdue no", BALANCE),
    (429, "RequestBurstTooFast no", RATE),
    *((500, f"{code} no", None) for code in ("ModelLoadingError", "ServerOverloaded", "InternalServiceError")),
)
XAI_TABLE: tuple[Case, ...] = (  # 4.5 tells of tasks; these are its submits as relays show them
    (400, "invalid_argument no", INVALID),
    (400, "violation_fee.grok.csam no", MODERATION),
    (500, "internal_error no", None),
)
NEW_API_TABLE: tuple[Case, ...] = (  # 4.6
    (401, "- Invalid token", AUTH),
    (403, "- this token is expired", AUTH),
    (403, "- token quota exhausted", BALANCE),
    (403, "- no access to model veo3", INVALID),
    (503, "model_not_found No available channel for model X under group Y (distributor)", DOWN),
    (500, "model_not_found no", None),
    *(
        (400, f"{code} no", INVALID)
        for code in (
            *("missing_model", "invalid_request", "invalid_json", "invalid_multipart_form", "invalid_seconds"),
            *("invalid_size", "task_failed", "task_not_exist", "model_price_error", "task_channel_disable"),
        )
    ),
    (403, "insufficient_user_quota no", BALANCE),
    (403, "pre_consume_token_quota_failed no", BALANCE),
    (413, "read_request_body_failed no", INVALID),
    (429, '- {"code":1303,"message":"no"}', SLOT),
    (400, '- {"code":1301,"message":"no"}', MODERATION),
    (500, '- {"error":{"message":"internal error","type":"server_error"}}', None),
    (429, "fail_to_fetch_task 当前分组上游负载已饱和，请稍后再试", RATE),
    *(
        (500, f"{code} no", None)
        for code in ("get_channel_failed", "do_request_failed", "build_request_failed", "invalid_response")
    ),
    (500, "unmarshal_response_body_failed no", None),
    (200, "do_request_failed no", None),
    (501, "not_implemented no", None),
    (400, "sensitive_words_detected no", MODERATION),
    (400, "prompt_blocked no", MODERATION),
)
OTHERS: tuple[Case, ...] = (  # 4.7, and OpenAI's own
    (400, "moderation_blocked no", MODERATION),
    (400, "sentinel_block no", MODERATION),
    (400, "DataInspectionFailed no", MODERATION),
    (400, "IPInfringementSuspect no", MODERATION),
    (422, "- the prompt is inappropriate", MODERATION),
    (401, "invalid_api_key no", AUTH),
    (401, "account_deactivated no", AUTH),
    (429, "insufficient_quota no", BALANCE),
    *((400, f"{code} no", BALANCE) for code in ("billing_hard_limit_reached", "billing_not_active")),
    (429, "rate_limit_exceeded no", RATE),
    (429, "rate_limit_exceeded please check your plan and billing details", RATE),
    (429, "insufficient_quota see https://help.aliyun.com/zh/model-studio/error-code#token-limit", RATE),
    (429, "slow_down no", RATE),
    (400, "content_policy_violation no", MODERATION),
    *(
        (400, f"{code} no", INVALID)
        for code in (
            *("invalid_value", "invalid_type", "invalid_prompt", "unknown_parameter", "unsupported_parameter"),
            *("missing_required_parameter", "string_above_max_length", "model_not_found"),
        )
    ),
    *(
        (400, f"{code} no", None)
        for code in ("server_error", "internal_error", "internal_server_error", "server_is_overloaded")
    ),
    (400, "PromptPolicyViolation no", MODERATION),  # codes of no list, by their words
    (400, "nsfw_content no", MODERATION),
    (429, "ThrottlingBurst no", RATE),
    (400, "too_many_concurrent_tasks no", SLOT),
    (400, "CreditsExhausted no", BALANCE),
    (403, "INVALID_TOKEN no", AUTH),
    (400, "- API key not valid. Please pass a valid API key.", AUTH),
)
ALI_TABLE: tuple[Case, ...] = (
    (401, "InvalidApiKey no", AUTH),
    (400, "Arrearage no", BALANCE),
    (403, "AllocationQuota.FreeTierOnly The free tier of the model has been exhausted.", BALANCE),
    (429, "Throttling.RateQuota no", RATE),
    *((400, f"{code} no", INVALID) for code in ("Model.AccessDenied", "Model.NotExist", "InvalidURL")),
    *((500, f"{code} no", None) for code in ("InternalError", "ServiceUnavailable", "GatewayTimeout")),
)
DASHSCOPE_TABLE: tuple[Case, ...] = (
    (403, "AccessDenied.Unpurchased no", AUTH),
    (403, "AccessDenied current user api does not support synchronous calls", INVALID),
    (400, "InvalidParameter no", INVALID),
)
MINIMAX_TABLE: tuple[Case, ...] = (
    *((200, f"base_resp:{code} no", AUTH) for code in (1004, 2049)),
    *((200, f"base_resp:{code} no", BALANCE) for code in (1008, 2056)),
    *((200, f"base_resp:{code} no", RATE) for code in (1002, 1039)),
    (200, "base_resp:1041 no", SLOT),
    *((200, f"base_resp:{code} no", MODERATION) for code in (1026, 1027)),
    *((200, f"base_resp:{code} no", INVALID) for code in (1042, 2013, 2037)),
    *((200, f"base_resp:{code} no", None) for code in (1000, 1001, 1013, 1024, 1033)),
    (200, "base_resp:4711 no", None),
)
GOOGLE_TABLE: tuple[Case, ...] = (
    *((400, f"{code} no", AUTH) for code in ("API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED")),
    (400, "content_blocked no", MODERATION),
    *((403, f"API_KEY_{code}_BLOCKED no", AUTH) for code in ("HTTP_REFERRER", "IP_ADDRESS")),
    *((403, f"{code} no", AUTH) for code in ("SERVICE_DISABLED", "CONSUMER_INVALID", "CONSUMER_SUSPENDED")),
    (401, "ACCESS_TOKEN_EXPIRED no", AUTH),
    (403, "PERMISSION_DENIED Your API key was reported as leaked. Please use another API key.", AUTH),
    (401, "UNAUTHENTICATED no", AUTH),
    (429, "RESOURCE_EXHAUSTED You exceeded your current quota, please check your plan and billing details.", RATE),
    (429, "RESOURCE_EXHAUSTED Your prepayment credits are depleted.", BALANCE),
    (403, "BILLING_DISABLED no", BALANCE),
    (400, "FAILED_PRECONDITION Veo is only available to billed users at this time.", BALANCE),
    *(
        (400, f"{code} no", INVALID)
        for code in ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE", "NOT_FOUND", "UNIMPLEMENTED")
    ),
    *(
        (status, f"{code} no", None)
        for status in (400, 500)
        for code in (
            *("INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED", "UNKNOWN", "ABORTED", "CANCELLED", "ALREADY_EXISTS"),
            "DATA_LOSS",
        )
    ),
)
FAL_TABLE: tuple[Case, ...] = (
    *(
        (422, f"{code} no", INVALID)
        for code in (
            *("image_too_small", "image_too_large", "file_download_error", "file_too_large", "face_detection_error"),
            *("unsupported_image_format", "unsupported_video_format", "unsupported_audio_format"),
            "feature_not_supported",
        )
    ),
    *(
        (422, f"{code} no", None)
        for code in (
            *("request_timeout", "startup_timeout", "runner_server_error", "runner_disconnected"),
            *("runner_incomplete_response", "client_disconnected", "downstream_service_error", "generation_timeout"),
        )
    ),
)
COMFY_ROUTER_TABLE: tuple[Case, ...] = (
    *((409, f"{code} no", None) for code in ("invalid_input", "concurrency_limit_exceeded")),
    *((status, f"{code} no", INVALID) for status, code in ((422, "invalid_input"), (404, "model_not_found"))),
    (422, "content_policy_violation no", MODERATION),
    (402, "insufficient_credits no", BALANCE),
    *((status, f"{code} no", AUTH) for status, code in ((401, "unauthorized"), (403, "not_enabled"))),
    (429, "concurrency_limit_exceeded no", SLOT),
    *((status, f"{code} no", None) for status, code in ((502, "provider_error"), (504, "provider_timeout"))),
    *((status, f"{code} no", None) for status, code in ((504, "deadline_exceeded"), (500, "internal_error"))),
    *((status, f"{code} no", None) for status, code in ((503, "service_unavailable"), (499, "client_disconnected"))),
)
VIDU_TABLE: tuple[Case, ...] = (
    (400, "CreditInsufficient no", BALANCE),
    *((429, f"{code} no", RATE) for code in ("TooManyRequests", "SystemThrottling")),
    *((400, f"{code} no", INVALID) for code in ("FieldInvalid", "FieldLacking", "ImageDownloadFailure")),
    *(
        (400, f"{code} no", MODERATION)
        for code in ("TaskPromptPolicyViolation", "AuditSubmitIllegal", "CreationPolicyViolation")
    ),
    *((400, f"{code} no", None) for code in ("InternalServiceFailure", "OperationInProcess")),
)
ZHIPU_TABLE: tuple[Case, ...] = (
    *((401, f"{code} no", AUTH) for code in (1110, 1111, 1112)),
    (429, "1113 Insufficient balance or no resource package. Please recharge.", BALANCE),
)
PIXVERSE_TABLE: tuple[Case, ...] = (
    *((200, f"{code} no", AUTH) for code in (10003, 10005)),
    (200, "500090 no", BALANCE),
    (200, "500044 no", SLOT),
    *((200, f"{code} no", INVALID) for code in (400011, 400013, 400017, 400018)),
    *((200, f"{code} no", MODERATION) for code in (500054, 500063)),
)
JIMENG_TABLE: tuple[Case, ...] = (
    (429, "50429 Request Has Reached API Limit, Please Try Later", RATE),
    (429, "50430 Request Has Reached API Concurrent Limit, Please Try Later", SLOT),
    *((400, f"{code} Text Risk Not Pass", MODERATION) for code in (50411, 50412, 50413, 50518)),
    *((400, f"{code} no", None) for code in (50500, 50501)),
)
LITELLM_TABLE: tuple[Case, ...] = (
    *((400, f"{code} no", AUTH) for code in ("no_db_connection", "token_not_found_in_db", "auth_error", "expired_key")),
    *((400, f"{code} no", BALANCE) for code in ("budget_exceeded", "BudgetExceededError")),
    *((429, f"{code} no", RATE) for code in ("RateLimitError", "throttling_error")),
    (400, "ContentPolicyViolationError no", MODERATION),
    *((400, f"{code} no", INVALID) for code in ("BadRequestError", "NotFoundError", "UnsupportedParamsError")),
    *(
        (400, f"{code} no", None)
        for code in ("Timeout", "APIConnectionError", "InternalServerError", "ServiceUnavailableError")
    ),
)
EVERY = (RELAYED, *TABLES.values())
GENERAL: tuple[Table, ...] = (DUPLICATES, CODE_WORDS, REQUEST_WORDS, ACCOUNT_WORDS, HTTP)
RELAYS = tuple(name for name in ("veo", "openai-videos", "seedance", "videos", "gateway") if name in SUBMIT_READERS)
MET_BY: tuple[tuple[tuple[Case, ...], tuple[str, ...]], ...] = (
    (HTTP_TABLE, tuple(SUBMIT_READERS)),
    (KLING_TABLE, ("kling", *RELAYS)),
    (RUNWAY_TABLE, ("runway",)),
    (ARK_TABLE, ("ark", *RELAYS)),
    (DASHSCOPE_TABLE, ("dashscope",)),
    (ALI_TABLE, ("dashscope",)),
    (MINIMAX_TABLE, ("minimax-v1",)),
    (((422, "unprocessable_entity_error no", MODERATION),), ("minimax",)),
    (XAI_TABLE, ("xai", *RELAYS)),
    (COMFY_ROUTER_TABLE, ("comfy-router",)),
    (FAL_TABLE, ("fal",)),
    (tuple(case for case in NEW_API_TABLE if "{" not in case[1]), tuple(SUBMIT_READERS)),
    (NEW_API_TABLE, RELAYS),
    (OTHERS, RELAYS),
    *((table, RELAYS) for table in (ALI_TABLE, MINIMAX_TABLE, FAL_TABLE, VIDU_TABLE)),
    *((table, RELAYS) for table in (ZHIPU_TABLE, PIXVERSE_TABLE, JIMENG_TABLE)),
    *((table, tuple(SUBMIT_READERS)) for table in (GOOGLE_TABLE, LITELLM_TABLE)),
)
"""Which dialects meet which of the vendors' tables."""


def cases() -> Iterator[tuple[str, Case]]:
    """Every case with every dialect that meets it, once."""
    return iter(dict.fromkeys((dialect, case) for table, dialects in MET_BY for dialect in dialects for case in table))


def bodies(said: str) -> Iterator[bytes]:
    """The same complaint in each envelope that can hold it: X1, X2 or X3; nothing at all for nothing said."""
    code, _, message = said.partition(" ")
    code = "" if code == "-" else code
    if not code and not message:
        yield b""
        return
    if code.startswith("base_resp:"):
        number = int(code.removeprefix("base_resp:"))
        yield orjson.dumps({"task_id": "", "base_resp": {"status_code": number, "status_msg": message}})
        return
    yield orjson.dumps({"error": {"message": message, "type": "", "param": "", "code": code}})
    wrapped = int(code) if code.isdecimal() else code or "fail_to_fetch_task"
    yield orjson.dumps({"code": wrapped, "message": message, "data": None})


BY_CASE: dict[Case, list[str]] = {}
for _dialect, _case in cases():
    BY_CASE.setdefault(_case, []).append(_dialect)


@pytest.mark.parametrize("case", BY_CASE, ids=lambda value: str(value)[:60])
def test_each_line_of_the_vendors_tables_has_its_verdict(case: Case) -> None:
    """Refused with this kind where a source says that nothing was made, uncertain everywhere else."""
    status, said, kind = case
    for dialect in BY_CASE[case]:
        for body in bodies(said):
            read = DIALECTS[dialect].read_submit(Response(status=status, body=body))
            assert isinstance(read, Uncertain if kind is None else Rejected), (dialect, read)
            assert getattr(read, "kind", None) is kind, dialect


def deciding(dialect: str, case: Case) -> tuple[OutcomeRule, str] | None:
    """The row of a vendor's table that decides a case, with the code that it knows."""
    codes = find_error(parse(next(bodies(case[1])))).codes
    table = TABLES.get(dialect, RELAYED)
    found = ((row, code) for code in codes for row in table if row.fits(case[0], code, case[1]))
    return next(found, None)


def test_every_row_is_met() -> None:
    """No row of a vendor, and no code in one, stands there without a case that it decides."""
    met = {found for dialect, case in cases() if (found := deciding(dialect, case))}
    rows = {row for table in EVERY for row in table}
    assert {row for row, _ in met} == rows
    known = {(row, code.casefold()) for row, code in met}
    known |= {(row, code.partition(".")[0]) for row, code in known}
    assert not {(row.source, code) for row in rows for code in row.codes.split() if (row, code.casefold()) not in known}


@pytest.mark.parametrize(
    "row", [row for table in GENERAL for row in table], ids=lambda row: f"{row.under} {row.source}"
)
def test_every_general_row_is_met(row: OutcomeRule) -> None:
    """Each row of words and of statuses fits at least one case."""
    errors = [(case[0], find_error(parse(next(bodies(case[1]))))) for _, case in cases()]
    assert any(
        row.fits(at, code, error.message)
        for status, error in errors
        for at in (status, error.http_status)
        for code in (error.codes or ("",))
    )


def test_every_row_names_its_source() -> None:
    """A verdict without a source is an opinion."""
    assert all(row.source for table in (*EVERY, *GENERAL) for row in table)


def test_no_code_means_two_things() -> None:
    """The vendors' codes do not contradict each other under one status, so that a relay may pass on any of them."""
    for status in (200, 400, 429, 500, 503):
        for code in {code for table in VENDORS.values() for row in table for code in row.codes.split()}:
            told = {own: _kind(own, status, code) for own in VENDORS if _speaks(VENDORS[own], status, code)}
            assert len(set(told.values())) <= 1, (status, code, told)


def _kind(vendor: str, status: int, code: str) -> FailureKind | None:
    error = VendorError(code=code, codes=(code,))
    return classify_reply(status, error, "", VENDORS[vendor], own_shape=True)


def _speaks(table: Table, status: int, code: str) -> bool:
    return any(row.fits(status, code, "") for row in table)


def test_a_5xx_is_a_no_only_where_a_source_says_so() -> None:
    """Every line of the tables under every 5xx: some codes and the words of a content filter.

    Under 500 and 503 in every dialect with a reader of its own, under the others in some.

    An upstream's refusal inside a gateway's message counts under any status.
    """
    read = {
        (status, said, kind)
        for said in {said for _, (_, said, _) in cases() if "{" not in said}
        for status in (500, 501, 502, 503, 504, 520, 524, 529)
        for dialect in (SUBMIT_READERS if status in (500, 503) else SUBMIT_READERS[::5])
        for body in bodies(said)
        if (kind := getattr(DIALECTS[dialect].read_submit(Response(status=status, body=body)), "kind", None))
    }
    by_status = {status: {(said, kind) for at, said, kind in read if at == status} for status in (500, 503)}
    assert {status for status, _, _ in read} == {500, 503}
    assert by_status[503] == {
        ("model_not_found No available channel for model X under group Y (distributor)", DOWN),
        ("model_not_found no", DOWN),
    }
    others = {found for found in by_status[500] if found[1] is not MODERATION}
    assert others == {("invalid_request malformed", INVALID), ("invalid_request no", INVALID)}
    filters = {said for said, kind in by_status[500] if kind is MODERATION}
    assert not {said for said in filters if said.split()[0].isdecimal()}


@pytest.mark.parametrize("fault", [ReplyLost("reset"), ReplyTooLarge("endless"), UnreadableReply("cut")])
def test_what_went_out_and_got_no_whole_answer_is_uncertain(fault: WireError) -> None:
    """Once the request is out, silence says nothing of what was done."""
    assert classify_missing_reply(fault) == Uncertain(message=str(fault))


def test_what_never_went_out_is_refused_and_may_be_sent_again() -> None:
    """No connection: nothing was bought."""
    no = classify_missing_reply(NotSent("no connection"))
    assert isinstance(no, Rejected)
    assert no.kind is DOWN
