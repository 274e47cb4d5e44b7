"""Who may do what: the check before each handler, by the scope that its route declares.

Whoever has a scope sees all records with it; to cancel, replay or delete, the records must be one's own, or the scope
``admin`` (docs/security.md).
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
    """Whether requests need an API key: always, unless the gateway listens on loopback and is not told to."""
    return settings.require_keys or not is_loopback(settings.gateway_host)


@web.middleware
async def access_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through if its key allows it; from here on it is somebody's.

    Raises:
        Unauthenticated: It sends no valid key.
        Forbidden: The key does not allow this.
    """
    scope = _scope_of(request)
    if scope is not OPEN:
        principal = await _identify(request)
        if not principal.may(scope):
            has = ", ".join(principal.scopes) or "none"
            raise Forbidden(f"{request.method} {request.path} needs scope {scope!r}; key {principal.name!r} has {has}")
        request[PRINCIPAL] = principal
        _keep_apart(request, principal.owner)
    return await handler(request)


def owner_of(request: web.Request) -> str:
    """Whose the records are that the request makes."""
    return request[PRINCIPAL].owner


def require_own(request: web.Request, record: Owned, what: str) -> None:
    """Let only the owner of a record, or an admin, change what cannot be undone.

    Args:
        request: The request.
        record: What is to be changed, with its ``owner``.
        what: It, in words.

    Raises:
        Forbidden: It is somebody else's.
    """
    principal = request[PRINCIPAL]
    if record["owner"] != principal.owner and not principal.may("admin"):
        raise Forbidden(f"{what} belongs to {record['owner']!r}; key {principal.name!r} needs scope 'admin' for that")


async def require_own_job(request: web.Request, correlation_id: str) -> None:
    """The same, of a job.

    Raises:
        UnknownJob: There is none of that id.
        Forbidden: It is somebody else's.
    """
    if not request[PRINCIPAL].may("admin"):
        require_own(request, await request.app[JOBS].find_part(correlation_id, OWNED), f"job {correlation_id}")


def is_same_owner(request: web.Request, record: Owned) -> bool:
    """Whether a record is the asker's own, where owners are told apart."""
    return owner_of(request) in (record["owner"], LOCAL_OWNER)


def _scope_of(request: web.Request) -> Scope | None:
    found = request.match_info.route
    if found.resource is None or found.method == METH_ANY:
        return "read"  # there is nothing, or nothing by that method; only who may look around is told so
    route = route_of(request.match_info.handler)
    return "admin" if route is None else route.scope


async def _identify(request: web.Request) -> Principal:
    if not demands_keys(request.app[SETTINGS]):
        return ANYBODY
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        raise Unauthenticated(
            "this gateway demands an API key: send `Authorization: Bearer mbk_...`; "
            "`modelbus keys create NAME --scope submit` makes one"
        )
    principal = await request.app[KEY_RING].principal_of(text.strip())
    if principal is None:
        reason = "the API key is unknown, revoked or expired"
        request.app[REFUSALS].tell(reason, request.remote, request.path)
        raise Unauthenticated(f"{reason}; `modelbus keys list` shows which are valid")
    return principal


def _keep_apart(request: web.Request, owner: str) -> None:
    """An Idempotency-Key is its owner's: the same one of somebody else is another job."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and CORRELATION_HEADER not in request.headers and owner != LOCAL_OWNER:
        adopt_correlation_id(request, str(uuid5(NAMESPACE_URL, f"{request.method} {request.path} {owner} {key}")))
