"""By route of the API, the command that does the same: where an error names a route, the command line names this."""

import re
from collections.abc import Mapping
from typing import Final

ROUTE_COMMANDS: Final[Mapping[str, str]] = {
    "GET /": "modelbus --help",
    "GET /services": "modelbus status",
    "GET /health/live": "modelbus status",
    "GET /health/ready": "modelbus status",
    "POST /datasets/preview": "modelbus datasets preview FILE",
    "POST /datasets": "modelbus datasets upload FILE",
    "GET /datasets": "modelbus datasets list",
    "GET /datasets/{name}": "modelbus datasets show {name}",
    "DELETE /datasets/{name}": "modelbus datasets delete {name}",
    "GET /datasets/{name}/rows": "modelbus datasets rows {name}",
    "GET /datasets/{name}/content": "modelbus datasets download {name}",
    "GET /estimators": "modelbus estimators list",
    "GET /estimators/{name}": "modelbus estimators show {name}",
    "POST /models": "modelbus train DATASET TARGET --estimator NAME",
    "POST /models/validate": "modelbus train DATASET TARGET --estimator NAME --check",
    "GET /models": "modelbus models list",
    "POST /models/{reference}/retrain": "modelbus models retrain {reference}",
    "GET /models/{name}": "modelbus models versions {name}",
    "DELETE /models/{name}": "modelbus models delete {name} --force",
    "GET /models/{name}/versions/{version}": "modelbus models show {name}@{version}",
    "PATCH /models/{name}/versions/{version}": "modelbus models tag {name}@{version}",
    "DELETE /models/{name}/versions/{version}": "modelbus models delete {name}@{version}",
    "GET /models/{name}/versions/{version}/artifact": "modelbus models artifact {name}@{version}",
    "GET /models/{name}/versions/{version}/candidates": "modelbus models candidates {name}@{version}",
    "PUT /models/{name}/aliases/{alias}": "modelbus models alias {name} {alias} VERSION",
    "DELETE /models/{name}/aliases/{alias}": "modelbus models alias {name} {alias} --remove",
    "POST /models/{reference}/predict": "modelbus predict {reference}",
    "GET /predictions/{correlation_id}/content": "modelbus predict MODEL --dataset DATASET --out FILE",
    "GET /evaluations/compare": "modelbus evaluations compare EVALUATION EVALUATION",
    "GET /evaluations/{id}/plots": "modelbus evaluations plots {id}",
    "GET /evaluations/{id}/plots/{file}": "modelbus plots {id}",
    "POST /evaluations": "modelbus evaluate MODEL DATASET",
    "GET /evaluations": "modelbus evaluations list",
    "GET /evaluations/{id}": "modelbus evaluations show {id}",
    "DELETE /evaluations/{id}": "modelbus evaluations delete {id}",
    "POST /models/{reference}/explain": "modelbus explain {reference}",
    "POST /models/{reference}/predict/explain": "modelbus explain {reference} --row NAME=VALUE",
    "POST /models/{reference}/learning-curve": "modelbus learning-curve {reference}",
    "POST /models/{reference}/drift": "modelbus drift {reference}",
    "GET /jobs": "modelbus jobs list",
    "GET /jobs/{correlation_id}": "modelbus jobs show {correlation_id}",
    "DELETE /jobs/{correlation_id}": "modelbus jobs cancel {correlation_id}",
    "POST /jobs/{correlation_id}/replay": "modelbus jobs replay {correlation_id}",
    "GET /events": "modelbus events",
    "GET /jobs/{correlation_id}/events": "modelbus jobs events {correlation_id}",
    "GET /logs": "modelbus logs",
    "GET /services/{name}/logs": "modelbus logs {name}",
    "GET /jobs/{correlation_id}/logs": "modelbus logs --correlation-id {correlation_id}",
    "GET /jobs/{correlation_id}/plots": "modelbus plots {correlation_id}",
    "GET /jobs/{correlation_id}/plots/{file}": "modelbus plots {correlation_id}",
    "GET /dead-letters": "modelbus dead-letters list",
    "DELETE /dead-letters": "modelbus dead-letters purge",
    "GET /dead-letters/{letter_id}": "modelbus dead-letters show {letter_id}",
    "PUT /dead-letters/{letter_id}": "modelbus dead-letters edit {letter_id}",
    "DELETE /dead-letters/{letter_id}": "modelbus dead-letters purge {letter_id}",
    "GET /dead-letters/{letter_id}/content": "modelbus dead-letters show {letter_id}",
    "POST /dead-letters/{letter_id}/replay": "modelbus dead-letters replay {letter_id}",
    "POST /keys": "modelbus keys create NAME",
    "GET /keys": "modelbus keys list",
    "DELETE /keys/{name}": "modelbus keys revoke {name}",
}

_SEGMENT: Final = re.compile(r"\{(\w+)\}")


def command_of_route(method: str, path: str) -> str | None:
    """The command that does what a route does; None where no command does.

    Args:
        method: Such as ``POST``.
        path: The route's path, or one that it answers: ``/jobs/{correlation_id}`` as ``/jobs/0b8f…``. What stands in
            its place in braces becomes a word in capitals.
    """
    for route, command in ROUTE_COMMANDS.items():
        own_method, _, template = route.partition(" ")
        if own_method == method and (values := _values(template, path)) is not None:
            return command.format(**values)
    return None


def _values(template: str, path: str) -> dict[str, str] | None:
    """What stands in a path for the variables of a template; None where the path is of another route."""
    names, parts = template.split("/"), path.split("/")
    if len(names) != len(parts):
        return None
    values = {}
    for name, part in zip(names, parts, strict=True):
        if variable := _SEGMENT.fullmatch(name):
            given = _SEGMENT.fullmatch(part)
            values[variable[1]] = given[1].upper() if given else part
        elif name != part:
            return None
    return values
