"""GET /api/models: public, and full of the real one's traps."""

from __future__ import annotations

import json

from tests.emulator.helpers import vendor


async def test_traps() -> None:
    """No key; endpoints are JSON in a string, once an object, once null; prices may be null; one model is upcoming."""
    async with vendor(api_key="right") as v:
        reply = await v.call("GET", "/api/models", key=None)
        assert reply.status == 200
        assert v.ledger()["submits"] == v.ledger()["polls"] == 0
    models = {model["id"]: model for model in reply.json["data"]}
    assert json.loads(models["veo3-fast"]["endpoints"])["veo"] == {"path": "/v1/videos", "method": "POST"}
    assert {type(model["endpoints"]) for model in models.values()} == {str, dict, type(None)}
    assert models["veo3-fast"]["pricing"]["per_second"] == 0.05
    assert set(models["sora-2-pro"]["pricing"].values()) == {"USD / M Tokens", None}
    assert type(models["kling-video-o1"]["pricing"]["per_request"]) is int
    assert [name for name, model in models.items() if model["upcoming"]] == ["seedance-2-5"]


async def test_pages() -> None:
    """All on page 0 of size 0; or, by the query, in pages counted from 1."""
    async with vendor() as v:
        whole = (await v.call("GET", "/api/models")).json
        assert (whole["page"], whole["page_size"], whole["total"]) == (0, 0, len(whole["data"]))
        asked = (await v.call("GET", "/api/models?page=2&page_size=4")).json
        assert (asked["page"], asked["page_size"], asked["data"]) == (2, 4, whole["data"][4:8])
        pages = [(await v.call("GET", f"/api/models?page={page}&page_size=10")).json for page in (1, 2, 3)]
        assert (await v.call("GET", "/api/models?page=x&page_size=10")).json == pages[0]
    assert [model for page in pages for model in page["data"]] == whole["data"]
    assert pages[2]["data"] == []
    assert {page["total"] for page in pages} == {len(whole["data"])}
