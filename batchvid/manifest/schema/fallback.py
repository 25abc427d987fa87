"""`fallback:` of a clip: which models may be bought instead, from which provider, and for which reasons.

Knows no catalogue: the plan checks that such a model exists and can make the clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from batchvid.domain.job_spec import FallbackTarget, Reason
from batchvid.manifest.reading.safe_names import text_of
from batchvid.manifest.schema import field_types

DEFAULT_REASONS = (Reason.OUTAGE, Reason.QUEUE_STALL, Reason.TIMEOUT, Reason.SUNSET)
"""The default: problems of the vendor, never a refusal of the content."""


def _reasons(value: Any) -> Any:
    reasons = [value] if isinstance(value, str) else value
    if not isinstance(reasons, list) or not reasons:
        raise ValueError(f"must be a list of {', '.join(Reason)}")
    for reason in reasons:
        if reason not in set(Reason):
            raise ValueError(f"must be {', '.join(Reason)}, not {text_of(reason)!r}")
    return list(dict.fromkeys(reasons))


def _models(value: Any) -> Any:
    """Every notation of models, as a list of mappings."""
    written = [value] if isinstance(value, str | dict) else value
    if not isinstance(written, list):
        raise ValueError("must be a model, or a list of models")
    return [one if isinstance(one, dict) else {"model": one} for one in written]


def _expand_short_form(value: Any) -> Any:
    """A model or a list of models is short for `models`."""
    if value is None:
        return {"models": []}
    if isinstance(value, dict) and "model" not in value:
        return value
    return {"models": value}


_Name = Annotated[str, BeforeValidator(field_types.word), Field(min_length=1)]
_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, protected_namespaces=())


class OtherModel(BaseModel):
    """A model to switch to."""

    model_config = _STRICT

    model: _Name = Field(description="the catalogue's name of the model")
    provider: _Name | None = Field(None, description="its provider; default: the provider of the clip")


class Fallback(BaseModel):
    """Which models may be bought instead of the requested one, and when."""

    model_config = _STRICT

    models: Annotated[
        list[OtherModel], BeforeValidator(_models, json_schema_input_type=str | list[str | OtherModel])
    ] = Field(description="models to switch to, in order")
    on: Annotated[list[Reason], BeforeValidator(_reasons)] = Field(
        list(DEFAULT_REASONS), description="reasons to switch to them; moderation only if it is listed"
    )

    def substitutes(self, provider: str) -> tuple[FallbackTarget, ...]:
        """The models to switch to, for a clip of that provider."""
        return tuple(FallbackTarget(other.model, other.provider or provider) for other in self.models)


FallbackField = Annotated[
    Fallback, BeforeValidator(_expand_short_form, json_schema_input_type=str | Sequence[str | OtherModel] | Fallback)
]
"""A fallback in every notation of the manifest: a model, a list of models, or both with reasons."""


def is_for_overdue(fallback: Fallback | None) -> bool:
    """Whether it names a model for tasks that are past their timeout and may still finish."""
    return bool(fallback and fallback.models and {Reason.QUEUE_STALL, Reason.TIMEOUT} & set(fallback.on))
