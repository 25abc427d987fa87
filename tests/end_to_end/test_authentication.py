"""Runs at providers that authenticate in another way: the clip is stored, and no file holds the token."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchvid.emulator import Settings
from tests.end_to_end.conftest import Bench

CLIP = "  - {id: kite, prompt: a kite, provider: own, model: kling-v2-6, duration_s: 5}"
TOKEN = b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"  # how every one of these tokens begins


@pytest.fixture
def settings() -> Settings:
    """A vendor that takes any key, in its place."""
    return Settings(life="polls:1", render="shared")


def write(bench: Bench, auth: str) -> None:
    """A batch with one clip at a provider with that line."""
    bench.manifest.write_text(
        f"providers:\n  own: {{dialect: kling, prefix: /kling, base_url: '{bench.emulator.base_url}', {auth},\n"
        f"    send_key_to_own_links: false, poll_every_s: 0.02, polls_per_s: 1000}}\n"
        f"budget: {{allow_unpriced: true}}\nclips:\n{CLIP}\n",
        "utf-8",
    )


def holding(folder: Path, text: bytes) -> list[str]:
    """The files below a folder that hold a text."""
    return [file.name for file in folder.rglob("*") if file.is_file() and text in file.read_bytes()]


def test_a_run_with_a_signed_token(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Submit, poll and download; neither the pair of keys nor the token is written anywhere."""
    monkeypatch.setenv("PAIR_ACCESS", "an-access-key-1")
    monkeypatch.setenv("PAIR_SECRET", "a-secret-key-12")
    write(bench, "auth: {type: jwt, access_env: PAIR_ACCESS, secret_env: PAIR_SECRET}")
    ended = bench.run("--verbose")
    assert ended.code == 0, ended.err
    assert [row["state"] for row in bench.rows()] == ["succeeded"]
    for secret in (TOKEN, b"an-access-key-1", b"a-secret-key-12"):
        assert secret not in (ended.out + ended.err).encode()
        assert holding(bench.batch, secret) == []


def test_a_key_in_the_wrong_place_buys_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider is stopped, and the message says what to check; with the right word the clip is bought."""
    monkeypatch.setenv("OWN_KEY", "sk-a-key-of-this-test")
    write(bench, "api_key_env: OWN_KEY, auth: {scheme: Key}")
    ended = bench.run()
    assert ended.code != 0
    assert "check the provider's key (api_key_env, or auth)" in ended.out + ended.err
    assert bench.emulator.ledger()["purchases"] == 0
    write(bench, "api_key_env: OWN_KEY, auth: {scheme: Bearer}")
    assert bench.run().code == 0
