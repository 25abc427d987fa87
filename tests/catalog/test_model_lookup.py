"""Which model a name means at a provider: one of the catalogue, or the provider's own id."""

from __future__ import annotations

from typing import Any

import pytest

from batchvid.catalog import Provider, built_in, find_model, providers
from batchvid.catalog.model_lookup import own_id_warning
from batchvid.errors import UsageError


def own(dialect: str = "openai-videos", **fields: Any) -> Provider:
    """A provider of the user's own."""
    return providers({"office": {"dialect": dialect, "base_url": "http://127.0.0.1:9", **fields}})["office"]


@pytest.mark.parametrize(
    "name",
    ["wan2.2-t2v", "Wan-AI/Wan2.2-T2V-A14B", "hailuo:02", "google/veo-4", "kling/house-model", "a/b/c", "veo3fast"],
)
def test_an_unknown_name_is_the_providers_own_id(name: str) -> None:
    """With slashes and colons, and also where it begins with the name of another wire format."""
    model = find_model(built_in(), name, own())
    assert (model.name, model.dialect, model.price, model.durations_s) == (name, "openai-videos", None, ())


@pytest.mark.parametrize(
    ("dialect", "name", "found"),
    [
        ("openai-videos", "sora-2", "sora-2"),
        ("openai-videos", "openai-videos/house", "house"),
        ("openai-videos", "openai-videos/Wan-AI/Wan2.2", "Wan-AI/Wan2.2"),
        ("gateway", "veo3.1", "veo3.1"),
    ],
)
def test_a_known_name_stays_what_it_is(dialect: str, name: str, found: str) -> None:
    """In the dialect that the provider speaks, with its limits."""
    model = find_model(built_in(), name, own(dialect))
    assert (model.name, model.dialect) == (found, dialect)
    assert (model.durations_s != ()) == ("/" not in name)


@pytest.mark.parametrize("name", ["veo3.1", "runway/gen4_turbo", "kling-v2-6"])
def test_a_model_of_another_wire_format_is_no_own_id(name: str) -> None:
    """The catalogue knows it: the caller refuses it, and names the provider's own wire format as the way out."""
    assert find_model(built_in(), name, own()).dialect != "openai-videos"


def test_a_misspelled_name_stays_an_error_at_a_built_in_provider() -> None:
    """With suggestions; so it does where no provider is given, and under an overridden built-in one."""
    moved = providers({"cometapi": {"base_url": "http://127.0.0.1:9"}})["cometapi"]
    for provider in (providers({})["cometapi"], moved, None):
        with pytest.raises(UsageError, match=r"did you mean .*veo3-fast"):
            find_model(built_in(), "veo3fast", provider)


def test_an_own_id_that_is_nearly_a_known_name_gets_a_warning() -> None:
    """Only of the wire format that is spoken there."""
    assert own_id_warning(built_in(), "sora2", own()) == (
        "sora2 is sent as office's own model id; the catalogue has sora-2"
    )
    assert own_id_warning(built_in(), "veo3fast", own()) == ""
    assert own_id_warning(built_in(), "sora-2", own()) == ""


def test_a_built_in_provider_with_one_wire_format_takes_any_id() -> None:
    """As the vendor's own id, without limits or price, and with a warning about a name that is nearly a listed one."""
    xai = providers({})["xai"]
    model = find_model(built_in(), "grok-imagine-vidio", xai)
    assert (model.name, model.dialect, model.price, model.durations_s) == ("grok-imagine-vidio", "xai", None, ())
    warning = "grok-imagine-vidio is sent as xai's own model id; the catalogue has grok-imagine-video"
    assert own_id_warning(built_in(), "grok-imagine-vidio", xai).startswith(warning)
    assert own_id_warning(built_in(), "grok-imagine-video", xai) == ""
    assert find_model(built_in(), "grok-imagine-video", xai).price is not None
