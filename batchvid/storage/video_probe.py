"""Checks that a file is a playable clip, and reads its duration and size from the container and the first frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchvid.errors import BadMedia

TOLERANCE_S = 1.0  # vendors round: a 5 s Kling clip reports 5.1 s (wire-notes 7.5)
TOLERANCE_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a clip contains: seconds and pixels."""

    duration_s: float
    width: int
    height: int
    codec: str


def probe(path: Path) -> Probe:
    """Open the container, demux all packets, decode the first frame.

    Demuxing detects a file that is cut off although its index is complete. Raises BadMedia with the reason.
    """
    import av  # late: heavy, and only needed here

    with path.open("rb") as file:
        head = file.read(12)
    if len(head) < 12:
        raise BadMedia(f"{len(head)} bytes are no clip")
    if head.lstrip()[:1] in (b"<", b"{"):
        raise BadMedia(f"not a clip but text: {head!r}...")
    try:
        with av.open(str(path), **_lenient(av.__version__)) as container:
            if not container.streams.video:
                raise BadMedia("the file has no picture track")
            stream = container.streams.video[0]
            if stream.codec_context is not None:  # for a single frame; the default starts a thread per core
                stream.codec_context.thread_type = "NONE"
            frame = next(container.decode(stream), None)
            if frame is None:
                raise BadMedia("the first frame cannot be decoded")
            container.seek(0)
            packets, end = 0, 0  # in ticks of the stream
            for packet in container.demux(stream):
                if packet.is_corrupt:
                    raise BadMedia("the file is damaged")
                if packet.pts is not None:
                    packets += 1
                    end = max(end, packet.pts + (packet.duration or 0))
            if packets < stream.frames:
                raise BadMedia(f"cut off: the file promises {stream.frames} pictures and holds {packets}")
            duration_s = float((end - (stream.start_time or 0)) * stream.time_base) if stream.time_base else 0.0
            codec, width, height = stream.codec_context.name, frame.width, frame.height
    except av.FFmpegError as exc:
        raise BadMedia(f"not a playable clip: {exc.strerror or exc}") from exc
    except ValueError as exc:
        raise BadMedia(f"not a playable clip: {exc}") from exc
    return Probe(duration_s=round(duration_s, 3), width=width, height=height, codec=codec)


def _lenient(version: str) -> dict[str, Any]:
    """Options that make PyAV accept a title that is not UTF-8; the default from PyAV 19."""
    return {"metadata_errors": "ignore"} if int(version.partition(".")[0]) < 19 else {}


def check_duration(found_s: float, requested_s: float | None) -> None:
    """Raises BadMedia unless the duration is about the requested one."""
    if requested_s is not None and abs(found_s - requested_s) > max(TOLERANCE_S, TOLERANCE_SHARE * requested_s):
        raise BadMedia(f"requested {requested_s:g} s, got a clip of {found_s:.1f} s")
