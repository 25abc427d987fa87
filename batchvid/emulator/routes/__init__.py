"""The table of vendors. To add one: write its module, add one line here."""

from batchvid.emulator.routes import ark, catalogue, gateway, kling, newapi, runway, videos, xai

MODULES = (videos, kling, runway, xai, gateway, newapi, ark, catalogue)
"""Each has `FAMILIES`, and `register(router, desk, clips)`."""

FAMILIES = {family.name: family for module in MODULES for family in module.FAMILIES}
"""Every family by its name in settings, fault rules and the ledger."""
