"""A key is found in every encoding in which a vendor may echo it, and nothing else is changed."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchvid.known_keys import KnownKeys
from batchvid.redaction import hide_all, hide_secrets, may_hold_secrets, secret_option
from tests.key_encodings import ENCODINGS, INVISIBLE, core

KEYS = st.text(string.ascii_letters + string.digits + "-_.", min_size=14, max_size=80)


@pytest.mark.parametrize("encoding", ENCODINGS)
@example(key="00000000000001", before="%", after="")
@given(key=KEYS, before=st.text(max_size=10), after=st.text(max_size=10))
def test_no_encoding_of_a_key_survives(encoding: str, key: str, before: str, after: str) -> None:
    """Whatever stands around it."""
    keys = KnownKeys()
    keys.add(key)
    encoded = ENCODINGS[encoding](key)
    hidden = keys.hide(f"{before} {encoded} {after}")
    assert "***" in hidden
    assert core(encoded) not in hidden.lower()


@given(key=KEYS, between=st.sampled_from(INVISIBLE), step=st.integers(1, 5))
def test_a_key_that_is_split_by_invisible_characters(key: str, between: str, step: int) -> None:
    """Without those characters it would stand there whole."""
    keys = KnownKeys()
    keys.add(key)
    parts = [key[at : at + step] for at in range(0, len(key), step)]
    assert keys.hide(f"<{between.join(parts)}>") == "<***>"
    assert keys.hide(f"<{'%E2%80%8B'.join(parts)}>") == "<***>"


@given(key=KEYS, text=st.text(max_size=200))
def test_other_text_is_not_changed(key: str, text: str) -> None:
    """A text that does not hold the key is returned as it is."""
    keys = KnownKeys()
    keys.add(key)
    if "***" not in (hidden := keys.hide(text)):
        assert hidden == text


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("key sk-1234 is wrong", "key *** is wrong"),
        ("task-sk-12345 and Xsk-1234", "task-sk-12345 and Xsk-1234"),
        ("sk-1234", "***"),
    ],
)
def test_a_short_key_is_hidden_as_a_word(said: str, hidden: str) -> None:
    """LiteLLM's first key is sk-1234; it may be a part of an id by chance."""
    keys = KnownKeys()
    keys.add("sk-1234")
    assert keys.hide(said) == hidden


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("Authorization: Bearer abcdefgh1234", "Authorization: Bearer ***"),
        ("authorization: Basic dXNlcjpwdzEyMw==", "authorization: Basic ***"),
        ('{"x-api-key": "abc123def"}', '{"x-api-key": "***"}'),
        ("https://user:pw@host.example/a", "https://***@host.example/a"),
        (r"https:\/\/user:pw@host.example\/a", r"https:\/\/***@host.example\/a"),
        ("/clip.mp4?X-Amz-Signature=abc123&x=1", "/clip.mp4?X-Amz-Signature=***&x=1"),
        ("s3://b/clip.mp4?Expires=17&Signature=a%2Fb&Key-Pair-Id=APKA1", "s3://b/clip.mp4?Expires=17&Signature=***&Key-Pair-Id=***"),
        ("https%3A%2F%2Fcdn.example%2Fa%3Fsig%3Dabcdef%26x", "https%3A%2F%2Fcdn.example%2Fa%3Fsig%3D***"),
        ("access_token=abcd1234&next=2", "access_token=***&next=2"),
        ("a flag bearer marching through town", "a flag bearer marching through town"),
        ("total_tokens: 1234567", "total_tokens: 1234567"),
        ("mail me@example.com: password: please choose one", "mail me@example.com: password: please choose one"),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret(said: str, hidden: str) -> None:
    """Headers, passwords in addresses and signatures are hidden without being known; words of a prompt stay."""
    assert may_hold_secrets(said) or said == hidden
    assert hide_secrets(said) == hidden
    assert hide_all({"a": [said], "b": 1}) == {"a": [hidden], "b": 1}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"api_key": "x"}, "api_key"),
        ({"headers": [{"a": 1}, {"Authorization": "x"}]}, "headers.1.Authorization"),
        ({"hook": {"clientSecret": "x"}}, "hook.clientSecret"),
        ({"x-api-key": "x", "a": 1}, "x-api-key"),
        ({"max_tokens": 5, "cache_key": "a", "token": 7, "keyframes": "a", "page_token": "b"}, ""),
    ],
)
def test_an_option_that_is_named_like_a_credential(options: dict[str, object], found: str) -> None:
    """It is found at any depth and in any spelling; a number is none."""
    assert secret_option(options) == found


def test_a_search_is_cheap() -> None:
    """An event's text costs microseconds: a thousand of them less than 50 ms, also on a busy machine."""
    keys = KnownKeys()
    keys.add("sk-live-0123456789abcdefghij")
    text = '{"task_id":"video_6923a1b2c3d4","model":"veo3-fast","origin":"https://api.example.com"}' * 3
    start = time.process_time()
    for _ in range(1000):
        keys.hide(text)
    assert time.process_time() - start < 0.05
