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


FRAMES = ((1280, 720), (720, 1280), (1000, 1000))


@pytest.mark.parametrize("provider", ["runway", "kling", "kling-cn", "xai"])
def test_every_offer_can_be_bought_from_frames(provider: str) -> None:
    """Whatever the shape of a first frame, alone or with a last one: the defaults fit it."""
    row = PROVIDERS[provider]
    for name, model in models_of(built_in(), row).rows.items():
        limits = model.images or {}
        if model.dialect not in row.routes or not limits.get("first"):
            continue
        for width, height in FRAMES:
            image = {"source": "/a.jpg", "sha256": "a" * 64, "media_type": "image/jpeg", "size_bytes": 1000}
            first, last = (
                ImageRef(role=role, width=width, height=height, **image)  # type: ignore[arg-type]
                for role in ("first", "last")
            )
            for images in ((first,), (first, last)) if limits.get("last") else ((first,),):
                fields: dict[str, Any] = {"duration_s": None, "aspect_ratio": "", "resolution": "", "images": images}
                job = spec(model=name, provider=provider, **fields)
                check(job, find_route(job, PROVIDERS))
