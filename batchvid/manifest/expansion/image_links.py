"""Links to pictures: which ones a vendor can fetch, and what to write instead of the others. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

from batchvid.domain.clip_request import STORED_LINKS

_SHARE_PAGES = {
    "drive.google.com": "Google Drive",
    "docs.google.com": "Google Drive",
    "photos.google.com": "Google Photos",
    "photos.app.goo.gl": "Google Photos",
    "www.dropbox.com": "Dropbox",
    "dropbox.com": "Dropbox",
    "1drv.ms": "OneDrive",
    "onedrive.live.com": "OneDrive",
    "www.icloud.com": "iCloud",
    "share.icloud.com": "iCloud",
    "we.tl": "WeTransfer",
    "wetransfer.com": "WeTransfer",
}
"""Hosts whose share links lead to a page for people, not to the bytes of a picture."""
_DIRECT = re.compile(r"[?&](raw|dl)=1\b|[?&]export=(download|view)\b|/uc\?|/thumbnail\?", re.I)


def is_link(name: str) -> bool:
    """Whether the text is written like an address: with a scheme, or as `//host/path`."""
    return re.match(r"[A-Za-z][A-Za-z0-9+._-]*://|data:|//[^/\\]+\.[^/\\]+/", name) is not None


def check_link(link: str) -> str:
    """The link, if a vendor can fetch a picture there. Raises ValueError with what to write instead."""
    hint = _hint(link)
    if hint:
        raise ValueError(f"{link[:200]} {hint}")
    return link


def _hint(link: str) -> str:
    lower = link.casefold()
    if lower.startswith("data:"):
        return "holds the picture itself: save it as a file beside the manifest, and write its name"
    if lower.startswith(STORED_LINKS):
        return "" if re.fullmatch(r"[a-z_]+://[\w.-]+", link) else "names no file of the vendor's store"
    if lower.startswith("file:"):
        return f"is an address of this machine: write the path, {_path_of(link)}"
    if link.startswith("//"):
        return f"has no scheme: write https:{link}"
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return "is not an address: write a file, or an https:// address that the vendor can fetch"
    if parts.scheme.casefold() == "http":
        return f"is not encrypted: write https{link[4:]}, if the server has it"
    if parts.scheme.casefold() != "https" or not host or re.search(r"\s", parts.netloc):
        return "must be a file, or an https:// address that the vendor can fetch"
    if re.search(r"\s", link):
        return f"has a space in it: write {quote(link, safe=':/?#[]@!$&()*+,;=%~' + chr(39))}"
    if (service := _SHARE_PAGES.get(host.casefold())) and not _DIRECT.search(link):
        direct = f", or write {_direct_link(link)}" if service == "Dropbox" else ""
        return (
            f"is a page of {service}, not a picture: download the file, put it beside the manifest and write its "
            f"name{direct}"
        )
    return ""


def _path_of(link: str) -> str:
    path = unquote(re.sub(r"^file:/{0,2}(localhost)?", "", link, flags=re.I))
    return path[1:] if re.match(r"/[A-Za-z]:[/\\]", path) else path


def _direct_link(link: str) -> str:
    """Dropbox's own link to the bytes of a shared file."""
    if re.search(r"[?&]dl=0\b", link):
        return re.sub(r"([?&])dl=0\b", r"\1raw=1", link)
    return f"{link}{'&' if '?' in link else '?'}raw=1"
