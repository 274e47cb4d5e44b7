"""Authorisation: the check of each route's scope before its handler runs.

A scope applies to all records; only cancelling, replaying and deleting require ownership or the scope ``admin``
(docs/security.md).
"""

from uuid import NAMESPACE_URL, uuid5

from aiohttp import web
from aiohttp.hdrs import METH_ANY

from modelbus.gateway.access.addresses import is_loopback
from modelbus.gateway.access.authentication import ANYBODY, KEY_RING, PRINCIPAL, REFUSALS, Principal
from modelbus.gateway.application_keys import JOBS, SETTINGS
from modelbus.gateway.http.problems import Handler
from modelbus.gateway.http.requests import CORRELATION_HEADER, adopt_correlation_id
from modelbus.gateway.routing.route import OPEN, route_of
from modelbus.shared.api_keys import Scope
from modelbus.shared.contracts.documents.job_documents import Owned
from modelbus.shared.errors import Forbidden, Unauthenticated
from modelbus.shared.settings import Settings
from modelbus.shared.store.job_queries import OWNED
from modelbus.shared.store.jobs.acceptance import LOCAL_OWNER


def demands_keys(settings: Settings) -> bool:
    """Whether requests require an API key: always, unless the gateway listens on loopback and the setting does not ask
    for it.
    """
    return settings.require_keys or not is_loopback(settings.gateway_host)


@web.middleware
async def access_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Pass a request on if its key permits it, with its principal attached.

    Raises:
        Unauthenticated: The request has no valid key.
        Forbidden: The key does not permit the request.
    """
    scope = _scope_of(request)
    if scope is not OPEN:
        principal = await _identify(request)
        if not principal.may(scope):
            has = ", ".join(principal.scopes) or "none"
            raise Forbidden(
                f"{request.method} {request.path} requires scope {scope!r}; key {principal.name!r} has {has}"
            )
        request[PRINCIPAL] = principal
        _keep_apart(request, principal.owner)
    return await handler(request)


def owner_of(request: web.Request) -> str:
    """The owner of the records that the request creates."""
    return request[PRINCIPAL].owner


def require_own(request: web.Request, record: Owned, what: str) -> None:
    """Check that the sender owns a record, or is an admin, before an irreversible change.

    Args:
        request: The request.
        record: The record to change, with its ``owner``.
        what: The record in words.

    Raises:
        Forbidden: The record has another owner.
    """
    principal = request[PRINCIPAL]
    if record["owner"] != principal.owner and not principal.may("admin"):
        raise Forbidden(f"{what} belongs to {record['owner']!r}; key {principal.name!r} requires scope 'admin'")


async def require_own_job(request: web.Request, correlation_id: str) -> None:
    """Like ``require_own``, for a job.

    Raises:
        UnknownJob: The job does not exist.
        Forbidden: The record has another owner.
    """
    if not request[PRINCIPAL].may("admin"):
        require_own(request, await request.app[JOBS].find_part(correlation_id, OWNED), f"job {correlation_id}")


def is_same_owner(request: web.Request, record: Owned) -> bool:
    """Whether the sender owns a record; always true for the owner of a gateway without keys."""
    return owner_of(request) in (record["owner"], LOCAL_OWNER)


def _scope_of(request: web.Request) -> Scope | None:
    found = request.match_info.route
    if found.resource is None or found.method == METH_ANY:
        return "read"  # an unknown path or method, which only keys with scope read may find out
    route = route_of(request.match_info.handler)
    return "admin" if route is None else route.scope


async def _identify(request: web.Request) -> Principal:
    if not demands_keys(request.app[SETTINGS]):
        return ANYBODY
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        raise Unauthenticated(
            "this gateway requires an API key: send `Authorization: Bearer mbk_...`; "
            "`modelbus keys create NAME --scope submit` creates one"
        )
    principal = await request.app[KEY_RING].principal_of(text.strip())
    if principal is None:
        reason = "the API key is unknown, revoked or expired"
        request.app[REFUSALS].tell(reason, request.remote, request.path)
        raise Unauthenticated(f"{reason}; `modelbus keys list` shows the valid keys")
    return principal


def _keep_apart(request: web.Request, owner: str) -> None:
    """An Idempotency-Key belongs to its owner: the same key of another owner is another job."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and CORRELATION_HEADER not in request.headers and owner != LOCAL_OWNER:
        adopt_correlation_id(request, str(uuid5(NAMESPACE_URL, f"{request.method} {request.path} {owner} {key}")))
