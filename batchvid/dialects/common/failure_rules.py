"""Why an accepted task failed: a content filter, input that the vendor finds unfit, its own trouble, or no reason.

Structure first (status words, fields, codes), then the vendor's own words. An unexplained failure is suspected
moderation, as CometAPI's tutorial says; a reason that nobody documented is the vendor's trouble. The sources of the
codes stand beside them and in outcome_rules.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from batchvid.dialects.common import moderation
from batchvid.dialects.common.input_words import tells_of_unfit_input
from batchvid.dialects.common.moderation import FilterVerdict
from batchvid.dialects.common.outcome_rules import CONCURRENCY
from batchvid.dialects.common.status_words import is_moderation_word, read_failure_kind
from batchvid.dialects.common.vendor_codes import CODES
from batchvid.dialects.common.vendor_text import own_words
from batchvid.domain.failures import FailureKind

NO_REASON = "the vendor gave no reason"

TASK_CODES: tuple[tuple[str, FailureKind], ...] = (
    ("INPUT_PREPROCESSING.INTERNAL", FailureKind.UNAVAILABLE),  # to be sent again
    ("INPUT_PREPROCESSING.TIMEOUT", FailureKind.UNAVAILABLE),
    ("INPUT_PREPROCESSING.", FailureKind.INVALID),  # the input could not be prepared, and will not be next time
    ("INTERNAL", FailureKind.UNAVAILABLE),
    ("THIRD_PARTY.", FailureKind.UNAVAILABLE),
    ("ASSET.", FailureKind.INVALID),
)
"""How the failure codes of Runway's tasks begin, moderation apart; the first that fits counts (R-tr)."""

INPUT_CODES = frozenset(
    (
        *("image_too_small", "image_too_large", "image_load_error", "face_detection_error"),  # fal
        *("file_download_error", "file_too_large", "unsupported_image_format", "unsupported_video_format"),  # fal
        *("unsupported_audio_format", "video_duration_too_long", "video_duration_too_short"),  # fal
        *("unsupported_format", "corrupt_input"),  # Luma
        "imagedownloadfailure",  # Vidu
        *("invalidfile", "invalidimage", "invalidvideo"),  # DashScope
        *(
            "invalid_image",
            "invalid_image_url",
            "image_parse_error",
            "invalid_base64",
            "invalid_image_format",
        ),  # OpenAI
        *("string_above_max_length", "prompt_too_long", "image_not_readable", "no_face_detected"),  # OpenAI, relays
    )
)
"""Codes that find fault with a picture, a file or a prompt, in lower case."""

REQUEST_CODES = frozenset(
    (
        *("fieldinvalid", "fieldlacking"),  # Vidu
        *("invalidurl", "invalidparameter"),  # DashScope
        "2013",  # MiniMax
    )
)
"""Codes that find fault with a request: the one that made the task, if they are the reason why it failed."""

_NO_REASON_CODES = frozenset(
    ("", "task_failed", "failed", "failure", "fail", "error", "unknown", "unknown_error", "-1")
)
_NO_REASON = re.compile(
    r"[\W_]*(?:(?:the |your )?(?:(?:video|task|job|request) )?(?:generation |processing )?(?:has |is |was )?"
    r"(?:failed|failure|fail|error|unknown(?: error)?|unsuccessful)|none|null|undefined|n/?a"
    r"|(?:视频|任务|影片)?(?:生成|处理|执行)?(?:失败|失敗|错误)|未知错误|未知原因)[\W_]*",
    re.I,
)
"""A sentence that says only that the task failed."""


def failure_kind(
    words: Iterable[str], code: str, message: str, *, verdict: FilterVerdict | None = None, prompt: str = ""
) -> FailureKind:
    """Find why an accepted task failed: by its status words, its code and its message.

    A code may be a status word, too: a gateway says `failed` with the code `expired`. `verdict` is what the structure
    of the reply says. The gateway's own key, balance and rate are never blamed on the user's account. What the message
    quotes of the `prompt` is not searched.
    """
    words = tuple(words)
    sentence = own_words(message, prompt)
    by_word = next(filter(None, map(read_failure_kind, (*words, code))), None)
    by_structure = by_word or moderation.kind_of_code(code, sentence) or (verdict.kind if verdict else None)
    if by_structure:
        return by_structure
    kind_by_words = moderation.kind_of_words(sentence)
    if any(map(is_moderation_word, words)):
        return kind_by_words or FailureKind.MODERATION_OUTPUT
    by_code = next((kind for start, kind in TASK_CODES if code.upper().startswith(start)), None)
    if by_code or CONCURRENCY.search(sentence):
        return by_code or FailureKind.CONCURRENCY
    if kind_by_words:
        return kind_by_words
    if _names_unfit_input(code, sentence):
        return FailureKind.INVALID
    return FailureKind.UNAVAILABLE if has_reason(code, message) else FailureKind.MODERATION_SUSPECTED


def is_input_code(code: str) -> bool:
    """Whether a code names an unfit input, also with a detail behind a dot like `InvalidFile.Format`."""
    return code.strip().casefold().partition(".")[0] in INPUT_CODES


def _names_unfit_input(code: str, sentence: str) -> bool:
    """Whether the vendor finds fault with what the user sent: by a code, or by its own words."""
    listed = code.strip().casefold().partition(".")[0] in REQUEST_CODES or is_input_code(code)
    if listed or CODES.get(code.casefold()) is FailureKind.INVALID:
        return True
    return tells_of_unfit_input(sentence)


def has_reason(code: str, message: str) -> bool:
    """Whether the vendor gave any reason: a code or a sentence that says more than that the task failed."""
    named = code.strip().casefold() not in _NO_REASON_CODES
    return named or bool(message.strip() and not _NO_REASON.fullmatch(message))
