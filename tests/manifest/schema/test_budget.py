"""Budgets in the manifest: every mistake in one is told with its line and with the keys that are allowed there."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from batchvid import commands
from batchvid.errors import ManifestError

CLIPS = "clips: [{id: kite, prompt: a kite, model: veo3-fast, tags: [hero]}]"
OF_A_BUDGET = "allow_unpriced, clips, per_day, per_run, seconds, usd"


@pytest.mark.parametrize(
    ("top", "told"),
    [
        ("budget: {per_day: {usd: 0}}", "budget: per_day.usd: must be more than 0"),
        ("budget: {per_run: {clips: 1.5}}", "budget: per_run.clips: must be a whole number"),
        ("budget: {per_day: 10}", "budget: per_day: must be a mapping of keys to values"),
        (
            "budget: {perday: {usd: 1}}",
            "budget: perday: unknown key; did you mean per_day? batchvid schema lists all keys",
        ),
        (
            "budget: {per_day: {allow_unpriced: true}}",
            "budget: per_day.allow_unpriced: unknown key; Allowed: clips, seconds, usd",
        ),
        ("budget: {tags: {hero: {tags: {}}}}", f"budget: tags.hero.tags: unknown key; Allowed: {OF_A_BUDGET}"),
        (
            "providers: {cometapi: {budget: {tags: {hero: {usd: 1}}}}}",
            f"providers.cometapi: budget.tags: unknown key; Allowed: {OF_A_BUDGET}",
        ),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, top: str, told: str) -> None:
    """File, line, key, and what may stand there: nothing that limits money is silently without effect."""
    (tmp_path / "m.yaml").write_text(f"batch: kites\n{top}\n{CLIPS}", "utf-8")
    with pytest.raises(ManifestError) as raised:
        commands.load(tmp_path / "m.yaml")
    assert list(raised.value.problems) == [f"{tmp_path / 'm.yaml'}:2: {told}"]


def test_a_budget_may_be_overlaid(tmp_path: Path) -> None:
    """`--set` reaches every key of it."""
    (tmp_path / "m.yaml").write_text(f"budget: {{usd: 40, per_day: {{usd: 10}}}}\n{CLIPS}", "utf-8")
    batch = commands.load(tmp_path / "m.yaml", sets=["budget.per_day.usd=2.5", "budget.tags.hero.clips=3"])
    budget = batch.manifest.settings.budget
    assert (budget.usd, budget.per_day.usd, budget.tags["hero"].clips) == (Decimal(40), Decimal("2.5"), 3)
