"""A job's wishes at a model: defaults are always sent, moved wishes are said, what cannot be is told in our words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from batchvid.catalog import Model, built_in, check, resolve_options
from batchvid.domain.clip_request import ImageRef, ImageRole
from batchvid.errors import Unsupported
from tests.builders import clip_request, sold

find = sold().find


def image(role: ImageRole = "first", width: int = 1600, height: int = 900, **fields: Any) -> ImageRef:
    """A local picture."""
    given = {"source": "/photos/a.jpg", "sha256": "ab" * 32, "media_type": "image/jpeg", **fields}
    return ImageRef(role=role, width=width, height=height, **given)


LINK = image(source="https://cdn.example/a.jpg", width=0, height=0, sha256="")
EXACT = Model(
    name="exact",
    dialect="veo",
    images={"first": 1, "last": 1, "reference": 2},
    actions=("edit",),
    durations_s=(5.0, 6.0),
    default_duration_s=5,
    aspect_ratios=("16:9", "1:1", "9:16"),
    default_ratio="16:9",
    resolutions=("480p", "720p"),
    default_resolution="720p",
)


def test_defaults_are_always_sent() -> None:
    """Length, ratio and resolution are said in every request, also where the manifest says nothing."""
    terms = resolve_options(EXACT, clip_request())
    assert (terms.duration_s, terms.aspect_ratio, terms.resolution) == (5, "16:9", "720p")
    assert (terms.pixels, terms.warnings) == (None, ())


def test_what_is_said_is_sent() -> None:
    """A wish is never overruled by a default."""
    terms = resolve_options(EXACT, clip_request(duration_s=6, aspect_ratio="9:16", resolution="480p"))
    assert (terms.duration_s, terms.aspect_ratio, terms.resolution) == (6, "9:16", "480p")


def test_work_on_another_clip_keeps_its_length_and_shape() -> None:
    """For an action no default is sent; a length that is said still becomes a step."""
    terms = resolve_options(EXACT, clip_request(action="edit"))
    assert (terms.duration_s, terms.aspect_ratio, terms.resolution) == (None, "", "")
    assert resolve_options(EXACT, clip_request(action="edit", duration_s=9)).duration_s == 6


@pytest.mark.parametrize(
    ("width", "height", "ratio"), [(1600, 900, "16:9"), (900, 1600, "9:16"), (800, 1000, "1:1"), (3000, 400, "16:9")]
)
def test_a_first_frame_chooses_the_nearest_ratio(width: int, height: int, ratio: str) -> None:
    """A portrait is not made a landscape by a default; a ratio that is said is kept all the same."""
    frame = image(width=width, height=height)
    assert resolve_options(EXACT, clip_request(images=(frame,))).aspect_ratio == ratio
    assert resolve_options(EXACT, clip_request(images=(frame,), aspect_ratio="1:1")).aspect_ratio == "1:1"


def test_a_shape_that_is_given_needs_no_ratio() -> None:
    """Kling follows its first frame; exact pixels are a shape already; behind a link there is nothing to be near to."""
    assert resolve_options(find("kling-v2-6"), clip_request(images=(image(),))).aspect_ratio == ""
    assert resolve_options(find("kling-v2-6"), clip_request()).aspect_ratio == "16:9"
    assert resolve_options(EXACT, clip_request(resolution="1280x720")).aspect_ratio == ""
    assert resolve_options(EXACT, clip_request(images=(LINK,))).aspect_ratio == "16:9"
    assert resolve_options(EXACT, clip_request(images=(image("reference", 10, 90),))).aspect_ratio == "16:9"


def test_exact_pixels_stand_for_a_ratio() -> None:
    """Sora takes pixels only: the ratio brings its own, and a resolution that is said stays."""
    assert resolve_options(find("sora-2"), clip_request()).resolution == "1280x720"
    assert resolve_options(find("sora-2-pro"), clip_request(aspect_ratio="4:7")).resolution == "1024x1792"
    assert resolve_options(find("sora-2"), clip_request(resolution="720x1280")).resolution == "720x1280"


def test_a_price_is_that_of_what_is_sent() -> None:
    """The default resolution has its price, and so has the step that a wish is moved to."""
    own = built_in().merged_with(
        {
            "exact": {
                "dialect": "veo",
                "durations_s": "5-6",
                "default_resolution": "720p",
                "price": {"as_of": "2026", "source": "x", "tiers": [{"resolution": "720p", "usd_per_s": "0.5"}]},
            }
        }
    )
    model = sold(own).find("exact")
    assert resolve_options(model, clip_request(duration_s=40)).price.usd == Decimal(3)
    assert resolve_options(model, clip_request(duration_s=40, resolution="480p")).price.usd is None


@pytest.mark.parametrize(
    ("model", "fields", "warning"),
    [
        ("veo3-fast", {"duration_s": 5}, "veo3-fast is sold in 4, 6, 8 s: 5 s becomes 4 s"),
        ("sora-2", {"duration_s": 16}, "sora-2: 16 s may be refused; 4, 8, 12 s is certain"),
        ("kling-v2-6", {"aspect_ratio": "3:2"}, "kling-v2-6: 3:2 may be refused; 16:9, 9:16, 1:1 is certain"),
        ("kling-v2-6", {"prompt": "k" * 501}, "kling-v2-6: a prompt of more than 500 characters may be refused"),
        ("kling-video-o1", {"duration_s": 11}, "kling-video-o1 is sold in 3-10 s: 11 s becomes 10 s"),
    ],
)
def test_what_differs_or_may_fail_is_warned_of(model: str, fields: dict[str, Any], warning: str) -> None:
    """One sentence each, with what is certain; such a job can be bought."""
    job = clip_request(model=model, **fields)
    assert resolve_options(find(model), job).warnings == (warning,)
    check(find(model), job)


@pytest.mark.parametrize(
    ("fields", "word", "said"),
    [
        ({"action": "extend"}, "action", "cannot extend; it can do text, image, end-image, references, edit"),
        ({"aspect_ratio": "4:3"}, "aspect_ratio", "cannot do 4:3; it can do 16:9, 1:1, 9:16"),
        ({"resolution": "1080p"}, "resolution", "cannot do 1080p; it can do 480p, 720p"),
        (
            {"images": (image(), image())},
            "image",
            "cannot take 2 of them; it takes 1 image, 1 end_image, 2 reference_images",
        ),
        ({"fit": "cover"}, "fit", "is for image and end_image, and there is none"),
        ({"fit": "cover", "images": (image("reference"),)}, "fit", "is for image and end_image"),
        (
            {
                "fit": "cover",
                "images": (image(), image("last", source="https://a.example/b.png")),
                "aspect_ratio": "1:1",
            },
            "fit",
            "cannot change an image behind a link",
        ),
        ({"fit": "cover", "images": (image(),), "resolution": "720p"}, "fit", "needs an aspect_ratio"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], word: str, said: str) -> None:
    """In the manifest's own words, with what is allowed."""
    with pytest.raises(Unsupported) as raised:
        check(EXACT, clip_request(**fields))
    assert raised.value.field == word
    assert raised.value.reason.startswith(said)


@pytest.mark.parametrize(
    ("needs", "fields", "word"),
    [("image", {}, "image"), ("references", {"images": (image(),)}, "reference_images"), ("action", {}, "action")],
)
def test_what_no_clip_can_be_without(needs: Any, fields: dict[str, Any], word: str) -> None:
    """A model that only animates, or only edits, says what is missing; an action needs no image."""
    model = Model(name="m", dialect="veo", needs=needs)
    with pytest.raises(Unsupported) as raised:
        check(model, clip_request(**fields))
    assert raised.value.field == word
    check(model, clip_request(action="edit"))


def test_what_is_not_known_is_left_to_the_vendor() -> None:
    """A model without limits takes any ratio, resolution, mode, action and number of images."""
    anything: dict[str, Any] = {"aspect_ratio": "3:7", "resolution": "8k", "mode": "art", "action": "remix"}
    check(Model(name="m", dialect="veo"), clip_request(images=(image(), image("last")), **anything))
    check(EXACT, clip_request(resolution="720P"))
    check(EXACT, clip_request(resolution="1111x999"))


@pytest.mark.parametrize(
    ("fields", "pixels"),
    [
        ({"aspect_ratio": "16:9"}, (1280, 720)),
        ({"aspect_ratio": "9:16", "resolution": "480p"}, (480, 854)),
        ({"aspect_ratio": "1:1", "resolution": "640x480"}, (640, 480)),
        ({"resolution": "834x1112"}, (834, 1112)),
    ],
)
def test_a_frame_is_fitted_to_what_will_be_bought(fields: dict[str, Any], pixels: tuple[int, int]) -> None:
    """Exact pixels as they are, else the tier's lines at the short side; both sides even."""
    job = clip_request(fit="cover", images=(image(),), **fields)
    assert resolve_options(EXACT, job).pixels == pixels


def test_a_fit_to_a_ratio_alone_keeps_detail() -> None:
    """Where no tier is known a frame gets 1080 lines; where exact pixels stand for the ratio, those."""
    job = clip_request(fit="cover", images=(image(),), aspect_ratio="9:16")
    assert resolve_options(find("kling-v2-6"), job).pixels == (1080, 1920)
    assert resolve_options(find("sora-2"), job).pixels == (720, 1280)
