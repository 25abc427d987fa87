"""Real clips in every container layout that vendors serve: index first, index last, fragments, WebM."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

LAYOUTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "index last": ("mp4", "libx264", {}),
    "index first": ("mp4", "libx264", {"movflags": "+faststart"}),
    "fragments with mfra": ("mp4", "libx264", {"movflags": "frag_keyframe"}),
    "fragments with sidx": (
        "mp4",
        "libx264",
        {"movflags": "dash+global_sidx+frag_keyframe+empty_moov+default_base_moof"},
    ),
    "quicktime": ("mov", "libx264", {}),
    "webm": ("webm", "libvpx", {}),
    "webm with cues first": ("webm", "libvpx", {"cues_to_front": "1"}),
}
"""Format, encoder and options of FFmpeg's muxer, by name."""


def make_video(path: Path, layout: str, *, seconds: int = 2, fps: int = 8, sound: bool = False) -> Path:
    """Write a small clip of 64x48 in that layout."""
    container_format, codec, options = LAYOUTS[layout]
    with av.open(str(path), "w", format=container_format, options=options) as container:
        video = container.add_stream(codec, rate=fps)
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.gop_size = 4
        video.codec_context.thread_count = 1
        audio = container.add_stream("libopus" if codec == "libvpx" else "aac", rate=48000) if sound else None
        for number in range(seconds * fps):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            for depth, plane in enumerate(frame.planes):
                plane.update(bytes([(number * 17 + depth * 60) % 256]) * plane.buffer_size)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            assert isinstance(audio, AudioStream)
            for number in range(seconds * 48000 // 1024):
                silence = av.AudioFrame(format="fltp", layout="mono", samples=1024)
                silence.sample_rate, silence.pts = 48000, number * 1024
                silence.planes[0].update(bytes(silence.planes[0].buffer_size))
                container.mux(audio.encode(silence))
            container.mux(audio.encode(None))
    return path
