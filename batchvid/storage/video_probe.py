"""Is this a playable clip, how long, what size. Reads the container and its first frame; decides nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchvid.errors import BadMedia

TOLERANCE_S = 1.0  # vendors round: a 5 s Kling clip says 5.1 (wire-notes 7.5)
TOLERANCE_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What was read out of a clip: seconds and pixels."""

    duration_s: float
    width: int
    height: int
    codec: str


def probe(path: Path) -> Probe:
    """Open the container, walk all its packets, decode the first frame.

    Walking the packets (no decoding) finds a file whose end is missing although its index promises it.
    Raises BadMedia, saying what is wrong.
    """
    import av  # heavy, and only needed where a clip is looked at

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
            if stream.codec_context is not None:  # for a single frame; else it starts a thread a core
                stream.codec_context.thread_type = "NONE"
            frame = next(container.decode(stream), None)
            if frame is None:
                raise BadMedia("the first frame cannot be decoded")
            container.seek(0)
            packets, end = 0, 0  # in the stream's own ticks
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
    """What lets PyAV open a good clip with a title in some other encoding; from 19 on it does so by itself."""
    return {"metadata_errors": "ignore"} if int(version.partition(".")[0]) < 19 else {}


def check_duration(found_s: float, asked_s: float | None) -> None:
    """Raises BadMedia when the clip is not about as long as asked."""
    if asked_s is not None and abs(found_s - asked_s) > max(TOLERANCE_S, TOLERANCE_SHARE * asked_s):
        raise BadMedia(f"asked for {asked_s:g} s, got a clip of {found_s:.1f} s")
