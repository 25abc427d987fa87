"""What every client of these routes has fallen into at least once: each trap, and the tests that hold it shut.

A test is named as pytest does, an exchange by its folder and case: those are judged from both sides.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.test_recordings import UNPLAYED
from tests.exchanges import load

EMULATOR = Path(__file__).parents[1] / "batchvid" / "emulator"

TRAPS: dict[str, tuple[str, ...]] = {
    "a form without a file goes out urlencoded": (
        "tests/net/test_transport.py::test_a_form_is_multipart_and_keeps_its_order",
        "tests/emulator/test_videos.py::test_encodings",
        "veo/submit-text",
    ),
    "an API call follows a redirect": (
        "tests/net/test_transport.py::test_a_redirect_is_not_followed",
        "veo/submit-redirected",
        "openai-videos/poll-redirected",
    ),
    "raise_for_status loses the vendor's words": (
        "tests/net/test_transport.py::test_a_refusal_is_a_reply",
        "tests/end_to_end/test_run.py::test_failed_jobs_keep_the_vendors_reason_and_retry_buys_exactly_those",
        "runway/poll-unseen-message-400",
        "kling/poll-unseen-1203",
        "kling/submit-refused-1201-parameter",
    ),
    "429 is slow down, wait for a slot, or the money is gone": (
        "tests/end_to_end/test_run.py::test_a_refusal_for_rate_is_waited_out",
        "tests/end_to_end/test_run.py::test_an_empty_account_stops_the_provider",
        "kling/submit-throttled-1302",
        "kling/submit-refused-1303-no-slot",
        "kling/submit-refused-1102-pack-exhausted",
        "kling/submit-refused-1304-ip",
        "openai-videos/submit-refused-openai-quota-429",
        "gateway/submit-throttled-empty-body",
    ),
    "a submit that ends in a 5xx is sent again": (
        "tests/end_to_end/test_run.py::test_a_submit_without_a_verdict_is_uncertain_and_never_repeated",
        "tests/net/test_transport.py::test_an_order_is_never_sent_twice",
        "tests/test_contradictions.py::test_a_create_is_never_retried_after_a_5xx",
        "veo/submit-gateway-timeout-524",
    ),
    "a status word in another case or spelling": (
        "tests/dialects/test_tables.py::test_every_documented_word_has_its_phase",
        "tests/end_to_end/test_run.py::test_an_unknown_status_word_keeps_the_job_alive_and_is_told_once",
        "runway/poll-ready-lower-case",
        "seedance/poll-ready",
        "kling/poll-ready",
    ),
    "the link of a success stands in fail_reason": (
        "tests/end_to_end/test_wire_traps.py::test_a_link_where_the_reason_of_a_failure_stands",
        "xai/poll-ready-wrapped-fail-reason",
        "newapi/poll-ready-old-fail-reason",
        "gateway/poll-failed-text-for-link",
    ),
    "progress 100 is taken for success": (
        "tests/end_to_end/test_wire_traps.py::test_progress_100_is_no_success",
        "openai-videos/poll-contradiction-progress-100-running",
        "gateway/poll-failed-without-error",
    ),
    "a task id is read as a number": (
        "tests/end_to_end/test_wire_traps.py::test_an_id_that_no_double_can_hold",
        "tests/dialects/test_mangled.py::test_a_numeric_id_keeps_every_digit",
        "kling/submit-number-for-string",
    ),
    "every vendor wants its pictures otherwise": (
        "tests/emulator/test_requests.py::test_recorded_request",
        "tests/end_to_end/test_own_gateway.py::test_a_local_file_where_the_vendor_takes_it",
        "kling/submit-image",
        "runway/submit-image-file",
        "veo/submit-first-and-last-frame",
    ),
    "emulator and client agree by a shared mistake": (
        "tests/test_known_pitfalls.py::test_the_emulator_shares_no_code",
    ),
    "YAML makes a number of 16:9 and a truth of no": (
        "tests/manifest/reading/test_yaml_reader.py::test_words_stay_words",
        "tests/manifest/reading/test_yaml_reader.py::test_quoted_scalars_are_texts",
    ),
}


def resolved(node: str) -> object:
    """The test of this name. Raises what importing and looking it up raise."""
    path, *names = node.split("::")
    found: object = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    for name in names:
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_is_held_shut(trap: str) -> None:
    """Its tests are there and say what they prove; its exchanges are recorded and played to both sides."""
    nodes = [name for name in TRAPS[trap] if "::" in name]
    exchanges = set(TRAPS[trap]) - set(nodes)
    unplayed = {name for names in UNPLAYED.values() for name in names}
    assert all(inspect.getdoc(resolved(node)) for node in nodes)
    assert exchanges <= {f"{recording.dialect}/{recording.case}" for recording in load()} - unplayed


def imported(source: str) -> Iterator[str]:
    """Every module that a source file imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", sorted(EMULATOR.rglob("*.py")), ids=lambda path: path.stem)
def test_the_emulator_shares_no_code(path: Path) -> None:
    """A file of the emulator imports nothing of batchvid but the emulator."""
    ours = [name for name in imported(path.read_text("utf-8")) if name.split(".")[0] == "batchvid"]
    assert [name for name in ours if not name.startswith("batchvid.emulator")] == []
