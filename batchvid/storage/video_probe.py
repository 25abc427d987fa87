"""Checks that a file is a whole, playable clip, and reads its duration, size and tracks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchvid.errors import BadMedia, IncompleteClip
from batchvid.storage.file_kind import HEAD_BYTES, Container, container_of
from batchvid.storage.mp4_boxes import BoxSummary, check_boxes
from batchvid.storage.webm_elements import check_elements

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

END_TOLERANCE_S = 0.25  # of the last frame, where packets have no duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a clip contains: seconds, pixels, whether there is sound.

    `is_proven_whole` is true if a cut in the file would show, whatever the server announced. `is_whole` is false for a
    file that is cut off.
    """

    duration_s: float
    width: int
    height: int
    codec: str
    container: Container
    has_sound: bool
    is_proven_whole: bool
    is_whole: bool = True


def probe(path: Path, *, accept_incomplete: bool = False) -> Probe:
    """Walk the container's own structure, demux all packets, decode the first frame.

    Raises ClipNotReady for a text, IncompleteClip for a file that is cut off (not with `accept_incomplete`, if a part
    of it plays), BadMedia for any other that is no clip.
    """
    with path.open("rb") as file:
        container = container_of(file.read(HEAD_BYTES))
        check = check_elements if container is Container.WEBM else check_boxes
        try:
            summary: BoxSummary | None = check(file, path.stat().st_size)
        except IncompleteClip:
            if not accept_incomplete:
                raise
            summary = None
    return _decode(path, container, summary)


def _decode(path: Path, container: Container, summary: BoxSummary | None) -> Probe:
    import av  # late: heavy, and only needed here

    # one demuxer, and no other file: a clip must not name files of this machine
    options = {"protocol_whitelist": "file", **({} if container is Container.WEBM else {"advanced_editlist": "0"})}
    try:
        with av.open(
            str(path.absolute()), format=container.demuxer, options=options, **_lenient(av.__version__)
        ) as opened:
            if not opened.streams.video:
                raise BadMedia("the file has no picture track")
            stream = opened.streams.video[0]
            if stream.codec_context is not None:  # for a single frame; the default starts a thread per core
                stream.codec_context.thread_type = "NONE"
            frame = next(opened.decode(stream), None)
            if frame is None:
                raise BadMedia("the first frame cannot be decoded")
            opened.seek(0)
            duration_s = _demux(opened, stream, summary)
            return Probe(
                duration_s=round(duration_s, 3),
                width=frame.width,
                height=frame.height,
                codec=stream.codec_context.name,
                container=container,
                has_sound=bool(opened.streams.audio),
                is_proven_whole=summary is not None and summary.is_proven_whole,
                is_whole=summary is not None,
            )
    except av.FFmpegError as exc:
        raise BadMedia(f"not a playable clip: {exc.strerror or exc}") from exc
    except ValueError as exc:
        raise BadMedia(f"not a playable clip: {exc}") from exc


def _demux(opened: InputContainer, stream: VideoStream, summary: BoxSummary | None) -> float:
    """The duration of the pictures in seconds. Raises IncompleteClip if packets are missing, unless that is known."""
    packets: Counter[int] = Counter()
    end = 0  # in ticks of the stream
    for packet in opened.demux(*opened.streams.video, *opened.streams.audio):
        if packet.is_corrupt and summary is None:
            break
        if packet.is_corrupt:
            raise IncompleteClip("the file is cut off or damaged: a packet is not whole")
        if packet.pts is None:
            continue
        packets[packet.stream_index] += 1
        if packet.stream_index == stream.index:
            end = max(end, packet.pts + (packet.duration or 0))
    for track in (*opened.streams.video, *opened.streams.audio):
        if packets[track.index] < track.frames and summary is not None:
            raise IncompleteClip(
                f"the file is cut off: it promises {track.frames} {track.type} packets and holds {packets[track.index]}"
            )
    duration_s = float((end - (stream.start_time or 0)) * stream.time_base) if stream.time_base else 0.0
    if summary is not None and duration_s < summary.min_duration_s - END_TOLERANCE_S:
        raise IncompleteClip(
            f"the file is cut off: it promises {summary.min_duration_s:.2f} s and holds {duration_s:.2f} s"
        )
    return duration_s


def _lenient(version: str) -> dict[str, Any]:
    """Options that make PyAV accept a title that is not UTF-8; the default from PyAV 19."""
    return {"metadata_errors": "ignore"} if int(version.partition(".")[0]) < 19 else {}
