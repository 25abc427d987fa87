"""Addresses of tables on the web: which are accepted, and what is fetched for a link that a browser shows. Pure."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_GOOGLE_EDIT = re.compile(r"/spreadsheets/(?:u/\d+/)?d/(?!e/)(?P<id>[\w-]+)(?:/.*)?")
_GOOGLE_PUBLISHED = re.compile(r"/spreadsheets/d/e/(?P<id>[\w-]+)/pub(?:html)?")
_MAX_LABEL_CHARS = 60


def is_address(name: str) -> bool:
    """Whether a table's name is an address rather than a file."""
    return _ADDRESS.match(name) is not None


def download_address(written: str) -> str:
    """The address that gives the table's content. Raises ValueError for one that cannot be fetched safely.

    A link of Google Sheets to an editor or a published page becomes that of its CSV
    (https://developers.google.com/workspace/sheets, "export?format=csv"; "Publish to the web").
    """
    parts = urlsplit(written)
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or a password; share the table by a link")
    if any(character.isspace() for character in written) or not parts.hostname:
        raise ValueError("is no valid address; copy the link again")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("must begin with https://")
    if parts.hostname == "docs.google.com":
        return _of_google_sheets(parts.path, parts.query, parts.fragment) or written
    if parts.hostname in ("www.dropbox.com", "dropbox.com"):
        query = {**{name: values[0] for name, values in parse_qs(parts.query).items()}, "dl": "1"}
        return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query), ""))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query, ""))


def label_of(written: str) -> str:
    """The address in messages: without its query, which may be a secret, and short; with the sheet of a workbook."""
    try:
        parts = urlsplit(written)
    except ValueError:
        return "an address"
    text = f"{parts.hostname or ''}{parts.path}"
    if len(text) > _MAX_LABEL_CHARS:
        text = f"{text[: _MAX_LABEL_CHARS - 20]}...{text[-17:]}"
    gid = {**parse_qs(parts.query), **parse_qs(parts.fragment)}.get("gid")
    return f"{text}#gid={gid[0]}" if gid else text


def _of_google_sheets(path: str, query: str, fragment: str) -> str:
    gid = {**parse_qs(query), **parse_qs(fragment)}.get("gid", [""])[0]
    if match := _GOOGLE_PUBLISHED.fullmatch(path):
        return f"https://docs.google.com/spreadsheets/d/e/{match['id']}/pub?{_query(gid, output='csv', single='true')}"
    if match := _GOOGLE_EDIT.fullmatch(path):
        return f"https://docs.google.com/spreadsheets/d/{match['id']}/export?{_query(gid, format='csv')}"
    return ""


def _query(gid: str, **values: str) -> str:
    if gid:
        return urlencode({**values, "gid": gid})
    values.pop("single", None)
    return urlencode(values)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
