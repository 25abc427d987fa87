"""The catalogue: every row can be bought, wishes become the nearest step, unknown prices stay unknown."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchvid.catalog import (
    DEFAULT_PROVIDER,
    POLL_EVERY_S,
    Model,
    ModelPrice,
    find_model,
    model_names,
    poll_every_s,
    providers,
)
from batchvid.dialects import DIALECTS
from batchvid.errors import UsageError
from batchvid.specs import UNPRICED

OWN: Mapping[str, Any] = {"dialect": "openai-videos", "base_url": "https://gw.example.com/", "api_key_env": "GW_KEY"}


@pytest.mark.parametrize("name", model_names())
def test_every_model_can_be_spoken_to(name: str) -> None:
    """A row's dialect exists and some provider has a route for it; its default is one of its steps."""
    model = find_model(name)
    assert model.name == name
    assert model.dialect in DIALECTS
    assert any(model.dialect in provider.routes for provider in providers({}).values())
    assert not model.durations_s or model.default_duration_s in model.durations_s
    assert list(model.durations_s) == sorted(set(model.durations_s))


@pytest.mark.parametrize("name", model_names())
def test_every_price_says_where_it_is_from(name: str) -> None:
    """A price has a date and a source, is per second or per clip, and a clip of the default length has one."""
    model = find_model(name)
    price = model.price_of(model.default_duration_s)
    if model.price is None:
        assert price == UNPRICED
        return
    assert (model.price.usd_per_s is None) != (model.price.usd_per_clip is None)
    assert price.usd is not None
    assert price.usd > 0
    assert model.price.source in price.basis
    assert model.price.as_of in price.basis


def test_the_default_provider_sells_every_dialect() -> None:
    """A manifest that names no provider can ask for any model; only a gateway is somebody's own."""
    assert set(DIALECTS) - {"gateway"} == set(providers({})[DEFAULT_PROVIDER].routes)
    assert set(DIALECTS) == set(providers({})["emulator"].routes)


@pytest.mark.parametrize(
    ("wish_s", "billed_s"), [(None, 8), (4, 4), (1, 4), (5, 4), (5.01, 6), (7, 6), (7.5, 8), (8, 8), (60, 8), (0, 4)]
)
def test_a_wish_becomes_the_nearest_step(wish_s: float | None, billed_s: float) -> None:
    """Of two steps equally near the shorter, cheaper one is taken; without a wish the model's default."""
    assert find_model("veo3-fast").billed_duration_s(wish_s) == billed_s


@given(st.lists(st.integers(1, 60), min_size=1, unique=True), st.integers(0, 200))
@example([6, 4], 10)
def test_no_step_is_nearer(steps: list[int], halves: int) -> None:
    """Of the steps that are sold the nearest is billed, of two the shorter, in whatever order they are listed."""
    wish_s = halves / 2
    model = Model(name="m", dialect="veo", durations_s=tuple(float(step) for step in steps))
    nearest_s = min(abs(step - wish_s) for step in steps)
    assert model.billed_duration_s(wish_s) == min(step for step in steps if abs(step - wish_s) == nearest_s)


def test_a_model_without_steps_takes_the_wish() -> None:
    """What is not known here is left to the vendor."""
    model = find_model("kling/kling-v9")
    assert (model.billed_duration_s(7.5), model.billed_duration_s(None)) == (7.5, None)


@pytest.mark.parametrize(
    ("name", "duration_s", "usd", "basis"),
    [
        ("veo3-fast", 8, "0.40", "estimate: CometAPI tutorial, 2026-05"),
        ("veo3-fast", 4, "0.20", "estimate: CometAPI tutorial, 2026-05"),
        ("gen3a_turbo", 10, "0.32", "estimate: CometAPI tutorial, 2026-05"),
        ("kling-v2-6", 5, "2.64", "at most: CometAPI model page, a range, 2026-05"),
    ],
)
def test_a_price_is_the_most_it_may_cost(name: str, duration_s: float, usd: str, basis: str) -> None:
    """Per second times the billed length, or per clip; of a range the upper end, and it says so."""
    price = find_model(name).price_of(duration_s)
    assert (price.usd, price.basis) == (Decimal(usd), basis)


def test_what_nobody_knows_has_no_price() -> None:
    """No row, no price in the row, or a price per second of an unknown length: unknown, never nought."""
    per_second = Model(name="m", dialect="veo", price=ModelPrice(as_of="2026", source="x", usd_per_s=Decimal(1)))
    assert find_model("sora-2-pro").price_of(8) == UNPRICED
    assert find_model("veo/veo9").price_of(8) == UNPRICED
    assert per_second.price_of(None) == UNPRICED
    assert per_second.price_of(2.5).usd == Decimal("2.5")
    assert UNPRICED.usd is None


def test_money_is_exact() -> None:
    """A thousand clips cost exactly a thousand times one: prices are decimal from the file on."""
    price = find_model("veo3.1-fast").price_of(8)
    assert price.usd == Decimal("0.768")


@pytest.mark.parametrize(
    ("typed", "meant"), [("veo3-fsat", "veo3-fast"), ("sora2", "sora-2"), ("kling-2-6", "kling-v2-6")]
)
def test_a_typing_mistake_is_answered_with_near_names(typed: str, meant: str) -> None:
    """The message quotes what was typed and offers what may have been meant."""
    with pytest.raises(UsageError, match=rf"unknown model '{typed}'; did you mean .*\b{meant}\b"):
        find_model(typed)


@pytest.mark.parametrize("name", ["", "nothing like it at all", "vhs/tape", "/"])
def test_a_name_near_to_nothing_is_answered_with_all(name: str) -> None:
    """The message lists every model and how to name one that is not listed."""
    with pytest.raises(UsageError) as raised:
        find_model(name)
    assert raised.value.exit_code == 2
    for word in ("veo3-fast", "gen3a_turbo", *DIALECTS):
        assert word in str(raised.value)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_model_of_a_known_format_can_be_named(dialect: str) -> None:
    """`dialect/id` needs no row: no limits, no price, the vendor decides. The id may hold slashes."""
    model = find_model(f"{dialect}/new/model-9")
    assert (model.name, model.dialect, model.price, model.durations_s) == ("new/model-9", dialect, None, ())


def test_a_known_model_is_itself_under_its_long_name() -> None:
    """Whoever writes the format too gets the row with its limits and its price."""
    assert find_model("veo/veo3-fast") is find_model("veo3-fast")


def test_the_named_format_is_the_one_that_is_spoken() -> None:
    """A listed model that a gateway serves in another format is not the row: its limits and price are not known."""
    model = find_model("openai-videos/veo3-fast")
    assert (model.name, model.dialect, model.price, model.durations_s) == ("veo3-fast", "openai-videos", None, ())


def test_how_often_a_task_is_asked_after() -> None:
    """The provider's own word, else the model's, else the usual one: also for a model that is no longer listed."""
    built_in = providers({})[DEFAULT_PROVIDER]
    own = providers({DEFAULT_PROVIDER: {"poll_every_s": 0.5}})[DEFAULT_PROVIDER]
    for name in model_names():
        assert poll_every_s(built_in, name) == find_model(name).poll_every_s
        assert poll_every_s(own, name) == 0.5
    for gone in ("veo-1-preview", "kling/kling-v9", ""):
        assert poll_every_s(built_in, gone) == POLL_EVERY_S
        assert poll_every_s(own, gone) == 0.5


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


@pytest.mark.parametrize("missing", OWN)
def test_a_provider_that_is_not_whole_is_refused(missing: str) -> None:
    """The message names the provider and what it still needs."""
    said = {name: value for name, value in OWN.items() if name != missing}
    with pytest.raises(UsageError, match=rf"office.*a provider of your own needs {missing} too"):
        providers({"office": said})


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
    with pytest.raises(UsageError, match=r"unknown dialect 'smtp'; there are veo, openai-videos, .*gateway$"):
        providers({"office": {**OWN, "dialect": "smtp"}})


def test_the_emulator_is_started_by_the_run_unless_it_is_somewhere() -> None:
    """Only the emulator is embedded, and only without an address; it charges nothing and needs no key."""
    built_in = providers({})
    assert [name for name, provider in built_in.items() if provider.is_embedded] == ["emulator"]
    assert built_in["emulator"].free
    assert built_in["emulator"].api_key_env == ""
    assert not providers({"emulator": {"base_url": "http://127.0.0.1:8080"}})["emulator"].is_embedded
