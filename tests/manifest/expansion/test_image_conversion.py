"""Which pictures are converted, what is said about unusual ones, and what that does to fingerprints."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid.manifest import load
from batchvid.manifest.expansion.image_reading import read_picture
from tests.manifest.conftest import Mistakes, Specs, Write
from tests.sample_pictures import (
    OTHER_FORMATS,
    animation,
    encoded,
    noise,
    see_through,
    swapped_profile,
    with_exif,
)

CLIP = "clips: [{{id: k, model: m, image: a.bin{more}}}]\n"


def manifest(more: str = "") -> str:
    """A clip with the picture, and these fields."""
    return CLIP.format(more=f", {more}" if more else "")


def warnings(write: Write, more: str = "") -> list[str]:
    """What plan says besides."""
    return list(load(write("m.yaml", manifest(more))).warnings)


@pytest.mark.parametrize("file_format", OTHER_FORMATS)
def test_other_formats_need_convert(write: Write, specs: Specs, mistakes: Mistakes, file_format: str) -> None:
    """Without it an error names the file and says what to write; with it, or with fit, the picture is converted."""
    write("a.bin", encoded(noise(), file_format))
    assert mistakes(manifest()) == [
        f"m.yaml:1: k: image: is {OTHER_FORMATS[file_format]}, which vendors do not take: write convert: true, and it "
        "is sent as JPEG (a.bin)"
    ]
    for more in ("convert: true", "fit: cover"):
        (image,) = specs(manifest(more))["k"].request.images
        assert (image.convert, image.width, image.height) == ("needed", 400, 320)


def test_convert_is_also_a_default(write: Write, specs: Specs) -> None:
    """An entry without it takes it from the defaults, and a false beats them."""
    write("a.bin", encoded(noise(), "BMP"))
    assert specs("defaults: {convert: true}\n" + manifest())["k"].request.images[0].convert == "needed"
    with pytest.raises(Exception, match="write convert: true"):
        specs("defaults: {convert: true}\n" + manifest("convert: false"))


def test_a_picture_that_can_be_sent_keeps_its_fingerprint(write: Write, specs: Specs) -> None:
    """What convert does not change is what was bought before."""
    for file_format in ("JPEG", "PNG", "WEBP"):
        write("a.bin", encoded(noise(), file_format))
        plain, allowed = (specs(manifest(more))["k"] for more in ("", "convert: true"))
        assert plain.fingerprint == allowed.fingerprint
        assert [spec.request.images[0].convert for spec in (plain, allowed)] == ["", "allowed"]


def test_what_convert_changes_is_another_clip(write: Write, specs: Specs) -> None:
    """Other colours and a background are sent, so they are part of the identity."""
    write("a.bin", encoded(noise(), "PNG", icc_profile=swapped_profile()))
    assert specs(manifest())["k"].fingerprint != specs(manifest("convert: true"))["k"].fingerprint
    write("a.bin", encoded(see_through()))
    prints = {specs(manifest(more))["k"].fingerprint for more in ("", "background: white", "background: red")}
    assert len(prints) == 3
    write("a.bin", encoded(see_through(), "HEIF"))  # it is never sent unchanged, and white is the default
    assert specs(manifest("convert: true"))["k"].fingerprint == (
        specs(manifest("convert: true, background: '#FFF'"))["k"].fingerprint
    )


def test_a_background_changes_no_opaque_picture(write: Write, specs: Specs) -> None:
    """An alpha channel without a transparent pixel is no transparency; the bars of contain are coloured, though."""
    opaque = noise().convert("RGBA")
    write("a.bin", encoded(opaque))
    assert specs(manifest())["k"].fingerprint == specs(manifest("background: red"))["k"].fingerprint
    fitted = "aspect_ratio: '1:1', fit: contain"
    assert specs(manifest(fitted))["k"].fingerprint != specs(manifest(f"{fitted}, background: red"))["k"].fingerprint


@pytest.mark.parametrize("colour", ["white", "'#fff'", "'#FFFFFF'", "'rgb(255,255,255)'", "'hsl(0,0%,100%)'"])
def test_colours_are_written_in_many_ways(write: Write, specs: Specs, colour: str) -> None:
    """All of them are one colour."""
    write("a.bin", encoded(see_through()))
    assert specs(manifest(f"background: {colour}"))["k"].fingerprint == (
        specs(manifest("background: white"))["k"].fingerprint
    )


def test_an_unknown_colour_is_refused(write: Write, mistakes: Mistakes) -> None:
    """With a way to write one."""
    write("a.bin", encoded(noise()))
    (problem,) = mistakes(manifest("background: whit"))
    assert "background: must be a colour such as white or '#f0f0f0', not 'whit'" in problem


def test_unusual_pictures_are_mentioned(write: Write) -> None:
    """Each with its name, with what is sent, and with what to write."""
    write("a.bin", animation())
    assert warnings(write, "convert: true") == ["m.yaml:1: k: image: is animated: only the first frame is sent (a.bin)"]
    write("a.bin", encoded(see_through(), "WEBP"))
    assert warnings(write) == [
        "m.yaml:1: k: image: is transparent, and is sent so if the vendor takes it: background: white sets a "
        "colour (a.bin)"
    ]
    assert warnings(write, "background: white") == []
    write("a.bin", encoded(see_through(), "TIFF"))
    assert warnings(write, "convert: true") == [
        "m.yaml:1: k: image: is transparent, and is sent on white: background: black sets another colour (a.bin)"
    ]
    write("a.bin", encoded(noise().convert("CMYK"), "JPEG"))
    assert warnings(write) == [
        "m.yaml:1: k: image: has CMYK colours, which vendors may show wrongly: convert: true sends it as sRGB (a.bin)"
    ]
    assert warnings(write, "convert: true") == []
    write("a.bin", encoded(noise(), "JPEG", exif=with_exif()))
    assert warnings(write) == []


def test_pictures_with_one_problem_share_a_line(write: Write, mistakes: Mistakes) -> None:
    """Two hundred phone pictures are one line, not two hundred."""
    data = encoded(noise((40, 30)), "HEIF")
    for number in range(5):
        write(f"p/{number}.heic", data)
    assert mistakes("clips: [{id: k, model: m, prompt: p, images: p/*}]\n") == [
        "m.yaml:1: k: image: is HEIC, which vendors do not take: write convert: true, and it is sent as JPEG "
        "(p/0.heic, p/1.heic, p/2.heic and 2 more)"
    ]


def test_a_picture_of_a_row_is_named_with_its_row(write: Write, mistakes: Mistakes) -> None:
    """The row as a spreadsheet counts it, the column and the file."""
    write("p/a.gif", encoded(noise((40, 30)), "GIF"))
    write("t.csv", "sku,shot\ns1,a.gif\n")
    text = "clips: [{id: '{{ sku }}', model: m, prompt: p, rows: t.csv, image: 'p/{{ shot }}'}]\n"
    (problem,) = mistakes(text)
    assert problem.endswith("sent as JPEG (t.csv:row 1 (line 2): column shot: p/a.gif)")


def test_what_a_link_leads_to_is_not_converted(write: Write, specs: Specs) -> None:
    """The vendor fetches it."""
    text = manifest("convert: true, background: red").replace("a.bin", "https://cdn.example/a.heic")
    (image,) = specs(text)["k"].request.images
    assert (image.convert, image.background, image.source) == ("", "", "https://cdn.example/a.heic")


@pytest.mark.parametrize("link", ["https://cdn.example/a.HEIC?w=1", "https://cdn.example/a.tif"])
def test_a_link_to_a_format_that_no_vendor_takes_is_mentioned(write: Write, link: str) -> None:
    """It cannot be converted, because it is not fetched here."""
    found = load(write("m.yaml", manifest().replace("a.bin", link))).warnings
    assert len(found) == 1
    assert "file, which vendors refuse: download it, and write convert: true" in found[0]
    assert load(write("m.yaml", manifest().replace("a.bin", "https://cdn.example/a.jpg?from=a.heic"))).warnings == ()


SAMPLES = [
    *(encoded(noise((32, 24)), name) for name in ("JPEG", "PNG", "WEBP", *OTHER_FORMATS)),
    animation(),
    encoded(noise((32, 24)).convert("CMYK"), "JPEG"),
    encoded(noise((32, 24)), "PNG", icc_profile=swapped_profile(), exif=with_exif(6)),
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=200),
        st.tuples(st.sampled_from(SAMPLES), st.integers(0, 4_000), st.binary(min_size=1, max_size=30), st.booleans()),
    )
)
def test_bytes_are_a_picture_or_a_value_error(found: bytes | tuple[bytes, int, bytes, bool]) -> None:
    """Whatever a file holds, also a picture that is cut or overwritten: one line for the user, never a crash."""
    if isinstance(found, tuple):
        data, at, change, is_cut = found
        found = data[:at] + change + (b"" if is_cut else data[at + len(change) :])
    try:
        picture = read_picture(found)
    except ValueError:
        return
    assert picture.width > 0
    assert picture.height > 0


def test_a_raw_file_is_not_taken_for_its_preview(write: Write, mistakes: Mistakes) -> None:
    """A camera's raw file begins with a small picture that nobody means."""
    write("a.bin", encoded(noise((32, 24)), "TIFF", tiffinfo={50706: b"\x01\x04\x00\x00"}))
    (problem,) = mistakes(manifest("convert: true"))
    assert problem == "m.yaml:1: k: image: a.bin is a camera's raw file; export it as JPEG"
