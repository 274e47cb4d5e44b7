"""The package as it is installed: beside others that are named as its folders, without its extras, and with them.

The environments are new and see the packages of the tests' environment through a path file, so that nothing is
downloaded; what stands in the checkout they do not see.
"""

import json
import os
import subprocess
import sys
import sysconfig
import threading
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from modelbus.stack import LocalStack
from tests.stack_fixtures import started
from tools.dist import ROOMS, ROOT, build, faults

PACKAGE_LIMIT = 20
SIZE_LIMIT_BYTES = 45_000_000
NEIGHBOURS = ("shared", "trainer", "gateway")


class Environment:
    """A new virtual environment."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False)
        self.bin = folder / "bin"
        self.site = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder)}))
        self.empty = folder / "empty"
        self.empty.mkdir()

    def install(self, *wheels: Path) -> None:
        """Install wheels, and nothing that they need."""
        command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-deps", "--offline"]
        subprocess.run([*command, "--python", str(self.bin / "python"), *map(str, wheels)], check=True)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run one of its programs in an empty folder, with no variable that says where Modelbus is."""
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(("MODELBUS_", "PYTHON"))}
        program, *arguments = command
        return subprocess.run(
            [str(self.bin / program), *arguments],
            cwd=self.empty,
            env={**inherited, "PATH": f"{self.bin}{os.pathsep}{inherited['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


@pytest.fixture
def whole(archives: tuple[Path, Path], tmp_path: Path) -> Environment:
    """Modelbus with all that it may need, beside three packages that are named as folders of its checkout."""
    environment = Environment(tmp_path / "whole")
    (environment.site / "installed_for_tests.pth").write_text(sysconfig.get_path("purelib"))
    environment.install(archives[0], *(_neighbour(tmp_path, name) for name in NEIGHBOURS))
    return environment


@pytest.fixture
def client_only(archives: tuple[Path, Path], tmp_path: Path) -> Environment:
    """Modelbus with what it needs without any extra."""
    environment = Environment(tmp_path / "client")
    environment.install(archives[0])
    for name in _needed("modelbus"):
        for file in distribution(name).files or ():
            top = file.parts[0]
            link = environment.site / top
            if top not in ("..", "__pycache__") and not link.exists():
                link.symlink_to(distribution(name).locate_file(top))
    return environment


def test_the_archives_hold_the_package_whole_and_nothing_beside(archives: tuple[Path, Path]) -> None:
    assert faults(*archives) == []


def test_a_wheel_with_a_folder_beside_the_package_or_without_a_room_is_found_out(
    archives: tuple[Path, Path], tmp_path: Path
) -> None:
    wheel, archive = archives
    worse = tmp_path / wheel.name
    with zipfile.ZipFile(wheel) as good, zipfile.ZipFile(worse, "w") as bad:
        for name in good.namelist():
            bad.writestr(name.replace("modelbus/shared/", "shared/", 1), good.read(name))
    found = faults(worse, archive)
    assert f"{wheel.name} has shared beside the package" in found
    assert f"{wheel.name} lacks modelbus.shared" in found


def test_packages_named_as_the_services_stay_what_they_are(whole: Environment) -> None:
    code = (
        f"import {', '.join(NEIGHBOURS)}; from importlib import import_module\n"
        f"print([one.OWNER for one in ({', '.join(NEIGHBOURS)})])\n"
        f"for room in {ROOMS}: print(import_module('modelbus.' + room).__file__)"
    )
    done = whole.run("python", "-c", code)
    assert done.returncode == 0, done.stderr
    owners, *files = done.stdout.splitlines()
    assert owners == str(["somebody else"] * len(NEIGHBOURS))
    assert files == [str(whole.site / "modelbus" / room / "__init__.py") for room in ROOMS]


def test_services_of_an_installed_package_start_beside_packages_of_their_names(
    whole: Environment, tmp_path: Path
) -> None:
    _skip_without_servers(tmp_path)
    code = (
        "from pathlib import Path; from urllib.request import urlopen; from modelbus.stack import LocalStack\n"
        "with LocalStack(Path('.modelbus'), gateway_port=0, services=('trainer', 'gateway')) as stack:\n"
        "    print(urlopen(stack.gateway_url + '/health/ready').status)"
    )
    done = whole.run("python", "-c", code)
    assert (done.stdout, done.returncode) == ("200\n", 0), done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_of_an_installed_package_works_from_an_empty_folder(whole: Environment, tmp_path: Path) -> None:
    _skip_without_servers(tmp_path)
    done = whole.run("modelbus", "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All answers are right." in done.stdout


def test_without_extras_the_package_stays_small_and_the_client_is_there(client_only: Environment) -> None:
    needed = _needed("modelbus")
    assert len(needed) + 1 <= PACKAGE_LIMIT, sorted(needed)
    sizes = [file.size or 0 for name in needed for file in distribution(name).files or ()]
    own = [path.stat().st_size for path in (client_only.site / "modelbus").rglob("*.py")]
    assert sum(sizes) + sum(own) <= SIZE_LIMIT_BYTES

    done = client_only.run("python", "-c", "from modelbus import Client; print(Client('http://127.0.0.1:9').datasets)")
    assert done.returncode == 0, done.stderr
    done = client_only.run("modelbus", "version")
    assert "kombu (not installed)" in done.stdout


def test_without_extras_a_command_prints_what_a_gateway_answers(client_only: Environment) -> None:
    with _gateway_of_nothing() as url:
        done = client_only.run("modelbus", "datasets", "list", "--url", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "modelbus datasets upload" in done.stdout


@pytest.mark.parametrize(("command", "code"), [("status", 1), ("logs", 3), ("events", 3)])
def test_without_extras_a_command_says_that_nothing_runs(client_only: Environment, command: str, code: int) -> None:
    done = client_only.run("modelbus", command)
    assert done.returncode == code
    assert "modelbus up" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def _skip_without_servers(folder: Path) -> None:
    with started(LocalStack(folder / "probe", services=())):
        pass


@contextmanager
def _gateway_of_nothing() -> Iterator[str]:
    """The address of a gateway that has no datasets."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"datasets": [], "next": None}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _needed(name: str) -> set[str]:
    """The distributions that one needs without extras, and what those need."""
    needed: set[str] = set()
    waiting = {name}
    while waiting:
        for text in distribution(waiting.pop()).requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                one = canonicalize_name(requirement.name)
                waiting |= {one} - needed
                needed.add(one)
    return needed


def _neighbour(folder: Path, name: str) -> Path:
    """The wheel of a package that is somebody else's."""
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    information = f"{name}-1.0.dist-info"
    content = {
        f"{name}/__init__.py": 'OWNER = "somebody else"\n',
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{one},,\n" for one in (*content, f"{information}/RECORD"))
    with zipfile.ZipFile(wheel, "w") as opened:
        for path, text in {**content, f"{information}/RECORD": record}.items():
            opened.writestr(path, text)
    return wheel
