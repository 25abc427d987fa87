"""A key is not sent unencrypted over a public network."""

from __future__ import annotations

from tests.end_to_end.conftest import Bench

KITE = "  - {id: kite, prompt: a kite}"
PUBLIC = "http://gw.example.com"


def test_plan_and_run_refuse_a_public_http_address(bench: Bench) -> None:
    """Before anything is sent, with the key to write."""
    bench.write(KITE, base_url=PUBLIC)
    for command in ("plan", "run"):
        refused = bench.cli(command, str(bench.manifest))
        assert refused.code == 2
        assert "providers.cometapi: base_url: http://gw.example.com" in refused.err
        assert "allow_http: true" in refused.err
    assert bench.emulator.ledger()["purchases"] == 0


def test_plan_shows_where_the_money_goes(bench: Bench) -> None:
    """The host and the variable of the key, for each provider that is used."""
    bench.write(KITE)
    assert f"cometapi: {bench.emulator.base_url}, key in TEST_KEY" in bench.cli("plan", str(bench.manifest)).out
