"""Keeping other people's web pages out: a browser on this machine reaches loopback, whatever page it shows.

Two checks, before anything else: the host that the request names, against DNS rebinding; and where the browser says
that the request comes from (Fetch Metadata, a resource isolation policy). No CORS header is ever sent.
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
"""Of answers that are data: a browser that is pointed at one runs nothing of it, also not of an SVG."""


@web.middleware
async def origin_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a page of another origin sends.

    Raises:
        Forbidden: The request names a host that this is not, or comes from another origin.
    """
    _check_host(request)
    _check_origin(request)
    return await handler(request)


def say_security_headers(response: web.StreamResponse) -> None:
    """Tell browsers to take an answer for what it is, and to show it to nobody else."""
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if response.content_type != "text/html":
        response.headers.setdefault("Content-Security-Policy", _DATA_POLICY)


def _check_host(request: web.Request) -> None:
    authority = request.headers.get("Host")
    settings = request.app[SETTINGS]
    allowed = {name.strip().lower() for name in (settings.allowed_hosts or "").split(",")} - {""}
    if authority is None or (not allowed and demands_keys(settings)):
        return  # not a browser; or a page that was rebound here has no key
    host = without_port(authority)
    if host not in allowed and not is_loopback(host):
        raise Forbidden(
            f"the gateway is not to be asked as {host[:100]!r}, but as localhost or 127.0.0.1; "
            "MODELBUS_ALLOWED_HOSTS names further hosts"
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
        raise Forbidden("a page of another origin may not ask the gateway; ask it from a program or from its own pages")


def _authority(origin: str) -> str:
    return origin.partition("://")[2]
