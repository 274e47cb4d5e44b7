"""Datasets read back over HTTP: pages of rows, and exports."""

from tests.e2e.api import Answer, Api


def rows(api: Api, dataset: str, query: str = "", **headers: str) -> Answer:
    """A page of rows; header names with ``_`` for ``-``."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.get(f"/datasets/{dataset}/rows{query}", headers=fields)


def content(api: Api, dataset: str, query: str) -> Answer:
    """An export, which must be there in time."""
    answer = api.get(f"/datasets/{dataset}/content?{query}")
    assert answer.status == 200, answer
    return answer
