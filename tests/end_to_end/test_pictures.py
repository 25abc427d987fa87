"""Pictures as people have them, from the file to the bytes that a vendor gets."""

from __future__ import annotations

from PIL import Image

from tests.end_to_end.conftest import Bench
from tests.sample_pictures import OTHER_FORMATS, encoded, noise, see_through, with_exif

KLING = "model: kling-v2-6, duration_s: 5, aspect_ratio: null"


def states(bench: Bench) -> dict[str, tuple[str, str]]:
    """State and kind of failure by id."""
    return {row["id"]: (row["state"], row["failure_kind"]) for row in bench.rows()}


def test_every_format_reaches_the_vendor_as_jpeg(bench: Bench) -> None:
    """The emulator decodes JPEG, PNG and WebP only, as Kling does JPEG and PNG: each clip is bought and stored."""
    for file_format in (*OTHER_FORMATS, "WEBP"):
        (bench.folder / f"{file_format.lower()}.bin").write_bytes(encoded(noise(), file_format))
    (bench.folder / "glass.bin").write_bytes(encoded(see_through()))
    bench.write(
        f"  - {{id: 'k-{{{{ image_stem }}}}', images: '*.bin', {KLING}, prompt: a kite, convert: true}}\n"
        "  - {id: veo, image: heif.bin, end_image: tiff.bin, prompt: a boat, convert: true, duration_s: 8}"
    )
    ended = bench.run()
    assert ended.code == 0, ended.err
    assert {state for state, _ in states(bench).values()} == {"succeeded"}
    tasks = bench.emulator.ledger()["tasks"]
    assert len(tasks) == 8
    (veo,) = (task["images"] for task in tasks if task["prompt"] == "a boat")
    assert [image["filename"] for image in veo] == ["heif.jpg", "tiff.jpg"]
    assert {(image["width"], image["height"]) for task in tasks for image in task["images"]} == {(400, 320)}
    assert bench.run().code == 0
    assert len(bench.emulator.ledger()["tasks"]) == 8


def test_a_picture_that_is_too_large_is_sent_smaller(bench: Bench) -> None:
    """12 MB at Kling: plan refuses it with the way out; with that it is bought, also when it must be turned."""
    data = encoded(noise((3200, 2600)), "PNG", compress_level=0)
    assert len(data) > 12_000_000
    (bench.folder / "large.png").write_bytes(data)
    bench.write(f"  - {{id: k, image: large.png, {KLING}, prompt: a kite}}")
    refused = bench.cli("plan", str(bench.manifest))
    assert refused.code == 2
    assert "image: kling-v2-6: large.png: at most 10 MB are allowed, not" in refused.err
    assert "write convert: true" in refused.err
    bench.write(f"  - {{id: k, image: large.png, {KLING}, prompt: a kite, convert: true}}")
    assert bench.run().code == 0
    ((image,),) = (task["images"] for task in bench.emulator.ledger()["tasks"])
    assert image["bytes"] <= 10 * 1024 * 1024


def test_what_fails_at_the_submit_because_of_the_picture_fails_the_job(bench: Bench) -> None:
    """A turned PNG that grows when it is turned is known too large only then: the job does not wait for ever."""
    sixteen = Image.effect_noise((2600, 2600), 120).quantize(16)
    exif = with_exif(6)
    data = encoded(sixteen, "PNG", bits=4, exif=exif)
    assert len(data) < 3_900_000
    (bench.folder / "scan.png").write_bytes(data)
    bench.write(
        "  - {id: scan, image: scan.png, model: gen3a_turbo, duration_s: 5, prompt: a map}\n"
        "  - {id: kite, prompt: a kite}"
    )
    assert bench.cli("plan", str(bench.manifest)).code == 0
    ended = bench.run()
    assert ended.code == 1
    assert states(bench) == {"scan": ("failed", "invalid"), "kite": ("succeeded", "")}
    (message,) = (row["message"] for row in bench.rows() if row["id"] == "scan")
    assert message.startswith("image: scan.png: at most 3.9 MB for a local file are allowed, not ")
    assert "write convert: true" in message
    assert bench.emulator.ledger()["purchases"] == 1
