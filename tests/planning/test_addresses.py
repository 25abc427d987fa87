"""Which addresses get a key, and that what is paid for is collected from any of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchvid.catalog import Provider, providers
from batchvid.catalog.hosts import is_private_host
from batchvid.domain.jobs import JobState
from batchvid.errors import ManifestError
from batchvid.net.credentials import Credentials
from batchvid.planning.addresses import check_encryption, describe_provider
from batchvid.runner.providers.startup import ProviderStartup
from batchvid.state.state_file import StateFile
from tests.builders import job_in


def gateway(base_url: str, **fields: object) -> Provider:
    """A provider of the user's own at that address."""
    row = {"dialect": "veo", "base_url": base_url, "api_key_env": "GW_KEY", **fields}
    return providers({"gw": row})["gw"]


@pytest.mark.parametrize(
    ("host", "is_private"),
    [
        ("localhost", True), ("api.localhost", True),
        ("nas.local", True), ("gw.corp.internal", True), ("gateway", True),
        ("10.0.0.7", True), ("192.168.1.5", True), ("169.254.1.1", True), ("100.64.0.9", True), ("[::1]", True),
        ("fe80::1%eth0", True), ("fd00::7", True), ("api.example.com", False), ("8.8.8.8", False), ("127.1", False),
        ("2130706433", False), ("2606:4700::1111", False),
        ("internal.example.com", False), ("localhost.evil.com", False),
    ],
)  # fmt: skip
def test_a_host_is_private_by_its_name_alone(host: str, is_private: bool) -> None:
    """No name is looked up: where it leads today says nothing about tomorrow."""
    assert is_private_host(host) is is_private


@pytest.mark.parametrize(
    ("base_url", "allow_http", "is_fine"),
    [
        ("http://gw.example.com", False, False),
        ("http://gw.example.com", True, True),
        ("https://gw.example.com", False, True),
        ("http://192.168.1.5:4000", False, True),
    ],
)
def test_an_http_address_of_a_public_host_is_refused(base_url: str, allow_http: bool, is_fine: bool) -> None:
    """Unless the user allows it for this provider."""
    provider = gateway(base_url, allow_http=allow_http)
    assert (provider.http_problem == "") is is_fine
    if is_fine:
        assert check_encryption([provider], [], "m.yaml") == ()
    else:
        with pytest.raises(ManifestError, match=r"m\.yaml: providers\.gw: base_url: .*allow_http: true"):
            check_encryption([provider], [], "m.yaml")


def test_a_public_proxy_must_not_see_a_key() -> None:
    """It sees what is sent to an http:// address, however private that is; a tunnel shows it nothing."""
    proxy = {"proxy": "http://proxy.example.com:3128"}
    assert "http://proxy.example.com:3128 is a public host" in gateway("http://10.0.0.7", **proxy).http_problem
    assert gateway("https://gw.example.com", **proxy).http_problem == ""
    assert gateway("http://10.0.0.7", proxy="http://10.0.0.8:3128").http_problem == ""
    assert gateway("http://10.0.0.7", allow_http=True, **proxy).http_problem == ""


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.READY, JobState.UNCERTAIN])
async def test_tasks_of_an_earlier_run_are_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: JobState
) -> None:
    """The plan is no error then: the run buys nothing there and still polls and downloads."""
    provider = gateway("http://gw.example.com")
    (line,) = check_encryption([provider], [job_in(state, provider="gw")], "m.yaml")
    assert line.endswith("allow_http: true. Nothing is bought there")
    monkeypatch.setenv("GW_KEY", "gw-key-0123456789")
    with StateFile(tmp_path / "state.sqlite3") as file:
        async with ProviderStartup(file, tmp_path, {"gw": provider}, Credentials()) as startup:
            (opened,) = await startup.open(["gw"])
            assert "allow_http: true" in opened.stop_reason
            assert not opened.polling_stopped


@pytest.mark.parametrize(
    ("base_url", "shown"),
    [
        ("http://127.0.0.1:8000", "gw: http://127.0.0.1:8000, no key"),
        (
            "https://gw.example.com",
            "gw: https://gw.example.com, no key: nothing is sent to this public host that shows",
        ),
        ("http://gw.example.com", "and the network can read prompts and clips"),
    ],
)
def test_a_provider_without_a_key_is_described(base_url: str, shown: str) -> None:
    """For a public host that is worth a note; nothing is refused."""
    provider = gateway(base_url, api_key_env=None)
    assert shown in describe_provider(provider)
    assert check_encryption([provider], [], "m.yaml") == ()


def test_a_provider_is_described_without_a_password() -> None:
    """Host and variable, as plan shows them."""
    assert describe_provider(gateway("https://gw.example.com/api")) == "gw: https://gw.example.com, key in GW_KEY"


def test_the_variables_of_a_key_are_named() -> None:
    """Whatever the key is made of; a secret is not read for that."""
    jwt = {"type": "jwt", "access_env": "ACCESS", "secret_env": "SECRET"}
    shown = [
        describe_provider(gateway("https://gw.example.com", **fields)).partition(", ")[2]
        for fields in ({}, {"api_key_env": None, "auth": jwt}, {"api_key_env": None, "auth": {"type": "google"}})
    ]
    assert shown == ["key in GW_KEY", "key in ACCESS and SECRET", "Google's application default credentials"]
