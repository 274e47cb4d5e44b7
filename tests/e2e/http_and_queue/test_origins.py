"""Web pages of others reach loopback through the browser that shows them; an open gateway answers none of them."""

from tests.e2e.api import Api


def test_a_name_that_was_rebound_to_loopback_is_refused(api: Api) -> None:
    answer = api.get("/jobs", headers={"Host": "evil.example"})
    assert (answer.status, answer.code) == (403, "forbidden")
    assert "MODELBUS_ALLOWED_HOSTS" in answer.detail


def test_a_page_of_another_origin_is_refused(api: Api) -> None:
    answer = api.delete("/jobs/0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10", headers={"Origin": "https://evil.example"})
    assert (answer.status, answer.code) == (403, "forbidden")
    assert "pages of other origins" in answer.detail


def test_its_own_pages_may_change_things(api: Api) -> None:
    own = {"Origin": f"http://{api.host}:{api.port}"}
    for headers in (own, {**own, "Sec-Fetch-Site": "same-origin"}):
        assert api.post("/models/validate", {}, headers=headers).code == "invalid_command"


def test_answers_tell_browsers_to_run_nothing_and_show_it_to_nobody(api: Api) -> None:
    headers = api.get("/jobs", headers={"Origin": "https://evil.example"}).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert not [name for name in headers if name.lower().startswith("access-control-")]
