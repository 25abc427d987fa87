"""Every model of every built-in provider can be bought with its defaults, at a price that is known or unknown."""

from __future__ import annotations

from typing import Any

import pytest

from batchvid.catalog import Model, Provider, built_in, models_of, providers
from batchvid.domain.clip_request import ImageRef
from batchvid.domain.job_spec import UNPRICED, JobSpec
from batchvid.planning.routing import FREE, check, find_route
from tests.builders import spec

PROVIDERS = providers({})
LINK = "https://cdn.example/a.jpg"


def first_job(name: str, model: Model, provider: Provider) -> JobSpec:
    """A job that says no more than it must."""
    fields: dict[str, Any] = {"duration_s": None, "aspect_ratio": "", "resolution": ""}
    if model.needs in ("image", "references"):
        fields["images"] = (ImageRef(source=LINK, role="first" if model.needs == "image" else "reference"),)
    if model.needs == "action":
        fields |= {"action": "edit", "video": "https://cdn.example/a.mp4"}
    return spec(model=name, provider=provider.name, **fields)


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_every_offer_can_be_bought(provider: Provider) -> None:
    """Its dialect accepts the defaults, and a price has a date and a source."""
    for name, model in models_of(built_in(), provider).rows.items():
        if model.dialect not in provider.routes:
            continue
        job = first_job(name, model, provider)
        route = find_route(job, PROVIDERS)
        assert (route.model, route.provider) == (model, provider)
        check(job, route)
        if provider.free:
            assert route.price == FREE
        elif model.price is None:
            assert route.price == UNPRICED, name
        else:
            assert model.price.source in route.price.basis, name
            assert model.price.as_of in route.price.basis, name
            assert route.price.usd is not None, name
            assert route.price.usd > 0, name
