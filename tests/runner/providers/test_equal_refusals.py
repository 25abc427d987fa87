"""Whether equal replies belong to the provider or to the jobs: what counts as equal, and what a probe proves."""

from __future__ import annotations

from typing import Any

import pytest

from batchvid.domain.failures import MODERATION, FailureKind
from batchvid.domain.wire import Rejected, Uncertain
from batchvid.runner.providers.equal_refusals import EqualReplies, Reply, read_reply
from tests.builders import spec

KITE, BOAT = ("kite", "veo3-fast"), ("boat", "veo3-fast")


def reply(message: str = "no such route", line: tuple[str, str] = KITE, number: int = 1, **fields: Any) -> Reply:
    """A refusal as invalid of a job of this line."""
    given = {"kind": FailureKind.INVALID, "http_status": 400, **fields.pop("refusal", {})}
    job = spec(f"{line[0]}-{number}", model=line[1], **fields)
    found = read_reply(job, line, Rejected(message=message, **given))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("no such route", "No such route."),
        ("task 17: not supported", "task 18: not supported"),
        ("bad request (request id: 4f1c9a2b)", "bad request (request id: 77d0aa31)"),
        ("the prompt 'a paper kite' is refused", "the prompt 'a tin boat' is refused"),
        ("kite-1 is not supported", "boat-2 is not supported"),
    ],
)
def test_numbers_ids_and_quotes_make_no_difference(one: str, other: str) -> None:
    """What a message repeats of its call says nothing of the reason."""
    assert reply(one).equals(reply(other, BOAT, 2))


def test_the_jobs_own_words_make_no_difference() -> None:
    """Its prompt, its model, its options: each message names its own."""
    kite = reply("model sora is unknown for a red kite", ("kite", "sora"), prompt="a red kite")
    boat = reply("model veo is unknown for a blue boat", ("boat", "veo"), prompt="a blue boat")
    assert kite.equals(boat)
    deep = {"camera": {"path": ["orbital"]}}
    assert reply("path orbital is wrong", options=deep).equals(reply("path is wrong"))


@pytest.mark.parametrize(
    "other",
    [
        {"kind": FailureKind.EXPIRED},
        {"http_status": 422},
        {"code": "bad_size"},
    ],
)
def test_kind_status_and_code_make_a_difference(other: dict[str, Any]) -> None:
    """The same words under another code mean something else."""
    assert not reply().equals(reply(refusal=other))


def test_other_words_make_a_difference() -> None:
    """Two reasons are two replies."""
    assert not reply("the image is too small").equals(reply("the prompt is too long"))


@pytest.mark.parametrize(
    "kind",
    [
        *sorted(MODERATION),
        FailureKind.RATE,
        FailureKind.CONCURRENCY,
        FailureKind.UNAVAILABLE,
        FailureKind.AUTH,
        FailureKind.BALANCE,
    ],
)
def test_kinds_with_a_rule_of_their_own_are_not_compared(kind: FailureKind) -> None:
    """A content filter speaks of one job; the others wait, or stop the provider at once."""
    assert read_reply(spec(), KITE, Rejected(kind=kind, message="no")) is None


def test_an_uncertain_reply_counts_only_if_every_call_would_get_it() -> None:
    """A web page of the gateway; a lost connection says nothing."""
    assert read_reply(spec(), KITE, Uncertain(message="reset")) is None
    page = read_reply(spec(), KITE, Uncertain(message="a web page", http_status=502, provider_wide=True))
    assert page is not None
    assert page.is_uncertain


def row(*replies: Reply) -> EqualReplies:
    """These replies in a row."""
    equal = EqualReplies()
    for one in replies:
        equal.record(one)
    return equal


def test_two_equal_replies_are_suspect_and_prove_nothing() -> None:
    """One probe decides; with no job left to send, the refusals belong to their jobs."""
    assert not row(reply()).suspect
    equal = row(reply(), reply(number=2))
    assert equal.suspect
    assert not equal.proves_stop({KITE, BOAT})
    assert not equal.proves_stop(set())


def test_a_probe_of_another_line_proves_it() -> None:
    """Two entries, one reply: it does not depend on the job. All that were refused are named."""
    equal = row(reply(), reply(number=2), reply(line=BOAT))
    assert equal.proves_stop({KITE, BOAT})
    assert equal.refused_ids() == ["kite-1", "kite-2", "boat-1"]


def test_a_probe_of_the_same_line_proves_it_only_if_there_is_no_other() -> None:
    """Three takes of one entry may share one fault; while another entry waits, it is tried."""
    equal = row(reply(), reply(number=2), reply(number=3))
    assert not equal.proves_stop({KITE, BOAT})
    assert equal.proves_stop({KITE})


def test_another_reply_or_an_acceptance_ends_the_row() -> None:
    """Then the provider tells jobs apart."""
    assert not row(reply(), reply("too long"), reply()).suspect
    equal = row(reply(), reply(number=2))
    equal.clear()
    assert not equal.suspect


def test_what_is_proven_stays() -> None:
    """A late reply of a call that was already out changes nothing, and is still recognised."""
    equal = row(reply(), reply(number=2), reply(line=BOAT))
    assert equal.proves_stop(set())
    equal.record(reply("too long"))
    equal.clear()
    assert equal.includes(reply(number=9))
    assert not equal.includes(reply("too long"))


def test_uncertain_jobs_are_not_among_the_refused() -> None:
    """Their tasks may exist: they stay uncertain."""
    lost = Uncertain(message="a web page", http_status=502, provider_wide=True)
    pages = [read_reply(spec(f"kite-{n}"), KITE, lost) for n in range(3)]
    assert row(*filter(None, pages)).refused_ids() == []
