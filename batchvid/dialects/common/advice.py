"""What the user can do about a refusal: one table, by HTTP status or by kind."""

from __future__ import annotations

from dataclasses import replace

from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import Accepted, GenerationRequest, Rejected, Uncertain

MAX_MESSAGE_CHARS = 450  # so that the advice stays within the 500 of a message

BY_STATUS: dict[int, str] = {
    404: "check the model's name ({model}) and the provider's base_url: the call went to {url}",
    413: "the request holds {files}: use smaller pictures, or links where the model takes them",
    415: "the vendor does not take this file type ({files}): convert the picture to PNG or JPEG",
    422: "change the field that the vendor names in the manifest",
}
BY_KIND: dict[FailureKind, str] = {
    FailureKind.AUTH: "check the provider's key (api_key_env, or auth), then run `batchvid doctor`",
    FailureKind.BALANCE: "add credit to the vendor's account; the next run goes on",
}


def with_advice(
    verdict: Accepted | Rejected | Uncertain, sent: GenerationRequest, url: str
) -> Accepted | Rejected | Uncertain:
    """Append what to do to the message of a refusal. `url` is where the call went, without a query."""
    if not isinstance(verdict, Rejected):
        return verdict
    advice = _find(verdict)
    if not advice:
        return verdict
    sentence = advice.format(model=sent.request.model, url=url, files=_files(sent))
    return replace(verdict, message=f"{verdict.message[:MAX_MESSAGE_CHARS]}; {sentence}")


def _find(refusal: Rejected) -> str:
    if refusal.kind in BY_KIND:
        return BY_KIND[refusal.kind]
    if refusal.kind is not FailureKind.INVALID or refusal.provider_wide:
        return ""
    inner = int(refusal.code) if refusal.http_status == 200 and refusal.code in map(str, BY_STATUS) else 0
    return BY_STATUS.get(inner or refusal.http_status, "")


def _files(sent: GenerationRequest) -> str:
    """Name the files of a request with their sizes."""
    files = [f"{image.filename or image.role} ({_size(len(image.data))})" for image in sent.images if image.data]
    return ", ".join(files) or "no file"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.1f} kB"
