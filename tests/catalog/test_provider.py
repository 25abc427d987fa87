"""Providers: limits lie over the built-in ones, an own one is three words, the emulator is started by the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from batchvid.catalog import DEFAULT_PROVIDER, POLL_EVERY_S, REFRESH_S, built_in, providers
from batchvid.catalog.model_policies import charged_on_failure, find_poll_interval
from batchvid.dialects import DIALECTS
from batchvid.domain.failures import Charged
from batchvid.domain.poll_interval import PollInterval
from batchvid.errors import UsageError
from tests.builders import sold

OWN: Mapping[str, Any] = {"dialect": "openai-videos", "base_url": "https://gw.example.com/", "api_key_env": "GW_KEY"}


def test_what_the_default_provider_sells() -> None:
    """A manifest that names no provider can ask for any model that CometAPI has a documented route for."""
    sold = set(providers({})[DEFAULT_PROVIDER].routes)
    assert {"veo", "openai-videos", "seedance", "videos", "kling", "runway", "xai"} == sold <= set(DIALECTS)


def test_how_often_a_task_is_asked_after() -> None:
    """The provider's own word, else the model's, else the usual one: also for a model that is no longer listed."""
    cometapi = providers({})[DEFAULT_PROVIDER]
    own = providers({DEFAULT_PROVIDER: {"poll_every_s": 0.5}})[DEFAULT_PROVIDER]
    for name, model in sold().rows.items():
        assert find_poll_interval(cometapi, name) == PollInterval(model.poll_every_s, model.refresh_s)
        assert find_poll_interval(own, name) == PollInterval(0.5, 0.5)
    for gone in ("veo-1-preview", "kling/kling-v9", ""):
        assert find_poll_interval(cometapi, gone) == PollInterval(POLL_EVERY_S, REFRESH_S)
        assert find_poll_interval(own, gone) == PollInterval(0.5, 0.5)


def test_nobody_is_asked_sooner_than_the_vendor_looks_itself() -> None:
    """The gateway renews its own view every 15 s, Runway wants 5 s between two questions about a task."""
    assert {m.refresh_s for m in built_in().rows.values() if m.dialect == "gateway"} == {15}
    assert {m.refresh_s for m in built_in().rows.values() if m.dialect == "runway"} == {5}


def test_what_is_known_of_failed_tasks() -> None:
    """The model's own fact; of one that nobody knows any more, or that nobody has asked about, it is unknown."""
    known = providers({"office": {"dialect": "gateway", "base_url": "https://gw.example", "api_key_env": "GW"}})
    assert charged_on_failure(known["office"], "gateway/veo3.1") is Charged.NO
    assert charged_on_failure(known[DEFAULT_PROVIDER], "veo3-fast") is Charged.UNKNOWN
    assert charged_on_failure(known["office"], "a model of last year") is Charged.UNKNOWN


def test_limits_of_a_manifest_lie_over_the_built_in_ones() -> None:
    """What is said replaces, what is not said stays, and nothing is kept for the next manifest."""
    before = providers({})
    after = providers({"cometapi": {"concurrency": 2, "submits_per_min": None, "model_concurrency": {"sora-2": 1}}})
    assert (after["cometapi"].concurrency, after["cometapi"].model_concurrency) == (2, {"sora-2": 1})
    assert after["cometapi"].submits_per_min == before["cometapi"].submits_per_min
    assert after["cometapi"].routes == before["cometapi"].routes
    assert after["emulator"] == before["emulator"]
    assert before == providers({})


def test_a_provider_of_ones_own() -> None:
    """A gateway is three words: its format, where it is, and the name of its key; a prefix where it needs one."""
    found = providers({"office": OWN, "second": {**OWN, "prefix": "/video"}})
    assert (found["office"].base_url, found["office"].routes) == ("https://gw.example.com", {"openai-videos": ""})
    assert found["second"].routes == {"openai-videos": "/video"}
    assert (found["office"].name, found["office"].api_key_env, found["office"].free) == ("office", "GW_KEY", False)


@pytest.mark.parametrize("missing", ["dialect", "base_url"])
def test_a_provider_that_is_not_whole_is_refused(missing: str) -> None:
    """The message names the provider and what it still needs."""
    said = {name: value for name, value in OWN.items() if name != missing}
    with pytest.raises(UsageError, match=rf"office.*a provider of your own needs {missing} too"):
        providers({"office": said})


def test_a_server_of_ones_own_may_need_no_key() -> None:
    """Then no variable is named, and nothing is said about a key over http://: there is none."""
    row = {"dialect": "openai-videos", "base_url": "http://gw.example.com"}
    assert providers({"office": row})["office"].api_key_env == ""
    assert providers({"office": row})["office"].http_problem == ""
    assert "unencrypted" in providers({"office": {**row, "api_key_env": "GW_KEY"}})["office"].http_problem


@pytest.mark.parametrize(
    ("dialect", "written", "base_url"),
    [
        ("openai-videos", "https://gw.example.com/v1", "https://gw.example.com"),
        ("openai-videos", "https://gw.example.com/v1/", "https://gw.example.com"),
        ("gateway", "https://gw.example.com/v1/videos/", "https://gw.example.com"),
        ("openai-videos", "https://openrouter.ai/api/v1", "https://openrouter.ai/api"),
        ("openai-videos", "http://[::1]:8000/v1", "http://[::1]:8000"),
        ("newapi", "https://gw.example.com/v1/video/generations", "https://gw.example.com"),
        ("newapi", "https://gw.example.com/v1/videos", "https://gw.example.com/v1/videos"),  # no path of this dialect
        ("kling", "https://gw.example.com/kling/v1/videos/text2video", "https://gw.example.com/kling"),
        ("runway", "https://gw.example.com/v1", "https://gw.example.com"),
        ("xai", "https://gw.example.com/grok/v1/videos", "https://gw.example.com/grok"),
        ("openai-videos", "https://gw.example.com/v1/account/name", "https://gw.example.com/v1/account/name"),
        ("openai-videos", "https://gw.example.com/my-v1", "https://gw.example.com/my-v1"),
    ],
)
def test_an_address_may_end_with_the_path_of_the_api(dialect: str, written: str, base_url: str) -> None:
    """What every path of the dialect begins with counts once; any other path stays before it, like a prefix."""
    row = {"dialect": dialect, "base_url": written}
    assert providers({"office": row})["office"].base_url == base_url
    assert providers({"office": {**row, "base_url": "http://a", "prefix": "/x/v1"}})["office"].routes == {dialect: "/x"}


def test_a_built_in_provider_may_be_reached_by_such_an_address_too() -> None:
    """A relay of CometAPI's routes: each keeps its own prefix."""
    moved = providers({"cometapi": {"base_url": "http://127.0.0.1:9/v1"}})["cometapi"]
    assert moved.base_url == "http://127.0.0.1:9"
    assert moved.routes == providers({})["cometapi"].routes


def test_the_address_of_a_vendors_sdk_may_end_with_the_prefix_of_the_row() -> None:
    """The Ark SDK takes `https://.../api/v3`, which the row of BytePlus has as the prefix of its route."""
    moved = providers({"byteplus": {"base_url": "http://127.0.0.1:9/api/v3/"}})["byteplus"]
    assert (moved.base_url, moved.routes) == ("http://127.0.0.1:9", {"ark": "/api/v3"})
    moved = providers({"luma": {"base_url": "http://127.0.0.1:9/dream-machine/v1"}})["luma"]
    assert moved.base_url + moved.routes["luma"] == "http://127.0.0.1:9/dream-machine/v1"


def test_a_prefix_without_a_dialect_is_that_of_the_only_route() -> None:
    """A relay of Ark has its own prefix. A provider with several wire formats cannot know which one is meant."""
    relay = {"base_url": "http://127.0.0.1:9", "prefix": "/seedance/api/v3"}
    assert providers({"byteplus": relay})["byteplus"].routes == {"ark": "/seedance/api/v3"}
    with pytest.raises(
        UsageError, match=r"^cometapi speaks .*: write dialect beside prefix, to name the one you mean$"
    ):
        providers({"cometapi": {"prefix": "/relay"}})


@pytest.mark.parametrize(
    ("field", "value"),
    [("concurrency", "many"), ("conurrency", 3), ("polls_per_s", [5]), ("on_lost_submit", "pray")],
)
def test_a_word_that_cannot_be_is_told(field: str, value: object) -> None:
    """A wrong value or an unknown field is a UsageError naming provider and field, and quotes no value."""
    with pytest.raises(UsageError, match=rf"provider cometapi: {field}: ") as raised:
        providers({"cometapi": {field: value}})
    assert str(value) not in str(raised.value)


def test_an_unknown_format_is_refused() -> None:
    """The message lists those there are."""
    with pytest.raises(UsageError, match=f"unknown dialect 'smtp'; there are {', '.join(DIALECTS)}"):
        providers({"office": {**OWN, "dialect": "smtp"}})


def test_the_emulator_is_started_by_the_run_unless_it_is_somewhere() -> None:
    """Only the emulator is embedded, and only without an address; it charges nothing and needs no key."""
    built_in = providers({})
    assert [name for name, provider in built_in.items() if provider.is_embedded] == ["emulator"]
    assert built_in["emulator"].free
    assert built_in["emulator"].api_key_env == ""
    assert not providers({"emulator": {"base_url": "http://127.0.0.1:8080"}})["emulator"].is_embedded


def test_the_account_of_another_server_is_not_the_built_in_one() -> None:
    """A built-in token or address is not sent where the user moves the provider; one of the user's own is."""
    moved = providers(
        {"cometapi": {"base_url": "https://gw.example.org"}, "fal": {"base_url": "https://q.example.org"}}
    )
    assert moved["cometapi"].account is None
    assert moved["fal"].account_url == "https://q.example.org"
    rehearsal = providers({"cometapi": {"base_url": "http://127.0.0.1:9"}})["cometapi"]
    assert rehearsal.account is not None
    assert (rehearsal.account.token_env, rehearsal.account_url) == ("COMETAPI_ACCESS_TOKEN", "http://127.0.0.1:9")
    mine = {"api": "new-api", "token_env": "MINE"}
    own = providers({"cometapi": {"base_url": "https://gw.example.org", "account": mine}})["cometapi"]
    assert own.account is not None
    assert own.account.token_env == "MINE"
    assert providers({})["fal"].account_url == "https://api.fal.ai"
    public = providers({"cometapi": {"account": {**mine, "url": "http://acc.example.org"}}})["cometapi"]
    assert "http://acc.example.org is a public host" in public.http_problem


@pytest.mark.parametrize(
    ("account", "why"),
    [
        ({"api": "new-api"}, "needs token_env"),
        ({"url": "ftp://a.example.org"}, "must be an address"),
        ({"url": "https://user:word@a.example.org"}, "must be an address"),
    ],
)
def test_a_wrong_account_is_refused(account: dict[str, str], why: str) -> None:
    """Before anything is bought."""
    with pytest.raises(UsageError, match=why):
        providers({"cometapi": {"account": account}})
    with pytest.raises(UsageError, match="lookup: account needs account"):
        providers({"cometapi": {"base_url": "https://gw.example.org", "lookup": "account"}})


def test_units_have_no_worth_at_somebody_elses_server() -> None:
    """A relay counts in units of its own. A proxy of the user's, and the vendor's other address, bill Kling's."""
    worth = providers({})["kling"].unit_usd
    assert worth
    for address, found in (
        ("https://relay.example.com", {}),
        ("http://127.0.0.1:8080", worth),
        ("https://api-cn.klingai.com", worth),
    ):
        assert providers({"kling": {"base_url": address}})["kling"].unit_usd == found
