"""Input images: sent only as they were planned and priced, read once for jobs that share them."""

from __future__ import annotations

import asyncio
import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from batchvid import catalog
from batchvid.domain.clip_request import ImageRef, ImageRole
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.wire import ImageInput
from batchvid.errors import StorageError
from batchvid.planning.routing import find_route
from batchvid.runner.submission.image_loader import MAX_CACHE_BYTES, ImageReader
from tests.builders import spec


def picture(path: Path, data: bytes, role: ImageRole = "first") -> ImageRef:
    """An image on disk, as the plan saw it."""
    path.write_bytes(data)
    return ImageRef(
        role=role,
        source=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
        media_type="image/png",
        size_bytes=len(data),
        width=640,
        height=480,
    )


def job(*images: ImageRef) -> JobSpec:
    """A spec with these images."""
    return spec(images=images)


async def read(reader: ImageReader, job: JobSpec, pixels: tuple[int, int] | None = None) -> tuple[ImageInput, ...]:
    """The images as Veo's route takes them, which has no limits; frames fitted to these pixels."""
    route = find_route(job, catalog.providers({}))
    return await reader.read(job, replace(route, terms=replace(route.terms, pixels=pixels)))


async def test_images_come_in_order_with_what_is_known_of_them(tmp_path: Path) -> None:
    """Role, name, type, pixels and the bytes themselves."""
    first, last = picture(tmp_path / "a.png", b"one"), picture(tmp_path / "春.png", b"two", "last")
    assert await read(ImageReader(), job(first, last)) == (
        ImageInput(
            role="first", filename="a.png", media_type="image/png", data=b"one", size_bytes=3, width=640, height=480
        ),
        ImageInput(
            role="last", filename="春.png", media_type="image/png", data=b"two", size_bytes=3, width=640, height=480
        ),
    )
    assert await read(ImageReader(), job()) == ()


async def test_a_url_is_passed_on(tmp_path: Path) -> None:
    """What the vendor is to fetch is not fetched here: it has an address and no bytes."""
    far = ImageRef(role="reference", source="https://cdn.example/b.png")
    (image,) = await read(ImageReader(), job(far))
    assert (image.url, image.data, image.role) == ("https://cdn.example/b.png", b"", "reference")


async def test_a_changed_image_is_refused(tmp_path: Path) -> None:
    """A file that changed since the job was planned would buy another clip: the error says what to do."""
    image = picture(tmp_path / "a.png", b"as planned")
    (tmp_path / "a.png").write_bytes(b"retouched!")
    with pytest.raises(StorageError, match=r"a\.png changed since the job was planned: run again"):
        await read(ImageReader(), job(image))


async def test_a_missing_image_is_an_error(tmp_path: Path) -> None:
    """Whichever it is of several."""
    first, last = picture(tmp_path / "a.png", b"one"), picture(tmp_path / "b.png", b"two", "last")
    (tmp_path / "b.png").unlink()
    with pytest.raises(StorageError, match=r"b\.png: No such file"):
        await read(ImageReader(), job(first, last))


async def test_an_image_is_read_once(tmp_path: Path) -> None:
    """A hundred jobs with the same picture, wherever its copies lie, share one reading of it."""
    reader = ImageReader()
    image = picture(tmp_path / "a.png", b"shared")
    (first,) = await read(reader, job(image))
    copy = ImageRef(role="last", source=str(tmp_path / "copy.png"), sha256=image.sha256, media_type="image/png")
    (tmp_path / "a.png").unlink()
    (again,) = await read(reader, job(image))
    (elsewhere,) = await read(reader, job(copy))
    assert again.data is first.data is elsewhere.data
    assert (elsewhere.filename, elsewhere.role) == ("copy.png", "last")


async def test_images_that_are_read_together_are_counted_once(tmp_path: Path) -> None:
    """Ten jobs that start at the same moment fill the memory once: their picture does not push out the others."""
    reader = ImageReader()
    small, large = picture(tmp_path / "a.png", b"small"), picture(tmp_path / "b.png", b"b" * (MAX_CACHE_BYTES // 5))
    await read(reader, job(small))
    await asyncio.gather(*(read(reader, job(large)) for _ in range(10)))
    (tmp_path / "a.png").unlink()
    assert (await read(reader, job(small)))[0].data == b"small"


async def test_what_was_used_longest_ago_is_let_go(tmp_path: Path) -> None:
    """The reader keeps so many bytes and no more: a catalogue of pictures does not fill the memory."""
    reader = ImageReader()
    third = MAX_CACHE_BYTES * 2 // 5
    images = [picture(tmp_path / f"{name}.png", name.encode() * third) for name in "abc"]
    for image in (images[0], images[1], images[0], images[2]):
        await read(reader, job(image))
    for name in "abc":
        (tmp_path / f"{name}.png").unlink()
    for image in (images[0], images[2]):
        assert len((await read(reader, job(image)))[0].data) == third
    with pytest.raises(StorageError, match=r"b\.png"):
        await read(reader, job(images[1]))


def photograph(path: Path, *, turned: bool, role: ImageRole = "first") -> ImageRef:
    """A real JPEG of 64x32 pixels, held upright or sideways."""
    exif = Image.Exif()
    exif[0x0112] = 6 if turned else 1
    Image.new("RGB", (64, 32), (200, 10, 10)).save(path, "JPEG", exif=exif)
    size = (32, 64) if turned else (64, 32)
    plain = picture(path, path.read_bytes(), role)
    return replace(plain, media_type="image/jpeg", width=size[0], height=size[1], turned=turned)


def size_of(image: ImageInput) -> tuple[int, int]:
    """What is really in the bytes."""
    return Image.open(io.BytesIO(image.data)).size


async def test_only_a_turned_image_is_encoded_again(tmp_path: Path) -> None:
    """An upright file goes out byte for byte; a turned one as it is seen, with the planned pixels."""
    upright = photograph(tmp_path / "a.jpg", turned=False)
    turned = photograph(tmp_path / "b.jpg", turned=True, role="last")
    first, last = await read(ImageReader(), job(upright, turned))
    assert first.data == (tmp_path / "a.jpg").read_bytes()
    assert size_of(last) == (last.width, last.height) == (32, 64)


async def test_frames_are_fitted_and_references_are_not(tmp_path: Path) -> None:
    """A frame has the requested pixels; a reference keeps its own."""
    frame = photograph(tmp_path / "a.jpg", turned=True)
    reference = replace(frame, role="reference")
    spec_of_both = spec(images=(frame, reference), fit="cover", aspect_ratio="16:9")
    first, second = await read(ImageReader(), spec_of_both, (48, 28))
    assert size_of(first) == (first.width, first.height) == (48, 28)
    assert size_of(second) == (second.width, second.height) == (32, 64)


async def test_each_way_of_fitting_is_kept_apart(tmp_path: Path) -> None:
    """Two jobs with one picture and two shapes get two pictures, each made once."""
    reader, frame = ImageReader(), photograph(tmp_path / "a.jpg", turned=False)
    wide, tall = spec(images=(frame,), fit="cover"), spec(images=(frame,), fit="contain")
    (one,) = await read(reader, wide, (40, 30))
    (two,) = await read(reader, tall, (40, 30))
    (three,) = await read(reader, wide, (30, 40))
    assert len({one.data, two.data, three.data}) == 3
    assert (await read(reader, wide, (40, 30)))[0].data is one.data
