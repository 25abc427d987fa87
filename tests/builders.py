"""Short ways to make specs, events, jobs and real clips for tests. Knows what is legal, not what a test expects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from batchvid.catalog import DEFAULT_PROVIDER, Models, built_in, models_of, providers
from batchvid.catalog.provider_models import ProviderModels
from batchvid.domain import events as ev
from batchvid.domain.clip_request import CLIP_FIELDS, ClipRequest
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.job_spec import Clip, JobSpec, Price
from batchvid.domain.jobs import Job, JobState, advance
from batchvid.domain.wire import Asset, GenerationRequest
from batchvid.state.state_file import RecordedEvent, StateFile

START = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
SECRET = "s1gned-and-worth-m0ney"
LINK = Asset(location=f"https://cdn.example/a.mp4?Signature={SECRET}")
CONTENT = Asset(location="/v1/videos/t-1/content", keyed=True)
DIME = Price(usd=Decimal("0.10"), basis="estimate: a list")


class MakeClip(Protocol):
    """The `clips` fixture: the path of a real MP4."""

    def __call__(self, **values: Any) -> Path: ...


def at(seconds: float = 0) -> datetime:
    """So many seconds after the tests' own evening."""
    return START + timedelta(seconds=seconds)


def sold(models: Models | None = None, provider: str = DEFAULT_PROVIDER) -> ProviderModels:
    """What a built-in provider sells, out of these models or the built-in ones."""
    return models_of(models or built_in(), providers({})[provider])


def offered() -> list[tuple[str, str]]:
    """Every model that a built-in provider sells, with the provider's name, in the order of `models`."""
    sellers = [provider for provider in providers({}).values() if not provider.free]
    return [
        (name, provider.name)
        for provider in sellers
        for name, model in models_of(built_in(), provider).rows.items()
        if model.dialect in provider.routes
    ]


def unsold() -> list[str]:
    """The models that only a provider of the user's own may sell."""
    return [name for name in built_in().rows if name not in dict(offered())]


def clip_request(**fields: Any) -> ClipRequest:
    """A ClipRequest; fields that are not given have ordinary values."""
    return ClipRequest(**{"model": "veo3-fast", "prompt": "a paper kite", **fields})


def spec(job_id: str = "kite", **fields: Any) -> JobSpec:
    """A JobSpec from its own fields and those of its request; fields that are not given have ordinary values."""
    asked = {name: fields.pop(name) for name in CLIP_FIELDS if name in fields}
    given = {
        "id": job_id,
        "entry": job_id.partition("-")[0],
        "provider": "cometapi",
        "key": f"{job_id}.mp4",
        "fingerprint": "f1:0",
        "request": clip_request(**asked),
        **fields,
    }
    return JobSpec(**given)


def generation(**fields: Any) -> GenerationRequest:
    """A GenerationRequest from its own fields and those of its request; its images are those with bytes."""
    return with_fields(GenerationRequest(request=clip_request()), **fields)


def with_fields(request: GenerationRequest, **changes: Any) -> GenerationRequest:
    """The same request with other values of its own fields and of its request's."""
    own = {
        name: changes.pop(name)
        for name in ("images", "parent", "external_id", "callback_url", "poll_path")
        if name in changes
    }
    return replace(request, request=replace(request.request, **changes), **own)


def clip(key: str = "kite.mp4", **fields: Any) -> Clip:
    """A stored clip."""
    given = {"size_bytes": 1000, "sha256": "ab" * 32, "duration_s": 8.0, "width": 1280, "height": 720, **fields}
    return Clip(key=key, **given)


def started(**fields: Any) -> ev.SubmitStarted:
    """The paid call is about to go out."""
    given = {
        "at": at(1),
        "origin": "https://api.example",
        "dialect": "veo",
        "prefix": "",
        "model": "veo3-fast",
        "duration_s": 8.0,
        "price": DIME,
        "external_id": "kite-1",
        **fields,
    }
    return ev.SubmitStarted(**given)


def planned(of: JobSpec | None = None) -> ev.Planned:
    """The job is asked for."""
    return ev.Planned(at=at(), spec=of or spec())


ACCEPTED = ev.SubmitAccepted(at=at(2), task_id="t-1", model="veo3-fast-0320")
SUCCEEDED = ev.TaskSucceeded(at=at(90), assets=(LINK, CONTENT), expires_at=at(3600))
STORED = ev.ClipStored(at=at(95), clip=clip())

ONE_OF_EACH: tuple[ev.Event, ...] = (
    planned(),
    started(),
    ACCEPTED,
    ev.SubmitRefused(at=at(3), kind=FailureKind.RATE, message="slow down", retry_at=at(60)),
    ev.SubmitLost(at=at(3), message="the connection was reset"),
    ev.Progressed(at=at(30), vendor_status="in_progress", progress=0.5),
    SUCCEEDED,
    ev.TaskFailed(at=at(90), kind=FailureKind.UNAVAILABLE, message="broke", charged=Charged.NO),
    ev.LinkExpired(at=at(100), message="the link answers 403"),
    STORED,
    ev.GaveUp(at=at(200), kind=FailureKind.TIMEOUT, message="no verdict within 3600 s"),
    ev.Reopened(at=at(300), reason="retry"),
    ev.RehearsalEnded(at=at(350)),
    ev.Adopted(at=at(360), adopted_from="boat", spec=spec(), clip=clip()),
    ev.PollResumed(at=at(400)),
    ev.Relocated(at=at(500), origin="https://new.example"),
    ev.CostBilled(at=at(600), attempt=1, actual_usd="0.3", cost_usd=Decimal("0.3"), extra_usd=Decimal("0.2")),
)
"""An event of every kind."""

WAYS: dict[JobState, tuple[ev.Event, ...]] = {
    JobState.PENDING: (),
    JobState.SUBMITTING: (started(),),
    JobState.RUNNING: (started(), ACCEPTED),
    JobState.READY: (started(), ACCEPTED, SUCCEEDED),
    JobState.SUCCEEDED: (started(), ACCEPTED, SUCCEEDED, STORED),
    JobState.FAILED: (
        started(),
        ACCEPTED,
        ev.TaskFailed(at=at(90), kind=FailureKind.MODERATION_OUTPUT, message="withheld"),
    ),
    JobState.UNCERTAIN: (started(), ev.SubmitLost(at=at(3), message="reset")),
}
"""The shortest way from a planned job to each state."""


def steps(job_id: str = "kite", state: JobState = JobState.PENDING, **fields: Any) -> list[RecordedEvent]:
    """A job's life from its plan to that state, as the state file takes it."""
    return life(planned(spec(job_id, **fields)), *WAYS[state])


def life(*events: ev.Event) -> list[RecordedEvent]:
    """These events of one job, each with the job after it."""
    entries: list[RecordedEvent] = []
    job: Job | None = None
    for event in events:
        job = advance(job, event)
        entries.append(RecordedEvent(event, job))
    return entries


def job_in(state: JobState, job_id: str = "kite", **fields: Any) -> Job:
    """A job in that state."""
    return steps(job_id, state, **fields)[-1].job


def state_file(path: Path, *lives: Iterable[RecordedEvent]) -> Path:
    """A state file with these lives in it, closed."""
    with StateFile(path) as state:
        for entries in lives:
            state.commit(entries)
    return path


@dataclass(frozen=True)
class _Track:
    video: bool
    audio: bool


def make_clip(
    path: Path,
    *,
    seconds: float = 1.0,
    width: int = 64,
    height: int = 48,
    fps: int = 8,
    tracks: str = "video",
    faststart: bool = True,
    title: str = "",
    starts_at: int = 0,
) -> Path:
    """Write a small H.264 MP4. `tracks` is `video`, `audio` or `both`; with `faststart` the index comes first.

    `starts_at` is the time stamp of the first frame, in frames.
    """
    wanted = _Track(video=tracks != "audio", audio=tracks != "video")
    options = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        if title:
            container.metadata["title"] = title
        video = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast"}) if wanted.video else None
        audio = container.add_stream("aac", rate=16000) if wanted.audio else None
        if video is not None:
            assert isinstance(video, VideoStream)
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            video.codec_context.thread_count = 1
            for number in range(round(seconds * fps)):
                frame = av.VideoFrame(width, height, "yuv420p")
                frame.pts, frame.time_base = starts_at + number, Fraction(1, fps)
                for depth, plane in enumerate(frame.planes):
                    plane.update(bytes([(number * 17 + depth * 60) % 256]) * plane.buffer_size)
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        if audio is not None:
            assert isinstance(audio, AudioStream)
            for number in range(round(seconds * 16000 / 1024)):
                silence = av.AudioFrame(format="fltp", layout="mono", samples=1024)
                silence.sample_rate, silence.pts = 16000, number * 1024
                silence.planes[0].update(bytes(silence.planes[0].buffer_size))
                container.mux(audio.encode(silence))
            container.mux(audio.encode(None))
    return path
