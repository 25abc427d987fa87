"""The catalogue: every row can be bought, wishes become the nearest step, unknown prices stay unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchvid.catalog import KINDS, Model, ModelPrice, Tier, built_in, models_of, providers
from batchvid.catalog.data_files import family_files
from batchvid.catalog.provider_models import as_model, family
from batchvid.dialects import DIALECTS
from batchvid.domain.job_spec import UNPRICED
from batchvid.errors import UsageError
from tests.builders import sold

MODELS = built_in()
find = sold().find


PAIRS = [
    (provider.name, name, model)
    for provider in providers({}).values()
    for name, model in models_of(MODELS, provider).rows.items()
    if model.dialect in provider.routes
]
"""Every model that a built-in provider sells."""


def test_every_model_can_be_spoken_to() -> None:
    """A row's dialect exists and some provider has a route for it; its default is one of its steps."""
    assert {name for _provider, name, _model in PAIRS} == set(MODELS.rows)
    for provider, name, model in PAIRS:
        if name in MODELS.families:
            assert name in (model.name, f"{model.dialect}/{model.name}")
        assert model.dialect in DIALECTS
        assert not model.durations_s or model.default_duration_s in model.durations_s, (provider, name)
        assert list(model.durations_s) == sorted(set(model.durations_s)), (provider, name)


@pytest.mark.parametrize("provider", providers({}))
def test_every_price_says_where_it_is_from(provider: str) -> None:
    """A price has a date and a source, is per second or per clip, and a clip of the default length has one."""
    for seller, name, model in PAIRS:
        if seller == provider:
            check_price(name, model)


def check_price(name: str, model: Model) -> None:
    """That the price can be used, and that its date and source are shown."""
    price = model.price_of(model.default_duration_s, resolution=model.default_resolution)
    if model.price is None:
        assert price == UNPRICED
        return
    assert model.price.as_of, name
    assert model.price.source, name
    for tier in model.price.tiers:
        assert [tier.usd_per_s, tier.usd_per_clip, tier.usd_per_million_tokens].count(None) == 2
        assert (tier.tokens_per_s > 0) is (tier.usd_per_million_tokens is not None)
    assert price.usd is not None
    assert price.usd > 0
    assert model.price.source in price.basis
    assert model.price.as_of in price.basis


@pytest.mark.parametrize(
    ("requested_s", "billed_s"),
    [(None, 8), (4, 4), (1, 4), (5, 4), (5.01, 6), (7, 6), (7.5, 8), (8, 8), (60, 8), (0, 4)],
)
def test_a_wish_becomes_the_nearest_step(requested_s: float | None, billed_s: float) -> None:
    """Of two steps equally near the shorter, cheaper one is taken; without a wish the model's default."""
    assert find("veo3-fast").billed_duration_s(requested_s) == billed_s


@given(st.lists(st.integers(1, 60), min_size=1, unique=True), st.integers(0, 200))
@example([6, 4], 10)
def test_no_step_is_nearer(steps: list[int], halves: int) -> None:
    """Of the steps that are sold the nearest is billed, of two the shorter, in whatever order they are listed."""
    requested_s = halves / 2
    model = Model(name="m", dialect="veo", durations_s=tuple(float(step) for step in steps))
    nearest_s = min(abs(step - requested_s) for step in steps)
    assert model.billed_duration_s(requested_s) == min(step for step in steps if abs(step - requested_s) == nearest_s)


def test_a_model_without_steps_takes_the_wish() -> None:
    """What is not known here is left to the vendor."""
    model = find("kling/kling-v9")
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
    price = find(name).price_of(duration_s)
    assert (price.usd, price.basis) == (Decimal(usd), basis)


def test_what_nobody_knows_has_no_price() -> None:
    """No row, no price in the row, or a price per second of an unknown length: unknown, never nought."""
    per_second = Model(
        name="m", dialect="veo", price=ModelPrice(as_of="2026", source="x", tiers=(Tier(usd_per_s=Decimal(1)),))
    )
    assert find("sora-2-pro").price_of(8) == UNPRICED
    assert find("veo/veo9").price_of(8) == UNPRICED
    assert per_second.price_of(None) == UNPRICED
    assert per_second.price_of(2.5).usd == Decimal("2.5")
    assert (per_second.price_of(None).usd, find("sora-2-pro").price_of(8).usd) == (None, None)


def test_money_is_exact() -> None:
    """A thousand clips cost exactly a thousand times one: prices are decimal from the file on."""
    price = find("veo3.1-fast").price_of(8)
    assert price.usd == Decimal("0.768")


@pytest.mark.parametrize(
    ("typed", "meant"), [("veo3-fsat", "veo3-fast"), ("sora2", "sora-2"), ("kling-2-6", "kling-v2-6")]
)
def test_a_typing_mistake_is_answered_with_near_names(typed: str, meant: str) -> None:
    """The message quotes what was typed and offers what may have been meant."""
    with pytest.raises(UsageError, match=rf"unknown model '{typed}'; did you mean .*\b{meant}\b"):
        find(typed)


@pytest.mark.parametrize("name", ["", "nothing like it at all", "vhs/tape", "/"])
def test_a_name_near_to_nothing_is_answered_with_the_list(name: str) -> None:
    """The message names the command that lists every model, and how to name one that is not listed."""
    with pytest.raises(UsageError) as raised:
        find(name)
    assert raised.value.exit_code == 2
    for word in ("batchvid models", *DIALECTS):
        assert word in str(raised.value)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_model_of_a_known_format_can_be_named(dialect: str) -> None:
    """`dialect/id` needs no row: no limits, no price, the vendor decides. The id may hold slashes."""
    model = find(f"{dialect}/new/model-9")
    assert (model.name, model.dialect, model.price, model.durations_s) == ("new/model-9", dialect, None, ())


def test_a_known_model_is_itself_under_its_long_name() -> None:
    """Whoever writes the format too gets the row with its limits and its price."""
    assert find("veo/veo3-fast") is find("veo3-fast")


def test_the_named_format_is_the_one_that_is_spoken() -> None:
    """A listed model that a gateway serves in another format is not the row: its limits and price are not known."""
    model = find("openai-videos/veo3-fast")
    assert (model.name, model.dialect, model.price, model.durations_s) == ("veo3-fast", "openai-videos", None, ())


def test_every_default_is_one_of_the_values() -> None:
    """What is sent where nobody says anything is what the model sells; ratios have a default where they have values."""
    for provider, name, model in PAIRS:
        pair = (provider, name)
        assert not model.aspect_ratios or model.default_ratio in model.aspect_ratios, pair
        assert not model.default_resolution or not model.resolutions or model.default_resolution in model.resolutions
        assert not model.sizes or set(model.aspect_ratios) == set(model.sizes), pair
        assert not set(model.doubtful_durations_s) & set(model.durations_s), pair
        assert not set(model.doubtful_ratios) & set(model.aspect_ratios), pair
        assert bool(model.sunset) == bool(model.sunset_source), pair
        assert set(model.kinds) <= set(KINDS), pair


def test_rows_of_a_format_that_is_not_spoken_are_not_there() -> None:
    """The data may be ahead of the dialects: such a row is neither found nor listed, and comes with its dialect."""
    table = {
        "family": {"dialect": "veo", "named": "x/"},
        "models": {"here": {}, "later": {"dialect": "telepathy"}},
    }
    assert [(name, model.name) for name, model in family(table)] == [("x/here", "here")]
    assert sold(MODELS.merged_with({"later": {"dialect": "telepathy"}})).named("later") is None


def test_every_file_of_the_data_fits() -> None:
    """Also the rows of dialects that are still to come: none would be refused on the day."""
    for table in family_files():
        for model, row in table["models"].items():
            common = {key: value for key, value in table["family"].items() if key != "named"}
            assert as_model(model, {**common, **row, "name": model}).dialect == row.get("dialect", common["dialect"])


def test_an_alias_is_the_model() -> None:
    """Another name for the same row; the plain name of a row for another format is found where that is spoken."""
    models = MODELS.merged_with(
        {
            "veo/twin": {"name": "twin", "dialect": "veo", "aliases": ["zwilling"]},
            "kling/twin": {"name": "twin", "dialect": "kling"},
        }
    )
    own = sold(models)
    assert own.find("zwilling") is own.find("veo/twin")
    assert own.find("twin", ("runway", "kling")).dialect == "kling"
    assert own.find("twin", ("veo",)).dialect == "veo"
    assert own.find("veo3-fast", ("kling",)).dialect == "veo"


def test_a_row_lies_over_another_field_by_field() -> None:
    """What is said replaces, what is not said stays; a new model needs a dialect, and a wrong word is refused."""
    rows: dict[str, dict[str, Any]] = {
        "veo3-fast": {"durations_s": "5-7", "default_duration_s": 6},
        "n": {"dialect": "veo"},
    }
    own = sold(MODELS.merged_with(rows))
    assert own.find("veo3-fast").durations_s == (5, 6, 7)
    assert own.find("veo3-fast").price == find("veo3-fast").price
    assert own.find("n").price_of(8) == UNPRICED
    known = [name for name in MODELS.families if name in own.rows]
    assert list(own.rows)[: len(known)] == known
    with pytest.raises(UsageError, match="model n: is not built in, and needs a dialect: veo, "):
        MODELS.merged_with({"n": {"durations_s": [5]}})
    with pytest.raises(UsageError, match=r"model veo3-fast: colour: "):
        MODELS.merged_with({"veo3-fast": {"colour": "red"}})
    with pytest.raises(UsageError, match=r"model veo3-fast: durations_s: "):
        MODELS.merged_with({"veo3-fast": {"durations_s": "soon"}})


@pytest.mark.parametrize(
    ("said", "usd"),
    [
        ({}, "0.768"),
        ({"resolution": "1280x720"}, "0.640"),
        ({"resolution": "720P"}, "0.640"),
        ({"resolution": "2160x3840"}, "1.920"),
        ({"resolution": "1080p"}, "0.768"),
    ],
)
def test_a_price_knows_the_resolution(said: dict[str, Any], usd: str) -> None:
    """The first line of the list that fits counts, however the resolution is written."""
    assert find("veo3.1-fast").price_of(8, **said).usd == Decimal(usd)


@pytest.mark.parametrize(
    ("said", "usd"),
    [
        ({"mode": "pro", "sound": True}, "4"),
        ({"mode": "pro", "sound": False}, "3"),
        ({"mode": "pro"}, "3"),
        ({"sound": True}, None),
        ({"mode": "std"}, None),
    ],
)
def test_a_price_knows_mode_and_sound(said: dict[str, Any], usd: str | None) -> None:
    """Sound that nobody asks for is off; what no line speaks of is unknown, never the nearest."""
    tiers = (Tier(mode="pro", sound=True, usd_per_clip=Decimal(4)), Tier(mode="pro", usd_per_clip=Decimal(3)))
    model = Model(name="m", dialect="kling", price=ModelPrice(as_of="2026", source="x", tiers=tiers))
    assert model.price_of(5, **said).usd == (Decimal(usd) if usd else None)


@pytest.mark.parametrize(("requested_s", "billed_s"), [(16, 16), (20, 20), (15, 12), (14, 12), (17, 12), (60, 12)])
def test_a_doubtful_step_is_bought_by_its_own_name_only(requested_s: float, billed_s: float) -> None:
    """Sora's 16 and 20 seconds stand on one page of two: nobody is moved there."""
    assert find("sora-2").billed_duration_s(requested_s) == billed_s


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"tiers": [{"usd_per_s": Decimal("-0.05")}]}, "price.tiers.0.usd_per_s: .*greater than or equal to 0"),
        ({"tiers": [{"usd_per_s": 101}]}, "price.tiers.0.usd_per_s: .*less than or equal to 100"),
        ({"tiers": [{"usd_per_clip": 1}, {"usd_per_clip": -1}]}, "price.tiers.1.usd_per_clip: .*equal to 0"),
        ({"tiers": [{"usd_per_clip": Decimal("1e9")}]}, "usd_per_clip: .*less than or equal to 10000"),
        ({"tiers": [{"usd_per_clip": 1, "lowest_usd_per_clip": -1}]}, "lowest_usd_per_clip: .*equal to 0"),
        ({"tiers": [{"usd_per_s": Decimal("nan")}]}, "usd_per_s: .*finite"),
        ({"tiers": [{"usd_per_s": Decimal("inf")}]}, "usd_per_s: .*finite"),
    ],
)
def test_a_price_has_bounds(row: dict[str, Any], problem: str) -> None:
    """A price below zero would make room under a cap, one without a limit is a typing error."""
    with pytest.raises(UsageError, match=f"model veo3-fast: .*{problem}"):
        MODELS.merged_with({"veo3-fast": {"price": {"as_of": "2026", "source": "ours", **row}}})


@pytest.mark.parametrize("key", ["default_duration_s", "durations_s", "doubtful_durations_s"])
@pytest.mark.parametrize("seconds", [-8, 0, 100_000])
def test_a_length_has_bounds(key: str, seconds: float) -> None:
    """A length below zero would make a price below zero."""
    value = seconds if key == "default_duration_s" else [seconds]
    with pytest.raises(UsageError, match=f"model veo3-fast: {key}"):
        MODELS.merged_with({"veo3-fast": {key: value}})


def test_what_a_model_can_do() -> None:
    """Read out of what it takes and what it does to other clips."""
    assert find("veo3-fast").kinds == ("text", "image", "end-image")
    assert find("gen3a_turbo").kinds == ("image", "end-image")
    assert find("kling-v1-6").kinds == ("text", "image", "end-image", "references", "extend", "lip-sync")
    assert find("veo/unheard-of").kinds == ("text",)
