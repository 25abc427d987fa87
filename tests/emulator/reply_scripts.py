"""Reply scripts of the recordings of `/v1/videos`, in all its dialects; script_player.py has the building blocks.

own_reply_scripts.py has those of the vendors' own routes.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.emulator.google_reply_scripts import GOOGLE
from tests.emulator.helpers import picture
from tests.emulator.luma_reply_scripts import LUMA
from tests.emulator.market_reply_scripts import MARKETS
from tests.emulator.own_reply_scripts import KLING, KLING_NEW, RUNWAY, XAI
from tests.emulator.queue_reply_scripts import COMFY_ROUTER, FAL, REPLICATE
from tests.emulator.record_reply_scripts import ARK, DASHSCOPE, MINIMAX
from tests.emulator.script_player import (
    LINK,
    UPSTREAM,
    ReplyScript,
    astray,
    bare,
    contradicts,
    ended,
    ended_with,
    locked_out,
    polls,
    queued,
    ready,
    refused,
    refused_poll,
    remixes,
    running,
    sends,
    sent,
    unknown,
)
from tests.emulator.server_reply_scripts import SERVERS

STOCK: dict[str, Any] = {"gateway_shape": "stock"}
WRAPPED: dict[str, Any] = {"veo_shape": "wrapped", "sora_shape": "wrapped"}
SORA_STOCK = sends("gateway", model="sora-2", model_name=None, seconds="8", size="1280x720")
NATIVE_IMAGE = sends("newapi", image=LINK)
SMALL = "data:image/png;base64," + base64.b64encode(picture(320, 240)).decode()
UPSTREAM_FULL = json.dumps({"code": 1303, "message": "parallel task over resource pack limit", "request_id": "u"})
UPSTREAM_DOWN = json.dumps({"error": {"message": "internal error", "type": "server_error"}})
BLOCKED = json.dumps({"error": {"message": "blocked", "code": "moderation_blocked"}})

FAILS_AS_SUCCESS = (
    {"match": {"step": "submit"}, "do": {"outcome": "fail"}},
    {"match": {"step": "poll"}, "do": {"set": {"data.status": "SUCCESS"}}},
)

GATEWAY = {
    "gateway/poll-failed-grok-blocked": ended(
        *("gateway", "moderation"), sends("gateway", model="grok-video-3", model_name=None)
    ),
    "gateway/poll-failed-text-for-link": ended("gateway", "fail", message="too dark", code="task_failed", **STOCK),
    "gateway/poll-failed-without-error": ended("gateway", "fail_silent", **STOCK),
    "gateway/poll-failed-wrapped-text-for-link": ended("newapi", "expired", NATIVE_IMAGE, "too late"),
    "gateway/poll-queued": queued("gateway"),
    "gateway/poll-ready": ready("gateway"),
    "gateway/poll-ready-content-only": ready("gateway", SORA_STOCK, **STOCK),
    "gateway/poll-ready-metadata-url": ready("gateway", **STOCK),
    "gateway/poll-ready-wrapped": ready("newapi", NATIVE_IMAGE),
    "gateway/poll-refused-key": locked_out("gateway", "poll"),
    "gateway/poll-running": running("gateway"),
    "gateway/poll-running-empty-link": running("gateway", **STOCK),
    "gateway/poll-throttled-empty-body": refused_poll("gateway", "concurrency"),
    "gateway/poll-unknown-at-first": queued("gateway", **STOCK),
    "gateway/poll-unseen-400": unknown("gateway"),
    "gateway/submit-accepted-201": ReplyScript(of="gateway", act=SORA_STOCK, settings={"accepted_status": 201}),
    "gateway/submit-do-request-failed": refused("gateway", "unavailable"),
    "gateway/submit-refused-embedded-moderation": refused(
        *("gateway", "moderation"), code="fail_to_fetch_task", message=UPSTREAM
    ),
    "gateway/submit-refused-embedded-no-slot": refused("gateway", "rate", message=UPSTREAM_FULL),
    "gateway/submit-refused-key": locked_out("gateway", "submit"),
    "gateway/submit-refused-no-channel-503": sent("gateway", model="sora-9"),
    "gateway/submit-refused-number-for-text": sent("gateway", "", STOCK, seconds=8),
    "gateway/submit-refused-quota": refused("gateway", "balance"),
    "gateway/submit-refused-seconds-range": sent("gateway", seconds="3601"),
    "gateway/submit-remix-not-exposed": ReplyScript(
        of="gateway", act=lambda v: v.call("POST", "/gateway/v1/videos/video_1/remix", json={"prompt": "a kite"})
    ),
    "gateway/submit-throttled-empty-body": refused("gateway", "concurrency"),
    "gateway/submit-throttled-saturated": refused("gateway", "rate"),
    "newapi/poll-failed-simple": ended("newapi", "fail", newapi_shape="simple"),
    "newapi/poll-failed-text-for-link": ended("newapi", "fail", NATIVE_IMAGE, "too dark"),
    "newapi/poll-queued": ReplyScript(of="newapi", act=polls("newapi", 1, NATIVE_IMAGE)),
    "newapi/poll-ready": ready("newapi", NATIVE_IMAGE),
    "newapi/poll-ready-old-fail-reason": ready("newapi", NATIVE_IMAGE, newapi_shape="old"),
    "newapi/poll-ready-simple": ready("newapi", newapi_shape="simple"),
    "newapi/poll-refused-key": locked_out("newapi", "poll"),
    "newapi/poll-running": ReplyScript(of="newapi", act=polls("newapi", 2, NATIVE_IMAGE)),
    "newapi/poll-running-simple-wrapped": running("newapi", newapi_shape="simple_wrapped"),
    "newapi/poll-unseen-400": unknown("newapi"),
    "newapi/submit-do-request-failed": refused("newapi", "unavailable"),
    "newapi/submit-only-task-id": sent("newapi", "", {"newapi_shape": "simple"}),
    "newapi/submit-refused-key": locked_out("newapi", "submit"),
    "newapi/submit-refused-no-prompt": sent("newapi", prompt=""),
    "newapi/submit-refused-quota": refused("newapi", "balance"),
    "newapi/submit-refused-task-failed": sent("newapi", duration=8),
    "newapi/submit-throttled-saturated": refused("newapi", "rate"),
}
OPENAI = {
    "openai-videos/poll-cancelled": ended("openai-videos", "cancelled"),
    "openai-videos/poll-completed-with-error-and-no-link": ended(
        *("gateway", "moderation"), sends("gateway", model="grok-video-3", model_name=None)
    ),
    "openai-videos/poll-contradiction-inner-success": contradicts("xai", 3, "IN_PROGRESS", xai_shape="wrapped"),
    "openai-videos/poll-contradiction-outer-success-inner-failed": ReplyScript(
        of="veo", act=polls("veo", 3), settings={**WRAPPED, "faults": FAILS_AS_SUCCESS}
    ),
    "openai-videos/poll-contradiction-outer-success-inner-running": contradicts("veo", 2, "SUCCESS", **WRAPPED),
    "openai-videos/poll-contradiction-progress-100-running": ReplyScript(
        of="openai-videos",
        act=polls("openai-videos", 2),
        settings={"faults": ({"match": {"step": "submit"}, "do": {"outcome": "progress_100_running"}},)},
    ),
    "openai-videos/poll-cut-short": refused_poll("openai-videos", "truncate_json"),
    "openai-videos/poll-error-object-in-200": refused_poll("openai-videos", "error_200"),
    "openai-videos/poll-failed-moderation-code": ended("openai-videos", "moderation"),
    "openai-videos/poll-failed-output-policy": ended_with(
        "openai-videos", "moderation", fail_reason="the content policy"
    ),
    "openai-videos/poll-failed-seedance-error-word": ended("seedance", "error", code="InvalidParameter"),
    "openai-videos/poll-failed-wrapped-fail-reason": ended("newapi", "fail", message="too dark"),
    "openai-videos/poll-queued": queued("openai-videos"),
    "openai-videos/poll-ready-content-only": ready("openai-videos"),
    "openai-videos/poll-ready-data-uri": ready("openai-videos", sora_shape="inline", fps=1),
    "openai-videos/poll-ready-link-then-content": ready("openai-videos", sora_shape="video_url"),
    "openai-videos/poll-ready-metadata-url": ready("gateway", **STOCK),
    "openai-videos/poll-ready-native-ark": ready("ark"),
    "openai-videos/poll-ready-seedance-upper-case": ready("seedance"),
    "openai-videos/poll-ready-simple": ready("newapi", newapi_shape="simple"),
    "openai-videos/poll-ready-simple-wrapped": ready("newapi", newapi_shape="simple_wrapped"),
    "openai-videos/poll-ready-url-alias": ready("openai-videos", sora_shape="url"),
    "openai-videos/poll-ready-wrapped-fail-reason": ready("veo", **WRAPPED),
    "openai-videos/poll-ready-wrapped-result-url": ready("newapi", sends("newapi", model="sora-2")),
    "openai-videos/poll-ready-xai-with-price": ready("xai"),
    "openai-videos/poll-redirected": bare("openai-videos", "poll", 301, headers={"Location": "/"}),
    "openai-videos/poll-refused-key": locked_out("gateway", "poll"),
    "openai-videos/poll-running": running("openai-videos"),
    "openai-videos/poll-running-empty-metadata-url": running("gateway", **STOCK),
    "openai-videos/poll-running-seedance": running("seedance"),
    "openai-videos/poll-running-wrapped": contradicts("newapi", 1, "IN_PROGRESS"),
    "openai-videos/poll-server-error": refused_poll("openai-videos", "html", 502),
    "openai-videos/poll-throttled-empty-body": refused_poll("gateway", "concurrency"),
    "openai-videos/poll-unknown-word": queued("gateway", **STOCK),
    "openai-videos/poll-unseen-message-400": refused_poll(
        *("seedance", "balance", 400), code="", message="task_not_exist"
    ),
    "openai-videos/poll-web-page-200": refused_poll("openai-videos", "html"),
    "openai-videos/poll-web-page-404": astray("GET"),
    "openai-videos/submit-do-request-failed": refused("gateway", "unavailable"),
    "openai-videos/submit-error-object-in-200": refused("openai-videos", "invalid", 200, code="invalid_request"),
    "openai-videos/submit-gateway-both-ids": sent("gateway", "", STOCK),
    "openai-videos/submit-gateway-milliseconds": ReplyScript(of="gateway", act=SORA_STOCK),
    "openai-videos/submit-only-task-id": sent("newapi", "", {"newapi_shape": "simple", "accepted_status": 201}),
    "openai-videos/submit-refused-embedded-concurrency": refused("gateway", "rate", message=UPSTREAM_FULL),
    "openai-videos/submit-refused-embedded-moderation": refused(
        *("gateway", "moderation"), code="fail_to_fetch_task", message=BLOCKED
    ),
    "openai-videos/submit-refused-image-size": sent("openai-videos", input_reference=SMALL),
    "openai-videos/submit-refused-integer-seconds": sent("openai-videos", seconds=4),
    "openai-videos/submit-refused-model-not-allowed": refused("gateway", "auth", 403),
    "openai-videos/submit-refused-moderation": refused("openai-videos", "moderation"),
    "openai-videos/submit-refused-no-channel-503": sent("gateway", model="sora-9"),
    "openai-videos/submit-refused-no-such-model-404": refused("openai-videos", "invalid", 404, code="model_not_found"),
    "openai-videos/submit-refused-openai-quota-429": refused("openai-videos", "rate", code="insufficient_quota"),
    "openai-videos/submit-refused-quota-code": refused("gateway", "balance"),
    "openai-videos/submit-refused-range": sent("seedance", seconds="16"),
    "openai-videos/submit-refused-sensitive-words": refused(
        "openai-videos", "moderation", code="sensitive_words_detected"
    ),
    "openai-videos/submit-refused-token-exhausted": refused("gateway", "auth", 403),
    "openai-videos/submit-refused-too-large": refused("gateway", "invalid", 413, code="read_request_body_failed"),
    "openai-videos/submit-refused-validation": sent("gateway", model="sora-2", model_name=None, size="16:9"),
    "openai-videos/submit-remix": ReplyScript(of="openai-videos", act=remixes),
    "openai-videos/submit-remix-of-unknown-clip": sent("openai-videos", "/v1/videos/video_1/remix"),
    "openai-videos/submit-seedance-upper-case": sent("seedance"),
    "openai-videos/submit-throttled-empty-body": refused("gateway", "concurrency"),
    "openai-videos/submit-throttled-saturated": refused("gateway", "rate"),
    "openai-videos/submit-uncertain-embedded-server-error": refused(
        *("gateway", "unavailable"), code="fail_to_fetch_task", message=UPSTREAM_DOWN
    ),
    "openai-videos/submit-upstream-trouble-in-200": refused("openai-videos", "error_200"),
}
COMET = {
    "seedance/poll-failed": ended("seedance", "fail", code="InvalidParameter"),
    "seedance/poll-failed-internal": ended("seedance", "error", code="InternalServiceError"),
    "seedance/poll-queued": queued("seedance"),
    "seedance/poll-ready": ready("seedance"),
    "seedance/poll-ready-lower-case": ready("seedance", seedance_shape="video_url"),
    "seedance/poll-refused-key": locked_out("seedance", "poll"),
    "seedance/poll-running": running("seedance"),
    "seedance/poll-unseen-400": unknown("seedance"),
    "seedance/submit-gateway-timeout-504": bare("seedance", "submit", 504),
    "seedance/submit-refused-key": locked_out("seedance", "submit"),
    "seedance/submit-refused-picture-on-1-5": refused(
        "seedance", "invalid", code="", message="the specified task_type r2v does not support this model"
    ),
    "seedance/submit-refused-range": refused(
        "seedance", "invalid", message="duration must be between 4 and 15 seconds"
    ),
    "seedance/submit-throttled": refused("seedance", "rate", code=""),
    "veo/poll-failed-error-word": ended_with("veo", "error", error="render node lost"),
    "veo/poll-failed-prompt-policy": ended_with("veo", "moderation", fail_reason="the content policy"),
    "veo/poll-failed-with-error-object": ended("veo", "moderation", code="upstream_error"),
    "veo/poll-failed-without-message": ended("veo", "fail_silent"),
    "veo/poll-queued": queued("veo"),
    "veo/poll-ready-output-list": ready("veo", veo_shape="output"),
    "veo/poll-ready-video-url": ready("veo"),
    "veo/poll-ready-without-link": ready("veo", veo_shape="content"),
    "veo/poll-running": running("veo"),
    "veo/poll-throttled": refused_poll("veo", "rate", code="", headers={"Retry-After": "7"}),
    "veo/poll-unseen-400": unknown("veo"),
    "veo/poll-unseen-404": unknown("veo", unknown_task_status=404, unknown_task_as="openai"),
    "veo/submit-disguised-500": refused("veo", "invalid", 500, code="invalid_request"),
    "veo/submit-gateway-timeout-524": refused("veo", "html", 524),
    "veo/submit-redirected": bare("veo", "submit", 301, headers={"Location": "/"}),
    "veo/submit-refused-key": locked_out("veo", "submit"),
    "veo/submit-refused-no-model": sent("veo", model=""),
    "veo/submit-throttled-retry-after": refused("veo", "rate", code="", headers={"Retry-After": "12"}),
    "veo/submit-wrong-path-web-page": astray("POST"),
    "videos/poll-failed-error-word": ended_with("videos", "error", error="upstream timed out"),
    "videos/poll-failed-without-message": ended("videos", "fail_silent"),
    "videos/poll-queued": queued("videos"),
    "videos/poll-ready-video-url": ready("videos"),
    "videos/poll-ready-without-link": ready("videos", videos_shape="content"),
    "videos/poll-running": running("videos"),
    "videos/poll-throttled": refused_poll("videos", "rate", code=""),
    "videos/poll-unseen-400": unknown("videos"),
    "videos/submit-gateway-timeout-524": bare("videos", "submit", 524, "error code: 524"),
    "videos/submit-refused-key": locked_out("videos", "submit"),
    "videos/submit-refused-no-model": sent("videos", model=""),
    "videos/submit-refused-too-large": bare("videos", "submit", 413),
    "videos/submit-throttled-retry-after": refused("videos", "rate", code="", headers={"Retry-After": "12"}),
}
REPLY_SCRIPTS: dict[str, ReplyScript] = {
    **GATEWAY,
    **KLING,
    **KLING_NEW,
    **OPENAI,
    **RUNWAY,
    **COMET,
    **XAI,
    **ARK,
    **MINIMAX,
    **DASHSCOPE,
    **MARKETS,
    **SERVERS,
    **GOOGLE,
    **FAL,
    **COMFY_ROUTER,
    **REPLICATE,
    **LUMA,
}
