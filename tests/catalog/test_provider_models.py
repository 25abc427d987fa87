"""Prices, limits and defaults belong to a model at a provider: layers lie over each other, the user's over all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from batchvid.catalog import built_in, find_model, providers
from batchvid.domain.job_spec import UNPRICED, Price
from batchvid.errors import UsageError
from tests.builders import sold

MODELS = built_in()
find = sold().find


def test_a_price_belongs_to_a_provider() -> None:
    """The same model has CometAPI's price at CometAPI, and none at a relay of the user's own."""
    relay = providers({"relay": {"dialect": "kling", "base_url": "https://relay.example"}})["relay"]
    here, there = find("kling-v2-6"), find_model(MODELS, "kling-v2-6", relay)
    assert here.price_of(5).usd == Decimal("2.64")
    assert there.price_of(5) == UNPRICED
    assert (there.durations_s, there.dialect) == (here.durations_s, here.dialect)
    assert all(model.price is None for model in MODELS.families.values())


def test_what_one_provider_limits_is_not_the_models() -> None:
    """CometAPI's Runway route needs an image, also for a model that is not listed; Runway's wire does not."""
    relay = providers({"relay": {"dialect": "runway", "base_url": "https://relay.example"}})["relay"]
    assert find("runway/gen9").needs == "image"
    assert find("runway/gen9").price is None
    assert find_model(MODELS, "gen9", relay).needs == ""
    assert (find("kling-v2-6").prompt_chars, find("kling/kling-v9").price) == (500, None)


def test_layers_lie_over_each_other_in_order() -> None:
    """The user's row for every provider over the built-in one of a provider, and the user's row for it over that."""
    relay = providers({"relay": {"dialect": "kling", "base_url": "https://relay.example"}})["relay"]
    own = MODELS.merged_with({"kling-v2-6": {"price": {"usd_per_clip": 1}}})
    assert sold(own).find("kling-v2-6").price_of(5).usd == 1
    assert find_model(own, "kling-v2-6", relay).price_of(5).usd == 1
    own = own.merged_with({"kling-v2-6": {"price": {"usd_per_clip": 2}}}, "relay", routes=relay.routes)
    assert sold(own).find("kling-v2-6").price_of(5).usd == 1
    assert find_model(own, "kling-v2-6", relay).price_of(5).usd == 2
    assert find_model(own, "kling-v2-6", relay) is find_model(own, "kling-v2-6", relay)


def test_a_row_of_a_provider_may_be_its_own_id() -> None:
    """With one route it needs no dialect; with several its name or a key says which."""
    relay = providers({"relay": {"dialect": "kling", "base_url": "https://relay.example"}})["relay"]
    own = MODELS.merged_with({"house-1": {"price": "free"}}, "relay", routes=relay.routes)
    model = find_model(own, "house-1", relay)
    assert (model.name, model.dialect, model.price_of(5)) == ("house-1", "kling", Price(usd=Decimal(0), basis="free"))
    own = MODELS.merged_with({"veo/house": {"price": {"usd_per_s": 1}}}, "cometapi", routes=("veo", "kling"))
    assert (sold(own).find("veo/house").name, sold(own).find("veo/house").price_of(2).usd) == ("house", Decimal(2))
    with pytest.raises(UsageError, match="model house: is not built in, and needs a dialect: veo, kling"):
        MODELS.merged_with({"house": {"price": "free"}}, "cometapi", routes=("veo", "kling"))


@pytest.mark.parametrize("price", ["fre", 3, "0.05", {"usd_per_week": 3}, {"usd_per_s": -1}])
def test_a_price_is_never_guessed(price: Any) -> None:
    """A number alone does not say of what, and a wrong word is no gift."""
    with pytest.raises(UsageError, match=r"model veo3-fast: price"):
        MODELS.merged_with({"veo3-fast": {"price": price}})


@pytest.mark.parametrize(
    ("base_url", "is_known"),
    [
        ("https://api.cometapi.com", True),
        ("https://eu.cometapi.com/v1", True),
        ("http://127.0.0.1:9", True),
        ("http://proxy.internal", True),
        ("https://relay.example.com", False),
        ("https://cometapi.com.example", False),
    ],
)
def test_a_price_does_not_follow_an_address(base_url: str, is_known: bool) -> None:
    """In another public domain nobody knows what CometAPI's routes cost; what the user states counts everywhere."""
    moved = providers({"cometapi": {"base_url": base_url}})["cometapi"]
    model = find_model(MODELS, "veo3-fast", moved)
    assert (model.price is not None, model.durations_s) == (is_known, find("veo3-fast").durations_s)
    own = MODELS.merged_with({"veo3-fast": {"price": {"usd_per_s": 1}}}, "cometapi", routes=moved.routes)
    assert find_model(own, "veo3-fast", moved).price_of(8).usd == Decimal(8)
