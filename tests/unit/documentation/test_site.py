"""The site has every page, in an order that a person has thought of."""

from tests.snippets import ROOT, read_pages, site_pages

PAGES = site_pages()


def test_each_page_of_the_navigation_is_there_once() -> None:
    assert [page for page in PAGES if not (ROOT / page).is_file()] == []
    assert len(PAGES) == len(set(PAGES))


def test_each_page_of_the_documentation_is_in_the_navigation() -> None:
    """Decisions are reached from their table."""
    left_out = [page for page in read_pages() if page not in PAGES]
    assert [page for page in left_out if not page.startswith("docs/adr/0")] == []


def test_each_notebook_is_in_the_navigation_and_has_its_outputs() -> None:
    notebooks = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
    assert [str(path.relative_to(ROOT)) for path in notebooks if str(path.relative_to(ROOT)) not in PAGES] == []
    assert len(notebooks) == 2
    assert all('"output_type": "execute_result"' in path.read_text() for path in notebooks)
