"""Small real clips in every container layout, as bytes, and what is no clip."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
from av.video.stream import VideoStream

WIDTH, HEIGHT, FPS = 128, 72, 8
LAYOUTS = {
    "MP4, index first": ("mp4", {"movflags": "+faststart"}),
    "MP4, index last": ("mp4", {}),
    "MP4 in fragments": ("mp4", {"movflags": "+frag_keyframe+empty_moov+default_base_moof"}),
    "WebM": ("webm", {}),
}
"""Container and muxer options by the name of the layout."""
PLAYLIST = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:4.0,\nhttps://cdn.example/1.ts\n#EXT-X-ENDLIST\n"
CONCAT = b"ffconcat version 1.0\nfile '/etc/passwd'\n"
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(200) + bytes.fromhex("ffd9")
PAGE = b"<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>\n"


@cache
def clip(layout: str, seconds: float = 5.0) -> bytes:
    """A real clip; 4 and 5 seconds pass for each other."""
    container, options = LAYOUTS[layout]
    codec = "libvpx" if container == "webm" else "libx264"
    speed: dict[str, Any] = {"deadline": "realtime"} if container == "webm" else {"preset": "ultrafast"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clip.{container}"
        with av.open(str(path), "w", format=container, options=options) as file:
            stream = file.add_stream(codec, rate=FPS, options=speed)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.codec_context.gop_size = FPS
            for number in range(round(seconds * FPS)):
                frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                for depth, plane in enumerate(frame.planes):
                    plane.update(bytes([(number * 17 + depth * 60) % 256]) * plane.buffer_size)
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        return path.read_bytes()


def cut(layout: str) -> bytes:
    """Two thirds of a clip."""
    whole = clip(layout)
    return whole[: len(whole) * 2 // 3]
