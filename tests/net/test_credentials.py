"""Keys: the environment before the working folder before the manifest's, and never shown."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from batchvid.catalog import providers
from batchvid.errors import UsageError
from batchvid.net.access import Access
from batchvid.net.credentials import Credentials

COMET = providers({})["cometapi"]
VALUE = "sk-abc-0123456789"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest's folder, while the test works in another one and the environment knows no key."""
    (tmp_path / "here").mkdir()
    (tmp_path / "manifests").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("COMETAPI_KEY", raising=False)
    return tmp_path / "manifests"


def write(folder: Path, value: str) -> None:
    """A `.env` file that sets the key."""
    (folder / ".env").write_text(f"# ours\nCOMETAPI_KEY={value}\nOTHER=x\n", "utf-8")


def key_of(access: Access) -> str:
    """The key that a call would carry; empty without one."""
    return asyncio.run(sent(access)).get("Authorization", "").removeprefix("Bearer ")


async def sent(access: Access) -> Mapping[str, str]:
    """The headers of a call."""
    return await access.headers()


def found(folder: Path | None) -> str:
    """The key in the clear."""
    return key_of(Credentials(folder).of(COMET))


def test_the_nearer_place_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest's `.env` is used, the working folder's lies over it, the environment over both."""
    write(folder, "of-the-manifest")
    assert found(folder) == "of-the-manifest"
    write(Path.cwd(), "of-the-folder")
    assert found(folder) == "of-the-folder"
    monkeypatch.setenv("COMETAPI_KEY", "of-the-environment")
    assert found(folder) == "of-the-environment"


def test_an_empty_variable_hides_no_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler that passes the variable on without a value does not take away what the `.env` file says."""
    write(folder, VALUE)
    monkeypatch.setenv("COMETAPI_KEY", "")
    assert found(folder) == VALUE


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_an_env_file_with_a_mark_is_read(folder: Path, encoding: str) -> None:
    """PowerShell writes UTF-16, some editors put a byte order mark before UTF-8."""
    (folder / ".env").write_bytes(f"COMETAPI_KEY={VALUE}\n".encode(encoding))
    assert found(folder) == VALUE


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"COMETAPI_KEY=\xff\xfe\xfa\n", ".env cannot be read: it is not UTF-8"),
        (f'OTHER=1\nCOMETAPI_KEY="{VALUE}\n'.encode(), ".env:2: this line cannot be read"),
        (f"COMETAPI_KEY {VALUE}=\n".encode(), ".env:1: this line cannot be read"),
    ],
)
def test_a_damaged_env_file_is_named(folder: Path, content: bytes, problem: str) -> None:
    """By its path and line, without what it holds."""
    (folder / ".env").write_bytes(content)
    with pytest.raises(UsageError) as raised:
        found(folder)
    assert problem in str(raised.value)
    assert VALUE not in str(raised.value)


def test_the_other_lines_of_a_damaged_env_file_count(folder: Path) -> None:
    """One wrong line does not take the key away; it is named all the same."""
    (folder / ".env").write_text(f"this is no line\nCOMETAPI_KEY={VALUE}\n", "utf-8")
    keys = Credentials(folder)
    assert key_of(keys.of(COMET)) == VALUE
    assert keys.problems == [f"{folder / '.env'}:1: this line cannot be read; write NAME=value"]


def test_a_folder_named_env_is_no_file_of_keys(folder: Path) -> None:
    """A virtual environment may have that name."""
    (folder / ".env").mkdir()
    assert Credentials(folder).problems == []


def test_without_a_manifest_its_folder_is_not_looked_at(folder: Path) -> None:
    """Collecting by the state file alone uses the working folder and the environment."""
    write(folder, "of-the-manifest")
    with pytest.raises(UsageError):
        found(None)
    write(Path.cwd(), "of-the-folder")
    assert found(None) == "of-the-folder"


@pytest.mark.parametrize("value", [None, "", "   "])
def test_a_missing_key_is_asked_for_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """The message names the provider and the variable; an empty one is a missing one."""
    if value is not None:
        monkeypatch.setenv("COMETAPI_KEY", value)
    with pytest.raises(UsageError, match="provider cometapi needs a key: set COMETAPI_KEY") as raised:
        found(folder)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("value", [f"{VALUE} {VALUE}", f"{VALUE}\n{VALUE}", f"“{VALUE}”", f"{VALUE}\u200b"])
def test_a_key_that_was_pasted_wrongly_is_not_shown(folder: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Blanks inside or typographic quotes are a mistake in pasting: told by the variable, without the value."""
    monkeypatch.setenv("COMETAPI_KEY", value)
    with pytest.raises(UsageError, match="COMETAPI_KEY contains blanks or other characters") as raised:
        found(folder)
    assert VALUE not in str(raised.value)


def test_blanks_around_a_key_are_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line break at the end of a pasted key is forgiven."""
    monkeypatch.setenv("COMETAPI_KEY", f" {VALUE}\n")
    assert found(folder) == VALUE


def test_a_key_is_never_printed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the key nor the ring shows a value when it lands in a message or a traceback."""
    monkeypatch.setenv("COMETAPI_KEY", VALUE)
    keys = Credentials(folder)
    for shown in (repr(keys.of(COMET)), str(keys.of(COMET)), f"{keys.of(COMET)}", repr(keys), str(keys)):
        assert VALUE not in shown


def test_the_emulator_needs_none(folder: Path) -> None:
    """A provider without a variable has no key; the free one gets a word, for it wants some key."""
    keyless = providers({"lan": {"dialect": "veo", "base_url": "http://127.0.0.1:1", "api_key_env": ""}})["lan"]
    assert key_of(Credentials(folder).of(keyless)) == ""
    assert key_of(Credentials(folder).of(providers({})["emulator"])) == "emulator"


def test_only_the_providers_own_variable_is_read(folder: Path) -> None:
    """A key of another provider is not sent along by mistake."""
    write(folder, VALUE)
    other = providers({"office": {"dialect": "veo", "base_url": "http://127.0.0.1:1", "api_key_env": "GW_KEY"}})
    with pytest.raises(UsageError, match="GW_KEY"):
        Credentials(folder).of(other["office"])
