"""The documentation says what the code does: settings, error codes, routes, named files, named code, links."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from modelbus.gateway.app import create_app
from modelbus.gateway.http.problems import known_codes
from modelbus.gateway.routing.route_table import ROUTES
from modelbus.shared.errors import error_types
from modelbus.shared.settings import Settings

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))])

CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w.-]+(/[\w.-]+)*(/|\.(py|md|toml|txt|yml|yaml|lock))")
PLACE = re.compile(r"((?:`[\w.]+`(?:,\s)?)+)\s+in\s+`([\w/]+\.py)`")
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
ROUTE = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`?\s]*)[^`]*`")
VARIABLE = re.compile(r"MODELBUS_[A-Z_]*[A-Z]")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


ALL = create_app(Settings())[ROUTES]


def rows_of(name: str) -> dict[str, tuple[str, ...]]:
    """Table rows whose first cell is code, by that code: the other cells."""
    rows = {}
    for line in (ROOT / "docs" / name).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `"):
            rows[cells[0].strip("`")] = tuple(cells[1:])
    return rows


def known_variables() -> set[str]:
    """The settings, and what the client, the command line, compose and the benchmarks read."""
    elsewhere = ["docker-compose.yml", ".env.example", "shared/settings.py", "benchmarks/auto/auto_environments.py"]
    texts = [(ROOT / name).read_text() for name in elsewhere]
    texts += [path.read_text() for path in (ROOT / "modelbus").rglob("*.py") if "client" in path.parts]
    texts += [path.read_text() for path in (ROOT / "modelbus/commands").rglob("*.py")]
    return {f"MODELBUS_{name.upper()}" for name in Settings.model_fields} | set(VARIABLE.findall("\n".join(texts)))


@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / "benchmarks/README.md"], ids=lambda path: path.name)
def test_every_variable_that_is_named_exists(document: Path) -> None:
    assert set(VARIABLE.findall(document.read_text())) - known_variables() == set()


def setting_row(name: str) -> tuple[str, str]:
    field = Settings.model_fields[name]
    default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    return ("none" if default is None else f"`{default}`"), str(field.description)


def test_the_table_of_settings_says_what_the_settings_are() -> None:
    expected = {f"MODELBUS_{name.upper()}": setting_row(name) for name in Settings.model_fields}
    assert rows_of("settings.md") == expected


def test_the_table_of_errors_says_what_the_gateway_answers() -> None:
    # other tests and the local stack make errors too; theirs cross no HTTP
    served = {kind.code for kind in error_types() if kind.__module__.split(".")[1] in ("shared", "gateway")}
    expected = {code: (str(status), text) for code, (status, text) in known_codes().items() if code in served}
    assert {code: cells[:2] for code, cells in rows_of("errors.md").items()} == expected


def test_every_error_has_advice() -> None:
    assert [code for code, cells in rows_of("errors.md").items() if len(cells) != 3 or not cells[2]] == []


def is_route(method: str, path: str) -> bool:
    """Whether there is a route, whatever its variables are called."""
    patterns = [re.sub(r"{\w+}", "[^/]+", route.path) for route in ALL if route.method == method]
    return any(re.fullmatch(pattern, path) for pattern in patterns)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_route_that_is_named_exists(document: Path) -> None:
    assert [named for named in ROUTE.findall(document.read_text()) if not is_route(*named)] == []


def test_the_page_on_security_names_every_route_that_needs_no_key() -> None:
    text = (ROOT / "docs/security.md").read_text()
    line = next(line for line in text.splitlines() if "An API key for everything but" in line)
    # the files of the page at /docs come with it
    assert set(re.findall("`(/[^`]+)`", line)) == {route.path for route in ALL if route.scope is None} - {
        "/docs/{file}"
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    targets = [target for target in LINK.findall(document.read_text()) if "://" not in target]
    files = [target.partition("#")[0] for target in targets if not target.startswith("#")]
    assert [file for file in files if not (document.parent / file).exists()] == []


def test_every_file_that_the_architecture_names_exists() -> None:
    spans = CODE.findall(FENCED.sub("", (ROOT / "docs/architecture.md").read_text()))
    files = [span for span in spans if FILE.fullmatch(span)]
    assert files
    assert [file for file in files if not (ROOT / file).exists()] == []


def named_places() -> Iterator[tuple[str, str]]:
    for names, file in PLACE.findall((ROOT / "docs/architecture.md").read_text()):
        for name in CODE.findall(names):
            yield name, file


def is_defined(name: str, file: str) -> bool:
    text = (ROOT / file).read_text()
    return all(
        re.search(rf"^\s*(class|def|async def) {part}\b|^{part}\b.*=", text, re.MULTILINE) for part in name.split(".")
    )


def test_everything_that_the_architecture_names_is_in_its_file() -> None:
    places = list(named_places())
    assert len(places) > 50
    assert [place for place in places if not is_defined(*place)] == []
