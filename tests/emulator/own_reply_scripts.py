"""Reply scripts of the recordings of the vendors' own routes: Kling's, Runway's, xAI's."""

from __future__ import annotations

from tests.emulator.script_player import (
    LINK,
    UPSTREAM,
    VISIBLE,
    ReplyScript,
    bare,
    contradicts,
    ended,
    extends,
    extends_by_clip,
    kind,
    locked_out,
    polls,
    queued,
    ready,
    refused,
    refused_poll,
    running,
    second,
    sends,
    sent,
    speaks,
    unknown,
    waits,
)

FACES = [
    {"face_id": "0", "audio_id": "a-1", "sound_start_time": "0", "sound_end_time": "2000", "sound_insert_time": "0"}
]
FAILS = {"match": {"step": "submit"}, "do": {"outcome": "fail"}}
HIDDEN_200 = {"runway_hidden_as": "status_200"}
HIDDEN_400 = {"runway_hidden_as": "status_400"}

KLING = {
    "kling/poll-advanced-lip-sync": kind("advanced-lip-sync", session_id="s", face_choose=FACES),
    "kling/poll-by-external-id": ReplyScript(
        of="kling", act=polls("kling", 1, sends("kling", external_task_id="job-1"))
    ),
    "kling/poll-extend": ReplyScript(of="kling", act=polls("kling", 2, extends, below="/kling/v1/videos/video-extend")),
    "kling/poll-failed-embedded-reason": ended("newapi", "expired", message=UPSTREAM),
    "kling/poll-failed-for-want-of-a-slot": ended("kling", "fail", message="parallel task over resource pack limit"),
    "kling/poll-failed-free-of-charge": ReplyScript(
        of="kling",
        act=polls("kling", 3),
        settings={"faults": (FAILS, {"match": {"step": "poll"}, "do": {"set": {"data.final_unit_deduction": "0"}}})},
    ),
    "kling/poll-failed-risk-control": ended("kling", "moderation"),
    "kling/poll-failed-without-message": ended("kling", "fail_silent"),
    "kling/poll-lip-sync": kind(
        "lip-sync", input={"mode": "audio2video", "audio_url": LINK, "video_url": "https://cdn.example/a.mp4"}
    ),
    "kling/poll-omni": kind("omni-video"),
    "kling/poll-queued": queued("kling"),
    "kling/poll-ready": ready("kling", sends("kling", external_task_id="job-1")),
    "kling/poll-ready-through-stock-gateway": ready("newapi"),
    "kling/poll-ready-upper-case": ready("kling", kling_success="SUCCESS"),
    "kling/poll-references": kind("multi-image2video", image_list=[{"image": LINK}]),
    "kling/poll-running": running("kling"),
    "kling/poll-server-error": refused_poll("kling", "unavailable"),
    "kling/poll-server-error-with-retry-after": bare("kling", "poll", 503),
    "kling/poll-throttled": refused_poll("kling", "rate"),
    "kling/poll-unseen-1203": unknown("kling"),
    "kling/poll-unseen-1203-in-200": refused_poll("kling", "invalid", 200, code="1203"),
    "kling/submit-extend": ReplyScript(of="kling", act=extends),
    "kling/submit-extend-by-video-id": ReplyScript(of="kling", act=extends_by_clip),
    "kling/submit-lip-sync-audio-file": ReplyScript(of="kling", act=speaks),
    "kling/submit-lip-sync-text": ReplyScript(of="kling", act=speaks),
    "kling/submit-maintenance-503": refused("kling", "unavailable"),
    "kling/submit-no-slot-in-200": refused("gateway", "invalid", 200, code="task_failed"),
    "kling/submit-number-for-string": sent("kling", "", {"kling_ids": "number"}),
    "kling/submit-refused-1000-key": refused("kling", "auth", code="1000"),
    "kling/submit-refused-1004-key-expired": refused("kling", "auth", code="1004"),
    "kling/submit-refused-1100-account": refused("kling", "balance", code="1100"),
    "kling/submit-refused-1101-arrears": refused("kling", "balance", code="1101"),
    "kling/submit-refused-1102-pack-exhausted": refused("kling", "balance"),
    "kling/submit-refused-1103-no-right-to-model": refused("kling", "auth", 403, code="1103"),
    "kling/submit-refused-1201-parameter": sent("kling", duration="8"),
    "kling/submit-refused-1201-unfit-parent": sent(
        "kling", "/kling/v1/videos/video-extend", video_id="f8b2", task_id="1"
    ),
    "kling/submit-refused-1203-no-such-model": refused("kling", "invalid", 404, code="1203"),
    "kling/submit-refused-1300-platform-policy": refused("kling", "moderation", code="1300"),
    "kling/submit-refused-1301-content-security": refused("kling", "moderation"),
    "kling/submit-refused-1303-no-slot": ReplyScript(of="kling", act=second("kling"), settings={"concurrency": 1}),
    "kling/submit-refused-1304-ip": refused("kling", "auth", 429, code="1304"),
    "kling/submit-refused-in-200": refused("kling", "balance", 200),
    "kling/submit-refused-task-failed": refused("gateway", "invalid", code="task_failed"),
    "kling/submit-refused-prompt-over-500": refused("kling", "invalid", message="prompt is longer than 500 characters"),
    "kling/submit-refused-ratio": refused("kling", "invalid", message="aspect_ratio must be one of 16:9, 9:16, 1:1"),
    "kling/submit-throttled-1302": refused("kling", "rate"),
    "kling/submit-through-stock-gateway": sent("kling", "", {"kling_shape": "gateway"}),
    "kling/submit-trace-id-is-no-task": sent("kling"),
    "kling/submit-trouble-in-200": refused("kling", "unavailable", 200, code="5000"),
}
KLING_NEW = {
    "kling-new/poll-failed-risk-control": ended("kling-new", "moderation"),
    "kling-new/poll-queued": queued("kling-new"),
    "kling-new/poll-ready": ready("kling-new", sends("kling-new", options={"external_task_id": "job-1"})),
    "kling-new/poll-refused-key": refused_poll("kling-new", "auth", code="1004"),
    "kling-new/poll-running": running("kling-new"),
    "kling-new/poll-server-error": refused_poll("kling-new", "unavailable"),
    "kling-new/poll-throttled": refused_poll("kling-new", "rate"),
    "kling-new/poll-unseen": unknown("kling-new"),
    "kling-new/submit-refused-arrears": refused("kling-new", "balance", code="1101"),
    "kling-new/submit-refused-key": refused("kling-new", "auth"),
    "kling-new/submit-refused-moderation": refused("kling-new", "moderation"),
    "kling-new/submit-refused-no-slot": ReplyScript(
        of="kling-new", act=second("kling-new"), settings={"concurrency": 1}
    ),
    "kling-new/submit-refused-parameter": sent("kling-new", settings={"duration": 2}),
    "kling-new/submit-server-error": refused("kling-new", "unavailable", 500, code="5000"),
    "kling-new/submit-throttled": refused("kling-new", "rate"),
}
RUNWAY = {
    "runway/poll-cancelled": ended("runway", "cancelled"),
    "runway/poll-contradiction-inner-success": contradicts("runway", 3, "IN_PROGRESS", runway_shape="wrapped"),
    "runway/poll-contradiction-outer-failure-inner-running": contradicts(
        *("runway", 2, "FAILURE"), runway_shape="wrapped"
    ),
    "runway/poll-failed-asset": ended("runway", "fail", code="ASSET.INVALID"),
    "runway/poll-failed-bad-output": ended("runway", "fail"),
    "runway/poll-failed-internal": ended("runway", "error"),
    "runway/poll-failed-preprocessing-internal": ended("runway", "fail", code="INPUT_PREPROCESSING.INTERNAL"),
    "runway/poll-failed-preprocessing-safety": ended("runway", "moderation", code="INPUT_PREPROCESSING.SAFETY.TEXT"),
    "runway/poll-failed-safety-input": ended("runway", "moderation"),
    "runway/poll-failed-safety-input-refunded": ended("runway", "fail", code="SAFETY.INPUT.TEXT"),
    "runway/poll-failed-safety-output": ended("runway", "moderation", code="SAFETY.OUTPUT.VIDEO"),
    "runway/poll-failed-third-party": ended("runway", "fail", code="THIRD_PARTY.UNAVAILABLE"),
    "runway/poll-failed-wrapped": ended("runway", "moderation", runway_shape="wrapped"),
    "runway/poll-queued": queued("runway"),
    "runway/poll-queued-wrapped": queued("runway", runway_shape="wrapped"),
    "runway/poll-ready": ready("runway"),
    "runway/poll-ready-lower-case": ready("runway", runway_shape="lower"),
    "runway/poll-ready-wrapped": ready("runway", runway_shape="wrapped"),
    "runway/poll-ready-wrapped-fail-reason": ready("runway", runway_shape="wrapped"),
    "runway/poll-refused-key": refused_poll("runway", "auth"),
    "runway/poll-running": running("runway"),
    "runway/poll-server-error": bare("runway", "poll", 504),
    "runway/poll-throttled": refused_poll("runway", "rate"),
    "runway/poll-throttled-task": ReplyScript(of="runway", act=waits, settings={**VISIBLE, "concurrency": 1}),
    "runway/poll-unseen-404": ReplyScript(
        of="runway", act=polls("runway", 1), settings={"runway_hidden_as": "http_404"}
    ),
    "runway/poll-unseen-message-400": ReplyScript(of="runway", act=polls("runway", 1)),
    "runway/poll-unseen-status-200": ReplyScript(of="runway", act=polls("runway", 1), settings=HIDDEN_200),
    "runway/poll-unseen-status-400": ReplyScript(of="runway", act=polls("runway", 1), settings=HIDDEN_400),
    "runway/submit-refused-issues": sent("runway", promptImage="http://a.example/a.png"),
    "runway/submit-refused-key": refused("runway", "auth"),
    "runway/submit-refused-unknown-field": sent("runway", "/runwayml/v1/text_to_video", model="gen4.5"),
    "runway/submit-server-error": refused("runway", "unavailable", 502),
    "runway/submit-throttled-daily": refused("runway", "rate"),
}
XAI = {
    "xai/poll-edit-pending": ReplyScript(
        of="xai",
        act=polls("xai", 1, sends("xai", "/grok/v1/videos/edits", video={"url": "https://cdn.example/a.mp4"})),
        settings={"faults": ({"match": {"step": "poll"}, "do": {"set": {"status": "queued"}}},)},
    ),
    "xai/poll-expired": ended("xai", "expired"),
    "xai/poll-failed-argument": ended("xai", "fail", code="invalid_argument"),
    "xai/poll-failed-internal": ended("xai", "fail"),
    "xai/poll-failed-withheld": ended("xai", "moderation"),
    "xai/poll-failed-withheld-wrapped": ended("xai", "moderation", xai_shape="wrapped"),
    "xai/poll-failed-wrapped": ended("xai", "fail", xai_shape="wrapped"),
    "xai/poll-pending-empty-202": queued("xai", xai_pending="empty"),
    "xai/poll-pending-id-only": queued("xai"),
    "xai/poll-pending-no-json-202": bare("xai", "poll", 202, "Accepted"),
    "xai/poll-queued": queued("xai", xai_pending="upstream"),
    "xai/poll-ready": ready("xai"),
    "xai/poll-ready-wrapped-fail-reason": ready("xai", xai_shape="wrapped"),
    "xai/poll-refused-key": locked_out("xai", "poll"),
    "xai/poll-running": running("xai"),
    "xai/poll-running-wrapped": contradicts("xai", 1, "IN_PROGRESS", xai_shape="wrapped"),
    "xai/poll-unseen-400": unknown("xai"),
    "xai/poll-unseen-404": refused_poll("xai", "invalid", 404, code="not-found"),
    "xai/submit-refused-key": locked_out("xai", "submit"),
    "xai/submit-refused-moderation": refused("xai", "moderation", code="invalid-argument"),
    "xai/submit-refused-text-error": sent("xai", duration=16),
    "xai/submit-throttled": refused("xai", "rate"),
}
