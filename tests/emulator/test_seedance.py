"""Seedance, on /v1/videos and on its old native route."""

from __future__ import annotations

import pytest

from tests.emulator.helpers import picture, vendor

TEXT = {"type": "text", "text": "a kite"}


@pytest.mark.parametrize(
    ("model", "fields", "pixels"),
    [
        ("doubao-seedance-2-0", {"seconds": "4"}, (1280, 720)),
        ("doubao-seedance-2-0-fast", {"seconds": "15", "size": "21:9", "resolution": "480p"}, (1120, 480)),
        ("doubao-seedance-2-0", {"size": "720x1280"}, (720, 1280)),
        ("doubao-seedance-1-5-pro", {"seconds": "12", "size": "1:1", "resolution": "1080p"}, (1080, 1080)),
        ("doubao-seedance-1-0-pro", {"seconds": "2", "size": "9:16"}, (720, 1280)),
        ("seedance-2-5-260628", {"seconds": "30", "size": "1470x630"}, (1470, 630)),
        ("doubao-seedance-2-5", {}, (1280, 720)),
    ],
)
async def test_ranges(model: str, fields: dict[str, str], pixels: tuple[int, int]) -> None:
    """Each version takes its own seconds and sizes: ratios and a tier up to 2.0, exact pixels on 2.5."""
    async with vendor() as v:
        assert (await v.form(model=model, **fields)).status == 200
        task = v.ledger()["tasks"][0]
    assert (task["family"], task["width"], task["height"]) == ("seedance", *pixels)
    assert task["seconds"] == float(fields.get("seconds", 5))


@pytest.mark.parametrize(
    ("model", "fields", "text"),
    [
        ("doubao-seedance-2-0", {"seconds": "3"}, "between 4 and 15"),
        ("doubao-seedance-2-0", {"seconds": "5.5"}, "must be an integer"),
        ("doubao-seedance-1-5-pro", {"seconds": "13"}, "between 4 and 12"),
        ("doubao-seedance-1-0-pro", {"seconds": "11"}, "between 2 and 10"),
        ("seedance-2-5", {"seconds": "31"}, "between 4 and 30"),
        ("doubao-seedance-2-0", {"resolution": "1080p"}, "480p, 720p"),
        ("doubao-seedance-2-0", {"size": "3:2"}, "`size`"),
        ("seedance-2-5", {"size": "16:9"}, "854x480"),
        ("seedance-2-5", {"resolution": "720p"}, "must be left out"),
    ],
)
async def test_out_of_range(model: str, fields: dict[str, str], text: str) -> None:
    """What a version cannot make is a 400 InvalidParameter that names the parameter, and is not bought."""
    async with vendor() as v:
        reply = await v.form(model=model, **fields)
        assert (reply.status, reply.json["code"], reply.json["data"]) == (400, "InvalidParameter", None)
        assert text in reply.json["message"]
        assert v.ledger()["purchases"] == 0


async def test_images() -> None:
    """One image is the first frame, several are references in their order; versions before 2 take none."""
    red, blue = picture(colour="red"), picture(colour="blue")
    async with vendor() as v:
        assert (await v.form(red, model="doubao-seedance-2-0")).status == 200
        assert (await v.form(red, blue, red, model="seedance-2-5")).status == 200
        assert (await v.form(*[red] * 10, model="seedance-2-5")).status == 400
        old = await v.form(red, model="doubao-seedance-1-5-pro")
        assert (old.status, old.json["message"]) == (
            *(400, "the specified task_type r2v does not support model seedance-1-5-pro"),
        )
        one, several = v.ledger()["tasks"]
    assert (len(one["images"]), len(one["references"])) == (1, 0)
    shas = [entry["sha256"] for entry in several["references"]]
    assert (len(several["images"]), len(shas), shas[0] == shas[2] != shas[1]) == (0, 3, True)


async def test_words() -> None:
    """Upper-case words by default, as on its page; OpenAI's when the setting says so."""
    for shape, words in (
        ("success", ["SUBMITTED", "SUBMITTED", "IN_PROGRESS", "SUCCESS"]),
        ("video_url", ["queued", "queued", "in_progress", "completed"]),
    ):
        async with vendor(life="polls:3", seedance_shape=shape) as v:
            first = (await v.form(model="doubao-seedance-2-0")).json
            seen = [first, *[(await v.poll(first["id"])).json for _ in range(3)]]
        assert [one["status"] for one in seen] == words
        assert ("completed_at" in first, seen[1]["completed_at"]) == (False, None)
        assert seen[3]["video_url"]


async def test_failure() -> None:
    """A refusal by the provider is FAILED, its own trouble ERROR; both say why, and when."""
    for outcome, word in (("fail", "FAILED"), ("error", "ERROR")):
        async with vendor(faults=({"match": {"step": "submit"}, "do": {"outcome": outcome}},)) as v:
            reply = (await v.poll((await v.form(model="doubao-seedance-2-0")).json["id"])).json
        assert (reply["status"], reply["completed_at"] > 1e9, bool(reply["error"]["message"])) == (word, True, True)
