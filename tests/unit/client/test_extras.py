"""What is not installed is said in one sentence that names the extra; what is loaded is what is used."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from modelbus import errors, extras
from modelbus.client.frames import frame_of_columns, frame_of_parquet, rows_body
from modelbus.client.places import DEFAULT_URL
from modelbus.shared import contracts
from modelbus.shared.settings import Settings
from modelbus.shared.version import VERSION

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SERVER_MODULES = sorted({module for modules in extras.MODULES.values() for module in modules})


def _required(extra: str) -> set[str]:
    """The distributions that an extra brings, by their own names."""
    names: set[str] = set()
    for requirement in PROJECT["optional-dependencies"][extra]:
        if inner := re.fullmatch(r"modelbus\[(.*)\]", requirement):
            names |= {name for one in inner[1].split(",") for name in _required(one)}
        else:
            names.add(re.split(r"[\[<>=;! ]", requirement)[0].lower())
    return names


def _without_extras(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as if no extra were installed."""
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({SERVER_MODULES})); "
        f"sys.argv = {['modelbus', *arguments]}; from modelbus.cli import main; main()"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("extra", extras.MODULES)
def test_an_extra_is_known_by_modules_that_it_brings(extra: str) -> None:
    homes = packages_distributions()
    brought = _required(extra)
    for module in extras.MODULES[extra]:
        assert {name.lower().replace("_", "-") for name in homes[module]} & brought, module


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["up"], "pip install 'modelbus[server,embedded]'"),
        (["demo"], "pip install 'modelbus[server,embedded]'"),
        (["demo", "--url", "http://127.0.0.1:9"], "pip install 'modelbus[server]'"),
        (["publish", "{}"], "pip install 'modelbus[queue]'"),
        (["keys", "list"], "pip install 'modelbus[queue]'"),
        (["keys", "create", "ci"], "pip install 'modelbus[queue]'"),
        (["keys", "revoke", "ci"], "pip install 'modelbus[queue]'"),
        (["predict", "m", "--row", "a=1", "--out", "x.parquet"], "pip install 'modelbus[frames]'"),
    ],
)
def test_a_command_whose_extra_is_missing_names_it_in_one_sentence(arguments: list[str], said: str) -> None:
    done = _without_extras(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(said)


@pytest.mark.parametrize("service", ["gateway", "trainer", "predictor", "evaluator"])
@pytest.mark.parametrize("lacking", [SERVER_MODULES, ["sklearn"]], ids=["no extra", "the extra queue alone"])
def test_a_service_whose_extra_is_missing_names_it_in_one_sentence(service: str, lacking: list[str]) -> None:
    code = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({lacking})); "
        f"runpy.run_module('modelbus.{service}', run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: python -m modelbus.{service} needs packages that are not installed")
    assert line.endswith("pip install 'modelbus[server]'")


def test_versions_are_printed_also_of_what_is_not_installed() -> None:
    code = (
        "from modelbus.commands.local import version; version.LIBRARIES = ('nothing-of-that-name',); version.version()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"modelbus {VERSION}\n" in done.stdout
    assert "nothing-of-that-name (not installed)" in done.stdout


@pytest.mark.parametrize("name", ["QueueDoor", "publish"])
def test_the_door_to_the_queues_without_its_extra_is_an_import_error_that_names_it(name: str) -> None:
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({SERVER_MODULES}))\n"
        f"try:\n    from modelbus import {name}\nexcept ImportError as error:\n    print(error.code, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("missing_extra QueueDoor needs packages")
    assert done.stdout.endswith("pip install 'modelbus[queue]'\n")


def test_a_result_as_a_frame_without_pandas_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for make in (lambda: frame_of_columns({"a": [1]}), lambda: frame_of_parquet(b"")):
        with pytest.raises(errors.MissingExtra, match=r"to_frame needs .* pip install 'modelbus\[frames\]'"):
            make()


def test_a_table_that_speaks_arrow_without_pyarrow_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    class Table:
        def __arrow_c_stream__(self) -> None: ...

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(errors.MissingExtra, match=r"this Table needs .* pip install 'modelbus\[frames\]'"):
        rows_body(Table())


def test_importing_the_client_loads_neither_httpx_nor_pydantic() -> None:
    names = ("httpx", "pydantic", "tenacity", "rich", "asyncio", "importlib.metadata")
    code = (
        "import sys, json; from modelbus import AsyncClient, Client; "
        f"print(json.dumps([name for name in {names} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_every_name_of_the_contracts_is_where_the_package_says() -> None:
    for name in contracts.__all__:
        assert getattr(contracts, name) is not None
    homes = {name for names in contracts._HOMES.values() for name in names}
    assert set(contracts.__all__) == homes | {"new_correlation_id"}
    with pytest.raises(AttributeError, match="no attribute 'Commands'"):
        _ = contracts.Commands  # type: ignore[attr-defined]


def test_the_clients_default_address_is_where_a_gateway_listens_by_default() -> None:
    settings = Settings.model_fields
    assert f"http://{settings['gateway_host'].default}:{settings['gateway_port'].default}" == DEFAULT_URL
