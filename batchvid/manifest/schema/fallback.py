"""`fallback:` of a clip: which models may be bought in its place, from whom, and for which reasons.

Knows no catalogue: whether such a model exists, and can do what the clip asks, is said by the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from batchvid.domain.job_spec import FallbackTarget, Reason
from batchvid.manifest.reading.safe_names import text_of
from batchvid.manifest.schema import field_types

DEFAULT_REASONS = (Reason.OUTAGE, Reason.QUEUE_STALL, Reason.TIMEOUT, Reason.SUNSET)
"""What counts where nothing is said: trouble of the vendor's, never a refusal of what the clip shows."""


def _reasons(value: Any) -> Any:
    said = [value] if isinstance(value, str) else value
    if not isinstance(said, list) or not said:
        raise ValueError(f"must be a list of {', '.join(Reason)}")
    for one in said:
        if one not in set(Reason):
            raise ValueError(f"must be {', '.join(Reason)}, not {text_of(one)!r}")
    return list(dict.fromkeys(said))


def _models(value: Any) -> Any:
    """Every form in which models may be written, as a list of mappings."""
    said = [value] if isinstance(value, str | dict) else value
    if not isinstance(said, list):
        raise ValueError("must be a model, or a list of models")
    return [one if isinstance(one, dict) else {"model": one} for one in said]


def _whole(value: Any) -> Any:
    """The short forms as the long one: a model or a list of them stands for `models`."""
    if value is None:
        return {"models": []}
    if isinstance(value, dict) and "model" not in value:
        return value
    return {"models": value}


_Name = Annotated[str, BeforeValidator(field_types.word), Field(min_length=1)]
_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, protected_namespaces=())


class OtherModel(BaseModel):
    """A model to turn to."""

    model_config = _STRICT

    model: _Name = Field(description="the catalogue's name of the model")
    provider: _Name | None = Field(None, description="who is asked; the clip's own provider unless said otherwise")


class Fallback(BaseModel):
    """Which models may be bought in the place of the one asked for, and when."""

    model_config = _STRICT

    models: Annotated[
        list[OtherModel], BeforeValidator(_models, json_schema_input_type=str | list[str | OtherModel])
    ] = Field(description="models to turn to, in order")
    on: Annotated[list[Reason], BeforeValidator(_reasons)] = Field(
        list(DEFAULT_REASONS), description="reasons to turn to them; moderation only where it is written"
    )

    def substitutes(self, provider: str) -> tuple[FallbackTarget, ...]:
        """The models, for a clip of that provider."""
        return tuple(FallbackTarget(one.model, one.provider or provider) for one in self.models)


Said = Annotated[Fallback, BeforeValidator(_whole, json_schema_input_type=str | Sequence[str | OtherModel] | Fallback)]
"""A fallback as a manifest may write it: a model, a list of models, or both with their reasons."""


def is_for_overdue(fallback: Fallback | None) -> bool:
    """Whether it names a model for tasks that are past a deadline and may still finish."""
    return bool(fallback and fallback.models and {Reason.QUEUE_STALL, Reason.TIMEOUT} & set(fallback.on))
