"""`plan --save-plan` and `run --plan`: exactly what was reviewed is bought, or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from batchvid import commands
from batchvid.errors import ManifestError
from tests.end_to_end.conftest import PICTURES, Bench
from tests.end_to_end.test_preview import bought, previewed, to_buy

TWO = "  - {id: kite, prompt: a paper kite}\n  - {id: boat, prompt: a paper boat}"
OTHER = "  - {id: kite, prompt: a paper plane}\n  - {id: third, prompt: a paper hat}"


def saved(bench: Bench, *options: str) -> str:
    """A plan of the manifest as a file; its path."""
    path = bench.folder / "plan.json"
    done = bench.cli("plan", str(bench.manifest), "--save-plan", str(path), *options)
    assert done.code == 0, done
    return str(path)


def prompts(bench: Bench) -> list[str]:
    """What the emulator was paid for."""
    return sorted(task["prompt"] for task in bench.emulator.ledger()["tasks"])


def test_the_saved_requests_are_bought_after_the_manifest_was_edited(bench: Bench) -> None:
    """Neither the new prompt nor the new clip; a second time nothing; the manifest then shows its change."""
    bench.write(TWO)
    plan = saved(bench)
    bench.write(OTHER)
    assert to_buy(previewed(bench, "run", "--plan", plan)) == 2
    assert bought(bench, "run", "--plan", plan) == 2
    assert prompts(bench) == ["a paper boat", "a paper kite"]
    again = bench.cli("run", "--plan", plan)
    assert again.code == 0
    assert "2 clips of the plan were bought or have failed since it was saved: kite, boat" in again.out + again.err
    assert len(prompts(bench)) == 2
    assert 'kite: prompt: "a paper kite" -> "a paper plane"' in bench.cli("plan", str(bench.manifest)).out


def test_it_needs_no_manifest_at_all(bench: Bench) -> None:
    bench.write(TWO)
    plan = saved(bench)
    bench.manifest.unlink()
    assert bought(bench, "run", "--plan", plan) == 2


def test_what_was_bought_meanwhile_is_not_bought_again(bench: Bench) -> None:
    """Also where it failed or was regenerated meanwhile."""
    bench.write(TWO)
    plan = saved(bench)
    assert bought(bench, "run", str(bench.manifest), "--only", "kite") == 1
    assert to_buy(previewed(bench, "run", "--plan", plan)) == 1
    bench.emulator.set_faults({"match": {"step": "submit", "prompt": "boat"}, "do": {"outcome": "fail"}})
    bench.run()
    bench.emulator.set_faults()
    assert bought(bench, "run", "--plan", plan) == 0


def test_a_run_that_was_capped_goes_on_with_the_rest(bench: Bench) -> None:
    bench.write(TWO)
    plan = saved(bench)
    assert bought(bench, "run", "--plan", plan, "--max-clips", "1") == 1
    assert bought(bench, "run", "--plan", plan) == 1
    assert len(set(prompts(bench))) == 2


def test_a_plan_to_regenerate_is_bought_once(bench: Bench) -> None:
    bench.write(TWO)
    bench.run()
    plan = saved(bench, "--regenerate", "boat")
    assert bought(bench, "run", "--plan", plan) == 1
    assert bought(bench, "run", "--plan", plan) == 0


def test_the_limits_of_the_manifest_are_those_of_the_plan(bench: Bench) -> None:
    """A budget that was raised, or left out, later on does not count."""
    bench.write(TWO, top="budget: {clips: 1}")
    plan = saved(bench)
    bench.write(TWO)
    assert bought(bench, "run", "--plan", plan) == 1
    assert bench.cli("run", "--plan", plan).code == 3


def raise_price(bench: Bench) -> str:
    row = '[models.veo3-fast]\nprice = {as_of = "2026-11", source = "our contract", tiers = [{usd_per_s = 3}]}\n'
    (bench.folder / "batchvid.toml").write_text(row, "utf-8")
    return "veo3-fast: the price rose from $0.2 to $12"


def change_picture(bench: Bench) -> str:
    shutil.copy(PICTURES / "harbour-dusk.jpg", bench.folder / "harbour.jpg")
    return "harbour.jpg: the picture changed since the plan was saved (boat)"


def lose_picture(bench: Bench) -> str:
    (bench.folder / "harbour.jpg").unlink()
    return "harbour.jpg: No such file or directory (boat)"


def change_address(bench: Bench) -> str:
    text = bench.manifest.read_text("utf-8")
    bench.manifest.write_text(text.replace(bench.emulator.base_url, "https://other.example"), "utf-8")
    return (
        f"providers.cometapi: its address was {bench.emulator.base_url} when the plan was saved, "
        "and is https://other.example now"
    )


@pytest.mark.parametrize("change", [raise_price, change_picture, lose_picture, change_address])
def test_nothing_is_bought_when_what_it_rests_on_changed(bench: Bench, change: Callable[[Bench], str]) -> None:
    """Exit 2, and the message names what changed; no folder is made."""
    shutil.copy(PICTURES / "harbour.jpg", bench.folder)
    bench.write("  - {id: kite, prompt: a paper kite}\n  - {id: boat, prompt: a boat, image: harbour.jpg}")
    plan = saved(bench)
    message = change(bench)
    for options in ((), ("--dry-run",)):
        refused = bench.cli("run", "--plan", plan, *options)
        assert refused.code == 2
        assert message in refused.err
        assert "plan again" in refused.err
    assert bench.emulator.ledger()["submits"] == 0
    assert not bench.batch.exists()


def test_a_lower_price_is_no_reason_to_refuse(bench: Bench) -> None:
    raise_price(bench)
    bench.write(TWO)
    plan = saved(bench)
    (bench.folder / "batchvid.toml").unlink()
    assert bought(bench, "run", "--plan", plan) == 2


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-200], "is no plan, or is damaged"),
        (lambda text: text.replace("a paper boat", "a paper ship"), "was changed after it was saved"),
        (lambda text: text.replace('"version": 1', '"version": 2'), "is a plan of version 2"),
        (lambda _: '{"clips": []}', "is no plan: batchvid plan MANIFEST --save-plan makes one"),
        (lambda _: "[1]", "is no plan: batchvid plan MANIFEST --save-plan makes one"),
        (lambda _: "", "is no plan, or is damaged"),
    ],
)
def test_a_file_that_is_not_the_plan_is_refused(bench: Bench, damage: Callable[[str], str], message: str) -> None:
    bench.write(TWO)
    plan = Path(saved(bench))
    plan.write_text(damage(plan.read_text("utf-8")), "utf-8")
    refused = bench.cli("run", "--plan", str(plan))
    assert refused.code == 2
    assert message in refused.err
    assert bench.emulator.ledger()["submits"] == 0


def test_a_lost_state_file_is_refused(bench: Bench) -> None:
    """The plan knows that there was one: without it, it cannot tell what is bought already."""
    bench.write(TWO)
    bench.run("--only", "kite")
    plan = saved(bench)
    shutil.rmtree(bench.batch)
    refused = bench.cli("run", "--plan", plan)
    assert refused.code == 2
    assert "is not the state file that the plan was made with" in refused.err


def test_a_state_file_that_the_plan_made_and_that_is_lost(bench: Bench) -> None:
    """The first run of the plan began it: the user's index knows, and the second run buys nothing."""
    bench.write(TWO)
    plan = saved(bench)
    assert bought(bench, "run", "--plan", plan) == 2
    bench.batch.rename(bench.folder / "moved")
    refused = bench.cli("run", "--plan", plan)
    assert refused.code == 2
    assert "is not the state file that the plan was made with" in refused.err


def test_what_was_bought_under_another_id_is_not_bought_again(bench: Bench) -> None:
    """The entry was renamed and run since the plan was saved, before it was bought or after."""
    bench.write(TWO)
    plan = saved(bench)
    bench.write(TWO.replace("id: kite", "id: glider"))
    assert bought(bench, "run", str(bench.manifest), "--only", "glider") == 1
    assert to_buy(previewed(bench, "run", "--plan", plan)) == 1
    assert bought(bench, "run", "--plan", plan) == 1
    bench.write(TWO.replace("id: kite", "id: glider").replace("id: boat", "id: ship"))
    assert bought(bench, "run", str(bench.manifest)) == 0
    assert bought(bench, "run", "--plan", plan) == 0


@pytest.mark.parametrize("option", [("--only", "kite"), ("--set", "retries=1"), ("--regenerate", "*"), ("--limit", "1"),
                                    ("--sample", "1"), ("--collect-only",), ("--out", "x")])  # fmt: skip
def test_no_other_option_changes_what_is_bought(bench: Bench, option: tuple[str, ...]) -> None:
    bench.write(TWO)
    plan = saved(bench)
    refused = bench.run_cli(["run", "--plan", plan, *option])
    assert refused.code == 2
    assert f"{option[0]} cannot be given with it" in refused.err or "is a plan for" in refused.err


def test_a_signed_link_is_not_in_the_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole link comes from the manifest, as long as it describes the same clip."""
    link = "https://cdn.example/a.mp4?Signature=s1gned-and-worth-m0ney"
    clip = f"  - {{id: kite, model: videos/own, action: edit, prompt: a kite, video: '{link}'}}"
    bench.write(clip)
    plan = Path(saved(bench))
    assert "s1gned" not in plan.read_text("utf-8")
    monkeypatch.chdir(bench.folder)
    (job,) = commands.plan_saved(commands.open_saved(plan)).to_buy
    assert job.spec.request.video == link
    bench.write(clip.replace("a kite", "a boat"))
    with pytest.raises(ManifestError, match="kite: the plan has no query of its input link"):
        commands.plan_saved(commands.open_saved(plan))


def test_the_plan_is_plain_json_with_its_requests(bench: Bench) -> None:
    """Readable for a review, and with the version of its format."""
    bench.write(TWO)
    document = json.loads(Path(saved(bench)).read_text("utf-8"))
    assert (document["format"], document["version"]) == ("batchvid plan", 1)
    assert [job["spec"]["request"]["prompt"] for job in document["plan"]["jobs"]] == ["a paper kite", "a paper boat"]
    assert document["plan"]["folder"] == str(bench.batch)


def test_a_plan_after_a_rehearsal_buys_the_real_clips(bench: Bench) -> None:
    """What the emulator stored is no clip: the plan has all of them, at their price, and they are bought once."""
    bench.write(TWO)
    rehearsal = ("--set", "defaults.provider=emulator", "--set", "providers.emulator.life=polls:1")
    assert bench.run(*rehearsal).code == 0
    assert bench.emulator.ledger()["purchases"] == 0
    plan = saved(bench)
    assert bought(bench, "run", "--plan", plan) == 2
    assert bought(bench, "run", "--plan", plan) == 0
    assert len(list((bench.batch / "replaced").rglob("*.mp4"))) == 2
