"""What a gateway serves of itself: the index names the documentation, which shows keys only where they are required."""

from typing import Any

import pytest

from tests.unit.gateway.asked_gateway import AskedGateway


async def description(gateway: AskedGateway) -> dict[str, Any]:
    document: dict[str, Any] = (await gateway.ask("GET", "/openapi.json")).document
    return document


def padlocks(document: dict[str, Any]) -> dict[str, Any]:
    """The requirements of the operations that have any, by name."""
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    return {operation["operationId"]: operation["security"] for operation in operations if operation["security"]}


async def test_the_index_names_the_documentation_first(gateway: AskedGateway) -> None:
    index = (await gateway.ask("GET", "/")).document

    assert next(iter(index.items())) == ("documentation", "/docs")
    assert (await gateway.ask("GET", "/docs")).status == 200


async def test_a_gateway_on_loopback_without_keys_shows_no_padlock(gateway: AskedGateway) -> None:
    document = await description(gateway)

    assert padlocks(document) == {}
    assert "securitySchemes" not in document["components"]


@pytest.mark.parametrize(
    ("operation", "scope"),
    [("list_jobs", "read"), ("upload_dataset", "submit"), ("create_key", "admin"), ("read_metrics", "metrics")],
)
async def test_a_gateway_with_keys_shows_a_padlock_with_its_scope(
    guarded: AskedGateway, operation: str, scope: str
) -> None:
    document = await description(guarded)
    [described] = [
        one for methods in document["paths"].values() for one in methods.values() if one["operationId"] == operation
    ]

    assert padlocks(document)[operation] == [{"ApiKey": [scope]}]
    assert described["description"].endswith(f"Requires an API key with the scope `{scope}`.")
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"


async def test_a_gateway_with_keys_shows_no_padlock_where_none_is_required(guarded: AskedGateway) -> None:
    open_ones = {"check_liveness", "check_readiness", "read_openapi", "read_asyncapi", "read_documentation"}

    assert padlocks(await description(guarded)).keys().isdisjoint(open_ones)
