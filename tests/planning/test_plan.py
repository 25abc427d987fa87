"""The plan: a action with a reason for every job, a price before, and no second look at what is paid for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from batchvid import catalog
from batchvid.catalog import Provider, providers
from batchvid.domain.clip_request import ImageRef
from batchvid.domain.job_spec import JobSpec
from batchvid.domain.jobs import Job, JobState
from batchvid.domain.wire import ImageInput
from batchvid.errors import ManifestError, Unsupported, UsageError
from batchvid.manifest import Manifest, ManifestModel, Place, PlacedJob
from batchvid.planning.plan import make_plan
from batchvid.planning.plan_types import Plan, PlanAction
from batchvid.planning.routing import build_order, check, find_route
from tests.builders import job_in, sold, spec

PROVIDERS: Mapping[str, Provider] = providers({})
BLUE = 'prompt: "a paper kite" -> "a blue kite"'
FIRST = ImageRef(role="first", source="/photos/a.png", sha256="cd" * 32, media_type="image/png", width=640, height=480)


def manifest(*specs: JobSpec, only: tuple[str, ...] = ()) -> Manifest:
    """A loaded manifest that asks for these, one line each; `only` narrows it."""
    placed = [
        PlacedJob(spec=one, place=Place("kites.yaml", line, one.entry)) for line, one in enumerate(specs, start=10)
    ]
    settings: dict[str, Any] = {"batch": "kites", "clips": [{"id": "kite", "prompt": "a kite", "model": "veo3-fast"}]}
    return Manifest(
        path=Path("kites.yaml"),
        folder=Path("/batches"),
        batch="kites",
        settings=ManifestModel.model_validate(settings),
        jobs=tuple(job for job in placed if not only or job.spec.id in only),
        all_ids=frozenset(one.id for one in specs),
        only=bool(only),
    )


def plan(*specs: JobSpec, jobs: tuple[Job, ...] = (), **more: Any) -> Plan:
    """What a run would do."""
    return make_plan(manifest(*specs), {job.id: job for job in jobs}, PROVIDERS, **more)


@pytest.mark.parametrize(
    ("state", "action", "reason"),
    [
        (None, PlanAction.NEW, "not planned before"),
        (JobState.PENDING, PlanAction.WAITING, "planned, not bought yet"),
        (JobState.SUBMITTING, PlanAction.IN_FLIGHT, "submitting"),
        (JobState.RUNNING, PlanAction.IN_FLIGHT, "running as task t-1"),
        (JobState.READY, PlanAction.IN_FLIGHT, "ready as task t-1"),
        (JobState.SUCCEEDED, PlanAction.STORED, "stored"),
        (JobState.FAILED, PlanAction.FAILED, "moderation_output: withheld"),
        (JobState.UNCERTAIN, PlanAction.UNCERTAIN, "may be paid for: reset"),
    ],
)
def test_each_state_has_its_verdict(state: JobState | None, action: PlanAction, reason: str) -> None:
    """What is done about a job that the manifest asks for unchanged."""
    (job,) = plan(spec(), jobs=() if state is None else (job_in(state),)).jobs
    assert (job.action, job.reason) == (action, reason)


@pytest.mark.parametrize(
    ("state", "action", "reason"),
    [
        (JobState.PENDING, PlanAction.WAITING, f"changed before it was bought: {BLUE}"),
        (JobState.RUNNING, PlanAction.IN_FLIGHT, "running as task t-1"),
        (
            JobState.SUCCEEDED,
            PlanAction.CHANGED,
            f"{BLUE}; --regenerate changed buys the new clip",
        ),
        (
            JobState.FAILED,
            PlanAction.FAILED,
            f"moderation_output: withheld; edited since: {BLUE}; retry buys the new one",
        ),
        (JobState.UNCERTAIN, PlanAction.UNCERTAIN, "may be paid for: reset"),
    ],
)
def test_a_changed_row_is_shown_and_nothing_is_bought_for_it(state: JobState, action: PlanAction, reason: str) -> None:
    """Only what was never paid for is bought as it is now; all else is kept and says that it differs."""
    found = plan(spec(fingerprint="f1:new", prompt="a blue kite"), jobs=(job_in(state),))
    (job,) = found.jobs
    assert (job.action, job.reason) == (action, reason)
    assert found.to_buy == (found.jobs if state is JobState.PENDING else ())


@pytest.mark.parametrize("state", JobState)
def test_what_left_the_manifest_is_left_alone(state: JobState) -> None:
    """A removed job is never bought; if it is paid for and open, it is still collected."""
    found = plan(spec("boat"), jobs=(job_in(state),))
    kept, removed = found.jobs
    assert (kept.spec.id, removed.spec.id) == ("boat", "kite")
    paid = state in (JobState.SUBMITTING, JobState.RUNNING, JobState.READY)
    assert removed.action is (PlanAction.IN_FLIGHT if paid else PlanAction.REMOVED)
    assert removed.reason.startswith("no longer in the manifest")
    assert removed not in found.to_buy


def test_what_only_leaves_out_is_not_removed() -> None:
    """A job that `--only` does not pick is still in the manifest: it is not in this plan at all."""
    reduce_limit = manifest(spec("kite"), spec("boat"), only=("boat",))
    found = make_plan(reduce_limit, {"kite": job_in(JobState.SUCCEEDED)}, PROVIDERS)
    assert [job.spec.id for job in found.jobs] == ["boat"]


@pytest.mark.parametrize("state", [s for s in JobState if s is not JobState.PENDING])
def test_what_is_paid_for_is_never_checked_again(state: JobState) -> None:
    """A job of a vanished model, provider and ratio still plans once money is out: a run must be able to collect it."""
    impossible = spec(model="gone-9", provider="closed", aspect_ratio="3:7")
    assert plan(impossible, jobs=(replace(job_in(state), spec=impossible),)).to_buy == ()
    with pytest.raises(ManifestError, match="gone-9"):
        plan(impossible)


@pytest.mark.parametrize("action", [PlanAction.STORED, PlanAction.CHANGED, PlanAction.FAILED])
def test_what_is_at_rest_is_bought_again_only_when_asked(action: PlanAction) -> None:
    """`again` is asked about jobs at rest, with their action, and a yes buys them as the manifest has them now."""
    state = JobState.FAILED if action is PlanAction.FAILED else JobState.SUCCEEDED
    now = spec(fingerprint="f1:new" if action is PlanAction.CHANGED else "f1:0")
    asked: list[PlanAction] = []

    def again(one: JobSpec, found: PlanAction) -> bool:
        asked.append(found)
        return one.id == "kite"

    found = plan(now, spec("boat"), jobs=(job_in(state), job_in(JobState.RUNNING, "boat")), rebuy=again)
    assert [job.action for job in found.jobs] == [PlanAction.WAITING, PlanAction.IN_FLIGHT]
    assert found.jobs[0].reason.endswith("to be bought again")
    assert asked == [action]
    assert [job.spec for job in found.to_buy] == [now]


def test_the_plan_adds_up() -> None:
    """Counts are by action, and what is to be bought has its price and its billed length."""
    found = plan(spec("a"), spec("b", duration_s=4), spec("c"), jobs=(job_in(JobState.SUCCEEDED, "c"),))
    assert found.counts == {PlanAction.NEW: 2, PlanAction.STORED: 1}
    assert [(job.price.usd, job.duration_s) for job in found.to_buy] == [(Decimal("0.40"), 8), (Decimal("0.20"), 4)]


def test_a_length_that_is_not_sold_is_moved_and_said() -> None:
    """A wish between two steps is warned of with both; a wish that is sold, or none, is not."""
    moved, sold, silent = plan(spec("a", duration_s=5), spec("b", duration_s=6), spec("c")).jobs
    assert moved.warning == "veo3-fast is sold in 4, 6, 8 s: 5 s becomes 4 s"
    assert (sold.warning, silent.warning) == ("", "")
    assert moved.duration_s == 4


def test_an_unknown_price_is_shown_as_unknown() -> None:
    """The emulator is free because it is, a model without a price costs nobody knows what."""
    unknown, free = plan(spec("a", model="sora-2-pro"), spec("b", model="sora-2-pro", provider="emulator")).jobs
    assert (unknown.price.usd, unknown.price.basis) == (None, "unknown")
    assert (free.price.usd, free.price.basis) == (Decimal(0), "the emulator charges nothing")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"aspect_ratio": "1:1"}, "aspect_ratio: veo3-fast: cannot do 1:1; it can do 16:9, 9:16"),
        (
            {"model": "kling-v2-6", "duration_s": 5, "images": (replace(FIRST, size_bytes=12_600_000),)},
            "image: kling-v2-6: a.png: at most 10 MB are allowed, not 12.6 MB",
        ),
        (
            {"model": "gen3a_turbo", "duration_s": 5, "images": (replace(FIRST, size_bytes=4_200_000),)},
            "image: gen3a_turbo: a.png: at most 3.9 MB for a local file are allowed, not 4.2 MB",
        ),
        ({"model": "gen3a_turbo"}, "image: gen3a_turbo: makes clips from an image only; give one"),
        ({"images": (FIRST, FIRST)}, "image: veo3-fast: cannot take 2 of them; it takes 1 image, 1 end_image"),
        (
            {"model": "sora-2", "images": (replace(FIRST, role="last"),)},
            "end_image: sora-2: cannot take 1 of them; it takes 1 image",
        ),
        ({"images": (replace(FIRST, role="reference"),)}, "reference_images: veo3-fast: cannot take 1 of them"),
        ({"model": "veo3-fsat"}, "unknown model 'veo3-fsat'; did you mean veo3-fast"),
        ({"provider": "nobody"}, "unknown provider 'nobody'; there are cometapi, "),
    ],
)
def test_what_cannot_be_is_told_with_its_place(fields: dict[str, Any], said: str) -> None:
    """File, line, entry, the manifest's own word, and what is allowed."""
    with pytest.raises(ManifestError) as raised:
        plan(spec("boat"), spec(**fields))
    (problem,) = raised.value.problems
    assert problem.startswith(f"kites.yaml:11: kite: {said}")


def test_all_problems_come_at_once_and_each_once() -> None:
    """Jobs of one entry share a mistake: it is one line; another entry's is another."""
    bad = {"aspect_ratio": "1:1"}
    takes = [spec(f"kite-{take}", take=take, **bad) for take in (1, 2, 3)]
    one = PlacedJob(spec=takes[0], place=Place("kites.yaml", 10, "kite"))
    both = manifest(*takes, spec("boat", model="nothing"))
    shared = replace(both, jobs=(*(replace(one, spec=take) for take in takes), both.jobs[-1]))
    with pytest.raises(ManifestError) as raised:
        make_plan(shared, {}, PROVIDERS)
    assert [problem.split(": ")[:2] for problem in raised.value.problems] == [
        ["kites.yaml:10", "kite"],
        ["kites.yaml:13", "boat"],
    ]


def test_a_provider_that_does_not_speak_it_is_no_way() -> None:
    """The message names the provider, the model, what it needs and what is spoken."""
    own = providers({"office": {"dialect": "veo", "base_url": "https://gw.example", "api_key_env": "GW"}})
    with pytest.raises(UsageError, match="office does not speak kling, which model kling-v2-6 needs; it speaks veo"):
        find_route(spec(provider="office", model="kling-v2-6"), own)
    assert find_route(spec(provider="office"), own).prefix == ""
    assert find_route(spec(model="kling-v2-6"), own).prefix == "/kling"


def test_what_is_sent_is_what_was_asked() -> None:
    """An order carries the spec's own words, the billed length and the vendor's id; images without their bytes."""
    far = ImageRef(role="last", source="https://cdn.example/b.png?x=1")
    one = spec(
        images=(FIRST, far), duration_s=5, aspect_ratio="9:16", resolution="720p", seed=7, sound=False, mode="pro",
        options={"n": 1}, negative_prompt="rain", model="veo/veo3-fast",
    )  # fmt: skip
    route = find_route(one, PROVIDERS)
    order = build_order(one, model=route.model.name, terms=route.terms, external_id="kite-1")
    assert (order.request.model, order.request.duration_s, order.external_id) == ("veo3-fast", 4, "kite-1")
    assert (
        order.request.prompt,
        order.request.negative_prompt,
        order.request.aspect_ratio,
        order.request.resolution,
    ) == (*("a paper kite", "rain", "9:16", "720p"),)
    assert (order.request.seed, order.request.sound, order.request.mode, order.request.options) == (
        7,
        False,
        "pro",
        {"n": 1},
    )
    assert [(image.role, image.filename, image.data, image.url, image.width) for image in order.images] == [
        ("first", "a.png", b"", "", 640),
        ("last", "b.png?x=1", b"", "https://cdn.example/b.png?x=1", 0),
    ]
    loaded = ImageInput(role="first", filename="a.png", media_type="image/png", data=b"png")
    assert build_order(one, images=iter([loaded])).images == (loaded,)


def test_what_is_done_to_another_clip_is_sent_too() -> None:
    """An order carries the action with the clip and the sound that it works on."""
    order = build_order(spec(action="lip-sync", video="https://cdn.example/a.mp4", audio="https://cdn.example/a.mp3"))
    assert (order.request.action, order.request.video, order.request.audio) == (
        *("lip-sync", "https://cdn.example/a.mp4", "https://cdn.example/a.mp3"),
    )


def test_a_check_asks_the_dialect_too() -> None:
    """What only the wire format knows is found while planning, before any money: the word is the manifest's."""
    one = spec(model="sora-2", negative_prompt="rain")
    with pytest.raises(Unsupported, match="negative_prompt"):
        check(one, find_route(one, PROVIDERS))


SUNSET = date(2026, 9, 24)


def test_a_sunset_is_warned_of_before_and_refused_after() -> None:
    """The day counts on which it is bought; who says so may try all the same, and the emulator never retires one."""
    job = spec(model="sora-2")
    told = "sora-2 is sold until 2026-09-24 (OpenAI's deprecation notice)"
    assert plan(job, sold_on=SUNSET - timedelta(days=1)).jobs[0].warning == told
    for day in (SUNSET, SUNSET + timedelta(days=90)):
        with pytest.raises(ManifestError, match=r"model: sora-2: .*--allow-retired tries it anyway"):
            plan(job, sold_on=day)
        assert plan(spec(model="sora-2", provider="emulator"), sold_on=day).jobs[0].warning == ""
    assert plan(job, sold_on=None).to_buy


def test_a_refusal_names_who_can() -> None:
    """Other models of the same provider that can do all that the job asks, and no other."""
    wide = spec(model="veo3-fast", aspect_ratio="21:9", images=(replace(FIRST, width=840, height=360),))
    with pytest.raises(ManifestError) as raised:
        plan(wide)
    assert str(raised.value).partition("; models that can: ")[2].split(", ")[0] in catalog.built_in().rows
    for name in str(raised.value).partition("; models that can: ")[2].split(" and ")[0].split(", "):
        other = wide.with_request(model=name)
        check(other, find_route(other, PROVIDERS))


def test_where_nobody_can_nobody_is_named() -> None:
    """A job that no model can do is refused without a hint."""
    with pytest.raises(ManifestError) as raised:
        plan(spec(aspect_ratio="99:1"))
    assert "models that can" not in str(raised.value)


def test_a_row_of_the_users_own_counts() -> None:
    """A plan is made against the catalogue it is given."""
    models = catalog.built_in().merged_with(
        {"house": {"dialect": "veo", "durations_s": "3-5", "default_duration_s": 3}}
    )
    assert make_plan(manifest(spec(model="house")), {}, PROVIDERS, models=models).to_buy[0].duration_s == 3
    with pytest.raises(ManifestError, match="unknown model 'house'"):
        plan(spec(model="house"))


SWITCH = ("veo3-fast", "veo3.1", "kling-v2-6", "kling-v1", "kling-video-o1", "grok-imagine-video")


@pytest.mark.parametrize("fields", [{}, {"images": (replace(FIRST, width=1600, height=900),)}, {"duration_s": None}])
@pytest.mark.parametrize("model", [name for name in SWITCH if name in catalog.built_in().rows])
def test_another_model_needs_no_other_change(model: str, fields: dict[str, Any]) -> None:
    """A job of eight seconds in 16:9 is bought from any of them: the length becomes a step, and the ratio holds."""
    job = spec(model=model, **{"duration_s": 8.0, "aspect_ratio": "16:9", **fields})
    (planned,) = plan(job).to_buy
    assert planned.duration_s in sold().find(model).durations_s
    assert bool(planned.warning) == (job.request.duration_s not in (planned.duration_s, None))


def test_a_fitted_frame_is_told_as_it_will_be_sent() -> None:
    """The dialect's own checks see the fitted pixels: Sora takes any photograph once it is to be fitted."""
    job = spec(model="sora-2", aspect_ratio="16:9", images=(FIRST,))
    with pytest.raises(Unsupported, match="exact pixels"):
        check(job, find_route(job, PROVIDERS))
    fitted = job.with_request(fit="cover")
    route = find_route(fitted, PROVIDERS)
    check(fitted, route)
    (image,) = build_order(fitted, terms=route.terms).images
    assert (image.width, image.height) == (1280, 720)
    kling = spec(model="kling-v2-6", aspect_ratio="9:16", images=(FIRST,), fit="contain")
    check(kling, find_route(kling, PROVIDERS))


def test_a_poll_needs_no_catalogue() -> None:
    """Without terms an order tells the wishes as they are: enough for a path."""
    order = build_order(spec(model="gone", duration_s=7, aspect_ratio="16:9", action="extend"))
    assert (order.request.model, order.request.duration_s, order.request.aspect_ratio, order.request.action) == (
        "gone",
        7,
        "16:9",
        "extend",
    )
