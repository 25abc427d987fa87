"""How each wire names a parent's clip: as the recordings name it by ids or by a link, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batchvid.dialects import DIALECTS
from batchvid.domain.wire import GenerationRequest, ImageInput, Parent
from batchvid.errors import Unsupported
from tests.builders import generation, with_fields
from tests.exchanges import Recording, as_recorded, load

LINK = "https://cdn.example/a.mp4?Signature=s"
ALL = Parent(task_id="t-1", vendor_metadata={"video_id": "v-1"}, link=LINK)
IDS = ("task_id", "video_id", "previous_job_id")
KLING = generation(model="kling-v1-6", prompt="", action="extend")
REMIX = generation(model="sora-2", prompt="kite", action="remix")
OMNI = generation(model="kling-video-o1", prompt="kite")
FIVE = ImageInput(role="reference", filename="", media_type="", url="https://example.com/a.png")
FACES = {"session_id": "s", "face_choose": [{"face_id": "0", "audio_id": "a"}]}


def of_a_parent(order: GenerationRequest) -> GenerationRequest | None:
    """The same order with a parent in place of the ids or the link that name the clip; None where none does."""
    ids = {name: order.request.options[name] for name in IDS if name in order.request.options}
    if not ids and not (order.request.video and order.request.action):
        return None
    # where a vendor calls a clip by its task, the recording's video_id is that
    parent = Parent(
        task_id=next((ids[name] for name in IDS if name in ids), "t"),
        vendor_metadata=ids,
        link=order.request.video or LINK,
    )
    options = {name: value for name, value in order.request.options.items() if name not in IDS}
    return with_fields(order, video="", options=options, parent=parent)


WORKS = [r for r in load(step="submit") if r.request and r.order and of_a_parent(r.order)]


@pytest.mark.parametrize("recording", WORKS, ids=lambda r: f"{r.dialect}/{r.case}")
def test_a_parent_becomes_what_the_recording_names(recording: Recording) -> None:
    """The very request that is recorded with ids under options, or with a link, goes out for a parent."""
    order = of_a_parent(recording.order) if recording.order else None
    assert order
    assert as_recorded(DIALECTS[recording.dialect].submit(order)) == recording.request


def test_every_wire_that_works_on_clips_is_recorded() -> None:
    """The recordings above cover each dialect and action that takes a parent."""
    assert {(r.dialect, r.order.request.action) for r in WORKS if r.order} == {
        ("atlas", "edit"),
        ("fal", "edit"),
        ("gateway", "edit"),
        ("gateway", "extend"),
        ("kling", "edit"),
        ("kling", "extend"),
        ("kling", "lip-sync"),
        ("kling-new", "edit"),
        ("openai-videos", "remix"),
        ("runway", "edit"),
        ("runway", "extend"),
        ("litellm", "edit"),
        ("litellm", "extend"),
        ("openrouter", "extend"),
        ("sglang", "edit"),
        ("videos", "edit"),
        ("wavespeed", "edit"),
        ("vllm-omni", "edit"),
        ("xai", "edit"),
        ("xai", "extend"),
    }


@pytest.mark.parametrize(
    ("dialect", "order", "field", "reason"),
    [
        ("veo", generation(model="veo3", prompt="kite"), "parent", "does not support"),
        ("seedance", generation(model="doubao-seedance-2-0", prompt="kite"), "parent", "does not support"),
        ("runway", generation(model="gen4_turbo", prompt="kite"), "parent", "does not support"),
        ("openai-videos", generation(model="sora-2", prompt="kite"), "parent", "does not support"),
        ("videos", generation(model="wan", prompt="kite"), "parent", "does not support"),
        ("xai", generation(model="grok", prompt="kite"), "parent", "does not support"),
        ("kling", generation(model="kling-v2-6", prompt="kite"), "parent", "does not support"),
        ("kling", with_fields(KLING, action="lip-sync", options=FACES), "parent", "does not support"),
        ("kling", with_fields(KLING, options={"video_id": "v-2"}), "options", "video_id is not allowed together"),
        ("kling", with_fields(KLING, options={"task_id": "t-2"}), "options", "task_id is not allowed together"),
        ("kling", with_fields(KLING, action="lip-sync", options={"video_id": "v"}), "options", "both name the clip"),
        ("kling", with_fields(OMNI, video="https://a.example/a.mp4"), "video", "both name the clip"),
        ("openai-videos", with_fields(REMIX, options={"video_id": "v"}), "options", "both name the clip"),
        ("gateway", with_fields(KLING, options={"video_id": "v"}), "options", "both name the clip"),
        ("gateway", with_fields(KLING, action="", prompt="kite"), "parent", "action: extend"),
        ("gateway", generation(model="gemini-omni", prompt="kite"), "parent", "action: edit"),
        ("gateway", generation(model="sora-2", prompt="kite", aspect_ratio="16:9"), "parent", "does not support"),
        ("kling", with_fields(OMNI, images=(FIVE,) * 5), "reference_images", "at most 4 images"),
        (
            "gateway",
            generation(
                model="x", prompt="p", images=(ImageInput(role="first", filename="", media_type="", url=LINK),)
            ),
            "image",
            "none together",
        ),
    ],
)  # fmt: skip
def test_a_parent_that_the_wire_cannot_say_is_refused(
    dialect: str, order: GenerationRequest, field: str, reason: str
) -> None:
    """It is never dropped, and never said twice."""
    with pytest.raises(Unsupported) as refused:
        DIALECTS[dialect].submit(with_fields(order, parent=ALL))
    assert (field, True) == (refused.value.field, reason in refused.value.reason), refused.value


@pytest.mark.parametrize(
    ("dialect", "order", "parent", "reason"),
    [
        ("kling", KLING, Parent(link=LINK), "its task_id is required"),
        ("kling", KLING, Parent(task_id="t-1", link=LINK), "its video_id is required"),
        ("kling", with_fields(OMNI, action="edit"), replace(ALL, link=""), "a link to its clip"),
        ("openai-videos", REMIX, Parent(link=LINK), "its video_id"),
        (
            "xai",
            generation(model="grok", prompt="p", action="edit"),
            replace(ALL, link=""),
            "a link to its clip",
        ),
        (
            "videos",
            generation(model="wan", prompt="p", action="edit"),
            replace(ALL, link=""),
            "a link to its clip",
        ),
        ("gateway", KLING, Parent(link=LINK), "its video_id is required"),
        (
            "gateway",
            generation(model="x", prompt="p", action="edit"),
            replace(ALL, link=""),
            "a link to its clip",
        ),
    ],
)
def test_a_parent_of_another_wire_has_no_ids_and_maybe_no_link(
    dialect: str, order: GenerationRequest, parent: Parent, reason: str
) -> None:
    """What the wire needs of it and it has not is told by the manifest's own word."""
    with pytest.raises(Unsupported, match=f"^parent: {reason}"):
        DIALECTS[dialect].submit(with_fields(order, parent=parent))


def test_kling_takes_the_vendors_own_task_id() -> None:
    """A task that was asked for by our external id is named as Kling itself names it."""
    parent = Parent(task_id="job-0001", vendor_metadata={"task_id": "8781", "video_id": "f8b2"})
    body = DIALECTS["kling"].submit(with_fields(KLING, parent=parent)).json
    assert body
    assert (body["task_id"], body["video_id"]) == ("8781", "f8b2")


def test_lip_sync_works_on_a_clip_of_another_wire_by_its_link() -> None:
    """Kling takes its own clips by id and any other by a link."""
    order = generation(model="kling-v2-6", prompt="", action="lip-sync", audio="https://a.example/a.mp3")
    for parent, named in ((ALL, ("video_id", "v-1")), (Parent(link=LINK), ("video_url", LINK))):
        body = DIALECTS["kling"].submit(with_fields(order, parent=parent)).json
        assert body
        assert named in body["input"].items()
        assert len(body["input"].keys() & {"video_id", "video_url"}) == 1


@pytest.mark.parametrize(
    ("dialect", "order", "said"),
    [
        ("kling", OMNI, {"video_list": [{"video_url": LINK, "refer_type": "feature"}]}),
        (
            "gateway",
            generation(model="veo3.1", prompt="p"),
            {"mode": "reference_material", "video_urls": [LINK]},
        ),
    ],
)
def test_a_parent_without_an_action_is_looked_at(
    dialect: str, order: GenerationRequest, said: dict[str, object]
) -> None:
    """Where a wire takes a clip as material, a parent's will do."""
    body = DIALECTS[dialect].submit(with_fields(order, parent=ALL)).json
    assert body
    assert said == {name: body[name] for name in said}
