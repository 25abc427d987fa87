"""How a submit ends, row by row with sources: HTTP status, vendor's code and words decide.

Refused (a kind) only where a source says that no task was made; everything else is uncertain (no kind). A task id is
looked for before, see task_ids.py. The vendors' codes stand in vendor_codes.py. The tags of the sources are those of
tests/exchanges/README.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from batchvid.dialects.common.filter_words import tells_of_filter
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Rejected, Uncertain
from batchvid.errors import NotAuthenticated, NotSent, WireError

CONCURRENCY = re.compile(r"parallel task|over resource pack limit|concurren", re.I)
_MODERATION_IN_A_403 = re.compile(r"moderat|content (polic|filter)|\bnsfw\b|flagged|敏感|违规", re.I)
_MODERATION_IN_A_500 = re.compile(r"community guidelines|CM_EXT|moderation", re.I)
_MONEY = r"(quota|balance|credits?|funds?|points?)"
_BALANCE = re.compile(
    # xAI: "used all available credits" under 403 or 429 (continuedev/continue issue 10373); Runway: "not have enough"
    rf"(insufficient|not (have )?enough|used all|out of|exhausted|no remaining|n[o']t have any).{{0,20}}{_MONEY}"
    rf"|arrears|(account|payment).{{0,20}}overdue"
    rf"|\b{_MONEY}\b.{{0,20}}(exhausted|used up|depleted|insufficient|not enough|too low)"
    r"|\btoken\b.{0,20}(exhausted|used up)|exceeded your (current )?quota|billing (details|hard limit|limit)"
    r"|budget has been exceeded|monthly spending limit"
    r"|(recharge|top.?up).{0,20}(account|balance|credit)|余额|额度|欠费",
    re.I,
)
_KEY = re.compile(
    r"(invalid|expired|disabled).{0,20}\b(token|key)\b"
    r"|\b(token|key)\b.{0,20}(invalid|expired|disabled|blocked|revoked|leaked|suspended|deleted)"  # xAI, Google
    r"|\bip\b.{0,40}(allow|white)|令牌(?!.{0,6}无权(访问|使用).{0,2}模型)|用户已被(封禁|禁用)"
    r"|(user|account) (is |has been )?(locked|suspended|deactivated)|\bnot authenticated\b",  # FastAPI
    re.I,
)
_KEY_IN_A_400 = re.compile(
    r"(invalid|incorrect|malformed) (api|proxy server|access)[ _-]?(key|token)"
    r"|api[ _-]?key (is )?(not valid|invalid|missing)|no api[ _-]?key|unable to find token|no connected db",
    re.I,
)
DUPLICATE = re.compile(
    r"(task|request|job|generation|external_task_id|idempotency\S*)\b.{0,40}\balready\b.{0,20}(exist|submitted|created"
    r"|accepted|in progress|processing|running)|duplicated? (request|task|submission|external_task_id)"
    r"|your (task|request|job|video|generation) (has been|was|is) (queued|accepted|created|submitted|scheduled)"
    r"\b(?!\W+too)|\b(added to|placed in|position in) (the|a) queue|queue position\W{1,3}\d|任务已(提交|创建|加入)"
    r"|已加入队列|external_task_id.{0,30}duplicate|重复(提交|请求|任务)|任务已存在",
    re.I,
)
_CODE_MODERATION = re.compile(
    r"sensitive|policy violation|moderat|\bsafety\b|content (policy|filter)|nsfw|inspection|\bcm ext\b", re.I
)
_CODE_RATE = re.compile(r"rate limit|too many requests|throttl", re.I)
_CODE_BALANCE = re.compile(
    rf"insufficient (user )?{_MONEY}|{_MONEY} (insufficient|exhausted|not enough)|arrear|overdue|payment required"
    rf"|budget exceeded|not enough {_MONEY}|out of {_MONEY}|exceeded current quota"
    r"|(monthly|spend(ing)?|billing) limit",
    re.I,
)
_CODE_KEY = re.compile(
    r"(invalid|expired|missing|incorrect|disabled) (api )?(key|token)"
    r"|(key|token) (invalid|expired|disabled|inactive|deleted|revoked|blocked)"
    r"|(account|organization|consumer|project) (suspended|locked|disabled|deactivated)"
    r"|\bip (address )?(is )?not (allowed|authorized|whitelisted)|failed to auth"
    r"|unauthori[sz]ed|authentication|unauthenticated|authorized error",
    re.I,
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[._\-]+")

NO = "2xx 4xx"  # where a vendor says no, through a relay also inside a 200; in a 5xx a code alone proves nothing
NO_OR_500 = "2xx 4xx 500"  # relays pass on a filter's refusal under a 500 (field reports; new-api's default)
ANY = "2xx 4xx 5xx"


@dataclass(frozen=True, slots=True)
class OutcomeRule:
    """Under these HTTP statuses, with one of these codes and these words, `kind` is meant; None: no verdict.

    `under` names statuses like `429` and families like `4xx`. A row without codes takes any, without words too.
    `in_code` looks for the words in the code, not in the message. `own_shape` asks for an error in JSON.
    """

    under: str
    kind: FailureKind | None
    source: str
    codes: str = ""
    words: Callable[[str], object] | None = None
    in_code: bool = False
    own_shape: bool = False

    def fits(self, status: int, code: str, text: str, *, own_shape: bool = True) -> bool:
        """Whether the rule applies to such a reply; `text` is the message without the user's words."""
        if not {str(status), f"{status // 100}xx"} & set(self.under.split()):
            return False
        if self.own_shape and not own_shape:
            return False
        listed = self.codes.casefold().split()
        if listed and code.casefold() not in listed and code.partition(".")[0].casefold() not in listed:
            return False
        return self.words is None or bool(self.words(_HUMP.sub(" ", code) if self.in_code else text))


Table = tuple[OutcomeRule, ...]
"""Rows in order; the first that fits decides."""

DUPLICATES: Table = (
    OutcomeRule(
        ANY, None, "K-doc: the id is unique, what was there may be ours; or it is queued", words=DUPLICATE.search
    ),
    OutcomeRule(ANY, None, "RFC 9110, Comfy: an equal call is there", codes="duplicate_request idempotency_conflict"),
)
CODE_WORDS: Table = (
    OutcomeRule(NO, FailureKind.RATE, "a code of no list, by its words", words=_CODE_RATE.search, in_code=True),
    OutcomeRule(NO, FailureKind.CONCURRENCY, "a code of no list, by its words", words=CONCURRENCY.search, in_code=True),
    OutcomeRule(NO, FailureKind.BALANCE, "a code of no list, by its words", words=_CODE_BALANCE.search, in_code=True),
    OutcomeRule(NO, FailureKind.AUTH, "a code of no list, by its words", words=_CODE_KEY.search, in_code=True),
    OutcomeRule(
        NO_OR_500,
        FailureKind.MODERATION_INPUT,
        "a code of no list, by its words",
        words=_CODE_MODERATION.search,
        in_code=True,
    ),
)
"""A code is the vendor's own word: it never quotes the user."""
REQUEST_WORDS: Table = (
    OutcomeRule("2xx 400 429", FailureKind.CONCURRENCY, "K-err, in the words of relays", words=CONCURRENCY.search),
    OutcomeRule("2xx 400 422", FailureKind.MODERATION_INPUT, "ARC, R-oas, K-err", words=tells_of_filter),
    OutcomeRule(
        "403",
        FailureKind.MODERATION_INPUT,
        "OpenRouter; a policy may also be about the caller",
        words=_MODERATION_IN_A_403.search,
    ),
    OutcomeRule("500", FailureKind.MODERATION_INPUT, "ARC: Kling through a relay", words=_MODERATION_IN_A_500.search),
)
"""What to look for where no code says it."""
ACCOUNT_WORDS: Table = (
    OutcomeRule("2xx 400 403 406 422 429", FailureKind.BALANCE, "N, O-oas, K-err", words=_BALANCE.search),
    OutcomeRule("2xx 403", FailureKind.AUTH, "N: the token, or its list of addresses", words=_KEY.search),
    OutcomeRule("400", FailureKind.AUTH, "G-rpc, L-proxy: a wrong key under a 400", words=_KEY_IN_A_400.search),
)
"""These stop the provider: only where there is no code, no named field and no time to wait."""
HTTP: Table = (
    OutcomeRule("401 407", FailureKind.AUTH, "C-err, R-oas, RFC 9110: the key is checked before anything else"),
    OutcomeRule("402", FailureKind.BALANCE, "RFC 9110"),
    OutcomeRule("429", FailureKind.RATE, "C-err, C-rate: the gateway or the vendor refused it"),
    OutcomeRule("408 499", None, "nginx, proxies: a proxy's upstream did not answer in time"),
    OutcomeRule("409 425", None, "RFC 9110, RFC 8470: it may conflict with an equal call that was accepted"),
    OutcomeRule("413 414 415 431", FailureKind.INVALID, "RFC 9110: refused before it is read, also by a proxy"),
    OutcomeRule("4xx", FailureKind.INVALID, "C-err, R-oas, S2: the vendor's own error", own_shape=True),
    OutcomeRule("4xx", None, "no vendor documents it: not its own error"),
    OutcomeRule("3xx", None, "RFC 9110: 303 follows a call that was carried out"),
    OutcomeRule("2xx", None, "N, kie: a code of no list in a success reply proves nothing"),
    OutcomeRule("5xx", None, "C-retry and S2 say retry; the task may have been made and billed all the same"),
)
VAGUE_CODES = frozenset(
    {
        *("fail_to_fetch_task", "task_failed", "upstream_error", "new_api_error", "comet_api_error", "api_error"),
        *(
            "invalid_request_error",
            "bad_response_status_code",
            "forbidden",
            "bad_request",
            "badrequest",
            "bad_request_error",
        ),
        *("permission-denied", "permission_denied", "invalid-argument", "failed-precondition"),  # xAI, for any reason
        *("error", "none", "null", "unknown", "custom", "about:blank", "openai_error", "request_failed", "fail"),
    }
)
"""Codes that wrap an upstream's reply, or that every refusal has: they are no reason."""


def classify_missing_reply(exc: WireError) -> Rejected | Uncertain:
    """How a submit ended that got no whole reply: refused only where surely nothing reached the provider.

    No name, no connection, no TLS: the request was never sent. Once it is out, a silence, a reset, a cut or an endless
    reply says nothing of what the other side has done (wire-notes 5).
    """
    if isinstance(exc, NotSent):
        return missed_reply(exc)
    return Uncertain(message=str(exc))


def missed_reply(exc: WireError) -> Rejected:
    """A free call without a readable reply: the provider is not available, or no valid token can be made for it."""
    kind = FailureKind.AUTH if isinstance(exc, NotAuthenticated) else FailureKind.UNAVAILABLE
    return Rejected(kind=kind, message=str(exc))
