"""Caps: which attempts each one counts."""

from __future__ import annotations

from batchvid.runner.budget.caps import Cap, SpendingLimits


def test_whom_a_cap_covers() -> None:
    """Everybody, one provider's clips, or those with a tag."""
    limits = SpendingLimits(clips=1)
    assert Cap(prefix="budget.", limits=limits).covers("cometapi", ())
    assert Cap(prefix="p.", limits=limits, provider="cometapi").covers("cometapi", ("hero",))
    assert not Cap(prefix="p.", limits=limits, provider="office").covers("cometapi", ("office",))
    assert Cap(prefix="t.", limits=limits, tag="hero").covers("cometapi", ("wide", "hero"))
    assert not Cap(prefix="t.", limits=limits, tag="hero").covers("hero", ("wide",))
