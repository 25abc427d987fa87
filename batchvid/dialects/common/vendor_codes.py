"""What each vendor's documented error codes mean for a submit, row by row with sources.

The tags of the sources are those of tests/exchanges/README.md. Codes are compared without case; a code `A.B` also fits
a row that lists `A`. A code of MiniMax's `base_resp` is written `base_resp:1002`: Kling uses the same numbers.
"""

from __future__ import annotations

import re

from batchvid.dialects.common.outcome_rules import ANY, NO, NO_OR_500, OutcomeRule, Table
from batchvid.domain.failures import FailureKind

KLING: Table = (
    OutcomeRule(NO, FailureKind.AUTH, "K-err", codes="1000 1001 1002 1003 1004 1304"),
    OutcomeRule(NO, FailureKind.BALANCE, "K-err", codes="1100 1101 1102"),  # under a 429, and waiting does not help
    OutcomeRule(NO, FailureKind.RATE, "K-err", codes="1302"),
    OutcomeRule(NO, FailureKind.CONCURRENCY, "K-err: the task was not created", codes="1303"),
    OutcomeRule(NO, FailureKind.INVALID, "K-err", codes="1103 1200 1201 1202 1203"),
    OutcomeRule(NO, FailureKind.MODERATION_INPUT, "K-err", codes="1300 1301"),
    OutcomeRule(ANY, None, "K-err: may be asked again, not that no task was made", codes="5000 5001 5002"),
)
NEW_API: Table = (
    OutcomeRule(NO, FailureKind.BALANCE, "N", codes="insufficient_user_quota pre_consume_token_quota_failed"),
    OutcomeRule(
        NO,
        FailureKind.INVALID,
        "N",
        codes="missing_model invalid_request invalid_json invalid_multipart_form invalid_seconds invalid_size"
        " model_price_error task_channel_disable read_request_body_failed task_not_exist",
    ),
    OutcomeRule(NO_OR_500, FailureKind.MODERATION_INPUT, "N", codes="sensitive_words_detected prompt_blocked"),
    OutcomeRule("500", FailureKind.INVALID, "C-err, S2: a malformed request in disguise", codes="invalid_request"),
    OutcomeRule("503", FailureKind.UNAVAILABLE, "N: refused before any channel was asked", codes="model_not_found"),
    OutcomeRule(
        ANY,
        None,  # also those that come before the call upstream: another channel may have been called before this one
        "N: the gateway tries several channels behind one submit",
        codes="get_channel_failed do_request_failed build_request_failed invalid_response"
        " unmarshal_response_body_failed",
    ),
)
OPENAI: Table = (
    OutcomeRule(
        NO,
        FailureKind.RATE,
        "A-err: Alibaba's compatible mode names its limit of tokens a minute so",
        codes="insufficient_quota",
        words=re.compile(r"error-code#token-limit|allocated quota", re.I).search,
    ),
    OutcomeRule(NO, FailureKind.AUTH, "O-oas", codes="invalid_api_key account_deactivated"),
    OutcomeRule(
        NO, FailureKind.BALANCE, "O-oas", codes="insufficient_quota billing_hard_limit_reached billing_not_active"
    ),
    OutcomeRule(NO, FailureKind.RATE, "O-oas", codes="rate_limit_exceeded slow_down"),
    OutcomeRule(
        NO_OR_500,
        FailureKind.MODERATION_INPUT,
        "ARC, O-oas",
        codes="moderation_blocked sentinel_block content_policy_violation",
    ),
    OutcomeRule(
        NO,
        FailureKind.INVALID,
        "O-oas",
        codes="invalid_value invalid_type invalid_prompt unknown_parameter unsupported_parameter"
        " missing_required_parameter string_above_max_length model_not_found",
    ),
    OutcomeRule(
        ANY,
        None,
        "O-oas: the server's own trouble, under any status",
        codes="server_error internal_error internal_server_error server_is_overloaded",
    ),
)
ARK: Table = (
    OutcomeRule(NO, FailureKind.AUTH, "C-seed, V-err", codes="AuthenticationError InvalidAccountStatus"),
    OutcomeRule(
        NO,
        FailureKind.CONCURRENCY,
        "V-err: too many tasks wait in the queue; Vi-err: Vidu's concurrency limit. Ark's other sentences under this"
        " code tell of the account",
        codes="QuotaExceeded",
        words=re.compile(r"\bquota exceeded\W*$|\brequest has exceeded the quota\b", re.I).search,
    ),
    OutcomeRule(NO, FailureKind.CONCURRENCY, "V-err", codes="InflightBatchsizeExceeded"),
    OutcomeRule(
        NO,
        FailureKind.BALANCE,
        "C-seed, V-err: the account, or its own limit, stops every call until it is changed",
        codes="AccountOverdueError QuotaExceeded SetLimitExceeded OperationDenied.ServiceOverdue",
    ),
    OutcomeRule(
        NO,
        FailureKind.RATE,
        "C-seed, V-err",
        codes="RateLimitExceeded.EndpointRPMExceeded RateLimitExceeded.EndpointTPMExceeded"
        " ModelAccountRpmRateLimitExceeded ModelAccountTpmRateLimitExceeded ModelAccountIpmRateLimitExceeded"
        " APIAccountRpmRateLimitExceeded AccountRateLimitExceeded RequestBurstTooFast",
    ),
    OutcomeRule(
        NO,
        FailureKind.INVALID,
        "C-seed, V-err",
        codes="MissingParameter InvalidParameter AccessDenied InvalidEndpoint.NotFound ModelNotOpen"
        " InvalidEndpointOrModel.NotFound",
    ),
    OutcomeRule(
        NO_OR_500,
        FailureKind.MODERATION_INPUT,
        "V-err",
        codes="InputTextSensitiveContentDetected InputImageSensitiveContentDetected"
        " InputVideoSensitiveContentDetected InputAudioSensitiveContentDetected SensitiveContentDetected"
        " InputTextRiskDetection InputImageRiskDetection",
    ),
    OutcomeRule(
        "4xx",
        FailureKind.UNAVAILABLE,
        "C-seed: to be sent again",
        codes="ModelLoadingError ServerOverloaded InvalidEndpoint.ClosedEndpoint ContentSecurityDetectionError",
    ),
    OutcomeRule(ANY, None, "C-seed", codes="InternalServiceError"),
)
XAI: Table = (
    OutcomeRule(NO, FailureKind.INVALID, "X-proto", codes="invalid_argument"),
    OutcomeRule(NO_OR_500, FailureKind.MODERATION_INPUT, "N", codes="violation_fee.grok.csam"),
)
ALI: Table = (
    OutcomeRule(NO, FailureKind.AUTH, "A-err", codes="InvalidApiKey"),
    OutcomeRule(NO, FailureKind.BALANCE, "A-err", codes="Arrearage AllocationQuota.FreeTierOnly"),
    OutcomeRule(NO, FailureKind.RATE, "A-err", codes="Throttling"),
    OutcomeRule(NO, FailureKind.INVALID, "A-err", codes="Model.AccessDenied Model.NotExist InvalidURL"),
    OutcomeRule(NO_OR_500, FailureKind.MODERATION_INPUT, "N", codes="DataInspectionFailed IPInfringementSuspect"),
    OutcomeRule(ANY, None, "A-err", codes="InternalError ServiceUnavailable GatewayTimeout"),
)
DASHSCOPE: Table = (
    OutcomeRule(NO, FailureKind.AUTH, "A-err: the model is not activated", codes="AccessDenied.Unpurchased"),
    OutcomeRule(NO, FailureKind.INVALID, "A-err", codes="AccessDenied InvalidParameter"),
)
MINIMAX: Table = (
    OutcomeRule(NO, FailureKind.AUTH, "M-err", codes="base_resp:1004 base_resp:2049"),
    OutcomeRule(NO, FailureKind.BALANCE, "M-err", codes="base_resp:1008 base_resp:2056"),
    OutcomeRule(NO, FailureKind.RATE, "M-err", codes="base_resp:1002 base_resp:1039"),
    OutcomeRule(NO, FailureKind.CONCURRENCY, "M-err", codes="base_resp:1041"),
    OutcomeRule(NO, FailureKind.MODERATION_INPUT, "M-err", codes="base_resp:1026 base_resp:1027"),
    OutcomeRule(NO, FailureKind.INVALID, "M-err", codes="base_resp:1042 base_resp:2013 base_resp:2037"),
    OutcomeRule(ANY, None, "M-err", codes="base_resp:1000 base_resp:1001 base_resp:1013 base_resp:1024 base_resp:1033"),
)
MINIMAX_V2: Table = (
    OutcomeRule("422", FailureKind.MODERATION_INPUT, "M-oas: its only 422", codes="unprocessable_entity_error"),
)
GOOGLE: Table = (
    OutcomeRule(
        NO,
        FailureKind.AUTH,
        "G-rpc: the key, its project, or a restriction of the key",
        codes="API_KEY_INVALID UNAUTHENTICATED API_KEY_SERVICE_BLOCKED API_KEY_HTTP_REFERRER_BLOCKED"
        " API_KEY_IP_ADDRESS_BLOCKED ACCESS_TOKEN_EXPIRED SERVICE_DISABLED CONSUMER_INVALID CONSUMER_SUSPENDED",
    ),
    OutcomeRule(
        NO,
        FailureKind.BALANCE,
        "G-rpc: a prepaid account; its quota does not come back with time",
        codes="RESOURCE_EXHAUSTED",
        words=re.compile(r"prepa(y|id)|credits?.{0,20}deplet|deplet.{0,20}credits?", re.I).search,
    ),
    OutcomeRule(NO, FailureKind.BALANCE, "G-rpc", codes="BILLING_DISABLED"),
    OutcomeRule(
        NO,
        FailureKind.BALANCE,
        "G-rpc: the account has no billing",
        codes="FAILED_PRECONDITION",
        words=re.compile(r"billed users|(enable|without) billing", re.I).search,
    ),
    OutcomeRule(NO, FailureKind.RATE, "G-rpc", codes="RESOURCE_EXHAUSTED"),
    OutcomeRule(
        NO,
        FailureKind.INVALID,
        "G-rpc",
        codes="INVALID_ARGUMENT FAILED_PRECONDITION OUT_OF_RANGE NOT_FOUND UNIMPLEMENTED",
    ),
    OutcomeRule(NO, FailureKind.MODERATION_INPUT, "I-rep: Gemini's Interactions", codes="content_blocked"),
    OutcomeRule(
        ANY,
        None,
        "G-rpc: the server's trouble, or a task that is there already",
        codes="INTERNAL UNAVAILABLE DEADLINE_EXCEEDED UNKNOWN ABORTED CANCELLED ALREADY_EXISTS DATA_LOSS",
    ),
)
FAL: Table = (
    OutcomeRule(
        NO,
        FailureKind.INVALID,
        "F-err",
        codes="image_too_small image_too_large file_download_error file_too_large unsupported_image_format"
        " unsupported_video_format unsupported_audio_format feature_not_supported face_detection_error",
    ),
    OutcomeRule(
        ANY,
        None,
        "F-err",
        codes="request_timeout startup_timeout runner_server_error runner_disconnected runner_incomplete_response"
        " client_disconnected downstream_service_error generation_timeout",
    ),
)
COMFY_ROUTER: Table = (
    OutcomeRule("409", None, "Comfy: the key was used", codes="invalid_input concurrency_limit_exceeded"),
    OutcomeRule(NO, FailureKind.INVALID, "Comfy", codes="invalid_input model_not_found"),
    OutcomeRule(NO, FailureKind.MODERATION_INPUT, "Comfy", codes="content_policy_violation"),
    OutcomeRule(NO, FailureKind.BALANCE, "Comfy", codes="insufficient_credits"),
    OutcomeRule(NO, FailureKind.AUTH, "Comfy", codes="unauthorized"),
    OutcomeRule(NO, FailureKind.AUTH, "Comfy: the queue is not open for this account", codes="not_enabled"),
    OutcomeRule(NO, FailureKind.CONCURRENCY, "Comfy", codes="concurrency_limit_exceeded"),
    OutcomeRule(
        ANY,
        None,
        "Comfy: a provider may have been called",
        codes="provider_error provider_timeout deadline_exceeded internal_error service_unavailable"
        " client_disconnected",
    ),
)
VIDU: Table = (
    OutcomeRule(NO, FailureKind.BALANCE, "Vi-err", codes="CreditInsufficient"),
    OutcomeRule(NO, FailureKind.RATE, "Vi-err", codes="TooManyRequests SystemThrottling"),
    OutcomeRule(NO, FailureKind.INVALID, "Vi-err", codes="FieldInvalid FieldLacking ImageDownloadFailure"),
    OutcomeRule(
        NO,
        FailureKind.MODERATION_INPUT,
        "Vi-err",
        codes="TaskPromptPolicyViolation AuditSubmitIllegal CreationPolicyViolation",
    ),
    OutcomeRule(ANY, None, "Vi-err", codes="InternalServiceFailure OperationInProcess"),
)
ZHIPU: Table = (
    OutcomeRule(NO, FailureKind.AUTH, "Z-err", codes="1110 1111 1112"),
    OutcomeRule(NO, FailureKind.BALANCE, "Z-err", codes="1113"),  # under a 429, and waiting does not help
)
PIXVERSE: Table = (
    OutcomeRule(NO, FailureKind.AUTH, "P-err", codes="10003 10005"),
    OutcomeRule(NO, FailureKind.BALANCE, "P-err", codes="500090"),
    OutcomeRule(NO, FailureKind.CONCURRENCY, "P-err", codes="500044"),
    OutcomeRule(NO, FailureKind.INVALID, "P-err", codes="400011 400013 400017 400018"),
    OutcomeRule(NO, FailureKind.MODERATION_INPUT, "P-err", codes="500054 500063"),
)
JIMENG: Table = (
    OutcomeRule(NO, FailureKind.RATE, "J-err", codes="50429"),
    OutcomeRule(NO, FailureKind.CONCURRENCY, "J-err", codes="50430"),
    OutcomeRule(NO, FailureKind.MODERATION_INPUT, "J-err", codes="50411 50412 50413 50518"),
    OutcomeRule(ANY, None, "J-err", codes="50500 50501"),
)
LITELLM: Table = (
    OutcomeRule(
        NO,
        FailureKind.AUTH,
        "L-proxy: without its database the proxy knows its master key only, and refuses any other",
        codes="no_db_connection token_not_found_in_db auth_error expired_key",
    ),
    OutcomeRule(NO, FailureKind.BALANCE, "L-proxy", codes="budget_exceeded BudgetExceededError"),
    OutcomeRule(NO, FailureKind.RATE, "L-proxy", codes="RateLimitError throttling_error"),
    OutcomeRule(NO, FailureKind.MODERATION_INPUT, "L-proxy", codes="ContentPolicyViolationError"),
    OutcomeRule(NO, FailureKind.INVALID, "L-proxy", codes="BadRequestError NotFoundError UnsupportedParamsError"),
    OutcomeRule(ANY, None, "L-proxy", codes="Timeout APIConnectionError InternalServerError ServiceUnavailableError"),
)

VENDORS: dict[str, Table] = {
    "kling": KLING,
    "new-api": NEW_API,
    "openai": OPENAI,
    "ark": ARK,
    "xai": XAI,
    "ali": ALI,
    "minimax": MINIMAX,
    "google": GOOGLE,
    "fal": FAL,
    "vidu": VIDU,
    "zhipu": ZHIPU,
    "pixverse": PIXVERSE,
    "jimeng": JIMENG,
    "litellm": LITELLM,
}

CODES: dict[str, FailureKind] = {
    code.casefold(): row.kind for table in VENDORS.values() for row in table if row.kind for code in row.codes.split()
}
"""What a code means wherever it stands, such as in a failed task."""

RELAYED: Table = tuple(row for table in VENDORS.values() for row in table)
"""For a route that many vendors stand behind: any of them may speak, also out of a gateway's message."""
_GATEWAYS: Table = (*NEW_API, *OPENAI, *LITELLM, *GOOGLE)
TABLES: dict[str, Table] = {
    "kling": (*KLING, *_GATEWAYS),
    "runway": _GATEWAYS,  # Runway itself has statuses and sentences, no codes (R-oas)
    "xai": (*XAI, *_GATEWAYS),
    "ark": (*ARK, *_GATEWAYS),
    "minimax": (*MINIMAX_V2, *MINIMAX, *_GATEWAYS),
    "minimax-v1": (*MINIMAX, *_GATEWAYS),
    "dashscope": (*DASHSCOPE, *ALI, *_GATEWAYS),
    "google": _GATEWAYS,
    "fal": (*FAL, *_GATEWAYS),
    "comfy-router": (*COMFY_ROUTER, *_GATEWAYS),
    "replicate": _GATEWAYS,  # Replicate itself has statuses and sentences (RFC 9457)
}
"""Routes with one vendor behind them. CometAPI is of the new-api family: its own errors may come on every route."""
