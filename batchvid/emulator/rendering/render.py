"""Renders one H.264 MP4 from plain values. FFmpeg's filters move still pictures in C. Knows no task."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.stream import VideoStream
from PIL import Image

from batchvid.emulator.rendering.captions import caption
from batchvid.emulator.rendering.scene import Picture, backdrop

ZOOM = 0.2  # magnification from the first to the last frame
X264 = {"preset": "ultrafast", "crf": "30"}  # fast encoding matters more than a small file


def render(path: Path, size: tuple[int, int], *, seconds: float, fps: int, picture: Picture) -> None:
    """Write a clip of that size (even pixels), duration and frame rate. The same values give the same bytes."""
    count = max(1, round(seconds * fps))
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=fps, options=X264)
        assert isinstance(stream, VideoStream)  # noqa: S101 - libx264 makes nothing else
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.thread_count = 1  # clips render in parallel instead, and their bytes stay the same
        for frame in _frames(picture, count, size, fps):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def poster(file: IO[bytes], *, columns: int = 1, width: int = 480) -> bytes:
    """`columns` frames of an open clip side by side, evenly spaced, as a JPEG of that width in pixels."""
    with av.open(file, "r") as container:
        frames = [frame.to_image() for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]
    chosen = [frames[number * len(frames) // columns] for number in range(columns)]
    each = width // columns
    tall = round(each * chosen[0].height / chosen[0].width)
    sheet = Image.new("RGB", (each * columns, tall))
    for number, frame in enumerate(chosen):
        sheet.paste(frame.resize((each, tall)), (number * each, 0))
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=85)
    return out.getvalue()


def _frames(picture: Picture, count: int, size: tuple[int, int], fps: int) -> Iterator[av.VideoFrame]:
    """zoompan makes `count` frames of a larger background; the sun and the caption are overlaid."""
    width, height = size
    large = (round(width * (1 + ZOOM)) // 2 * 2, round(height * (1 + ZOOM)) // 2 * 2)
    background, sun = backdrop(picture, large, sun_side=min(size) // 4 // 2 * 2)
    words = caption(picture.text, width=width, height=height)
    graph = Graph()
    graph.threads = 1
    sources = [_source(graph, background, fps, "yuv420p")]
    last = graph.add(
        "zoompan",
        f"z='1+{ZOOM}*on/{count}':x='(iw-iw/zoom)*on/{count}':y='(ih-ih/zoom)*on/{count}'"
        f":d={count}:s={width}x{height}:fps={fps}",
    )
    sources[0][0].link_to(last)
    ways = ((sun, f"x='(W-w)*n/{count}':y='(H-h)*(0.2+0.1*sin(n/9))':eval=frame"), (words, "x=0:y=H-h:eval=init"))
    for image, way in ways:
        if image is not None:
            sources.append(_source(graph, image, fps, "yuva420p"))
            over = graph.add("overlay", way + ":eof_action=repeat")
            last.link_to(over, 0, 0)
            sources[-1][0].link_to(over, 0, 1)
            last = over
    sink = graph.add("buffersink")
    last.link_to(sink)
    graph.configure()
    for source, still in sources:
        source.push(still)
        source.push(None)
    for number in range(count):
        frame = sink.pull()
        assert isinstance(frame, av.VideoFrame)  # noqa: S101 - the graph holds no sound
        frame.pts, frame.time_base = number, Fraction(1, fps)
        yield frame


def _source(graph: Graph, image: Image.Image, fps: int, pixels: str) -> tuple[FilterContext, av.VideoFrame]:
    """A buffer source of the graph, and the still picture as its only frame."""
    base = Fraction(1, fps)
    source = graph.add_buffer(width=image.width, height=image.height, format=av.VideoFormat(pixels), time_base=base)
    packed = image.convert("RGBA").tobytes()  # from_image() would lose the transparency
    whole = av.VideoFrame.from_bytes(packed, image.width, image.height)
    frame = whole.reformat(format=pixels)
    frame.pts, frame.time_base = 0, base
    return source, frame
