"""Refuses options that buy something else than what the plan prices. Pure.

The dialects refuse what no wire may replace (model, number of clips, length). The rest depends on the catalogue: where
a model has a price, everything that vendors price is written with the manifest's keys; where it has none, no figure of
the plan can be wrong, and the vendor's own fields pass.
"""

from __future__ import annotations

from batchvid.catalog import Model
from batchvid.dialects.common.option_words import Paid, PaidOption, paid_options
from batchvid.dialects.common.request_building import refuse_option
from batchvid.domain.clip_request import ClipRequest

OWN_MODE = frozenset({"gateway"})
"""Dialects whose `mode` names the inputs of a clip, not a quality (dialects/gateway.NEEDS)."""


def check_options(model: Model, request: ClipRequest) -> None:
    """Raises Unsupported for the first option that changes what this model is priced by."""
    priced = priced_by(model)
    for option in paid_options(request.options) if request.options and priced else ():
        if option.meaning in priced and not _is_mode_of_wire(model, option):
            refuse_option(option)


def priced_by(model: Model) -> frozenset[Paid]:
    """What the price of a clip of this model depends on, or may depend on without being listed. Free stays free."""
    tiers = model.price.tiers if model.price else ()
    if not any(tier.usd_per_s or tier.usd_per_clip or tier.usd_per_million_tokens for tier in tiers):
        return frozenset()
    by_length = any(tier.is_by_length for tier in tiers)
    return frozenset({Paid.SIZE, Paid.MODE, Paid.SOUND, *((Paid.FRAMES,) if by_length else ())})


def _is_mode_of_wire(model: Model, option: PaidOption) -> bool:
    tiers = model.price.tiers if model.price else ()
    qualities = {*model.modes, *(tier.mode for tier in tiers)}
    return model.dialect in OWN_MODE and option.path == "mode" and option.value not in qualities
