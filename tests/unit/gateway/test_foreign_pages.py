"""Web pages of others reach loopback through the browser that shows them; an open gateway answers none of them."""

import pytest

from tests.unit.gateway.asked_gateway import AskedGateway

HERE = "127.0.0.1"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8000", "localhost.evil.example", "[2001:db8::1]"]
)
@pytest.mark.parametrize("path", ["/openapi.json", "/health/live"])
async def test_a_name_that_was_rebound_to_loopback_is_refused(gateway: AskedGateway, host: str, path: str) -> None:
    answer = await gateway.ask("GET", path, headers={"Host": host})
    assert (answer.status, answer.code) == (403, "forbidden")
    assert "MODELBUS_ALLOWED_HOSTS" in answer.detail


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8000", "LocalHost:9"])
async def test_loopback_by_any_name_is_answered(gateway: AskedGateway, host: str) -> None:
    assert (await gateway.ask("GET", "/health/live", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {"Origin": "https://evil.example"}),
        ("POST", {"Origin": "null"}),
        ("DELETE", {"Origin": f"http://{HERE}:1"}),
        ("POST", {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}),
        ("POST", {"Sec-Fetch-Site": "same-site"}),
        ("POST", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}),
    ],
)
async def test_a_page_of_another_origin_is_refused(gateway: AskedGateway, method: str, headers: dict[str, str]) -> None:
    answer = await gateway.ask(method, "/jobs/0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10", headers=headers)
    assert (answer.status, answer.code) == (403, "forbidden")
    assert "pages of other origins" in answer.detail


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
)
async def test_programs_own_pages_and_links_are_answered(gateway: AskedGateway, headers: dict[str, str]) -> None:
    assert (await gateway.ask("GET", "/health/live", headers=headers)).status == 200


async def test_its_own_pages_may_change_things(gateway: AskedGateway) -> None:
    own = {"Origin": gateway.url}
    for headers in (own, {**own, "Sec-Fetch-Site": "same-origin"}):
        assert (await gateway.ask("POST", "/models/validate", {}, headers)).code == "invalid_command"


@pytest.mark.parametrize("path", ["/health/live", "/nothing", "/openapi.json"])
async def test_answers_tell_browsers_to_run_nothing_and_show_it_to_nobody(gateway: AskedGateway, path: str) -> None:
    headers = (await gateway.ask("GET", path, headers={"Origin": "https://evil.example"})).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert not [name for name in headers if name.lower().startswith("access-control-")]
