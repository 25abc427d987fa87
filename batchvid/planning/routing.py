"""How a job is bought: provider, wire format, price, and the request that is sent. Knows no state. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal

from batchvid import catalog
from batchvid.catalog import Model, Models, Provider, ResolvedOptions, find_model, models_of, resolve_options
from batchvid.catalog.model_lookup import own_id_warning
from batchvid.dialects import DIALECTS
from batchvid.dialects.common.image_rules import ANY
from batchvid.domain.clip_request import ImageRef, with_values
from batchvid.domain.job_spec import JobSpec, Price
from batchvid.domain.jobs import Job
from batchvid.domain.wire import GenerationRequest, ImageInput, Parent
from batchvid.errors import Unsupported, UsageError
from batchvid.near_matches import did_you_mean
from batchvid.planning.dependencies import ANY_PARENT
from batchvid.planning.image_preparation import Preparation, image_metadata, prepare
from batchvid.planning.option_check import check_options
from batchvid.quoting import quoted

FREE = Price(usd=Decimal(0), basis="the emulator charges nothing")
SHOWN_MODELS = 6  # models named as a way out of what another one cannot do


@dataclass(frozen=True, slots=True)
class Route:
    """How a job is bought: provider, model with its wire format, resolved options, maximum price."""

    provider: Provider
    model: Model
    terms: ResolvedOptions
    price: Price

    @property
    def duration_s(self) -> float | None:
        """The billed step that is sent, None where the vendor decides."""
        return self.terms.duration_s

    @property
    def prefix(self) -> str:
        """The path prefix of this route below the provider's base URL."""
        return self.provider.routes[self.model.dialect]

    def preparation(self, spec: JobSpec, image: ImageRef) -> Preparation:
        """What is done to an image of this job before it is sent here."""
        rules = DIALECTS[self.model.dialect].rules_for(self.model.name)
        return prepare(image, rules, fit=spec.request.fit, pixels=self.terms.pixels)


def find_route(spec: JobSpec, providers: Mapping[str, Provider], models: Models | None = None) -> Route:
    """How this job is bought, out of these models or the built-in ones.

    Raises UsageError for an unknown model or provider, or one that does not speak it.
    """
    provider = providers.get(spec.provider)
    models = models or catalog.built_in()
    model = find_model(models, spec.request.model, provider)
    if provider is None:
        hints = filter(None, (did_you_mean(spec.provider, providers, limit=1), f"there are {', '.join(providers)}"))
        raise UsageError(f"unknown provider {quoted(spec.provider)}; {' '.join(hints)}")
    if model.dialect not in provider.routes:
        raise UsageError(
            f"provider {provider.name} does not speak {model.dialect}, which model {spec.request.model} needs; "
            f"it speaks {', '.join(provider.routes)}{_as_own_id(spec.request.model, provider)}"
        )
    terms = resolve_options(model, spec.request)
    if model.price is None and (warning := own_id_warning(models, spec.request.model, provider)):
        terms = replace(terms, warnings=(*terms.warnings, warning))
    return Route(provider, model, terms, FREE if provider.free else terms.price)


def _as_own_id(model: str, provider: Provider) -> str:
    own = provider.own_dialect
    return f". If the server calls a model of its own so, write model: {own}/{model}" if own else ""


def build_order(
    spec: JobSpec,
    *,
    model: str = "",
    terms: ResolvedOptions | None = None,
    images: Iterable[ImageInput] | None = None,
    external_id: str = "",
    parent: Parent | None = None,
) -> GenerationRequest:
    """What is sent for this job, in batchvid's own terms; `model` is the vendor's id of the model.

    Without `terms` the request is unresolved, as for a poll; without `images` their bytes are left out. `parent` is
    the clip that a job with a parent works on; a poll needs none.
    """
    request = spec.request
    if images is None:
        pixels = terms.pixels if terms else None
        images = (
            image_metadata(image, prepare(image, ANY, fit=request.fit, pixels=pixels)) for image in request.images
        )
    return GenerationRequest(
        request=with_values(
            request,
            model=model or request.model,
            duration_s=terms.duration_s if terms else request.duration_s,
            aspect_ratio=terms.aspect_ratio if terms else request.aspect_ratio,
            resolution=terms.resolution if terms else request.resolution,
        ),
        images=tuple(images),
        parent=parent,
        external_id=external_id,
    )


def submitted_generation(job: Job) -> GenerationRequest:
    """What was submitted for this job, as its polls, cancellations and lookups need it: without the images' bytes."""
    generation = build_order(job.spec, model=job.model_sent, external_id=job.external_id)
    return replace(generation, poll_path=job.poll_path, submitted_at=job.submitted_at)


def check(spec: JobSpec, route: Route, parent: Parent = ANY_PARENT) -> None:
    """Raises Unsupported where the model or its dialect cannot do what the job asks, of that `parent` if it has one."""
    catalog.check(route.model, spec.request)
    check_options(route.model, spec.request)
    generation = build_order(
        spec,
        model=route.model.name,
        terms=route.terms,
        images=[image_metadata(image, route.preparation(spec, image)) for image in spec.request.images],
        external_id="plan",
        parent=parent if spec.parent else None,
    )
    DIALECTS[route.model.dialect].submit(generation)


def suggest_models(spec: JobSpec, provider: Provider, models: Models, parent: Parent = ANY_PARENT) -> str:
    """Names other models of this provider that can do all that the job asks; empty when there is none."""
    able = []
    for name, model in models_of(models, provider).rows.items():
        if model.dialect not in provider.routes or model.sunset or name == spec.request.model:
            continue
        with suppress(Unsupported):
            check(spec, Route(provider, model, resolve_options(model, spec.request), FREE), parent)
            able.append(name)
    more = f" and {len(able) - SHOWN_MODELS} more" if len(able) > SHOWN_MODELS else ""
    return f"; models that can: {', '.join(able[:SHOWN_MODELS])}{more}" if able else ""
