"""Options under a price: what the catalogue prices is written with the manifest's keys, the rest passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchvid.catalog import providers
from batchvid.domain.job_spec import JobSpec
from batchvid.errors import Unsupported
from batchvid.planning.availability import Availability
from batchvid.planning.option_check import priced_by
from batchvid.planning.routing import check, find_route
from tests.builders import sold, spec

OWN = providers({"office": {"dialect": "gateway", "base_url": "https://gw.example", "api_key_env": "GW"}})


def refusal(job: JobSpec) -> str:
    """Why the job cannot be bought; empty if it can."""
    try:
        check(job, find_route(job, OWN))
    except Unsupported as exc:
        return str(exc)
    return ""


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"resolution": "4k"}, "resolution"),
        ({"parameters": {"videoQuality": "high"}}, "resolution"),
        ({"generateAudio": True}, "sound"),
        ({"MODE": "pro"}, "mode"),
        ({"fps": 60}, "duration_s"),
        ({"num_frames": 480}, "duration_s"),
        ({"sampleCount": 4}, "takes"),
        ({"durationSeconds": 60}, "duration_s"),
        ({"metadata": {"model": "veo3.1"}}, "model"),
    ],
)
def test_a_priced_model_takes_no_option_that_a_vendor_prices(options: dict[str, Any], key: str) -> None:
    """The refusal names the path of the option and the manifest's key."""
    said = refusal(spec(options=options))
    assert said.startswith("options: ")
    assert f"would change what is paid for: write {key}" in said


@pytest.mark.parametrize("options", [{"resolution": "1080p"}, {"generate_audio": True}, {"fps": 24}, {"mode": "pro"}])
def test_a_model_without_a_price_takes_the_vendors_own_fields(options: dict[str, Any]) -> None:
    """No figure of the plan can be wrong: only the model, the number of clips and the length stay the manifest's."""
    model = "videos/wan2.6"
    assert priced_by(sold().find(model)) == frozenset()
    assert refusal(spec(model=model, options=options)) == ""
    assert "write takes" in refusal(spec(model=model, options={"n": 2}))
    assert "write duration_s" in refusal(spec(model=model, options={"seconds": 12}))


def test_a_free_model_takes_every_knob(tmp_path: Path) -> None:
    """On a server of the user's own nothing that it makes can cost more: only length, model and count stay planned."""
    (tmp_path / "batchvid.toml").write_text(
        '[providers.gpu]\ndialect = "sglang"\nbase_url = "http://127.0.0.1:30000"\n'
        '[providers.gpu.models."Wan-AI/Wan2.2-T2V-A14B"]\nprice = "free"\n'
    )
    market = Availability(tmp_path)
    job = spec(model="Wan-AI/Wan2.2-T2V-A14B", provider="gpu", aspect_ratio="")
    knobs = {"num_inference_steps": 30, "fps": 16, "width": 832, "height": 480, "quality": "high"}
    assert market.job_problem(job.with_request(options=knobs), ()) is None
    assert market.job_problem(job.with_request(options={"num_outputs_per_prompt": 2}), ()) is not None


def test_a_price_by_clip_does_not_depend_on_frames() -> None:
    """A frame rate changes nothing there; a mode still does."""
    assert refusal(spec(model="kling-v2-6", options={"fps": 30})) == ""
    assert "write mode" in refusal(spec(model="kling-v2-6", options={"mode": "pro"}))


def test_the_mode_of_a_gateway_is_no_quality(tmp_path: Path) -> None:
    """It names the inputs, with a price too; a quality that the price distinguishes is refused."""
    (tmp_path / "batchvid.toml").write_text(
        '[models."gateway/viduq3-turbo"]\ndialect = "gateway"\n'
        'price = { as_of = "2026", source = "us", tiers = [{ mode = "pro", usd_per_s = 2 }, { usd_per_s = 1 }] }\n'
    )
    market = Availability(tmp_path)
    market.providers |= OWN
    job = spec(model="viduq3-turbo", provider="office")
    assert market.job_problem(job.with_request(options={"mode": "t2v"}), ()) is None
    problem = market.job_problem(job.with_request(options={"mode": "pro"}), ())
    assert problem is not None
    assert "options: viduq3-turbo: mode would change" in problem.text
    problem = market.job_problem(job.with_request(options={"extra": {"mode": "t2v"}}), ())
    assert problem is not None
    assert "extra.mode would" in problem.text


def test_no_other_model_is_suggested() -> None:
    """The way out is the manifest's key."""
    problem = Availability(Path("nowhere")).job_problem(spec(options={"n": 4}), ())
    assert problem == (("options",), "options: veo3-fast: n would change what is paid for: write takes instead")
