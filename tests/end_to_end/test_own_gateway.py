"""A gateway of the user's own: a wire format, an address and the name of a key, from manifest to stored clip."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from batchvid.dialects import DIALECTS
from batchvid.emulator import Settings
from tests.emulator.prefixes import PREFIXES
from tests.end_to_end.conftest import KEY, PICTURES, Bench, ServedEmulator
from tests.faults.all_formats import AUTH, JOBS

FILE = PICTURES / "harbour.jpg"
LINK = "https://example.com/harbour.png"
SOURCE = "https://example.com/source.mp4"
SOUND = "https://example.com/rain.mp3"
FPS = 4  # the clips are only looked at for their length and shape
QUICK = {"concurrency": 20, "submits_per_min": 60000, "polls_per_s": 1000, "poll_every_s": 0.02}
DECLARED = ("wavespeed", "atlas", "kie", "vidu")
PLACES = {**PREFIXES, **{name: f"/{name}" for name in DECLARED}}
"""Where the emulator has each wire format; the others stand at the root."""
OWN_NAMES = {
    "openai-videos": "model: openai-videos/wan2.6, resolution: 1280x720",
    "gateway": "model: viduq3-turbo",
    "wavespeed": "model: alibaba/wan-3.0/text-to-video",
    "atlas": "model: bytedance/seedance-v1.5-pro",
    "kie": "model: kling-2.6/text-to-video, duration_s: 5",
    "vidu": "model: vidu/viduq3-turbo",
    "newapi": "model: kling-v2-6",
    "sglang": f"model: Wan-AI/Wan2.2-I2V-A14B, resolution: 832x480, seed: 7, negative_prompt: rain, image: '{FILE}'",
    "vllm-omni": f"model: Wan-AI/Wan2.2-I2V-A14B, resolution: 832x480, seed: 7, image: '{FILE}'",
    "litellm": f"model: wan, duration_s: 4, resolution: 832x480, image: '{FILE}'",
    "llmgateway": f"model: veo-3.1-fast, duration_s: 4, resolution: 1280x720, image: '{FILE}'",
    "openrouter": f"model: bytedance/seedance-2.0, duration_s: 4, resolution: 720p, image: '{FILE}'",
}
"""Clips with the names that models have at servers of these wire formats."""
CLIPS = {dialect: json.dumps(dict(fields))[1:-1] for dialect, fields in JOBS.items()} | OWN_NAMES
"""One clip for each wire format."""

MODES = {
    "t2v": "model: veo3-fast",
    "i2v": f"model: viduq3-turbo, image: '{LINK}'",
    "i2v_first_last": f"model: veo3.1, image: '{LINK}', end_image: '{LINK}'",
    "reference_images": f"model: happyhorse-1.0-r2v, reference_images: ['{LINK}']",
    "reference_material": f"model: doubao-seedance-2-0-260128, reference_images: ['{LINK}'], audio: '{SOUND}'",
    "multi_i2v": f"model: kling-v1-6, duration_s: 5, reference_images: ['{FILE}', '{LINK}']",
    "extend": "model: kling-v2-6, action: extend, options: {video_id: f8b2c1d0}",
    "r2v": f"model: gemini-omni, reference_images: ['{LINK}']",
    "edit": f"model: gemini-omni, action: edit, video: '{SOURCE}'",
}
"""A clip for each mode of the gateway's page."""
FAMILIES = {
    "sora": ("", "model: sora-2, duration_s: 8, aspect_ratio: 9:16"),
    "hailuo": ("t2v", "model: hailuo-video, duration_s: 6"),
    "grok": ("reference_images", f"model: grok-imagine-1.0-video, duration_s: 10, reference_images: ['{LINK}']"),
    "happyhorse": ("edit", f"model: happyhorse-1.0-video-edit, action: edit, video: '{SOURCE}'"),
    "kling": ("i2v", f"model: kling-v3, duration_s: 10, image: '{FILE}'"),
    "omni": ("t2v", "model: gemini-omni, duration_s: 6"),
    "seedance": ("reference_material", f"model: doubao-seedance-2-0-fast-260128, video: '{SOURCE}'"),
    "components": ("reference_images", f"model: veo3.1-components, reference_images: ['{LINK}']"),
}
"""More of what the page sells, each with its mode."""


@pytest.fixture
def settings() -> Settings:
    return Settings(life="polls:1", render="shared", fps=FPS, api_key=KEY)


@pytest.fixture
def office(settings: Settings, bench: Bench) -> Iterator[ServedEmulator]:
    """A second server at another address; the bench's own must never be asked."""
    with ServedEmulator(settings) as served:
        yield served
    assert bench.emulator.ledger()["submits"] == 0


def own(served: ServedEmulator, dialect: str) -> dict[str, object]:
    """The provider's row, as a manifest or a batchvid.toml holds it."""
    at = {"dialect": dialect, "base_url": served.base_url, "api_key_env": "TEST_KEY"}
    auth = {"auth": AUTH[dialect]} if dialect in AUTH else {}
    return {**at, "prefix": PLACES.get(dialect, ""), **auth, **QUICK}


def as_toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value)


def write(bench: Bench, clips: dict[str, str], **providers: dict[str, object]) -> None:
    """A manifest of these clips, each with its name, all at the last provider unless they name theirs."""
    lines = "\n".join(f"  - {{id: {name}, prompt: 'a kite, {name}', {fields}}}" for name, fields in clips.items())
    bench.manifest.write_text(f"providers: {json.dumps(providers)}\nclips:\n{lines}\n", "utf-8")


def test_every_dialect_in_the_manifest(bench: Bench, office: ServedEmulator) -> None:
    """`dialect`, `base_url` and `api_key_env` are all that a server of one's own needs, whatever it speaks."""
    clips = {dialect: f"provider: own-{dialect}, {fields}" for dialect, fields in CLIPS.items()}
    write(bench, clips, **{f"own-{dialect}": own(office, dialect) for dialect in DIALECTS})
    ended = bench.run()
    assert ended.code == 0, ended.out + ended.err
    assert {row["id"]: row["state"] for row in bench.rows()} == dict.fromkeys(DIALECTS, "succeeded")
    books = office.ledger()
    assert (books["purchases"], books["key_leaks"]) == (len(DIALECTS), 0)


def test_every_dialect_in_batchvid_toml(bench: Bench, office: ServedEmulator) -> None:
    """The same in the user's own file beside the manifest, which then only names the providers."""
    rows = [
        f"[providers.own-{dialect}]\n" + "\n".join(f"{key} = {as_toml(value)}" for key, value in row.items())
        for dialect in DIALECTS
        for row in [own(office, dialect)]
    ]
    (bench.folder / "batchvid.toml").write_text("\n".join(rows), "utf-8")
    write(bench, {dialect: f"provider: own-{dialect}, {fields}" for dialect, fields in CLIPS.items()})
    ended = bench.run()
    assert ended.code == 0, ended.out + ended.err
    assert office.ledger()["purchases"] == len(DIALECTS)


class TestEveryMode:
    """What the gateway's page says, in the two shapes in which such gateways answer."""

    @pytest.fixture(params=["documented", "stock"])
    def settings(self, request: pytest.FixtureRequest) -> Settings:
        return Settings(life="polls:2", render="shared", fps=FPS, api_key=KEY, gateway_shape=request.param)

    def test_ends_stored(self, bench: Bench, office: ServedEmulator) -> None:
        """Each mode is ordered by what is given, goes out under its own name, and ends as a clip on the disk."""
        clips = {**MODES, **{name: fields for name, (_, fields) in FAMILIES.items()}}
        write(
            bench,
            {name: f"provider: office, {fields}" for name, fields in clips.items()},
            office=own(office, "gateway"),
        )
        ended = bench.run("--allow-retired")  # Sora's sunset may have come
        assert ended.code == 0, ended.out + ended.err
        assert {row["state"] for row in bench.rows()} == {"succeeded"}
        sent = {task["prompt"].removeprefix("a kite, "): task["kind"] for task in office.ledger()["tasks"]}
        assert sent == {**{mode: mode for mode in MODES}, **{name: mode for name, (mode, _) in FAMILIES.items()}}


class TestAStockServersOwnRoute:
    """The native route of stock new-api, in each shape that its polls were seen in."""

    @pytest.fixture(params=["wrapped", "old", "simple", "simple_wrapped"])
    def settings(self, request: pytest.FixtureRequest) -> Settings:
        return Settings(life="polls:2", render="shared", fps=FPS, api_key=KEY, newapi_shape=request.param)

    def test_ends_stored(self, bench: Bench, office: ServedEmulator) -> None:
        """Kling, Seedance, Vidu and any other, each in the words that its adaptor reads."""
        clips = {
            "kling": f"model: kling-v2-6, aspect_ratio: 9:16, mode: pro, image: '{FILE}', end_image: '{LINK}'",
            "seedance": f"model: doubao-seedance-2-0-260128, resolution: 480p, reference_images: ['{FILE}', '{LINK}']",
            "vidu": f"model: viduq2, duration_s: 5, resolution: 720p, image: '{LINK}'",
            "other": "model: newapi/hailuo-video, duration_s: 6, aspect_ratio: 1:1",
        }
        write(
            bench, {name: f"provider: office, {fields}" for name, fields in clips.items()}, office=own(office, "newapi")
        )
        ended = bench.run()
        assert ended.code == 0, ended.out + ended.err
        made = {task["prompt"].removeprefix("a kite, "): task for task in office.ledger()["tasks"]}
        shapes = {name: (task["seconds"], task["width"], task["height"]) for name, task in made.items()}
        assert shapes == {
            "kling": (5, 720, 1280), "seedance": (5, 854, 480), "vidu": (5, 1280, 720), "other": (6, 1024, 1024)
        }  # fmt: skip
        assert [len(made[name]["images"]) for name in clips] == [1, 0, 0, 0]
        assert len(made["seedance"]["references"]) == 1


@pytest.mark.pitfall("each vendor takes images in its own form")
def test_a_local_file_where_the_vendor_takes_it(bench: Bench, office: ServedEmulator) -> None:
    """On routes that want addresses, a file goes as a data URI or as base64 where the vendor behind takes one."""
    gateway = {
        "grok": f"model: grok-video-3, duration_s: 5, image: '{FILE}'",
        "seedance": f"model: doubao-seedance-1-0-pro-250528, duration_s: 5, image: '{FILE}'",
        "kling": f"model: kling-v2-6, image: '{FILE}'",
        "sora": f"model: sora-2, aspect_ratio: 16:9, image: '{FILE}'",
    }
    clips = {name: f"provider: office, {fields}" for name, fields in gateway.items()}
    for dialect, fields in {"runway": "gen3a_turbo", "xai": "grok-imagine-video"}.items():
        clips[dialect] = f"provider: own-{dialect}, model: {fields}, duration_s: 5, image: '{FILE}'"
    rows = {f"own-{dialect}": own(office, dialect) for dialect in ("runway", "xai")}
    write(bench, clips, **rows, office=own(office, "gateway"))
    ended = bench.run("--allow-retired")
    assert ended.code == 0, ended.out + ended.err
    arrived = {task["prompt"].removeprefix("a kite, "): len(task["images"]) for task in office.ledger()["tasks"]}
    assert arrived == dict.fromkeys(clips, 1)


@pytest.mark.parametrize(
    ("dialect", "fields", "reason"),
    [
        (
            "gateway",
            f"model: hailuo-video, image: '{FILE}'",
            "image: hailuo-video: the gateway fetches pictures for hailuo-video by link",
        ),
        (
            "gateway",
            f"model: viduq3-turbo, reference_images: ['{FILE}']",
            "reference_images: viduq3-turbo: the gateway",
        ),
        ("newapi", f"model: viduq2, image: '{FILE}'", "image: viduq2: this vendor fetches pictures by link"),
        ("veo", f"model: veo3-fast, image: '{LINK}'", "image: veo3-fast: this wire takes an uploaded file, not a link"),
    ],
)
def test_a_picture_that_cannot_be_sent(
    bench: Bench, office: ServedEmulator, dialect: str, fields: str, reason: str
) -> None:
    """Elsewhere it is refused by `plan`, with the file, the line, the entry and the reason; nothing is bought."""
    write(bench, {"kite": f"provider: office, {fields}"}, office=own(office, dialect))
    for command in ("plan", "run"):
        ended = bench.cli(command, str(bench.manifest))
        assert ended.code == 2
        assert "batch.yaml:3" in ended.err
        assert reason in ended.err
    assert office.ledger()["submits"] == 0


class TestWithoutKey:
    """A server of one's own that wants no key, with its address and model ids as its own pages show them."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(life="polls:1", render="shared", fps=FPS, needs_key=False)

    def test_plain_ids_are_bought_without_a_key(self, bench: Bench, office: ServedEmulator) -> None:
        """`/v1` at the end, ids with slashes and colons, and no `api_key_env`."""
        names = {"wan": "Wan-AI/Wan2.2-T2V-A14B", "hailuo": "hailuo:02", "house": "house-model"}
        clips = {job: f"provider: office, model: '{name}', resolution: 1280x720" for job, name in names.items()}
        row = {"dialect": "openai-videos", "base_url": f"{office.base_url}/v1/", **QUICK}
        write(bench, clips, office=row)
        planned = bench.cli("plan", str(bench.manifest))
        assert planned.code == 0, planned.err
        assert f"office: {office.base_url}, no key" in planned.out
        ended = bench.run()
        assert ended.code == 0, ended.out + ended.err
        books = office.ledger()
        assert {task["model"] for task in books["tasks"]} == set(names.values())
        assert books["key_leaks"] == 0
        again = bench.run()
        assert again.code == 0
        assert office.ledger()["submits"] == len(names)

    def test_an_unknown_price_needs_the_usual_word(self, bench: Bench, office: ServedEmulator) -> None:
        """Under a cap in dollars nothing is bought, and the message says which line allows it."""
        row = {"dialect": "openai-videos", "base_url": f"{office.base_url}/v1", **QUICK}
        write(bench, {"house": "provider: office, model: sora2, resolution: 1280x720"}, office=row)
        text = bench.manifest.read_text("utf-8")
        bench.manifest.write_text(f"budget: {{usd: 5}}\n{text}", "utf-8")
        planned = bench.cli("plan", str(bench.manifest))
        assert "sora2 is sent as office's own model id; the catalogue has sora-2" in planned.out
        ended = bench.run()
        assert ended.code == 3
        assert "unknown price of sora2 at office: budget.usd needs it in batchvid.toml, or budget.allow_" in ended.err
        assert office.ledger()["submits"] == 0
        header, price = ended.err.splitlines()[-2:]
        assert header in planned.out
        assert price in planned.out
        file = bench.manifest.parent / "batchvid.toml"
        for stated, code, submits in (("{ usd_per_clip = 6 }", 3, 0), ("{ usd_per_clip = 0.5 }", 0, 1)):
            line = price.replace("{ usd_per_clip = N }", stated)
            file.write_text(f"{header}\n{line}\n", "utf-8")
            ended = bench.run()
            assert ended.code == code, ended.out + ended.err
            assert office.ledger()["submits"] == submits
        assert "$0.50" in bench.cli("status", str(bench.manifest)).out

    def test_a_free_model_needs_one_word(self, bench: Bench, office: ServedEmulator) -> None:
        """Its owner states that it costs nothing: a budget in dollars lets it through."""
        row = {"dialect": "openai-videos", "base_url": f"{office.base_url}/v1", **QUICK}
        write(bench, {"house": "provider: office, model: Wan-AI/Wan2.2, resolution: 1280x720"}, office=row)
        text = bench.manifest.read_text("utf-8")
        bench.manifest.write_text(f"budget: {{usd: 5}}\n{text}", "utf-8")
        ours = '[providers.office.models."Wan-AI/Wan2.2"]\nprice = "free"\n'
        (bench.manifest.parent / "batchvid.toml").write_text(ours, "utf-8")
        planned = bench.cli("plan", str(bench.manifest))
        assert "$0.00" in planned.out
        assert "free" in planned.out
        assert bench.run().code == 0
        assert office.ledger()["submits"] == 1
