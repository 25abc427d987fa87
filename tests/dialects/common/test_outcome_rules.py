"""How a submit ends: every line of the vendors' error tables, played through the dialect that meets it."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from batchvid.dialects import DIALECTS
from batchvid.dialects.common.error_parsing import find_error
from batchvid.dialects.common.json_values import parse
from batchvid.dialects.common.outcome_rules import (
    RELAYED,
    TABLES,
    VENDORS,
    OutcomeRule,
    classify_missing_reply,
    classify_reply,
)
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Rejected, Response, Uncertain
from batchvid.errors import NotSent, ReplyLost, ReplyTooLarge, UnreadableReply, WireError

AUTH, BALANCE, RATE, SLOT = FailureKind.AUTH, FailureKind.BALANCE, FailureKind.RATE, FailureKind.CONCURRENCY
INVALID, MODERATION, DOWN = FailureKind.INVALID, FailureKind.MODERATION_INPUT, FailureKind.UNAVAILABLE

Case = tuple[int, str, FailureKind | None]
"""HTTP status, body (`code message` stands for the dialect's own envelope), verdict; None: uncertain."""

HTTP_TABLE: tuple[Case, ...] = (  # wire-notes 4.1
    (400, "- model name is required", INVALID),
    (401, "- Invalid token", AUTH),
    (402, "-", BALANCE),
    (403, "- blocked", INVALID),
    (403, "- user quota is not enough: insufficient balance", BALANCE),
    (404, "- no such route", INVALID),
    (301, "-", INVALID),
    (408, "-", None),
    (413, "-", INVALID),
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
    (200, "- prompt is required", INVALID),
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
    *((429, f"RateLimitExceeded.Endpoint{which}Exceeded no", RATE) for which in ("RPM", "TPM")),
    *((429, f"ModelAccount{which}RateLimitExceeded no", RATE) for which in ("Rpm", "Tpm")),
    *((429, f"{code} no", DOWN) for code in ("ModelLoadingError", "ServerOverloaded")),
    (404, "InvalidEndpoint.ClosedEndpoint no", DOWN),
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
    (429, "insufficient_quota no", BALANCE),
    (429, "rate_limit_exceeded no", RATE),
    (429, "slow_down no", RATE),
)
EVERY = (RELAYED, *TABLES.values())
RELAYS = ("veo", "openai-videos", "seedance", "videos", "gateway")
MET_BY: tuple[tuple[tuple[Case, ...], tuple[str, ...]], ...] = (
    (HTTP_TABLE, tuple(DIALECTS)),
    (KLING_TABLE, ("kling", *RELAYS)),
    (RUNWAY_TABLE, ("runway",)),
    (ARK_TABLE, RELAYS),
    (XAI_TABLE, ("xai", *RELAYS)),
    (tuple(case for case in NEW_API_TABLE if "{" not in case[1]), tuple(DIALECTS)),
    (NEW_API_TABLE, RELAYS),
    (OTHERS, RELAYS),
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
    yield orjson.dumps({"error": {"message": message, "type": "", "param": "", "code": code}})
    yield orjson.dumps({"code": int(code) if code.isdecimal() else code or "x", "message": message, "data": None})


@pytest.mark.parametrize(("dialect", "case"), list(cases()), ids=lambda value: str(value)[:60])
def test_each_line_of_the_vendors_tables_has_its_verdict(dialect: str, case: Case) -> None:
    """Refused with this kind where a source says that nothing was made, uncertain everywhere else."""
    status, said, kind = case
    for body in bodies(said):
        read = DIALECTS[dialect].read_submit(Response(status=status, body=body))
        assert isinstance(read, Uncertain if kind is None else Rejected), read
        assert getattr(read, "kind", None) is kind


def deciding(dialect: str, case: Case) -> OutcomeRule | None:
    """The row that decides a case."""
    complaint = find_error(parse(next(bodies(case[1]))))
    said = f"{complaint.code} {complaint.message}"
    return next((row for row in TABLES.get(dialect, RELAYED) if row.fits(case[0], complaint.code, said)), None)


def test_every_row_is_met() -> None:
    """No row, and no code in one, stands there without a case that it decides."""
    met = {(row, code) for dialect, case in cases() if (row := deciding(dialect, case)) for code in _codes(row, case)}
    rows = {row for table in EVERY for row in table}
    assert {row for row, _ in met} == rows
    unmet = {(row.source, code) for row in rows for code in row.codes.split() if (row, code.casefold()) not in met}
    assert not unmet


def _codes(row: OutcomeRule, case: Case) -> set[str]:
    complaint = find_error(parse(next(bodies(case[1]))))
    return {complaint.code.casefold()} if row.codes else {""}


def test_every_row_names_its_source() -> None:
    """A verdict without a source is an opinion."""
    assert all(row.source for table in EVERY for row in table)


def test_no_code_means_two_things() -> None:
    """The vendors' codes do not contradict each other under one status, so that a relay may pass on any of them."""
    for status in (200, 400, 429, 500, 503):
        for table in VENDORS.values():
            for code in (code for row in table for code in row.codes.split()):
                told = [classify_reply(status, code, "", own) for own in VENDORS.values() if _speaks(own, status, code)]
                assert len(set(told)) <= 1, (status, code, told)


def _speaks(table: tuple[OutcomeRule, ...], status: int, code: str) -> bool:
    return any(row.fits(status, code, code) for row in table)


def test_a_5xx_is_a_no_only_where_a_source_says_so() -> None:
    """Every line of the tables under every 5xx, in every dialect: two codes and the words of a content filter."""
    read = {
        (status, said, kind)
        for said in {said for _, (_, said, _) in cases()}
        for status in (500, 501, 502, 503, 504, 520, 524, 529)
        for dialect in DIALECTS
        for body in bodies(said)
        if (kind := getattr(DIALECTS[dialect].read_submit(Response(status=status, body=body)), "kind", None))
    }
    assert read == {
        (500, "invalid_request malformed", INVALID),
        (500, "invalid_request no", INVALID),
        (503, "model_not_found No available channel for model X under group Y (distributor)", DOWN),
        (503, "model_not_found no", DOWN),
        (500, "moderation_blocked no", MODERATION),
        (500, "- violates the community guidelines (CM_EXT.POther)", MODERATION),
    }


@pytest.mark.parametrize("fault", [ReplyLost("reset"), ReplyTooLarge("endless"), UnreadableReply("cut")])
def test_what_went_out_and_got_no_whole_answer_is_uncertain(fault: WireError) -> None:
    """Once the request is out, silence says nothing of what was done."""
    assert classify_missing_reply(fault) == Uncertain(message=str(fault))


def test_what_never_went_out_is_refused_and_may_be_sent_again() -> None:
    """No connection: nothing was bought."""
    no = classify_missing_reply(NotSent("no connection"))
    assert isinstance(no, Rejected)
    assert no.kind is DOWN
