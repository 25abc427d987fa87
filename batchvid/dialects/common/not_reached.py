"""Recognise replies of something in front of the API: a block, a wrong path, a redirect, a captive portal.

Every other call would get the same reply, so the fault belongs to the provider. Sources: Cloudflare's pages on 1xxx
errors, the default pages of nginx, Akamai, CloudFront and AWS API Gateway, and the "not found" of common frameworks.
"""

from __future__ import annotations

import re

from batchvid.dialects.common.error_parsing import VendorError
from batchvid.dialects.common.json_bodies import decode_body, is_html
from batchvid.dialects.common.json_values import text
from batchvid.domain.wire import Response

REDIRECTS = (301, 302, 307, 308)  # 303 follows a call that was carried out
SHOWN_BYTES = 20_000

_NOT_FOUND = re.compile(r"^\W*(404:?\s*)?((page|route|resource|path|endpoint|url|api)\s+)?not[ _]found\W*$", re.I)
_ROUTE = re.compile(
    r"^method not allowed\W*$|invalid url \(|(unknown|unrecognized) (request url|endpoint|route|path|url)"
    r"|cannot (post|get|put|delete) /|no route (matched|found)|\broute\b.{0,80}\bnot (found|defined|exist)"
    r"|unexpected endpoint|no handler found|no such (route|endpoint)|default backend|requested url was not found"
    r"|application not found|deployment_not_found|(接口|路由|路径|请求地址)\S{0,10}(不存在|未找到)",
    re.I,
)
_BLOCK = re.compile(
    r"error code: 10\d\d|attention required|just a moment|enable cookies|cloudflare|access denied|request blocked"
    r"|reference #|akamai|cloudfront|incapsula|imperva|sucuri|waf|captcha|403 forbidden|^\W*forbidden\W*$"
    r"|rbac: access denied|<center>",
    re.I,
)
_PLACE = re.compile(
    r"(country|region|(user )?location)\b[^.]{0,40}\bnot (supported|available|served)"
    r"|not available in your (country|region)",
    re.I,
)
"""OpenAI and Google: they do not serve the place that the call comes from."""
_CLOUDFLARE = re.compile(r"error code: (10\d\d)|error (10\d\d):", re.I)
_WRONG_SCHEME = re.compile(r"plain http request was sent to https|http request to an https server", re.I)
_PROXY_PAGE = re.compile(r"<center>(nginx|openresty|cloudflare|tengine|awselb)|<address>apache", re.I)
_TOKEN_MISSING = re.compile(r"^missing authentication token\W*$", re.I)  # AWS API Gateway's word for "no such route"


def is_web_page(response: Response) -> bool:
    """Whether the reply is a web page instead of an answer of the API (X7). The bytes decide, then the header."""
    beginning = response.body[:SHOWN_BYTES].lstrip()
    if beginning[:1] in (b"{", b"["):
        return False
    shown = decode_body(beginning)
    return (
        is_html(shown)
        or (beginning[:1] == b"<" and not shown.startswith("<?xml"))
        or ("html" in response.headers.get("content-type", "").casefold() and not shown.startswith("<?xml"))
    )


def describe_obstacle(response: Response, vendor_error: VendorError, *, own_shape: bool) -> str:
    """Say what kept the call from the API; empty where the API itself replied, or may have.

    `own_shape` says that the reply is an error in JSON, as an API makes it.
    """
    status = response.status
    if status == 200 and vendor_error.http_status == 404:
        status = 404  # relays that answer everything with a 200
    shown = decode_body(response.body[:SHOWN_BYTES])
    message = vendor_error.message or shown.strip()[:500]
    if status in REDIRECTS:
        target = text(response.headers.get("location", "").partition("?")[0], 200)
        return f"wrong base_url or path: HTTP {status} redirects{f' to {target}' if target else ''}"
    if 200 <= status < 300:
        return (
            f"wrong base_url or path: {text(message)}"
            if own_shape and "unexpected endpoint" in message.casefold()
            else ""
        )
    if status in (400, 403, 451) and (
        "unsupported_country_region_territory" in vendor_error.codes or _PLACE.match(message)
    ):
        return f"HTTP {status}: the provider does not serve the place that the call comes from: {text(message)}"
    if status in (403, 400, 409, 421, 451) and (found := _block(response, shown, own_shape=own_shape)):
        return f"HTTP {status}: something in front of the provider refuses the call ({found})"
    if status == 403 and _TOKEN_MISSING.search(message):
        return f"wrong base_url or path: HTTP 403: {text(message)}"
    if status == 400 and _WRONG_SCHEME.search(shown):
        return "wrong base_url: the server speaks https, the address says http"
    is_route = not own_shape or _NOT_FOUND.search(message) is not None or names_no_route(message)
    if status == 405 or (status == 404 and is_route):
        shown_text = "a web page instead of an answer" if is_web_page(response) else text(message) or "an empty body"
        return f"wrong base_url or path: HTTP {status}: {shown_text}"
    return ""


def names_no_route(message: str) -> bool:
    """Whether a server says that it has no such path, in the words of a web framework."""
    return _ROUTE.search(message) is not None


def _block(response: Response, shown: str, *, own_shape: bool) -> str:
    """Name the filter in front of the API that refused the call; empty where none is recognised."""
    if "cf-mitigated" in response.headers or (number := _CLOUDFLARE.search(shown)) or '"cloudflare_error"' in shown:
        number = _CLOUDFLARE.search(shown)
        code = f", error {number[1] or number[2]}" if number else ""
        return f"Cloudflare{code}"
    if "x-amzn-waf-action" in response.headers:
        return "AWS WAF"
    if response.status == 400:
        return "its web server" if _PROXY_PAGE.search(shown) and not own_shape else ""
    if response.status == 403:
        if not own_shape:
            return _summary(response, shown)
        return "Forbidden" if re.search(r'^\{"message":\s*"Forbidden"\}$', shown.strip()) else ""
    return _summary(response, shown) if not own_shape and (is_web_page(response) and _BLOCK.search(shown)) else ""


def _summary(response: Response, shown: str) -> str:
    """Return the title of a page, or the beginning of a text."""
    title = re.search(r"<title>(.{1,200}?)</title>", shown, re.I | re.S)
    server = text(response.headers.get("server", ""), 40)
    shown_text = text(title[1] if title else re.sub(r"<[^<>]{0,500}>", " ", shown), 120) or "an empty body"
    return f"{server}: {shown_text}" if server else shown_text
