"""What a finished task offers: every clip, each with its links, the best one first; and what is a link."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from batchvid.dialects import DIALECTS
from batchvid.dialects.common.assets import find_assets
from batchvid.dialects.common.links import asset_of, link
from batchvid.domain.wire import Asset, Phase, Response, Status

CDN = "https://c.example"


def found(layer: dict[str, Any], content: str = "") -> list[tuple[int, str]]:
    return [(asset.output, asset.location.removeprefix(CDN)) for asset in find_assets([layer], content)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"{CDN}/a%20b.mp4?sig=a%2Bb%2Fc%3D~%7E", f"{CDN}/a%20b.mp4?sig=a%2Bb%2Fc%3D~%7E"),
        (
            f"{CDN}/a paper boat 纸船 (1).mp4?sig=a%2Bb",
            f"{CDN}/a%20paper%20boat%20%E7%BA%B8%E8%88%B9%20(1).mp4?sig=a%2Bb",
        ),
        (f"{CDN}/x.mp4?a=1&amp;b=2", f"{CDN}/x.mp4?a=1&b=2"),
        (f"{CDN}/x.mp4?a=1&amp;amp;b=2", f"{CDN}/x.mp4?a=1&b=2"),
        (f"{CDN}/x.mp4?a=1&copy=2", f"{CDN}/x.mp4?a=1&copy=2"),
        ("https:\\/\\/c.example\\/x.mp4?a=1\\u0026b=2", f"{CDN}/x.mp4?a=1&b=2"),
        (f"<{CDN}/x.mp4>", f"{CDN}/x.mp4"),
        (f"{CDN}/x.mp4?d=100%&q={{a}}", f"{CDN}/x.mp4?d=100%&q=%7Ba%7D"),
        ("https://bücher.example/ü.mp4", "https://xn--bcher-kva.example/%C3%BC.mp4"),
        (f'{CDN}/x.mp4?d=attachment; filename="a b.mp4"', f"{CDN}/x.mp4?d=attachment;%20filename=%22a%20b.mp4%22"),
        (f"{CDN}/x.mp4 is ready.", ""),
        (f"{CDN}/x.mp4 is ready for v1.2", ""),
        ("https://c.example is down", ""),
        ("gs://bucket/x.mp4", ""),
    ],
)
def test_a_link_is_encoded_as_browsers_do(value: str, expected: str) -> None:
    """Only what may not stand in a URL is encoded: the signature stays byte for byte."""
    assert link(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/v1/videos/1/content", Asset(location="/v1/videos/1/content", keyed=True, from_origin=True)),
        ("/files/a b.mp4", Asset(location="/files/a%20b.mp4", keyed=True, from_origin=True)),
        ("v1/videos/1/content", Asset(location="/v1/videos/1/content", keyed=True, from_origin=True)),
        ("files/a boat.mp4", Asset(location="/files/a%20boat.mp4", keyed=True, from_origin=True)),
        ("outputs/1.mp4", Asset(location="/outputs/1.mp4", keyed=True, from_origin=True)),
        ("//cdn.example/x.mp4", Asset(location="//cdn.example/x.mp4")),
        ("cdn.example.com/v/x.mp4?s=1", Asset(location="//cdn.example.com/v/x.mp4?s=1")),
        ("127.0.0.1:8080/x.mp4", Asset(location="//127.0.0.1:8080/x.mp4")),
        ("and/or", None),
        ("N/A", None),
        ("/ is no path", None),
        ("/path that is a sentence", None),
        ("see /v1/videos", None),
        ("succeeded", None),
        ("/", None),
    ],
)
def test_a_link_relative_to_the_provider_is_a_link(value: str, expected: Asset | None) -> None:
    """A path belongs to the provider and takes the key; a sentence is still no link."""
    assert asset_of(value) == expected


def test_a_link_without_a_scheme_takes_the_providers() -> None:
    """As in a browser; the other links stay."""
    status = Status(
        phase=Phase.SUCCEEDED, assets=(Asset(location="//c.example/a"), Asset(location="https://d.example/"))
    )
    assert [asset.location for asset in status.with_scheme("http").assets] == [
        "http://c.example/a",
        "https://d.example/",
    ]


@pytest.mark.parametrize(
    ("layer", "clips"),
    [
        ({"output": [f"{CDN}/0.mp4", f"{CDN}/1.mp4"]}, ["/0.mp4", "/1.mp4"]),
        ({"videos": [{"id": "a", "url": f"{CDN}/0"}, {"id": "b", "url": f"{CDN}/1"}]}, ["/0", "/1"]),
        ({"data": [{"url": f"{CDN}/0"}, {"url": f"{CDN}/1"}]}, ["/0", "/1"]),
        ({"generatedSamples": [{"video": {"uri": f"{CDN}/0"}}, {"video": {"uri": f"{CDN}/1"}}]}, ["/0", "/1"]),
        ({"unsigned_urls": [f"{CDN}/c?index=0", f"{CDN}/c?index=1"]}, ["/c?index=0", "/c?index=1"]),
        ({"video_urls": [f"{CDN}/c.mp4?n=0", f"{CDN}/c.mp4?n=1"]}, ["/c.mp4?n=0", "/c.mp4?n=1"]),
        ({"resultJson": '{"resultUrls":["https://c.example/0","https://c.example/1"]}'}, ["/0", "/1"]),
        ({"url": f"{CDN}/0", "urls": [f"{CDN}/0", f"{CDN}/1"]}, ["/0", "/1"]),
    ],
)
def test_every_output_of_a_task_is_a_clip(layer: dict[str, Any], clips: list[str]) -> None:
    """Each has its own number; a content route belongs to the first."""
    assert found(layer) == list(enumerate(clips, 1))
    assert found(layer, "/content") == [(1, clips[0]), (1, "/content"), *list(enumerate(clips, 1))[1:]]


@pytest.mark.parametrize(
    ("layer", "links"),
    [
        ({"videos": [{"watermark_url": f"{CDN}/w", "url": f"{CDN}/a", "cover_url": f"{CDN}/c"}]}, ["/a", "/w"]),
        (
            {"creations": [{"id": "1", "url": f"{CDN}/a", "watermarked_url": f"{CDN}/w", "cover_url": "x"}]},
            ["/a", "/w"],
        ),
        ({"url": f"{CDN}/a", "watermark_video_url": f"{CDN}/w", "hd_video_url": f"{CDN}/hd"}, ["/hd", "/a", "/w"]),
        ({"urls": {"720p": f"{CDN}/s", "1080p": f"{CDN}/l"}}, ["/l", "/s"]),
        ({"output": [f"{CDN}/b_720p.mp4?s=1", f"{CDN}/b_1080p.mp4?s=2"]}, ["/b_1080p.mp4?s=2", "/b_720p.mp4?s=1"]),
        ({"videos": [{"quality": "720p", "url": f"{CDN}/1"}, {"quality": "1080p", "url": f"{CDN}/2"}]}, ["/2", "/1"]),
        ({"videos": [{"watermark": True, "url": f"{CDN}/1"}, {"watermark": False, "url": f"{CDN}/2"}]}, ["/2", "/1"]),
        ({"output": [f"{CDN}/a.webm", f"{CDN}/a.mp4"]}, ["/a.mp4", "/a.webm"]),
        ({"output": [f"{CDN}/a.jpg", f"{CDN}/a.gif", f"{CDN}/a.mp4", f"{CDN}/a.mp3"]}, ["/a.mp4"]),
        ({"content": {"video_url": f"{CDN}/a", "last_frame_url": f"{CDN}/l"}}, ["/a"]),
        ({"video": {"url": f"{CDN}/a", "thumbnail_url": f"{CDN}/t", "audio_url": f"{CDN}/s"}}, ["/a"]),
        ({"outputs": [{"type": "image", "url": f"{CDN}/i"}, {"type": "video", "url": f"{CDN}/v"}]}, ["/v"]),
        ({"videos": [{"bytesBase64Encoded": "AAAA", "mimeType": "video/mp4"}]}, ["data:video/mp4;base64,AAAA"]),
        ({"video_url": f"{CDN}/a", "fail_reason": f"{CDN}/old"}, ["/a", "/old"]),
        ({"url": f"{CDN}/only.png"}, ["/only.png"]),
    ],
)
def test_the_best_link_of_a_clip_comes_first(layer: dict[str, Any], links: list[str]) -> None:
    """Not watermarked, the highest resolution, MP4 before others; covers, frames and sounds are no clips."""
    assert found(layer) == [(1, location) for location in links]


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        ({"usage": {"cost_in_usd_ticks": 14400000000}}, "1.44"),
        ({"usage": {"cost": 0.2, "is_byok": False}}, "0.2"),
        ({"usage": {"cost": "0.35"}}, "0.35"),
        ({"cost_usd": 1000}, "1000"),
        ({"cost": 0.5, "currency": "USD"}, "0.5"),
        ({"cost": {"amount": "0.5", "currency": "usd"}}, "0.5"),
        ({"billing": [{"amount": "0.5", "currency": "USD"}, {"amount": "0.25", "currency": "USD"}]}, "0.75"),
        ({"billing": [{"amount": "0.5", "currency": "USD"}, {"amount": "2", "currency": "unit"}]}, ""),
        ({"cost": 5, "currency": "CNY"}, ""),
        ({"usage": {"cost": 5, "currency": "CNY"}}, ""),
        ({"cost": {"credits": 60}}, ""),
        ({"credits": 7}, ""),
        ({"price": 3}, ""),
        ({"cost_usd": -1}, "-1"),
        ({"cost_usd": "NaN"}, "NaN"),
        ({"cost_usd": True}, ""),
    ],
)
def test_a_price_is_read_only_with_its_unit(usage: dict[str, Any], usd: str) -> None:
    """Dollars where the field or its documents say so; credits and other currencies are no dollars."""
    body = orjson.dumps({"id": "task_1", "status": "completed", "url": f"{CDN}/a.mp4", **usage})
    read = DIALECTS["openai-videos"].read_poll(Response(status=200, body=body), "task_1")
    assert getattr(read, "actual_usd", None) == usd
