"""Read poll replies in any of the documented envelopes, shared by all dialects.

The tags E1-E7 of the envelopes are those of tests/exchanges/README.md.
error_parsing.py knows what an error means, status_words.py what a status word means. It knows no path and no request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from batchvid.dialects.common.envelopes import each, find_task_id, status_words, unwrap
from batchvid.dialects.common.error_parsing import failure_kind, find_error, is_error
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.common.json_values import (
    Path,
    beginning,
    dig,
    first_text,
    fraction,
    link,
    moment,
    text,
)
from batchvid.dialects.common.refusals import build_rejection, describe, is_unseen, read_refusal
from batchvid.dialects.common.status_words import read_phase
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.wire import Asset, Phase, Rejected, Response, Status
from batchvid.errors import UnreadableReply

LINK_PLACES: tuple[Path, ...] = (
    ("result_url",),  # task wrapper
    ("task_result", "videos", 0, "url"),  # Kling
    ("output", 0),  # Runway
    ("output",),
    ("video_url",),  # CometAPI, gateways
    ("video", "url"),  # xAI
    ("content", "video_url"),  # Ark
    ("url",),
    ("metadata", "url"),  # stock new-api
)
"""Where a result link stands in each layer of a reply, in order."""

MESSAGE_PLACES: tuple[Path, ...] = (
    ("error", "message"),
    ("error",),
    ("task_status_msg",),  # Kling
    ("failure",),  # Runway
    ("fail_reason",),  # task wrapper, and nested relays
)
WITHHELD: Path = ("video", "respect_moderation")
"""Where xAI says false about a clip that it made, charged and keeps to itself."""

CODE_PLACES: tuple[Path, ...] = (("error", "code"), ("failureCode",), ("err_code",))
TOKENS: Mapping[str, Path] = {"total_tokens": ("usage", "total_tokens")}
"""What Seedance's task cost, where a relay passes it on."""
USD_TICKS = 10**10  # xAI counts 1 USD as 10^10 ticks

_OPEN = frozenset({Phase.QUEUED, Phase.RUNNING, Phase.UNKNOWN, Phase.UNSEEN})


def read_poll(
    response: Response,
    *,
    content_path: str = "",
    progress_top: float = 100.0,
    vendor: Mapping[str, Path] = TOKENS,
    billed: str = "",
) -> Status | Rejected:
    """Read a poll reply of any envelope.

    `content_path` is a keyed path that offers the clip of every finished task, empty where there is none.
    `progress_top` is the progress that means finished. `vendor` names what to keep and where it stands in a layer;
    `billed` is the one of these that counts the units charged. Raises UnreadableReply for a 2xx without any sense.
    """
    document = parse(response.body)
    layers = unwrap(document)
    words = status_words(layers)
    if not words or not _is_about_the_task(response, layers, words):
        return _without_status(response, document)
    links = _links(layers)
    phase = _phase([read_phase(word) for word in words], has_link=bool(links))
    withheld = any(value is False for value in each(layers, WITHHELD))
    if phase is Phase.SUCCEEDED and not links and (withheld or any(map(is_error, layers))):
        phase = Phase.FAILED  # "completed" with an error and no clip: a refusal by the content filter
    if phase is Phase.SUCCEEDED and not links and not content_path:
        raise UnreadableReply("the task is finished, but the reply offers no clip", beginning(response.body))
    kept = {name: first_text(each(layers, path)) for name, path in vendor.items()}
    code, message = _reason(layers, withheld=withheld)
    failed = phase is Phase.FAILED
    return Status(
        phase=phase,
        vendor_status=words[0] if phase is read_phase(words[0]) else text(" / ".join(words)),
        progress=next(
            (p for p in (fraction(v, progress_top) for v in each(layers, ("progress",))) if p is not None), None
        ),
        assets=_assets(links, content_path) if phase is Phase.SUCCEEDED else (),
        expires_at=next(filter(None, map(moment, each(layers, ("expires_at",)))), None),
        model=first_text(each(layers, ("model",))),
        kind=failure_kind(words, code, message, withheld=withheld) if failed else None,
        message=message,
        code=code,
        charged=_charged(kept.get(billed, "")) if failed else Charged.UNKNOWN,
        actual_usd=_actual_usd(layers),
        vendor_metadata={name: value for name, value in kept.items() if value},
    )


def _is_about_the_task(response: Response, layers: Sequence[Mapping[str, Any]], words: Sequence[str]) -> bool:
    """Whether the status words may be believed: in any 2xx, and in a failed video object under an error status.

    vLLM-Omni serves the failed task itself as a 4xx or 5xx; without this the poll would be repeated for ever.
    """
    failed_object = layers[0].get("object") == "video" and read_phase(words[0]) is Phase.FAILED
    return 200 <= response.status < 300 or failed_object or read_phase(words[0]) is Phase.UNSEEN


def _without_status(response: Response, document: dict[str, Any] | None) -> Status | Rejected:
    """Read a poll reply that says nothing of where the task stands."""
    vendor_error = find_error(document)
    if is_unseen(response, vendor_error):
        return Status(phase=Phase.UNSEEN, vendor_status=vendor_error.code or "not found", message=vendor_error.message)
    if 200 <= response.status < 300:
        if document is None:
            raise UnreadableReply(f"{describe(response)}: not a JSON object", beginning(response.body))
        if not is_error(document):
            if not find_task_id(document):
                raise UnreadableReply("the reply names neither a task nor a status", beginning(response.body))
            return Status(phase=Phase.UNKNOWN)
    return read_refusal(response, document) or build_rejection(response, vendor_error, FailureKind.UNAVAILABLE)


def _phase(phases: Sequence[Phase], *, has_link: bool) -> Phase:
    """Make one phase of the layers' phases. Where layers contradict each other the task is kept alive.

    The outermost word counts, but: inside an open wrapper a success with a link is one; a success word over
    unfinished work needs a link; failed and not failed at once is no verdict.
    """
    outer, seen = phases[0], set(phases)
    if Phase.FAILED in seen:
        if outer is Phase.FAILED and seen <= {Phase.FAILED, Phase.UNKNOWN}:
            return Phase.FAILED
        return outer if outer in _OPEN else Phase.UNKNOWN
    if Phase.SUCCEEDED in seen:
        agreed = outer is Phase.SUCCEEDED and seen <= {Phase.SUCCEEDED, Phase.UNKNOWN}
        if agreed or has_link:
            return Phase.SUCCEEDED
        return outer if outer in _OPEN else Phase.UNKNOWN
    return outer


def _links(layers: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Collect every result link in the order in which to try it.

    Old wrappers put the link of a successful task into `fail_reason`: it comes last, and only a success gets it.
    """
    places = [*(dig(layer, place) for layer in layers for place in LINK_PLACES), *each(layers, ("fail_reason",))]
    return tuple(dict.fromkeys(filter(None, map(link, places))))


def _assets(links: Iterable[str], content_path: str) -> tuple[Asset, ...]:
    content = (Asset(location=content_path, keyed=True),) if content_path else ()
    return (*(Asset(location=found) for found in links), *content)


def _reason(layers: Sequence[Mapping[str, Any]], *, withheld: bool) -> tuple[str, str]:
    """Find the code and the message of a failure, the provider's own (innermost) first. A link is no message.

    A plain `message` counts only beside a status word: in an envelope it is a greeting like "SUCCEED".
    """
    inside_out = layers[::-1]
    code = first_text(dig(layer, place) for layer in inside_out for place in CODE_PLACES)
    messages = [dig(layer, place) for layer in inside_out for place in MESSAGE_PLACES]
    messages += [layer.get("message") for layer in inside_out if status_words([layer])]
    sentences = (value for value in messages if isinstance(value, str) and value.strip() and not link(value))
    fallback = "the clip was made and withheld: respect_moderation is false" if withheld else ""
    reason = find_error({"message": next(sentences, fallback)})  # a relay's reason may be the upstream's whole body
    return code or reason.code, reason.message


def _charged(units: str) -> Charged:
    """Read whether a failed task was charged out of the units it cost; unknown where the vendor names none."""
    try:
        amount = Decimal(units)
    except ArithmeticError:
        return Charged.UNKNOWN
    if not amount.is_finite():
        return Charged.UNKNOWN
    return Charged.YES if amount > 0 else Charged.NO


def _actual_usd(layers: Iterable[Mapping[str, Any]]) -> str:
    """Read the price really paid from xAI's ticks, as decimal text; empty where the vendor does not say."""
    for ticks in each(layers, ("usage", "cost_in_usd_ticks")):
        if isinstance(ticks, int) and not isinstance(ticks, bool) and 0 <= ticks < 10**18:
            return format((Decimal(ticks) / USD_TICKS).normalize(), "f")
    return ""
