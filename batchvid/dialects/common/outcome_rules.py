"""How a submit ends, row by row with sources: how far the request came, HTTP status and vendor's code say it.

Refused (a kind) only where a source says that no task was made; everything else is uncertain (no kind). Accepted is
a task id in a 2xx, see submit_replies.py. The tags of the sources are those of tests/exchanges/README.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Rejected, Uncertain
from batchvid.errors import NotSent, WireError

CONCURRENCY = re.compile(r"parallel task|over resource pack limit|concurren", re.I)
MODERATION = re.compile(
    r"moderat|\bsafety\b|\bsensitive\b|\bpolic(y|ies)\b|guideline|risk control|prohibited|inappropriate|敏感|违规",
    re.I,
)
_MODERATION_IN_A_500 = re.compile(r"community guidelines|CM_EXT|moderation", re.I)
_BALANCE = re.compile(
    # xAI: "used all available credits" under 403 or 429 (continuedev/continue issue 10373); Runway: "not have enough"
    r"(insufficient|not (have )?enough|used all|out of).{0,20}(quota|balance|credit|fund|point)|arrears|overdue"
    r"|\bbalance\b|\bbilling\b|(quota|credits?|token)\b.{0,20}(exhausted|used up)"
    r"|余额|额度",
    re.I,
)
_KEY = re.compile(
    r"(invalid|expired|disabled).{0,20}\b(token|key)\b|\b(token|key)\b.{0,20}(invalid|expired|disabled)"
    r"|\bip\b.{0,40}(allow|white)|令牌",
    re.I,
)
_TROUBLE = re.compile(r"time.?out|timed out|internal|upstream|unavailable|overload|server|_failed\b|^50\d\d\b", re.I)


@dataclass(frozen=True, slots=True)
class OutcomeRule:
    """Under these HTTP statuses, with one of these codes and these words, `kind` is meant; None: no verdict.

    `under` names statuses like `429` and families like `4xx`. A row without codes takes any, without words too.
    """

    under: str
    kind: FailureKind | None
    source: str
    codes: str = ""
    words: re.Pattern[str] | None = None

    def fits(self, status: int, code: str, text: str) -> bool:
        """Whether the rule applies to such a reply; `text` is code and message together."""
        if not {str(status), f"{status // 100}xx"} & set(self.under.split()):
            return False
        if self.codes and code.casefold() not in self.codes.casefold().split():
            return False
        return self.words is None or self.words.search(text) is not None


Table = tuple[OutcomeRule, ...]
"""Rows in order; the first that fits decides."""

NO = "2xx 4xx"  # where a vendor says no, through a relay also inside a 200; in a 5xx a code alone proves nothing
ANY = "2xx 4xx 5xx"

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
    OutcomeRule(NO, FailureKind.BALANCE, "N", codes="insufficient_user_quota"),
    OutcomeRule(
        NO,
        FailureKind.INVALID,
        "N",
        codes="missing_model invalid_request invalid_json invalid_multipart_form invalid_seconds invalid_size"
        " model_price_error task_channel_disable read_request_body_failed",
    ),
    OutcomeRule(NO, FailureKind.MODERATION_INPUT, "N", codes="sensitive_words_detected prompt_blocked"),
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
    OutcomeRule(NO, FailureKind.AUTH, "O-oas", codes="invalid_api_key"),
    OutcomeRule(NO, FailureKind.BALANCE, "O-oas", codes="insufficient_quota"),
    OutcomeRule(NO, FailureKind.RATE, "O-oas", codes="rate_limit_exceeded slow_down"),
    OutcomeRule(NO, FailureKind.MODERATION_INPUT, "ARC", codes="moderation_blocked sentinel_block"),
)
ARK: Table = (
    OutcomeRule(NO, FailureKind.AUTH, "C-seed", codes="AuthenticationError"),
    OutcomeRule(NO, FailureKind.BALANCE, "C-seed", codes="AccountOverdueError QuotaExceeded"),
    OutcomeRule(
        NO,
        FailureKind.RATE,
        "C-seed",
        codes="RateLimitExceeded.EndpointRPMExceeded RateLimitExceeded.EndpointTPMExceeded"
        " ModelAccountRpmRateLimitExceeded ModelAccountTpmRateLimitExceeded",
    ),
    OutcomeRule(
        NO,
        FailureKind.INVALID,
        "C-seed",
        codes="MissingParameter InvalidParameter AccessDenied InvalidEndpoint.NotFound",
    ),
    OutcomeRule(
        "4xx",
        FailureKind.UNAVAILABLE,
        "C-seed: to be sent again",
        codes="ModelLoadingError ServerOverloaded InvalidEndpoint.ClosedEndpoint",
    ),
    OutcomeRule(ANY, None, "C-seed", codes="InternalServiceError"),
)
XAI: Table = (
    OutcomeRule(NO, FailureKind.INVALID, "X-proto", codes="invalid_argument"),
    OutcomeRule(NO, FailureKind.MODERATION_INPUT, "N", codes="violation_fee.grok.csam"),
)
ALI: Table = (OutcomeRule(NO, FailureKind.MODERATION_INPUT, "N", codes="DataInspectionFailed IPInfringementSuspect"),)
WORDS: Table = (
    OutcomeRule("2xx 400 429", FailureKind.CONCURRENCY, "K-err, in the words of relays", words=CONCURRENCY),
    OutcomeRule("2xx 400 403 429", FailureKind.BALANCE, "N, O-oas, K-err", words=_BALANCE),
    OutcomeRule("2xx 403", FailureKind.AUTH, "N: the token, or its list of addresses", words=_KEY),
    OutcomeRule("2xx 400 403 422", FailureKind.MODERATION_INPUT, "ARC, R-oas, K-err", words=MODERATION),
    OutcomeRule("500", FailureKind.MODERATION_INPUT, "ARC: Kling through a relay", words=_MODERATION_IN_A_500),
)
"""What to look for where no code says it."""
HTTP: Table = (
    OutcomeRule("401", FailureKind.AUTH, "C-err, R-oas"),
    OutcomeRule("402", FailureKind.BALANCE, "RFC 9110"),
    OutcomeRule("429", FailureKind.RATE, "C-err, C-rate: the gateway or the vendor refused it"),
    OutcomeRule("408 499", None, "nginx, proxies: a proxy's upstream did not answer in time"),
    OutcomeRule("4xx", FailureKind.INVALID, "C-err, R-oas, S2"),
    OutcomeRule("3xx", FailureKind.INVALID, "C-err: a wrong path may redirect, and is never followed"),
    OutcomeRule("2xx", None, "N: the upstream's trouble inside a 200", words=_TROUBLE),
    OutcomeRule("2xx", FailureKind.INVALID, "N: an error object instead of a task"),
    OutcomeRule("5xx", None, "C-retry and S2 say retry; the task may have been made and billed all the same"),
)

VENDORS: dict[str, Table] = {
    "kling": KLING,
    "new-api": NEW_API,
    "openai": OPENAI,
    "ark": ARK,
    "xai": XAI,
    "ali": ALI,
}
RELAYED: Table = (*KLING, *NEW_API, *OPENAI, *ARK, *XAI, *ALI, *WORDS, *HTTP)
"""For a route that many vendors stand behind: any of them may speak, also out of a gateway's message."""
TABLES: dict[str, Table] = {
    "kling": (*KLING, *NEW_API, *OPENAI, *WORDS, *HTTP),
    "runway": (*NEW_API, *OPENAI, *WORDS, *HTTP),  # Runway itself has statuses and sentences, no codes (R-oas)
    "xai": (*XAI, *NEW_API, *OPENAI, *WORDS, *HTTP),
}
"""Routes with one vendor behind them. CometAPI is of the new-api family: its own errors may come on every route."""

CODES: dict[str, FailureKind] = {
    code.casefold(): row.kind for table in VENDORS.values() for row in table if row.kind for code in row.codes.split()
}
"""What a code means wherever it stands, such as in a failed task."""


def classify_reply(status: int, code: str, message: str, table: Table) -> FailureKind | None:
    """Why a submit with such a reply was refused, None where it is no verdict."""
    text = f"{code} {message}"
    return next((row.kind for row in table if row.fits(status, code, text)), None)


def classify_missing_reply(exc: WireError) -> Rejected | Uncertain:
    """How a submit ended that got no whole reply: refused only where surely nothing reached the provider.

    No name, no connection, no TLS: the request was never sent. Once it is out, a silence, a reset, a cut or an endless
    reply says nothing of what the other side has done (wire-notes 5).
    """
    if isinstance(exc, NotSent):
        return Rejected(kind=FailureKind.UNAVAILABLE, message=str(exc))
    return Uncertain(message=str(exc))
