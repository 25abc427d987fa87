"""Input images: looked at once, refused when they are not whole, named with where they were looked for."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from batchvid.manifest.expansion import image_files
from batchvid.manifest.expansion.image_files import ImageCache, ImageFile
from batchvid.manifest.expansion.image_reading import CAN_BE_SENT, Picture
from batchvid.manifest.expansion.path_matching import matching
from tests.manifest.conftest import Mistakes, Specs, Write


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20), turn: int = 0) -> bytes:
    data, exif = io.BytesIO(), Image.Exif()
    if turn:
        exif[0x0112] = turn
    Image.effect_noise(size, 80).convert("RGB").save(data, kind, exif=exif)
    return data.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def refusal(said: str, *folders: str) -> str:
    with pytest.raises(ValueError) as raised:
        ImageCache().find(said, tuple(Path(folder) for folder in folders or (".",)))
    return str(raised.value)


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_what_an_image_is(write: Write, kind: str, media_type: str) -> None:
    """Type, size and digest are read out of the bytes, whatever the file is called."""
    data = picture(kind)
    path = write("shots/a.bin", data)
    picture_read = Picture(media_type, 40, 20)
    expected = ImageFile(str(path.absolute()), hashlib.sha256(data).hexdigest(), len(data), picture_read)
    assert expected == ImageCache().find("a.bin", (Path("shots"),))


@pytest.mark.parametrize(("turn", "size"), [(1, (40, 20)), (3, (40, 20)), (6, (20, 40)), (8, (20, 40))])
def test_sizes_are_as_seen_upright(write: Write, turn: int, size: tuple[int, int]) -> None:
    """A phone's EXIF turn swaps width and height, and is told: the bytes themselves are not upright."""
    write("a.jpg", picture("JPEG", turn=turn))
    found = ImageCache().find("a.jpg", (Path(),)).picture
    assert size == (found.width, found.height)
    assert found.turned == (turn != 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_a_file_cut_short_is_refused(write: Write, kind: str, part: float) -> None:
    """Half a download is not an image, although its header says that it is."""
    data = picture(kind, (200, 200))
    write("a.jpg", data[: int(len(data) * part)])
    assert "a.jpg is damaged" in refusal("a.jpg") or "a.jpg is not an image" in refusal("a.jpg")


def test_other_formats_are_named(write: Write) -> None:
    """What cannot be sent is told by its real name."""
    write("a.jpg", picture("PPM"))
    write("b.jpg", b"\x00\x00\x00\x18ftypheic" + b"\x00" * 40)
    write("c.jpg", b"<html>not found</html>")
    write("d.jpg", b"")
    write("e.jpg", b"\x00\x00\x00\x18ftypisom" + b"\x00" * 40)
    write("f.jpg", b"any bytes")
    assert refusal("a.jpg") == f"a.jpg is PPM; {CAN_BE_SENT}"
    assert refusal("b.jpg") == f"b.jpg is HEIC, AVIF or a video that cannot be read; {CAN_BE_SENT}"
    assert refusal("c.jpg") == f"c.jpg is a web page; {CAN_BE_SENT}"
    assert refusal("d.jpg") == f"d.jpg is empty; {CAN_BE_SENT}"
    assert refusal("e.jpg") == f"e.jpg is a video; {CAN_BE_SENT}"
    assert refusal("f.jpg") == f"f.jpg is not an image; {CAN_BE_SENT}"


def test_bombs_are_refused_before_they_are_decoded(write: Write) -> None:
    """A small file that claims a huge picture is refused by its header, at both of Pillow's thresholds."""
    for side in (11_000, 60_000):
        head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        write("a.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"x")))
        assert "pixels" in refusal("a.png")


def test_large_files_are_refused_unread(write: Write) -> None:
    """The size on disk is looked at first."""
    path = write("a.jpg", b"")
    with path.open("r+b") as file:
        file.truncate(image_files.MAX_BYTES + 1_000_000)
    assert refusal("a.jpg") == "a.jpg has 51 MB; at most 50 MB can be sent"


def test_a_missing_file_says_where_it_was_looked_for(write: Write, tmp_path: Path) -> None:
    """Every place is named, as an absolute path."""
    write("x/here.txt", "")
    expected = f"there is no file a.png; it was looked for at {tmp_path}/x/a.png and {tmp_path}/y/a.png"
    expected += "; the folder has no pictures"
    assert expected == refusal("a.png", "x", "y")


def test_a_directory_is_no_image(write: Write) -> None:
    """A folder's name is not a file."""
    write("shots/a.txt", "")
    assert "there is no file shots" in refusal("shots")


def test_urls(write: Write) -> None:
    """An https address is passed on as it is; every other one is refused."""
    write("x", "")
    url = "https://cdn.example.com/a b.png".replace(" ", "%20")
    assert ImageFile(url) == ImageCache().find(url, (Path(),))
    for said in ("ftp://x/y", "https://", "https://[", "https://a b"):
        assert "an https:// address that the vendor can fetch" in refusal(said)


def test_each_file_is_read_once(write: Write) -> None:
    """However it is named, a file is read and hashed once for a manifest: a change in between is not seen."""
    path = write("shots/a.png", picture())
    found = ImageCache()
    first = found.find("a.png", (Path("shots"),))
    path.write_bytes(b"gone")
    assert first == found.find("shots/a.png", (Path(),))
    assert first == found.find("a.png", (Path("shots"),))


def test_patterns(write: Write) -> None:
    """Case does not matter, hidden files do not count, ** goes down, and the order is fixed."""
    for name in ("b.JPG", "A.jpg", ".hidden.jpg", "c.png", "deep/er/d.jpg", "deep/e.Jpg"):
        write(f"p/{name}", "")
    assert matching("p/*.jpg", Path()) == ["p/A.jpg", "p/b.JPG"]
    assert matching("./P/*.JPG", Path()) == ["p/A.jpg", "p/b.JPG"]
    assert matching("**/*.jpg", Path("p")) == ["A.jpg", "b.JPG", "deep/e.Jpg", "deep/er/d.jpg"]
    assert matching("deep/**", Path("p")) == ["deep/e.Jpg", "deep/er/d.jpg"]
    assert matching("../p/?.png", Path("p")) == ["../p/c.png"]
    assert [str(Path("p").absolute() / "c.png")] == matching(str(Path("p").absolute() / "*.png"), Path("elsewhere"))
    assert matching("q/*.jpg", Path()) == []
    assert matching("p/..", Path()) == []
    assert matching("*.jpg", Path("nowhere")) == []
    assert matching("a\0/../*.jpg", Path()) == []
    assert matching("**/**/**/a.jpg", Path("p")) == ["A.jpg"]


GLOB = "clips:\n  - id: front\n    images: photos/*.jpg\n    prompt: slow push-in on {{ image_stem }}\n    model: m\n"


def test_one_job_an_image(write: Write, specs: Specs) -> None:
    """A pattern makes a job for each file, named by it, with the image as first frame."""
    for name in ("b.jpg", "A.JPG"):
        write(f"photos/{name}", picture("JPEG"))
    found = specs(GLOB)
    assert list(found) == ["front_A", "front_b"]
    assert found["front_A"].request.prompt == "slow push-in on A"
    assert found["front_A"].variables == {"image_name": "A.JPG"}
    (ref,) = found["front_A"].request.images
    assert ("first", str(Path("photos/A.JPG").absolute()), 40, 20) == (ref.role, ref.source, ref.width, ref.height)


def test_the_stem_in_the_id_is_not_added_again(write: Write, specs: Specs) -> None:
    """An id template that uses the image needs no ending; where picks among images as well."""
    write("photos/a.jpg", picture("JPEG"))
    write("photos/b.jpg", picture("JPEG"))
    text = GLOB.replace("id: front", 'id: "x-{{ image_stem }}"') + "    where: image_stem != 'b'\n"
    assert list(specs(text)) == ["x-a"]


def test_roles_and_order(write: Write, specs: Specs) -> None:
    """image, end_image and reference_images become first, last and reference, in that order."""
    for name in "abcd":
        write(f"{name}.png", picture())
    text = "clips:\n  - {id: k, model: m, reference_images: [c.png, d.png], end_image: b.png, image: a.png}\n"
    refs = specs(text)["k"].request.images
    assert [(ref.role, Path(ref.source).stem) for ref in refs] == [
        ("first", "a"),
        ("last", "b"),
        ("reference", "c"),
        ("reference", "d"),
    ]


def test_bytes_not_names_make_the_fingerprint(write: Write, specs: Specs) -> None:
    """Moving an image changes nothing that is paid for; changing its bytes does."""
    data = picture()
    write("a.png", data)
    write("b.png", data)
    text = "clips: [{id: k, model: m, image: a.png}]\n"
    first = specs(text)["k"].fingerprint
    assert first == specs(text.replace("a.png", "b.png"))["k"].fingerprint
    write("a.png", picture(size=(41, 20)))
    assert first != specs(text)["k"].fingerprint


def test_images_are_beside_the_file_that_names_them(write: Write, specs: Specs) -> None:
    """A path is relative to the manifest that says it; a table's is looked for beside the table as well."""
    write("sub/inner.yaml", "defaults: {end_image: logo.png}\nclips: [{id: inner, model: m, image: a.png}]\n")
    write("sub/logo.png", picture())
    write("sub/a.png", picture())
    write("data/t.csv", "sku,shot\ns1,b.png\n")
    write("data/b.png", picture())
    text = 'include: sub/inner.yaml\nclips:\n  - {id: "{{ sku }}", rows: data/t.csv, model: m, image: "{{ shot }}"}\n'
    found = specs(text)
    sources = {
        name: [Path(ref.source).relative_to(Path.cwd()).as_posix() for ref in spec.request.images]
        for name, spec in found.items()
    }
    assert sources == {"s1": ["data/b.png", "sub/logo.png"], "inner": ["sub/a.png", "sub/logo.png"]}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("images: '*.jpg'", "m.yaml:1: k: images: no file matches *.jpg; it was looked for below "),
        ("images: '{{ x }}'", "m.yaml:1: k: images: nothing is called x; there is: no variables"),
        (
            "images: '*.png', image: a.png",
            "m.yaml:1: k: image: is given with images, which sets it; keep one of them",
        ),
        ("image: '{{ x }}'", "m.yaml:1: k: image: nothing is called x; there is: entry, take"),
        ("image: gone.png", "m.yaml:1: k: image: there is no file gone.png; it was looked for at "),
        ("reference_images: [a.txt]", "m.yaml:1: k: reference_images: a.txt is not an image; "),
    ],
)
def test_problems_of_images(write: Write, mistakes: Mistakes, entry: str, problem: str) -> None:
    """Each mistake is one line with the field and what is wrong."""
    write("a.txt", "x")
    (found,) = mistakes(f"clips: [{{id: k, model: m, prompt: p, {entry}}}]\n")
    assert found.startswith(problem)


def test_a_file_named_like_a_template(write: Write, specs: Specs) -> None:
    """A found file's name is a name: braces in it are not filled in."""
    write("photos/{{ x }}.jpg", picture("JPEG"))
    (spec,) = specs(GLOB).values()
    assert Path(spec.request.images[0].source).name == "{{ x }}.jpg"
    assert spec.request.prompt == "slow push-in on {{ x }}"


def test_decomposed_names_read_the_same(write: Write, specs: Specs) -> None:
    """A name from a Mac's disk fills a prompt with the same letters as anywhere else."""
    write("photos/Cafe\u0301.jpg", picture("JPEG"))
    (spec,) = specs(GLOB).values()
    assert spec.request.prompt == "slow push-in on Caf\u00e9"
    assert spec.id == "front_Cafe"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_a_name_that_is_not_utf8(write: Write, mistakes: Mistakes) -> None:
    """A file name of another encoding is told; a job with it could not be written down."""
    write("photos/x.txt", "")
    Path(os.fsdecode(b"photos/caf\xe9.jpg")).write_bytes(picture("JPEG"))
    assert mistakes(GLOB) == [
        "m.yaml:3: front: images: the name of the file 'photos/caf\\udce9.jpg' contains bytes that are not UTF-8"
    ]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read, for root too")
def test_a_file_that_cannot_be_read() -> None:
    """A read error is told with the system's words."""
    assert refusal("mem", "/proc/self") == "mem cannot be read: Input/output error"
