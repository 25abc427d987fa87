"""Builds the paid call of a job, and the same call once more where a vendor knows it by its idempotency key.

A call is repeated only byte for byte: with another body, or from another account, the vendor might sell a second task.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import orjson

from batchvid.catalog import Provider
from batchvid.dialects import DIALECTS
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job
from batchvid.domain.wire import GenerationRequest, Request
from batchvid.errors import StorageError, Unsupported, UsageError, WireError
from batchvid.planning.routing import build_order
from batchvid.runner.context import RunContext
from batchvid.runner.providers.provider_state import ProviderState
from batchvid.runner.submission.image_loader import ImageReader
from batchvid.runner.submission.parent_link import request_for


def repeats_calls(provider: Provider, dialect: str) -> bool:
    """Whether a lost submit in this wire format is looked up by the same call."""
    method = DIALECTS[dialect].lookups.get(provider.lookup.get(dialect, ""))
    return method is not None and method.replays


async def build_call(
    context: RunContext,
    provider_state: ProviderState,
    spec: JobSpec,
    images: ImageReader,
    *,
    external_id: str,
    attempt: int,
) -> tuple[GenerationRequest, Request]:
    """The paid call of this attempt, and what it asks for.

    Raises StorageError and Unsupported; then nothing was sent.
    """
    route = context.route(spec)
    generation = build_order(
        spec,
        model=route.model.name,
        terms=route.terms,
        images=await images.read(spec, route),
        external_id=external_id,
    )
    if context.callbacks is not None:
        generation = replace(generation, callback_url=context.callbacks.addresses.url(spec.id, attempt))
    return generation, await request_for(context, provider_state, spec, route.model.dialect, generation)


async def fingerprint(provider_state: ProviderState, prefix: str, request: Request) -> str:
    """What is equal for two calls only if the same account sends the same bytes; empty if no key can be had now.

    A key that changes with each call, such as a signed token, makes each call another.
    """
    try:
        account = await provider_state.access.headers()
    except WireError:
        return ""
    parts = [[part.name, part.filename, part.content_type, part.value.hex()] for part in request.parts]
    place = [request.method, prefix, request.path, sorted(request.headers.items()), sorted(account.items())]
    return hashlib.sha256(orjson.dumps([place, parts]) + orjson.dumps(request.json)).hexdigest()


async def same_call(context: RunContext, provider_state: ProviderState, job: Job, images: ImageReader) -> Request | str:
    """The paid call of a lost submit, to be sent once more, or in words why it may not be."""
    if job.id not in context.retryable_ids:
        return "this run does not buy it"
    if stopped := context.stop_reason or provider_state.stop_reason:
        return stopped
    if not job.call_fingerprint:
        return "what it sent is not known"
    try:
        _, request = await build_call(
            context, provider_state, job.spec, images, external_id=job.external_id, attempt=job.attempts
        )
        is_same = await fingerprint(provider_state, job.prefix, request) == job.call_fingerprint
    except (StorageError, Unsupported, UsageError) as exc:
        return str(exc)
    return request if is_same else "it would not be the same call: what it sends, or the key, has changed"
