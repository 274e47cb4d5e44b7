"""A span for each request, or a child of the span in its ``traceparent``; all consequences of the request belong to
it.
"""

from aiohttp import web

from modelbus.gateway.http.problems import Handler
from modelbus.gateway.http.requests import correlation_id_of
from modelbus.shared.observing.tracing import TRACEPARENT, span, valid_traceparent


@web.middleware
async def trace_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Handle the request inside a span."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "unknown"
    attributes = {"http.request.method": request.method, "http.route": route, "url.path": request.path}
    parent = valid_traceparent(request.headers.get(TRACEPARENT))
    with span(f"{request.method} {route}", kind="server", parent=parent, attributes=attributes) as found:
        response = await handler(request)
        # a reading speaks for the job that it stands for
        found["modelbus.correlation_id"] = correlation_id_of(request)
        found["http.response.status_code"] = response.status
        return response
