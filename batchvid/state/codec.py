"""Jobs and events to and from the JSON of the state file.

Signed links of clips are left out: a new poll returns new ones. Jobs, events and specs hold no secrets. An input link
is kept without its query, which may sign it: a job is only bought with the manifest at hand, which has the whole link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, replace
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

import orjson
from pydantic import TypeAdapter

from batchvid.domain import events as ev
from batchvid.domain.clip_request import ClipRequest, ImageRef
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Asset
from batchvid.redaction import hide_all, hide_links, may_hold_secrets
from batchvid.renamed_keys import JOB_FIELDS, with_current_names

REQUEST_FOLLOWS = ",\n"  # between two fields; no JSON text of ours has a raw line end anywhere else

NEEDED = frozenset({"task_id", "assets", "origin", "prefix", "external_id", "call_fingerprint", "poll_path"})
"""Kept as they are: without them a paid clip cannot be collected."""

_RENAMED_FIELD = re.compile("|".join(f'"{name}":' for name in JOB_FIELDS))  # a quote inside a value is escaped
_SPEC = TypeAdapter(JobSpec)
_JOB = TypeAdapter(Job)
_EVENTS: dict[str, TypeAdapter[Any]] = {}


def _default(field: Field[Any]) -> object:
    """A field's default; for a required field a marker that equals no value."""
    return field.default_factory() if field.default_factory is not MISSING else field.default


_SPEC_DEFAULTS = {f.name: _default(f) for f in fields(JobSpec) if f.name != "request"}
_REQUEST_DEFAULTS = {f.name: _default(f) for f in fields(ClipRequest)}
_JOB_DEFAULTS = {f.name: _default(f) for f in fields(Job) if f.name not in ("spec", "state")}
_SPEC_VALUES, _REQUEST_VALUES = attrgetter(*_SPEC_DEFAULTS), attrgetter(*_REQUEST_DEFAULTS)  # all fields in one step
_JOB_VALUES = attrgetter(*_JOB_DEFAULTS)
_IMAGE_FIELDS = tuple(f.name for f in fields(ImageRef))
_IMAGE_VALUES = attrgetter(*_IMAGE_FIELDS)
_ADDED_TO_IMAGES = frozenset({"convert", "background"})


def dump_spec(spec: JobSpec) -> str:
    """A JobSpec as flat JSON: its fields, then on a new line those of its request; without defaults."""
    text = _flat(spec)
    return _flat(without_links(spec)) if "://" in text or may_hold_secrets(text) else text


def _flat(spec: JobSpec) -> str:
    own = _dumps(_non_defaults(_SPEC_DEFAULTS, _SPEC_VALUES(spec)))
    values = _non_defaults(_REQUEST_DEFAULTS, _REQUEST_VALUES(spec.request))
    if spec.request.images:
        values["images"] = [_image(image) for image in spec.request.images]
    return f"{own[:-1]}{REQUEST_FOLLOWS}{_dumps(values)[1:]}"


def _image(image: ImageRef) -> dict[str, object]:
    """An image as older versions write it, and what newer ones add if it is set."""
    values = zip(_IMAGE_FIELDS, _IMAGE_VALUES(image), strict=True)
    return {name: value for name, value in values if value or name not in _ADDED_TO_IMAGES}


def without_links(spec: JobSpec) -> JobSpec:
    """The spec without secrets in its inputs; its fingerprint is still that of the whole links."""
    request = spec.request
    hidden = {
        "images": tuple(replace(image, source=hide_links(image.source)) if image.is_url else image
                        for image in request.images),
        "video": hide_links(request.video),
        "audio": request.audio if request.audio.startswith("data:") else hide_links(request.audio),
        "options": hide_links(request.options),
    }  # fmt: skip
    row = replace(spec.row, file=hide_links(spec.row.file)) if spec.row else None
    return replace(spec.with_request(**hidden), variables=hide_links(spec.variables), row=row)


def load_spec(text: str) -> JobSpec:
    """The JobSpec of one row."""
    return _SPEC.validate_json(_nest_request(text))


def _nest_request(flat: str) -> str:
    """A spec's flat JSON with the request as an object of its own.

    In a row without the new line, from an older version, the whole object is also the request: each class reads its
    own fields and ignores the others.
    """
    own, found, request = flat.partition(REQUEST_FOLLOWS)
    return f'{own},"request":{{{request}}}' if found else f'{{"request":{flat},{flat[1:]}'


def dump_job_data(job: Job) -> str:
    """What a Job has beyond its spec, state and defaults, as JSON."""
    values = _non_defaults(_JOB_DEFAULTS, _JOB_VALUES(job))
    if job.assets:
        values["assets"] = _keyed_assets(job.assets)
    return _without_secrets(_dumps(values))


def load_job(state: str, spec: str, job_data: str) -> Job:
    """The Job of one row. Raises pydantic.ValidationError for a row that was tampered with."""
    rest = "}" if job_data == "{}" else f",{_with_current_names(job_data)[1:]}"
    return _JOB.validate_json(f'{{"state":"{state}","spec":{_nest_request(spec)}{rest}')  # in one pass, without a dict


def dump_event(event: ev.Event) -> str:
    """An event's fields as JSON, without a spec: the job's row holds it. Of a plan only the fingerprint."""
    if isinstance(event, ev.Planned):
        return _dumps({"fingerprint": event.spec.fingerprint})
    data = {f.name: getattr(event, f.name) for f in fields(event) if f.name not in ("at", "spec")}
    if isinstance(event, ev.TaskSucceeded):
        data["assets"] = _keyed_assets(event.assets)
    return _without_secrets(_dumps(data))


def load_event(name: str, at: str, data: str, spec: JobSpec) -> ev.Event:
    """The event of one row; `spec` is the job's own, for a plan or an adoption. Raises KeyError for an unknown name."""
    kind = ev.KINDS[name]
    if kind is ev.Planned:
        return ev.Planned(at=datetime.fromisoformat(at), spec=spec)
    if name not in _EVENTS:  # an adapter takes a millisecond to build: once a kind, not once a row
        _EVENTS[name] = TypeAdapter(kind)
    values = {**orjson.loads(_with_current_names(data)), "at": at}
    if kind is ev.Adopted:
        values["spec"] = spec
    event: ev.Event = _EVENTS[name].validate_python(values)
    return event


def _with_current_names(text: str) -> str:
    """The JSON of a job or an event with current field names."""
    return _dumps(with_current_names(orjson.loads(text), JOB_FIELDS)) if _RENAMED_FIELD.search(text) else text


def _non_defaults(defaults: Mapping[str, object], values: Iterable[object]) -> dict[str, object]:
    """The fields that differ from their defaults: most jobs have few."""
    return {name: v for (name, default), v in zip(defaults.items(), values, strict=True) if v != default}


def _keyed_assets(assets: tuple[Asset, ...]) -> list[Asset]:
    """The content routes, which need the key. A link, also a relative one, may be signed: it is a secret, and expires.

    None where the task made several clips: a content route gives one of them, so the next run polls for all links.
    """
    if any(asset.output > 1 for asset in assets):
        return []
    return [asset for asset in assets if asset.keyed and not asset.from_origin]


def _without_secrets(text: str) -> str:
    """The JSON of a job or an event without secrets in what it needs no more than to show it."""
    if not may_hold_secrets(text):
        return text
    return _dumps({name: value if name in NEEDED else hide_all(value) for name, value in orjson.loads(text).items()})


def _dumps(value: object) -> str:
    return orjson.dumps(value, default=_decimal_as_text).decode()


def _decimal_as_text(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)
