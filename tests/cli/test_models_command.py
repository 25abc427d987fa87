"""`batchvid models`: the catalogue as a table and as JSON, narrowed, and laid over by the seller's own list."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from batchvid.catalog import built_in
from batchvid.cli.main import group
from tests.builders import offered, unsold

LISTED = {
    "success": True,
    "page": 0,
    "page_size": 0,
    "total": 3,
    "data": [
        {"id": "veo3-fast", "endpoints": '{"veo": {"path": "/v1/videos"}}', "pricing": {"per_second": 0.04}},
        {"id": "kling-v9", "endpoints": '{"kling": {"path": "/kling/v1/videos/text2video"}}', "pricing": None},
        {"id": "kling-v10", "endpoints": '{"kling": {"path": "/kling/v1/videos/text2video"}}', "upcoming": True},
    ],
}


def models(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(group, ["models", *arguments])


def facts(*arguments: str) -> dict[str, Any]:
    """Its JSON."""
    found: dict[str, Any] = json.loads(models("--json", *arguments).stdout)
    return found


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder and an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def seller(folder: Path) -> Iterator[None]:
    """CometAPI's address is a server here, which lists three models."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(LISTED).encode()
            self.send_response_only(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Nothing: the tests' own output stays readable."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    (folder / "batchvid.toml").write_text(f'[providers.cometapi]\nbase_url = "{url}"\n')
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_model_has_a_line() -> None:
    """With its name, what it can do and its price; one without a price says so."""
    lines = models("--all").stdout.splitlines()
    assert [tuple(line.split()[:2]) for line in lines[1 : len(offered()) + 1]] == offered()
    assert [line.split()[0] for line in lines[len(offered()) + 1 :]] == unsold()
    assert "$0.13-2.64/clip (2026-05)" in models("kling-v2-6").stdout
    assert "4k $0.48/s, $0.32/s (2026)" in models("veo3.1").stdout
    assert "unknown" in models("gen4_turbo").stdout


@pytest.mark.parametrize(
    ("arguments", "some", "none"),
    [
        (("kling*",), {"kling-v1-6", "kling-video-o1"}, {"veo3-fast"}),
        (("KLING-V1",), {"kling-v1"}, {"kling-v1-6"}),
        (("--dialect", "runway"), {"gen3a_turbo"}, {"veo3-fast", "kling-v1"}),
        (("--can", "references"), {"kling-v1-6"}, {"kling-v2-6", "veo3-fast"}),
        (("--can", "extend", "--can", "references"), {"kling-v1-6"}, {"kling-v1"}),
        (("--can", "text"), {"veo3-fast"}, {"gen3a_turbo", "kling-v2-1"}),
        (("nothing-like-it",), set(), {"veo3-fast"}),
    ],
)
def test_the_list_can_be_narrowed(arguments: tuple[str, ...], some: set[str], none: set[str]) -> None:
    """By name, wire format and what they can do; several wishes must all hold."""
    found = facts(*arguments).keys()
    assert some <= found
    assert not none & found


def test_the_json_has_all_that_is_known() -> None:
    """Also what the table has no room for."""
    sora = facts("sora-2")["sora-2"]
    assert (sora["sunset"], sora["can"]) == ("2026-09-24", ["text", "image", "remix"])
    assert sora["price"]["tiers"] == [{"usd_per_s": "0.08"}]


@pytest.mark.usefixtures("seller")
def test_refresh_lays_the_sellers_list_over(folder: Path) -> None:
    """New prices and new models count from then on, with their date; what is only announced does not."""
    assert models("--refresh", "veo*").stderr.startswith("2 video models of cometapi, 2")
    assert [path.name for path in (folder / "cache" / "batchvid").iterdir()] == ["models.json"]
    found = facts()
    assert found["veo3-fast"]["price"]["tiers"] == [{"usd_per_s": "0.04"}]
    assert found["veo3-fast"]["price"]["source"] == "the list of cometapi"
    assert found["kling-v9"]["dialect"] == "kling"
    assert "kling-v10" not in found


@pytest.mark.usefixtures("seller")
def test_refresh_may_name_the_provider() -> None:
    """A word that is no provider selects models, as it always did."""
    for arguments in (
        ("--refresh", "cometapi"),
        ("--refresh", "cometapi", "veo*"),
        ("--refresh", "veo*"),
        ("--refresh",),
    ):
        result = models(*arguments)
        assert result.stderr.startswith("2 video models of cometapi, 2")
        assert "veo3-fast" in result.stdout
        assert ("kling-v1" in result.stdout) == ("veo*" not in arguments)


def test_a_provider_without_a_list() -> None:
    """One that nobody knows, and the emulator that runs nowhere, are told; nothing is written."""
    for name in ("nobody", "emulator"):
        result = models("--refresh", "--provider", name)
        assert f"provider {name} has no list of models" in str(result.exception)


OWN = 'providers: {office: {dialect: gateway, base_url: "http://127.0.0.1:9"}}\nclips: [{id: a, prompt: p, model: m}]\n'


@pytest.mark.parametrize("file", ["m.yaml", "batchvid.toml", ""])
def test_what_the_configured_providers_sell_is_listed(folder: Path, file: str) -> None:
    """Those of the user's file and of the manifests here count beside the default one; a broken manifest adds none."""
    (folder / "broken.yaml").write_text("providers: [\n")
    toml = '[providers.office]\ndialect = "gateway"\nbase_url = "http://127.0.0.1:9"\n'
    if file:
        (folder / file).write_text(toml if file.endswith("toml") else OWN)
    listed = models()
    names = {line.split()[0] for line in listed.stdout.splitlines()[1:]}
    assert {"veo3-fast", "kling-v2-6"} <= names
    assert ("gateway/veo3.1" in names) == bool(file)
    assert not any(name.startswith("newapi/") for name in names)
    assert "more in wire formats that no configured provider speaks" in listed.stderr
    assert "newapi" in listed.stderr
    assert set(facts("--all")) == set(built_in().rows)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("veo3fst",), "no model matches 'veo3fst'; did you mean veo3-fast"),
        (("kling",), "no model matches 'kling'; did you mean kling"),
        (("gateway/veo3.1",), "1 do in wire formats that no configured provider speaks (gateway): add --all"),
        (
            ("--dialect", "newapi"),
            "no model matches; 11 do in wire formats that no configured provider speaks",
        ),
        (("zzzzzz",), "no model matches 'zzzzzz'; batchvid models --all lists all of them"),
    ],
)
def test_nothing_matches(arguments: tuple[str, ...], said: str) -> None:
    """The exit code is 1, and the message says what probably does; JSON stays JSON."""
    result = models(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert result.stderr.count(" or ") <= 4
    assert facts(*arguments) == {}


def test_an_alias_finds_its_model() -> None:
    """Names and aliases are both searched."""
    name, alias = next((name, model.aliases[0]) for name, model in built_in().rows.items() if model.aliases)
    assert name in facts("--all", alias)


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
def test_no_name_is_cut_on_a_narrow_screen(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Columns go first, then words wrap; from 80 columns on each name stands whole on one line."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = re.sub(r"\x1b\[[0-9;]*m", "", models("--all").stdout)
    assert max(map(len, shown.splitlines())) <= columns
    assert "…" not in shown
    names = [*(name for name, _provider in offered()), *unsold()]
    if columns >= 80:
        assert set(names) <= {line.split(" ")[0] for line in shown.splitlines()}
    else:  # the longest names go on in a second line
        width = shown.index("provider")
        lines = shown.partition("\n")[2].partition("--wide")[0].splitlines()
        assert "".join(line[:width].strip() for line in lines) == "".join(names)
    wide = re.sub(r"\x1b\[[0-9;]*m", "", models("--all", "--wide").stdout)
    assert [line.split()[0] for line in wide.splitlines()[1:]] == names
    heads = "model provider wire format can seconds ratios resolutions price remarks"
    assert " ".join(wide.split("\n")[0].split()) == heads


def test_names_are_completed(folder: Path) -> None:
    """Also those of the user's file."""
    (folder / "batchvid.toml").write_text('[models.house-model]\ndialect = "videos"\n')
    command = group.commands["models"]
    context = click.Context(command)
    argument = next(one for one in command.params if one.name == "pattern")
    assert [item.value for item in argument.shell_complete(context, "house")] == ["house-model"]
    assert "veo3-fast" in [item.value for item in argument.shell_complete(context, "veo3")]
