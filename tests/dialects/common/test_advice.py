"""What the user can do about a refusal, and whose words in a message are the user's own."""

from __future__ import annotations

import pytest

from batchvid.dialects.common.advice import with_advice
from batchvid.dialects.common.user_words import own_ids, own_texts
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import ImageInput, Parent, Rejected, Uncertain
from tests.builders import generation, with_fields

URL = "https://gw.example/v1/videos"
PICTURE = ImageInput(role="first", filename="a.png", media_type="image/png", data=b"x" * 200_000)


@pytest.mark.parametrize(
    ("kind", "status", "code", "said"),
    [
        (FailureKind.AUTH, 401, "", "batchvid doctor"),
        (FailureKind.BALANCE, 402, "", "add credit"),
        (FailureKind.INVALID, 404, "", f"the call went to {URL}"),
        (FailureKind.INVALID, 413, "", "a.png (0.2 MB)"),
        (FailureKind.INVALID, 200, "422", "the vendor names"),
        (FailureKind.INVALID, 200, "7", ""),
        (FailureKind.INVALID, 400, "", ""),
        (FailureKind.RATE, 429, "", ""),
    ],
)
def test_the_advice_of_a_refusal(kind: FailureKind, status: int, code: str, said: str) -> None:
    """By its kind, or by its status: also one inside a 200."""
    sent = with_fields(generation(), images=(PICTURE,))
    read = with_advice(Rejected(kind=kind, message="no", code=code, http_status=status), sent, URL)
    assert isinstance(read, Rejected)
    assert read.message == "no" if not said else said in read.message


def test_no_advice_for_what_is_no_verdict_or_concerns_the_provider() -> None:
    """An uncertain submit is not to be repeated."""
    lost = Uncertain(message="cut off")
    assert with_advice(lost, generation(), URL) is lost
    blocked = Rejected(kind=FailureKind.INVALID, message="no", http_status=404, provider_wide=True)
    assert with_advice(blocked, generation(), URL) is blocked


def test_texts_and_ids_of_a_request_stand_in_its_options_too() -> None:
    """However deep: a vendor that repeats them says nothing by them."""
    options = {"content": [{"text": "inner words", "n": 3}, ("a", None)], "task": {"id": "t-9"}}
    parent = Parent(task_id="p-1", vendor_metadata={"video_id": "v-1"})
    sent = with_fields(generation(), prompt="a kite", negative_prompt="rain", options=options, parent=parent)
    assert {"a kite", "rain", "inner words", "a", "t-9"} <= set(own_texts(sent))
    assert {"p-1", "v-1", "t-9"} <= set(own_ids(sent))
    assert own_texts(None) == own_ids(None) == ()
