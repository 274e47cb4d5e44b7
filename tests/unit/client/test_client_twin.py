"""The blocking client is what its source makes; the package imports what it must and nothing more."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import modelbus
from modelbus import errors
from modelbus.client.asynchronous import client as asynchronous
from modelbus.client.synchronous import client as synchronous
from modelbus.shared import errors as tree
from modelbus.shared.errors import ModelbusError
from tools.twin import made_of, stale

ROOT = Path(__file__).parents[3]
HEAVY = ("sklearn", "scipy", "numpy", "pandas", "pyarrow", "kombu", "redis", "pymongo", "gridfs", "skops", "aiohttp")
PARTS = ("datasets", "estimators", "models", "evaluations", "jobs", "dead_letters", "api_keys")


def test_the_blocking_client_is_what_the_asynchronous_one_makes() -> None:
    assert stale() == []


def test_what_waits_in_one_twin_blocks_in_the_other() -> None:
    text = "async def f(self) -> AsyncJob[int]:\n    async with a() as b:\n        return (await b.aclose()).x\n"
    assert made_of(text, "x.py").partition("\n")[2] == (
        "def f(self) -> Job[int]:\n    with a() as b:\n        return (b.close()).x\n"
    )


@pytest.mark.parametrize("part", ["", *PARTS])
def test_both_twins_have_the_same_methods_with_the_same_words(part: str) -> None:
    one, other = asynchronous.AsyncClient("http://x"), synchronous.Client("http://x")
    first, second = (getattr(one, part), getattr(other, part)) if part else (one, other)
    names = {name for name in dir(first) if not name.startswith("_")}
    assert {name.removeprefix("a") if name == "aclose" else name for name in names} == {
        name for name in dir(second) if not name.startswith("_")
    }
    for name in names - {"aclose", *PARTS, "url"}:
        here, there = getattr(first, name), getattr(second, name)
        assert inspect.getdoc(here)
        assert list(inspect.signature(here).parameters) == list(inspect.signature(there).parameters)


def test_the_client_loads_nothing_that_only_services_need() -> None:
    code = (
        "import sys, json, modelbus; modelbus.Client; modelbus.AsyncClient; modelbus.errors; modelbus.Predictions;"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_the_command_line_shows_its_help_without_loading_what_is_slow() -> None:
    code = f"import sys, json, modelbus.cli;print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_everything_that_the_package_offers_is_there() -> None:
    assert sorted(modelbus.__all__) == modelbus.__dir__()
    for name in modelbus.__all__:
        assert getattr(modelbus, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Clients'"):
        _ = modelbus.Clients  # type: ignore[attr-defined]


def test_every_error_that_a_gateway_can_tell_can_be_caught() -> None:
    told = {
        name
        for name, value in vars(tree).items()
        if isinstance(value, type) and issubclass(value, ModelbusError) and name != "LeaseLost"
    }
    own = {
        *("DamagedDownload", "GatewayUnreachable", "MissingExtra", "UnexpectedAnswer", "UnfitTable", "WaitTimedOut"),
        "WrongArgument",
    }
    assert set(errors.__all__) == told | own | {"TableWarning"}
    assert all(issubclass(getattr(errors, name), ModelbusError) for name in told | own)
    assert issubclass(errors.TableWarning, UserWarning)
