"""Clips made out of other clips: an order that shows the source's picture, for the vendors to lengthen or recolour.

A source that was made elsewhere is not fetched: it is taken on trust, and looks like its link.
"""

from __future__ import annotations

from dataclasses import replace

from batchvid.emulator.rendering.input_images import Still
from batchvid.emulator.rendering.scene import ANOTHER_HUE
from batchvid.emulator.service import Desk, Order
from batchvid.emulator.task import Task

FOREIGN_S = 5.0
FOREIGN_PIXELS = (1280, 720)


def again(source: Task) -> Order:
    """The same clip once more."""
    return Order(
        seconds=source.seconds,
        width=source.width,
        height=source.height,
        images=[Still(**image) for image in source.images],
        references=[Still(**image) for image in source.references],
        scene=source.scene or source.prompt,
        hue=source.hue,
    )


def behind(desk: Desk, url: str, owner: str) -> Order:
    """The clip that a link leads to: one of the asker's own, or one that nobody here has seen."""
    source = desk.behind(url, owner)
    if source is not None:
        return again(source)
    return Order(seconds=FOREIGN_S, width=FOREIGN_PIXELS[0], height=FOREIGN_PIXELS[1], scene=url)


def recoloured(order: Order) -> Order:
    """The same in another hue, as an edit or a remix shows it."""
    return replace(order, hue=(order.hue + ANOTHER_HUE) % 1)
