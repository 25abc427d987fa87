"""What can be bought where: the user's own files lie over the catalogue, and a manifest over both."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchvid import manifest
from batchvid.catalog import built_in, remote_listing
from batchvid.catalog.remote_listing import Listing
from batchvid.errors import UsageError
from batchvid.planning.availability import Availability
from tests.builders import sold, spec

OWN = """
[models.veo3-fast]
price = { as_of = "2026-11", source = "our contract", tiers = [{ usd_per_s = 0.01 }] }

[models.house-model]
dialect = "openai-videos"
durations_s = "4-12"
default_duration_s = 6

[providers.office]
dialect = "openai-videos"
base_url = "https://gw.example.com"
api_key_env = "GW_KEY"
concurrency = 2
"""


def test_a_file_beside_the_manifest_lies_over_the_catalogue(tmp_path: Path) -> None:
    """Models and providers of one's own, without a word of Python; what is not said stays."""
    (tmp_path / "batchvid.toml").write_text(OWN)
    market = Availability(tmp_path)
    assert sold(market.models).find("veo3-fast").price_of(8).basis == "estimate: our contract, 2026-11"
    assert sold(market.models).find("house-model").durations_s == tuple(range(4, 13))
    assert sold(market.models).find("kling-v2-6") == sold().find("kling-v2-6")
    assert market.job_problem(spec(model="house-model", provider="office"), ()) is None
    assert "house-model" not in built_in().rows


def test_a_manifest_lies_over_the_users_file(tmp_path: Path) -> None:
    """A limit in the manifest counts, the rest of the provider stays as the file has it."""
    (tmp_path / "batchvid.toml").write_text(OWN)
    market = Availability(tmp_path)
    said = manifest.Provider.model_validate({"submits_per_min": 3, "models": {"house-model": {"concurrency": 1}}})
    assert market.register_provider("office", said) == ""
    office = market.providers["office"]
    assert (office.concurrency, office.submits_per_min, office.base_url) == (2, 3, "https://gw.example.com")
    assert office.model_concurrency == {"house-model": 1}


def test_a_file_may_set_the_limits_of_calls(tmp_path: Path) -> None:
    """Those that no manifest needs, as docs/reference/catalogue.md lists them."""
    (tmp_path / "batchvid.toml").write_text("[providers.cometapi]\ntotal_timeout_s = 30\nsubmit_total_timeout_s = 60\n")
    row = Availability(tmp_path).providers["cometapi"]
    assert (row.total_timeout_s, row.submit_total_timeout_s) == (30, 60)


def test_the_environment_names_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BATCHVID_CATALOG counts for every folder; the folder's own file lies over it."""
    everywhere = tmp_path / "ours.toml"
    everywhere.write_text(OWN)
    monkeypatch.setenv("BATCHVID_CATALOG", str(everywhere))
    folder = tmp_path / "kites"
    folder.mkdir()
    (folder / "batchvid.toml").write_text("[models.house-model]\ndefault_duration_s = 9\n")
    model = sold(Availability(folder).models).find("house-model")
    assert (model.default_duration_s, model.durations_s[0]) == (9, 4)
    everywhere.unlink()
    with pytest.raises(UsageError, match=r"ours\.toml: No such file"):
        Availability(folder)


def test_a_fetched_list_lies_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its prices count over the built-in ones, and the user's own over both."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rows = tuple({"id": name, "pricing": {"per_second": "0.7"}} for name in ("veo3-fast", "veo3.1"))
    remote_listing.save(Listing(fetched_on="2026-11-01", source="the list", models=rows), remote_listing.cache_file())
    (tmp_path / "batchvid.toml").write_text(OWN)
    models = sold(Availability(tmp_path).models)
    assert models.find("veo3.1").price_of(8).basis == "estimate: the list, 2026-11-01"
    assert models.find("veo3-fast").price_of(8).basis == "estimate: our contract, 2026-11"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[models", "batchvid.toml: "),
        (
            "[model.x]\n",
            r"batchvid.toml: model: unknown key; did you mean models\? Allowed: out, models, providers",
        ),
        ("output = 3\n", r"batchvid.toml: output: unknown key; did you mean out\? Allowed: out, models, providers"),
        ("out = 3\n", "batchvid.toml: out: must be the name of a folder"),
        ('out = " "\n', "batchvid.toml: out: must be the name of a folder"),
        ("models = 3\n", r"batchvid.toml: models: must have a table for each name, such as \[models.NAME\]"),
        ("[models.x]\ncolour = 1\n", "batchvid.toml: model x: is not built in, and needs a dialect"),
        ('[models.x]\ndialect = "veo"\ncolour = 1\n', "batchvid.toml: model x: colour"),
        ('[providers.x]\ncolour = "red"\n', "batchvid.toml: providers.x: colour"),
        ("[providers.cometapi]\ntotal_timeout_s = inf\n", "batchvid.toml: providers.cometapi: total_timeout_s"),
        ('[models.x]\ndialect = "veo"\ndurations_s = "4-99999999999"\n', "durations_s: .*must be whole seconds from 1"),
        ('[models.x]\ndialect = "veo"\ndurations_s = "8-4"\n', "durations_s: .*must be whole seconds from 1"),
        ('[models.x]\ndialect = "veo"\ndurations_s = "nan"\n', "durations_s: .*must be whole seconds from 1"),
        ('[models.x]\ndialect = "veo"\ndurations_s = [4, inf]\n', "durations_s"),
        ('[models.x]\ndialect = "veo"\ndurations_s = [4, 1e400]\n', "durations_s"),
        ('[models.x]\ndialect = "veo"\ndefault_duration_s = nan\n', "default_duration_s"),
        ('[providers.x]\napi_key_env = "sk-0123456789abcdef0123"\n', "must be the NAME of an environment variable"),
        (
            '[providers.x]\nauth = {type = "jwt", access_env = "A", secret_env = "sk-0123456789abcdef0123"}\n',
            "providers.x: auth.secret_env: must be the NAME of an environment variable",
        ),
        ("[providers.x]\nauth = {colour = 1}\n", "providers.x: auth.colour"),
        ('[providers.x]\nproxy = "http://u:sk-0123@p"\n', "providers.x: proxy: .* write proxy_env: ITS_NAME"),
        ('[providers.x]\nproxy = "socks5://p:1"\n', "proxy: must be the address of an HTTP proxy"),
    ],
)
def test_a_file_that_does_not_fit_is_told(tmp_path: Path, text: str, said: str) -> None:
    """Which file, which row, what is wrong; a key in it is refused without being shown."""
    (tmp_path / "batchvid.toml").write_text(text)
    with pytest.raises(UsageError, match=said) as raised:
        Availability(tmp_path)
    assert "sk-0123" not in str(raised.value)


def test_a_ca_file_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    """From the user's file and from the manifest, wherever the command is started."""
    (tmp_path / "batchvid.toml").write_text(OWN + 'ca_file = "certs/ca.pem"\nauth = {header = "x-key"}\n')
    market = Availability(tmp_path)
    office = market.providers["office"]
    assert (office.ca_file, office.auth.header, office.auth.word) == (str(tmp_path / "certs/ca.pem"), "x-key", "")
    said = manifest.Provider.model_validate({"ca_file": "mine.pem", "auth": {"type": "google"}})
    assert market.register_provider("office", said) == ""
    office = market.providers["office"]
    assert (office.ca_file, office.auth.type, office.api_key_env) == (str(tmp_path / "mine.pem"), "google", "")


def test_a_bad_provider_of_ones_own_says_nothing_of_models(tmp_path: Path) -> None:
    """Its model may be an own id: only the provider's own mistake is reported."""
    market = Availability(tmp_path)
    said = manifest.Provider.model_validate({"base_url": "http://127.0.0.1:9", "dialect": "openai-vids"})
    assert market.register_provider("office", said).startswith(
        "unknown dialect 'openai-vids'; did you mean openai-videos?"
    )
    assert market.job_problem(spec(model="Wan-AI/x", provider="office"), ["office"]) is None


def test_a_model_of_another_wire_format_gets_a_way_out(tmp_path: Path) -> None:
    """At a provider of one's own: the name may be its own id, which is written with the wire format."""
    market = Availability(tmp_path)
    said = manifest.Provider.model_validate({"base_url": "http://127.0.0.1:9/v1", "dialect": "openai-videos"})
    assert market.register_provider("office", said) == ""
    problem = market.job_problem(spec(model="veo3.1", provider="office"), ())
    assert problem is not None
    assert problem.text.endswith("write model: openai-videos/veo3.1")
    assert market.job_problem(spec(model="openai-videos/veo3.1", provider="office"), ()) is None
    misspelled = market.job_problem(spec(model="veo3fast", provider="cometapi"), ())
    assert misspelled is not None
    assert "did you mean veo3-fast or veo3.1-fast" in misspelled.text
