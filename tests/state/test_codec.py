"""Jobs and events survive the way through JSON, whatever they hold, and signed links do not."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchvid.domain import events as ev
from batchvid.domain.clip_request import ClipRequest, ImageRef
from batchvid.domain.failures import Charged, FailureKind
from batchvid.domain.job_spec import Clip, FallbackTarget, JobSpec, Price, Reason, RowPlace
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import Asset
from batchvid.state import codec
from tests.builders import CONTENT, LINK, ONE_OF_EACH, SECRET, job_in, life, planned, spec

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SAID = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
SIZES = st.floats(0, 10_000, allow_nan=False)
COUNTS = st.integers(0, 2**53)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
MONEY = st.decimals(0, 10_000, places=4)
PRICES = st.builds(Price, usd=st.none() | MONEY, basis=SAID)
KEYED = st.lists(st.builds(Asset, location=SAID, keyed=st.just(True)), max_size=3).map(tuple)
VENDOR = st.dictionaries(WORDS, WORDS, max_size=3)
PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
IMAGES = st.builds(
    ImageRef,
    role=st.sampled_from(["first", "last", "reference"]),
    source=SAID,
    sha256=WORDS,
    media_type=WORDS,
    size_bytes=COUNTS,
    width=COUNTS,
    height=COUNTS,
)
REQUESTS = st.builds(
    ClipRequest,
    model=SAID,
    **dict.fromkeys(
        ("prompt", "negative_prompt", "fit", "aspect_ratio", "resolution", "mode", "action", "video", "audio"), WORDS
    ),
    images=st.lists(IMAGES, max_size=3).map(tuple),
    duration_s=st.none() | SIZES,
    seed=st.none() | COUNTS,
    sound=st.none() | st.booleans(),
    options=st.dictionaries(WORDS, PLAIN, max_size=3),
)
SPECS = st.builds(
    JobSpec,
    **dict.fromkeys(("id", "entry", "provider", "key", "fingerprint"), SAID),
    request=REQUESTS,
    take=st.integers(1, 99),
    variables=st.dictionaries(WORDS, WORDS, max_size=3),
    tags=st.lists(WORDS, max_size=3).map(tuple),
)
CLIPS = st.builds(Clip, key=SAID, size_bytes=COUNTS, sha256=WORDS, duration_s=SIZES, width=COUNTS, height=COUNTS)
JOBS = st.builds(
    Job,
    spec=SPECS,
    state=st.sampled_from(JobState),
    **dict.fromkeys(
        ("attempts", "tasks", "refusals", "dead_links", "committed_attempts", "unpriced_attempts"), st.integers(0, 99)
    ),
    **dict.fromkeys(
        (
            "origin",
            "dialect",
            "prefix",
            "external_id",
            "call_fingerprint",
            "task_id",
            "model_returned",
            "actual_usd",
            "vendor_status",
            "message",
        ),
        WORDS,
    ),
    **dict.fromkeys(
        ("planned_at", "submitted_at", "accepted_at", "finished_at", "stored_at", "retry_at", "expires_at"),
        st.none() | TIMES,
    ),
    price=PRICES,
    committed_usd=MONEY,
    progress=st.none() | st.floats(0, 1),
    assets=KEYED,
    vendor_metadata=VENDOR,
    kind=st.none() | st.sampled_from(FailureKind),
    charged=st.sampled_from(Charged),
    clip=st.none() | CLIPS,
)
EVENTS: dict[type[ev.Event], st.SearchStrategy[ev.Event]] = {
    ev.SubmitStarted: st.builds(
        ev.SubmitStarted,
        at=TIMES,
        price=PRICES,
        duration_s=st.none() | st.floats(1, 60),
        **dict.fromkeys(("origin", "dialect", "prefix", "model", "external_id", "call_fingerprint"), WORDS),
    ),
    ev.SubmitAccepted: st.builds(ev.SubmitAccepted, at=TIMES, task_id=WORDS, model=WORDS, rehearsal=st.booleans()),
    ev.SubmitRefused: st.builds(
        ev.SubmitRefused, at=TIMES, kind=st.sampled_from(FailureKind), message=WORDS, retry_at=st.none() | TIMES
    ),
    ev.SubmitLost: st.builds(ev.SubmitLost, at=TIMES, message=WORDS, request_id=WORDS, looked_up=WORDS),
    ev.Progressed: st.builds(ev.Progressed, at=TIMES, vendor_status=WORDS, progress=st.none() | st.floats(0, 1)),
    ev.TaskSucceeded: st.builds(
        ev.TaskSucceeded,
        at=TIMES,
        assets=KEYED,
        expires_at=st.none() | TIMES,
        vendor_metadata=VENDOR,
        **dict.fromkeys(("model", "actual_usd"), WORDS),
    ),
    ev.TaskFailed: st.builds(
        ev.TaskFailed,
        at=TIMES,
        kind=st.sampled_from(FailureKind),
        message=WORDS,
        charged=st.sampled_from(Charged),
        retry_at=st.none() | TIMES,
    ),
    ev.LinkExpired: st.builds(ev.LinkExpired, at=TIMES, message=WORDS),
    ev.ClipStored: st.builds(ev.ClipStored, at=TIMES, clip=CLIPS),
    ev.GaveUp: st.builds(ev.GaveUp, at=TIMES, kind=st.sampled_from(FailureKind), message=WORDS),
    ev.Reopened: st.builds(ev.Reopened, at=TIMES, reason=WORDS),
    ev.RehearsalEnded: st.builds(ev.RehearsalEnded, at=TIMES),
    ev.Adopted: st.builds(ev.Adopted, at=TIMES, adopted_from=WORDS, spec=st.just(spec()), clip=st.none() | CLIPS),
    ev.PollResumed: st.builds(ev.PollResumed, at=TIMES),
    ev.Relocated: st.builds(ev.Relocated, at=TIMES, origin=WORDS),
    ev.CostBilled: st.builds(
        ev.CostBilled,
        at=TIMES,
        attempt=st.integers(1, 9),
        actual_usd=WORDS,
        cost_usd=st.decimals(0, 100, places=4),
        extra_usd=st.decimals(0, 100, places=4),
    ),
}


def event_again(event: ev.Event) -> ev.Event:
    """The event after its way through a row."""
    return codec.load_event(type(event).__name__, event.at.isoformat(), codec.dump_event(event), spec())


def job_again(job: Job) -> Job:
    """The job after its way through a row."""
    return codec.load_job(job.state, codec.dump_spec(job.spec), codec.dump_job_data(job))


@given(SPECS)
def test_every_spec_comes_back_equal(one: JobSpec) -> None:
    """Whatever script, option or image a spec holds, the file gives back the very same."""
    assert one == codec.load_spec(codec.dump_spec(one))


@given(JOBS)
def test_every_job_comes_back_equal(job: Job) -> None:
    """Money to the last digit, times to the microsecond, and every field that differs from its default."""
    again = job_again(job)
    assert job == again
    assert type(again.committed_usd) is Decimal


@given(st.one_of(*EVENTS.values()))
def test_every_event_comes_back_equal(event: ev.Event) -> None:
    """The log tells exactly what happened."""
    assert event == event_again(event)


def test_no_kind_of_event_is_left_out() -> None:
    """The property above is about every event there is; a plan is told by the spec in the job's row."""
    assert {*EVENTS, ev.Planned} == set(ev.KINDS.values())
    asked = planned(spec(prompt="as planned"))
    assert asked == codec.load_event("Planned", asked.at.isoformat(), codec.dump_event(asked), asked.spec)


@pytest.mark.parametrize("state", JobState)
def test_a_job_on_its_way_comes_back_without_its_links(state: JobState) -> None:
    """Of what a ready job offers only the path that needs the key is kept: a link is asked for again."""
    job = job_in(state)
    kept = tuple(asset for asset in job.assets if asset.keyed)
    assert replace(job, assets=kept) == job_again(job)
    assert SECRET not in codec.dump_job_data(job)


def test_no_event_keeps_a_link() -> None:
    """A finished task's signed link does not enter the log; its content path does."""
    for event in ONE_OF_EACH:
        assert SECRET not in codec.dump_event(event)
    done = ev.TaskSucceeded(at=ONE_OF_EACH[0].at, assets=(LINK, CONTENT))
    assert event_again(done) == replace(done, assets=(CONTENT,))


def test_a_row_holds_only_what_was_said() -> None:
    """A hundred thousand pending jobs do not write their defaults down."""
    assert codec.dump_job_data(life(planned())[0].job) == '{"planned_at":"2026-03-01T20:00:00+00:00"}'
    named = {f.name for f in (*fields(JobSpec), *fields(ClipRequest))}
    assert named > set(orjson.loads(codec.dump_spec(spec())))


OLD_ROW = """{
    "id": "kites-7", "entry": "kites", "provider": "cometapi", "model": "veo3-fast", "prompt": "a kite",
    "key": "kites-7.mp4", "fingerprint": "f1:0", "take": 2, "negative_prompt": "rain",
    "images": [{"role": "first", "source": "/home/ann/a.png", "sha256": "ab", "media_type": "image/png",
                "size_bytes": 9, "width": 640, "height": 480, "turned": true}],
    "fit": "cover", "duration_s": 8.0, "aspect_ratio": "16:9", "resolution": "720p", "seed": 7, "sound": false,
    "mode": "pro", "action": "extend", "video": "https://cdn.example/v.mp4", "parent": "kites-1",
    "parent_fingerprint": "f1:1", "audio": "https://cdn.example/a.mp3", "options": {"cfg": 0.5},
    "variables": {"city": "Köln", "model": "his"}, "tags": ["a", "b"],
    "fallback": [{"model": "veo3.1", "provider": "aimlapi"}], "fallback_on": ["outage"],
    "fallback_while_running": true, "instead_of": {"model": "sora-2", "provider": "cometapi"}
}"""
"""A spec as batchvid wrote it before ClipRequest existed: flat, with every field."""


def test_a_row_of_before_the_clip_request_is_read_and_written_as_it_was() -> None:
    """The JSON of a state file stays flat: older and newer versions read each other's jobs."""
    one = codec.load_spec(orjson.dumps(orjson.loads(OLD_ROW)).decode())
    expected = spec(
        "kites-7",
        take=2,
        prompt="a kite",
        negative_prompt="rain",
        images=(
            ImageRef(
                role="first",
                source="/home/ann/a.png",
                sha256="ab",
                media_type="image/png",
                size_bytes=9,
                width=640,
                height=480,
                turned=True,
            ),
        ),
        fit="cover",
        duration_s=8.0,
        aspect_ratio="16:9",
        resolution="720p",
        seed=7,
        sound=False,
        mode="pro",
        action="extend",
        video="https://cdn.example/v.mp4",
        parent="kites-1",
        parent_fingerprint="f1:1",
        audio="https://cdn.example/a.mp3",
        options={"cfg": 0.5},
        variables={"city": "Köln", "model": "his"},
        tags=("a", "b"),
        fallback=(FallbackTarget("veo3.1", "aimlapi"),),
        fallback_on=(Reason.OUTAGE,),
        fallback_while_running=True,
        instead_of=FallbackTarget("sora-2", "cometapi"),
    )
    assert one == expected
    assert orjson.loads(codec.dump_spec(one)) == orjson.loads(OLD_ROW)


def test_a_spec_without_a_prompt_comes_back() -> None:
    """An image alone may be a job: an empty text where one must be said is written down, not left out."""
    mute = spec(prompt="", provider="", key="")
    assert mute == codec.load_spec(codec.dump_spec(mute))


def test_a_row_that_was_tampered_with_is_refused() -> None:
    """A state that does not exist and a sum that is none are errors, not guesses."""
    good = codec.dump_spec(spec())
    with pytest.raises(ValueError, match="state"):
        codec.load_job("paused", good, "{}")
    with pytest.raises(ValueError, match="committed_usd"):
        codec.load_job("pending", good, '{"committed_usd": "much"}')
    with pytest.raises(KeyError, match="Exploded"):
        codec.load_event("Exploded", "2026-03-01T20:00:00+00:00", "{}", spec())


def test_a_field_that_a_newer_version_dropped_is_ignored() -> None:
    """Versions up to 0.1 wrote the committed seconds beside the committed money."""
    job_data = '{"committed_s":8.0,"committed_usd":"0.10","committed_attempts":1}'
    job = codec.load_job("pending", codec.dump_spec(spec()), job_data)
    assert (job.committed_usd, job.committed_attempts) == (Decimal("0.10"), 1)
    assert "committed_s" not in codec.dump_job_data(job)


def test_a_lost_submit_of_an_older_version_is_read() -> None:
    """Its event says nothing of a request id, nor of what asking the provider brought."""
    event = codec.load_event("SubmitLost", "2026-03-01T20:00:00+00:00", '{"message":"reset"}', spec())
    assert event == ev.SubmitLost(at=datetime(2026, 3, 1, 20, tzinfo=UTC), message="reset")


@pytest.mark.parametrize(
    "assets",
    [
        (Asset(location=f"/d/1.mp4?sig={SECRET}", keyed=True, from_origin=True),),
        (LINK, CONTENT, replace(LINK, output=2)),  # the content route alone would look like a single clip
    ],
)
def test_what_needs_a_new_poll_is_not_kept(assets: tuple[Asset, ...]) -> None:
    """A path that the vendor named may be signed; of several clips either all links are kept or none."""
    event = ev.TaskSucceeded(at=datetime(2026, 1, 1, tzinfo=UTC), assets=assets)
    assert orjson.loads(codec.dump_event(event))["assets"] == []


def test_the_row_of_a_table_is_kept() -> None:
    """Under one name, and only if there is one; the file is without the query of a link."""
    row = RowPlace("plan.xlsx", 3, 7, "Clips")
    assert codec.load_spec(codec.dump_spec(spec(row=row))).row == row
    assert "row" not in orjson.loads(codec.dump_spec(spec()))
    linked = codec.load_spec(codec.dump_spec(spec(row=RowPlace(f"https://shop.example/t.csv?key={SECRET}", 1, 2))))
    assert linked.row == RowPlace("https://shop.example/t.csv?...", 1, 2)
