"""Kling's legacy wire, as CometAPI serves it: text to video, and image to video with a first and a last frame.

Sources: apidoc.cometapi.com/api/video/kling, Kling's own API pages.
The route adds `/kling` and the key; Kling's own JWT is no business of this file.
"""

from __future__ import annotations

from typing import Any

from batchvid.dialects import replies
from batchvid.dialects.orders import (
    bare_base64,
    check_length,
    check_prompt,
    checked_options,
    field_of,
    first_and_last,
    one_of,
    path_segment,
    refuse_unsaid,
    same_shape,
    whole_seconds,
)
from batchvid.dialects.replies import read_submit
from batchvid.dialects.values import Path
from batchvid.errors import Unsupported
from batchvid.wire import ImageInput, Order, Refused, Request, Response, Status

__all__ = ["poll", "read_poll", "read_submit", "submit"]

PROMPT_MOST = 2500  # official; CometAPI's older pages say 500, and 200 for the negative prompt
RATIOS = {ratio: ratio for ratio in ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3")}
MODES = {"std": "std", "pro": "pro"}
SOUND = {True: "on", False: "off"}
IMAGE_TYPES = ("image/jpeg", "image/png")
IMAGE_BYTES = 10 * 1024 * 1024
IMAGE_SIDE_PX = 300
IMAGE_SHAPE = 2.5  # the longer side over the shorter one, at most
NOT_WITH_A_LAST_FRAME = ("camera_control", "static_mask", "dynamic_masks")

VENDOR: dict[str, Path] = {
    "task_id": ("task_id",),  # the vendor's own, also when the task was asked for by our external id
    "video_id": ("task_result", "videos", 0, "id"),  # what extending the clip will ask for
    "final_unit_deduction": ("final_unit_deduction",),
}


def submit(order: Order) -> Request:
    """Say what to buy; with an image it is another path, and the clip takes the image's shape. Raises Unsupported.

    `external_task_id` carries the order's own id, by which a task whose reply was lost can be found again.
    """
    refuse_unsaid(order, "the Kling wire", ("reference_images", "seed"))
    if order.resolution:
        raise Unsupported("resolution", "Kling takes a mode instead: std is 720p, pro is 1080p")
    first, last = first_and_last(order)
    check_prompt(order, most=PROMPT_MOST, required=first is None)
    check_length("negative_prompt", order.negative_prompt, PROMPT_MOST)
    clash = [name for name in NOT_WITH_A_LAST_FRAME if name in order.options]
    if last and clash:
        raise Unsupported("end_image", f"Kling allows no {clash[0]} together with a last frame")
    seconds = whole_seconds(order)
    body: dict[str, Any] = {
        "model_name": order.model,
        "prompt": order.prompt or None,
        "negative_prompt": order.negative_prompt or None,
        "image": _image(first) if first else None,
        "image_tail": _image(last) if last else None,
        "mode": one_of("mode", order.mode, MODES) if order.mode else None,
        "duration": None if seconds is None else str(seconds),
        "aspect_ratio": _ratio(order, first),
        "sound": None if order.sound is None else SOUND[order.sound],
        "external_task_id": order.external_id or None,
    }
    said = {name: value for name, value in body.items() if value is not None}
    return Request(method="POST", path=_path(order), json={**said, **checked_options(order)})


def poll(order: Order, task_id: str) -> Request:
    """Ask where the task stands, on the path that made it. `task_id` may also be the order's own external id."""
    return Request(method="GET", path=f"{_path(order)}/{path_segment(task_id)}")


def read_poll(response: Response, task_id: str) -> Status | Refused:  # noqa: ARG001 - the port's signature
    """Read a poll reply, native or through a gateway's wrapper. Raises UnreadableReply."""
    return replies.read_poll(response, vendor=VENDOR, billed="final_unit_deduction")


def _path(order: Order) -> str:
    return "/v1/videos/image2video" if order.images else "/v1/videos/text2video"


def _ratio(order: Order, first: ImageInput | None) -> str | None:
    """Translate the aspect ratio. An image sets the shape by itself: there the order may only agree with it."""
    if not order.aspect_ratio:
        return None
    if first is None:
        return one_of("aspect_ratio", order.aspect_ratio, RATIOS)
    if same_shape(order.aspect_ratio, first.width, first.height):
        return None
    shape = f"{first.width}x{first.height}" if first.width else "behind a link"
    raise Unsupported("aspect_ratio", f"Kling follows the image, which is {shape}: crop it, or leave the ratio out")


def _image(image: ImageInput) -> str:
    """Return the image's link, or bare base64: Kling refuses the `data:` prefix."""
    field = field_of(image)
    if image.url:
        return image.url
    if image.media_type not in IMAGE_TYPES:
        raise Unsupported(field, f"JPEG and PNG are allowed, not {image.media_type or 'an unknown type'}")
    if len(image.data) > IMAGE_BYTES:
        raise Unsupported(field, f"at most 10 MB are allowed, not {len(image.data)} bytes")
    if min(image.width, image.height) < IMAGE_SIDE_PX:
        raise Unsupported(field, f"at least 300x300 pixels are asked for, not {image.width}x{image.height}")
    if max(image.width, image.height) > IMAGE_SHAPE * min(image.width, image.height):
        raise Unsupported(field, f"shapes from 1:2.5 to 2.5:1 are allowed, not {image.width}x{image.height}")
    return bare_base64(image)
