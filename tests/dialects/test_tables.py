"""The shared tables and small readers of the dialects, against the vendors' own lists."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from batchvid.dialects import DIALECTS
from batchvid.dialects.common.json_values import fraction, moment, text
from batchvid.dialects.common.links import link
from batchvid.dialects.common.status_words import PHASES, read_failure_kind, read_phase
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.wire import Phase, Response, Status
from tests.dialects import CODED
from tests.dialects.readers import SUBMIT_READERS

DOCUMENTED = {
    Phase.QUEUED: "queued pending PENDING SUBMITTED submitted QUEUED NOT_START created queueing Preparing Queueing"
    " in_queue THROTTLED starting waiting queuing",
    Phase.RUNNING: "in_progress IN_PROGRESS processing running RUNNING Processing dreaming generating preprocessing"
    " SUSPENDED requires_continuation",
    Phase.SUCCEEDED: "completed succeeded SUCCEEDED succeed SUCCESS success done Success Ready"
    " COMPLETE finished MEDIA_GENERATION_STATUS_SUCCESSFUL TASK_STATUS_SUCCEED successful",
    Phase.FAILED: "failed FAILED FAILURE error ERROR expired Fail cancelled canceled CANCELLED CANCELED aborted timeout"
    " deleted incomplete budget_exceeded requires_action",
    Phase.UNSEEN: "task_not_exist TASK_NOT_EXIST task_not_found",
    Phase.UNKNOWN: "unknown UNKNOWN succ succeeding completely status_success 200",
}


@pytest.mark.parametrize(("phase", "words"), DOCUMENTED.items())
@pytest.mark.pitfall("a status word has another case or spelling")
def test_every_documented_word_has_its_phase(phase: Phase, words: str) -> None:
    """Every word that a vendor documents is known, in any case and between blanks; look-alikes are not."""
    assert {phase} == {read_phase(word) for spelled in words.split() for word in (spelled, f" {spelled.upper()}\n")}


def test_no_word_stands_in_the_table_without_a_source() -> None:
    """The table holds the documented words and no other."""
    assert {
        word.casefold() for words in DOCUMENTED.values() for word in words.split() if word.casefold() in PHASES
    } == set(PHASES)


def test_only_cancelled_and_expired_name_their_own_cause() -> None:
    """Two kinds of failure are told by the status word itself."""
    assert read_failure_kind("CANCELED") == FailureKind.CANCELLED
    assert read_failure_kind("expired") == FailureKind.EXPIRED
    assert read_failure_kind("failed") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1773383500, datetime(2026, 3, 13, 6, 31, 40, tzinfo=UTC)),
        (1773383500000, datetime(2026, 3, 13, 6, 31, 40, tzinfo=UTC)),
        ("1773383500", datetime(2026, 3, 13, 6, 31, 40, tzinfo=UTC)),
        (1773383500.5, datetime(2026, 3, 13, 6, 31, 40, 500_000, tzinfo=UTC)),
        (0, None),
        (-5, None),
        (None, None),
        (True, None),
        ("tomorrow", None),
        (10**17, None),
        (1e300, None),
    ],
)
def test_a_moment_is_read_in_seconds_or_milliseconds(value: object, expected: datetime | None) -> None:
    """Unix seconds and milliseconds are told apart by their size; what is no time is not said."""
    assert expected == moment(value)


@pytest.mark.parametrize(
    ("value", "top", "expected"),
    [
        (50, 100.0, 0.5),
        (1, 100.0, 0.01),
        (1, 1.0, 1.0),
        (0.42, 1.0, 0.42),
        (42, 1.0, 0.42),
        ("30%", 1.0, 0.3),
        (" 100% ", 100.0, 1.0),
        ("250%", 100.0, 1.0),
        (-3, 100.0, 0.0),
        (10**60, 100.0, 1.0),
        ("half", 100.0, None),
        ("1000%", 100.0, None),
        (True, 1.0, None),
        (None, 1.0, None),
    ],
)
def test_progress_is_a_fraction_whatever_the_wire_counts_in(value: object, top: float, expected: float | None) -> None:
    """Percent, fractions and texts with a percent sign all end between 0.0 and 1.0."""
    assert expected == fraction(value, top)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://x.example/a.mp4", "https://x.example/a.mp4"),
        (" HTTP://x.example/a ", "HTTP://x.example/a"),
        ("data:video/mp4;base64,AAAA", "data:video/mp4;base64,AAAA"),
        ("data:", ""),
        ("https://", ""),
        ("https://x.example failed: no", ""),
        ("upstream said no", ""),
        ("file:///etc/passwd", ""),
        ("/v1/videos/x", ""),
        (["https://x.example"], ""),
    ],
)
def test_only_a_fetchable_link_is_a_link(value: object, expected: str) -> None:
    """A failure text, a path or a local file in the place of a link is no link."""
    assert expected == link(value)


def test_a_vendors_message_is_one_clean_line_without_keys() -> None:
    """Control characters, line breaks and echoed keys do not reach a log."""
    said = text("Incorrect key\r\nsk-abcdefghijklmnop\x1b[2J \u202eprovided")
    assert said == "Incorrect key sk-***[2J provided"


@pytest.mark.parametrize("dialect", SUBMIT_READERS)
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error":{"message":"insufficient balance"}}', FailureKind.BALANCE),
        (403, b'{"error":{"message":"insufficient permissions"}}', FailureKind.INVALID),
        (403, b'{"error":{"message":"This token is disabled"}}', FailureKind.AUTH),
        (403, b"<html>blocked</html>", FailureKind.INVALID),  # in front of the API: see test_refusals.py
        (402, b"", FailureKind.BALANCE),
        (429, b'{"error":{"message":"see our rate limit policy"}}', FailureKind.RATE),
        (429, b'{"error":{"message":"too many concurrent tasks"}}', FailureKind.CONCURRENCY),
        (422, b'{"detail":"prompt is inappropriate"}', FailureKind.MODERATION_INPUT),
        (405, b"<html></html>", FailureKind.INVALID),
        (418, b"", None),
    ],
)
def test_a_no_without_a_code_is_read_by_its_words_and_status(
    dialect: str, status: int, body: bytes, kind: FailureKind
) -> None:
    """Words are believed only under the HTTP statuses where they can mean it; else the status decides."""
    read = DIALECTS[dialect].read_submit(Response(status=status, body=body))
    assert kind is getattr(read, "kind", None), read


@pytest.mark.parametrize("dialect", CODED)
def test_a_clip_that_is_withheld_is_a_failure_wherever_it_is_met(dialect: str) -> None:
    """xAI's models stand behind many gateways: finished, no link, and respect_moderation false is a refusal."""
    video = {"url": "", "respect_moderation": False}
    body = orjson.dumps({"id": "task_1", "status": "completed", "progress": 100, "video": video})
    read = DIALECTS[dialect].read_poll(Response(status=200, body=body), "task_1")
    assert isinstance(read, Status)
    assert (read.phase, read.kind, read.assets) == (Phase.FAILED, FailureKind.MODERATION_OUTPUT, ())


@pytest.mark.parametrize(
    ("units", "charged"),
    [("0", Charged.NO), ("0.5", Charged.YES), (2, Charged.YES), ("NaN", Charged.UNKNOWN), ("-", Charged.UNKNOWN)],
)
def test_a_failed_task_was_charged_if_it_cost_units(units: object, charged: Charged) -> None:
    """Kling's deduction decides whether a failure was paid for; what is no number decides nothing."""
    body = orjson.dumps({"code": 0, "data": {"task_id": "1", "task_status": "failed", "final_unit_deduction": units}})
    read = DIALECTS["kling"].read_poll(Response(status=200, body=body), "1")
    assert charged is getattr(read, "charged", None), read
