"""Every model of every built-in provider can be bought with its defaults, at a price that is known or unknown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from batchvid.catalog import Model, Provider, built_in, models_of, providers
from batchvid.domain.clip_request import ImageRef, ImageRole
from batchvid.domain.job_spec import UNPRICED, JobSpec
from batchvid.errors import Unsupported
from batchvid.planning.routing import FREE, Route, check, find_route
from tests.builders import spec

PROVIDERS = providers({})


def jobs(name: str, model: Model, provider: Provider) -> Iterator[JobSpec]:
    """Jobs that say no more than they must: the first has what the model needs, the others what its vendor may."""
    fields: dict[str, Any] = {"duration_s": None, "aspect_ratio": "", "resolution": ""}
    if model.needs == "action":
        fields |= {"action": (model.actions or ("edit",))[0], "video": "https://cdn.example/a.mp4"}
    roles: dict[str, tuple[ImageRole, ...]] = {"image": ("first",), "references": ("reference",)}
    for wanted in dict.fromkeys((roles.get(model.needs, ()), ("first",), ("first", "last"), ("reference",))):
        images = tuple(ImageRef(source=f"https://cdn.example/{role}.jpg", role=role) for role in wanted)
        yield spec(model=name, provider=provider.name, images=images, **fields)


def accepted(name: str, model: Model, provider: Provider) -> tuple[JobSpec, Route]:
    """The first of these jobs that the model and its dialect accept."""
    problems = []
    for job in jobs(name, model, provider):
        route = find_route(job, PROVIDERS)
        try:
            check(job, route)
        except Unsupported as exc:
            problems.append(str(exc))
        else:
            return job, route
    pytest.fail(f"{name} at {provider.name}: {problems[0]}")


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_every_offer_can_be_bought(provider: Provider) -> None:
    """Its dialect accepts the defaults, and a price has a date and a source."""
    for name, model in models_of(built_in(), provider).rows.items():
        if model.dialect not in provider.routes:
            continue
        job, route = accepted(name, model, provider)
        assert (route.model, route.provider) == (model, provider)
        if provider.free:
            assert route.price == FREE
        elif model.price is None:
            assert route.price == UNPRICED, name
        elif route.price.usd is None:  # the length of another clip, or no price for the default resolution
            assert job.request.action or not any(tier.is_plain for tier in model.price.tiers), name
        else:
            assert model.price.source in route.price.basis, name
            assert model.price.as_of in route.price.basis, name
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
