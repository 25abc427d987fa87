"""Clips are real: they decode whole, have the asked size and length, move, and carry the prompt."""

from __future__ import annotations

import asyncio
import io
import time
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageFont

from batchvid.emulator.rendering.captions import FONTS, caption, legible, wrapped
from batchvid.emulator.rendering.clips import Clips
from batchvid.emulator.rendering.input_images import InputImages
from batchvid.emulator.rendering.render import render
from batchvid.emulator.rendering.scene import HUE_SHIFT, Picture
from batchvid.emulator.settings import Settings
from batchvid.emulator.task import Task
from batchvid.emulator.task_lifecycle import TaskDuration
from tests.emulator.helpers import picture, vendor

KITE = Picture(text="a kite")


def frames(clip: bytes) -> list[Image.Image]:
    with av.open(io.BytesIO(clip), "r") as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
        decoded = list(container.decode(video=0))
    assert all(frame.time is not None for frame in decoded)
    return [frame.to_image() for frame in decoded]  # type: ignore[no-untyped-call]


def difference(one: Image.Image, two: Image.Image) -> float:
    """The mean difference of two pictures, 0 to 255."""
    grey = ImageChops.difference(one, two).convert("L").resize((64, 64))
    return sum(grey.tobytes()) / 64**2


def clip(path: Path, picture: Picture = KITE, **values: object) -> bytes:
    wanted = {"width": 320, "height": 180, "seconds": 1.0, "fps": 24, **values}
    size = (wanted.pop("width"), wanted.pop("height"))
    render(path / "clip.mp4", size, picture=picture, **wanted)  # type: ignore[arg-type]
    return (path / "clip.mp4").read_bytes()


def a_task(prompt: str) -> Task:
    return Task(
        id=prompt,
        family="videos",
        route="/",
        kind="",
        owner="me",
        model="m",
        prompt=prompt,
        seconds=1,
        width=64,
        height=64,
        duration=TaskDuration(polls=1),
        created_at=0,
    )


async def test_a_bought_clip() -> None:
    """What comes down a link has exactly the bought duration, size and rate, and starts playing at once."""
    async with vendor(render="full", fps=12) as v:
        body = (await v.get(await v.link(model="wan", seconds="3", size="320x180"))).body
    with av.open(io.BytesIO(body), "r") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, float(stream.average_rate or 0)) == (320, 180, 12.0)
        assert container.duration == 3_000_000
    assert len(frames(body)) == 36
    assert body.index(b"moov") < body.index(b"mdat")


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (200, 200), (426, 182)])
def test_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    """Wide, tall, square and odd-looking sizes all come out as asked."""
    pictures = frames(clip(tmp_path, width=size[0], height=size[1], seconds=0.5))
    assert (len(pictures), pictures[0].size) == (12, size)


def test_it_moves(tmp_path: Path) -> None:
    """Every half second looks different from the one before."""
    pictures = frames(clip(tmp_path, seconds=2.0))[::12]
    assert all(difference(one, two) > 1 for one, two in pairwise(pictures))


def test_an_image_is_shown_and_moved(tmp_path: Path) -> None:
    """An input image fills the frame, and is panned and zoomed."""
    still = tmp_path / "still.jpg"
    Image.linear_gradient("L").convert("RGB").save(still)
    pictures = frames(clip(tmp_path, Picture(text="", images=(still,))))
    shown = Image.linear_gradient("L").resize((320, 384)).crop((0, 102, 320, 282)).convert("RGB")
    assert difference(pictures[0], shown) < 25
    assert difference(pictures[0], pictures[-1]) > 1


async def test_the_bought_image_is_in_the_clip() -> None:
    """The clip made of a red image is red."""
    async with vendor(render="full") as v:
        task = (await v.form(picture(300, 300, colour="red"), model="wan", seconds="1", prompt="x")).json["id"]
        body = (await v.get((await v.poll(task)).json["video_url"])).body
    red, green, _ = frames(body)[5].getpixel((400, 100))  # type: ignore[misc]
    assert red > 200 > 60 > green


def test_a_hue_is_turned(tmp_path: Path) -> None:
    """Another hue is the same picture in other colours: as bright everywhere, and an edited red image is green."""
    still = tmp_path / "still.jpg"
    Image.new("RGB", (320, 180), "red").save(still)
    red, green, _ = frames(clip(tmp_path, Picture(text="", images=(still,), hue=HUE_SHIFT)))[5].getpixel((160, 90))  # type: ignore[misc]
    assert green > 200 > 60 > red
    plain, other = (frames(clip(tmp_path, Picture(text="a kite", hue=hue)))[0] for hue in (0, HUE_SHIFT))
    lights = [image.convert("HSV").getchannel("V").convert("RGB") for image in (plain, other)]
    assert difference(*lights) < 3 < difference(plain, other)


def test_a_scene_stays(tmp_path: Path) -> None:
    """A clip made out of another shows the other's picture, under a caption of its own."""
    scene = Picture(text="and then it rains", scene="a kite")
    sky = (0, 0, 320, 90)
    one, two, another = (
        frames(clip(tmp_path, shown))[0].crop(sky) for shown in (KITE, scene, Picture(text="and then it rains"))
    )
    assert difference(one, two) < 1 < difference(one, another)


def test_references_are_drawn(tmp_path: Path) -> None:
    """Reference images hang side by side in the picture, in their order; a great many are drawn small."""
    colours = ("red", "lime", "blue")
    paths = [tmp_path / f"{colour}.jpg" for colour in colours]
    for path, colour in zip(paths, colours, strict=True):
        Image.new("RGB", (64, 64), colour).save(path)
    shown = frames(clip(tmp_path, Picture(text="", scene="x", references=tuple(paths))))[0]
    side = 180 // 3
    seen = [shown.getpixel((320 // 8 + side // 2 + number * side, 180 // 8 + side // 2)) for number in range(3)]
    brightest = [max(range(3), key=lambda channel: pixel[channel]) for pixel in seen]  # type: ignore[index]
    assert brightest == [0, 1, 2]
    many = Picture(text="", scene="x", references=tuple(paths * 3))
    assert len(frames(clip(tmp_path, many, width=64, height=64, seconds=0.5))) == 12


def test_prompts_are_seen(tmp_path: Path) -> None:
    """Two prompts give two pictures, and one prompt the same bytes every time."""
    one, two, again = clip(tmp_path), clip(tmp_path, Picture(text="a boat")), clip(tmp_path)
    assert one == again
    assert difference(frames(one)[0], frames(two)[0]) > 1


def test_captions_differ_per_prompt() -> None:
    """The caption alone tells prompts apart, and is laid over the lower edge in no more than four lines."""
    bars = [caption(text, width=320, height=180) for text in ("a kite", "a boat", "word " * 200)]
    assert all(bar is not None and bar.width == 320 and bar.height % 2 == 0 for bar in bars)
    assert bars[0] is not None
    assert bars[1] is not None
    assert bars[0].tobytes() != bars[1].tobytes()
    assert bars[2] is not None
    assert bars[2].height < 100
    assert caption("", width=320, height=180) is None


def test_letters_without_a_font_are_transliterated() -> None:
    """Chinese without a Chinese font becomes Latin, never boxes; emoji vanish; Latin stays."""
    words, _ = legible("一只猫 in Sài Gòn \U0001f600", 16, ())
    assert words.isascii() or "à" in words
    assert words.startswith("Yi Zhi Mao in S")
    assert legible("\U0001f600", 16, ())[0] == ""


def test_a_font_that_has_the_letters_is_used() -> None:
    """Vietnamese is written as it is where Pillow finds a font that has it; a missing font is ignored."""
    text = "Mèo ở Sài Gòn, trên bãi biển"
    words, font = legible(text, 16, ("nowhere.ttf", *FONTS))
    assert words == text if found("DejaVuSans.ttf") else words != ""
    assert isinstance(font, ImageFont.FreeTypeFont)


def found(name: str) -> bool:
    try:
        ImageFont.truetype(name, 16)
    except OSError:
        return False
    return True


def test_plain_words_need_no_search() -> None:
    """Letters that Pillow's own font has are drawn with it."""
    assert legible("a kite", 16, ("nowhere.ttf",))[1] is legible("a kite", 16, ())[1]


def test_wrapping() -> None:
    """Lines fit the width; Chinese breaks anywhere; what does not fit ends in dots."""
    _, font = legible("x", 20)
    lines = wrapped("one two three four five six seven eight nine ten " * 8, font, 150)
    assert len(lines) == 4
    assert all(font.getlength(line) <= 150 for line in lines)
    assert lines[0].startswith("one two")
    assert lines[3].endswith("...")
    assert wrapped("mmmm mmmm " * 9, font, font.getlength("mmmm mmmm") + 1)[3].startswith("mmmm mm")
    assert all(font.getlength(line) <= 150 for line in wrapped("https://example.com/" + "x" * 99, font, 150))
    assert wrapped("aaaaaa一bbbbbb一cccccc", font, 90) == ["aaaaaa一", "bbbbbb一", "cccccc"]


async def test_the_cache_is_bounded() -> None:
    """Only so many bytes of clips are kept; what was thrown away is rendered again, the same."""
    async with vendor(render="full", cache_bytes=1, clips_folder=None, fps=6) as v:
        links = [await v.link(model="wan", seconds="1", prompt=prompt) for prompt in "abc"]
        first = [(await v.get(link)).body for link in links]
        again = [(await v.get(link)).body for link in links]
        assert first == again


async def test_swept_while_waiting(tmp_path: Path) -> None:
    """A clip that is thrown away before its reader gets to it is rendered again."""
    settings = Settings(cache_bytes=0, clips_folder=None, fps=6)
    images = InputImages(tmp_path)
    clips = Clips(tmp_path, settings, images)
    (await clips.of(a_task("loads FFmpeg"))).file.close()
    readers = [asyncio.create_task(clips.of(a_task(prompt))) for prompt in "ab"]
    for _ in range(3):
        await asyncio.sleep(0)  # both renderings have begun
    time.sleep(0.05)  # noqa: ASYNC251 - and both end while the loop stands still
    bodies = []
    for reader in readers:
        ready = await reader
        bodies.append(ready.file.read())
        ready.file.close()
    await clips.close()
    images.close()
    assert all(len(frames(body)) == 6 for body in bodies)
    assert bodies[0] != bodies[1]


async def test_many_readers_of_a_full_cache() -> None:
    """However small the cache and however many read at a time, everybody gets a whole clip."""
    async with vendor(render="full", cache_bytes=0, clips_folder=None, fps=6) as v:
        links = [await v.link(model="wan", seconds="1", size="64x64", prompt=prompt) for prompt in "aabbccdd"]
        replies = await asyncio.gather(*(v.get(link) for link in links * 2))
        assert all(len(frames(reply.body)) == 6 for reply in replies)
        assert len({reply.body for reply in replies}) == 8


async def test_emulators_share_a_folder_of_clips(tmp_path: Path) -> None:
    """The second one sends the bytes that the first one rendered, and deletes none."""
    bodies = []
    for _ in range(2):
        async with vendor(render="full", cache_bytes=0, clips_folder=tmp_path / "clips", fps=6) as v:
            bodies.append((await v.get(await v.link(model="wan", seconds="1", size="64x64", prompt="a"))).body)
        (kept,) = (tmp_path / "clips").iterdir()
        kept.write_bytes(kept.read_bytes().replace(b"free", b"skip", 1))
    assert bodies[0] != bodies[1], "the second one rendered its own"
    assert len(bodies[0]) == len(bodies[1])
