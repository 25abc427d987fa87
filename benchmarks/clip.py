"""Makes the clips that the vendor of the benchmarks hands out: real H.264, padded to any size."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

SECONDS = 8  # what the manifests of the benchmarks ask for
FPS = 8
WIDTH, HEIGHT = 64, 36
_PAD = 1 << 20


def make_clip(path: Path, *, at_least_bytes: int = 0) -> Path:
    """Write a playable clip of SECONDS, filled up with a `free` box, which every player passes over."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        assert isinstance(stream, VideoStream)  # what add_stream gives for a picture codec
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_count = 1
        for number in range(SECONDS * FPS):
            frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            for depth, plane in enumerate(frame.planes):
                plane.update(bytes([(number * 17 + depth * 60) % 256]) * plane.buffer_size)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    lacking = at_least_bytes - path.stat().st_size
    if lacking > 8:
        with path.open("ab") as file:
            file.write(struct.pack(">I4s", lacking, b"free"))
            for start in range(8, lacking, _PAD):
                file.write(bytes(min(_PAD, lacking - start)))
    return path
