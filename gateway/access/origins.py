"""Protection from foreign web pages: a browser on this machine can reach loopback from any page.

Two checks come first: the host of the request, against DNS rebinding, and the origin reported by the browser (Fetch
Metadata, a resource isolation policy). CORS headers are never sent.
"""

from typing import Final

from aiohttp import web

from modelbus.gateway.access.addresses import is_loopback, without_port
from modelbus.gateway.access.scopes import demands_keys
from modelbus.gateway.application_keys import SETTINGS
from modelbus.gateway.http.problems import Handler
from modelbus.shared.errors import Forbidden

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})
_SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
_DATA_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""For responses with data: a browser that opens one directly executes nothing, not even in an SVG."""


@web.middleware
async def origin_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Reject requests from pages of other origins.

    Raises:
        Forbidden: The host is not allowed, or the request comes from another origin.
    """
    _check_host(request)
    _check_origin(request)
    return await handler(request)


def say_security_headers(response: web.StreamResponse) -> None:
    """Add the headers that stop browsers from guessing media types and from showing responses in other pages."""
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if response.content_type != "text/html":
        response.headers.setdefault("Content-Security-Policy", _DATA_POLICY)


def _check_host(request: web.Request) -> None:
    authority = request.headers.get("Host")
    settings = request.app[SETTINGS]
    allowed = {name.strip().lower() for name in (settings.allowed_hosts or "").split(",")} - {""}
    if authority is None or (not allowed and demands_keys(settings)):
        return  # not a browser, or a rebound page, which has no key
    host = without_port(authority)
    if host not in allowed and not is_loopback(host):
        raise Forbidden(
            f"host {host[:100]!r} is not allowed; use localhost or 127.0.0.1, or add it to MODELBUS_ALLOWED_HOSTS"
        )


def _check_origin(request: web.Request) -> None:
    headers = request.headers
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        is_link = request.method == "GET" and headers.get("Sec-Fetch-Mode") == "navigate"
        is_embedded = headers.get("Sec-Fetch-Dest") in ("object", "embed", "iframe", "frame")
        is_foreign = site not in _OWN_SITES and not (is_link and not is_embedded)
    else:
        # Older browsers; others send no Origin.
        origin = headers.get("Origin")
        is_foreign = origin is not None and request.method not in _READING and _authority(origin) != headers.get("Host")
    if is_foreign:
        raise Forbidden(
            "requests from pages of other origins are not allowed; use a program or the gateway's own pages"
        )


def _authority(origin: str) -> str:
    return origin.partition("://")[2]
