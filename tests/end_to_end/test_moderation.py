"""What a content filter refused: never bought again unchanged, edited in a spreadsheet, rerolled where written."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.end_to_end.conftest import PICTURES, Bench

KITES = """
  - {id: kite, prompt: a kite}
  - {id: rude, prompt: a rude kite, negative_prompt: rain}
  - {id: loud, prompt: a loud kite}
"""
RUDE = {"match": {"step": "submit", "prompt": "rude"}, "do": {"moderation": True, "message": "rude words"}}
LOUD = {"match": {"step": "submit", "prompt": "loud"}, "do": {"outcome": "moderation", "message": "too loud: output"}}
SILENT = {"match": {"step": "submit", "prompt": "mute"}, "do": {"outcome": "fail_silent"}}


def sheet(bench: Bench) -> list[dict[str, str]]:
    """What stands in edit-these.csv."""
    with (bench.batch / "edit-these.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def save(bench: Bench, rows: list[dict[str, str]], *, delimiter: str = ",", to: str = "edited.csv") -> Path:
    """The file, as somebody's spreadsheet saves it."""
    path = bench.folder / to
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def refused(bench: Bench) -> Bench:
    """Two of three kites are refused: one for its words, one after it was made."""
    bench.write(KITES.replace(", negative_prompt: rain", ""))
    bench.emulator.set_faults(RUDE, LOUD)
    assert bench.run().code == 1
    assert bench.emulator.ledger()["purchases"] == 2
    return bench


class TestRetry:
    """Buying again what was refused."""

    def test_it_does_not_buy_the_same_words_again(self, refused: Bench) -> None:
        """A plain retry passes over them and says so; the filter would say the same."""
        submits = refused.emulator.ledger()["submits"]
        again = refused.cli("retry", "batch")
        assert again.code == 1
        assert "2 that a content filter refused are not bought again unchanged: rude, loud" in again.out
        assert refused.emulator.ledger()["submits"] == submits

    def test_it_does_when_it_is_told_to_by_kind(self, refused: Bench) -> None:
        """`--kind moderation_output` is a clear wish: that one is bought again, the other is not."""
        refused.emulator.set_faults()
        assert refused.cli("retry", "batch", "--kind", "moderation_output").code == 1
        assert {row["id"]: row["state"] for row in refused.rows()} == {
            "kite": "succeeded", "rude": "failed", "loud": "succeeded",
        }  # fmt: skip
        assert refused.emulator.ledger()["purchases"] == 3

    def test_it_buys_what_was_changed_in_the_manifest(self, refused: Bench) -> None:
        """Another prompt is another question."""
        refused.write(KITES.replace("a rude kite, negative_prompt: rain", "a kind kite"))
        assert refused.cli("retry", "batch").code == 1
        assert {row["id"]: row["state"] for row in refused.rows()}["rude"] == "succeeded"

    def test_a_failure_without_a_word_is_taken_for_a_refusal(self, bench: Bench) -> None:
        """Suspected moderation is not bought again unchanged either; other failures are, as ever."""
        bench.write("  - {id: mute, prompt: a mute kite}\n  - {id: slow, prompt: a slow kite}")
        broken = {"match": {"step": "submit", "prompt": "slow"}, "do": {"outcome": "fail", "message": "internal"}}
        bench.emulator.set_faults(SILENT, broken)
        assert bench.run().code == 1
        bench.emulator.set_faults()
        assert bench.cli("retry", "batch").code == 1
        assert {row["id"]: row["state"] for row in bench.rows()} == {"mute": "failed", "slow": "succeeded"}


class TestEditThese:
    """The refused prompts as a spreadsheet."""

    def test_it_holds_the_refused_prompts(self, refused: Bench) -> None:
        """One row a refused job, with the vendor's words; the end of the run names the file and what to do."""
        rows = sheet(refused)
        assert [(row["id"], row["kind"], row["prompt"]) for row in rows] == [
            ("rude", "moderation_input", "a rude kite"),
            ("loud", "moderation_output", "a loud kite"),
        ]
        assert "rude words" in rows[0]["message"]
        assert "batchvid retry outputs/batch --edits outputs/batch/edit-these.csv" in refused.run().err

    def test_edited_and_brought_back_it_is_bought(self, refused: Bench) -> None:
        """The changed row is bought with its new prompt, the unchanged one is not; both stay so for later plans."""
        rows = sheet(refused)
        rows[0]["prompt"] = '=a kind kite;\nwith "quotes", été'
        edited = save(refused, rows, delimiter=";")
        again = refused.cli("retry", "batch", "--edits", str(edited))
        assert again.code == 1
        tasks = refused.emulator.ledger()["tasks"]
        assert [task["prompt"] for task in tasks][-1] == '=a kind kite;\nwith "quotes", été'
        assert {row["id"]: row["state"] for row in refused.rows()} == {
            "kite": "succeeded", "rude": "succeeded", "loud": "failed",
        }  # fmt: skip
        assert [row["id"] for row in sheet(refused)] == ["loud"]
        assert refused.run().code == 1
        assert "changed" not in refused.cli("plan", str(refused.manifest)).out
        assert refused.emulator.ledger()["purchases"] == 3

    def test_refused_again_and_edited_again(self, refused: Bench) -> None:
        """The sheet then holds the newer words; an old sheet brings nothing back."""
        rows = sheet(refused)
        rows[0]["prompt"] = "a rude kite, but smaller"
        first = save(refused, rows)
        assert refused.cli("retry", "batch", "--edits", str(first)).code == 1
        newer = sheet(refused)
        assert newer[0]["prompt"] == "a rude kite, but smaller"
        stale = refused.cli("retry", "batch", "--edits", str(first))
        assert stale.code == 2
        assert "nothing differs" in stale.err
        newer[0]["prompt"] = "a kind kite"
        assert refused.cli("retry", "batch", "--edits", str(save(refused, newer))).code == 1
        assert {row["id"]: row["state"] for row in refused.rows()}["rude"] == "succeeded"

    def test_what_was_written_into_it_survives_another_run(self, refused: Bench) -> None:
        """A run between editing and bringing back must not cost the words; a file that is no table is laid aside."""
        rows = sheet(refused)
        rows[1]["prompt"] = "a quiet kite"
        save(refused, rows, to="outputs/batch/edit-these.csv")
        assert refused.run().code == 1
        assert [row["prompt"] for row in sheet(refused)] == ["a rude kite", "a quiet kite"]
        (refused.batch / "edit-these.csv").write_bytes(b"id;prompt\nrude;caf\xe9\n")
        assert refused.run().code == 1
        assert [row["prompt"] for row in sheet(refused)] == ["a rude kite", "a loud kite"]
        assert b"caf\xe9" in (refused.batch / "edit-these.old.csv").read_bytes()

    def test_the_manifest_has_the_last_word(self, refused: Bench) -> None:
        """An edit holds until the manifest itself says something else of that clip."""
        rows = sheet(refused)
        rows[0]["prompt"] = "a rude kite, but smaller"
        assert refused.cli("retry", "batch", "--edits", str(save(refused, rows))).code == 1
        refused.write(KITES.replace("a rude kite, negative_prompt: rain", "a kind kite"))
        assert refused.cli("retry", "batch").code == 1
        assert [row["prompt"] for row in refused.rows() if row["id"] == "rude"] == ["a kind kite"]

    def test_an_image_and_a_negative_prompt_can_be_edited(self, bench: Bench) -> None:
        """The first frame is exchanged for another file beside the manifest; an emptied cell says nothing any more."""
        harbour = PICTURES / "harbour.jpg"
        bench.write(
            "  - {id: rude, model: kling-v2-6, duration_s: 5, prompt: a rude kite, negative_prompt: rain,"
            f" image: '{harbour}'}}",
        )
        bench.emulator.set_faults(RUDE)
        assert bench.run().code == 1
        (row,) = sheet(bench)
        assert (row["negative_prompt"], row["image"]) == ("rain", str(harbour))
        (bench.folder / "dusk.jpg").write_bytes((PICTURES / "harbour-dusk.jpg").read_bytes())
        row |= {"image": "dusk.jpg", "negative_prompt": ""}
        bench.emulator.set_faults()
        assert bench.cli("retry", "batch", "--edits", str(save(bench, [row]))).code == 0
        (clip,) = bench.batch.glob("clips/**/*.mp4.json")
        assert "dusk.jpg" in clip.read_text("utf-8")
        assert not (bench.batch / "edit-these.csv").exists()

    def test_what_cannot_be_is_told(self, refused: Bench) -> None:
        """Exit 2 with file, line and id, or what is wrong with the table; nothing is kept and nothing is sent."""
        rows, submits = sheet(refused), refused.emulator.ledger()["submits"]
        for change, message in (
            (
                {"id": "nobody", "prompt": "x"},
                "edited.csv:row 1 (line 2): nobody: column id: is 'nobody', and job_key is",
            ),
            (
                {"id": "nobody", "prompt": "x", "job_key": "", "asked": ""},
                "edited.csv:row 1 (line 2): nobody: column id: no job of this batch has the id 'nobody'",
            ),
            ({"prompt": ""}, "edited.csv:row 1 (line 2): rude: prompt: is empty"),
            ({"prompt": "#NAME?"}, "edited.csv:row 1 (line 2): rude: prompt: is #NAME?, an error of the spreadsheet"),
            ({"prompt": "=CONCAT(A1,B1)"}, "edited.csv:row 1 (line 2): rude: prompt: is the formula =CONCAT(A1,B1)"),
            ({"image": "gone.jpg"}, "edited.csv:row 1 (line 2): rude: image: there is no file gone.jpg"),
            (
                {"id": "kite", "prompt": "x", "asked": "", "job_key": ""},
                "kite: is succeeded: only failed jobs can be edited",
            ),
        ):
            wrong = refused.cli("retry", "batch", "--edits", str(save(refused, [{**rows[0], **change}, rows[1]])))
            assert (wrong.code, message in wrong.err) == (2, True), wrong
        for table, message in (
            ([{"prompt": "x"}], "there is no line with the columns id and prompt"),
            (rows, "nothing differs from the request"),
            ([{**rows[0], "prompt": "x"}, {**rows[0], "prompt": "y"}], "exists twice"),
        ):
            wrong = refused.cli("retry", "batch", "--edits", str(save(refused, table)))
            assert (wrong.code, message in wrong.err) == (2, True), wrong
        assert refused.emulator.ledger()["submits"] == submits
        assert not (refused.batch / "edits.json").exists()

    def test_lost_edits_are_not_taken_for_none(self, refused: Bench) -> None:
        """Without the saved edits other clips would be bought: an unreadable file is reported, nothing is sent."""
        (refused.batch / "edits.json").write_text("{", "utf-8")
        wrong = refused.cli("retry", "batch")
        assert wrong.code == 1
        assert "edits.json: cannot be read" in wrong.err


class TestRerolls:
    """`moderation_retries`: the written permission to buy a withheld clip again."""

    @pytest.mark.parametrize(("moderation_retries", "bought", "code"), [(1, 2, 1), (2, 3, 0)])
    def test_a_withheld_clip_is_bought_again_so_often(
        self, bench: Bench, moderation_retries: int, bought: int, code: int
    ) -> None:
        """Twice withheld: found at the third try where two more were allowed, and never more than that."""
        bench.write("  - {id: loud, prompt: a loud kite}", top=f"moderation_retries: {moderation_retries}")
        bench.emulator.set_faults({**LOUD, "match": {**LOUD["match"], "times": 2}})
        assert bench.run().code == code
        assert bench.emulator.ledger()["purchases"] == bought

    def test_what_was_refused_for_its_words_is_not(self, bench: Bench) -> None:
        """Only what was made and withheld may turn out otherwise; a refused prompt will not."""
        bench.write("  - {id: rude, prompt: a rude kite}", top="moderation_rerolls: 3")
        bench.emulator.set_faults(RUDE)
        assert bench.run().code == 1
        assert bench.emulator.ledger()["submits"] == 1

    def test_another_seed_is_tried(self, bench: Bench) -> None:
        """Also by the next run, where a cap came between; to the manifest it is the same clip, and stays stored."""
        bench.write(
            "  - {id: loud, model: gen3a_turbo, duration_s: 5, prompt: a loud kite, seed: 7,"
            f" image: '{PICTURES / 'harbour.jpg'}'}}",
            top="moderation_retries: 1\nbudget: {clips: 1}",
        )
        withheld = {"outcome": "moderation", "code": "SAFETY.OUTPUT.VIDEO"}
        bench.emulator.set_faults({"match": {"step": "submit", "times": 1}, "do": withheld})
        assert bench.run().code == 3
        assert bench.status()["states"]["pending"] == 1
        assert bench.run("--set", "budget.clips=2").code == 0
        (clip,) = bench.batch.glob("clips/**/*.mp4.json")
        assert '"seed": 1007' in clip.read_text("utf-8")
        assert bench.run("--set", "budget.clips=3").code == 0
        assert bench.emulator.ledger()["purchases"] == 2

    def test_a_cap_holds_for_rerolls(self, bench: Bench) -> None:
        """A permission to try again is none to spend more than the budget."""
        bench.write("  - {id: loud, prompt: a loud kite}", top="moderation_retries: 5\nbudget: {clips: 2}")
        bench.emulator.set_faults(LOUD)
        assert bench.run().code == 3
        assert bench.emulator.ledger()["purchases"] == 2


NOT_CHARGED = "Veo could not generate 1 videos. You will not be charged for this request. Support codes: 42237218"
FILTERED = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [NOT_CHARGED]}
VERDICTS = {
    "a status word": {"json": {"id": "t", "status": "content_filtered"}},
    "in words": {"json": {"id": "t", "object": "video", "status": "failed", "error": {"message": NOT_CHARGED}}},
    "finished and filtered": {"json": {"id": "t", "status": "completed", "done": True, "response": FILTERED}},
    "an error of the poll": {"status": 422, "json": {"error": {"code": "content_policy_violation", "message": "no"}}},
    "without a reason": {"json": {"id": "t", "object": "video", "status": "failed"}},
}
UNFIT = {"json": {"id": "t", "object": "video", "status": "failed", "error": {"message": "No face found in the image"}}}


class TestEvidence:
    """A verdict on a task, in whatever form it comes: nothing is bought in its place that nobody asked for."""

    @pytest.mark.parametrize("form", VERDICTS)
    def test_it_is_no_outage(self, bench: Bench, form: str) -> None:
        """Neither `retries` nor a fallback without `moderation` buys again; the clip is in edit-these.csv."""
        bench.write("  - {id: kite, prompt: a kite, fallback: veo3.1-fast}", top="retries: 2")
        bench.emulator.set_faults({"match": {"step": "poll"}, "do": VERDICTS[form]})
        assert bench.run().code == 1
        assert bench.emulator.ledger()["purchases"] == 1
        (row,) = bench.rows()
        assert row["failure_kind"].startswith("moderation_")
        assert [line["id"] for line in sheet(bench)] == ["kite"]

    def test_it_says_what_the_vendor_said_of_the_charge(self, bench: Bench) -> None:
        """The price is given back where the vendor says that nothing is charged."""
        bench.write("  - {id: kite, prompt: a kite}")
        bench.emulator.set_faults({"match": {"step": "poll"}, "do": VERDICTS["finished and filtered"]})
        assert bench.run().code == 1
        (row,) = bench.rows()
        assert (row["charged"], row["message"]) == ("no", NOT_CHARGED)

    def test_a_server_without_a_filter_failed_for_another_reason(self, bench: Bench) -> None:
        """With `moderates: false` an unexplained failure is an outage: the fallback is bought."""
        bench.write("  - {id: mute, prompt: a mute kite, fallback: veo3.1-fast}", moderates=False)
        bench.emulator.set_faults({**SILENT, "match": {**SILENT["match"], "times": 1}})
        assert bench.run().code == 0
        assert bench.emulator.ledger()["purchases"] == 2

    def test_unfit_input_is_not_paid_for_again(self, bench: Bench) -> None:
        """The vendor would find the same picture unfit again: `invalid`, once."""
        bench.write("  - {id: kite, prompt: a kite, fallback: veo3.1-fast}", top="retries: 2")
        bench.emulator.set_faults({"match": {"step": "poll"}, "do": UNFIT})
        assert bench.run().code == 1
        assert bench.emulator.ledger()["purchases"] == 1
        assert [row["failure_kind"] for row in bench.rows()] == ["invalid"]

    def test_it_is_no_reason_to_stop_the_model(self, bench: Bench) -> None:
        """Six refused clips in a row do not open the circuit breaker: the seventh is bought."""
        bench.write("  - {id: kite, prompt: a kite, takes: 7}", concurrency=1)
        bench.emulator.set_faults({"match": {"step": "poll", "times": 6}, "do": VERDICTS["a status word"]})
        assert bench.run().code == 1
        assert [row["state"] for row in bench.rows()].count("succeeded") == 1
